// A server that follows repositories of git's own http-backend: what changes there changes here, what was served stays, and a
// remote that is broken, empty or hostile takes nothing away.
import { randomBytes } from "node:crypto";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { beforeAll, beforeEach, describe, expect, test } from "vitest";
import { repositoryDirectory } from "../../src/git/hosting/repositories-of-projects.ts";
import { createGroup } from "../../src/registry/forge/groups.ts";
import { createHook, deleteHook } from "../../src/registry/forge/hooks.ts";
import { wantLook } from "../../src/registry/forge/mirror-looks.ts";
import { createMirror, deleteMirror, demandMirror, updateMirror } from "../../src/registry/forge/mirrors.ts";
import { createProject, findProject } from "../../src/registry/forge/projects.ts";
import { setQuota } from "../../src/registry/forge/quotas.ts";
import { OPERATOR } from "../../src/registry/principal.ts";
import type { MirrorRow } from "../../src/registry/rows.ts";
import { packBytes } from "../../src/upstream/git-fetch.ts";
import { makeRepository, type Recipe } from "../support/git-fixture.ts";
import { type GitServer, gitServer } from "../support/git-server.ts";
import { ask, bearer } from "../support/http.ts";
import { looked as mirrorLooked, look as mirrorLooks, restMirrors } from "../support/mirror-looks.ts";
import { remoteOf, tryGit } from "../support/push.ts";
import { MODULE_HOST, type TestServer, testServer } from "../support/server.ts";

let remote: GitServer;
let server: TestServer;
let token: string;

beforeAll(async () => {
  remote = await gitServer("git.test");
  server = await testServer({
    environment: { GOKURA_ALLOW_PRIVATE_NETWORKS: "127.0.0.0/8", GOKURA_UPSTREAM_CA_FILE: remote.caFile },
  });
  token = await server.token("alice");
});

beforeEach(async () => {
  remote.misbehave = undefined;
  remote.speaksV2 = true;
  await restMirrors(server.registry);
});

const at = (name: string): string => join(remote.directory, `${name}.git`);
const change = (name: string, recipe: (r: Recipe) => void): void => void makeRepository(at(name), recipe);
const mirrorOf = (name: string): Promise<MirrorRow> => demandMirror(server.registry, OPERATOR, `alice/${name}`);

/** Has a project follow the repository of its name, and waits for the first look. */
async function follow(name: string, credential?: { username: string; password: string }): Promise<MirrorRow> {
  await createProject(server.registry, OPERATOR, { fullPath: `alice/${name}` });
  const url = `${remote.url}/${name}.git`;
  await createMirror(server.registry, OPERATOR, `alice/${name}`, { url, credential });
  return looked(name, 0);
}

const looked = (name: string, after: number): Promise<MirrorRow> =>
  mirrorLooked(server.registry, `alice/${name}`, after);
const look = (name: string): Promise<MirrorRow> => mirrorLooks(server.registry, `alice/${name}`);

const go = async (name: string, rest: string): Promise<string> => {
  const path = `/api/v4/projects/alice%2F${name}/packages/go/${MODULE_HOST}/alice/${name}/${rest}`;
  const { status, text } = await ask(server.url, path, { headers: bearer(token) });
  return status === 200 ? text : String(status);
};
const versions = async (name: string, expected: string): Promise<void> =>
  expect.poll(() => go(name, "@v/list"), { timeout: 30_000, interval: 20 }).toBe(expected);
const lib = (name: string) => `module ${MODULE_HOST}/alice/${name}\n`;

test("a look whose end the database did not take down is made again", async () => {
  change("cut", (r) => r.tag("v1.0.0", r.commit({ "go.mod": lib("cut") })));
  const { id, projectId } = await follow("cut");
  const { pool } = server.registry.database;
  const asked = new Promise<void>((done) => {
    remote.misbehave = (req) => {
      if (req.url?.includes("/cut.git")) done();
      return false;
    };
  });
  const holder = await pool.connect();
  let before: number;
  try {
    await wantLook(server.registry, projectId, 0);
    await asked;
    await holder.query("BEGIN");
    await holder.query("SELECT FROM mirror WHERE id = $1 FOR UPDATE", [id]);
    before = (await mirrorOf("cut")).lookedAt!.getTime();
    // Its end waits for the row, and the connection breaks.
    const cut = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
      WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%UPDATE mirror SET look_started_at = NULL%'`;
    await expect.poll(async () => (await pool.query(cut)).rowCount, { timeout: 30_000, interval: 20 }).toBe(1);
  } finally {
    await holder.query("ROLLBACK");
    holder.release();
  }
  await looked("cut", before);
});

