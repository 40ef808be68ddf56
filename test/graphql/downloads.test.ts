// Downloads: what counts as one, on the wire, from memory and the long way, hosted and from upstream; and how they are told.
import { randomBytes } from "node:crypto";
import { beforeAll, describe, expect, test } from "vitest";
import { createProject, deleteProject } from "../../src/registry/forge/projects.ts";
import { lastDownloadsOf } from "../../src/registry/numbers/downloads.ts";
import { Traffic } from "../../src/registry/numbers/traffic.ts";
import { OPERATOR } from "../../src/registry/principal.ts";
import { deleteVersion } from "../../src/registry/versions/version-deletion.ts";
import { createLog } from "../../src/telemetry/log.ts";
import { type FakeUpstream, fakeUpstream } from "../support/fake-upstream.ts";
import { ask } from "../support/http.ts";
import { pushRecipe, remoteOf } from "../support/push.ts";
import { ADMIN_TOKEN, type TestServer, testServer } from "../support/server.ts";
import { type Asker, countStatements, type Data, type GraphqlServer, serveGraphql } from "./graphql-server.ts";
import { leftOut } from "./schema-parts.ts";

const LIB = "gokura.test/acme/lib";

let upstream: FakeUpstream;
let app: TestServer;
let server: GraphqlServer;
let anonymous: Asker;
let projectId: number;

const started = Math.floor(Date.now() / 1_000) * 1_000;
const day = (offset: number) => new Date(Date.now() - offset * 86_400_000).toISOString().slice(0, 10);

beforeAll(async () => {
  upstream = await fakeUpstream();
  app = await testServer({ environment: { GOKURA_UPSTREAM: upstream.url } });
  server = await serveGraphql(app.registry);
  anonymous = server.as();
  projectId = await push("acme/lib", ["v1.0.0", "v1.1.0", "v1.2.0"]);
});

async function push(fullPath: string, tags: readonly string[]): Promise<number> {
  const token = await app.token("acme");
  const { id } = await createProject(app.registry, OPERATOR, { fullPath, visibility: "PUBLIC" });
  await pushRecipe(remoteOf(app.url, fullPath, token), (r) => {
    const commit = r.commit({ "go.mod": `module gokura.test/${fullPath}\n`, "a.go": "package lib\n" });
    for (const tag of tags) r.tag(tag, commit);
  });
  return id;
}

const zip = (version: string, headers: Record<string, string> = {}, method = "GET", id: number | string = projectId) =>
  ask(app.url, `/api/v4/projects/${id}/packages/go/${LIB}/@v/${version}.zip`, { headers, method });

async function totals(path = LIB): Promise<Record<string, number>> {
  await app.registry.traffic.write();
  const { goModule } = await anonymous.data(
    `query ($path: String!) { goModule(path: $path) { downloads { total } versions { nodes { version downloads { total } } } } }`,
    { path },
  );
  const nodes: Data[] = goModule.versions.nodes;
  return {
    all: Number(goModule.downloads.total),
    ...Object.fromEntries(nodes.map((node) => [node.version, Number(node.downloads.total)])),
  };
}

