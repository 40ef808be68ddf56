// Rules, advisories and vulnerabilities on pages: those who may, see and change them, by forms, with the same effect as by the
// APIs; nobody else does.
import { beforeAll, expect, test } from "vitest";
import { createGroup } from "../../src/registry/forge/groups.ts";
import { addMember } from "../../src/registry/forge/members.ts";
import { createProject } from "../../src/registry/forge/projects.ts";
import { OPERATOR } from "../../src/registry/principal.ts";
import { eventually } from "../support/eventually.ts";
import { fakeUpstream } from "../support/fake-upstream.ts";
import { ask, bearer } from "../support/http.ts";
import { pushRecipe, remoteOf } from "../support/push.ts";
import { ADMIN_TOKEN, type TestServer, testServer } from "../support/server.ts";
import { vulnerabilityFeed } from "../support/vulnerability-feed.ts";
import { type Browser, browser } from "./browser.ts";

const LIB = "gokura.test/acme/lib";
let server: TestServer;
const visitors: Record<string, Browser> = {};
const statusOf = async (path: string): Promise<number> =>
  (await ask(server.url, `/api/v4/packages/go/${path}`, { headers: bearer(ADMIN_TOKEN) })).status;

beforeAll(async () => {
  const upstream = await fakeUpstream();
  for (const name of ["m", "many"]) await upstream.version(`example.com/${name}`, "v1.0.0");
  const source = await fakeUpstream();
  const events = [{ introduced: "0" }, { fixed: "1.1.0" }];
  vulnerabilityFeed(
    source,
    "2026-01-01T00:00:00Z",
    ...[{ id: "GO-2026-0001", module: "example.com/m", events }],
    ...Array.from({ length: 51 }, (_, n) => ({ id: `GO-2026-${1001 + n}`, module: "example.com/many", events })),
  );
  server = await testServer({ environment: { GOKURA_UPSTREAM: upstream.url, GOKURA_VULNDB: source.url } });
  const { registry } = server;
  await createGroup(registry, OPERATOR, { fullPath: "acme", visibility: "PUBLIC" });
  await createProject(registry, OPERATOR, { fullPath: "acme/lib", visibility: "PUBLIC" });
  for (const [username, accessLevel] of [
    ["owner", 50],
    ["maintainer", 40],
    ["reporter", 20],
  ] as const) {
    visitors[username] = await browser(server.url, await server.token(username));
    await addMember(registry, OPERATOR, { groupPath: "acme" }, { username, accessLevel });
  }
  visitors.admin = await browser(server.url, ADMIN_TOKEN);
  visitors.anonymous = await browser(server.url);
  await pushRecipe(remoteOf(server.url, "acme/lib", ADMIN_TOKEN), (r) => {
    r.tag("v1.0.0", r.commit({ "go.mod": `module ${LIB}\n\ngo 1.16\n\nrequire example.com/m v1.0.0\n` }));
  });
  for (const name of ["m", "many"]) expect(await statusOf(`example.com/${name}/@v/v1.0.0.mod`)).toBe(200);
  await eventually(
    () => ask(server.url, "/vulndb/index/db.json"),
    ({ status }) => status === 200,
    10_000,
  );
});

const RULE = { do: "add", action: "deny", pattern: "example.com/m", kind: "upstream", reason: "<b>stolen</b>" };