test("what does not fit the quota of its group is refused in numbers, and what is there stays", async () => {
  change("tight", (r) => r.tag("v1.0.0", r.commit({ "go.mod": `module ${MODULE_HOST}/tight/lib\n` })));
  await createGroup(server.registry, OPERATOR, { fullPath: "tight" });
  await createProject(server.registry, OPERATOR, { fullPath: "tight/lib" });
  await createMirror(server.registry, OPERATOR, "tight/lib", { url: `${remote.url}/tight.git` });
  const mirror = () => demandMirror(server.registry, OPERATOR, "tight/lib");
  await mirrorLooked(server.registry, "tight/lib", 0);
  const looksAgain = () => mirrorLooks(server.registry, "tight/lib");
  const tags = async () =>
    (await server.registry.prisma.ref.findMany({ where: { project: { path: "lib", group: { fullPath: "tight" } } } }))
      .map(({ name }) => name)
      .filter((name) => name.startsWith("refs/tags/"));
  expect(await tags()).toEqual(["refs/tags/v1.0.0"]);
  change("tight", (r) => r.tag("v1.1.0", r.commit({ "b.bin": randomBytes(300_000).toString("latin1") })));
  await setQuota(server.registry, OPERATOR, "tight", { maxBytes: 100 });
  expect(await looksAgain()).toMatchObject({
    lastError: expect.stringMatching(/the group tight holds .* of the 100 bytes that it may/),
  });
  expect(await tags()).toEqual(["refs/tags/v1.0.0"]);
  // There is some room, and more comes than that: it is broken off on the way, and nothing of it stays.
  await setQuota(server.registry, OPERATOR, "tight", { maxBytes: 100_000 });
  remote.misbehave = (_, res) => {
    const end = res.end.bind(res);
    const held = (bytes: Buffer) => (bytes.length < 200_000 ? end(bytes) : res.write(bytes.subarray(0, -100)));
    return Object.assign(res, { end: held }) !== res;
  };
  expect(await looksAgain()).toMatchObject({
    lastError: expect.stringMatching(/the group tight holds .* of the 97\.7 KB that it may/),
  });
  remote.misbehave = undefined;
  expect(await tags()).toEqual(["refs/tags/v1.0.0"]);
  const { projectId } = await mirror();
  expect(await packBytes(repositoryDirectory(server.registry, projectId))).toBeLessThan(10_000);
  await setQuota(server.registry, OPERATOR, "tight", { maxBytes: null });
  expect((await looksAgain()).lastError).toBeNull();
  expect(await tags()).toEqual(["refs/tags/v1.0.0", "refs/tags/v1.1.0"]);
});

describe("what changes there", () => {
  test("tags become versions; moved and deleted ones are noted, and what was served stays", async () => {
    change("lib", (r) => {
      const first = r.commit({ "go.mod": lib("lib") });
      r.tag("v1.0.0", first);
      r.annotatedTag("v1.1.0", first);
    });
    expect(await follow("lib")).toMatchObject({ lastError: null, failures: 0, changedAt: expect.any(Date) });
    await versions("lib", "v1.0.0\nv1.1.0\n");
    const before = await go("lib", "@v/v1.0.0.info");

    change("lib", (r) => {
      const next = r.commit({ "a.go": "package lib\n" });
      r.tag("v1.0.0", next);
      r.tag("v1.2.0", next);
    });
    await makeDeleted("lib", "refs/tags/v1.1.0");
    await look("lib");
    await versions("lib", "v1.0.0\nv1.1.0\nv1.2.0\n");
    expect(await go("lib", "@v/v1.0.0.info")).toBe(before);
    const { projectId } = await mirrorOf("lib");
    const events = await server.registry.prisma.tagEvent.findMany({ where: { projectId }, orderBy: { tag: "asc" } });
    expect(events.map(({ tag, kind }) => `${tag} ${kind}`)).toEqual(["v1.0.0 MOVED", "v1.1.0 DELETED"]);
  });

  test("a look that finds nothing new starts no git, and a branch is asked for by name", async () => {
    change("quiet", (r) => void r.commit({ "go.mod": lib("quiet") }, { branch: "trunk" }));
    await follow("quiet");
    remote.asked.length = 0;
    expect(await look("quiet")).toMatchObject({ lastError: null });
    expect(remote.asked.filter((line) => line.includes("info/refs"))).toEqual([]);
    expect(await go("quiet", "@v/trunk.info")).toContain('"Version":"v0.0.0-');
  });

  test.each([true, false])("SHA-256, with protocol 2: %s", async (v2) => {
    const name = `hash${v2 ? 2 : 1}`;
    remote.speaksV2 = v2;
    makeRepository(at(name), (r) => r.tag("v1.0.0", r.commit({ "go.mod": lib(name) })), { sha256: true });
    expect((await follow(name)).lastError).toBeNull();
    await versions(name, "v1.0.0\n");
    expect((await mirrorOf(name)).project.objectFormat).toBe("SHA256");
  });
});

