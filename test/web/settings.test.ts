// The pages of those who look after a project, a group or the instance: what their forms set does what it says, against a real
// receiver, a real git server and real credentials; and nobody sees or does more there than by the APIs.
import http from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { Webhook } from "standardwebhooks";
import { beforeAll, describe, expect, test } from "vitest";
import { createGroup } from "../../src/registry/forge/groups.ts";
import { addMember } from "../../src/registry/forge/members.ts";
import { createProject } from "../../src/registry/forge/projects.ts";
import { OPERATOR } from "../../src/registry/principal.ts";
import { atEnd } from "../support/at-end.ts";
import { makeRepository } from "../support/git-fixture.ts";
import { type GitServer, gitServer } from "../support/git-server.ts";
import { ask, basic } from "../support/http.ts";
import { ADMIN_TOKEN, type TestServer, testServer } from "../support/server.ts";
import { type Browser, browser, type Fields } from "./browser.ts";

let server: TestServer;
let remote: GitServer;
let receiver: string;
const received: { readonly headers: Record<string, string>; readonly body: string }[] = [];
let maintainer: Browser;
let owner: Browser;
let admin: Browser;

beforeAll(async () => {
  remote = await gitServer("git.test");
  server = await testServer({
    environment: { GOKURA_ALLOW_PRIVATE_NETWORKS: "127.0.0.0/8", GOKURA_UPSTREAM_CA_FILE: remote.caFile },
  });
  const listener = http.createServer(async (request, response) => {
    let body = "";
    for await (const chunk of request) body += chunk;
    received.push({ headers: request.headers as Record<string, string>, body });
    response.writeHead(200).end("thanks <b>a lot</b>");
  });
  await new Promise<void>((done) => listener.listen(0, "127.0.0.1", done));
  atEnd(async () => void listener.close());
  receiver = `http://127.0.0.1:${(listener.address() as AddressInfo).port}/told`;
  const { registry } = server;
  await createGroup(registry, OPERATOR, { fullPath: "acme" });
  for (const name of ["lib", "follows"]) await createProject(registry, OPERATOR, { fullPath: `acme/${name}` });
  for (const [username, accessLevel] of [
    ["mara", 40],
    ["olga", 50],
    ["dora", 30],
  ] as const) {
    await server.token(username);
    await addMember(registry, OPERATOR, { groupPath: "acme" }, { username, accessLevel });
  }
  maintainer = await browser(server.url, await server.token("mara"));
  owner = await browser(server.url, await server.token("olga"));
  admin = await browser(server.url, ADMIN_TOKEN);
});

/** What stands in the box of something that was just made and is shown once. */
const shownOnce = (text: string): string =>
  /<div class="banner note">.*?<code>([^<]+)<\/code><\/pre>/s.exec(text)![1]!.replaceAll("&#39;", "'");

test("a tag is protected, and unprotected", async () => {
  const page = "/acme/lib/-/protected_tags";
  expect((await maintainer.submit(page, page, { do: "protect", name: "v*", level: "none" })).status).toBe(303);
  expect((await maintainer.get(page)).text).toMatch(/<td><span class="mono">v\*<\/span><\/td><td>nobody<\/td>/);
  const again = await maintainer.submit(page, page, { do: "protect", name: "v*", level: "developer" });
  expect([again.status, again.text]).toEqual([422, expect.stringContaining("protected already")]);
  await maintainer.submit(page, page, { do: "unprotect", name: "v*" });
  expect((await maintainer.get(page)).text).toContain("No tag is protected");
});