describe("what counts", () => {
  test("every GET of a zip from its beginning on, whichever way it is answered", async () => {
    expect(await totals()).toEqual({ all: 0, "v1.0.0": 0, "v1.1.0": 0, "v1.2.0": 0 });
    const { headers } = await zip("v1.0.0"); // the long way
    expect(await totals()).toMatchObject({ all: 1, "v1.0.0": 1 });
    for (let n = 0; n < 3; n++) expect((await zip("v1.0.0")).status).toBe(200); // from memory
    expect((await zip("v1.0.0", {}, "GET", "acme%2Flib")).status).toBe(200); // under another name
    expect((await ask(app.url, `/api/v4/packages/go/${LIB}/@v/v1.0.0.zip`)).status).toBe(200); // another view
    expect(await totals()).toMatchObject({ all: 6, "v1.0.0": 6 });

    expect((await zip("v1.0.0", { range: "bytes=0-9" })).status).toBe(206);
    expect((await zip("v1.0.0", { range: "bytes=10-" })).status).toBe(206);
    expect((await zip("v1.0.0", { range: "bytes=-5" })).status).toBe(206);
    expect((await zip("v1.0.0", { range: "bytes=999999999-" })).status).toBe(416);
    expect((await zip("v1.0.0", { "if-none-match": headers.etag! })).status).toBe(304);
    expect((await zip("v1.0.0", {}, "HEAD")).status).toBe(200);
    expect((await zip("v9.9.9")).status).toBe(404);
    for (const rest of ["v1.0.0.info", "v1.0.0.mod", "list"])
      await ask(app.url, `/api/v4/projects/${projectId}/packages/go/${LIB}/@v/${rest}`);
    expect(await totals()).toEqual({ all: 7, "v1.0.0": 7, "v1.1.0": 0, "v1.2.0": 0 });
    expect((await zip("v1.1.0", {}, "HEAD")).status).toBe(200); // the long way
    expect((await zip("v1.1.0")).status).toBe(200);
    expect(await totals()).toMatchObject({ all: 8, "v1.1.0": 1 });
  });

  test("from upstream: as it arrives, from store, from memory", async () => {
    const path = "example.com/far";
    await upstream.version(path, "v1.0.0", { "big.bin": randomBytes(3_000_000) });
    const get = () => ask(app.url, `/api/v4/packages/go/${path}/@v/v1.0.0.zip`);
    expect((await get()).status).toBe(200);
    expect(await totals(path)).toEqual({ all: 1, "v1.0.0": 1 });
    for (let n = 0; n < 3; n++) await get();
    expect(await totals(path)).toEqual({ all: 4, "v1.0.0": 4 });
  });

  test("two servers add up; what a database that is away cannot take is kept", async () => {
    const { id } = await app.registry.prisma.moduleVersion.findFirstOrThrow({ where: { version: "v1.2.0" } });
    let away = true;
    const { pool } = app.registry.database;
    const pools = {
      query: (...args: [string, unknown[]]) => (away ? Promise.reject(new Error("away")) : pool.query(...args)),
    };
    const other = new Traffic(pools as never, createLog("silent"));
    const count = other.countOf(id);
    count.add();
    await other.write();
    count.add();
    count.add();
    await zip("v1.2.0");
    away = false;
    await other.close();
    expect(await totals()).toMatchObject({ "v1.2.0": 4 });
    await other.close();
    expect(await totals()).toMatchObject({ "v1.2.0": 4 });
  });

  test("days are UTC's, and what was counted before midnight is of the day before", async () => {
    const { id } = await app.registry.prisma.moduleVersion.findFirstOrThrow({ where: { version: "v1.1.0" } });
    let now = Date.parse("2020-02-29T23:59:58Z");
    const traffic = new Traffic(app.registry.database.pool, createLog("silent"), { now: () => now });
    const count = traffic.countOf(id);
    count.add();
    now = Date.parse("2020-03-01T00:00:00Z");
    await traffic.write();
    count.add();
    await traffic.close();
    const { goModule } = await anonymous.data(`{ goModule(path: "${LIB}") {
      both: downloads(from: "2020-02-01", to: "2020-03-31") { total byDay { day downloads } }
      before: downloads(to: "2020-02-29") { total byDay { day downloads } byVersion { goModuleVersion { version } downloads } }
      none: downloads(from: "2019-01-01", to: "2019-01-01") { total byDay { day } byVersion { downloads } } } }`);
    const [february, march] = [
      { day: "2020-02-29", downloads: "1" },
      { day: "2020-03-01", downloads: "1" },
    ];
    expect(goModule).toEqual({
      both: { total: "2", byDay: [february, march] },
      before: {
        total: "1",
        byDay: [february],
        byVersion: [{ goModuleVersion: { version: "v1.1.0" }, downloads: "1" }],
      },
      none: { total: "0", byDay: [], byVersion: [] },
    });
  });
});