describe("pushes and the end of a mirror", () => {
  test("pushes are refused with the reason; off and removed, it keeps everything and takes them again", async () => {
    change("ending", (r) => r.tag("v1.0.0", r.commit({ "go.mod": lib("ending") })));
    await follow("ending");
    const push = () => tryGit(["-C", at("ending"), "push", remoteOf(server.url, "alice/ending", token), "main:next"]);
    const refused = await push();
    expect(refused.status).not.toBe(0);
    expect(refused.output).toContain("alice/ending is a mirror and takes nothing but what it follows");
    await updateMirror(server.registry, OPERATOR, "alice/ending", { enabled: false });
    expect((await push()).status).toBe(0);
    await updateMirror(server.registry, OPERATOR, "alice/ending", { enabled: true });
    expect((await push()).status).not.toBe(0);
    await deleteMirror(server.registry, OPERATOR, "alice/ending");
    expect((await push()).status).toBe(0);
    await versions("ending", "v1.0.0\n");
  });

  test("credentials reach the remote, git's own requests too, and are in neither database nor repository", async () => {
    change("closed", (r) => r.tag("v1.0.0", r.commit({ "go.mod": lib("closed") })));
    remote.misbehave = (req, res) => {
      if (req.headers.authorization === `Basic ${Buffer.from("ci:s3cret-word").toString("base64")}`) return false;
      res.writeHead(401, { "WWW-Authenticate": "Basic" }).end();
      return true;
    };
    const mirror = await follow("closed", { username: "ci", password: "s3cret-word" });
    expect(mirror.lastError).toBeNull();
    await versions("closed", "v1.0.0\n");
    const rows = await server.registry.database.pool.query("select c::text from credential c");
    expect(JSON.stringify(rows.rows)).not.toContain("s3cret");
    const audits = await server.registry.database.pool.query("select a::text from audit_event a");
    expect(JSON.stringify(audits.rows) + server.logged.join("")).not.toContain("s3cret");
    // On another host they are not taken along.
    const moved = await updateMirror(server.registry, OPERATOR, "alice/closed", { url: "https://git.invalid/closed" });
    expect(moved.credential).toBeNull();
    expect(await server.registry.prisma.credential.count()).toBe(0);
  });
});