describe("a deploy token", () => {
  const clone = async (username: string, secret: string, path: string) =>
    (await ask(server.url, `/${path}.git/info/refs?service=git-upload-pack`, { headers: basic(username, secret) }))
      .status;

  test("of a project opens it, until it is revoked", async () => {
    const page = "/acme/lib/-/deploy_tokens";
    const made = await maintainer.submit(page, page, {
      ...{ do: "create", name: "robot <1>", username: "robot", scopes: ["read_repository", "read_package_registry"] },
    });
    expect([made.status, made.text]).toEqual([
      200,
      expect.stringContaining("The deploy token robot &lt;1&gt; is made."),
    ]);
    const secret = shownOnce(made.text);
    expect(made.text).toContain(`machine 127.0.0.1 login robot password ${secret}`);
    expect((await maintainer.get(page)).text).not.toContain(secret);
    expect([await clone("robot", secret, "acme/lib"), await clone("robot", secret, "acme/follows")]).toEqual([
      200, 404,
    ]);
    const [, id] = /name="id" value="(\d+)"/.exec((await maintainer.get(page)).text)!;
    await maintainer.submit(page, page, { do: "revoke", id: id! });
    expect(await clone("robot", secret, "acme/lib")).toBe(401);
  });

  test("of a group opens all below it; Maintainers see it, and Owners make it", async () => {
    const page = "/groups/acme/-/deploy_tokens";
    const made = await owner.submit(page, page, {
      do: "create",
      name: "all",
      username: "all",
      scopes: "read_repository",
    });
    const secret = shownOnce(made.text);
    expect(await clone("all", secret, "acme/follows")).toBe(200);
    const { text } = await maintainer.get(page);
    expect(text).toContain("<td>all</td>");
    expect(text).not.toContain("Revoke");
    // The form of somebody else's page does nothing.
    const forged = await maintainer.submit("/-/groups", "/-/sign-out", {});
    expect(forged.status).toBe(303);
    maintainer = await browser(server.url, await server.token("mara"));
    const token = /name="form_token" value="([^"]+)"/.exec((await maintainer.get("/")).text)![1]!;
    const refused = await maintainer.post(page, {
      form_token: token,
      do: "create",
      name: "x",
      scopes: "read_repository",
    });
    expect([refused.status, refused.text]).toEqual([422, expect.stringContaining("needs the access level owner")]);
  });

  test("without a scope, or with one of another kind, is none", async () => {
    const page = "/acme/lib/-/deploy_tokens";
    for (const scopes of [[], ["api"]]) {
      const refused = await maintainer.submit(page, page, { do: "create", name: "x", scopes });
      expect([refused.status, refused.text]).toEqual([422, expect.stringContaining("choose from read_repository")]);
    }
  });
});

test("an issuer of ID tokens is trusted by its claims, and no longer", async () => {
  const page = "/acme/lib/-/trusts";
  const wanted = { do: "create", issuer: "https://ci.example.com", audience: "gokura", scopes: "write_repository" };
  for (const [claims, told] of [
    ["repository", "is not NAME=PATTERN"],
    ["sub=a\nsub=b", "stands there twice"],
    ["sub=a\n__proto__=x", "__proto__ is no name of a claim"],
    ["sub=**", "name at least one claim"],
  ]) {
    const refused = await maintainer.submit(page, page, { ...wanted, claims: claims! });
    expect([refused.status, refused.text]).toEqual([422, expect.stringContaining(told!)]);
  }
  const taken = await maintainer.submit(page, page, {
    ...{ ...wanted, claims: " repository=acme/lib\r\n\r\nref=refs/tags/v*\r\n", expires: "2999-01-31" },
  });
  expect(taken.status).toBe(303);
  const { text } = await maintainer.get(page);
  expect(text).toContain("<div><code>ref=refs/tags/v*</code></div><div><code>repository=acme/lib</code></div>");
  const trust = await server.registry.prisma.trust.findFirstOrThrow({ where: { expiresAt: { not: null } } });
  expect(trust.claims).toEqual({ repository: "acme/lib", ref: "refs/tags/v*" });
  await maintainer.submit(page, page, { do: "end", id: String(trust.id) });
  expect((await maintainer.get(page)).text).toContain("No issuer of ID tokens is trusted");
});

