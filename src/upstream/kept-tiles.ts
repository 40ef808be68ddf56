// Tiles of a checksum database of others: read from the store, else asked for, and stored once they are proved, full ones
// alone: those never change, and the partial ones at the end of the tree are others a moment later. A stored tile that turns
// out not to be what a head commits to is not read again, and the next that is proved takes its place.
import { LRUCache } from "lru-cache";
import { ExpiringMemory } from "../concurrency/expiring-memory.ts";
import type { Blobs } from "../storage/blobs.ts";
import { sumDatabaseObjectKey } from "../storage/object-keys.ts";
import { smallObjects } from "../storage/small-objects.ts";
import type { SumDatabase } from "../sumdb/database-name.ts";
import type { TileSource } from "../sumdb/proved-tiles.ts";
import { FULL_WIDTH, type TilePath, tileAt, tilePrefix } from "../sumdb/tile-path.ts";
import { edgeAt, HASH_BYTES, TILE_WIDTH, tileLevels } from "../sumdb/tree-hash.ts";
import type { DatabaseSource } from "./database-source.ts";

/** Tiles that are read before they are asked for, at most, and for how long they wait. */
const MAX_AHEAD = 256;
const AHEAD_MS = 60_000;
/** Of how many tiles it is remembered how the store has them. */
const MAX_REMEMBERED = 20_000;
/** 256 records. */
export const MAX_TILE_BYTES = 4 * 1024 * 1024;

export interface KeptTiles extends TileSource {
  /** Begins to read the full tiles between a record and the first that is known, so that all come in one time. */
  readAhead(size: number, id: number, isKnown: (level: number, number: number) => boolean): void;
  /** How often a stored tile was found to be wrong: whoever failed meanwhile may try again. */
  readonly wrong: number;
}

export function createKeptTiles(database: SumDatabase, source: DatabaseSource, blobs: Blobs): KeptTiles {
  const store = smallObjects(blobs);
  const keyOf = (tile: TilePath): string => sumDatabaseObjectKey(database.name, { tile: tile.fullPath });
  const ahead = new ExpiringMemory<string, Promise<Buffer | undefined>>({ max: MAX_AHEAD, ttl: AHEAD_MS });
  const stored = new LRUCache<string, true>({ max: MAX_REMEMBERED });
  const refuted = new LRUCache<string, true>({ max: MAX_REMEMBERED });
  let wrong = 0;

  const readNow = async (tile: TilePath): Promise<Buffer | undefined> => {
    const key = keyOf(tile);
    const kept = refuted.has(key) ? undefined : await store.get(key);
    const beginning = kept && tilePrefix(tile.level, kept, tile.width);
    if (beginning) {
      stored.set(key, true);
      return beginning;
    }
    stored.delete(key);
    const answer = await source.ask(database, tile.path, MAX_TILE_BYTES);
    return Buffer.isBuffer(answer) ? answer : undefined;
  };

  return {
    get wrong() {
      return wrong;
    },
    async read(tile) {
      const begun = ahead.get(tile.path);
      ahead.delete(tile.path);
      return begun ?? readNow(tile);
    },
    readAhead(size, id, isKnown) {
      for (let level = 0; level < tileLevels(size); level++) {
        const number = Math.floor(id / TILE_WIDTH ** (level + 1));
        if (number >= edgeAt(size, level).fullTiles || isKnown(level, number)) return;
        const tile = tileAt(level, number, FULL_WIDTH);
        if (ahead.has(tile.path)) continue;
        const reading = readNow(tile);
        ahead.set(tile.path, reading);
        reading.catch(() => ahead.delete(tile.path));
      }
    },
    async proved(tile, bytes) {
      const key = keyOf(tile);
      if (bytes.length !== FULL_WIDTH * HASH_BYTES || stored.has(key)) return;
      await store.put(key, bytes);
      stored.set(key, true);
      refuted.delete(key);
    },
    refuted(tile) {
      const key = keyOf(tile);
      if (stored.delete(key)) wrong++;
      refuted.set(key, true);
    },
  };
}
