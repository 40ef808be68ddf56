// node bench/cold.ts: what a module costs that nobody has asked for before. A server with its embedded PostgreSQL, and an
// upstream on loopback whose answers take as long as a distant one's; of each module .info, .mod and zip are asked for one
// after the other, once. Three figures:
//
//   on the wall   the three together, and each of them: median and ninth decile
//   processor     of the server by thread, and of its PostgreSQL, as the scheduler counted it (measure.ts), with all that
//                 they do afterwards: the jobs that a zip leaves behind are part of its price
//   statements    of a second, shorter run that PostgreSQL writes down, so that what it costs to write is in no other figure:
//                 how many for each module, which, and how often it synced its log
//
// With --profile the server leaves a .cpuprofile of its main thread there. --checkout names the directory whose
// server is measured, so that two can be measured by turns.
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import http from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import pg from "pg";
import { postgresDirectory, runningDatabaseUrl } from "../src/database/running-database.ts";
import { type RunningGokura, startGokura } from "./gokura.ts";
import { familyTime } from "./measure.ts";
import { Upstream } from "./proxy/upstream.ts";
import { printTable } from "./table.ts";

const { values } = parseArgs({
  options: {
    modules: { type: "string", default: "150" },
    latency: { type: "string", default: "20" },
    bytes: { type: "string", default: "100000" },
    parts: { type: "string", default: "info,mod,zip" },
    profile: { type: "string" },
    node: { type: "string", default: "" },
    checkout: { type: "string" },
    help: { type: "boolean", default: false },
  },
});
if (values.help) {
  console.log(`usage: node bench/cold.ts [--modules 150] [--latency 20] [--bytes 100000] [--parts info,mod,zip] [--profile DIRECTORY] [--node OPTIONS] [--checkout DIRECTORY]
  --modules N           modules of one version that are asked for
  --latency N           milliseconds that each answer of the upstream takes
  --bytes N             of each zip
  --parts PARTS         what of each module is asked for, in this order, with commas: list is one too
  --profile DIRECTORY   where the server writes a .cpuprofile of its main thread
  --node OPTIONS        for the Node of the server: --node=--max-semi-space-size=32
  --checkout DIRECTORY  whose server is measured, if not this one's`);
  process.exit(0);
}
const MODULES = Number(values.modules);
const LATENCY = Number(values.latency);
const BYTES = Number(values.bytes);
const PARTS = values.parts.split(",");
const ENDPOINT = "/api/v4/packages/go/";
const WARM_UP = 20;
/** Modules of the run whose statements are written down. */
const WRITTEN_DOWN = 20;
/** V8 collects what the start and the warming up left behind, when it has been idle for a while. */
const IDLE_MS = 12_000;
/** The job that a zip leaves behind waits up to a second for its turn. */
const SETTLE_MS = 3_000;

const profiling =
  values.profile === undefined ? [] : ["--cpu-prof", "--cpu-prof-interval=500", `--cpu-prof-dir=${values.profile}`];

/** As the go command asks. */
const GO_COMMAND = { "user-agent": "Go-http-client/1.1" };

const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });

/** One GET on a kept connection, read to its end, in milliseconds. */
function get({ target }: RunningGokura, path: string): Promise<number> {
  const began = performance.now();
  return new Promise((done, fail) => {
    const asked = { host: "127.0.0.1", port: target.port, path: ENDPOINT + path, agent, headers: GO_COMMAND };
    const request = http.get(asked, (response) => {
      if (response.statusCode !== 200) return fail(new Error(`${path} answers ${response.statusCode}`));
      response.resume().once("end", () => done(performance.now() - began));
    });
    request.once("error", fail);
  });
}

/** Milliseconds of the server's main thread, of what V8 does beside it, of libuv's pool (files, zlib), of PostgreSQL. */
interface Spent {
  readonly main: number;
  readonly v8: number;
  readonly pool: number;
  readonly database: number;
}

/** Processor time of the threads that have such names (Node 24 gives them), in milliseconds. */
function timeOfThreads(pid: number, isMeant: (name: string) => boolean): number {
  const meant = readdirSync(`/proc/${pid}/task`).filter((thread) =>
    isMeant(readFileSync(`/proc/${pid}/task/${thread}/comm`, "utf8")),
  );
  const times = meant.map((thread) => readFileSync(`/proc/${pid}/task/${thread}/schedstat`, "utf8").split(" ", 1)[0]);
  return times.reduce((sum, time) => sum + Number(time), 0) / 1e6;
}

/** Processor time so far, in milliseconds. */
function spent(server: RunningGokura, postmaster: number): Spent {
  const { pid } = server.target;
  const main = timeOfThreads(pid, (name) => !/^(?:libuv|V8|DelayedTask)/.test(name));
  const v8 = timeOfThreads(pid, (name) => /^(?:V8|DelayedTask)/.test(name));
  const pool = timeOfThreads(pid, (name) => name.startsWith("libuv"));
  const database = familyTime(postmaster) / 1000;
  return { main, v8, pool, database };
}

const nameOf = (n: number): string => `example.com/cold/module${n}`;
const decile = (times: readonly number[], part: number): string =>
  times.toSorted((a, b) => a - b)[Math.round((times.length - 1) * part)]!.toFixed(1);

