// The database and the journal are compared before anything is signed: at a start, and when the database is another server of
// PostgreSQL than before. It is behind when somebody restored a backup of it, or a standby that lacked the last transactions
// took its place: then the journal has the rest, and replayed in its order it gives the same tree, as if nothing had been. The
// journal may have one batch more than was ever committed: to append that is harmless. Everything else closes the log, with a
// sentence for the administrator.
//
// The journal is written under the lock of the tree, so it is read under it: otherwise a server that starts would take what
// another is just writing for something that was lost.
import { inTransaction } from "../../database/sql.ts";
import { TILE_WIDTH } from "../../sumdb/tree-hash.ts";
import { appendUnderLock } from "./append-batch.ts";
import { type JournalTile, lastJournalTile, readJournal } from "./journal.ts";
import { findRecord, recordsFrom, rootAt } from "./log-records.ts";
import { type ChecksumLog, type CommittedTree, close, committed, lockedTree, readTree } from "./log-state.ts";

/**
 * Compares, appends again what is missing, and closes the log if the two are not of one line, or not of the one that this
 * process knows.
 */
export async function reconcile(log: ChecksumLog): Promise<void> {
  const { registry, state } = log;
  if (state.closed !== undefined) return;
  const known = state.tree;
  const before = await readTree(registry);
  try {
    let tree: CommittedTree | undefined;
    for (let number = Math.floor(before.tree.size / TILE_WIDTH), more = true; more; number++) {
      const compared = await reconcileTile(log, number, before.server);
      if (!compared) return await reconcile(log); // it is yet another server by now
      ({ tree, more } = compared);
    }
    await demandKnown(log, known, tree!);
    state.compared = before.server;
    if (tree!.size > before.tree.size)
      registry.log.warn(
        { appended: tree!.size - before.tree.size, size: tree!.size },
        "the checksum log in the database was shorter than its journal: it was restored from a backup, a standby without the last transactions took its place, or a crash came before a commit; the rest was appended again",
      );
  } catch (error) {
    if (!(error instanceof JournalConflict)) throw error;
    close(log, error.message);
  }
}

class JournalConflict extends Error {}

/** A log as somebody sees it who has read a tree. */
const seen = (log: ChecksumLog, tree: CommittedTree): ChecksumLog => ({ ...log, state: { ...log.state, tree } });

async function demandKnown(log: ChecksumLog, known: CommittedTree, tree: CommittedTree): Promise<void> {
  if (known.size === 0 || (tree.size >= known.size && (await rootAt(seen(log, tree), known.size)).equals(known.root)))
    return;
  throw new JournalConflict(
    `the database and the journal hold a tree of ${tree.size} records that does not go on from the one of ${known.size} that was signed: an older database has taken the place of the newer one`,
  );
}

/** Brings the database to the end of a tile of the journal; whether there is a next one. Undefined: it is another server. */
async function reconcileTile(
  log: ChecksumLog,
  wanted: number,
  server: string,
): Promise<{ readonly tree: CommittedTree; readonly more: boolean } | undefined> {
  const { registry, state } = log;
  const compared = await inTransaction(registry.database.pool, async (tx) => {
    const read = await lockedTree(tx);
    if (read.server !== server) return undefined;
    const before = read.tree;
    const last = await lastJournalTile(registry.blobs);
    if (last === undefined) return { tree: before, tail: undefined, more: false };
    state.lastJournalTile = last;
    // The database may be beyond the journal on this server, where other servers appended.
    const number = Math.min(wanted, last);
    const more = number < last;
    const tile = await readTile(log, number);
    if (!tile) {
      // The tile that was begun, and of which a crash left nothing but its number.
      if (number === last && before.size <= number * TILE_WIDTH) return { tree: before, tail: undefined, more: false };
      throw new JournalConflict(
        `the database has ${before.size} records and the journal goes on to tile ${last}, but tile ${number} of the journal is not on this server`,
      );
    }
    await demandSame(seen(log, before), before, tile);
    const missing = tile.entries.slice(Math.max(before.size - tile.from, 0));
    if (missing.length === 0) return { tree: before, tail: undefined, more };
    if (before.size < tile.from)
      throw new JournalConflict(`the database has ${before.size} records, and the journal on this server begins later`);
    const added = missing.map((entry, n) => ({ ...entry, id: before.size + n }));
    for (const { id, modulePath, version } of added) {
      const other = await findRecord(registry, modulePath, version);
      if (other) throw new JournalConflict(`record ${id} of the journal is record ${other.id} of the database`);
    }
    return { ...(await appendUnderLock(log, tx, before, added)), more };
  });
  if (!compared) return undefined;
  const { tree, tail, more } = compared;
  committed(log, tree);
  if (tail) state.tail = tail;
  return { tree, more };
}

async function readTile({ registry }: ChecksumLog, number: number): Promise<JournalTile | undefined> {
  try {
    return await readJournal(registry.blobs, number);
  } catch (error) {
    throw new JournalConflict((error as Error).message);
  }
}

/** What both have must be the same: the head, where the database reaches it, and else each record. */
async function demandSame(
  log: ChecksumLog,
  { size }: CommittedTree,
  { head, from, entries }: JournalTile,
): Promise<void> {
  if (head.size <= size) {
    if ((await rootAt(log, head.size)).equals(head.root)) return;
  } else {
    const records = await recordsFrom(log.registry, from, Math.max(size - from, 0));
    if (records.every((record, n) => record.text === entries[n]?.text)) return;
  }
  throw new JournalConflict(
    `the records of the database and of its journal differ somewhere from number ${from} on: another log has taken the place of this one`,
  );
}
