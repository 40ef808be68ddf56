import { spawnSync } from "node:child_process";
import { appendFileSync, cpSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import pg from "pg";
import { expect, inject, test } from "vitest";
import { MIGRATIONS, migrate } from "../../src/database/migrate.ts";
import { emptyDatabase } from "../support/database.ts";
import { temporary } from "../support/temporary.ts";

const names = readdirSync(MIGRATIONS, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map((entry) => entry.name)
  .sort();

const root = temporary("migrations");
let count = 0;

/** A copy of our migrations that a test may change. */
function copyOfMigrations(): string {
  const folder = join(root, String(++count));
  cpSync(MIGRATIONS, folder, { recursive: true });
  return folder;
}

function write(folder: string, name: string, sql: string): void {
  mkdirSync(join(folder, name));
  writeFileSync(join(folder, name, "migration.sql"), sql);
}

async function rowsOf<T extends pg.QueryResultRow>(url: string, sql: string): Promise<T[]> {
  const client = new pg.Client(url);
  await client.connect();
  try {
    return (await client.query<T>(sql)).rows;
  } finally {
    await client.end();
  }
}

test("an empty database gets all migrations, in order, and the books say so as Prisma's own would", async () => {
  const url = await emptyDatabase();
  expect(await migrate(url)).toEqual(names);
  const rows = await rowsOf(url, "select * from _prisma_migrations order by started_at, migration_name");
  expect(rows.map((row) => row.migration_name)).toEqual(names);
  for (const row of rows)
    expect(row).toMatchObject({
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      checksum: expect.stringMatching(/^[0-9a-f]{64}$/),
      finished_at: expect.any(Date),
      started_at: expect.any(Date),
      rolled_back_at: null,
      logs: null,
      applied_steps_count: 1,
    });
});

test("again: nothing is done", async () => {
  const url = await emptyDatabase();
  await migrate(url);
  expect(await migrate(url)).toEqual([]);
});

test("replicas that start together: one does it, the others wait and find it done", async () => {
  const url = await emptyDatabase();
  const applied = await Promise.all([migrate(url), migrate(url), migrate(url), migrate(url)]);
  expect(applied.filter((one) => one.length > 0)).toEqual([names]);
  expect(await rowsOf(url, "select migration_name from _prisma_migrations")).toHaveLength(names.length);
});

test("only what is new is applied", async () => {
  const url = await emptyDatabase();
  await migrate(url);
  const folder = copyOfMigrations();
  write(folder, "99990101000000_next", "create table next (n int)");
  expect(await migrate(url, folder)).toEqual(["99990101000000_next"]);
  expect(await rowsOf(url, "select * from next")).toEqual([]);
});

test("a migration that was edited after it had been applied is refused, and nothing else is done", async () => {
  const url = await emptyDatabase();
  await migrate(url);
  const folder = copyOfMigrations();
  appendFileSync(join(folder, names[0]!, "migration.sql"), "\n-- harmless?\n");
  write(folder, "99990101000000_next", "create table next (n int)");
  await expect(migrate(url, folder)).rejects.toMatchObject({
    kind: "unavailable",
    message: `migration ${names[0]} was edited after it had been applied`,
  });
  expect(await rowsOf(url, "select to_regclass('next') as next")).toEqual([{ next: null }]);
});

test("a database of a newer program is refused", async () => {
  const url = await emptyDatabase();
  const newer = copyOfMigrations();
  write(newer, "99990101000000_future", "create table future (n int)");
  await migrate(url, newer);
  await expect(migrate(url)).rejects.toMatchObject({
    kind: "unavailable",
    message: "the database is newer than this program (it has 99990101000000_future): run the newer gokura",
  });
});

test("a migration that fails leaves nothing, not even its first statement, and can be applied once it is right", async () => {
  const url = await emptyDatabase();
  const folder = copyOfMigrations();
  write(folder, "99990101000000_wrong", "create table half (n int); insert into half values ('x')");
  await expect(migrate(url, folder)).rejects.toMatchObject({
    kind: "unavailable",
    message: expect.stringMatching(/^migration 99990101000000_wrong failed and was undone: invalid input syntax/),
  });
  expect(await rowsOf(url, "select to_regclass('half') as half")).toEqual([{ half: null }]);
  expect(await rowsOf(url, "select migration_name from _prisma_migrations")).toHaveLength(names.length);
  rmSync(join(folder, "99990101000000_wrong"), { recursive: true });
  write(folder, "99990101000000_wrong", "create table half (n int)");
  expect(await migrate(url, folder)).toEqual(["99990101000000_wrong"]);
});

test("who may not add the extension pg_trgm is told who may; once it is there all goes on", async () => {
  const url = await emptyDatabase();
  const role = `limited_${process.pid}`;
  const database = new URL(url).pathname.slice(1);
  await rowsOf(url, `create role ${role} login password 'limited'`);
  try {
    await rowsOf(url, `grant usage, create on schema public to ${role}`);
    await rowsOf(url, `revoke create on database ${database} from public`);
    const limited = new URL(url);
    limited.username = role;
    limited.password = "limited";
    await expect(migrate(limited.href)).rejects.toMatchObject({
      kind: "unavailable",
      message: expect.stringMatching(
        /permission denied to create extension "pg_trgm".*run CREATE EXTENSION pg_trgm in it/,
      ),
    });
    await rowsOf(url, "create extension pg_trgm");
    expect((await migrate(limited.href)).some((name) => name.endsWith("_search"))).toBe(true);
  } finally {
    await rowsOf(url, `drop owned by ${role}; drop role ${role}`);
  }
});

test("what another tool left half done is not built upon", async () => {
  const url = await emptyDatabase();
  await migrate(url);
  const folder = copyOfMigrations();
  write(folder, "99990101000000_next", "create table next (n int)");
  await rowsOf(
    url,
    `insert into _prisma_migrations (id, checksum, migration_name) values ('x', '', '99990101000000_next')`,
  );
  await expect(migrate(url, folder)).rejects.toThrow("was left half done by another tool; resolve it first");
});

test("the migrations lead exactly to prisma/schema.prisma", () => {
  // In a process of its own: Prisma's engine is WebAssembly and keeps what it opens.
  const compare = `
    import { pendingSchemaChanges } from "./scripts/pending-schema-changes.ts";
    console.log((await pendingSchemaChanges(process.argv[1])) ?? "nothing is missing");
    process.exit(0);`;
  const { stdout, stderr } = spawnSync(
    process.execPath,
    ["--disable-warning=ExperimentalWarning", "--input-type=module", "--eval", compare, inject("postgres").admin],
    { encoding: "utf8" },
  );
  expect(stderr).toBe("");
  expect(stdout).toBe("nothing is missing\n");
});
