// What is in a module's zip that others made: its h1 and its go.mod. Every entry is unpacked, within what the zip's directory
// declares, and leaves nothing but its sum. Whether the names may be in a module at all is asked before (gomod/zip-check.ts).
// Source: golang.org/x/mod/sumdb/dirhash HashZip.
import { everybodysTurn, sortInTurns } from "../../concurrency/turns.ts";
import { createFileHashes, type H1Hash } from "../../gomod/dir-hash.ts";
import {
  createTinyEntryReader,
  type ReadEntry,
  readZipEntry,
  type ZipFileEntry,
  type ZipSource,
} from "../../storage/zip-reader.ts";

/** Entries of a zip that other threads unpack at the same time. */
const HASHED_AT_ONCE = 8;
/** So many bytes are unpacked without a pause: about a millisecond's work. */
const UNPACKED_AT_ONCE = 256 * 1024;
/** What an entry costs besides, in bytes that could be unpacked meanwhile. */
const ENTRY_BYTES = 4 * 1024;

export interface ModuleZipContent {
  readonly h1: H1Hash;
  /** The go.mod at the root; undefined if there is none. */
  readonly goMod: Buffer | undefined;
}

/**
 * Reads all entries of the zip of a module version, all of whose names begin with `prefix` ("path@version") and a slash.
 * Throws BadZip for the first one that is not as the directory declares it.
 */
export async function readModuleZip(
  prefix: string,
  source: ZipSource,
  entries: readonly ZipFileEntry[],
): Promise<ModuleZipContent> {
  const hashes = createFileHashes(prefix);
  let goMod: Buffer | undefined;
  const isGoMod = ({ name }: ZipFileEntry): boolean => name === `${prefix}/go.mod`;
  const take = ({ name }: ZipFileEntry, { sha256, content }: ReadEntry): void => {
    goMod ??= content;
    hashes.add(name.slice(prefix.length + 1), sha256);
  };
  const larger: ZipFileEntry[] = [];
  const readTiny = createTinyEntryReader(source);
  let unpacked = 0;
  for (const entry of await sortInTurns(entries, (a, b) => a.offset - b.offset)) {
    const reading = readTiny(entry, isGoMod(entry));
    if (reading === undefined) larger.push(entry);
    else take(entry, reading instanceof Promise ? await reading : reading);
    unpacked += reading === undefined ? 0 : entry.size + ENTRY_BYTES;
    if (unpacked < UNPACKED_AT_ONCE) continue;
    unpacked = 0;
    await everybodysTurn();
  }
  // Each takes the next entry: reading and unpacking one of these waits more than it works.
  const remaining = larger.values();
  const readLarger = async (): Promise<void> => {
    for (const entry of remaining) take(entry, await readZipEntry(source, entry, isGoMod(entry)));
  };
  const ended = await Promise.allSettled(Array.from({ length: HASHED_AT_ONCE }, readLarger));
  for (const one of ended) if (one.status === "rejected") throw one.reason;
  return { h1: await hashes.h1(), goMod };
}
