// One batch into the log, in one transaction. The row of the tree is locked first, so all servers stand in one line; what is
// appended is decided under the lock, by the rows that are committed then. Numbers are the next places of the tree, never
// those of a sequence, which leaves gaps. The journal is written last before COMMIT, and a head is shown only after it.
//
// What a crash leaves between any two steps: before COMMIT nothing but perhaps the last tile of the journal, which the next
// batch overwrites; after it the batch, whole. Where the outcome of COMMIT is not known, the same batch is simply done again:
// whoever is in the log by then is found there.
import { inTransaction, type Sql } from "../../database/sql.ts";
import { notFound } from "../../errors.ts";
import { recordText } from "../../sumdb/record.ts";
import { growTree, rootOf } from "../../sumdb/tree-growth.ts";
import { leafHash, TILE_WIDTH } from "../../sumdb/tree-hash.ts";
import { GO_ORIGIN, signHead } from "../../sumdb/tree-head.ts";
import { type JournalTail, writeJournal } from "./journal.ts";
import { recordsFrom } from "./log-records.ts";
import { type ChecksumLog, type CommittedTree, committed, lockTree } from "./log-state.ts";
import {
  type KnownSums,
  type LogEntry,
  type LoggedRecord,
  type Outcome,
  type RecordRow,
  recordIn,
  sumBytes,
  type WantedRecord,
} from "./logged-record.ts";

/**
 * Appends what is not in the log yet, up to the end of a tile; outcomes in the order of what was wanted. Undefined: nothing was
 * done, because the journal must be compared with this database first.
 */
export async function appendBatch(log: ChecksumLog, wanted: readonly WantedRecord[]): Promise<Outcome[] | undefined> {
  const done = await inTransaction(log.registry.database.pool, async (tx) => {
    const before = await lockTree(log, tx);
    if (!before) return undefined;
    const { present, sums } = await lookUp(tx, wanted);
    const room = TILE_WIDTH - (before.size % TILE_WIDTH);
    const added: LoggedRecord[] = [];
    const isNamed = (one: WantedRecord) => (record: LoggedRecord) =>
      record.modulePath === one.modulePath && record.version === one.version;
    const outcomes = wanted.map((one, n): Outcome => {
      const logged = present.get(n) ?? added.find(isNamed(one));
      if (logged) return logged;
      const found = one.known ?? sums.get(n);
      if (!found) return notFound(`${one.modulePath}@${one.version} has no sums to log: it is gone, or has no zip`);
      if (added.length === room) return undefined;
      const { modulePath, version } = one;
      const text = recordText(modulePath, version, found);
      const record = { ...found, id: before.size + added.length, modulePath, version, text };
      added.push(record);
      return record;
    });
    if (added.length === 0) return { outcomes, tree: before, tail: undefined };
    const { tree, tail } = await appendUnderLock(log, tx, before, added);
    await writeJournal(log.registry.blobs, tree, tail, log.state.lastJournalTile);
    log.state.lastJournalTile = tail.from / TILE_WIDTH;
    return { outcomes, tree, tail };
  });
  if (!done) return undefined;
  const { outcomes, tree, tail } = done;
  committed(log, tree);
  if (tail) log.state.tail = tail;
  return outcomes;
}

/**
 * Appends records that stand at the next places, within one tile, in the transaction that holds the lock; `before` is the tree
 * as it was read under it. The journal must have them before that transaction is committed, and nothing of what this returns may be shown before that transaction has been committed.
 */
