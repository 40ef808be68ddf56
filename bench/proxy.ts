// node bench/proxy.ts: what modules of the world cost, in microseconds of processor time of the whole server process (user
// and system, as the scheduler counts it), beside the worker of an nginx that serves the same files in the same run: hot answers,
// cold ones from an upstream that takes a while, many clients on one cold zip, and memory. Time on the wall would say as
// much about the machine and its other guests; the smallest of some rounds counts, for the others were disturbed. Beside
// both stands a bare node:http server that has the files in memory and looks at nothing but the path: what is cheaper than
// that, Node cannot do (it has no sendfile: a large zip costs what copying it into the kernel costs).
import { type ChildProcess, fork } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { chmodSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { availableParallelism, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { startGokura, stopChild } from "./gokura.ts";
import { costOfAnswer, highestMemory, memoryOf, processorTime, type Target } from "./measure.ts";
import { startGoproxy } from "./proxy/goproxy.ts";
import { type Nginx, startNginx } from "./proxy/nginx.ts";
import { Upstream } from "./proxy/upstream.ts";
import { printTable } from "./table.ts";

const { values } = parseArgs({
  options: {
    connections: { type: "string", default: "16" },
    milliseconds: { type: "string", default: "700" },
    rounds: { type: "string", default: "3" },
    latency: { type: "string", default: "20" },
    clients: { type: "string", default: "50" },
    only: { type: "string", default: "hot,cold,herd,memory" },
    goproxy: { type: "string" },
    help: { type: "boolean", default: false },
    reference: { type: "string" }, // of ourselves, see serveReference()
  },
});
if (values.help) {
  console.log(`usage: node bench/proxy.ts [--connections 16] [--milliseconds 700] [--rounds 3] [--latency 20] [--clients 50] [--only hot,…] [--goproxy PROGRAM]
  --connections N   keep-alive connections that ask for a hot answer at the same time
  --milliseconds N  how long each hot answer is asked for in a round
  --rounds N        the smallest figure of so many rounds counts
  --latency N       milliseconds that each answer of the upstream takes when something is cold
  --clients N       how many ask for one cold zip at the same time
  --only PARTS      of hot, cold, herd and memory, with commas
  --goproxy PROGRAM also beside goproxy, whose program this is: over http and over TLS`);
  process.exit(0);
}
const CONNECTIONS = Number(values.connections);
const MILLISECONDS = Number(values.milliseconds);
const ROUNDS = Number(values.rounds);
const LATENCY = Number(values.latency);
const CLIENTS = Number(values.clients);
const PARTS = new Set(values.only.split(","));

const BASE = "/api/v4/packages/go/";
const SMALL = "example.com/bench/small";
const LARGE = "example.com/bench/large";
const COLD = "example.com/bench/cold";
const HERD = "example.com/bench/herd";
const HUGE = "example.com/bench/huge";
const COLD_VERSIONS = 60;
const HUGE_VERSIONS = 4;

/** The hot answers, and what each may cost in times of goproxy's (ARCHITECTURE.md, "Speed, measured"). */
const HOT = [
  { name: ".info", path: `${SMALL}/@v/v1.0.0.info`, share: 0.6 },
  { name: ".mod", path: `${SMALL}/@v/v1.0.0.mod`, share: 0.6 },
  { name: "list", path: `${SMALL}/@v/list`, share: 0.6 },
  { name: "@latest", path: `${SMALL}/@latest`, share: 0.6 },
  { name: "zip, 100 kB", path: `${SMALL}/@v/v1.0.0.zip`, share: 1.2 },
  { name: "zip, 5 MB", path: `${LARGE}/@v/v1.0.0.zip`, share: 1.5 },
] as const;
/** What each may cost over TLS, where goproxy has no sendfile either. */
const TLS_SHARE = 1;

// ---- who answers ---------------------------------------------------------------------------------------------------

/** node:http, the files in memory, nothing looked at but the path. */
function serveReference(root: string): void {
  const files = new Map(HOT.map(({ path }) => [`/${path}`, readFileSync(join(root, path))]));
  const server = http.createServer((req, res) => {
    const file = files.get(req.url!)!;
    res.writeHead(200, { "content-length": file.length }).end(file);
  });
  server.listen(0, "127.0.0.1", () => process.send!((server.address() as AddressInfo).port));
}

async function startReference(root: string): Promise<{ child: ChildProcess; target: Target }> {
  const child = fork(import.meta.filename, ["--reference", root]);
  const [port] = (await once(child, "message")) as [number];
  return { child, target: { pid: child.pid!, port } };
}

// ---- measuring -----------------------------------------------------------------------------------------------------

async function get(target: Target, path: string): Promise<Buffer> {
  const response = await fetch(`http://127.0.0.1:${target.port}${path}`);
  const body = Buffer.from(await response.arrayBuffer());
  if (response.status !== 200) throw new Error(`${path} answers ${response.status}: ${body.subarray(0, 300)}`);
  return body;
}

const asBytes = (text: number) => text.toFixed(text < 100 ? 1 : 0);
const sha = (bytes: Buffer) => createHash("sha256").update(bytes).digest("hex");

async function hot(gokura: Target, nginx: Nginx | undefined, bare: Target, upstream: Upstream): Promise<void> {
  const targets: { name: string; target: Target; base: string }[] = [
    { name: "gokura", target: gokura, base: BASE },
    { name: "node:http", target: bare, base: "/" },
    ...(nginx ? [{ name: "nginx", target: nginx.files, base: "/" }] : []),
  ];
  const costs = HOT.map(() => targets.map(() => Number.POSITIVE_INFINITY));
  const sizes: number[] = [];
  for (const { path } of HOT) {
    const [body, ...others] = await Promise.all(targets.map(({ target, base }) => get(target, base + path)));
    if (others.some((one) => sha(one) !== sha(body!))) throw new Error(`${path}: not the same bytes`);
    sizes.push(body!.length);
  }
  upstream.asked = [];
  for (let round = 1; round <= ROUNDS; round++) {
    console.log(`hot answers, round ${round} of ${ROUNDS} …`);
    for (const [n, { path }] of HOT.entries())
      for (const [m, { target, base }] of targets.entries())
        costs[n]![m] = Math.min(costs[n]![m]!, await costOfAnswer(target, base + path, CONNECTIONS, MILLISECONDS));
  }
  console.log(`\nhot: microseconds of processor time for each answer, ${CONNECTIONS} keep-alive connections`);
  const others = targets.slice(1).map(({ name }) => `gokura/${name}`);
  printTable([
    ["answer", "bytes", ...targets.map(({ name }) => name), ...others],
    ...HOT.map(({ name }, n) => {
      const [ours, ...theirs] = costs[n]!;
      return [name, String(sizes[n]), ...costs[n]!.map(asBytes), ...theirs.map((cost) => (ours! / cost).toFixed(2))];
    }),
  ]);
  console.log(`requests to the upstream meanwhile: ${upstream.asked.length}`);
}

/** Beside goproxy, over http and over TLS: two servers of each, on the same upstream. */
async function besideGoproxy(program: string, directory: string, upstream: Upstream, gokura: Target): Promise<void> {
  const stops: (() => Promise<void>)[] = [];
  try {
    const overTls = await startGokura(join(directory, "tls"), { ...settingsFor(upstream), GOKURA_TLS: "self-signed" });
    stops.push(overTls.stop);
    const files = join(directory, "tls", "tls");
    const certificate = { certFile: join(files, "cert.pem"), keyFile: join(files, "key.pem") };
    for (const [title, ours, given] of [
      ["http", gokura, undefined],
      ["TLS", { ...overTls.target, tls: true }, certificate],
    ] as const) {
      const goproxy = await startGoproxy(program, join(directory, `goproxy-${title}`), upstream.url, given);
      stops.push(() => stopChild(goproxy.child));
      const rows = [["answer", "gokura", "goproxy", "gokura/goproxy", "to hold", ""]];
      for (const { name, path, share } of HOT) {
        let [mine, theirs] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
        for (let round = 0; round < ROUNDS; round++) {
          mine = Math.min(mine, await costOfAnswer(ours, BASE + path, CONNECTIONS, MILLISECONDS));
          theirs = Math.min(theirs, await costOfAnswer(goproxy.target, `/${path}`, CONNECTIONS, MILLISECONDS));
        }
        const toHold = title === "TLS" ? TLS_SHARE : share;
        const ratio = mine / theirs;
        const verdict = ratio <= toHold ? "held" : "NOT HELD";
        rows.push([name, asBytes(mine), asBytes(theirs), ratio.toFixed(2), `<= ${toHold}`, verdict]);
      }
      console.log(`\nbeside goproxy, over ${title}: microseconds of processor time for each answer`);
      printTable(rows);
    }
  } finally {
    for (const stop of stops.reverse()) await stop();
  }
}

const settingsFor = (upstream: Upstream) => ({
  GOKURA_UPSTREAM: upstream.url,
  GOKURA_UPSTREAM_VERIFY: "off", // no checksum database knows these
  GOKURA_UPSTREAM_TTL: "3600",
  GOKURA_ALLOW_PRIVATE_NETWORKS: "127.0.0.0/8",
});

async function cold(gokura: Target, nginx: Nginx | undefined, upstream: Upstream): Promise<void> {
  console.log(`\ncold, upstream takes ${LATENCY} ms, one after the other, ${COLD_VERSIONS} of each …`);
  upstream.milliseconds = LATENCY;
  const rows = [
    ["answer", "server", "us of processor", "x nginx", "ms, median", "ms, worst", "upstream GETs for each"],
  ];
  const servers = [{ name: "gokura", target: gokura, base: BASE }];
  if (nginx) servers.push({ name: "nginx, proxy_cache", target: nginx.cache, base: "/" });
  const costs: number[] = [];
  // Zips are of other versions than .mod, so that nothing is known of them.
  for (const [what, first] of [
    ["mod", 0],
    ["zip", COLD_VERSIONS],
  ] as const)
    for (const { name, target, base } of servers) {
      await get(target, `${base}${COLD}/@v/v1.${what === "mod" ? 900 : 901}.0.${what}`); // the way there is warm
      upstream.asked = [];
      const times: number[] = [];
      const before = processorTime(target.pid);
      for (let n = first; n < first + COLD_VERSIONS; n++) {
        const began = performance.now();
        await get(target, `${base}${COLD}/@v/v1.${n}.0.${what}`);
        times.push(performance.now() - began);
      }
      const cost = (processorTime(target.pid) - before) / COLD_VERSIONS;
      times.sort((a, b) => a - b);
      const [median, worst] = [times[times.length >> 1]!, times.at(-1)!];
      costs.push(cost);
      const gets = upstream.asked.length / COLD_VERSIONS;
      rows.push([
        what === "mod" ? ".mod" : "zip, 100 kB",
        name,
        cost.toFixed(0),
        "",
        median.toFixed(1),
        worst.toFixed(1),
        `${gets} (${kinds(upstream.asked)})`,
      ]);
    }
  // Ours and nginx's come by turns.
  if (nginx) for (const n of [0, 2]) rows[n + 1]![3] = (costs[n]! / costs[n + 1]!).toFixed(1);
  printTable(rows);
}

/** How many requests there were for each kind of file. */
function kinds(asked: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const path of asked) {
    const kind = /\.(info|mod|zip)$|@latest$|list$/.exec(path)?.[0] ?? path;
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
  }
  return [...counts].map(([kind, count]) => `${count} ${kind}`).join(", ");
}

async function herd(gokura: Target, nginx: Nginx | undefined, upstream: Upstream): Promise<void> {
  console.log(`\nthe herd: ${CLIENTS} clients ask for one cold zip of 5 MB at the same time …`);
  upstream.milliseconds = LATENCY;
  const path = `${HERD}/@v/v1.0.0.zip`;
  for (const [name, target, base] of [
    ["gokura", gokura, BASE],
    ["nginx, proxy_cache_lock", nginx?.cache, "/"],
  ] as const) {
    if (!target) continue;
    upstream.asked = [];
    const began = performance.now();
    const before = processorTime(target.pid);
    const sums = new Set<string>();
    const highest = await highestMemory(target.pid, () =>
      Promise.all(Array.from({ length: CLIENTS }, async () => sums.add(sha(await get(target, base + path))))),
    );
    const milliseconds = (performance.now() - began).toFixed(0);
    const cost = ((processorTime(target.pid) - before) / CLIENTS).toFixed(0);
    const gets = upstream.asked.filter((one) => one === path).length;
    console.log(
      `${name}: ${gets} upstream GET of the zip (all: ${kinds(upstream.asked)}), ${sums.size} different answer, all served after ${milliseconds} ms, ${cost} us of processor for each, at most ${highest.toFixed(0)} MB`,
    );
  }
}

async function memory(gokura: Target, atRest: number, upstream: Upstream): Promise<void> {
  console.log("\nmemory of gokura's process, resident (its PostgreSQL is not in it) …");
  upstream.milliseconds = 0;
  const rows = [["at rest after the start", atRest]] as [string, number][];
  const path = `${BASE}${LARGE}/@v/v1.0.0.zip`;
  const warm = await highestMemory(gokura.pid, () => costOfAnswer(gokura, path, CLIENTS, 3000));
  rows.push([`most, ${CLIENTS} connections on a hot zip of 5 MB`, warm]);
  const huge = await highestMemory(gokura.pid, () =>
    Promise.all(Array.from({ length: HUGE_VERSIONS }, (_, n) => get(gokura, `${BASE}${HUGE}/@v/v1.${n}.0.zip`))),
  );
  rows.push([`most, ${HUGE_VERSIONS} cold zips of 40 MB at the same time`, huge]);
  await delay(5000);
  rows.push(["5 seconds after all that", memoryOf(gokura.pid)]);
  printTable(rows.map(([what, megabytes]) => [what, `${megabytes.toFixed(0)} MB`]));
}

// ---- the run -------------------------------------------------------------------------------------------------------

async function fill(upstream: Upstream): Promise<void> {
  await upstream.add(SMALL, "v1.0.0", 100_000);
  await upstream.add(LARGE, "v1.0.0", 5_000_000);
  await upstream.add(HERD, "v1.0.0", 5_000_000);
  for (let n = 0; n < 2 * COLD_VERSIONS; n++) await upstream.add(COLD, `v1.${n}.0`, 100_000);
  for (const n of [900, 901]) await upstream.add(COLD, `v1.${n}.0`, 100_000);
  for (let n = 0; n < HUGE_VERSIONS; n++) await upstream.add(HUGE, `v1.${n}.0`, 40_000_000);
}

async function run(): Promise<void> {
  const began = performance.now();
  const directory = mkdtempSync(join(tmpdir(), "gokura-bench-proxy-"));
  chmodSync(directory, 0o755); // as root, PostgreSQL runs as another user
  const stops: (() => Promise<void>)[] = [];
  const upstream = new Upstream();
  try {
    console.log(`making modules; ${availableParallelism()} processors, load ${loadavg()[0]!.toFixed(1)} …`);
    await upstream.start();
    await fill(upstream);
    const root = join(directory, "files");
    upstream.write(
      root,
      HOT.map(({ path }) => path),
    );
    const nginx = await startNginx(join(directory, "nginx"), root, upstream.url);
    if (nginx) stops.push(() => stopChild(nginx.child));
    const bare = await startReference(root);
    stops.push(() => stopChild(bare.child));
    console.log("starting gokura …");
    const gokura = await startGokura(join(directory, "data"), settingsFor(upstream));
    stops.push(gokura.stop);
    await delay(2000);
    const atRest = memoryOf(gokura.target.pid);
    if (PARTS.has("hot")) await hot(gokura.target, nginx, bare.target, upstream);
    if (values.goproxy !== undefined) await besideGoproxy(values.goproxy, directory, upstream, gokura.target);
    if (PARTS.has("cold")) await cold(gokura.target, nginx, upstream);
    if (PARTS.has("herd")) await herd(gokura.target, nginx, upstream);
    if (PARTS.has("memory")) await memory(gokura.target, atRest, upstream);
    console.log(`\nall of it took ${((performance.now() - began) / 1000).toFixed(0)} s`);
  } finally {
    for (const stop of stops.reverse()) await stop();
    upstream.stop();
    rmSync(directory, { recursive: true, force: true });
  }
}

if (values.reference !== undefined) serveReference(values.reference);
else await run();
