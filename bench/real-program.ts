// node bench/real-program.ts --goproxy PROGRAM: what the dependencies of a real program cost, as the go command asks for them,
// beside goproxy and nginx in the same run. The program's go.mod comes from the registry of `go env GOPROXY`, and whatever is
// asked for besides, once; in the measured runs the answers are recorded ones, each as far away as was set.
//
//   cold     `go mod download` with an empty cache, from a server that has nothing
//   warm     the same after the server was started anew: it has everything, and nothing in memory
//   updates  `go list -m -u all`: the list of each module, and the .info and .mod of its latest version; then once more
//
// Of each: the time on the wall as the go command's user has it, the processor time of the server (and of its PostgreSQL), and
// what the upstream was asked. The go command, the upstream and the servers share the machine's cores.
import { execFile, execFileSync } from "node:child_process";
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs, promisify } from "node:util";
import { postgresDirectory } from "../src/database/running-database.ts";
import { startGokura, stopChild } from "./gokura.ts";
import { familyTime, processorTime } from "./measure.ts";
import { RecordedUpstream } from "./program/recorded-upstream.ts";
import { startGoproxy } from "./proxy/goproxy.ts";
import { startNginx } from "./proxy/nginx.ts";
import { printTable } from "./table.ts";

const { values } = parseArgs({
  options: {
    goproxy: { type: "string" },
    program: { type: "string", default: "helm.sh/helm/v3@v3.16.3" },
    latency: { type: "string", default: "20" },
    repetitions: { type: "string", default: "1" },
    recorded: { type: "string" },
    profile: { type: "string" },
    node: { type: "string", default: "" },
    only: { type: "string", default: "cold,warm,updates" },
    help: { type: "boolean", default: false },
  },
});
if (values.help) {
  console.log(`usage: node bench/real-program.ts [--goproxy PROGRAM] [--program MODULE@VERSION] [--latency 20] [--repetitions 1] [--recorded DIRECTORY] [--profile DIRECTORY] [--node=OPTIONS] [--only cold,warm,updates]
  --goproxy PROGRAM       also beside goproxy, whose program this is: GOBIN=/tmp go install github.com/goproxy/goproxy/cmd/goproxy@latest
  --program M@V           whose go.mod is worked with
  --latency N             milliseconds that each answer of the upstream takes
  --repetitions N         of everything, by turns; medians are printed
  --recorded DIRECTORY    where the registry's answers are kept for the next run
  --profile DIRECTORY     where the server writes a .cpuprofile of its main thread
  --node=OPTIONS          for the Node of the server, such as --node=--max-semi-space-size=32
  --only PARTS            of cold, warm and updates, with commas; cold is always done`);
  process.exit(0);
}
const LATENCY = Number(values.latency);
const REPETITIONS = Number(values.repetitions);
const PARTS = values.only.split(",");
/** What a download leaves to be done afterwards is part of its price. */
const SETTLE_MS = 3_000;

const run = promisify(execFile);

interface Figures {
  readonly wall: number;
  readonly server: number;
  readonly database: number;
  readonly asked: number;
}

/** A server that is measured: started on its own directory, again and again. */
interface Contender {
  readonly name: string;
  start(): Promise<Started>;
}

interface Started {
  /** What GOPROXY is set to. */
  readonly proxy: string;
  /** Its process. */
  readonly pid: number;
  /** Its PostgreSQL's, if it has one. */
  readonly postmaster?: number;
  stop(): Promise<void>;
}

const directory = mkdtempSync(join(tmpdir(), "gokura-bench-program-"));
chmodSync(directory, 0o755); // as root, PostgreSQL runs as another user
let number = 0;

/** A place of the go command's own, with the program's go.mod and an empty module cache. */
function freshClient(goMod: Buffer): { readonly work: string; readonly cache: string; remove(): void } {
  const home = join(directory, `client${++number}`);
  const [work, cache] = [join(home, "work"), join(home, "cache")];
  mkdirSync(work, { recursive: true });
  writeFileSync(join(work, "go.mod"), goMod);
  return { work, cache, remove: () => rmSync(home, { recursive: true, force: true }) };
}

