// Tiles that somebody else sends, believed only as far as a signed head proves them. Which hash vouches for which:
//
// - the tiles at the right end of the tree, one a level, hold all its perfect subtrees; folded they must be the root, and
//   that covers every hash in every one of them;
// - every other tile is full, and the tree over all its 256 hashes must be the hash that stands for it in the tile above.
//
// So each tile is compared whole, and with exactly one other; nothing of a tile is used before. A client that checked only
// what it needs at the moment would keep the rest unproved, and trust it later.
//
// Sources: golang.org/x/mod/sumdb/tlog (tile.go, TileHashReader); https://research.swtch.com/tlog#verifying_tiles.
import { LRUCache } from "lru-cache";
import { LogFault, malformed } from "./log-fault.ts";
import { FULL_WIDTH, type TilePath, tileAt } from "./tile-path.ts";
import { edgeAt, HASH_BYTES, perfectHash, rootOfEdge, TILE_WIDTH, tileLevels } from "./tree-hash.ts";
import type { TreeHead } from "./tree-head.ts";

/** Full tiles that are remembered as proved, 8 KiB each: the upper levels of a tree of a hundred million, and a good part below. */
const REMEMBERED_TILES = 512;

/** Where tiles come from. */
export interface TileSource {
  /**
   * The bytes of a tile, whatever they are; undefined if there is none of this width: a log keeps partial tiles only for a
   * while, and then the full one is asked for. Rejects when nobody answers.
   */
  read(tile: TilePath): Promise<Buffer | undefined>;
  /** Told of each tile that is proved, with as many bytes as were proved, so that these are kept and no others. */
  proved?(tile: TilePath, bytes: Buffer): unknown;
  /** Told of a tile that was read and is not what the head commits to, so that it is not read from the same place again. */
  refuted?(tile: TilePath): unknown;
}

/** The tiles of one head. */
export interface ProvedTiles {
  readonly head: TreeHead;
  /**
   * The hashes of a tile that the head's tree has, proved: 256, or at its right end fewer. Throws unproved when the source
   * gives other ones, malformed for what is no tile, and what the source throws. What failed is asked for again next time.
   */
  tile(level: number, number: number): Promise<Buffer>;
}

/**
 * The tiles of a head whose signature was checked. `memory`: full tiles that were proved before, in a tree that is known to
 * be the beginning of this one (see proved-log.ts).
 */
export function provedTiles(head: TreeHead, source: TileSource, memory: TileMemory = createTileMemory()): ProvedTiles {
  const { size, root } = head;
  let edge: Promise<readonly Buffer[]> | undefined;

  const readEdge = async (): Promise<readonly Buffer[]> => {
    const tiles = Array.from({ length: tileLevels(size) }, (_, level) => {
      const { fullTiles, width } = edgeAt(size, level);
      return width === 0 ? undefined : tileAt(level, fullTiles, width);
    });
    const hashes = await Promise.all(tiles.map((tile) => tile && readTile(source, tile)));
    const found = rootOfEdge(hashes.map((bytes) => bytes ?? Buffer.alloc(0)));
    if (!found.equals(root)) {
      for (const tile of tiles) if (tile) source.refuted?.(tile);
      throw new LogFault(
        "unproved",
        `the tiles at the end of the tree of ${size} are not those that its head commits to`,
      );
    }
    for (const [level, tile] of tiles.entries()) if (tile) await source.proved?.(tile, hashes[level]!);
    return hashes.map((bytes) => bytes ?? Buffer.alloc(0));
  };

  const readFull = async (level: number, number: number): Promise<Buffer> => {
    const tile = tileAt(level, number, FULL_WIDTH);
    const [bytes, above] = await Promise.all([
      readTile(source, tile),
      provedTile(level + 1, Math.floor(number / TILE_WIDTH)),
    ]);
    const at = (number % TILE_WIDTH) * HASH_BYTES;
    if (!perfectHash(bytes).equals(above.subarray(at, at + HASH_BYTES))) {
      source.refuted?.(tile);
      throw new LogFault("unproved", `${tile.path} is not the tile that the head of ${size} commits to`);
    }
    await source.proved?.(tile, bytes);
    return bytes;
  };

  const provedTile = async (level: number, number: number): Promise<Buffer> => {
    const { fullTiles, width } = edgeAt(size, level);
    if (number > fullTiles || (number === fullTiles && width === 0))
      throw malformed(`the tree of ${size} has no tile ${number} in level ${level}`);
    if (number === fullTiles) {
      edge ??= readEdge().catch((error: unknown) => {
        edge = undefined;
        throw error;
      });
      return (await edge)[level]!;
    }
    const key = `${level}/${number}`;
    const known = memory.get(key);
    if (known) return known;
    const reading = readFull(level, number).catch((error: unknown) => {
      if (memory.peek(key) === reading) memory.delete(key);
      throw error;
    });
    memory.set(key, reading);
    return reading;
  };

  return { head, tile: provedTile };
}

/** Full tiles by level and number, as they are being proved or were. */
export type TileMemory = LRUCache<string, Promise<Buffer>>;

export function createTileMemory(): TileMemory {
  return new LRUCache({ max: REMEMBERED_TILES });
}

/** The bytes of a tile, or the beginning of the full one where the source has that alone. Nothing is proved yet. */
async function readTile(source: TileSource, tile: TilePath): Promise<Buffer> {
  const wanted = tile.width * HASH_BYTES;
  const bytes = await source.read(tile);
  if (bytes?.length === wanted) return bytes;
  if (bytes) throw notThat(source, tile, bytes);
  if (tile.width === FULL_WIDTH) throw new LogFault("unproved", `the log does not have ${tile.path}`);
  const fullTile = tileAt(tile.level, tile.number, FULL_WIDTH);
  const full = await source.read(fullTile);
  if (!full) throw new LogFault("unproved", `the log has neither ${tile.path} nor the full tile`);
  if (full.length !== FULL_WIDTH * HASH_BYTES) throw notThat(source, fullTile, full);
  return full.subarray(0, wanted);
}

function notThat(source: TileSource, tile: TilePath, bytes: Buffer): LogFault {
  source.refuted?.(tile);
  return malformed(`${tile.path} has ${bytes.length} bytes, which is not a tile of ${tile.width} hashes`);
}
