// Statistics: numbers that are kept as things happen, compared with what did happen; and who is told.
import { beforeAll, expect, test } from "vitest";
import { createGroup } from "../../src/registry/forge/groups.ts";
import { addMember } from "../../src/registry/forge/members.ts";
import { createProject, deleteProject } from "../../src/registry/forge/projects.ts";
import { Traffic } from "../../src/registry/numbers/traffic.ts";
import { OPERATOR } from "../../src/registry/principal.ts";
import { storeUpstreamPart } from "../../src/registry/versions/upstream-modules.ts";
import { deleteVersion } from "../../src/registry/versions/version-deletion.ts";
import { pinZip } from "../../src/registry/versions/version-zip.ts";
import { createLog } from "../../src/telemetry/log.ts";
import { type FakeUpstream, fakeUpstream } from "../support/fake-upstream.ts";
import { ask } from "../support/http.ts";
import { ADMIN_TOKEN, type TestServer, testServer } from "../support/server.ts";
import { type Asker, type GraphqlServer, publishVersions, serveGraphql, version } from "./graphql-server.ts";
import { leftOut } from "./schema-parts.ts";

let upstream: FakeUpstream;
let app: TestServer;
let server: GraphqlServer;
let root: Asker;
const today = () => new Date().toISOString().slice(0, 10);

beforeAll(async () => {
  upstream = await fakeUpstream();
  app = await testServer({ environment: { GOKURA_UPSTREAM: upstream.url } });
  server = await serveGraphql(app.registry);
  root = server.as(ADMIN_TOKEN);
  for (const visibility of ["PUBLIC", "PRIVATE"] as const) {
    await createGroup(app.registry, OPERATOR, { fullPath: visibility.toLowerCase(), visibility });
    const fullPath = `${visibility.toLowerCase()}/lib`;
    const { id } = await createProject(app.registry, OPERATOR, { fullPath, visibility });
    await publishVersions(
      app.registry,
      id,
      ["v1.0.0", "v1.1.0"].map((name) => version(`gokura.test/${fullPath}`, name)),
    );
  }
});

async function download(modulePath: string, times: number, at = new Date()): Promise<void> {
  const { id } = await app.registry.prisma.moduleVersion.findFirstOrThrow({
    where: { module: { path: modulePath } },
  });
  const traffic = new Traffic(app.registry.database.pool, createLog("silent"), { now: () => at.getTime() });
  const count = traffic.countOf(id);
  for (let n = 0; n < times; n++) count.add();
  await traffic.close();
}

const storage = async () =>
  (await root.data("{ statistics { storage { origin modules versions bytes } } }")).statistics.storage;

test("storage: added, given zips, deleted; folding changes nothing", async () => {
  const { registry } = app;
  const fold = async () => {
    // a moment later than any other: it is time to fold
    const traffic = new Traffic(registry.database.pool, createLog("silent"), { now: () => Date.now() + 3_600_000 });
    await traffic.fold();
    await traffic.close();
  };
  const none = { origin: "UPSTREAM", modules: "0", versions: "0", bytes: "0" };
  expect(await storage()).toEqual([{ origin: "HOSTED", modules: "2", versions: "4", bytes: "0" }, none]);
  const zipped = await registry.prisma.moduleVersion.findMany({ take: 2, orderBy: { id: "asc" } });
  for (const { id } of zipped) await pinZip(registry, id, { h1: "h1:x=", sha256: "a".repeat(64), size: 5_000_000_000 });
  await storeUpstreamPart(registry, "example.com/far", "v1.0.0", { info: Buffer.from("{}"), time: undefined });
  const zip = { h1: "h1:y=", sha256: "b".repeat(64), size: 7 };
  for (const name of ["v1.0.0", "v1.1.0"])
    await storeUpstreamPart(registry, "example.com/far", name, { goMod: Buffer.from("module example.com/far\n"), zip });
  const full = [
    { origin: "HOSTED", modules: "2", versions: "4", bytes: "10000000000" },
    { origin: "UPSTREAM", modules: "1", versions: "2", bytes: "14" },
  ];
  expect(await storage()).toEqual(full);
  await fold();
  expect(await registry.prisma.storageChange.count()).toBe(2);
  expect(await storage()).toEqual(full);
  await deleteVersion(registry, OPERATOR, "gokura.test/public/lib", "v1.0.0");
  const { id } = await createProject(registry, OPERATOR, { fullPath: "public/brief", visibility: "PUBLIC" });
  await publishVersions(registry, id, [version("gokura.test/public/brief", "v1.0.0")]);
  expect((await storage())[0]).toMatchObject({ modules: "3", versions: "4" });
  await deleteProject(registry, OPERATOR, "public/brief");
  await fold();
  expect((await storage())[0]).toEqual({ origin: "HOSTED", modules: "2", versions: "3", bytes: "5000000000" });
  // what the triggers kept is what there is
  const { rows } =
    await registry.database.pool.query(`SELECT m.origin, count(DISTINCT m.id) AS modules, count(v.id) AS versions,
    COALESCE(sum(v.zip_size), 0) AS bytes FROM module m LEFT JOIN module_version v ON v.module_id = m.id GROUP BY 1 ORDER BY 1`);
  expect(await storage()).toEqual(rows);
});

