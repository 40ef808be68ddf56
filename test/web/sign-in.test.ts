// Signing in and out, and what a session is worth: no more than its token, and only on pages.
import { readdirSync, readFileSync } from "node:fs";
import { beforeAll, describe, expect, test } from "vitest";
import { createGroup } from "../../src/registry/forge/groups.ts";
import { createProject } from "../../src/registry/forge/projects.ts";
import { setUserBlocked } from "../../src/registry/forge/users.ts";
import { OPERATOR } from "../../src/registry/principal.ts";
import { publishVersions, version } from "../graphql/graphql-server.ts";
import { ask, bearer } from "../support/http.ts";
import { ADMIN_TOKEN, type TestServer, testServer } from "../support/server.ts";
import { ACCEPT, browser } from "./browser.ts";

let server: TestServer;
let token: string;
/** The first page while there is nobody but `root`: of the anonymous, and of root. */
let firstSight: string;
let firstSteps: string;
/** The page of root when the first module is there. */
let afterSteps: string;
/** Whether there was a thread for documentation: after what a program asked, after the first page. */
let threadRan: boolean[];

beforeAll(async () => {
  server = await testServer();
  const { threads } = server.registry.documentation;
  await ask(server.url, "/");
  threadRan = [threads.running];
  firstSight = (await ask(server.url, "/", { headers: { accept: ACCEPT } })).text;
  threadRan.push(threads.running);
  const root = await browser(server.url, ADMIN_TOKEN);
  firstSteps = (await root.get("/")).text;
  await createGroup(server.registry, OPERATOR, { fullPath: "first" });
  const { id } = await createProject(server.registry, OPERATOR, { fullPath: "first/lib" });
  await publishVersions(server.registry, id, [version("gokura.test/first/lib", "v1.0.0")]);
  afterSteps = (await root.get("/")).text;
  token = await server.token("alice", "api", "read_repository");
});

test("what go, git, curl and clients of the API get is what they always got", async () => {
  for (const accept of ["*/*", "application/json", ""]) {
    const headers: Record<string, string> = accept === "" ? {} : { accept };
    const home = await ask(server.url, "/", { headers });
    expect([accept, home.status, home.headers["content-type"]]).toEqual([accept, 200, "text/plain; charset=utf-8"]);
    expect(home.text).toMatch(/^This is Gokura/);
    const none = await ask(server.url, "/alice/lib", { headers });
    expect([none.status, none.text]).toEqual([404, expect.stringContaining("there is no page here. If alice/lib")]);
  }
  const html = { accept: ACCEPT };
  for (const [path, type] of [
    ["/-/health", "application/json; charset=utf-8"],
    ["/api/v4/version", "application/json; charset=utf-8"],
    ["/gokura.test/alice/lib/@v/list", "text/plain; charset=utf-8"],
    ["/index", "application/json; charset=utf-8"],
  ])
    expect([path, (await ask(server.url, path!, { headers: html })).headers["content-type"]]).toEqual([path, type]);
});

test("who reads pages finds documentation sooner: its thread starts with the first page, not with what programs ask", () => {
  expect(threadRan).toEqual([false, true]);
});

test("a server on which nothing was done yet says what comes first, and says it no more once a module or somebody else is there", async () => {
  expect(firstSight).toContain("This server is new.");
  expect(firstSight).toContain("sign in with it");
  for (const step of [">Make users</a>", ">Make a group</a>", "git push"]) expect(firstSteps).toContain(step);
  expect(firstSight).not.toContain(">Make users</a>");
  expect(afterSteps).toContain("gokura.test/first/lib");
  expect(afterSteps).not.toContain("Three steps");
  for (const visitor of [await browser(server.url), await browser(server.url, ADMIN_TOKEN)])
    expect((await visitor.get("/")).text).not.toMatch(/This server is new|Three steps/);
});

test("a page forbids all that is inline or from elsewhere, is kept by nobody else, and is asked for again", async () => {
  const { status, headers, text } = await ask(server.url, "/", { headers: { accept: ACCEPT } });
  expect([status, headers["content-type"]]).toEqual([200, "text/html; charset=utf-8"]);
  expect(headers["content-security-policy"]).toBe(
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
  );
  expect(headers).toMatchObject({
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "x-robots-tag": "noindex",
    "cache-control": "private, no-cache",
    vary: "Accept, Cookie, Authorization",
  });
  expect(text).not.toMatch(/<script(?![^>]* src=)|<style|\sstyle=|\son\w+=/);
  const again = { accept: ACCEPT, "if-none-match": headers.etag! };
  expect((await ask(server.url, "/", { headers: again })).status).toBe(304);
});

test("assets are kept for ever, and an old address is none", async () => {
  const { text } = await ask(server.url, "/", { headers: { accept: ACCEPT } });
  const found = [...text.matchAll(/(?:href|src)="(\/-\/assets\/[^"]+)"/g)].map(([, path]) => path!);
  const assets = [...new Set(found)];
  expect(assets.map((path) => path.split("/").at(-1))).toEqual(["style.css", "logo.svg", "script.js"]);
  for (const path of assets) {
    const { status, headers, bytes } = await ask(server.url, path);
    expect([path, status, headers["cache-control"]]).toEqual([path, 200, "public, max-age=31536000, immutable"]);
    if (path.endsWith(".js")) expect(bytes.length).toBeLessThan(5_000);
    expect((await ask(server.url, path.replace(/assets\/./, "assets/x"))).status).toBe(404);
    // The style sheet is all of what it is written in.
    if (path.endsWith(".css"))
      for (const file of readdirSync("src/web/assets/style"))
        expect(bytes.includes(readFileSync(`src/web/assets/style/${file}`)), file).toBe(true);
  }
});

