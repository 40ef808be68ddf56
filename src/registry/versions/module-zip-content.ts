// What is in a module's zip that others made: its h1 and its go.mod. Every entry is unpacked, within what the zip's directory
// declares, and leaves nothing but its sum. Whether the names may be in a module at all is asked before (gomod/zip-check.ts).
// Source: golang.org/x/mod/sumdb/dirhash HashZip.
import type { FileHandle } from "node:fs/promises";
import { createFileHashes, type H1Hash } from "../../gomod/dir-hash.ts";
import { readZipEntry, type ZipFileEntry } from "../../storage/zip-reader.ts";

/** Entries of a zip that are unpacked at the same time. */
const HASHED_AT_ONCE = 8;

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
  file: FileHandle,
  entries: readonly ZipFileEntry[],
): Promise<ModuleZipContent> {
  const hashes = createFileHashes(prefix);
  const remaining = entries.values();
  let goMod: Buffer | undefined;
  // Each takes the next entry: reading and unpacking one entry waits more than it works.
  const hashEntries = async (): Promise<void> => {
    for (const entry of remaining) {
      const isGoMod = entry.name === `${prefix}/go.mod`;
      const { sha256, content } = await readZipEntry(file, entry, isGoMod);
      goMod ??= content;
      hashes.add(entry.name.slice(prefix.length + 1), sha256);
    }
  };
  const ended = await Promise.allSettled(Array.from({ length: HASHED_AT_ONCE }, hashEntries));
  for (const one of ended) if (one.status === "rejected") throw one.reason;
  return { h1: await hashes.h1(), goMod };
}
