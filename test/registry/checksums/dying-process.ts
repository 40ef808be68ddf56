// A server that appends to the checksum log and kills itself (kill -9) at one step of the append: before a statement or a file
// operation, after a statement was sent whose answer it never reads, or after a file operation. Started by kill-at-steps.test.ts:
// DATABASE_URL, blob directory, signer key, a word of which its names are made, and the step, or 0 to name all steps.
import fs from "node:fs/promises";
import { syncBuiltinESMExports } from "node:module";
import pg from "pg";

const [url, directory, signerKey, word, at] = process.argv.slice(2) as [string, string, string, string, string];
const say = (line: string): void => void process.stdout.write(`${line}\n`);

let isArmed = false;
let step = 0;
const reached = (what: string): void => {
  if (!isArmed) return;
  step++;
  if (at === "0") say(`step ${what}`);
  if (step === Number(at)) process.kill(process.pid, "SIGKILL");
};

const { query } = pg.Client.prototype;
pg.Client.prototype.query = function (this: pg.Client, ...words: unknown[]) {
  const [first] = words as [string | { text: string }];
  const what = (typeof first === "string" ? first : first.text).trim().split(/\s+/, 3).join(" ");
  reached(what);
  const answer = Reflect.apply(query, this, words);
  reached(`${what}, sent`);
  return answer;
} as typeof query;

/** Whoever imports a function by its name gets this one. */
type Operation = (...words: unknown[]) => Promise<unknown>;
const operations = fs as unknown as Record<string, Operation>;
for (const name of ["writeFile", "open", "link", "rename", "mkdir", "rm"]) {
  const original = operations[name]!;
  operations[name] = async (...words) => {
    reached(name);
    const done = await original(...words);
    reached(`${name}, done`);
    return done;
  };
}
syncBuiltinESMExports();

// After that, so that they are seen.
const { ensureRecord, openChecksumLog } = await import("../../../src/registry/checksums/checksum-log.ts");
const { noteOf } = await import("../../../src/registry/checksums/log-names.ts");
const { openDiskBlobs } = await import("../../../src/storage/disk-blobs.ts");
const { parseSignerKey } = await import("../../../src/sumdb/note.ts");
const { createLog } = await import("../../../src/telemetry/log.ts");
const { observed } = await import("./records.ts");

const signer = parseSignerKey(signerKey);
const pool = new pg.Pool({ connectionString: url, max: 3 });
pool.on("error", () => {});
const blobs = await openDiskBlobs(directory);
// As much of a registry as the log works on.
const registry = { database: { pool }, blobs, log: createLog("fatal") };
const log = await openChecksumLog(registry as unknown as Parameters<typeof openChecksumLog>[0], [signer]);
/** Appends, and says what it was told: place, name, and the head that was shown with it. */
const append = async (count: number, part: string): Promise<void> => {
  const names = Array.from({ length: count }, (_, n) => `${word}-${part}${n}`);
  const records = await Promise.all(names.map((name) => ensureRecord(log, observed(name))));
  const note = await noteOf(log, log.state.tree, signer.name);
  for (const [n, { id }] of records.entries()) say(`${id} ${names[n]} ${note.toString("base64")}`);
};
await append(3, "a");
isArmed = true;
// To the end of a tile and beyond: a full tile is stored, and a new one begun in the journal.
await append(256, "b");
isArmed = false;
await pool.end();
