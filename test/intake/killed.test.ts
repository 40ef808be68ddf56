// kill -9 in the middle of an upload, of an import, and of loading a bundle: what is there afterwards is whole, nothing of the
// rest is seen, and doing it again finishes it. KILLS=50 kills the loading of so many bundles besides, each at a random moment.
import { existsSync, readdirSync, utimesSync, writeFileSync } from "node:fs";
import http from "node:http";
import { join } from "node:path";
import pg from "pg";
import { beforeAll, expect, test } from "vitest";
import { tidy } from "../../src/git/hosting/tidying.ts";
import { h1OfGoMod } from "../../src/gomod/dir-hash.ts";
import { runHere } from "../cli/run-here.ts";
import { atEnd } from "../support/at-end.ts";
import { testDatabase } from "../support/database.ts";
import { type FakeUpstream, fakeUpstream, zipOf } from "../support/fake-upstream.ts";
import { serveGokura, spawnGokura } from "../support/gokura-process.ts";
import { ask, bearer } from "../support/http.ts";
import { restClient } from "../support/rest.ts";
import { temporary } from "../support/temporary.ts";
import { h1OfZip } from "../support/zip-sum.ts";

const TOKEN = "administrator-token-of-the-tests";
const KILLS = Number(process.env.KILLS ?? 0);
const VERSIONS = 30;

let environment: Record<string, string>;
let outside: Record<string, string>;
let upstream: FakeUpstream;
let database: pg.Client;
const directory = temporary("killed");
const file = (name: string): string => join(directory, name);

beforeAll(async () => {
  upstream = await fakeUpstream();
  const of = async () => ({
    ...{ DATABASE_URL: await testDatabase(), GOKURA_DATA_DIR: temporary("killed-data"), GOKURA_ADMIN_TOKEN: TOKEN },
    ...{ GOKURA_MODULE_HOST: "gokura.test", GOKURA_SUMDB: "off", GOKURA_UPSTREAM_VERIFY: "off" },
  });
  environment = { ...(await of()), GOKURA_UPSTREAM: "off" };
  outside = { ...(await of()), GOKURA_UPSTREAM: upstream.url };
  database = new pg.Client(environment.DATABASE_URL);
  await database.connect();
  atEnd(() => database.end());
});

const stored = async (path: string): Promise<number> => {
  const text = "select count(*)::int as n from module_version v join module m on m.id = v.module_id where m.path = $1";
  return (await database.query(text, [path])).rows[0].n;
};
/** How many wait for a lock that the test has. */
const WAITING = "select count(*)::int as n from pg_locks where locktype = 'advisory' and objid = 15 and not granted";
const isFor = async (condition: () => boolean | Promise<boolean>): Promise<void> => {
  await expect.poll(condition, { timeout: 30_000, interval: 5 }).toBe(true);
};
/** What a command says that must end well. */
async function told(words: readonly string[], where = environment) {
  const { code, stdout, stderr } = await runHere([...words, "--json"], where);
  expect([code, stderr], stdout).toEqual([0, ""]);
  return JSON.parse(stdout);
}
/** That everything that is stored is what was promised, every byte of it. */
const isWhole = async (): Promise<void> => expect(await told(["fsck", "--deep"])).toMatchObject({ problems: [] });

test("an upload", async () => {
  const scratch = join(environment.GOKURA_DATA_DIR!, "blobs", "scratch");
  const first = await serveGokura(environment);
  const rest = await restClient(first.url, TOKEN);
  expect((await rest("POST", "/projects", { path: "lib" })).status).toBe(201);
  const path = "/api/v4/projects/root%2Flib/packages/go/gokura.test/root/lib/@v/v1.0.0";
  const big = { "go.mod": "module gokura.test/root/lib\n", "big.txt": Buffer.alloc(300_000, "x") };
  const zip = await zipOf("gokura.test/root/lib@v1.0.0", big, "STORE");
  const request = http.request(`${first.url}${path}.zip`, {
    ...{ method: "PUT", headers: { ...bearer(TOKEN), "content-length": String(zip.length) } },
  });
  request.on("error", () => {});
  request.write(zip.subarray(0, zip.length / 2));
  await isFor(() => existsSync(scratch) && readdirSync(scratch).length > 0);
  await first.stop("SIGKILL");
  const [left] = readdirSync(scratch);
  // What nobody writes to for an hour is nobody's.
  const before = new Date(Date.now() - 2 * 3_600_000);
  utimesSync(join(scratch, left!), before, before);

  const second = await serveGokura(environment);
  const headers = bearer(TOKEN);
  expect((await ask(second.url, `${path}.info`, { headers })).status).toBe(404);
  expect((await ask(second.url, `${path}.zip`, { method: "PUT", headers, body: zip })).status).toBe(201);
  expect((await ask(second.url, `${path}.zip`, { headers })).bytes.equals(zip)).toBe(true);
  await isFor(() => readdirSync(scratch).length === 0); // a job that reads the new version may be using one
  expect((await second.stop()).code).toBe(0);
  await isWhole();
});

