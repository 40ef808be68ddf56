// What the checksum log costs, on the embedded PostgreSQL as it is by default (fsync on): records a second in batches, one
// record alone, bytes a record, and what a lookup and a tile that are not in memory cost with few records and with many; at
// last a warm lookup, of each kind of endpoint, and a warm tile beside a warm .info of the same server, in the same run. Ratios
// say more than times, which are those of the machine. With ten million records it takes ten minutes and 4 GB of disk.
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import http from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs, promisify } from "node:util";
import { type RunningApp, startApp } from "../src/app.ts";
import { readConfig } from "../src/config.ts";
import { ensureRecord } from "../src/registry/checksums/checksum-log.ts";
import type { ChecksumLog } from "../src/registry/checksums/log-state.ts";
import { tileAt } from "../src/sumdb/tile-path.ts";
import { createLog } from "../src/telemetry/log.ts";
import { fillLog, moduleOf, sumOf } from "./sumdb-fill.ts";
import { printTable } from "./table.ts";

const { values } = parseArgs({
  options: {
    few: { type: "string", default: "10000" },
    many: { type: "string", default: "50000" },
    help: { type: "boolean", default: false },
  },
});
if (values.help) {
  console.log(`usage: node bench/sumdb.ts [--few 10000] [--many 50000]
  --few N   records with which a lookup and a tile are measured first
  --many N  records with which they are measured again; from 100,000 on they are not appended, but filled in
Example: node bench/sumdb.ts --many 10000000`);
  process.exit(0);
}

const ALONE = 40;
const READS = 2_000;
/** More than these are filled in. */
const APPENDED = 100_000;
const WARM_REQUESTS = 500;
/** The best of so many counts: what else the machine does is not the subject. */
const ROUNDS = 20;

const token = "administrator-token-of-the-bench";
/** Two servers, so that few and many records are read in turns: a machine is not as quick now as it was ten minutes ago. */
const directories = [0, 1].map(() => mkdtempSync(join(tmpdir(), "gokura-bench-sumdb-")));
const apps: RunningApp[] = [];
try {
  for (const directory of directories) {
    const config = readConfig({
      GOKURA_DATA_DIR: directory,
      GOKURA_LISTEN: "127.0.0.1:0",
      GOKURA_MODULE_HOST: "gokura.test",
      GOKURA_ADMIN_TOKEN: token,
    });
    apps.push(await startApp(config, createLog("silent")));
  }
  const [small, large] = apps as [RunningApp, RunningApp];
  const rows: string[][] = [["", "measured"]];
  const [few, many] = [Number(values.few), Number(values.many)];
  await appendTo(small.checksums, few);
  const log = large.checksums;
  const first = await appendTo(log, few);
  rows.push(["records a second, in batches", Math.round(few / (first / 1000)).toLocaleString("en")]);
  const alone: number[] = [];
  for (let n = 0; n < ALONE; n++) alone.push(await timed(() => append(log, `alone${n}`)));
  rows.push(["one record alone, median", `${median(alone).toFixed(1)} ms`]);
  if (many > APPENDED) await fillLog(log, many - few);
  const before = log.state.tree.size;
  const second = await appendTo(log, many);
  const added = log.state.tree.size - before;
  rows.push([
    `the same with ${many.toLocaleString("en")} records`,
    Math.round(added / (second / 1000)).toLocaleString("en"),
  ]);
  rows.push(...(await readTimes(small, large)));
  const { rows: sizes } = await large.registry.database.pool.query(
    `select (pg_total_relation_size('sum_record') + pg_total_relation_size('sum_tile'))::float8 / count(*) as bytes from sum_record`,
  );
  rows.push(["bytes a record in PostgreSQL", sizes[0].bytes.toFixed(0)]);
  rows.push(...(await warm(large)));
  printTable(rows);
} finally {
  for (const app of apps) await app.stop();
  for (const directory of directories) rmSync(directory, { recursive: true, force: true });
}

function append(log: ChecksumLog, name: string): Promise<unknown> {
  const sums = { h1: sumOf(name), goModH1: sumOf(`${name}/go.mod`) };
  const known = { ...sums, basis: "OBSERVED", publicId: undefined } as const;
  return ensureRecord(log, { modulePath: `example.com/some/module/${name}`, version: "v1.2.3", known });
}

