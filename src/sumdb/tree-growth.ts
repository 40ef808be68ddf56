// How a tree grows: leaves go to the right end of the lowest edge; what becomes full is a tile that never changes again, and
// its hash goes to the edge above. Nothing but the edge is needed for it, however large the tree is.
import { edgeAt, HASH_BYTES, perfectHash, rootOfEdge, TILE_WIDTH, tileLevels } from "./tree-hash.ts";

/** A tree as far as it must be known to grow. */
export interface GrowingTree {
  readonly size: number;
  /** Of each level of tiles, lowest first, the hashes that do not fill a tile. */
  readonly edge: readonly Buffer[];
}

/** A tile that became full: 256 hashes. */
export interface FullTile {
  readonly level: number;
  readonly number: number;
  readonly bytes: Buffer;
}

export const EMPTY_TREE: GrowingTree = { size: 0, edge: [] };

/** The tree with more leaves at its end, and the tiles that became full on the way. */
export function growTree(tree: GrowingTree, leaves: readonly Buffer[]): { tree: GrowingTree; fullTiles: FullTile[] } {
  const fullTiles: FullTile[] = [];
  const edge = [...tree.edge];
  let hashes: readonly Buffer[] = leaves;
  for (let level = 0; hashes.length > 0; level++) {
    const above: Buffer[] = [];
    let number = edgeAt(tree.size, level).fullTiles;
    let row = Buffer.concat([edge[level] ?? Buffer.alloc(0), ...hashes]);
    for (; row.length >= TILE_WIDTH * HASH_BYTES; number++) {
      const bytes = row.subarray(0, TILE_WIDTH * HASH_BYTES);
      row = row.subarray(TILE_WIDTH * HASH_BYTES);
      fullTiles.push({ level, number, bytes });
      above.push(perfectHash(bytes));
    }
    edge[level] = row;
    hashes = above;
  }
  return { tree: { size: tree.size + leaves.length, edge }, fullTiles };
}

/** The root of a tree. */
export function rootOf(tree: GrowingTree): Buffer {
  return rootOfEdge(tree.edge);
}

/** Whether an edge has, level by level, as many hashes as a tree of the size must have. */
export function isEdgeOf(size: number, edge: readonly Buffer[]): boolean {
  return (
    edge.length === tileLevels(size) &&
    edge.every((hashes, level) => hashes.length === edgeAt(size, level).width * HASH_BYTES)
  );
}
