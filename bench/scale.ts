// What so many versions and so many requests a second need, by arithmetic from what one costs: processor time, memory, connections
// and bytes. What an answer costs is measured here and now, on this machine; what a cold module costs, and what a version takes
// in the database, are measured by programs that take longer (bench/cold.ts, bench/pages.ts), and given by options.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { postgresDirectory } from "../src/database/running-database.ts";
import { ADMIN_TOKEN, startGokura } from "./gokura.ts";
import { costOfAnswer, familyTime, memoryOf, processorTime } from "./measure.ts";
import { printTable } from "./table.ts";

const { values } = parseArgs({
  options: {
    versions: { type: "string", default: "10000000" },
    requests: { type: "string", default: "5000" },
    stored: { type: "string", default: "0.05" },
    cold: { type: "string", default: "0.002" },
    zips: { type: "string", default: "0.25" },
    "zip-bytes": { type: "string", default: "300000" },
    "cold-server-ms": { type: "string", default: "12.0" },
    "cold-database-ms": { type: "string", default: "4.8" },
    "row-bytes": { type: "string", default: "3200" },
    busy: { type: "string", default: "0.5" },
    help: { type: "boolean", default: false },
  },
});
if (values.help) {
  console.log(`usage: node bench/scale.ts [--versions 10000000] [--requests 5000] [--stored 0.05] [--cold 0.002] …
  --versions N          stored versions
  --requests N          requests a second
  --stored PART         which part of the requests memory does not know
  --cold PART           for which part of all upstream must be asked
  --zips PART           which part of the requests is for zips (0.25)
  --zip-bytes N         bytes of a zip (300000)
  --cold-server-ms N    milliseconds of the server for a cold module, by bench/cold.ts (12.0)
  --cold-database-ms N  those of PostgreSQL (4.8)
  --row-bytes N         bytes of the database for each version, by bench/graphql/seed.ts (3200)
  --busy PART           which part of a processor is planned with (0.5)`);
  process.exit(0);
}
const { help: _, ...numbers } = values;
const given = Object.fromEntries(Object.entries(numbers).map(([name, text]) => [name, Number(text)])) as Record<
  keyof typeof numbers,
  number
>;

const BASE = "/api/v4/projects/root%2Flib/packages/go/gokura.bench/root/lib/@v";
/** Connections of one server to PostgreSQL: pool, jobs, notices and locks (docs/scale.md). */
const CONNECTIONS = 30;

interface Units {
  /** Microseconds of processor time of the server. */
  readonly info: number;
  readonly zip: number;
  readonly stored: number;
  /** …of PostgreSQL. */
  readonly storedInDatabase: number;
  /** Megabytes. */
  readonly memory: number;
}

const units = await measured();
const hit = units.info * (1 - given.zips) + units.zip * given.zips;
const parts = { cold: given.cold, stored: given.stored, memory: 1 - given.stored - given.cold };
const serverSeconds =
  (given.requests * (parts.memory * hit + parts.stored * units.stored + parts.cold * given["cold-server-ms"] * 1_000)) /
  1e6;
const databaseSeconds =
  (given.requests * (parts.stored * units.storedInDatabase + parts.cold * given["cold-database-ms"] * 1_000)) / 1e6;
// A server answers in one thread: the part of a processor that is planned with is what it gives.
const servers = Math.max(2, Math.ceil(serverSeconds / given.busy) + 1);
const zipBytes = given.requests * given.zips * given["zip-bytes"];
const gigabytes = (bytes: number): string => `${(bytes / 1e9).toFixed(0)} GB`;

