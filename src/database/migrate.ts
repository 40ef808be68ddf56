// Applies prisma/migrations in order at start-up and keeps the books as Prisma's own CLI does, so that the CLI can be
// used where it can be had. Better than the CLI in one way: a migration and its row commit together or not at all.
// Replicas that start together wait for each other on an advisory lock (72707369 is the one the CLI takes as well).
import { createHash, randomUUID } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import pg from "pg";
import { Failure } from "../errors.ts";

const PRISMA_ADVISORY_LOCK = 72707369;

const UNDEFINED_TABLE = "42P01"; // SQLSTATE

interface Applied {
  readonly name: string;
  readonly checksum: string;
  readonly finished: boolean;
}

const APPLIED =
  "SELECT migration_name AS name, checksum, finished_at IS NOT NULL AS finished FROM _prisma_migrations WHERE rolled_back_at IS NULL";

/** Where the migrations are, whatever the working directory. */
export const MIGRATIONS = new URL("../../prisma/migrations", import.meta.url).pathname;

/** pg_trgm comes with PostgreSQL, but perhaps in a package of its own, and not everybody may add it to a database. */
const EXTENSION_HINT =
  "The search needs the extension pg_trgm, which comes with PostgreSQL (on some systems in the package postgresql-contrib): " +
  "have an administrator of the database run CREATE EXTENSION pg_trgm in it, then start again";

const TABLE = `CREATE TABLE IF NOT EXISTS _prisma_migrations (
  id                  VARCHAR(36) PRIMARY KEY NOT NULL,
  checksum            VARCHAR(64) NOT NULL,
  finished_at         TIMESTAMPTZ,
  migration_name      VARCHAR(255) NOT NULL,
  logs                TEXT,
  rolled_back_at      TIMESTAMPTZ,
  started_at          TIMESTAMPTZ NOT NULL DEFAULT now(),
  applied_steps_count INTEGER NOT NULL DEFAULT 0
)`;

/**
 * Whether the database is at the newest migration, by its books; false also where it has none. Asks one thing and locks
 * nothing: what is found to be so stays so, because migrations are only ever added.
 */
export async function isMigrated(pool: pg.Pool, folder: string = MIGRATIONS): Promise<boolean> {
  const { rows } = await pool
    .query<Applied>(APPLIED)
    .catch((error: { code?: string }) => (error.code === UNDEFINED_TABLE ? { rows: [] } : Promise.reject(error)));
  const known = new Map(rows.map((row) => [row.name, row]));
  const ours = migrationNames(folder);
  return (
    known.size === ours.length &&
    ours.every((name) => {
      const row = known.get(name);
      return row?.finished === true && row.checksum === readMigration(folder, name).checksum;
    })
  );
}

/** Brings the database to the newest migration; returns the names of those that it applied, none when all were there. */
export async function migrate(url: string, folder: string = MIGRATIONS): Promise<string[]> {
  const client = new pg.Client({ connectionString: url, application_name: "gokura migrate" });
  client.on("error", () => {}); // the statement under way fails with it
  await client.connect();
  try {
    await client.query(`SELECT pg_advisory_lock(${PRISMA_ADVISORY_LOCK})`);
    await client.query(TABLE);
    const { rows } = await client.query<Applied>(APPLIED);
    const known = new Map(rows.map((row) => [row.name, row]));
    const applied: string[] = [];
    for (const name of migrationNames(folder)) {
      const { sql, checksum } = readMigration(folder, name);
      const row = known.get(name);
      known.delete(name);
      if (row?.finished === false)
        throw new Failure("unavailable", `migration ${name} was left half done by another tool; resolve it first`);
      if (row && row.checksum !== checksum)
        throw new Failure("unavailable", `migration ${name} was edited after it had been applied`);
      if (row) continue;
      await applyOne(client, name, sql, checksum);
      applied.push(name);
    }
    if (known.size > 0)
      throw new Failure(
        "unavailable",
        `the database is newer than this program (it has ${[...known.keys()].join(", ")}): run the newer gokura`,
      );
    return applied;
  } finally {
    await client.end(); // lets go of the lock
  }
}

function readMigration(folder: string, name: string): { sql: string; checksum: string } {
  const sql = readFileSync(join(folder, name, "migration.sql"), "utf8");
  return { sql, checksum: createHash("sha256").update(sql).digest("hex") };
}

function migrationNames(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .sort();
}

async function applyOne(client: pg.Client, name: string, sql: string, checksum: string): Promise<void> {
  await client.query("BEGIN");
  try {
    await client.query(sql);
    await client.query(
      "INSERT INTO _prisma_migrations (id, checksum, migration_name, started_at, finished_at, applied_steps_count) VALUES ($1, $2, $3, now(), clock_timestamp(), 1)",
      [randomUUID(), checksum, name],
    );
    await client.query("COMMIT");
  } catch (cause) {
    await client.query("ROLLBACK");
    const { message } = cause as Error;
    const hint = message.includes("pg_trgm") ? `. ${EXTENSION_HINT}` : "";
    throw new Failure("unavailable", `migration ${name} failed and was undone: ${message}${hint}`, { cause });
  }
}