/** Appends up to a size, a thousand waiting at a time; milliseconds. */
async function appendTo(log: ChecksumLog, size: number): Promise<number> {
  return timed(async () => {
    for (let at = log.state.tree.size; at < size; at += 1_000)
      await Promise.all(Array.from({ length: Math.min(1_000, size - at) }, (_, n) => append(log, `m${at + n}`)));
  });
}

/** What misses memory: other lookups and tiles each time, all over the logs of both, in turns. */
async function readTimes(small: RunningApp, large: RunningApp): Promise<string[][]> {
  const agent = new http.Agent({ keepAlive: true });
  const times = { "a lookup": [[], []], "a tile": [[], []] } as Record<string, [number[], number[]]>;
  for (let n = 0; n < READS; n++)
    for (const [which, app] of [small, large].entries()) {
      const { size } = app.checksums.state.tree;
      const at = (n * 7_919_777) % size;
      const lookup = `/sumdb/lookup/${app === large && isAlone(at) ? moduleOf(0) : moduleOf(at)}@v1.2.3`;
      const tile = tileAt(0, Math.floor(at / 256) % Math.floor(size / 256), 1 + (n % 255));
      times["a lookup"]![which]!.push(await timed(() => get(app, agent, lookup)));
      times["a tile"]![which]!.push(await timed(() => get(app, agent, `/sumdb/${tile.path}`)));
    }
  agent.destroy();
  return Object.entries(times).map(([what, [few, many]]) => [
    `${what}, many : few records`,
    `${median(many).toFixed(2)} ms : ${median(few).toFixed(2)} ms, ${(median(many) / median(few)).toFixed(2)}x`,
  ]);
}

/** Whether a place has a record that was appended alone, under another name. */
function isAlone(at: number): boolean {
  return at >= Number(values.few) && at < Number(values.few) + ALONE;
}

/** A warm lookup and tile beside a warm .info of the same server. */
async function warm(app: RunningApp): Promise<string[][]> {
  const work = mkdtempSync(join(tmpdir(), "gokura-bench-sumdb-"));
  try {
    const remote = app.url.replace("://", `://root:${token}@`);
    const script = `git init -q -b main && printf 'module gokura.test/root/lib\\n' > go.mod && git add . &&
      git -c user.name=b -c user.email=b@b commit -qm m && git tag v1.0.0 && git push -q ${remote}/root/lib.git v1.0.0`;
    await promisify(execFile)("sh", ["-c", script], { cwd: work }); // the server is this process
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  const go = "/api/v4/packages/go";
  const info = `${go}/gokura.test/root/lib/@v/v1.0.0.info`;
  const [name] = app.checksums.signers[0]!.verifierKey.split("+") as [string];
  const lookup = `packages/go/sumdb/${name}/lookup/gokura.test/root/lib@v1.0.0`;
  const paths = {
    ".info": info,
    "a lookup": `/api/v4/${lookup}`,
    "a lookup of a group": `/api/v4/groups/root/-/${lookup}`,
    "a lookup of a project": `/api/v4/projects/root%2Flib/${lookup}`,
    "a tile": "/sumdb/tile/8/0/000",
  };
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  const best: Record<string, number> = {};
  for (let round = 0; round < ROUNDS; round++)
    for (const [what, path] of Object.entries(paths)) {
      await get(app, agent, path);
      const took = await timed(async () => {
        for (let n = 0; n < WARM_REQUESTS; n++) await get(app, agent, path);
      });
      best[what] = Math.min(best[what] ?? Number.POSITIVE_INFINITY, took);
    }
  agent.destroy();
  const ratio = (what: string): string => `${(best[what]! / best[".info"]!).toFixed(2)}x`;
  return [
    ["a warm lookup : a warm .info", ratio("a lookup")],
    ["the same at a group's endpoint", ratio("a lookup of a group")],
    ["the same at a project's endpoint", ratio("a lookup of a project")],
    ["a warm tile (8 KiB) : a warm .info", ratio("a tile")],
  ];
}

function get(app: RunningApp, agent: http.Agent, path: string): Promise<void> {
  return new Promise((done, fail) => {
    http
      .get(app.url + path, { agent, headers: { authorization: `Bearer ${token}` } }, (answer) => {
        if (answer.statusCode !== 200) fail(new Error(`${path}: ${answer.statusCode}`));
        answer.resume().on("end", done);
      })
      .on("error", fail);
  });
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)]!;
}