/** Asks for modules, from one number to another; the times of each part, and of all together. */
async function askFor(server: RunningGokura, from: number, to: number): Promise<Map<string, number[]>> {
  const times = new Map<string, number[]>([...PARTS, "together"].map((part) => [part, []]));
  for (let n = from; n < to; n++) {
    let sum = 0;
    for (const part of PARTS) {
      const took = await get(server, `${nameOf(n)}/@v/${part === "list" ? part : `v1.0.0.${part}`}`);
      times.get(part)!.push(took);
      sum += took;
    }
    times.get("together")!.push(sum);
  }
  return times;
}

async function measure(server: RunningGokura, postmaster: number, upstream: Upstream): Promise<void> {
  upstream.asked = [];
  const before = spent(server, postmaster);
  const times = await askFor(server, WARM_UP, WARM_UP + MODULES);
  const asked = upstream.asked.length;
  await delay(SETTLE_MS);
  const after = spent(server, postmaster);
  const [main, v8, pool, database] = (["main", "v8", "pool", "database"] as const).map(
    (who) => (after[who] - before[who]) / MODULES,
  ) as [number, number, number, number];
  const all = main + v8 + pool;
  console.log(`\n${MODULES} modules, ${PARTS.join(" + ")}, ${BYTES} bytes, upstream ${LATENCY} ms away`);
  printTable([
    ["on the wall", "p50 ms", "p90 ms"],
    ...[...times].map(([part, took]) => [part, decile(took, 0.5), decile(took, 0.9)]),
  ]);
  printTable([
    ["processor ms a module", "main thread", "V8's", "libuv's", "server", "PostgreSQL", "all", "upstream requests"],
    ["", main, v8, pool, all, database, all + database, asked / MODULES].map((figure) =>
      typeof figure === "number" ? figure.toFixed(2) : figure,
    ),
  ]);
}

/** What PostgreSQL is told, by its own log. */
async function countStatements(server: RunningGokura, dataDirectory: string): Promise<void> {
  const client = new pg.Client({ connectionString: runningDatabaseUrl(dataDirectory)! });
  await client.connect();
  const logFile = join(postgresDirectory(dataDirectory), "postgres.log");
  const syncs = async (): Promise<number> => {
    const { rows } = await client.query<{ n: string | null }>(
      "SELECT sum(fsyncs) AS n FROM pg_stat_io WHERE object = 'wal'",
    );
    return Number(rows[0]!.n ?? 0);
  };
  await client.query("ALTER SYSTEM SET log_statement = 'all'");
  await client.query("SELECT pg_reload_conf()");
  await delay(SETTLE_MS);
  const [start, before] = [readFileSync(logFile, "utf8").length, await syncs()];
  await askFor(server, WARM_UP + MODULES, WARM_UP + MODULES + WRITTEN_DOWN);
  await delay(SETTLE_MS);
  const after = await syncs();
  const statements = new Map<string, number>();
  for (const line of readFileSync(logFile, "utf8")
    .slice(start)
    .split(/\n(?=\d{4}-)/)) {
    const text = /LOG: +(?:statement|execute [^:]+): ([\s\S]*)/.exec(line)?.[1];
    if (text === undefined || text.includes("pg_stat_io")) continue;
    const short = text.replace(/\s+/g, " ").slice(0, 110);
    statements.set(short, (statements.get(short) ?? 0) + 1);
  }
  await client.query("ALTER SYSTEM RESET log_statement");
  await client.query("SELECT pg_reload_conf()");
  await client.end();
  const all = [...statements].sort(([, a], [, b]) => b - a);
  const each = (count: number): string => (count / WRITTEN_DOWN).toFixed(2);
  console.log(
    `\nstatements a module: ${each(all.reduce((sum, [, count]) => sum + count, 0))}; syncs of PostgreSQL's log: ${each(after - before)}`,
  );
  printTable([["a module", "statement"], ...all.slice(0, 60).map(([text, count]) => [each(count), text])]);
}

const directory = mkdtempSync(join(tmpdir(), "gokura-bench-cold-"));
chmodSync(directory, 0o755); // as root, PostgreSQL runs as another user
const upstream = new Upstream();
let server: RunningGokura | undefined;
try {
  await upstream.start();
  for (let n = 0; n < WARM_UP + MODULES + WRITTEN_DOWN; n++) await upstream.add(nameOf(n), "v1.0.0", BYTES);
  const dataDirectory = join(directory, "data");
  server = await startGokura(
    dataDirectory,
    {
      GOKURA_UPSTREAM: upstream.url,
      GOKURA_UPSTREAM_VERIFY: "off", // no checksum database knows these
      GOKURA_UPSTREAM_TTL: "3600",
      GOKURA_ALLOW_PRIVATE_NETWORKS: "127.0.0.0/8",
    },
    values.checkout,
    [...profiling, ...values.node.split(" ").filter((option) => option !== "")],
  );
  upstream.milliseconds = LATENCY;
  await askFor(server, 0, WARM_UP); // code is compiled, connections are there
  await delay(IDLE_MS);
  const pidFile = join(postgresDirectory(dataDirectory), "cluster", "postmaster.pid");
  await measure(server, Number(readFileSync(pidFile, "utf8").split("\n", 1)[0]), upstream);
  await countStatements(server, dataDirectory);
} finally {
  agent.destroy();
  await server?.stop();
  upstream.stop();
  rmSync(directory, { recursive: true, force: true });
}
