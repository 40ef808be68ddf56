// gokura sumdb audit: a checksum database looked at from outside, as anybody can. Every tile of hashes is fetched and proved
// in the tree of the signed head, and the head that was kept the last time must be the beginning of it. With an
// administrator's token the records are fetched too, each must be the leaf at its place, and no version may have two.
import { readFile } from "node:fs/promises";
import { writeDurably } from "../storage/durable-files.ts";
import { unlessMissing } from "../storage/missing-file.ts";
import { LogFault } from "../sumdb/log-fault.ts";
import { parseVerifierKey } from "../sumdb/note.ts";
import { followed, knownLog, type ProvedLog, unknownLog } from "../sumdb/proved-log.ts";
import type { TileSource } from "../sumdb/proved-tiles.ts";
import { parseDataTile, parseRecord } from "../sumdb/record.ts";
import { tileAt } from "../sumdb/tile-path.ts";
import { edgeAt, HASH_BYTES, leafHash, TILE_WIDTH, tileLevels } from "../sumdb/tree-hash.ts";

/** No answer is larger: 256 records. */
const MAX_ANSWER_BYTES = 4 * 1024 * 1024;
const TIMEOUT_MS = 30_000;

export interface AuditOptions {
  /** Where the database is; without a slash at the end. */
  readonly url: string;
  readonly verifierKey: string;
  /** Where the head of the last time is kept. */
  readonly headFile: string | undefined;
  /** Opens the records. */
  readonly token: string | undefined;
  readonly progress: (done: number, size: number) => void;
}

export interface Audit {
  readonly size: number;
  readonly root: string;
  /** The size of the head of the last time, of which this one is proved to be a continuation. */
  readonly since: number | undefined;
  /** Records that were compared with their leaves. */
  readonly records: number;
}

/** Audits a database. Throws LogFault when it is not what it says; of a fork with both notes. */
export async function auditDatabase(options: AuditOptions): Promise<Audit> {
  const { url, headFile, token, progress } = options;
  const get = async (path: string): Promise<Buffer | undefined> => {
    const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
    const answer = await fetch(`${url}/${path}`, {
      headers,
      signal: AbortSignal.timeout(TIMEOUT_MS),
      redirect: "error",
    });
    if (answer.status === 404) return undefined;
    if (answer.status !== 200)
      throw new LogFault("malformed", `${url}/${path}: ${answer.status} ${await answer.text()}`);
    const parts: Uint8Array[] = [];
    let length = 0;
    for await (const part of answer.body ?? []) {
      length += part.length;
      if (length > MAX_ANSWER_BYTES) throw new LogFault("malformed", `${url}/${path} does not end`);
      parts.push(part);
    }
    return Buffer.concat(parts);
  };
  const source: TileSource = { read: ({ path }) => get(path) };
  const verifier = parseVerifierKey(options.verifierKey);
  const before = headFile === undefined ? undefined : await readFile(headFile).catch(unlessMissing);
  const latest = await get("latest");
  if (!latest) throw new LogFault("malformed", `there is no checksum database at ${url}`);
  const held = before ? knownLog(verifier, source, before) : unknownLog(verifier, source);
  const log = await followed(held, latest);
  const { size, root, note } = log.head!;
  for (let level = 0; level < tileLevels(size); level++) {
    const { fullTiles, width } = edgeAt(size, level);
    for (let number = 0; number < fullTiles + (width > 0 ? 1 : 0); number++) {
      await log.tiles!.tile(level, number);
      if (level === 0) progress(Math.min((number + 1) * TILE_WIDTH, size), size);
    }
  }
  const records = token === undefined ? 0 : await auditRecords(log, get);
  if (headFile !== undefined) await writeDurably(headFile, note);
  return { size, root: root.toString("base64"), since: held.head?.size, records };
}

async function auditRecords(log: ProvedLog, get: (path: string) => Promise<Buffer | undefined>): Promise<number> {
  const { size } = log.head!;
  const seen = new Set<string>();
  for (let from = 0; from < size; from += TILE_WIDTH) {
    const number = from / TILE_WIDTH;
    const { path, width } = tileAt("data", number, Math.min(size - from, TILE_WIDTH));
    const texts = parseDataTile((await get(path)) ?? Buffer.alloc(0));
    const hashes = await log.tiles!.tile(0, number);
    if (texts.length !== width)
      throw new LogFault("unproved", `${path} has ${texts.length} records instead of ${width}`);
    for (const [n, text] of texts.entries()) {
      if (!leafHash(text).equals(hashes.subarray(n * HASH_BYTES, (n + 1) * HASH_BYTES)))
        throw new LogFault("unproved", `record ${from + n} is not the one that the head commits to`);
      const record = parseRecord(text);
      const name = record && `${record.modulePath}@${record.version}`;
      if (name === undefined || seen.has(name))
        throw new LogFault(
          "unproved",
          name ? `${name} has two records` : `record ${from + n} is no record of a version`,
        );
      seen.add(name);
    }
  }
  return seen.size;
}
