// Mirrors at the doors of a server: hooks of forges that come in, clients that ask what is new, the REST API as GitLab has it, and
// who gets which module path.
import { createHmac } from "node:crypto";
import { join } from "node:path";
import { beforeAll, beforeEach, describe, expect, test } from "vitest";
import { addMirror } from "../../src/mirrors/add-mirror.ts";
import { openGitHubApps } from "../../src/mirrors/github-app.ts";
import { openRemoteRefs } from "../../src/mirrors/remote-refs.ts";
import { openRemotes, type Remotes } from "../../src/mirrors/remotes.ts";
import { authenticate } from "../../src/registry/access/authentication.ts";
import { createGroup } from "../../src/registry/forge/groups.ts";
import { addMember } from "../../src/registry/forge/members.ts";
import { createMirror, deleteMirror, demandMirror, updateMirror } from "../../src/registry/forge/mirrors.ts";
import { createProject, findProject, updateProject } from "../../src/registry/forge/projects.ts";
import { OPERATOR } from "../../src/registry/principal.ts";
import type { GuardedHttp } from "../../src/upstream/guarded-http.ts";
import { eventually } from "../support/eventually.ts";
import { makeRepository, type Recipe } from "../support/git-fixture.ts";
import { type GitServer, gitServer } from "../support/git-server.ts";
import { type Answer, ask, bearer } from "../support/http.ts";
import { type Rest, restClient } from "../support/rest.ts";
import { MODULE_HOST, type TestServer, testServer } from "../support/server.ts";

let remote: GitServer;
let server: TestServer;
let rest: Rest;
let token: string;
let developer: string;

beforeAll(async () => {
  remote = await gitServer("git.test");
  server = await testServer({
    environment: { GOKURA_ALLOW_PRIVATE_NETWORKS: "127.0.0.0/8", GOKURA_UPSTREAM_CA_FILE: remote.caFile },
  });
  token = await server.token("alice");
  developer = await server.token("dave");
  rest = await restClient(server.url, token);
  await createGroup(server.registry, OPERATOR, { fullPath: "acme", visibility: "PUBLIC" });
  await addMember(server.registry, OPERATOR, { groupPath: "acme" }, { username: "alice", accessLevel: 40 });
  await addMember(server.registry, OPERATOR, { groupPath: "acme" }, { username: "dave", accessLevel: 30 });
});
beforeEach(() => {
  remote.misbehave = undefined;
});

const at = (name: string): string => join(remote.directory, `${name}.git`);
const tagged = (name: string, ...tags: string[]): void =>
  void makeRepository(at(name), (r: Recipe) => {
    const commit = r.commit({ "go.mod": `module ${MODULE_HOST}/acme/${name}\n`, "t.txt": tags.join() });
    for (const tag of tags) r.tag(tag, commit);
  });
const go = async (name: string, rest: string): Promise<string> => {
  const path = `/api/v4/packages/go/${MODULE_HOST}/acme/${name}/${rest}`;
  const { status, text } = await ask(server.url, path, { headers: bearer(token) });
  return status === 200 ? text : String(status);
};
const list = (name: string, expected: string): Promise<void> =>
  expect.poll(() => go(name, "@v/list"), { timeout: 30_000, interval: 20 }).toBe(expected);
/** How often the remote was asked about a repository by mirrors (not by git itself). */
const looksAt = (name: string): number =>
  remote.asked.filter((line) => line === `POST /${name}.git/git-upload-pack version=2`).length / 3;
/** Makes it as if the last look had been long ago, and puts the next one off. */
const longAgo = (name: string) =>
  server.registry.database.pool.query(
    `UPDATE mirror SET looked_at = now() - interval '1 hour', next_look_at = now() + interval '1 hour'
      WHERE project_id = (SELECT id FROM project WHERE full_path = $1)`,
    [`acme/${name}`],
  );

