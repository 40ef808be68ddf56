// What a witness does with a proof that a smaller tree is the beginning of a larger one (RFC 6962, section 2.1.2): we make such
// proofs and never have to check one.
import { LogFault } from "../../src/sumdb/log-fault.ts";
import { nodeHash, splitPoint } from "../../src/sumdb/tree-hash.ts";
import type { Proof } from "../../src/sumdb/tree-proof.ts";

/** Checks a proof that the tree of a size and root begins with the tree of another. Throws unproved. */
export function checkTree(proof: Proof, size: number, root: Buffer, older: number, olderRoot: Buffer): void {
  const roots = older > 0 && older <= size ? treeRoots(proof, 0, size, older, olderRoot) : undefined;
  if (!roots?.older.equals(olderRoot) || !roots.newer.equals(root))
    throw new LogFault("unproved", `the proof does not show the tree of ${older} at the beginning of that of ${size}`);
}

interface Roots {
  readonly older: Buffer;
  readonly newer: Buffer;
}

function treeRoots(proof: Proof, low: number, high: number, older: number, olderRoot: Buffer): Roots | undefined {
  const last = proof.at(-1);
  if (older === high) {
    if (low === 0) return proof.length === 0 ? { older: olderRoot, newer: olderRoot } : undefined;
    return last && proof.length === 1 ? { older: last, newer: last } : undefined;
  }
  if (!last) return undefined;
  const middle = low + splitPoint(high - low);
  const [from, to] = older <= middle ? [low, middle] : [middle, high];
  const inner = treeRoots(proof.slice(0, -1), from, to, older, olderRoot);
  if (!inner) return undefined;
  if (older <= middle) return { older: inner.older, newer: nodeHash(inner.newer, last) };
  return { older: nodeHash(last, inner.older), newer: nodeHash(last, inner.newer) };
}