/** Runs the go command; how long it took, in seconds. */
async function go(words: readonly string[], proxy: string, work: string, cache: string): Promise<number> {
  const began = performance.now();
  await run("go", words, {
    cwd: work,
    maxBuffer: 64 * 1024 * 1024,
    env: {
      PATH: process.env.PATH ?? "",
      HOME: directory,
      ...{ GOMODCACHE: cache, GOPROXY: proxy, GOSUMDB: "off", GOTOOLCHAIN: "local" },
      GOFLAGS: "-mod=mod -modcacherw",
    },
  });
  return (performance.now() - began) / 1000;
}

async function measured(
  { pid, postmaster }: Started,
  upstream: RecordedUpstream,
  work: () => Promise<number>,
): Promise<Figures> {
  const database = (): number => (postmaster === undefined ? 0 : familyTime(postmaster));
  upstream.asked = [];
  const before = [processorTime(pid), database()] as const;
  const wall = await work();
  const asked = upstream.asked.length;
  await delay(SETTLE_MS);
  return {
    ...{ wall, asked },
    server: (processorTime(pid) - before[0]) / 1e6,
    database: (database() - before[1]) / 1e6,
  };
}

function gokura(dataDirectory: string, upstream: RecordedUpstream): Contender {
  return {
    name: "Gokura",
    async start() {
      const settings = {
        GOKURA_UPSTREAM: upstream.url,
        GOKURA_UPSTREAM_VERIFY: "off", // goproxy verifies nothing either
        GOKURA_ALLOW_PRIVATE_NETWORKS: "127.0.0.0/8",
      };
      const profiling =
        values.profile === undefined
          ? []
          : ["--cpu-prof", "--cpu-prof-interval=500", `--cpu-prof-dir=${values.profile}`];
      const options = [...profiling, ...values.node.split(" ").filter((option) => option !== "")];
      const server = await startGokura(dataDirectory, settings, undefined, options);
      const pidFile = join(postgresDirectory(dataDirectory), "cluster", "postmaster.pid");
      return {
        proxy: `${server.url}/api/v4/packages/go`,
        pid: server.target.pid,
        postmaster: Number(readFileSync(pidFile, "utf8").split("\n", 1)[0]),
        stop: server.stop,
      };
    },
  };
}

function goproxy(program: string, place: string, upstream: RecordedUpstream): Contender {
  mkdirSync(place, { recursive: true });
  return {
    name: "goproxy",
    async start() {
      const { child, target } = await startGoproxy(program, place, upstream.url);
      return { proxy: `http://127.0.0.1:${target.port}`, pid: target.pid, stop: () => stopChild(child) };
    },
  };
}

type Results = Map<string, Figures[]>;

function note(results: Results, what: string, figures: Figures): void {
  results.set(what, [...(results.get(what) ?? []), figures]);
  const { wall, server, database, asked } = figures;
  console.log(
    `  ${what}: ${wall.toFixed(1)} s, server ${server.toFixed(2)} s, PostgreSQL ${database.toFixed(2)} s, upstream asked ${asked} times`,
  );
}

/** All that is measured of one server, which has nothing at first. */
async function contend(
  { name, start }: Contender,
  upstream: RecordedUpstream,
  goMod: Buffer,
  results: Results,
): Promise<void> {
  console.log(name);
  const download = async ({ proxy }: Started): Promise<number> => {
    const client = freshClient(goMod);
    try {
      return await go(["mod", "download"], proxy, client.work, client.cache);
    } finally {
      client.remove();
    }
  };
  let server = await start();
  try {
    note(results, "cold", await measured(server, upstream, () => download(server)));
    if (PARTS.includes("warm")) {
      await server.stop();
      server = await start();
      await delay(SETTLE_MS);
      note(results, "warm", await measured(server, upstream, () => download(server)));
    }
    if (PARTS.includes("updates"))
      for (const what of ["updates", "updates again"]) {
        const client = freshClient(goMod);
        await go(["mod", "download"], server.proxy, client.work, client.cache);
        const list = (): Promise<number> => go(["list", "-m", "-u", "all"], server.proxy, client.work, client.cache);
        note(results, what, await measured(server, upstream, list));
        client.remove();
      }
  } finally {
    await server.stop();
  }
}

