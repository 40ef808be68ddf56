// A server that appends to the checksum log until it is killed, and says of each record that it was told about, on a line:
// its place, its name, and the head that was shown with it. Started by kill.test.ts: DATABASE_URL, blob directory, signer key,
// and a word of which its names are made.
import pg from "pg";
import { ensureRecord, openChecksumLog } from "../../../src/registry/checksums/checksum-log.ts";
import { noteOf } from "../../../src/registry/checksums/log-names.ts";
import type { Registry } from "../../../src/registry/registry.ts";
import { openDiskBlobs } from "../../../src/storage/disk-blobs.ts";
import { parseSignerKey } from "../../../src/sumdb/note.ts";
import { createLog } from "../../../src/telemetry/log.ts";
import { observed } from "./records.ts";

const [url, directory, signerKey, word] = process.argv.slice(2) as [string, string, string, string];
const signer = parseSignerKey(signerKey);
const pool = new pg.Pool({ connectionString: url, max: 3 });
pool.on("error", () => {});
// As much of a registry as the log works on, without the seconds that Prisma takes to start.
const registry = {
  database: { pool },
  blobs: await openDiskBlobs(directory),
  log: createLog("fatal"),
} as unknown as Registry;
const log = await openChecksumLog(registry, [signer]);
const say = (line: string): void => void process.stdout.write(`${line}\n`);
say("ready");
for (let n = 0; ; n++) {
  const names = Array.from({ length: 1 + (n % 7) * (n % 5) * 4 }, (_, m) => `${word}-${n}-${m}`);
  const records = await Promise.all(names.map((name) => ensureRecord(log, observed(name))));
  const note = await noteOf(log, log.state.tree, signer.name);
  for (const [m, { id }] of records.entries()) say(`${id} ${names[m]} ${note.toString("base64")}`);
}