export async function appendUnderLock(
  log: ChecksumLog,
  tx: Sql,
  before: CommittedTree,
  added: readonly LoggedRecord[],
): Promise<{ tree: CommittedTree; tail: JournalTail }> {
  const { tree: grown, fullTiles } = growTree(
    before,
    added.map(({ text }) => leafHash(text)),
  );
  const tree: CommittedTree = { ...grown, root: rootOf(grown) };
  await insertRecords(tx, added);
  if (fullTiles.length > 0)
    await tx.$executeRaw`INSERT INTO sum_tile (level, number, bytes) SELECT * FROM unnest(
      ${fullTiles.map(({ level }) => level)}::smallint[], ${fullTiles.map(({ number }) => number)}::bigint[],
      ${fullTiles.map(({ bytes }) => bytes)}::bytea[])`;
  const note = await signHead(tree, GO_ORIGIN, log.signers.slice(0, 1));
  const updated = await tx.$executeRaw`UPDATE sum_tree
    SET size = ${tree.size}, root = ${tree.root}, edge = ${tree.edge}::bytea[], note = ${note} WHERE size = ${before.size}`;
  if (updated !== 1) throw new Error("the head of the checksum log moved under its own lock");
  return { tree, tail: tailOf(await tailAt(log, before.size), added) };
}

/** What of the wanted is in the log already, and the pinned sums of hosted versions; by their place in the batch. */
async function lookUp(
  tx: Sql,
  wanted: readonly WantedRecord[],
): Promise<{
  present: Map<number, LoggedRecord>;
  sums: Map<number, KnownSums>;
}> {
  const paths = wanted.map((one) => one.modulePath);
  const versions = wanted.map((one) => one.version);
  const records = await tx.$queryRaw<(RecordRow & { n: string })[]>`
    SELECT w.n, r.id, r.path, r.version, r.h1, r.go_mod_h1, r.basis, r.public_id
    FROM unnest(${paths}::text[], ${versions}::text[]) WITH ORDINALITY AS w (path, version, n)
    JOIN sum_record r ON r.path = w.path AND r.version = w.version`;
  const present = new Map(records.map((row) => [Number(row.n) - 1, recordIn(row)]));
  const pinned = await tx.$queryRaw<{ n: string; h1: string; go_mod_h1: string }[]>`
    SELECT w.n, v.h1, v.go_mod_h1
    FROM unnest(${paths}::text[], ${versions}::text[]) WITH ORDINALITY AS w (path, version, n)
    JOIN module m ON m.path = w.path AND m.origin = 'HOSTED'
    JOIN module_version v ON v.module_id = m.id AND v.version = w.version AND v.h1 IS NOT NULL`;
  const hosted = { basis: "HOSTED", publicId: undefined } as const;
  const sums = new Map(pinned.map((row) => [Number(row.n) - 1, { h1: row.h1, goModH1: row.go_mod_h1, ...hosted }]));
  return { present, sums };
}

async function insertRecords(tx: Sql, added: readonly LoggedRecord[]): Promise<void> {
  const column = <T>(value: (record: LoggedRecord) => T): T[] => added.map(value);
  await tx.$executeRaw`INSERT INTO sum_record (id, path, version, h1, go_mod_h1, basis, public_id)
    SELECT id, path, version, h1, go_mod_h1, basis, public_id FROM unnest(
      ${column((r) => r.id)}::bigint[], ${column((r) => r.modulePath)}::text[], ${column((r) => r.version)}::text[],
      ${column((r) => sumBytes(r.h1))}::bytea[], ${column((r) => sumBytes(r.goModH1))}::bytea[],
      ${column((r) => r.basis)}::"SumBasis"[], ${column((r) => r.publicId ?? null)}::bigint[])
    AS new (id, path, version, h1, go_mod_h1, basis, public_id)`;
}

/** The records of the unfinished tile at the end of a tree of a size: as this process left them, or read. */
async function tailAt({ registry, state }: ChecksumLog, size: number): Promise<JournalTail> {
  if (state.tail.from + state.tail.entries.length === size) return state.tail;
  const from = size - (size % TILE_WIDTH);
  return { from, entries: await recordsFrom(registry, from, size - from) };
}

function tailOf({ from, entries }: JournalTail, added: readonly LogEntry[]): JournalTail {
  return entries.length === TILE_WIDTH
    ? { from: from + TILE_WIDTH, entries: added }
    : { from, entries: [...entries, ...added] };
}