describe("a remote that is not well", () => {
  test("was well once", async () => {
    change("sick", (r) => r.tag("v1.0.0", r.commit({ "go.mod": lib("sick") })));
    await follow("sick");
    await versions("sick", "v1.0.0\n");
  });

  test("comes back empty: nothing is taken away, and its owner hears of it", async () => {
    rmSync(at("sick"), { recursive: true });
    change("sick", () => {});
    const { projectId } = await mirrorOf("sick");
    const project = await findProject(server.registry, projectId);
    const owner = { project: project! };
    const { hook } = await createHook(server.registry, OPERATOR, owner, { url: "https://hooks.invalid" });
    expect((await look("sick")).lastError).toMatch(/has no branches and tags there any more: what is here stays/);
    expect(await go("sick", "@v/list")).toBe("v1.0.0\n");
    expect((await mirrorOf("sick")).failures).toBe(1);
    await look("sick");
    const told = await server.registry.prisma.hookDelivery.findMany({ where: { hookId: hook.id } });
    expect(told.map(({ body }) => JSON.parse(body).data)).toEqual([
      {
        project: { id: projectId, path_with_namespace: "alice/sick" },
        mirrors: [{ url: `${remote.url}/sick.git`, error: expect.stringContaining("has no branches and tags") }],
      },
    ]);
    await deleteHook(server.registry, OPERATOR, owner, hook.id);
  });

  test("names its objects by another hash: it is not followed", async () => {
    rmSync(at("sick"), { recursive: true });
    makeRepository(at("sick"), (r) => r.tag("v2.0.0", r.commit({ "go.mod": lib("sick") })), { sha256: true });
    expect((await look("sick")).lastError).toMatch(/names the objects of that repository by sha256 now/);
    expect(await go("sick", "@v/list")).toBe("v1.0.0\n");
  });

  test("lost its history: what was published stays, and what is new is taken", async () => {
    rmSync(at("sick"), { recursive: true });
    change("sick", (r) => r.tag("v1.1.0", r.commit({ "go.mod": lib("sick"), "x.go": "package x\n" })));
    expect((await look("sick")).lastError).toBeNull();
    await versions("sick", "v1.0.0\nv1.1.0\n");
  });

  test("lies about its refs, breaks off within the pack, is away: told in one sentence, and overcome", async () => {
    change("sick", (r) => r.tag("v1.2.0", r.commit({ "y.go": "package x\n" })));
    let packs = 0;
    remote.misbehave = (req, res) => {
      if (req.method !== "POST" || !String(req.headers["user-agent"]).startsWith("git/")) return false;
      packs++;
      res.setHeader("content-type", "application/x-git-upload-pack-result");
      res.end("0011packfile\n0009\u0001PACK");
      return true;
    };
    expect((await look("sick")).lastError).toMatch(/^git could not fetch from 127\.0\.0\.1:\d+: /);
    expect(packs).toBeGreaterThan(0);
    remote.misbehave = (_, res) => res.destroy() !== undefined;
    expect((await look("sick")).lastError).toMatch(/the connection broke off$/);
    expect((await mirrorOf("sick")).failures).toBe(2);
    expect(await go("sick", "@v/list")).toBe("v1.0.0\nv1.1.0\n");
    remote.misbehave = undefined;
    expect(await look("sick")).toMatchObject({ lastError: null, failures: 0 });
    await versions("sick", "v1.0.0\nv1.1.0\nv1.2.0\n");
  });

  test("cannot be taken in: the mirror's people are not told where the server keeps it", async () => {
    const { projectId } = await mirrorOf("sick");
    const directory = repositoryDirectory(server.registry, projectId);
    const lock = join(directory, "refs/tags/v1.3.0.lock");
    mkdirSync(dirname(lock), { recursive: true });
    writeFileSync(lock, "");
    change("sick", (r) => r.tag("v1.3.0", r.commit({ "z.go": "package x\n" })));
    const { lastError } = await look("sick");
    rmSync(lock);
    expect(lastError).toMatch(/'the repository\/.*v1\.3\.0\.lock'/);
    expect(lastError).not.toContain(directory);
    expect(await look("sick")).toMatchObject({ lastError: null });
  });

  test("names a commit that it has not, to git or to us alone: nothing of it is recorded", async () => {
    const { projectId } = await mirrorOf("sick");
    const packet = (text: string): string => (text.length + 4).toString(16).padStart(4, "0") + text;
    const line = `${"d".repeat(40)} refs/tags/v6.6.6`;
    const lie = `${packet(`${line}\n`)}0000`;
    const refs = () => server.registry.prisma.ref.count({ where: { projectId, name: "refs/tags/v6.6.6" } });
    const lieTo = (isTold: (agent: string) => boolean): void => {
      let asked = 0;
      // Of each conversation the first question is for the refs.
      remote.misbehave = (req, res) => {
        const agent = String(req.headers["user-agent"]);
        if (req.method !== "POST" || !isTold(agent) || (agent.startsWith("git/") && asked++ > 0)) return false;
        res.writeHead(200, { "content-type": "application/x-git-upload-pack-result" }).end(lie);
        return true;
      };
    };
    lieTo(() => true);
    expect((await look("sick")).lastError).toMatch(/^git could not fetch from .*: /);
    expect(await refs()).toBe(0);
    // To git it says the truth, which is what is recorded.
    lieTo((agent) => !agent.startsWith("git/"));
    expect((await look("sick")).lastError).toBeNull();
    expect(await refs()).toBe(0);
    remote.misbehave = undefined;
    expect((await look("sick")).lastError).toBeNull();
    expect(await go("sick", "@v/list")).toContain("v1.2.0\n");
  });

  test("holds an object that a push would not be let in with", async () => {
    change("sick", (r) => r.tag("v1.9.0", r.commit({ ".git/config": "[core]\n" })));
    expect((await look("sick")).lastError).toMatch(/git could not fetch from .*: /);
    expect(await go("sick", "@v/list")).not.toContain("v1.9.0");
  });

  test("asks to be left alone: none of its mirrors looks before the time is over", async () => {
    remote.misbehave = (_, res) => Boolean(res.writeHead(429, { "Retry-After": "3600" }).end());
    const told = await look("sick");
    expect(told.lastError).toMatch(/asks to be left alone for 3600 s/);
    expect(told.nextLookAt.getTime() - told.lookedAt!.getTime()).toBeGreaterThan(3_590_000);
    remote.asked.length = 0;
    const { projectId } = await mirrorOf("lib");
    await wantLook(server.registry, projectId, 0);
    await versions("lib", "v1.0.0\nv1.1.0\nv1.2.0\n");
    expect(remote.asked).toEqual([]);
  });
});

async function makeDeleted(name: string, ref: string): Promise<void> {
  expect((await tryGit(["-C", at(name), "update-ref", "-d", ref])).status).toBe(0);
}
