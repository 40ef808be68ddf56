// A PostgreSQL for this run, beside its other temporary files, with a migrated template that each test file copies. initdb and
// the migrations take seconds: a cluster with all of that is kept on the disk, one for each set of migrations, and a run
// starts a copy of it. So runs share nothing, and what one of them leaves goes away with its directory. As with go's build
// cache, a cluster that nobody used for five days is removed when another one is made.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, statSync, utimesSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import type { TestProject } from "vitest/node";
import { startEmbeddedPostgres } from "../../src/database/embedded-postgres.ts";
import { MIGRATIONS, migrate } from "../../src/database/migrate.ts";
import { POSTGRES_VERSION } from "../../src/database/postgres-binaries.ts";
import { KEPT } from "./directories.ts";

declare module "vitest" {
  export interface ProvidedContext {
    postgres: { admin: string; template: string };
  }
}

const TEMPLATE = "template_migrated";
const KEPT_UNUSED_MS = 5 * 24 * 3_600_000;

const FAST = {
  ...{ fsync: "off", synchronous_commit: "off", full_page_writes: "off", max_connections: "300" },
  autovacuum: "off", // no database lives long enough to need it
};

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const directory = join(tmpdir(), `gokura-postgres-${process.pid}`);
  execFileSync("cp", ["-a", await keptCluster(), directory]); // with the accounts that files belong to, which Node's copy leaves out
  const server = await startEmbeddedPostgres(directory, FAST);
  project.provide("postgres", { admin: server.url, template: TEMPLATE });
  return async () => {
    await server.stop();
    rmSync(directory, { recursive: true, force: true });
  };
}

/** The data directory of a stopped PostgreSQL with the migrated template, made when it is not there. */
export async function keptCluster(): Promise<string> {
  const ours = `gokura-test-${process.getuid?.()}-`;
  const kept = join(KEPT, ours + sumOfMigrations());
  const now = new Date();
  if (existsSync(kept)) {
    utimesSync(kept, now, now);
    return kept;
  }
  for (const name of readdirSync(KEPT).filter((one) => one.startsWith(ours))) {
    const { mtimeMs = Number.POSITIVE_INFINITY } = statSync(join(KEPT, name), { throwIfNoEntry: false }) ?? {};
    if (mtimeMs < now.getTime() - KEPT_UNUSED_MS) rmSync(join(KEPT, name), { recursive: true, force: true });
  }
  const fresh = `${kept}.${process.pid}`;
  const server = await startEmbeddedPostgres(fresh, FAST);
  const client = new pg.Client(server.url);
  await client.connect();
  await client.query(`create database ${TEMPLATE}`);
  const url = server.url.replace(/[^/]*$/, TEMPLATE);
  await migrate(url);
  // The first connection writes down what every later one must know of the catalogue; copies have it from there.
  const first = new pg.Client(url);
  await first.connect();
  await first.end();
  await client.end();
  await server.stop();
  try {
    renameSync(fresh, kept);
  } catch (error) {
    if (!existsSync(kept)) throw error; // another run was faster; what it made is the same
    rmSync(fresh, { recursive: true, force: true });
  }
  return kept;
}

function sumOfMigrations(): string {
  const hash = createHash("sha256").update(POSTGRES_VERSION);
  for (const name of readdirSync(MIGRATIONS, { recursive: true, encoding: "utf8" }).sort())
    if (name.endsWith(".sql")) hash.update(name).update(readFileSync(join(MIGRATIONS, name)));
  return hash.digest("hex").slice(0, 12);
}