test("an administrator makes a rule, which is in force, asks what it says, and removes it", async () => {
  const page = "/admin/policies";
  const { admin } = visitors;
  expect((await admin!.get(page)).text).toContain("There are no rules here");
  expect((await admin!.submit(page, page, { ...RULE, versions: "v1.0.0", until: "2099-01-31" })).status).toBe(303);
  expect(await statusOf("example.com/m/@v/v1.0.0.info")).toBe(403);
  const { text } = await admin!.get(`${page}?of=example.com/m@v1.0.0`);
  expect(text).toContain("&lt;b&gt;stolen&lt;/b&gt;");
  expect(text).toContain("What would change it");
  const [, id] = /name="id" value="(\d+)"/.exec(text)!;
  const listed = async () => (await admin!.get(`${page}?hits=${id}`)).text;
  await expect.poll(listed, { timeout: 10_000 }).toContain("1 version of 1 module");
  expect(await listed()).toContain(">example.com/m@v1.0.0</a>");
  expect((await admin!.submit(page, page, { do: "judge" })).status).toBe(303);
  expect((await admin!.submit(page, page, { do: "remove", id: id! })).status).toBe(303);
  expect(await statusOf("example.com/m/@v/v1.0.0.info")).toBe(200);
});

test("a group's Owner makes one by licences; its Reporter sees it and has no form; a wrong one is said on the page", async () => {
  const page = "/groups/acme/-/policies";
  const { owner, reporter, anonymous } = visitors;
  const licensed = { ...RULE, action: "hold", pattern: "*", licensesOtherThan: "mit, Apache-2.0", mode: "dry" };
  expect((await owner!.submit(page, page, licensed)).status).toBe(303);
  const seen = (await reporter!.get(page)).text;
  expect(seen).toContain("licences other than Apache-2.0, MIT");
  expect(seen).not.toContain("A new rule");
  for (const [fields, why] of [
    [{ ...licensed, licensesOtherThan: "mine" }, "SPDX License List"],
    [{ ...licensed, mode: "", age: "7w" }, "is no age"],
    [{ ...licensed, until: "tomorrow" }, "must be a day"],
    [{ ...licensed, action: "forbid" }, "choose one of"],
  ] as const) {
    const { status, text } = await owner!.submit(page, page, fields);
    expect([status, text]).toEqual([422, expect.stringContaining(why)]);
  }
  expect([401, 404, 302, 303]).toContain((await anonymous!.get(page)).status);
  expect((await owner!.get("/admin/policies")).status).not.toBe(200);
});

test("a Maintainer tells of a vulnerability and withdraws it; the page of the version has it, with what it is built of", async () => {
  const page = "/acme/lib/-/advisories";
  const { maintainer, reporter, anonymous } = visitors;
  const told = {
    do: "create",
    modulePath: LIB,
    summary: "reads <beyond> the end",
    fixed: "v1.0.1",
    aliases: "CVE-2026-9",
  };
  expect((await reporter!.post(page, told)).status).not.toBe(303);
  expect((await maintainer!.submit(page, page, told)).status).toBe(303);
  const tab = async () => (await anonymous!.get(`/-/go/${LIB}@v1.0.0?tab=vulnerabilities`)).text;
  const text = await tab();
  for (const words of ["GOKURA-2026-0001", "reads &lt;beyond&gt; the end", "CVE-2026-9", "v1.0.1", "GO-2026-0001"])
    expect(text).toContain(words);
  await maintainer!.submit(page, page, { do: "withdraw", id: "GOKURA-2026-0001" });
  expect(await tab()).not.toContain("GOKURA-2026-0001");
  expect((await anonymous!.get(page)).text).toContain("withdrawn");
});

test("many vulnerabilities stand on several pages", async () => {
  const { admin } = visitors;
  const tab = "/-/go/example.com/many@v1.0.0?tab=vulnerabilities";
  const listed = async (path: string) => {
    const { text } = await admin!.get(path);
    expect(text).toContain("51 known vulnerabilities");
    return { ids: [...text.matchAll(/>(GO-2026-\d+)</g)].map(([, id]) => id), text };
  };
  const first = await listed(tab);
  const [, next = ""] = /rel="next" href="([^"]+)"/.exec(first.text)!;
  const second = await listed(next.replaceAll("&amp;", "&"));
  expect([first.ids.length, second.ids]).toEqual([50, ["GO-2026-1051"]]);
  expect(second.text).not.toContain('rel="next"');
});