describe("hooks", () => {
  let path: string;
  let secret: string;
  const hook = (body: string, headers: Record<string, string>, to = path): Promise<Answer> =>
    ask(server.url, to, { method: "POST", body, headers });
  const github = (body: string, key = secret) => ({
    "x-github-event": "create",
    "x-hub-signature-256": `sha256=${createHmac("sha256", key).update(body).digest("hex")}`,
  });

  beforeAll(async () => {
    tagged("hooked", "v1.0.0");
    await createProject(server.registry, OPERATOR, { fullPath: "acme/hooked" });
    const url = `${remote.url}/hooked.git`;
    const { mirror, hookSecret } = await createMirror(server.registry, OPERATOR, "acme/hooked", { url });
    path = `/-/hooks/${mirror.id}`;
    secret = hookSecret;
  });

  test("one that is proved has the mirror look at once; a flood of them costs hardly more", async () => {
    await list("hooked", "v1.0.0\n");
    await longAgo("hooked");
    tagged("hooked", "v1.0.0", "v1.1.0");
    remote.asked.length = 0;
    const body = JSON.stringify({ ref: "v1.1.0" });
    const answers = await Promise.all(Array.from({ length: 30 }, () => hook(body, github(body))));
    expect(answers.map(({ status }) => status)).toEqual(Array(30).fill(202));
    await expect
      .poll(async () => (await demandMirror(server.registry, OPERATOR, "acme/hooked")).changedAt?.getTime(), {
        timeout: 30_000,
        interval: 20,
      })
      .toBeGreaterThan(Date.now() - 60_000);
    await list("hooked", "v1.0.0\nv1.1.0\n");
    // Looks that hooks want are two seconds apart.
    expect(looksAt("hooked")).toBeLessThanOrEqual(4);
  });

  test("unproved, unknown, too large, of another mirror: refused, and nobody looks", async () => {
    // The flood may have wanted one more look: first it is over.
    await longAgo("hooked");
    await expect
      .poll(async () => (await demandMirror(server.registry, OPERATOR, "acme/hooked")).lookStartedAt, {
        timeout: 30_000,
        interval: 20,
      })
      .toBeNull();
    await longAgo("hooked");
    remote.asked.length = 0;
    const body = "{}";
    const refused = [
      await hook(body, {}),
      await hook(body, github(body, "other")),
      await hook(`${body} `, github(body)),
      await hook(body, { "x-gitlab-event": "Push Hook", "x-gitlab-token": "guess" }),
      await hook(body, github(body), "/-/hooks/99999"),
      await hook(body, github(body), "/-/hooks/0"),
      await hook(body, github(body), "/-/hooks/x"),
    ];
    expect(refused.map(({ status }) => status)).toEqual(Array(7).fill(401));
    expect(new Set(refused.map(({ text }) => text)).size).toBe(1);
    const large = await ask(server.url, path, {
      method: "POST",
      headers: { "content-length": String(30 * 1024 * 1024), ...github(body) },
      body: "x",
    });
    expect(large.status).toBe(413);
    expect((await ask(server.url, path)).status).toBe(405);
    expect(remote.asked).toEqual([]);
  });

  test("GitLab's token, and a signature over 25 MB that is kept nowhere", async () => {
    expect((await hook("{}", { "x-gitlab-event": "Tag Push Hook", "x-gitlab-token": secret })).status).toBe(202);
    const large = "x".repeat(25 * 1024 * 1024);
    expect((await hook(large, github(large))).status).toBe(202);
  });
});

test("a client that asks what is there pulls the look forward, and has what is here meanwhile", async () => {
  tagged("asked", "v1.0.0");
  await createProject(server.registry, OPERATOR, { fullPath: "acme/asked" });
  await createMirror(server.registry, OPERATOR, "acme/asked", { url: `${remote.url}/asked.git` });
  await list("asked", "v1.0.0\n");
  await longAgo("asked");
  tagged("asked", "v1.0.0", "v1.2.0");
  expect(await go("asked", "@latest")).toContain('"Version":"v1.0.0"');
  await expect.poll(() => go("asked", "@latest"), { timeout: 30_000, interval: 20 }).toContain('"Version":"v1.2.0"');
});

