// The journal of the checksum log, outside of the database: what a batch appends is written to the blob store, durably,
// before the transaction commits. Who restores a backup of the database alone would otherwise sign other records at places
// that clients have seen already, and every go command that remembers the newer head would cry fraud, rightly.
//
// An object of the journal is a tile of records, 256 places of the log, written again with each batch that adds to it until
// it is full: a head, an empty line, and for each record a line that says how it is known and its text. A batch stays within
// one tile, so at most one object, the last, holds something that was never committed; to append that later is harmless, and
// so is to overwrite it, which the next batch does: it begins at the same place.
//
// At a start (and with `gokura sumdb verify`) the two are compared. A database that is shorter than the journal gets the
// rest from it, in the same order, which gives the same tree; a head that differs, or a gap, closes the log.

import type { Blobs } from "../../storage/blobs.ts";
import { sumJournalKey } from "../../storage/object-keys.ts";
import { smallObjects } from "../../storage/small-objects.ts";
import { parseRecord } from "../../sumdb/record.ts";
import { TILE_WIDTH } from "../../sumdb/tree-hash.ts";
import { headText, parseHead, type TreeHead } from "../../sumdb/tree-head.ts";
import type { LogEntry, SumBasis } from "./logged-record.ts";

/** The first line of an object: what it is, and in which form. */
const FORMAT = "gokura checksum journal 1";
const ENTRY = /^(HOSTED|OBSERVED|PUBLIC \d+)\n([^\n]+\n[^\n]+\n)\n/;

/** The records of the tile at the end of the log. */
export interface JournalTail {
  /** The number of the first. */
  readonly from: number;
  readonly entries: readonly LogEntry[];
}

/** An object of the journal. */
export interface JournalTile extends JournalTail {
  /** The head after the last of its records. */
  readonly head: TreeHead;
}

/**
 * Writes the tile at the end of the log. When this returns it is durable. `last`: the number of the last tile that this
 * process has written down as such.
 */
export async function writeJournal(
  blobs: Blobs,
  head: TreeHead,
  { from, entries }: JournalTail,
  last: number | undefined,
): Promise<void> {
  const store = smallObjects(blobs);
  const number = from / TILE_WIDTH;
  const lines = entries.map(
    ({ basis, publicId, text }) => `${basis}${basis === "PUBLIC" ? ` ${publicId}` : ""}\n${text}\n`,
  );
  await store.put(sumJournalKey(number), Buffer.from(`${headText(head, FORMAT)}\n${lines.join("")}`));
  // Which one is the last is written down when it is begun, before anything in it is committed.
  if (last !== number) await store.put(sumJournalKey("last"), Buffer.from(`${number}\n`));
}

/** The number of the last tile of the journal; undefined while there is none. */
export async function lastJournalTile(blobs: Blobs): Promise<number | undefined> {
  const bytes = await smallObjects(blobs).get(sumJournalKey("last"));
  return bytes && Number(bytes.toString());
}

/** A tile of the journal; undefined if there is none. Throws with a sentence when it is damaged. */
export async function readJournal(blobs: Blobs, number: number): Promise<JournalTile | undefined> {
  const bytes = await smallObjects(blobs).get(sumJournalKey(number));
  if (!bytes) return undefined;
  const text = bytes.toString("utf8");
  const split = text.indexOf("\n\n");
  const head = parseHead(text.slice(0, split + 1), FORMAT);
  const entries: LogEntry[] = [];
  let rest = text.slice(split + 2);
  while (rest !== "") {
    const [whole = "", how = "", record = ""] = ENTRY.exec(rest) ?? [];
    const parsed = parseRecord(record);
    if (!parsed) throw new Error(`tile ${number} of the checksum journal is damaged`);
    const [basis, publicId] = how.split(" ") as [SumBasis, string?];
    entries.push({ ...parsed, basis, publicId: publicId === undefined ? undefined : Number(publicId), text: record });
    rest = rest.slice(whole.length);
  }
  const from = number * TILE_WIDTH;
  if (head.size !== from + entries.length) throw new Error(`tile ${number} of the checksum journal is damaged`);
  return { from, entries, head };
}