describe("a session", () => {
  test("begins with a token, knows who it is, and ends with the button", async () => {
    const alice = await browser(server.url, token);
    expect(alice.cookie()).toMatch(/^gokura=[\w-]{43}$/);
    const { text } = await alice.get("/");
    expect(text).toContain(">alice</a>");
    const { status } = await alice.submit("/", "/-/sign-out");
    expect([status, alice.cookie()]).toEqual([303, undefined]);
    expect((await alice.get("/")).text).toContain(">Sign in</a>");
  });

  test("its cookie is for browsers alone, and holds no token", async () => {
    const answer = await (await browser(server.url)).submit("/-/sign-in", "/-/sign-in", { token });
    expect(answer.headers["set-cookie"]).toEqual([
      expect.stringMatching(/^gokura=[\w-]{43}; Path=\/; HttpOnly; SameSite=Lax; Expires=/),
    ]);
    const cookie = answer.headers["set-cookie"]![0]!.split(";")[0]!;
    // It opens nothing but pages.
    expect((await ask(server.url, "/api/v4/user", { headers: { cookie } })).status).toBe(401);
    const query = { method: "POST", body: '{"query":"{currentUser{username}}"}' };
    const json = { cookie, "content-type": "application/json" };
    const graphql = await ask(server.url, "/api/graphql", { ...query, headers: json });
    expect(JSON.parse(graphql.text)).toEqual({ data: { currentUser: null } });
  });

  test("leads back to where it was asked for, and to no other site", async () => {
    for (const [asked, then] of [
      ["/acme/lib", "/acme/lib"],
      ["//evil.example", "/"],
      ["/\\evil.example", "/"],
      ["https://evil.example/", "/"],
      ["/\t/evil.example", "/"],
    ]) {
      const anonymous = await browser(server.url);
      const { headers } = await anonymous.post("/-/sign-in", { token, return_to: asked! });
      expect([asked, headers.location]).toEqual([asked, then]);
    }
  });

  test("is over when its token is revoked, and when its user is blocked", async () => {
    const fresh = await server.token("bob");
    const bob = await browser(server.url, fresh);
    expect((await bob.get("/")).text).toContain(">bob</a>");
    await ask(server.url, "/api/v4/personal_access_tokens/self", { method: "DELETE", headers: bearer(fresh) });
    expect((await bob.get("/")).text).toContain(">Sign in</a>");
    const carol = await browser(server.url, await server.token("carol"));
    await setUserBlocked(server.registry, OPERATOR, "carol", true);
    expect((await carol.get("/")).text).toContain(">Sign in</a>");
  });

  test("is over when nobody used it for half a day, and after two weeks however much it is used", async () => {
    for (const change of ["last_used_at = now() - interval '12 hours'", "expires_at = now()"]) {
      const alice = await browser(server.url, token);
      expect((await alice.get("/")).text).toContain(">alice</a>");
      await server.registry.database.pool.query(`UPDATE web_session SET ${change}`);
      expect((await alice.get("/")).text).toContain(">Sign in</a>");
    }
  });

  test("a form that another site sent does nothing", async () => {
    const alice = await browser(server.url, token);
    const of = async (headers: Record<string, string>, fields: Record<string, string> = {}) =>
      (await alice.post("/-/sign-out", fields, headers)).status;
    const { text } = await alice.get("/");
    const [, formToken] = /name="form_token" value="([^"]+)"/.exec(text)!;
    const sent = { form_token: formToken! };
    expect(await of({ "sec-fetch-site": "cross-site", origin: "https://evil.example" }, sent)).toBe(400);
    expect(await of({ "sec-fetch-site": "same-site", origin: server.url }, sent)).toBe(400);
    expect(await of({ origin: "https://evil.example" }, sent)).toBe(400);
    expect(await of({ origin: "null" }, sent)).toBe(400);
    expect(await of({}, sent)).toBe(400);
    expect(await of({ origin: server.url }, {})).toBe(400);
    expect(await of({ origin: server.url }, { form_token: `${formToken}x` })).toBe(400);
    expect((await alice.get("/")).text).toContain(">alice</a>");
    expect(await of({ origin: server.url }, sent)).toBe(303);
  });
});

test("without a provider there is no way to one", async () => {
  const anonymous = await browser(server.url);
  for (const path of ["/-/sign-in/provider", "/-/sign-in/provider/callback?code=x&state=y"])
    expect((await anonymous.get(path)).status).toBe(404);
  expect((await anonymous.get("/-/sign-in")).text).not.toContain("Sign in with");
});

test("a page that is not there is said to be so, and the anonymous are asked who they are", async () => {
  const alice = await browser(server.url, token);
  const { status, text, headers } = await alice.get("/-/none");
  expect([status, headers["cache-control"], text]).toEqual([404, "no-store", expect.stringContaining("Not found")]);
  expect(text).toContain("no_such_address");
});

test("what is wrong with a token is said, and who fails often waits", async () => {
  const anonymous = await browser(server.url);
  const attempt = (wrong: string) => anonymous.post("/-/sign-in", { token: wrong });
  const readOnly = await server.token("dora", "read_repository");
  for (const [wrong, words] of [
    ["", "the token is not known here"],
    ["gkpt_nonsense", "the token is not known here"],
    [readOnly, "scopes (read_repository) do not open this"],
  ]) {
    const { status, text } = await attempt(wrong!);
    expect([wrong, status, text]).toEqual([wrong, 422, expect.stringContaining(words!)]);
    expect(text).not.toContain(readOnly);
  }
  for (let n = 3; n < 10; n++) expect((await attempt("nonsense")).status).toBe(422);
  const { status, text } = await attempt(ADMIN_TOKEN);
  expect([status, text]).toEqual([429, expect.stringContaining("failed within a minute: wait")]);
});