test("index growth: versions by the day in which they were published, also those that are gone", async () => {
  const { statistics } = await root.data(
    `{ statistics { indexGrowth(from: "${today()}") { day count } none: indexGrowth(to: "2020-01-01") { day } } }`,
  );
  expect(statistics).toEqual({ indexGrowth: [{ day: today(), count: "7" }], none: [] });
});

test("top modules: ever and within days, of those that the asker may fetch", async () => {
  const { registry } = app;
  await download("gokura.test/private/lib", 9);
  await download("gokura.test/public/lib", 5);
  await download("gokura.test/public/lib", 3, new Date("2020-01-01T12:00:00Z"));
  await download("example.com/far", 7);
  const member = server.as(await app.token("member"));
  await addMember(registry, OPERATOR, { groupPath: "private" }, { username: "member", accessLevel: 20 });
  const top = async (asker: Asker, args = "") => {
    const { statistics } = await asker.data(`{ statistics { topModules${args} { module { path } downloads } } }`);
    return statistics.topModules.map(
      (one: { module: { path: string }; downloads: string }) => `${one.module.path} ${one.downloads}`,
    );
  };
  const [closed, open, far] = ["gokura.test/private/lib", "gokura.test/public/lib", "example.com/far"];
  expect(await top(root)).toEqual([`${closed} 9`, `${open} 8`, `${far} 7`]);
  expect(await top(member)).toEqual([`${closed} 9`, `${open} 8`, `${far} 7`]);
  expect(await top(server.as())).toEqual([`${open} 8`, `${far} 7`]);
  expect(await top(server.as(), `(from: "${today()}")`)).toEqual([`${far} 7`, `${open} 5`]);
  expect(await top(server.as(), '(from: "2020-01-01", to: "2020-01-01", first: 1)')).toEqual([`${open} 3`]);
  expect(await top(server.as(), "(first: 0)")).toEqual([]);
  const { errors } = await root("{ statistics { topModules(first: 101) { downloads } } }");
  expect(errors).toMatchObject([{ extensions: { code: "BAD_USER_INPUT" } }]);
});

test("top modules of any period are the sum of its days", async () => {
  const { pool } = app.registry.database;
  const module = await app.registry.prisma.module.findFirstOrThrow({ where: { path: "example.com/far" } });
  for (let n = 0; n < 40; n++) await download(module.path, 1 + (n % 3), new Date(Date.UTC(2015, 0, 1 + n * 7)));
  const day = (n: number) => new Date(Date.UTC(2014, 11, 20 + n)).toISOString().slice(0, 10);
  for (const [first, last] of [
    [0, 330],
    [0, 0],
    [12, 12],
    [5, 40],
    [33, 100],
    [13, 77],
    [20, 84],
    [60, 61],
    [100, 299],
    [-4000, 90],
  ]) {
    const period = { from: day(first!), to: day(last!) };
    const { rows } = await pool.query(
      "SELECT COALESCE(sum(count), 0)::text AS sum FROM module_download_day WHERE module_id = $1 AND day BETWEEN $2 AND $3",
      [module.id, period.from, period.to],
    );
    const { statistics } = await root.data(
      "query ($from: Date, $to: Date) { statistics { topModules(from: $from, to: $to) { downloads } } }",
      period,
    );
    expect([period, statistics.topModules[0]?.downloads ?? "0"]).toEqual([period, rows[0].sum]);
  }
  await pool.query("DELETE FROM traffic_day WHERE day < '2016-01-01'");
});