describe("how they are told", () => {
  test("of a module and of a version: in all, by day, by version, and the last time", async () => {
    const { goModule } = await anonymous.data(`{ goModule(path: "${LIB}") {
      downloads { total byVersion(first: 2) { goModuleVersion { version } downloads } }
      today: downloads(from: "${day(0)}") { total byDay { day downloads } byVersion { goModuleVersion { version } downloads } }
      versions(first: 1) { nodes { version lastDownloadedAt downloads(from: "${day(1)}", to: "${day(0)}") { total
        byDay { day downloads } byVersion(first: 5) { goModuleVersion { version } downloads } } } } } }`);
    expect(goModule.downloads).toEqual({
      total: "14",
      byVersion: [
        { goModuleVersion: { version: "v1.0.0" }, downloads: "7" },
        { goModuleVersion: { version: "v1.2.0" }, downloads: "4" },
      ],
    });
    expect(goModule.today.total).toBe("12");
    expect(goModule.today.byDay).toEqual([{ day: day(0), downloads: "12" }]);
    expect(goModule.today.byVersion).toHaveLength(3);
    const [newest] = goModule.versions.nodes;
    expect(newest).toEqual({
      version: "v1.2.0",
      lastDownloadedAt: expect.stringMatching(/Z$/),
      downloads: {
        total: "4",
        byDay: [{ day: day(0), downloads: "4" }],
        byVersion: [{ goModuleVersion: { version: "v1.2.0" }, downloads: "4" }],
      },
    });
    const last = Date.parse(newest.lastDownloadedAt);
    expect([last >= started, last <= Date.now()]).toEqual([true, true]);
  });

  test("at most 366 days, the last ones; at most 100 versions; no period that ends before it begins", async () => {
    const { id } = await app.registry.prisma.module.findFirstOrThrow({ where: { path: LIB } });
    await app.registry.database.pool.query(
      "INSERT INTO module_download_day SELECT $1, d::date, 1 FROM generate_series('2010-01-01'::date, '2011-12-31', '1 day') d",
      [id],
    );
    const { goModule } = await anonymous.data(
      `{ goModule(path: "${LIB}") { downloads(from: "2010-01-01", to: "2011-12-31") { total byDay { day } } } }`,
    );
    const { total, byDay } = goModule.downloads;
    expect([total, byDay.length, byDay[0].day, byDay.at(-1).day]).toEqual(["730", 366, "2010-12-31", "2011-12-31"]);
    for (const [args, inner, message] of [
      ['(from: "2020-01-02", to: "2020-01-01")', "total", /ends before it begins/],
      ["", "byVersion(first: 101) { downloads }", /0 to 100/],
      ["", "byVersion(first: -1) { downloads }", /0 to 100/],
    ] as const) {
      const { errors } = await anonymous(`{ goModule(path: "${LIB}") { downloads${args} { ${inner} } } }`);
      expect(errors).toMatchObject([
        { message: expect.stringMatching(message), extensions: { code: "BAD_USER_INPUT" } },
      ]);
    }
  });

  test("100 modules or versions cost as many statements as one", async () => {
    const { pool } = app.registry.database;
    await pool.query(
      `INSERT INTO module (path, origin) SELECT 'example.com/many/m' || n, 'UPSTREAM' FROM generate_series(1, 100) n`,
    );
    await pool.query(`INSERT INTO module_version (module_id, version, sort_key, kind, info)
      SELECT id, 'v1.0.0', 'x', 'RELEASE', '{}' FROM module WHERE path LIKE 'example.com/many/%'`);
    await pool.query(
      `INSERT INTO version_downloads SELECT id, module_id, 1, now() FROM module_version WHERE sort_key = 'x'`,
    );
    const list = (n: number) =>
      anonymous.data(
        `query ($n: Int) { goModules(first: $n, search: "/many/") { nodes { downloads { total byDay { day } byVersion(first: 2) { downloads goModuleVersion { version } } }
          versions(first: 1) { nodes { lastDownloadedAt } } } } }`,
        { n },
      );
    // the server has work of its own in between: the least of some counts
    const least = async (n: number) => {
      const counts = [];
      for (let round = 0; round < 4; round++) counts.push(await countStatements(() => list(n)));
      return Math.min(...counts);
    };
    const one = await least(1);
    expect(await least(100)).toBe(one);
    expect(one).toBeLessThan(12);
    const { goModules } = await list(1);
    expect(goModules.nodes[0].downloads.byVersion).toEqual([
      { downloads: "1", goModuleVersion: { version: "v1.0.0" } },
    ]);
  });
});

