// Reading the log: records by name and by place, tiles of any width. A partial tile is stored nowhere: it is the beginning of
// a full one, or of the edge.
import { hashesIn } from "../../sumdb/tile-hashes.ts";
import { edgeAt, HASH_BYTES, rootOfEdge, TILE_WIDTH, tileLevels } from "../../sumdb/tree-hash.ts";
import type { HashReader } from "../../sumdb/tree-proof.ts";
import type { Registry } from "../registry.ts";
import { type ChecksumLog, type CommittedTree, readCommittedTree } from "./log-state.ts";
import { type LoggedRecord, type RecordRow, recordIn } from "./logged-record.ts";

/** The record of a version; undefined if it was never logged. Says nothing about who may hear of it. */
export async function findRecord(
  { database }: Registry,
  modulePath: string,
  version: string,
): Promise<LoggedRecord | undefined> {
  const { rows } = await database.pool.query<RecordRow>({
    name: "sum-record",
    text: "SELECT id, path, version, h1, go_mod_h1, basis, public_id FROM sum_record WHERE path = $1 AND version = $2",
    values: [modulePath, version],
  });
  return rows[0] && recordIn(rows[0]);
}

/** The records from a place on, as many as there are but no more than `count`; in their order. */
export async function recordsFrom({ database }: Registry, from: number, count: number): Promise<LoggedRecord[]> {
  const { rows } = await database.pool.query<RecordRow>({
    name: "sum-records-from",
    text: `SELECT id, path, version, h1, go_mod_h1, basis, public_id FROM sum_record
      WHERE id >= $1 AND id < $2 ORDER BY id`,
    values: [from, from + count],
  });
  return rows.map(recordIn);
}

/** The hashes of a tile, as many as `width` if there are so many; undefined if there are fewer. */
export async function readTile(
  log: ChecksumLog,
  level: number,
  number: number,
  width: number,
): Promise<Buffer | undefined> {
  const has = (tree: CommittedTree): Buffer | "full" | undefined => {
    const edge = edgeAt(tree.size, level);
    if (number < edge.fullTiles) return "full";
    return number === edge.fullTiles && width <= edge.width ? tree.edge[level] : undefined;
  };
  // What is not in the tree that is known may be in one that another server has committed since.
  const found = has(log.state.tree) ?? has(await readCommittedTree(log));
  const bytes = found === "full" ? await readFullTile(log.registry, level, number) : found;
  return bytes?.subarray(0, width * HASH_BYTES);
}

async function readFullTile({ database }: Registry, level: number, number: number): Promise<Buffer> {
  const { rows } = await database.pool.query<{ bytes: Buffer }>({
    name: "sum-tile",
    text: "SELECT bytes FROM sum_tile WHERE level = $1 AND number = $2",
    values: [level, number],
  });
  if (!rows[0]) throw new Error(`tile ${number} of level ${level} of the checksum log is not stored`);
  return rows[0].bytes;
}

/** Reads hashes of subtrees of a tree that has been committed. */
export function hashesOf(log: ChecksumLog): HashReader {
  return hashesIn(async (level, number) => {
    const { fullTiles, width } = edgeAt(log.state.tree.size, level);
    const bytes = await readTile(log, level, number, number < fullTiles ? TILE_WIDTH : width);
    if (!bytes) throw new Error(`the checksum log has no tile ${number} in level ${level}`);
    return bytes;
  });
}

/** The root that the tree had when it was of a smaller size. */
export async function rootAt(log: ChecksumLog, size: number): Promise<Buffer> {
  const edge = await Promise.all(
    Array.from({ length: tileLevels(size) }, async (_, level) => {
      const { fullTiles, width } = edgeAt(size, level);
      return (width > 0 && (await readTile(log, level, fullTiles, width))) || Buffer.alloc(0);
    }),
  );
  return rootOfEdge(edge);
}
