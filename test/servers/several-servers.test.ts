// Several servers of one database: one leads, one stands by, one only reads. Each has a data directory of its own, and the
// zips are in one place, as they are in a bucket.
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import type { LeaseTimes } from "../../src/database/lease.ts";
import { generateSignerKey } from "../../src/sumdb/note.ts";
import { testDatabase } from "../support/database.ts";
import { eventually } from "../support/eventually.ts";
import { ask, bearer } from "../support/http.ts";
import { git, type PushedRepository, pushRecipe, remoteOf } from "../support/push.ts";
import { ADMIN_TOKEN, type TestServer, testServer } from "../support/server.ts";
import { sharingBlobs } from "../support/shared-blobs.ts";
import { temporary } from "../support/temporary.ts";

const MODULE = "gokura.test/root/lib";
const GO = `/api/v4/projects/root%2Flib/packages/go/${MODULE}/@v`;
/** Looked at often, and never lost by a machine that is busy. */
const TIMES: LeaseTimes = { goodMs: 60_000, everyMs: 200 };

let start: (environment: Record<string, string>) => Promise<TestServer>;
let leader: TestServer;
let standby: TestServer;
let reader: TestServer;
let pushed: PushedRepository;

const get = (server: TestServer, path: string) => ask(server.url, path, { headers: bearer(ADMIN_TOKEN) });
const query = (server: TestServer, text: string) =>
  ask(server.url, "/api/graphql", {
    method: "POST",
    headers: { ...bearer(ADMIN_TOKEN), "content-type": "application/json" },
    body: JSON.stringify({ query: text }),
  });

beforeAll(async () => {
  const shared = {
    GOKURA_REPOSITORIES: "blobs",
    DATABASE_URL: await testDatabase(),
    GOKURA_SUMDB_KEY: generateSignerKey("localhost/sumdb"),
    GOKURA_SECRET_KEY: "k".repeat(43),
    GOKURA_LIMIT_GRAPHQL_COST: "1000",
  };
  start = (environment) => testServer({ environment: { ...shared, ...environment }, leaseTimes: TIMES });
  leader = await start({});
  standby = await start({ GOKURA_DATA_DIR: sharingBlobs(leader.dataDirectory) });
  reader = await start({ GOKURA_DATA_DIR: sharingBlobs(leader.dataDirectory), GOKURA_ROLE: "read" });
  pushed = await pushRecipe(remoteOf(reader.url, "root/lib", ADMIN_TOKEN), (r) => {
    r.tag("v1.0.0", r.commit({ "go.mod": `module ${MODULE}\n`, "a.go": "package lib\n" }));
  });
});

test("a push to a server that only reads is taken by the leader, and all serve it", async () => {
  for (const server of [leader, standby, reader]) {
    expect((await get(server, `${GO}/list`)).text).toBe("v1.0.0\n");
    expect((await get(server, `${GO}/v1.0.0.zip`)).status).toBe(200);
  }
  expect(leader.logged.filter((line) => line.includes("git-receive-pack")).length).toBeGreaterThan(0);
});

test("branches are asked for and cloned at a server without repositories", async () => {
  const info = await get(reader, `${GO}/main.info`);
  expect([info.status, JSON.parse(info.text).Version]).toEqual([200, "v1.0.0"]);
  const directory = join(temporary("clone"), "lib");
  await git(["clone", "--quiet", remoteOf(standby.url, "root/lib", ADMIN_TOKEN), directory]);
  expect(await git(["-C", directory, "tag"])).toBe("v1.0.0\n");
  const branches = await get(reader, "/api/v4/projects/root%2Flib/repository/branches");
  expect(JSON.parse(branches.text)).toMatchObject([{ name: "main" }]);
});

