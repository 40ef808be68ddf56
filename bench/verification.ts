// What it costs to compare a module from upstream with a checksum database before it is stored. Two servers with their embedded
// PostgreSQL ask one upstream and one database, whose answers take as long as distant ones'; one verifies, the other does not,
// and each module is asked of both, in turns, once. On the wall the difference is told in times to the database and back, on the
// processor in milliseconds of this process, which also answers for upstream and database. Each record is in a tile of its own,
// as in a database of tens of millions.
import { mkdtempSync, rmSync } from "node:fs";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { type RunningApp, startApp } from "../src/app.ts";
import { readConfig } from "../src/config.ts";
import { h1OfGoMod } from "../src/gomod/dir-hash.ts";
import { parseTilePath } from "../src/sumdb/tile-path.ts";
import { createLog } from "../src/telemetry/log.ts";
import { MemoryLog } from "../test/support/memory-log.ts";
import { h1OfZip } from "../test/support/zip-sum.ts";
import { Upstream } from "./proxy/upstream.ts";
import { printTable } from "./table.ts";

const { values } = parseArgs({
  options: {
    modules: { type: "string", default: "150" },
    latency: { type: "string", default: "50" },
    bytes: { type: "string", default: "100000" },
    help: { type: "boolean", default: false },
  },
});
if (values.help) {
  console.log(`usage: node bench/verification.ts [--modules 150] [--latency 50] [--bytes 100000]
  --modules N  modules of one version that are asked for
  --latency N  milliseconds that each answer of the upstream and of the database takes
  --bytes N    of each zip`);
  process.exit(0);
}
const [modules, latency, bytes] = [Number(values.modules), Number(values.latency), Number(values.bytes)];
const WARM_UP = 10;
const VERSION = "v1.0.0";
const nameOf = (n: number): string => `example.com/some/module${n}`;

const upstream = new Upstream();
await upstream.start();
const records = new MemoryLog();
const ids = new Map<string, number>();
for (let n = 0; n < modules; n++) {
  await upstream.add(nameOf(n), VERSION, bytes);
  const [mod, zip] = await Promise.all(["mod", "zip"].map((ext) => fetched(`${nameOf(n)}/@v/${VERSION}.${ext}`)));
  records.append(300);
  const h1 = await h1OfZip(`${nameOf(n)}@${VERSION}`, zip!);
  const id = records.record(nameOf(n), VERSION, { h1, goModH1: h1OfGoMod(mod!.toString()) });
  ids.set(`lookup/${nameOf(n)}@${VERSION}`, id);
}
records.append(300);
const note = await records.note();
const asked: string[] = [];
const database = http.createServer(async (req, res) => {
  const path = decodeURIComponent(req.url!).slice(1);
  asked.push(path);
  await delay(latency);
  const answer = await answerTo(path);
  res.writeHead(answer ? 200 : 404, { "content-type": "text/plain" }).end(answer ?? "not found\n");
});
await new Promise<void>((done) => database.listen(0, "127.0.0.1", done));
upstream.milliseconds = latency;

const directories = [0, 1].map(() => mkdtempSync(join(tmpdir(), "gokura-bench-verification-")));
const apps: RunningApp[] = [];
const agent = new http.Agent({ keepAlive: true });
try {
  for (const [n, GOKURA_UPSTREAM_VERIFY] of ["off", "require"].entries()) {
    const config = readConfig({
      GOKURA_DATA_DIR: directories[n]!,
      GOKURA_LISTEN: "127.0.0.1:0",
      GOKURA_UPSTREAM: upstream.url,
      GOKURA_UPSTREAM_VERIFY,
      GOKURA_SUMDB: `${records.signer.verifierKey} http://127.0.0.1:${(database.address() as AddressInfo).port}`,
    });
    apps.push(await startApp(config, createLog("silent")));
  }
  const wall: Record<string, number[][]> = { mod: [[], []], zip: [[], []] };
  const processor: Record<string, number[]> = { mod: [0, 0], zip: [0, 0] };
  for (let n = 0; n < modules; n++)
    for (const ext of ["mod", "zip"])
      for (const which of n % 2 === 0 ? [0, 1] : [1, 0]) {
        const [begun, used] = [performance.now(), process.cpuUsage()];
        await get(apps[which]!, `${nameOf(n)}/@v/${VERSION}.${ext}`);
        if (n < WARM_UP) continue;
        const { user, system } = process.cpuUsage(used);
        wall[ext]![which]!.push(performance.now() - begun);
        processor[ext]![which]! += (user + system) / 1_000 / (modules - WARM_UP);
      }
  const rows = [["", "verified", "not verified", "more"]];
  for (const ext of ["mod", "zip"]) {
    const [without, verified] = wall[ext]!.map(median) as [number, number];
    const more = `${((verified - without) / latency).toFixed(2)} times there and back`;
    rows.push([`a cold .${ext}, on the wall`, `${verified.toFixed(0)} ms`, `${without.toFixed(0)} ms`, more]);
    const [less, used] = processor[ext]! as [number, number];
    rows.push([`on the processor`, `${used.toFixed(1)} ms`, `${less.toFixed(1)} ms`, `${(used - less).toFixed(1)} ms`]);
  }
  rows.push(["questions to the database for a module", (asked.length / modules).toFixed(1), "", ""]);
  printTable(rows);
} finally {
  agent.destroy();
  for (const app of apps) await app.stop();
  upstream.stop();
  database.close();
  database.closeAllConnections();
  for (const directory of directories) rmSync(directory, { recursive: true, force: true });
}

/** What the database says: everything in it was said to be so before anybody asks. */
async function answerTo(path: string): Promise<Buffer | undefined> {
  if (path === "latest") return note;
  const tile = parseTilePath(path);
  if (tile) return records.read(tile);
  const id = ids.get(path);
  return id === undefined ? undefined : records.answer(id, note);
}

async function fetched(path: string): Promise<Buffer> {
  return Buffer.from(await (await fetch(`${upstream.url}/${path}`)).arrayBuffer());
}

function get(app: RunningApp, path: string): Promise<void> {
  return new Promise((done, fail) => {
    http
      .get(`${app.url}/api/v4/packages/go/${path}`, { agent }, (answer) => {
        if (answer.statusCode !== 200) fail(new Error(`${path}: ${answer.statusCode}`));
        answer.resume().on("end", done);
      })
      .on("error", fail);
  });
}

function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)]!;
}