describe("GitLab's REST", () => {
  test("import_url and mirror at the creation, and the life of a pull mirror", async () => {
    tagged("rested", "v1.0.0");
    const namespace_id = (await rest("GET", "/groups/acme")).json.id;
    const import_url = `${remote.url.replace("://", "://ci:s3cret@")}/rested.git`;
    const made = await rest("POST", "/projects", { path: "rested", namespace_id, mirror: true, import_url });
    expect(made).toMatchObject({ status: 201, json: { path_with_namespace: "acme/rested", mirror: true } });
    await list("rested", "v1.0.0\n");
    const address = `/projects/${made.json.id}/mirror/pull`;
    // The versions are there before the look is written down as ended.
    const shown = await eventually(
      () => rest("GET", address),
      ({ json }) => json.update_status === "finished",
      10_000,
    );
    expect(shown).toMatchObject({
      status: 200,
      json: { url: `${remote.url}/rested.git`, enabled: true, update_status: "finished", last_error: null },
    });
    expect(JSON.stringify(shown.json)).not.toContain("s3cret");
    expect((await rest("POST", address)).status).toBe(200);
    const off = await rest("PUT", address, { enabled: false });
    expect(off).toMatchObject({ status: 200, json: { enabled: false, update_status: "none" } });
    expect((await rest("POST", address)).status).toBe(404);
    expect((await rest("GET", `/projects/${made.json.id}`)).json.mirror).toBe(false);
    for (const [method, body] of [["GET"], ["POST"], ["PUT", { enabled: true }]] as const)
      expect((await rest(method, address, body, developer)).status, method).toBe(403);
    expect((await rest("GET", address, undefined, null)).status).toBe(401);
  });

  test("an ordinary project becomes a mirror by PUT; what cannot be is refused before anything is made", async () => {
    await createProject(server.registry, OPERATOR, { fullPath: "acme/late" });
    const address = "/projects/acme%2Flate/mirror/pull";
    expect((await rest("GET", address)).status).toBe(404);
    expect((await rest("PUT", address, { enabled: true })).status).toBe(404);
    tagged("late", "v1.0.0");
    expect((await rest("PUT", address, { url: `${remote.url}/late.git`, auth_password: "t" })).status).toBe(200);
    await list("late", "v1.0.0\n");
    const namespace_id = (await rest("GET", "/groups/acme")).json.id;
    for (const wrong of [
      { import_url: "git://git.test/acme/lib.git", mirror: true },
      { import_url: "http://git.test/a", mirror: true },
      { import_url: "https://git.test/a" },
      { mirror: true },
    ]) {
      const refused = await rest("POST", "/projects", { path: "wrong", namespace_id, ...wrong });
      expect(refused.status, JSON.stringify(wrong)).toBe(400);
    }
    const forDevelopers = { path: "wrong", namespace_id, mirror: true, import_url: `${remote.url}/late.git` };
    expect((await rest("POST", "/projects", forDevelopers, developer)).status).toBe(403);
    expect(await findProject(server.registry, "acme/wrong")).toBeUndefined();
  });
});

