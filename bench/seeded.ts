// A server with a registry of a size in it (graphql/seed.ts), and how far the filling is.
import { setTimeout as delay } from "node:timers/promises";
import pg from "pg";
import { runningDatabaseUrl } from "../src/database/running-database.ts";
import { type RunningGokura, startGokura } from "./gokura.ts";
import { type Size, seed } from "./graphql/seed.ts";

const BAR = 40;
const LOOK_MS = 500;

/**
 * Starts a server on a data directory and fills it, unless it was filled before. What a start catches up with is done then, and
 * no part of what is measured.
 */
export async function seeded(
  data: string,
  size: Size,
  settings: Readonly<Record<string, string>> = {},
): Promise<RunningGokura> {
  const running = await startGokura(data, { GOKURA_LOG_LEVEL: "error", ...settings });
  try {
    const start = performance.now();
    const url = runningDatabaseUrl(data);
    if (url === undefined) throw new Error("the embedded PostgreSQL does not run");
    await seed(url, size, (done) => showProgress(size, done, start));
    if (process.stderr.isTTY) process.stderr.write("\n");
    await idle(url);
    return running;
  } catch (error) {
    await running.stop();
    throw error;
  }
}

/** Waits until a server, whose database is at this URL, has no job to do. */
export async function idle(url: string): Promise<void> {
  const client = new pg.Client(url);
  await client.connect();
  try {
    const left = "SELECT FROM pgboss.job WHERE state <= 'active' LIMIT 1";
    while ((await client.query(left)).rowCount !== 0) await delay(LOOK_MS);
  } finally {
    await client.end();
  }
}

let shownTenths = -1;

/** A bar on a terminal, a line every tenth elsewhere. */
function showProgress({ versions }: Size, done: number, start: number): void {
  const part = done / versions;
  const seconds = (performance.now() - start) / 1000;
  const left = part > 0 ? (seconds / part) * (1 - part) : 0;
  const text = `${done} of ${versions} versions, ${seconds.toFixed(0)} s, ${left.toFixed(0)} s left`;
  if (process.stderr.isTTY) {
    const full = Math.round(part * BAR);
    process.stderr.write(`\r[${"#".repeat(full)}${" ".repeat(BAR - full)}] ${text}   `);
    return;
  }
  const tenths = Math.floor(part * 10);
  if (tenths === shownTenths) return;
  shownTenths = tenths;
  console.error(text);
}