test("a hook is told what happens, tested, told again, changed and deleted", async () => {
  const page = "/acme/lib/-/hooks";
  const made = await maintainer.submit(page, page, { url: receiver, name: "Chat", events: ["version.published"] });
  const key = shownOnce(made.text);
  const [, at] = new RegExp(`href="(${page}/\\d+)"`).exec(made.text)!;
  expect((await maintainer.submit(at!, at!, { do: "test", event: "version.published" })).status).toBe(303);
  const accepted = () => maintainer.get(at!).then(({ text }) => [...text.matchAll(/mark good">accepted/g)].length);
  await expect.poll(accepted, { timeout: 30_000 }).toBe(1);
  const [told] = received;
  new Webhook(key).verify(told!.body, told!.headers);
  const { text } = await maintainer.get(at!);
  expect(text).toContain("thanks &lt;b&gt;a lot");
  expect(text).not.toContain(key);
  const [, delivery] = /name="delivery" value="(\d+)"/.exec(text)!;
  await maintainer.submit(at!, at!, { do: "resend", delivery: delivery! });
  await expect.poll(accepted, { timeout: 30_000 }).toBe(2);
  expect(received[1]!.headers["webhook-id"]).toBe(told!.headers["webhook-id"]);

  const change = { do: "update", url: receiver, name: "Talk", events: ["tag.moved", "tag.deleted"] };
  expect((await maintainer.submit(at!, at!, change)).status).toBe(303);
  expect((await maintainer.get(page)).text).toContain("<td>tag.moved, tag.deleted</td>");
  const none = await maintainer.submit(at!, at!, { ...change, events: ["world.ended"] });
  expect([none.status, none.text]).toEqual([422, expect.stringContaining("there is no such event")]);
  const nowhere = await maintainer.submit(at!, at!, { ...change, url: "ftp://x" });
  expect(nowhere.status).toBe(422);
  // A hook of another place is none of this one.
  expect((await owner.get(at!.replace("/acme/lib", "/groups/acme"))).status).toBe(404);
  await maintainer.submit(at!, at!, { do: "delete" });
  expect((await maintainer.get(at!)).status).toBe(404);
});

test("hooks of the instance and of groups are there for administrators and Owners", async () => {
  for (const [visitor, page] of [
    [admin, "/admin/hooks"],
    [owner, "/groups/acme/-/hooks"],
  ] as const) {
    const { text } = await visitor.submit(page, page, { url: receiver, events: ["tag.moved"] });
    expect(text).toContain(`${receiver}</a>`);
    expect((await maintainer.get(page)).status).toBe(403);
  }
});

test("a project follows a repository, is told how that goes, and then no more", async () => {
  makeRepository(join(remote.directory, "lib.git"), (r) =>
    r.tag("v1.0.0", r.commit({ "go.mod": "module gokura.test/acme/follows\n", "a.go": "package a\n" })),
  );
  const page = "/acme/follows/-/mirror";
  const bad = await maintainer.submit(page, page, { do: "create", url: "git://git.test/lib" });
  expect(bad.status).toBe(422);
  const url = `${remote.url}/lib.git`;
  const made = await maintainer.submit(page, page, { do: "create", url, username: "u", password: "hunter2" });
  expect([made.status, shownOnce(made.text)]).toEqual([200, expect.stringMatching(/^whsec_/)]);
  await expect
    .poll(async () => (await maintainer.get(page)).text, { timeout: 30_000 })
    .toMatch(/<dt>State<\/dt><dd><span class="mark good">on/);
  const { text } = await maintainer.get(page);
  expect(text).toContain(`<code>${server.url}/-/hooks/`);
  expect(text).not.toContain("hunter2");
  await expect
    .poll(async () => (await maintainer.get("/acme/follows/-/tags")).text, { timeout: 30_000 })
    .toContain("v1.0.0");
  expect((await maintainer.get("/acme/follows")).text).toContain(">mirror</span>");
  expect((await admin.get("/admin/mirrors")).text).toContain(url);

  remote.misbehave = (_, response) => {
    response.writeHead(503).end();
    return true;
  };
  await maintainer.submit(page, page, { do: "sync" });
  await expect.poll(async () => (await maintainer.get(page)).text, { timeout: 30_000 }).toContain("came to nothing");
  remote.misbehave = undefined;
  const change = { do: "update", url, interval: "3600", enabled: "" };
  expect((await maintainer.submit(page, page, change)).status).toBe(303);
  expect((await maintainer.get(page)).text).toContain(">not followed</span>");
  const slow = await maintainer.submit(page, page, { ...change, interval: "a while" });
  expect([slow.status, slow.text]).toEqual([422, expect.stringContaining("is no number of seconds")]);
  await maintainer.submit(page, page, { do: "delete" });
  expect((await maintainer.get(page)).text).toContain("This project has its own repository");

  await maintainer.submit(page, page, { do: "create", url: "git@git.invalid:acme/lib.git" });
  const byKey = (await maintainer.get(page)).text;
  expect(byKey).toMatch(
    /<dt>Deploy key, for the repository there<\/dt><dd><code>ssh-ed25519 \S+ gokura:acme\/follows</,
  );
  expect(byKey).not.toContain("Forget the key of the host");
  const hostKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJkI1l4LsVVigyjASxbfnSotSqSL8Xuax9Z6tXlt48EA";
  await server.registry.prisma.credential.updateMany({ where: { kind: "DEPLOY_KEY" }, data: { hostKey } });
  expect((await maintainer.get(page)).text).toMatch(/<dt>Key of the host<\/dt><dd><code>SHA256:/);
  await maintainer.submit(page, page, { do: "forget-host-key" });
  expect((await maintainer.get(page)).text).not.toContain("SHA256:");
  await maintainer.submit(page, page, { do: "delete" });
});

test("nobody sees more than the APIs tell", async () => {
  const developer = await browser(server.url, await server.token("dora"));
  const stranger = await browser(server.url, await server.token("stan"));
  const anonymous = await browser(server.url);
  const parts = ["edit", "mirror", "protected_tags", "deploy_tokens", "trusts", "hooks", "hooks/1"];
  for (const part of parts) {
    const path = `/acme/lib/-/${part}`;
    expect([part, (await developer.get(path)).status]).toEqual([part, part === "protected_tags" ? 200 : 403]);
    const [hidden, none] = [await stranger.get(path), await stranger.get(path.replace("lib", "none"))];
    expect([hidden.status, hidden.text.replaceAll("lib", "none")]).toEqual([404, none.text]);
    expect((await anonymous.get(path)).headers.location).toBe(`/-/sign-in?return_to=${encodeURIComponent(path)}`);
  }
  const { text } = await developer.get("/acme/lib/-/protected_tags");
  expect(text).not.toContain("<textarea");
  expect(text).not.toMatch(/<form[^>]*protected_tags/);
});

describe("a form that is refused", () => {
  const fieldIn = (form: string, name: string): string | undefined =>
    new RegExp(`<(?:input|textarea)[^>]* name="${name}"[^>]*>`).exec(form)?.[0];
  /** The form that was refused, as it is shown again: the one with this `do`, or the page's only one. */
  const again = async (who: Browser, page: string, fields: Fields): Promise<string> => {
    const { status, text } = await who.submit(page, page, { do: "", ...fields });
    expect([status, text]).toEqual([422, expect.stringContaining('role="alert"')]);
    const forms = [...text.matchAll(/<form class="form".*?<\/form>/gs)].map(([form]) => form);
    const of = `name="do" value="${fields.do ?? ""}"`;
    const found = forms.find((form) => (fields.do ? form.includes(of) : !form.includes('name="do"')));
    for (const other of forms) if (other !== found) expect(other).not.toContain("typed");
    return found!;
  };

  test.each<[string, () => Browser, Fields]>([
    ["/groups/acme/-/policies", () => owner, { do: "add", pattern: "typed.test", reason: "typed", age: "7w" }],
    ["/groups/acme/-/trusts", () => owner, { do: "create", issuer: "typed", audience: "typed", claims: "typed" }],
    ["/groups/acme/-/deploy_tokens", () => owner, { do: "create", name: "typed", username: "typed", expires: "soon" }],
    ["/acme/lib/-/advisories", () => maintainer, { do: "create", modulePath: "typed.test", summary: "typed" }],
    ["/acme/lib/-/protected_tags", () => maintainer, { do: "protect", name: "typed /" }],
    ["/acme/lib/-/edit", () => maintainer, { do: "update", name: "typed", module_prefix: "not typed /" }],
    ["/-/groups", () => owner, { path: "typed/is missing" }],
    ["/admin/users", () => admin, { do: "create", username: "typed /", name: "typed" }],
    ["/admin/feature_flags", () => admin, { do: "set", name: "typed", place: "users", target: "typed" }],
    [
      "/-/user_settings/personal_access_tokens",
      () => owner,
      { do: "create", name: "typed", scopes: "read_api", expires: "2027-02-30" },
    ],
  ])("%s has what was typed, and no other form of the page has", async (page, who, fields) => {
    const form = await again(who(), page, fields);
    for (const [name, value] of Object.entries(fields))
      if (!["do", "claims", "place", "scopes"].includes(name))
        expect(fieldIn(form, name)).toContain(` value="${value}"`);
    if (fields.claims !== undefined) expect(form).toContain(`>${fields.claims}</textarea>`);
  });

  test("has what was chosen and ticked, and what was not", async () => {
    const hook = await again(owner, "/groups/acme/-/hooks", { url: "typed", events: ["tag.moved"] });
    expect(hook.match(/value="[^"]+" checked/g)).toEqual(['value="tag.moved" checked']);
    const policy = { do: "add", action: "deny", kind: "hosted", pattern: "*", mode: "strict", vulnerable: "any" };
    const rule = await again(owner, "/groups/acme/-/policies", policy);
    expect([...rule.matchAll(/value="([^"]*)" selected/g)].map(([, value]) => value)).toEqual([
      ...["hosted", "any", "deny", "strict"],
    ]);
    const user = await again(admin, "/admin/users", { do: "create", username: "-", admin: "true" });
    expect(fieldIn(user, "admin")).toContain(" checked");
  });

  test("sends no secret back, also none that stands in an address", async () => {
    const hook = await again(owner, "/groups/acme/-/hooks", { url: "typed", token: "s3cret" });
    const typed = { do: "create", url: "ftp://typed:s3cret@git.test/lib", username: "typed", password: "s3cret" };
    const mirror = await again(maintainer, "/acme/lib/-/mirror", typed);
    expect([hook, mirror].filter((form) => form.includes("s3cret"))).toEqual([]);
    expect(fieldIn(mirror, "url")).toContain(' value="ftp://git.test/lib"');
  });
});