console.log("What one costs, measured now:\n");
printTable([
  ["", "server, µs", "PostgreSQL, µs"],
  [".info from memory", units.info.toFixed(0), "0"],
  ["a zip of 100 kB from memory", units.zip.toFixed(0), "0"],
  [".info that memory does not know", units.stored.toFixed(0), units.storedInDatabase.toFixed(0)],
  ["a cold module (given)", String(given["cold-server-ms"] * 1_000), String(given["cold-database-ms"] * 1_000)],
]);
console.log(`\n${given.versions} versions, ${given.requests} requests a second:\n`);
printTable([
  ["", "figure"],
  ["processors that the servers keep busy", serverSeconds.toFixed(2)],
  [`servers, each ${given.busy * 100} % busy, and one more`, String(servers)],
  ["processors that PostgreSQL keeps busy", databaseSeconds.toFixed(2)],
  ["connections of PostgreSQL", String(servers * CONNECTIONS)],
  ["memory of a server after that, MB (and its hot cache)", units.memory.toFixed(0)],
  ["database", gigabytes(given.versions * given["row-bytes"])],
  ["zips, were all fetched", gigabytes(given.versions * given["zip-bytes"])],
  ["network out, Gbit/s", ((zipBytes * 8) / 1e9).toFixed(1)],
]);

/** A server with one module, whose answers are asked for from memory and, on another one without memory, from the database. */
async function measured(): Promise<Units> {
  const parent = mkdtempSync(join(tmpdir(), "gokura-scale-"));
  try {
    const hot = await startGokura(join(parent, "data"));
    publish(parent, hot.url);
    await ready(hot.url);
    const info = await least(() => costOfAnswer(hot.target, `${BASE}/v1.0.0.info`, 16, 700, ADMIN_TOKEN));
    const zip = await least(() => costOfAnswer(hot.target, `${BASE}/v1.0.0.zip`, 16, 700, ADMIN_TOKEN));
    const memory = memoryOf(hot.target.pid);
    await hot.stop();
    const cold = await startGokura(join(parent, "data"), { GOKURA_HOT_CACHE_BYTES: "0" });
    const pidFile = join(postgresDirectory(join(parent, "data")), "cluster", "postmaster.pid");
    const postmaster = Number(readFileSync(pidFile, "utf8").split("\n", 1)[0]);
    await ready(cold.url);
    let [asks, server, database] = [0, processorTime(cold.target.pid), familyTime(postmaster)];
    const end = performance.now() + 4_000;
    while (performance.now() < end) {
      await Promise.all(Array.from({ length: 8 }, () => ask(cold.url)));
      asks += 8;
    }
    [server, database] = [processorTime(cold.target.pid) - server, familyTime(postmaster) - database];
    await cold.stop();
    return { info, zip, memory, stored: server / asks, storedInDatabase: database / asks };
  } finally {
    rmSync(parent, { recursive: true, force: true });
  }
}

async function ask(url: string): Promise<number> {
  const answer = await fetch(`${url}${BASE}/v1.0.0.info`, { headers: { authorization: `Bearer ${ADMIN_TOKEN}` } });
  await answer.arrayBuffer();
  return answer.status;
}

async function ready(url: string): Promise<void> {
  while ((await ask(url)) !== 200) await delay(100);
}

async function least(measure: () => Promise<number>): Promise<number> {
  return Math.min(await measure(), await measure(), await measure());
}

function publish(parent: string, url: string): void {
  const work = mkdtempSync(join(parent, "work-"));
  const git = (...args: string[]): void =>
    void execFileSync("git", ["-C", work, "-c", "user.name=A", "-c", "user.email=a@example.com", ...args], {
      ...{ env: { PATH: process.env.PATH, HOME: parent }, stdio: "ignore" as const },
    });
  git("init", "--quiet", "--initial-branch", "main");
  writeFileSync(join(work, "go.mod"), "module gokura.bench/root/lib\n");
  writeFileSync(
    join(work, "noise.bin"),
    Buffer.from(Array.from({ length: 100_000 }, (_, n) => (n * 2_654_435_761) >>> 24)),
  );
  git("add", ".");
  git("commit", "--quiet", "--message", "all");
  git("tag", "v1.0.0");
  git("push", "--quiet", url.replace("://", `://root:${ADMIN_TOKEN}@`).concat("/root/lib.git"), "main", "v1.0.0");
}
