// The database breaks down under a running server, in the middle of pushes: its postmaster killed, one of its back-ends
// killed (PostgreSQL then ends all of them), all connections terminated as by a failover. The server goes on by itself.
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import pg from "pg";
import { localUrl } from "../../src/database/running-database.ts";
import type { Figures } from "./figures.ts";
import { litterIn } from "./litter.ts";
import { killNow, postmasterOf, startServer } from "./server.ts";
import { beginWriting, compare } from "./writers.ts";

const WRITERS = 3;
const BYTES = 50_000;
const LONGEST_PEACE_MS = 3_000;

/** Breaks it so many times. */
export async function breakDatabase(directory: string, times: number, port: number): Promise<Figures> {
  const data = join(directory, "data");
  mkdirSync(directory, { recursive: true });
  let server = await startServer(data, port);
  let ends = 0;
  const writing = await beginWriting(directory, server.url, WRITERS, BYTES);
  try {
    for (let time = 0; time < times; time++) {
      await delay(1_000 + Math.random() * LONGEST_PEACE_MS);
      const postmaster = postmasterOf(data);
      if (time % 3 === 0 && postmaster !== undefined) killNow(postmaster);
      else await endBackEnds(data, time % 3 === 1).catch(() => {}); // it may be starting just now
      if (server.ended()) {
        ends++;
        server = await startServer(data, port);
      }
    }
    await delay(2_000);
    await writing.stop();
    if (server.ended()) {
      ends++;
      server = await startServer(data, port);
    }
    const truth = await compare(server.url, writing.writers);
    return { fault: "database restarts", faults: times, ...truth, litter: litterIn(data), ends };
  } finally {
    await writing.stop();
    await server.stop("SIGTERM");
  }
}

async function endBackEnds(data: string, crash: boolean): Promise<void> {
  const directory = join(data, "postgres");
  const port = Number(readFileSync(join(directory, "cluster/postmaster.pid"), "utf8").split("\n")[3]);
  const client = new pg.Client(localUrl(readFileSync(join(directory, "password"), "utf8").trim(), port));
  client.on("error", () => {});
  await client.connect();
  const others = "from pg_stat_activity where pid <> pg_backend_pid() and application_name like 'gokura%'";
  if (crash) {
    const { rows } = await client.query<{ pid: number }>(`select pid ${others} limit 1`);
    if (rows[0]) process.kill(rows[0].pid, "SIGKILL");
  } else await client.query(`select pg_terminate_backend(pid) ${others}`);
  await client.end().catch(() => {});
}
