// A client of a transparency log: what it believes, and how it comes to believe more. It holds one head, the largest that it
// has seen, and every other head must be of the same line: a larger one must have the tree of the held one as its beginning,
// a smaller one must be the beginning of it, one of the same size must be the same. So everybody who asks one client is shown
// one history, and a log that shows two has signed the proof of it.
//
// The steps for a version are those of the go command:
//
//   parseLookupAnswer(bytes)               number, text, note: nothing is believed yet
//   followed(log, note)                    the signature; consistency with the held head
//   provedRecord(log, id, text)            the leaf, in a proved tile
//   sumsInRecord(text, path, version)      from the proved text alone
//
// `provedLookup` does the four. Whoever has several servers keeps the head in one place and swaps it there: after losing a
// swap, `followed` is asked with the head that won.
//
// Sources: golang.org/x/mod/sumdb (client.go: Lookup, mergeLatest, checkTrees); go.dev/design/25530-sumdb.
import { LogFault } from "./log-fault.ts";
import type { Verifier } from "./note.ts";
import { createTileMemory, type ProvedTiles, provedTiles, type TileMemory, type TileSource } from "./proved-tiles.ts";
import { parseLookupAnswer, sumsInRecord, type VersionSums } from "./record.ts";
import { edgeAt, HASH_BYTES, leafHash, rootOfEdge, TILE_WIDTH, tileLevels } from "./tree-hash.ts";
import { openGoHead, type SignedHead } from "./tree-head.ts";

/** What is believed of a log. A value: to believe more is to have another one. */
export interface ProvedLog {
  readonly verifier: Verifier;
  readonly source: TileSource;
  /** The largest head that was seen; undefined before the first. */
  readonly head: SignedHead | undefined;
  readonly tiles: ProvedTiles | undefined;
  readonly memory: TileMemory;
}

/** A log of which nothing is known yet but its key. */
export function unknownLog(verifier: Verifier, source: TileSource): ProvedLog {
  return { verifier, source, head: undefined, tiles: undefined, memory: createTileMemory() };
}

/** A log of which a head was believed before: the note of that head, as it was kept. Throws as openGoHead. */
export function knownLog(verifier: Verifier, source: TileSource, note: Buffer): ProvedLog {
  return withHead(unknownLog(verifier, source), openGoHead(note, [verifier]));
}

function withHead(log: ProvedLog, head: SignedHead): ProvedLog {
  return { ...log, head, tiles: provedTiles(head, log.source, log.memory) };
}

/**
 * The log after a signed note was seen: with its head if that is larger than the held one, else as it was. Throws malformed or
 * signature for what is no note of the log, unproved when the tiles do not show it consistent, and **fork**, with both notes,
 * when the log has signed two histories. Nothing is believed of a note for which this throws.
 */
export async function followed(log: ProvedLog, note: Buffer): Promise<ProvedLog> {
  const seen = openGoHead(note, [log.verifier]);
  const { head: held } = log;
  if (!held) {
    const first = withHead(log, seen);
    // A head without tiles is no tree that one could hold to.
    if (!rootOfEdge(await edgeWithin(first, seen.size)).equals(seen.root))
      throw new LogFault("unproved", "the root of an empty tree is not what the head says");
    return first;
  }
  if (seen.size === held.size && seen.root.equals(held.root)) return log;
  if (seen.size <= held.size) {
    await demandBeginning(log, seen, held, seen);
    return log;
  }
  // Tiles that were proved in the held tree are remembered for the larger one only after that has been shown to extend it.
  const larger = withHead({ ...log, memory: createTileMemory() }, seen);
  await demandBeginning(larger, held, held, seen);
  for (const [key, tile] of log.memory.entries()) if (!larger.memory.has(key)) larger.memory.set(key, tile);
  return larger;
}

/** Checks that the tree of `log` begins with a smaller one. */
async function demandBeginning(log: ProvedLog, smaller: SignedHead, held: SignedHead, seen: SignedHead): Promise<void> {
  const found = rootOfEdge(await edgeWithin(log, smaller.size));
  if (found.equals(smaller.root)) return;
  throw new LogFault(
    "fork",
    `${log.verifier.name} has signed two histories: its tree of ${held.size} records and that of ${seen.size} are not one line`,
    { older: held.note, newer: seen.note, found: found.toString("base64") },
  );
}

/** The edge that the tree had when it was of a smaller size: the beginnings of tiles that it has now. */
function edgeWithin({ tiles }: ProvedLog, size: number): Promise<Buffer[]> {
  return Promise.all(
    Array.from({ length: tileLevels(size) }, async (_, level) => {
      const { fullTiles, width } = edgeAt(size, level);
      if (width === 0) return Buffer.alloc(0);
      return (await tiles!.tile(level, fullTiles)).subarray(0, width * HASH_BYTES);
    }),
  );
}

/** Checks that a record of a text stands at a place of the log. Throws unproved. */
async function provedRecord({ head, tiles }: ProvedLog, id: number, text: string): Promise<void> {
  if (!head || !tiles || id >= head.size)
    throw new LogFault("unproved", `record ${id} is not in a tree of ${head?.size ?? 0}`);
  const tile = await tiles.tile(0, Math.floor(id / TILE_WIDTH));
  const at = (id % TILE_WIDTH) * HASH_BYTES;
  if (!leafHash(text).equals(tile.subarray(at, at + HASH_BYTES)))
    throw new LogFault("unproved", `the log does not have this text as its record ${id}`);
}

/** What a lookup has proved. */
export interface ProvedLookup {
  /** The log with what was learned; its head is to be kept if it is larger than before. */
  readonly log: ProvedLog;
  readonly id: number;
  readonly text: string;
  readonly sums: VersionSums;
}

/**
 * Proves an answer to a lookup of a version. Throws malformed, signature, unproved, fork; missing when the proved record is
 * about something else. `log` stays good whatever happens.
 */
export async function provedLookup(
  log: ProvedLog,
  answer: Buffer,
  modulePath: string,
  version: string,
): Promise<ProvedLookup> {
  const { id, text, note } = parseLookupAnswer(answer);
  const next = await followed(log, note);
  await provedRecord(next, id, text);
  return { log: next, id, text, sums: sumsInRecord(text, modulePath, version) };
}