/** What a web server needs for the same: the files of a module cache, which are a registry. */
async function besideNginx(
  place: string,
  files: string,
  upstream: RecordedUpstream,
  goMod: Buffer,
  results: Results,
): Promise<void> {
  const nginx = await startNginx(place, files, upstream.url);
  if (nginx === undefined) return;
  console.log(nginx.version);
  const server: Started = {
    proxy: `http://127.0.0.1:${nginx.files.port}`,
    pid: nginx.files.pid,
    stop: () => stopChild(nginx.child),
  };
  try {
    const client = freshClient(goMod);
    const work = (): Promise<number> => go(["mod", "download"], server.proxy, client.work, client.cache);
    note(results, "warm", await measured(server, upstream, work));
    client.remove();
  } finally {
    await server.stop();
  }
}

const median = (numbers: readonly number[]): number =>
  numbers.toSorted((a, b) => a - b)[Math.floor((numbers.length - 1) / 2)]!;

function print(all: ReadonlyMap<string, Results>): void {
  const columns = ["wall", "server", "database", "asked"] as const;
  const figure = (name: string, what: string, column: (typeof columns)[number]): number | undefined => {
    const found = all.get(name)?.get(what);
    return found && median(found.map((one) => one[column]));
  };
  const rows = [
    ["", "wall s", "server CPU s", "PostgreSQL CPU s", "upstream requests"].concat([
      "wall / goproxy",
      "CPU / goproxy",
      "wall / nginx",
    ]),
  ];
  for (const what of ["cold", "warm", "updates", "updates again"])
    for (const name of all.keys()) {
      const of = columns.map((column) => figure(name, what, column));
      if (of[0] === undefined) continue;
      const ratio = (column: "wall" | "server", beside = "goproxy"): string => {
        const theirs = figure(beside, what, column);
        return theirs === undefined ? "" : (figure(name, what, column)! / theirs).toFixed(2);
      };
      const [wall, server, database, asked] = of as number[];
      rows.push([
        `${what}: ${name}`,
        ...[wall!.toFixed(1), server!.toFixed(2), database!.toFixed(2), String(asked)],
        ...[ratio("wall"), ratio("server"), ratio("wall", "nginx")],
      ]);
    }
  console.log("");
  printTable(rows);
}

const [path, version] = values.program.split("@") as [string, string];
const escaped = path.replace(/[A-Z]/g, (letter) => `!${letter.toLowerCase()}`);
const registry = execFileSync("go", ["env", "GOPROXY"], { encoding: "utf8" }).trim().split(/[,|]/, 1)[0]!;
const upstream = new RecordedUpstream(registry, values.recorded ?? join(directory, "recorded"));
try {
  await upstream.start();
  const goMod = await upstream.bodyOf(`${escaped}/@v/${version}.mod`);
  const first = freshClient(goMod);
  console.log(`${values.program}: recording what the go command asks for …`);
  await go(["mod", "download"], upstream.url, first.work, first.cache);
  const files = join(directory, "files");
  cpSync(join(first.cache, "cache", "download"), files, { recursive: true });
  if (PARTS.includes("updates")) await go(["list", "-m", "-u", "all"], upstream.url, first.work, first.cache);
  first.remove();
  upstream.milliseconds = LATENCY;
  const all = new Map<string, Results>([["Gokura", new Map()]]);
  if (values.goproxy !== undefined) all.set("goproxy", new Map());
  if (PARTS.includes("warm")) all.set("nginx", new Map());
  for (let n = 0; n < REPETITIONS; n++)
    for (const [name, results] of n % 2 === 0 ? all : [...all].reverse()) {
      const place = join(directory, `${name}${n}`);
      if (name === "nginx") await besideNginx(place, files, upstream, goMod, results);
      else {
        const contender = name === "Gokura" ? gokura(place, upstream) : goproxy(values.goproxy!, place, upstream);
        await contend(contender, upstream, goMod, results);
      }
      rmSync(place, { recursive: true, force: true });
    }
  print(all);
  console.log(
    `\n${availableParallelism()} cores, load ${loadavg()[0]!.toFixed(1)}; the upstream is ${LATENCY} ms away; medians of ${REPETITIONS}`,
  );
} finally {
  upstream.stop();
  rmSync(directory, { recursive: true, force: true });
}