test("REST tells when a package was last downloaded, and a package's file is a download, too", async () => {
  const packages = async () => {
    await app.registry.traffic.write();
    const { text } = await ask(app.url, `/api/v4/projects/${projectId}/packages?order_by=version&sort=asc`);
    return JSON.parse(text) as { id: number; version: string; last_downloaded_at: string | null }[];
  };
  await app.registry.prisma.versionDownloads.updateMany({ data: { lastAt: new Date("2020-02-02T02:02:02Z") } });
  const [first] = await packages();
  expect(first).toMatchObject({ version: "v1.0.0", last_downloaded_at: "2020-02-02T02:02:02.000Z" });
  const whole = await ask(app.url, `/api/v4/projects/${projectId}/packages/${first!.id}`);
  expect(JSON.parse(whole.text)).toMatchObject({ last_downloaded_at: "2020-02-02T02:02:02.000Z" });
  const files = await ask(app.url, `/api/v4/projects/${projectId}/packages/${first!.id}/package_files`);
  for (const { id } of JSON.parse(files.text) as { id: number }[])
    await ask(app.url, `/api/v4/projects/${projectId}/packages/${first!.id}/package_files/${id}/download`);
  expect(await totals()).toMatchObject({ "v1.0.0": 8 });
  expect(Date.parse((await packages())[0]!.last_downloaded_at!)).toBeGreaterThan(Date.now() - 60_000);
});

describe("what is deleted", () => {
  test("a version takes its counts along; the module keeps what it had; a project takes all", async () => {
    const { registry } = app;
    const { id } = await registry.prisma.moduleVersion.findFirstOrThrow({
      where: { version: "v1.0.0", module: { path: LIB } },
    });
    await zip("v1.0.0");
    await deleteVersion(registry, OPERATOR, LIB, "v1.0.0"); // with a download that is not written down yet
    expect(await totals()).toEqual({ all: 15, "v1.1.0": 3, "v1.2.0": 4 });
    expect((await lastDownloadsOf(registry, [id])).size).toBe(0);
    await zip("v1.1.0");
    await deleteProject(registry, OPERATOR, "acme/lib");
    await registry.traffic.write();
    const { pool } = registry.database;
    const left = "SELECT count(*)::int AS n FROM module_downloads JOIN module ON id = module_id WHERE path = $1";
    expect((await pool.query(left, [LIB])).rows).toEqual([{ n: 0 }]);
    expect(
      (await pool.query("SELECT count(*)::int AS n FROM version_download_day WHERE version_id = $1", [id])).rows,
    ).toEqual([{ n: 0 }]);
  });
});

test("administrators or not, whoever sees a module sees its downloads, and nobody else", async () => {
  await push("acme/secret", ["v1.0.0"]);
  await app.registry.prisma.project.updateMany({
    where: { fullPath: "acme/secret" },
    data: { visibility: "PRIVATE" },
  });
  app.registry.memory.forget();
  const query = '{ goModule(path: "gokura.test/acme/secret") { downloads { total } } }';
  expect((await anonymous.data(query)).goModule).toBeNull();
  expect((await server.as(ADMIN_TOKEN).data(query)).goModule).toEqual({ downloads: { total: "0" } });
});

test("nothing of this part was left out", () => expect(leftOut("downloads", server.sent)).toEqual([]));