test("the leader knows for whom a request was passed on, and believes nobody else", async () => {
  const branches = "/api/v4/projects/root%2Flib/repository/branches";
  const lines = (): { from: string; path: string }[] =>
    leader.logged.map((line) => JSON.parse(line)).filter(({ path }) => path === branches);
  const before = lines().length;
  await ask(reader.url, `${branches}?passed`, {
    headers: { ...bearer(ADMIN_TOKEN), "x-forwarded-for": "198.51.100.7" },
  });
  await expect.poll(() => lines().length).toBe(before + 1);
  expect(lines().at(-1)?.from).toBe("127.0.0.1");
  // Whoever only says that a request was passed on is asked for the signature.
  const said = Buffer.from(JSON.stringify([Date.now(), "203.0.113.9", "https://evil.example"])).toString("base64url");
  const forged = { ...bearer(ADMIN_TOKEN), "gokura-passed-on": `${said}.${"A".repeat(43)}` };
  const answer = await ask(leader.url, branches, { headers: forged });
  expect([answer.status, answer.text.includes("evil.example")]).toEqual([200, false]);
  await expect.poll(() => lines().length).toBe(before + 2);
  expect(lines().at(-1)?.from).toBe("127.0.0.1");
  // A request that was passed on goes no further: two servers that take each other for the leader make no circle.
  const circle = await ask(reader.url, branches, { headers: forged });
  expect([circle.status, JSON.parse(circle.text).reason]).toEqual([503, "leader_absent"]);
});

test("what one client takes counts at all servers together", async () => {
  const asks = (server: TestServer, n: number) =>
    ask(server.url, "/api/graphql", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ query: `{ goModules(first: ${n}) { nodes { path } } }` }),
    });
  let n = 1;
  const statuses: number[] = [];
  do statuses.push((await asks([leader, reader][n % 2]!, n++)).status);
  while (statuses.at(-1) === 200 && n < 100);
  expect([statuses.length > 2, statuses.at(-1)]).toEqual([true, 429]);
  const elsewhere = await asks(standby, 100);
  expect([elsewhere.status, JSON.parse(elsewhere.text).errors[0].extensions.reason]).toEqual([429, "rate_limited"]);
});

test("GraphQL, REST and pages: a server without repositories reads itself, and has what changes something done", async () => {
  const made = await query(reader, 'mutation { groupCreate(input: {fullPath: "team"}) { group { fullPath } errors } }');
  expect(JSON.parse(made.text)).toMatchObject({ data: { groupCreate: { group: { fullPath: "team" }, errors: [] } } });
  const found = await query(
    standby,
    '{ group(fullPath: "team") { fullPath } goModule(path: "gokura.test/root/lib") { path } }',
  );
  expect(JSON.parse(found.text)).toEqual({
    data: { group: { fullPath: "team" }, goModule: { path: "gokura.test/root/lib" } },
  });
  const project = await ask(reader.url, "/api/v4/projects", {
    method: "POST",
    headers: { ...bearer(ADMIN_TOKEN), "content-type": "application/json" },
    body: JSON.stringify({ name: "made", path: "made", visibility: "public" }),
  });
  expect(project.status).toBe(201);
  expect((await get(standby, "/api/v4/projects/root%2Fmade")).status).toBe(200);
  const sha = JSON.parse((await get(reader, `${GO}/v1.0.0.info`)).text).Origin.Hash;
  const page = await ask(reader.url, `/root/lib/-/commit/${sha}`, {
    headers: { ...bearer(ADMIN_TOKEN), accept: "text/html" },
  });
  expect([page.status, page.text.includes(sha)]).toEqual([200, true]);
});

test("an upload that waits to be asked for its body is asked by the leader", async () => {
  const zip = (await get(leader, `${GO}/v1.0.0.zip`)).bytes;
  const put = await ask(reader.url, `${GO}/v1.0.0.zip`, {
    method: "PUT",
    headers: { ...bearer(ADMIN_TOKEN), expect: "100-continue", "content-length": String(zip.length) },
    body: zip,
  });
  expect(put.status).toBe(200); // the very same is there
});

