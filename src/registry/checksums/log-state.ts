// The checksum log: one append-only list of records for everything that the go command may ask us to vouch for, kept in
// PostgreSQL. Records and full tiles are rows that never change; one row has the size of the tree, its root and its edge,
// and the lock of that row orders the appends of all servers (append-batch.ts). A head is shown only after the transaction
// that made it has been committed, so whatever a head covers is there to be read.
//
// What this process knows of the log is the newest head that it has read; heads only grow, and one that is smaller than a
// known one means that somebody has put an old database in place of the newer one. To sign on from there would be to sign a
// second history, so then the log is closed until a person has looked (reconcile.ts).
//
// A standby that takes the primary's place may be such an old database, and to a server that had not read the newest head it
// looks like any other. So each reading says which server of PostgreSQL it was, and on one with which the journal was not
// compared yet nothing is appended or shown before it is.

import { SERVER_SQL } from "../../database/connections.ts";
import type { Sql } from "../../database/sql.ts";
import { Failure } from "../../errors.ts";
import type { Signer } from "../../sumdb/note.ts";
import { EMPTY_TREE, type GrowingTree, isEdgeOf, rootOf } from "../../sumdb/tree-growth.ts";
import type { TreeHead } from "../../sumdb/tree-head.ts";
import type { Registry } from "../registry.ts";
import type { AppendQueue } from "./append-queue.ts";
import type { JournalTail } from "./journal.ts";

/** A tree whose head has been committed. */
export interface CommittedTree extends GrowingTree, TreeHead {}

export interface ChecksumLog {
  readonly registry: Registry;
  /** The keys that heads are signed with; the first is the one of the log's name, the others of names that it had before. */
  readonly signers: readonly Signer[];
  readonly queue: AppendQueue;
  /** Compares the database with the journal, for all that ask meanwhile (reconcile.ts). */
  compare(): Promise<void>;
  readonly state: LogState;
}

/** What changes. Owned by this folder; read and written between two awaits only. */
export interface LogState {
  /** The newest head that this process has read. */
  tree: CommittedTree;
  /** Notes of the newest heads, by name and size. */
  readonly notes: Map<string, Promise<Buffer>>;
  /** The records of the last, unfinished tile, as the journal holds them. */
  tail: JournalTail;
  /** The tile that the journal on this server says is its last. */
  lastJournalTile: number | undefined;
  /** The server of PostgreSQL whose database was compared with the journal last. */
  compared: string | undefined;
  /** Why nothing is signed any more; undefined: all is well. */
  closed: string | undefined;
}

const EMPTY: CommittedTree = { ...EMPTY_TREE, root: rootOf(EMPTY_TREE) };

export const newLogState = (): LogState => ({
  tree: EMPTY,
  notes: new Map(),
  tail: { from: 0, entries: [] },
  lastJournalTile: undefined,
  compared: undefined,
  closed: undefined,
});

interface TreeRow {
  size: bigint;
  root: Buffer | null;
  edge: Buffer[];
  server: string;
}

/** The tree that a database has, and which server of PostgreSQL said so. */
export interface ReadTree {
  readonly tree: CommittedTree;
  readonly server: string;
}

/** The tree as it was committed last, and newer or as new as any that was read before. Throws unavailable if it is not. */
export async function readCommittedTree(log: ChecksumLog): Promise<CommittedTree> {
  const known = log.state.tree;
  const { tree, server } = await readTree(log.registry);
  if (server === log.state.compared) return see(log, tree, known);
  demandOpen(log);
  await log.compare();
  demandOpen(log);
  return log.state.tree;
}

/**
 * The tree as it was committed last, under the row's lock, which the transaction then holds to its end; undefined: on a server
 * with which the journal was not compared yet.
 */
export async function lockTree(log: ChecksumLog, tx: Sql): Promise<CommittedTree | undefined> {
  const known = log.state.tree;
  const { tree, server } = await lockedTree(tx);
  if (server === log.state.compared) return see(log, tree, known);
  demandOpen(log);
  return undefined;
}

/** The tree of a database, whatever is known of it. */
export async function readTree({ database }: Registry): Promise<ReadTree> {
  const { rows } = await database.pool.query<TreeRow>({
    name: "sum-tree",
    text: `SELECT size, root, edge, ${SERVER_SQL} AS server FROM sum_tree`,
  });
  return treeIn(rows[0]);
}

/**
 * The tree of a database under the row's lock, whatever is known of it.
 * SERVER_SQL stands here once more: values are all that a template takes.
 */
export async function lockedTree(tx: Sql): Promise<ReadTree> {
  const [row] = await tx.$queryRaw<TreeRow[]>`
    SELECT size, root, edge, extract(epoch FROM pg_postmaster_start_time())::text AS server FROM sum_tree FOR UPDATE`;
  return treeIn(row);
}

function treeIn(row: TreeRow | undefined): ReadTree {
  if (!row) throw new Error("the row of sum_tree is gone");
  const size = Number(row.size);
  const tree: GrowingTree = { size, edge: row.edge };
  const root = row.root ?? EMPTY.root;
  if (!isEdgeOf(size, row.edge) || !rootOf(tree).equals(root))
    throw new Error(`the row of sum_tree is damaged: its edge is not that of a tree of ${size} with its root`);
  return { tree: { ...tree, root }, server: row.server };
}

/**
 * Looks at a tree that was read. It must not be older than what was known when it was asked for (`known`); what has been
 * committed since, while the answer was on its way, it need not have.
 */
function see(log: ChecksumLog, tree: CommittedTree, known: CommittedTree): CommittedTree {
  const { state } = log;
  const differs = (from: CommittedTree): boolean => tree.size === from.size && !tree.root.equals(from.root);
  if (tree.size < known.size || differs(known) || differs(state.tree))
    close(
      log,
      `the database holds a tree of ${tree.size} records, but one of ${Math.max(known.size, tree.size)} was signed: an older database has taken the place of the newer one`,
    );
  demandOpen(log);
  if (tree.size > state.tree.size) state.tree = tree;
  return state.tree;
}

/** Notes a tree that this process has committed. */
export function committed(log: ChecksumLog, tree: CommittedTree): void {
  if (tree.size > log.state.tree.size) log.state.tree = tree;
}

/** Signs nothing any more, and says so loudly. */
export function close(log: ChecksumLog, reason: string): void {
  if (log.state.closed !== undefined) return;
  log.state.closed = reason;
  log.registry.log.fatal(
    { reason },
    "the checksum log is closed: nothing is signed until an administrator has looked (docs/checksums.md, Restoring)",
  );
}

/** Throws unavailable while the log is closed. */
export function demandOpen({ state }: ChecksumLog): void {
  if (state.closed !== undefined)
    throw new Failure(
      "unavailable",
      `the checksum database signs nothing now: ${state.closed}; its administrator must look (docs/checksums.md)`,
    );
}