test("top modules within days: whoever leads in the sum, even if on no day, and of equals the first", async () => {
  const { pool } = app.registry.database;
  const far = await app.registry.prisma.module.findFirstOrThrow({ where: { path: "example.com/far" } });
  const { rows: modules } = await pool.query<{ id: number }>(
    "INSERT INTO module (path, origin) SELECT 'example.com/many/' || n, 'UPSTREAM' FROM generate_series(0, 39) n RETURNING id",
  );
  // Of 40 each leads on one day of eight, with 100 - n / 8; but two that never do have more in all.
  const counts = modules.map(({ id }, n) => ({ id, day: n % 8, count: 100 - Math.floor(n / 8) }));
  for (let day = 0; day < 8; day++) for (const id of [modules[39]!.id, far.id]) counts.push({ id, day, count: 50 });
  const [from, to] = ["2010-01-01", "2010-01-08"]; // the first of these is not the first of a span
  await pool.query(
    `WITH counted AS (SELECT id, '2010-01-01'::date + day AS day, sum(count) AS count
        FROM unnest($1::int[], $2::int[], $3::int[]) AS c (id, day, count) GROUP BY 1, 2),
      days AS (INSERT INTO module_download_day (module_id, day, count) SELECT id, day, count FROM counted)
    INSERT INTO module_download_span (module_id, days, start, count)
      SELECT id, days, '1970-01-01'::date + (day - '1970-01-01'::date) / days * days AS start, sum(count)
      FROM counted, unnest('{4,16,64}'::smallint[]) AS days GROUP BY 1, 2, 3`,
    [counts.map(({ id }) => id), counts.map(({ day }) => day), counts.map(({ count }) => count)],
  );
  const { rows: expected } = await pool.query<{ path: string; downloads: string }>(
    `SELECT path, sum(count) AS downloads FROM module_download_day JOIN module ON id = module_id
      WHERE day BETWEEN $1 AND $2 GROUP BY id ORDER BY sum(count) DESC, id`,
    [from, to],
  );
  expect(expected).toHaveLength(41);
  for (const first of [1, 2, 3, 7, 20, 40, 100]) {
    const { statistics } = await server
      .as()
      .data(
        "query ($from: Date, $to: Date, $first: Int) { statistics { topModules(from: $from, to: $to, first: $first) { module { path } downloads } } }",
        { from, to, first },
      );
    expect(
      statistics.topModules.map((one: { module: { path: string }; downloads: string }) => [
        one.module.path,
        one.downloads,
      ]),
    ).toEqual(expected.slice(0, first).map(({ path, downloads }) => [path, downloads]));
  }
});

test("downloads by day", async () => {
  const { statistics } = await root.data(
    `{ statistics { all: downloadsByDay { day downloads } some: downloadsByDay(from: "2020-01-01", to: "2020-06-01") { day downloads } } }`,
  );
  expect(statistics).toEqual({
    all: [
      { day: "2020-01-01", downloads: "3" },
      { day: today(), downloads: "21" },
    ],
    some: [{ day: "2020-01-01", downloads: "3" }],
  });
});

test("where answers came from: memory, store, another registry", async () => {
  const answers = async () => {
    await app.registry.traffic.write();
    const { statistics } = await root.data(
      `{ statistics { cacheHitRate(from: "${today()}") { memoryHits stored upstream rate byDay { day memoryHits stored upstream } } } }`,
    );
    const { rate, byDay, ...rest } = statistics.cacheHitRate;
    if (byDay.length > 0) expect(byDay).toEqual([{ day: today(), ...rest }]);
    const [memory, stored, asked] = [rest.memoryHits, rest.stored, rest.upstream].map(Number) as [
      number,
      number,
      number,
    ];
    expect(rate).toBe(memory + stored + asked === 0 ? null : (memory + stored) / (memory + stored + asked));
    return [memory, stored, asked];
  };
  const { statistics } = await root.data(
    '{ statistics { cacheHitRate(to: "2019-01-01") { memoryHits rate byDay { day } } } }',
  );
  expect(statistics.cacheHitRate).toEqual({ memoryHits: "0", rate: null, byDay: [] });
  await app.registry.prisma.trafficDay.updateMany({ data: { memory: 0, stored: 0, upstream: 0 } });
  const get = (path: string, headers = {}) => ask(app.url, `/api/v4/packages/go/${path}`, { headers });
  await upstream.version("example.com/new", "v1.0.0");
  await get("example.com/new/@v/v1.0.0.mod"); // asked
  await get("example.com/new/@v/v1.0.0.mod"); // memory
  await get("example.com/new/@v/v1.0.0.zip"); // asked
  await get("example.com/new/@v/v1.0.0.zip"); // memory or store
  expect((await answers())[2]).toBe(2);
  const before = await answers();
  await get("example.com/new/@v/list"); // asked
  await get("example.com/nowhere/@latest"); // asked
  await get("example.com/nowhere/@latest"); // its absence is in memory
  await get("example.com/new/@v/v1.0.0.mod", { "Disable-Module-Fetch": "true" }); // memory
  await get("cached-only/example.com/new/@v/v1.0.0.mod"); // store
  await get("gokura.test/public/lib/@v/list"); // store
  await get("gokura.test/public/lib/@v/list"); // memory
  const after = await answers();
  expect(after.map((count, n) => count - before[n]!)).toEqual([3, 2, 2]);
});

test("all but top modules is for administrators", async () => {
  const query =
    "{ statistics { topModules { downloads } downloadsByDay { downloads } storage { bytes } cacheHitRate { rate } indexGrowth { count } } }";
  for (const asker of [server.as(), server.as(await app.token("somebody"))])
    expect((await asker.data(query)).statistics).toEqual({
      topModules: expect.any(Array),
      ...{ downloadsByDay: null, storage: null, cacheHitRate: null, indexGrowth: null },
    });
});

test("nothing of this part was left out", () => expect(leftOut("statistics", server.sent)).toEqual([]));
