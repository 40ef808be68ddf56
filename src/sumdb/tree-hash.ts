// The tree of a transparency log is a Merkle tree over its records: a leaf is SHA-256(0x00 ‖ record), an inner node
// SHA-256(0x01 ‖ left ‖ right). A tree of n leaves is the perfect trees whose sizes are the ones in the binary form of n,
// the largest first, joined from the right.
//
// Tiles cut the tree into pieces eight levels high. Of a tree of n leaves the level L of tiles holds n / 256^L hashes,
// rounded down; what of it does not fill a tile is the *edge* of that level. All edges together hold every perfect tree, so
// they are enough to know the root, and to let the tree grow.
// Sources: RFC 6962, section 2.1; golang.org/x/mod/sumdb/tlog (tlog.go, tile.go); https://research.swtch.com/tlog.
import { hash } from "node:crypto";

export const HASH_BYTES = 32;
/** The hashes of a full tile: 2^8. */
export const TILE_WIDTH = 256;

/** The root of a tree without records. */
const EMPTY_ROOT = hash("sha256", "", "buffer");

/** The hash of a record's text. */
export function leafHash(text: string | Buffer): Buffer {
  const length = typeof text === "string" ? Buffer.byteLength(text) : text.length;
  const message = Buffer.allocUnsafe(1 + length);
  message[0] = 0;
  if (typeof text === "string") message.write(text, 1);
  else text.copy(message, 1);
  return hash("sha256", message, "buffer");
}

const NODE = Buffer.alloc(1 + 2 * HASH_BYTES, 1);

/** The hash of a node over its two children. */
export function nodeHash(left: Buffer, right: Buffer): Buffer {
  left.copy(NODE, 1);
  right.copy(NODE, 1 + HASH_BYTES);
  return hash("sha256", NODE, "buffer");
}

/** The hash over a perfect tree: 2^k hashes, one after another. */
export function perfectHash(hashes: Buffer): Buffer {
  let row = hashes;
  for (let width = hashes.length / HASH_BYTES; width > 1; width /= 2) {
    const above = Buffer.allocUnsafe((width / 2) * HASH_BYTES);
    for (let n = 0; n < width / 2; n++) {
      row.copy(NODE, 1, 2 * n * HASH_BYTES, 2 * (n + 1) * HASH_BYTES);
      hash("sha256", NODE, "buffer").copy(above, n * HASH_BYTES);
    }
    row = above;
  }
  return row === hashes ? Buffer.from(hashes) : row;
}

/** How many hashes a level of tiles has that do not fill a tile, and how many tiles are full before them. */
export function edgeAt(size: number, level: number): { fullTiles: number; width: number } {
  const hashes = Math.floor(size / TILE_WIDTH ** level);
  return { fullTiles: Math.floor(hashes / TILE_WIDTH), width: hashes % TILE_WIDTH };
}

/** How many levels of tiles a tree of a size has: of 255 leaves 1, of 256 leaves 2. */
export function tileLevels(size: number): number {
  let levels = 0;
  for (let rest = size; rest >= 1; rest = Math.floor(rest / TILE_WIDTH)) levels++;
  return levels;
}

/** The root of a tree from its edge: of each level of tiles, lowest first, the hashes that do not fill a tile. */
export function rootOfEdge(edge: readonly Buffer[]): Buffer {
  let root: Buffer | undefined;
  for (const hashes of edge) {
    const width = hashes.length / HASH_BYTES;
    let end = width;
    for (let size = 1; size <= width; size *= 2) {
      if ((width & size) === 0) continue;
      const tree = perfectHash(hashes.subarray((end - size) * HASH_BYTES, end * HASH_BYTES));
      root = root ? nodeHash(tree, root) : tree;
      end -= size;
    }
  }
  return root ?? Buffer.from(EMPTY_ROOT);
}

/** The largest power of two that is smaller than n, for n > 1. */
export function splitPoint(n: number): number {
  let k = 1;
  while (k * 2 < n) k *= 2;
  return k;
}