test("a push is seen at every server within a second", async () => {
  expect((await get(reader, `${GO}/list`)).text).toBe("v1.0.0\n");
  pushed.change((r) => r.tag("v1.1.0", r.commit({ "b.go": "package lib\n" })));
  await pushed.push("refs/tags/v1.1.0");
  for (const server of [leader, standby, reader])
    await expect.poll(async () => (await get(server, `${GO}/list`)).text).toBe("v1.0.0\nv1.1.0\n");
});

test("a repository is there at whoever leads next, and again at the one who led before", async () => {
  const settled = (server: TestServer, url: string): Promise<string> =>
    eventually(
      async () => (await get(server, `${GO}/main.info`)).text,
      (text) => text.includes(url),
      20_000,
    );
  const pinned = JSON.parse((await get(leader, `${GO}/v1.1.0.info`)).text).Origin.Hash as string;
  pushed.change((r) => r.tag("v1.1.0", r.commit({ "moved.go": "package lib\n" })));
  await pushed.push("refs/tags/v1.1.0"); // the version stays what it was, and so does its commit
  await leader.stop();
  expect(await settled(standby, "v1.0.0")).toContain("v1.0.0");
  const made = join(standby.dataDirectory, "repositories", "1.git");
  expect(await git(["-C", made, "rev-list", "--max-count=1", "--glob=refs/gokura/*", "--", "b.go"])).toBe(
    `${pinned}\n`,
  );
  pushed.change((r) => {
    r.tag("v1.2.0", r.commit({ "c.go": "package lib\n" }));
    r.commit({ "d.go": "package lib\n" });
  });
  await pushed.push();
  const clone = async (server: TestServer): Promise<string> => {
    const directory = join(temporary("clone"), "lib");
    await git(["clone", "--quiet", remoteOf(server.url, "root/lib", ADMIN_TOKEN), directory]);
    await git(["-C", directory, "fsck", "--full", "--strict"]);
    return git([
      "-C",
      directory,
      "for-each-ref",
      "--format=%(objectname) %(refname)",
      "refs/tags",
      "refs/remotes/origin/main",
    ]);
  };
  const then = await clone(reader);
  expect(then).toContain("refs/tags/v1.2.0");
  // The first one comes back, with a directory of its own that was left behind, and leads again when the second one goes.
  leader = await start({ GOKURA_DATA_DIR: leader.dataDirectory });
  expect((await get(leader, `${GO}/list`)).text).toBe("v1.0.0\nv1.1.0\nv1.2.0\n");
  await standby.stop();
  await expect.poll(() => clone(reader).catch(String), { timeout: 20_000 }).toBe(then);
  const kept = leader.logged.filter((line) => line.includes("a repository is made of its packs"));
  expect(kept).toHaveLength(1);
  // Whoever stands by for it now has nothing yet.
  standby = await start({ GOKURA_DATA_DIR: sharingBlobs(leader.dataDirectory) });
});

test("when the leader is gone the one that stood by leads, and when nobody does a client hears when to try again", async () => {
  await leader.stop();
  const push = () =>
    pushRecipe(remoteOf(reader.url, "root/next", ADMIN_TOKEN), (r) => {
      r.tag("v1.0.0", r.commit({ "go.mod": "module gokura.test/root/next\n" }));
    }).then(
      () => true,
      () => false,
    );
  expect(await eventually(push, (done) => done, 20_000)).toBe(true);
  expect((await get(reader, "/api/v4/projects/root%2Fnext/packages/go/gokura.test/root/next/@v/list")).text).toBe(
    "v1.0.0\n",
  );
  await standby.stop();
  const main = await get(reader, `${GO}/nobranch.info`);
  expect([main.status, main.headers["retry-after"], main.headers["gokura-reason"]]).toEqual([
    503,
    "1",
    "leader_absent",
  ]);
  expect((await get(reader, `${GO}/v1.1.0.zip`)).status).toBe(200);
});
