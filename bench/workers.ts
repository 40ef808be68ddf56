// node bench/workers.ts: what GOKURA_WORKERS brings. One server without and with workers answers a `.info` from memory on many
// connections; in turns, so that a busy machine is busy for both. Told are processor time for each answer, of all its processes
// together, which stays flat where answers scale with the cores, answers a second, and how the processes shared the work.
//
// The asking side is on the same machine and takes about as much as the answering one: on two cores answers a second hardly grow.
// With few connections it is the slower one, and each process is woken for less, which costs more. `scales to` is worked out of the
// cost: how many times as many answers so many processes would give with a core each.
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { ADMIN_TOKEN, type RunningGokura, startGokura } from "./gokura.ts";
import { type Load, memoryOf, underLoad } from "./measure.ts";
import { printTable } from "./table.ts";

const { values } = parseArgs({
  options: {
    workers: { type: "string", default: "0,1" },
    seconds: { type: "string", default: "3" },
    rounds: { type: "string", default: "3" },
    connections: { type: "string", default: "256" },
    help: { type: "boolean", default: false },
  },
});
if (values.help) {
  console.log(`usage: node bench/workers.ts [--workers 0,1] [--seconds 3] [--rounds 3] [--connections 256]
  --workers LIST   values of GOKURA_WORKERS that are compared, the first with the others
  --seconds N      how long each is asked in a round
  --rounds N       how often they take turns; the median counts
Example: node bench/workers.ts --workers 0,1,3,7 --connections 512`);
  process.exit(0);
}
const SECONDS = Number(values.seconds);
const ROUNDS = Number(values.rounds);
const CONNECTIONS = Number(values.connections);
const MODULE = "gokura.bench/root/lib";
const INFO = `/api/v4/projects/root%2Flib/packages/go/${MODULE}/@v/v1.0.0.info`;

interface Candidate {
  readonly workers: number;
  readonly gokura: RunningGokura;
  /** The first process and its workers. */
  readonly pids: readonly number[];
  readonly loads: Load[];
}

function pushModule(directory: string, url: string): void {
  const repository = join(directory, "lib");
  mkdirSync(repository);
  const git = (...words: string[]) =>
    execFileSync("git", ["-C", repository, "-c", "user.name=b", "-c", "user.email=b@example.com", ...words], {
      stdio: ["ignore", "ignore", "pipe"],
      env: { GIT_CONFIG_NOSYSTEM: "1", HOME: directory, PATH: process.env.PATH ?? "" },
    });
  git("init", "--quiet", "--initial-branch=main");
  writeFileSync(join(repository, "go.mod"), `module ${MODULE}\n\ngo 1.21\n`);
  git("add", ".");
  git("commit", "--quiet", "--message=lib");
  git("tag", "v1.0.0");
  git("push", "--quiet", `${url.replace("://", `://bench:${ADMIN_TOKEN}@`)}/root/lib.git`, "main", "v1.0.0");
}

/** How many sockets of this machine listen on a port (proc_net_tcp): one for each process that shares it. */
function listeners(port: number): number {
  const hex = port.toString(16).toUpperCase().padStart(4, "0");
  return [...readFileSync("/proc/net/tcp", "utf8").matchAll(new RegExp(`: [0-9A-F]{8}:${hex} [0-9A-F:]+ 0A`, "g"))]
    .length;
}

function workersOf(pid: number): number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ").filter(Boolean).map(Number);
  return children.filter((child) => readFileSync(`/proc/${child}/cmdline`, "utf8").includes("src/worker.ts"));
}

async function start(directory: string, workers: number): Promise<Candidate> {
  const data = join(directory, `workers-${workers}`);
  mkdirSync(data);
  const gokura = await startGokura(join(data, "data"), { GOKURA_WORKERS: String(workers) });
  const { pid, port } = gokura.target;
  while (listeners(port) < workers + 1) await delay(100);
  pushModule(data, gokura.url);
  return { workers, gokura, pids: [pid, ...workersOf(pid)], loads: [] };
}

const median = (numbers: readonly number[]): number =>
  numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)]!;

const directory = mkdtempSync(join(tmpdir(), "gokura-bench-workers-"));
const candidates: Candidate[] = [];
try {
  for (const workers of values.workers.split(",").map(Number)) candidates.push(await start(directory, workers));
  for (let round = 0; round <= ROUNDS; round++)
    for (const { gokura, pids, loads } of candidates) {
      const load = await underLoad(gokura.target, pids, INFO, CONNECTIONS, SECONDS * 1000, ADMIN_TOKEN);
      if (round > 0) loads.push(load); // the first has code compiled
    }
  const costs = candidates.map(({ loads }) => median(loads.map(({ cost }) => cost)));
  const rows = candidates.map(({ workers, pids, loads }, n) => [
    String(workers),
    costs[n]!.toFixed(1),
    (costs[n]! / costs[0]!).toFixed(2),
    median(loads.map(({ answersPerSecond }) => answersPerSecond)).toFixed(0),
    ((pids.length * costs[0]!) / costs[n]! / candidates[0]!.pids.length).toFixed(2),
    loads
      .at(-1)!
      .shares.map((share) => `${Math.round(share * 100)} %`)
      .join(" "),
    pids.map((pid) => memoryOf(pid).toFixed(0)).join(" "),
  ]);
  printTable([["workers", "µs an answer", "of the first", "answers/s", "scales to", "shares", "resident MB"], ...rows]);
} finally {
  for (const { gokura } of candidates) await gokura.stop();
  rmSync(directory, { recursive: true, force: true });
}