test("an import", async () => {
  const path = "example.com/imported";
  const versions = ["v1.0.0", "v1.1.0", "v1.2.0", "v1.3.0"];
  for (const version of versions)
    await upstream.version(path, version, { "big.go": `package big // ${"x".repeat(50_000)}\n` });
  const { zip } = await upstream.version(path, "v1.2.0");
  let begun = false;
  upstream.on(`${path}/@v/v1.2.0.zip`, (_, res) => {
    res.writeHead(200, { "content-length": String(zip.length) }).write(zip.subarray(0, zip.length / 2), () => {
      begun = true;
    });
  });
  writeFileSync(file("list"), versions.map((version) => `${path}@${version}\n`).join(""));
  const words = ["import", "modules", upstream.url, "--list", file("list")];
  const reaches = { ...environment, GOKURA_ALLOW_PRIVATE_NETWORKS: "127.0.0.0/8" };
  const killed = spawnGokura(words, reaches);
  await isFor(() => begun);
  killed.child.kill("SIGKILL");
  expect((await killed.ended).code).toBe(137);
  await isWhole();
  upstream.on(`${path}/@v/v1.2.0.zip`, zip);
  const done = await told(words, reaches);
  expect([done.new + done.present, done.refused]).toEqual([versions.length, []]);
  expect(done.new).toBeGreaterThan(0);
  await isWhole();
});

/** A bundle with so many versions of a module of its own. */
async function bundled(name: string, versions: number): Promise<{ path: string; bundle: string }> {
  const path = `example.com/${name}`;
  const lines: string[] = [];
  for (let n = 0; n < versions; n++) {
    const version = `v1.${n}.0`;
    const { mod, zip } = await upstream.version(path, version, { "a.go": `package a // ${n} ${"x".repeat(5_000)}\n` });
    const h1 = await h1OfZip(`${path}@${version}`, zip);
    lines.push(`${path} ${version} ${h1}\n${path} ${version}/go.mod ${h1OfGoMod(mod)}\n`);
  }
  writeFileSync(file(`${name}.sum`), lines.join(""));
  const bundle = file(`${name}.tar`);
  writeFileSync(`${bundle}.part`, "what one that was killed has left");
  await told(["bundle", "create", "--out", bundle, "--go-sum", file(`${name}.sum`)], outside);
  return { path, bundle };
}

test("the loading of a bundle", async () => {
  const { path, bundle } = await bundled("loaded", VERSIONS);
  await database.query(`
    create function waits() returns trigger language plpgsql as $$
      begin perform pg_advisory_xact_lock_shared(15); return new; end $$;
    create trigger waits before insert on module_version for each row when (new.version = 'v1.15.0') execute function waits()`);
  await database.query("begin; select pg_advisory_xact_lock(15)");
  const killed = spawnGokura(["bundle", "load", bundle], environment);
  // One of the later versions waits for the test, and those before it are stored.
  await isFor(async () => (await stored(path)) >= 2 && (await database.query(WAITING)).rows[0].n > 0);
  const some = await stored(path);
  killed.child.kill("SIGKILL");
  expect((await killed.ended).code).toBe(137);
  await database.query("rollback");
  await isFor(async () => (await database.query(WAITING)).rows[0].n === 0);
  await database.query("drop trigger waits on module_version");
  expect(some).toBeLessThan(VERSIONS);
  await isWhole();
  const done = await told(["bundle", "load", bundle]);
  expect(done).toMatchObject({ refused: [] });
  expect([done.new + done.present, await stored(path)]).toEqual([VERSIONS, VERSIONS]);
  await isWhole();
  // What the killed one had unpacked is taken away when nobody can be using it any more.
  const left = readdirSync(environment.GOKURA_DATA_DIR!).filter((name) => name.startsWith("bundle-"));
  expect(left).toHaveLength(1);
  const data = environment.GOKURA_DATA_DIR!;
  expect(await tidy(data, { locks: 0, objects: Date.now() }, () => false)).toEqual([]);
  const unpacked = join(data, left[0]!);
  const yesterday = new Date(Date.now() - 25 * 3_600_000);
  for (const name of ["", ...readdirSync(unpacked, { recursive: true, encoding: "utf8" })])
    utimesSync(join(unpacked, name), yesterday, yesterday);
  const tidied = await tidy(data, { locks: 0, objects: Date.now() }, () => false);
  expect(tidied).toEqual([unpacked]);
});

test.runIf(KILLS > 0)("the loading of bundles, at any moment", { timeout: KILLS * 60_000 }, async () => {
  const figures = { kills: 0, before: 0, within: 0, after: 0 };
  for (let n = 0; n < KILLS; n++) {
    const { path, bundle } = await bundled(`any${n}`, 10);
    const begun = performance.now();
    const whole = spawnGokura(["bundle", "load", bundle, "--dry-run"], environment);
    await whole.ended;
    const takes = performance.now() - begun;
    const killed = spawnGokura(["bundle", "load", bundle], environment);
    await new Promise((done) => setTimeout(done, takes * (0.5 + Math.random()))); // the moment is the subject
    killed.child.kill("SIGKILL");
    await killed.ended;
    const some = await stored(path);
    figures.kills++;
    figures[some === 0 ? "before" : some < 10 ? "within" : "after"]++;
    await isWhole();
    const done = await told(["bundle", "load", bundle]);
    expect([done.new + done.present, done.refused]).toEqual([10, []]);
  }
  console.log(`bundles killed while they were loaded: ${JSON.stringify(figures)}`);
});