describe("which module path a mirror serves", () => {
  /** Remotes whose names lead to the one server that there is here; all else about them is real. */
  function namedRemotes(): Remotes {
    const { http, close } = openRemotes({ allowPrivateNetworks: ["127.0.0.0/8"], upstreamCaFile: remote.caFile });
    const here = (url: string): string => url.replace(/^https:\/\/(?:git\.example\.test|github\.com)/, remote.url);
    const named: GuardedHttp = {
      ...http,
      get: (url, options) => http.get(here(url), options),
      post: (url, body, options) => http.post(here(url), body, options),
    };
    return { http: named, remoteRefs: openRemoteRefs(named), gitHubApps: openGitHubApps(named), close };
  }
  let asked = 0;
  async function add(url: string, visibility: "PUBLIC" | "PRIVATE", modulePrefix?: string) {
    const fullPath = `acme/path${asked++}`;
    await createProject(server.registry, OPERATOR, { fullPath, visibility });
    const alice = await authenticate(server.registry, { secret: token });
    const added = await addMirror(server.registry, namedRemotes(), alice, fullPath, { url, modulePrefix });
    return { prefix: (await findProject(server.registry, fullPath))!.modulePrefix, why: added.withoutPrefix };
  }

  beforeAll(() => {
    for (const name of ["team/lib", "team/closed", "team/other", "team/known"]) tagged(name, "v1.0.0");
    const git = "https://git.example.test";
    for (const name of ["team/lib", "team/closed"])
      remote.page(name, `git.example.test/${name} git ${git}/${name}.git`);
    remote.page("team/other", `git.example.test/team/other git ${git}/elsewhere.git`);
  });

  test("the one for which direct mode finds this very repository, and that is written down", async () => {
    const url = "https://git.example.test/team/lib";
    expect(await add(url, "PUBLIC")).toEqual({ prefix: "git.example.test/team/lib", why: undefined });
    const [event] = await server.registry.prisma.auditEvent.findMany({ where: { action: "mirror.module_prefix" } });
    expect(event).toMatchObject({
      actor: "alice",
      detail: { evidence: "direct mode finds https://git.example.test/team/lib.git for git.example.test/team/lib" },
    });
    expect(await add(url, "PUBLIC")).toMatchObject({ prefix: null, why: expect.stringMatching(/another project$/) });
  });

  test("and who has it for that reason alone fills it from nowhere else", async () => {
    const { fullPath } = await server.registry.prisma.project.findFirstOrThrow({
      where: { modulePrefix: "git.example.test/team/lib" },
    });
    const alice = await authenticate(server.registry, { secret: token });
    const refused = { reason: "administrators_only" };
    const url = "https://git.example.test/team/other";
    await expect(updateMirror(server.registry, alice, fullPath, { url })).rejects.toMatchObject(refused);
    await expect(updateMirror(server.registry, alice, fullPath, { enabled: false })).rejects.toMatchObject(refused);
    await expect(deleteMirror(server.registry, alice, fullPath)).rejects.toMatchObject(refused);
    await updateMirror(server.registry, alice, fullPath, { intervalSeconds: 3_600 });
    await updateProject(server.registry, alice, fullPath, { modulePrefix: null });
    const modulePrefix = "git.example.test/team/lib";
    await expect(updateProject(server.registry, alice, fullPath, { modulePrefix })).rejects.toMatchObject(refused);
    await deleteMirror(server.registry, alice, fullPath);
  });

  test("of what anybody may read only a mirror that everybody may read gets it", async () => {
    const known = "https://github.com/team/known.git";
    expect(await add(known, "PRIVATE")).toMatchObject({
      prefix: null,
      why: expect.stringMatching(/anybody may read that repository, so its mirror would have to be public/),
    });
    expect(await add(known, "PUBLIC")).toMatchObject({ prefix: "github.com/team/known" });
    remote.misbehave = (req, res) => {
      if (!req.url!.startsWith("/team/closed.git/")) return false;
      res.writeHead(401, { "WWW-Authenticate": "Basic" }).end();
      return true;
    };
    const closed = await add("https://git.example.test/team/closed.git", "PRIVATE");
    expect(closed.prefix).toBe("git.example.test/team/closed");
  });

  test("no other, unless an administrator declares it", async () => {
    const url = "https://git.example.test/team/other";
    expect(await add(url, "PUBLIC")).toMatchObject({
      prefix: null,
      why: expect.stringMatching(/finds something else/),
    });
    expect(await add(`${remote.url}/team/other.git`, "PUBLIC")).toEqual({ prefix: null, why: undefined });
    await expect(add(url, "PUBLIC", "github.com/team/lib")).rejects.toMatchObject({ reason: "administrators_only" });
    await createProject(server.registry, OPERATOR, { fullPath: "acme/declared" });
    const input = { url, modulePrefix: "example.test/declared" };
    await addMirror(server.registry, namedRemotes(), OPERATOR, "acme/declared", input);
    expect((await findProject(server.registry, "acme/declared"))!.modulePrefix).toBe("example.test/declared");
    expect(await add(url, "PUBLIC", "")).toEqual({ prefix: null, why: undefined });
  });
});
