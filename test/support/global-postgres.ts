// One PostgreSQL for all runs of this checkout, started by the first and stopped by the last, kept on disk between them;
// one migrated template database per set of migrations; each test file copies it.
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import type { TestProject } from "vitest/node";
import { startEmbeddedPostgres } from "../../src/database/embedded-postgres.ts";
import { MIGRATIONS, migrate } from "../../src/database/migrate.ts";
import { isAlive } from "../../src/database/postmaster-pid.ts";

declare module "vitest" {
  export interface ProvidedContext {
    postgres: { admin: string; template: string; run: number };
  }
}

const FAST = {
  ...{ fsync: "off", synchronous_commit: "off", full_page_writes: "off", max_connections: "300" },
  autovacuum: "off", // no database lives long enough to need it
};

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const checkout = createHash("sha256").update(process.cwd()).digest("hex").slice(0, 8);
  const directory = join(tmpdir(), `gokura-test-${process.getuid?.()}-${checkout}`);
  const server = await startEmbeddedPostgres(directory, FAST);
  const template = await ensureTemplate(server.url);
  project.provide("postgres", { admin: server.url, template, run: process.pid });
  return async () => {
    await server.stop();
  };
}

async function ensureTemplate(url: string): Promise<string> {
  const hash = createHash("sha256");
  for (const name of readdirSync(MIGRATIONS, { recursive: true, encoding: "utf8" }).sort())
    if (name.endsWith(".sql")) hash.update(name).update(readFileSync(join(MIGRATIONS, name)));
  const template = `template_${hash.digest("hex").slice(0, 12)}`;
  const client = new pg.Client(url);
  await client.connect();
  await client.query("select pg_advisory_lock(1)"); // two runs may start together
  const { rows } = await client.query<{ name: string }>("select datname as name from pg_database");
  for (const { name } of rows) {
    const run = /^test_(\d+)_/.exec(name)?.[1];
    if (run !== undefined && !isAlive(Number(run))) await client.query(`drop database "${name}" with (force)`);
  }
  if (!rows.some((row) => row.name === template)) {
    await client.query(`drop database if exists ${template}_new with (force)`);
    await client.query(`create database ${template}_new`);
    const fresh = url.replace(/[^/]*$/, `${template}_new`);
    await migrate(fresh);
    // The first connection writes down what every later one must know of the catalogue; copies have it from there.
    const first = new pg.Client(fresh);
    await first.connect();
    await first.end();
    await client.query(`alter database ${template}_new rename to ${template}`);
  }
  await client.end();
  return template;
}
