// What the checksum log costs, on the embedded PostgreSQL as it is by default (fsync on): records a second in batches, one
// record alone, bytes a record, and what a lookup and a tile cost with few records and with many; at last a warm lookup and a
// warm tile beside a warm .info of the same server, in the same run. Ratios say more than times, which are those of the machine.
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import http from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs, promisify } from "node:util";
import { startApp } from "../src/app.ts";
import { readConfig } from "../src/config.ts";
import { ensureRecord } from "../src/registry/checksums/checksum-log.ts";
import { findRecord, readTile } from "../src/registry/checksums/log-records.ts";
import type { ChecksumLog } from "../src/registry/checksums/log-state.ts";
import { leafHash } from "../src/sumdb/tree-hash.ts";
import { createLog } from "../src/telemetry/log.ts";
import { printTable } from "./table.ts";

const { values } = parseArgs({
  options: {
    few: { type: "string", default: "5000" },
    many: { type: "string", default: "50000" },
    help: { type: "boolean", default: false },
  },
});
if (values.help) {
  console.log(`usage: node bench/sumdb.ts [--few 5000] [--many 50000]
  --few N   records with which a lookup and a tile are measured first
  --many N  records with which they are measured again`);
  process.exit(0);
}

const ALONE = 40;
const READS = 1_000;
const WARM_REQUESTS = 3_000;

const dataDirectory = mkdtempSync(join(tmpdir(), "gokura-bench-sumdb-"));
const token = "administrator-token-of-the-bench";
const config = readConfig({
  GOKURA_DATA_DIR: dataDirectory,
  GOKURA_LISTEN: "127.0.0.1:0",
  GOKURA_MODULE_HOST: "gokura.test",
  GOKURA_ADMIN_TOKEN: token,
});
const app = await startApp(config, createLog("silent"));
try {
  const log = app.checksums;
  const rows: string[][] = [["", "measured"]];
  const few = Number(values.few);
  const many = Number(values.many);
  const first = await appendTo(log, few);
  rows.push(["records a second, in batches", Math.round(few / (first / 1000)).toLocaleString("en")]);
  const alone: number[] = [];
  for (let n = 0; n < ALONE; n++) alone.push(await timed(() => append(log, `alone${n}`)));
  rows.push(["one record alone, median", `${median(alone).toFixed(1)} ms`]);
  const withFew = await readTimes(log);
  const second = await appendTo(log, many);
  const added = many - few - ALONE;
  rows.push([
    `the same with ${many.toLocaleString("en")} records`,
    Math.round(added / (second / 1000)).toLocaleString("en"),
  ]);
  const withMany = await readTimes(log);
  for (const [what, time] of Object.entries(withMany))
    rows.push([`${what}, many : few records`, `${time.toFixed(2)} ms, ${(time / withFew[what]!).toFixed(2)}x`]);
  const { rows: sizes } = await app.registry.database.pool.query(
    `select (pg_total_relation_size('sum_record') + pg_total_relation_size('sum_tile'))::float8 / count(*) as bytes from sum_record`,
  );
  rows.push(["bytes a record in PostgreSQL", sizes[0].bytes.toFixed(0)]);
  rows.push(...(await warm()));
  printTable(rows);
} finally {
  await app.stop();
  rmSync(dataDirectory, { recursive: true, force: true });
}

function append(log: ChecksumLog, name: string): Promise<unknown> {
  const sum = (word: string): string => `h1:${leafHash(word).toString("base64")}`;
  const known = { h1: sum(name), goModH1: sum(`${name}/go.mod`), basis: "OBSERVED", publicId: undefined } as const;
  return ensureRecord(log, { modulePath: `example.com/some/module/${name}`, version: "v1.2.3", known });
}

/** Appends up to a size, a thousand waiting at a time; milliseconds. */
async function appendTo(log: ChecksumLog, size: number): Promise<number> {
  return timed(async () => {
    for (let at = log.state.tree.size; at < size; at += 1_000)
      await Promise.all(Array.from({ length: Math.min(1_000, size - at) }, (_, n) => append(log, `m${at + n}`)));
  });
}

/** Medians of what misses memory, in milliseconds. */
async function readTimes(log: ChecksumLog): Promise<Record<string, number>> {
  const { size } = log.state.tree;
  const lookups: number[] = [];
  const tiles: number[] = [];
  for (let n = 0; n < READS; n++) {
    const at = (n * 7_919) % size;
    lookups.push(await timed(() => findRecord(log.registry, `example.com/some/module/m${at}`, "v1.2.3")));
    tiles.push(await timed(() => readTile(log, 0, Math.floor(at / 256), 1)));
  }
  return { "a record by name": median(lookups), "a tile": median(tiles) };
}

/** A warm lookup and tile beside a warm .info of the same server. */
async function warm(): Promise<string[][]> {
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
  const paths = {
    ".info": info,
    "a lookup": "/sumdb/lookup/gokura.test/root/lib@v1.0.0",
    "a tile": "/sumdb/tile/8/0/000",
  };
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  const best: Record<string, number> = {};
  for (let round = 0; round < 3; round++)
    for (const [what, path] of Object.entries(paths)) {
      await get(agent, path);
      const took = await timed(async () => {
        for (let n = 0; n < WARM_REQUESTS; n++) await get(agent, path);
      });
      best[what] = Math.min(best[what] ?? Number.POSITIVE_INFINITY, took);
    }
  agent.destroy();
  const ratio = (what: string): string => `${(best[what]! / best[".info"]!).toFixed(2)}x`;
  return [
    ["a warm lookup : a warm .info", ratio("a lookup")],
    ["a warm tile (8 KiB) : a warm .info", ratio("a tile")],
  ];
}

function get(agent: http.Agent, path: string): Promise<void> {
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
