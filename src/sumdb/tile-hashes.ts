// Hashes of the tree by their place, read out of tiles. A tile of level L holds every eighth row of the tree; the rows
// between are worked out from it.
import { HASH_BYTES, perfectHash, TILE_WIDTH } from "./tree-hash.ts";
import type { HashReader } from "./tree-proof.ts";

const LEVELS_IN_TILE = 8;

/** Reads a tile, at least as far as the tree that is asked about has it. */
export type TileReader = (level: number, number: number) => Promise<Buffer>;

/** Reads hashes of perfect subtrees out of tiles. */
export function hashesIn(readTile: TileReader): HashReader {
  return async (level, index) => {
    const tileLevel = Math.floor(level / LEVELS_IN_TILE);
    const width = 2 ** (level % LEVELS_IN_TILE);
    const first = index * width;
    const from = (first % TILE_WIDTH) * HASH_BYTES;
    const tile = await readTile(tileLevel, Math.floor(first / TILE_WIDTH));
    return perfectHash(tile.subarray(from, from + width * HASH_BYTES));
  };
}
