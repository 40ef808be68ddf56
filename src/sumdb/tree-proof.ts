// Proofs about a tree, short enough to be sent: that a record is in it (RFC 6962, "Merkle audit path"), and that a smaller
// tree is its beginning ("Merkle consistency proof"). Both are lists of hashes of inner nodes, those nearest to the leaves
// first. Making one needs hashes of perfect subtrees; checking one needs nothing but the proof, and of ours only the first
// kind is ever checked here.
// Sources: RFC 6962, sections 2.1.1 and 2.1.2; golang.org/x/mod/sumdb/tlog (ProveRecord, CheckRecord, ProveTree).
import { LogFault, malformed } from "./log-fault.ts";
import { nodeHash, splitPoint } from "./tree-hash.ts";

/** The hash of the perfect tree over the records from `index * 2^level` on, as many as 2^level. */
export type HashReader = (level: number, index: number) => Promise<Buffer>;

/** A list of hashes. */
export type Proof = readonly Buffer[];

/** Proves that a tree of a size holds the record of a number below the size. */
export function proveRecord(size: number, id: number, read: HashReader): Promise<Buffer[]> {
  if (!(id >= 0 && id < size)) throw malformed(`there is no record ${id} in a tree of ${size}`);
  return recordPath(0, size, id, read);
}

async function recordPath(low: number, high: number, id: number, read: HashReader): Promise<Buffer[]> {
  if (low + 1 === high) return [];
  const middle = low + splitPoint(high - low);
  return id < middle
    ? [...(await recordPath(low, middle, id, read)), await rangeHash(middle, high, read)]
    : [...(await recordPath(middle, high, id, read)), await rangeHash(low, middle, read)];
}

/** Proves that a tree of a size begins with its own first `older` records; 0 < older <= size. */
export function proveTree(size: number, older: number, read: HashReader): Promise<Buffer[]> {
  if (!(older > 0 && older <= size)) throw malformed(`a tree of ${older} cannot be the beginning of one of ${size}`);
  return treePath(0, size, older, read);
}

async function treePath(low: number, high: number, older: number, read: HashReader): Promise<Buffer[]> {
  if (older === high) return low === 0 ? [] : [await rangeHash(low, high, read)];
  const middle = low + splitPoint(high - low);
  return older <= middle
    ? [...(await treePath(low, middle, older, read)), await rangeHash(middle, high, read)]
    : [...(await treePath(middle, high, older, read)), await rangeHash(low, middle, read)];
}

/** The hash over a range of records that begins where a subtree does. */
async function rangeHash(low: number, high: number, read: HashReader): Promise<Buffer> {
  const length = high - low;
  const level = Math.round(Math.log2(length));
  if (2 ** level === length) return read(level, low / length);
  const middle = low + splitPoint(length);
  return nodeHash(await rangeHash(low, middle, read), await rangeHash(middle, high, read));
}

/** Checks a proof that the tree of a size and root holds a leaf at a place. Throws unproved. */
export function checkRecord(proof: Proof, size: number, root: Buffer, id: number, leaf: Buffer): void {
  if (!(id >= 0 && id < size) || !recordRoot(proof, 0, size, id, leaf)?.equals(root))
    throw new LogFault("unproved", `the proof does not show record ${id} in the tree of ${size}`);
}

function recordRoot(proof: Proof, low: number, high: number, id: number, leaf: Buffer): Buffer | undefined {
  if (low + 1 === high) return proof.length === 0 ? leaf : undefined;
  const last = proof.at(-1);
  if (!last) return undefined;
  const middle = low + splitPoint(high - low);
  const [from, to] = id < middle ? [low, middle] : [middle, high];
  const inner = recordRoot(proof.slice(0, -1), from, to, id, leaf);
  return inner && (id < middle ? nodeHash(inner, last) : nodeHash(last, inner));
}
