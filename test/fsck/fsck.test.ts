// fsck beside a running server: quiet where all is as promised, and right about each thing that was harmed.
import { execFileSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { examineRegistry, type FsckReport } from "../../src/fsck/examine.ts";
import { examineSlice } from "../../src/fsck/slices.ts";
import { Repositories } from "../../src/git/objects/repositories.ts";
import { zipObjectKey } from "../../src/storage/object-keys.ts";
import { runHere } from "../cli/run-here.ts";
import { atEnd } from "../support/at-end.ts";
import { eventually } from "../support/eventually.ts";
import { pushRecipe, remoteOf } from "../support/push.ts";
import { type TestServer, testServer } from "../support/server.ts";

const WHO = Object.fromEntries(
  ["AUTHOR", "COMMITTER"].flatMap((who) => [
    [`GIT_${who}_NAME`, "A"],
    [`GIT_${who}_EMAIL`, "a@example.com"],
  ]),
);
const VERSIONS = ["v1.0.0", "v1.1.0", "v1.2.0"];

let server: TestServer;
let environment: Record<string, string>;

async function push(project: string): Promise<void> {
  const token = await server.token("alice");
  await pushRecipe(remoteOf(server.url, `alice/${project}`, token), (r) => {
    for (const version of VERSIONS)
      r.tag(
        version,
        r.commit({ "go.mod": `module gokura.test/alice/${project}\n`, "a.go": `package a // ${version}\n` }),
      );
  });
}

beforeAll(async () => {
  server = await testServer();
  environment = {
    DATABASE_URL: server.registry.database.pool.options.connectionString!,
    GOKURA_DATA_DIR: server.dataDirectory,
    GOKURA_UPSTREAM: "off",
  };
  for (const project of ["lib", "app"]) await push(project);
  // The zips are made by a job, and logged by another.
  const logged = async (): Promise<number> =>
    Number((await server.registry.database.pool.query("SELECT size FROM sum_tree")).rows[0].size);
  expect(await eventually(logged, (size) => size === 2 * VERSIONS.length, 30_000)).toBe(2 * VERSIONS.length);
});

async function examine(options: { deep?: boolean; repair?: boolean } = {}): Promise<FsckReport> {
  const repositories = new Repositories();
  try {
    return await examineRegistry(server.registry, repositories, {
      ...{ deep: false, repair: false, progress: () => {}, found: () => {} },
      ...options,
    });
  } finally {
    await repositories.close();
  }
}

const faultsOf = async (options?: { deep?: boolean; repair?: boolean }): Promise<string[]> =>
  (await examine(options)).problems.map(({ fault, about, repaired }) => `${fault} ${about} ${repaired}`);

async function zipOf(project: string, version: string): Promise<string> {
  const { rows } = await server.registry.database.pool.query(
    `SELECT zip_key AS key FROM module_version v JOIN module m ON m.id = v.module_id WHERE m.path = $1 AND v.version = $2`,
    [`gokura.test/alice/${project}`, version],
  );
  return join(server.dataDirectory, "blobs", zipObjectKey(rows[0].key));
}

const repositoryOf = async (project: string): Promise<{ id: number; directory: string }> => {
  const { rows } = await server.registry.database.pool.query("SELECT id FROM project WHERE full_path = $1", [
    `alice/${project}`,
  ]);
  return { id: rows[0].id, directory: join(server.dataDirectory, "repositories", `${rows[0].id}.git`) };
};

test("where all is as promised nothing is said, and all was looked at", async () => {
  for (const deep of [false, true])
    expect(await examine({ deep })).toEqual({ versions: 6, projects: 2, records: 6, problems: [], orphans: 0 });
});

test("zips: missing, short, with one other byte; each made again by --repair", async () => {
  const [missing, short, other] = await Promise.all(VERSIONS.map((version) => zipOf("lib", version)));
  const bytes = readFileSync(other!);
  rmSync(missing!);
  truncateSync(short!, 100);
  bytes[40]! ^= 1;
  writeFileSync(other!, bytes);
  expect(await faultsOf()).toEqual([
    "zip_missing gokura.test/alice/lib@v1.0.0 false",
    "zip_damaged gokura.test/alice/lib@v1.1.0 false",
  ]);
  expect((await faultsOf({ deep: true })).length).toBe(3);
  expect((await faultsOf({ deep: true, repair: true })).every((line) => line.endsWith(" true"))).toBe(true);
  expect(await faultsOf({ deep: true })).toEqual([]);
});

test("refs that are not those that were recorded, a repository that is gone, objects that are", async () => {
  const { id, directory } = await repositoryOf("lib");
  const git = (...args: string[]) =>
    execFileSync("git", ["--git-dir", directory, ...args], { encoding: "utf8" }).trim();
  const oid = git("rev-parse", "refs/tags/v1.0.0");
  git("update-ref", "-d", "refs/tags/v1.0.0");
  git("update-ref", "refs/tags/v9.9.9", oid);
  expect(await faultsOf()).toEqual([`ref_differs project ${id} false`, `ref_differs project ${id} false`]);
  git("update-ref", "refs/tags/v1.0.0", oid);
  git("update-ref", "-d", "refs/tags/v9.9.9");
  expect(await faultsOf()).toEqual([]);

  renameSync(directory, `${directory}.away`);
  expect(await faultsOf()).toEqual([`repository_missing project ${id} false`]);
  renameSync(`${directory}.away`, directory);

  const objects = join(directory, "objects");
  const packs = readdirSync(objects, { recursive: true, encoding: "utf8" }).filter((name) =>
    /\.pack$|^..\/.{38}$/.test(name),
  );
  expect(packs.length).toBeGreaterThan(0);
  for (const name of packs) renameSync(join(objects, name), join(server.dataDirectory, name.replaceAll("/", "-")));
  const faults = await faultsOf({ deep: true });
  expect(faults.filter((line) => line.startsWith("commit_missing"))).toHaveLength(VERSIONS.length);
  expect(faults).toContain(`repository_damaged project ${id} false`);
  for (const name of packs) renameSync(join(server.dataDirectory, name.replaceAll("/", "-")), join(objects, name));
  expect(await faultsOf({ deep: true })).toEqual([]);
});

test("a repository that git cannot read is told, and the rest is examined all the same", async () => {
  const { id, directory } = await repositoryOf("lib");
  const kept = `${directory}.kept`;
  cpSync(directory, kept, { recursive: true });
  const zip = await zipOf("lib", "v1.0.0");
  const bytes = readFileSync(zip);
  rmSync(zip);
  const damages: [name: string, damage: () => void][] = [
    ["refs", () => rmSync(join(directory, "refs"), { recursive: true })],
    ["HEAD", () => writeFileSync(join(directory, "HEAD"), "")],
    ["config", () => writeFileSync(join(directory, "config"), "[core\n")],
    ["packed-refs", () => writeFileSync(join(directory, "packed-refs"), "\0\0\n")],
  ];
  for (const [name, damage] of damages) {
    damage();
    const faults = await faultsOf({ deep: name === "refs", repair: true });
    expect(faults, name).toContain(`repository_damaged project ${id} false`);
    expect(faults.filter((line) => line.startsWith("repository_damaged")).length, name).toBe(1);
    rmSync(zip, { force: true });
    rmSync(directory, { recursive: true });
    cpSync(kept, directory, { recursive: true });
  }
  rmSync(kept, { recursive: true });
  writeFileSync(zip, bytes);
  expect(await faultsOf({ deep: true })).toEqual([]);
});

test("rows that were changed by hand: a go.mod, a place in lists, a version that was taken back", async () => {
  const { pool } = server.registry.database;
  const client = await pool.connect();
  atEnd(() => client.release());
  await client.query("BEGIN; SET LOCAL session_replication_role = replica");
  const on = "WHERE version = 'v1.1.0' AND module_id = (SELECT id FROM module WHERE path = 'gokura.test/alice/app')";
  const { rows } = await client.query(`SELECT go_mod, sort_key FROM module_version ${on}`);
  await client.query(`UPDATE module_version SET go_mod = 'module other'::bytea, sort_key = 'a' ${on}`);
  await client.query(
    `INSERT INTO tombstone (module_path, version, go_mod_h1, reason, returnable) VALUES ('gokura.test/alice/app', 'v1.1.0', 'h1:', 'a secret', false)`,
  );
  await client.query("COMMIT");
  expect((await faultsOf()).map((line) => line.split(" ")[0]).sort()).toEqual([
    "go_mod_damaged",
    "out_of_order",
    "taken_back",
  ]);
  await client.query("BEGIN; SET LOCAL session_replication_role = replica");
  await client.query(`UPDATE module_version SET go_mod = $1, sort_key = $2 ${on}`, [rows[0].go_mod, rows[0].sort_key]);
  await client.query("DELETE FROM tombstone; COMMIT");
  expect(await faultsOf()).toEqual([]);
});

test("gokura fsck: lines and 1 for what is wrong, with what to do; JSON; 0 once it was repaired", async () => {
  const zip = await zipOf("app", "v1.0.0");
  rmSync(zip);
  const wrong = await runHere(["fsck"], environment);
  expect([wrong.code, wrong.stdout, wrong.stderr]).toEqual([
    1,
    expect.stringContaining("WRONG zip_missing gokura.test/alice/app@v1.0.0: its zip is not stored\n"),
    expect.stringContaining("take the file from a backup"),
  ]);
  const repaired = await runHere(["fsck", "--repair", "--json"], environment);
  expect([repaired.code, JSON.parse(repaired.stdout).problems]).toMatchObject([
    0,
    [{ fault: "zip_missing", repaired: true }],
  ]);
  expect(existsSync(zip)).toBe(true);
  const well = await runHere(["fsck", "--deep"], environment);
  expect([well.code, well.stdout]).toEqual([0, expect.stringContaining("everything is as it was promised")]);
});

test("a slice each week reads all within a quarter, goes on after a stop, and writes down what it finds", async () => {
  const { registry } = server;
  const repositories = new Repositories();
  atEnd(() => repositories.close());
  const damaged = await zipOf("app", "v1.2.0");
  const bytes = readFileSync(damaged);
  writeFileSync(damaged, Buffer.from(bytes).fill(1, 40, 41));
  const WEEK = 7 * 24 * 3_600_000;
  let now = Date.now();
  let versions = 0;
  let projects = 0;
  const found: string[] = [];
  for (let week = 0; week < 13; week++) {
    // The first one is stopped at once, and is still due.
    if (week === 0) expect(await examineSlice(registry, repositories, { now, over: () => true })).toBeDefined();
    const report = await examineSlice(registry, repositories, { now });
    versions += report!.versions;
    projects += report!.projects;
    found.push(...report!.problems.map(({ fault, about }) => `${fault} ${about}`));
    expect(await examineSlice(registry, repositories, { now: now + WEEK - 1 })).toBeUndefined();
    now += WEEK;
  }
  const counted = await registry.database.pool.query(
    "SELECT (SELECT count(*)::int FROM module_version) AS versions, (SELECT count(*)::int FROM project) AS projects",
  );
  // With fewer than 13 of something each slice has one, and begins anew when all were read.
  expect(versions).toBeGreaterThanOrEqual(counted.rows[0].versions);
  expect(projects).toBeGreaterThanOrEqual(counted.rows[0].projects);
  expect(new Set(found)).toEqual(new Set(["zip_damaged gokura.test/alice/app@v1.2.0"]));
  const audited = await registry.database.pool.query(
    "SELECT DISTINCT actor, subject, detail->>'fault' AS fault FROM audit_event WHERE action = 'fsck.found'",
  );
  expect(audited.rows).toEqual([{ actor: "gokura", subject: "gokura.test/alice/app@v1.2.0", fault: "zip_damaged" }]);
  const metrics = await registry.metrics.registry.metrics();
  expect(metrics).toMatch(/^gokura_fsck_problems_total\{fault="zip_damaged"\} [1-9]/m);
  expect(metrics).toMatch(new RegExp(`^gokura_fsck_slice_finished_timestamp_seconds ${(now - WEEK) / 1000}$`, "m"));
  writeFileSync(damaged, bytes);
});

test("a database of an earlier moment beside the repositories of now: what was pushed meanwhile is recorded, and a version", async () => {
  const { id, directory } = await repositoryOf("lib");
  const git = (...args: string[]) =>
    execFileSync("git", ["--git-dir", directory, ...args], {
      encoding: "utf8",
      env: { ...process.env, ...WHO },
    }).trim();
  const oid = git("rev-parse", "refs/tags/v1.0.0");
  git("update-ref", "refs/tags/v1.9.0", git("commit-tree", "-p", oid, "-m", "later", `${oid}^{tree}`));
  expect(await faultsOf({ repair: true })).toEqual([`ref_differs project ${id} true`]);
  expect(await faultsOf()).toEqual([]);
  const { prisma, database } = server.registry;
  await expect.poll(() => prisma.moduleVersion.count({ where: { version: "v1.9.0" } }), { timeout: 20_000 }).toBe(1);
  // The other way round: what was recorded is not there.
  await database.pool.query("UPDATE ref SET oid = repeat('12', 20) WHERE name = 'refs/tags/v1.9.0'");
  expect(await faultsOf({ repair: true })).toEqual([`ref_differs project ${id} false`]);
});
