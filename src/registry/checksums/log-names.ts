// The names of the log, as the database knows them, and its heads as signed notes. A name belongs to one key for ever: a
// server that comes with another key for a name that clients know would be refused by all of them, so it does not sign.
import { Failure } from "../../errors.ts";
import type { Signer } from "../../sumdb/note.ts";
import { GO_ORIGIN, signHead, type TreeHead } from "../../sumdb/tree-head.ts";
import type { Registry } from "../registry.ts";
import { type ChecksumLog, demandOpen, readCommittedTree } from "./log-state.ts";

/** Notes of so many heads are kept; who looks things up gets that of the newest. */
const KEPT_NOTES = 32;

/** Writes down the names of our keys; a sentence when one of them is known with another key. */
export async function claimNames({ database }: Registry, signers: readonly Signer[]): Promise<string | undefined> {
  const { rows } = await database.pool.query<{ name: string; verifier_key: string }>(
    `WITH mine AS (SELECT * FROM unnest($1::text[], $2::text[]) AS k (name, verifier_key)),
      added AS (INSERT INTO sum_name (name, verifier_key) SELECT * FROM mine ON CONFLICT DO NOTHING)
      SELECT n.name, n.verifier_key FROM sum_name n JOIN mine ON mine.name = n.name
      WHERE n.verifier_key <> mine.verifier_key`,
    [signers.map(({ name }) => name), signers.map(({ verifierKey }) => verifierKey)],
  );
  const [other] = rows;
  return (
    other &&
    `the log is known as ${other.name} by another key: give this server the key of the first one (GOKURA_SUMDB_KEY_FILE), or a new name (GOKURA_SUMDB_NAME)`
  );
}

/** The signed note of a head under a name of the log; `origin` is its first line. Heads are to be committed ones. */
export function noteOf(
  log: ChecksumLog,
  { size, root }: TreeHead,
  name: string,
  origin: string = GO_ORIGIN,
): Promise<Buffer> {
  demandOpen(log);
  const { notes } = log.state;
  const key = `${size} ${name} ${origin}`;
  const known = notes.get(key);
  if (known !== undefined) return known;
  const signing = signHead({ size, root }, origin, [signerOf(log, name)]);
  notes.set(key, signing);
  signing.catch(() => notes.delete(key));
  for (const oldest of notes.keys()) {
    if (notes.size <= KEPT_NOTES) break;
    notes.delete(oldest);
  }
  return signing;
}

function signerOf({ signers }: ChecksumLog, name: string): Signer {
  const signer = signers.find((one) => one.name === name);
  if (!signer) throw new Failure("not-found", `${name} is no checksum database of this server`);
  return signer;
}

/** A committed head that covers a record: the known one if that does, else as it stands in the database. */
export async function headCovering(log: ChecksumLog, id: number): Promise<TreeHead> {
  demandOpen(log);
  return log.state.tree.size > id ? log.state.tree : readCommittedTree(log);
}
