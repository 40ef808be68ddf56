// The whole log, worked out again from its records alone, and compared with everything that was said of them: each tile, the
// edge, the root, the signed head, the journal, the sums of versions that are stored, those of versions that were taken away,
// on demand the very zips, and the head of the last time, which must be the beginning of this one. What is wrong is told in
// sentences; nothing is changed. Source of the rules: golang.org/x/mod/sumdb/tlog; docs/checksums.md.
import { createFileHashes } from "../../gomod/dir-hash.ts";
import { zipObjectKey } from "../../storage/object-keys.ts";
import { readZipDirectory, readZipEntry } from "../../storage/zip-reader.ts";
import { parseVerifierKey } from "../../sumdb/note.ts";
import { EMPTY_TREE, type FullTile, type GrowingTree, growTree, rootOf } from "../../sumdb/tree-growth.ts";
import { leafHash, TILE_WIDTH } from "../../sumdb/tree-hash.ts";
import { openGoHead, type TreeHead } from "../../sumdb/tree-head.ts";
import type { Registry } from "../registry.ts";
import { readJournal } from "./journal.ts";
import { recordsFrom } from "./log-records.ts";
import type { LoggedRecord } from "./logged-record.ts";

/** Records that are read at once: sixteen tiles. */
const AT_ONCE = 16 * TILE_WIDTH;

export interface VerifyOptions {
  /** The head of the last time. */
  readonly before: TreeHead | undefined;
  /** Whether zips are read and hashed again. */
  readonly zips: boolean;
  /** Told how far it is. */
  readonly progress: (done: number, size: number) => void;
}

export interface LogVerdict extends TreeHead {
  /** Zips that were hashed again. */
  readonly zips: number;
  /** What is wrong, each a sentence; empty: the log is what it says. */
  readonly problems: readonly string[];
}

interface TreeRow {
  size: string;
  root: Buffer | null;
  edge: Buffer[];
  note: Buffer | null;
}

/** Verifies the log as it was committed when this began; what is appended meanwhile is left alone. */
export async function verifyLog(registry: Registry, options: VerifyOptions): Promise<LogVerdict> {
  const { pool } = registry.database;
  const problems: string[] = [];
  const row = (await pool.query<TreeRow>("SELECT size, root, edge, note FROM sum_tree")).rows[0]!;
  const size = Number(row.size);
  const { before } = options;
  if (before && before.size > size)
    problems.push(`the log has ${size} records; the last time it had ${before.size}: it was rolled back`);
  let tree: GrowingTree = EMPTY_TREE;
  while (tree.size < size) {
    const end = Math.min(tree.size + AT_ONCE, size);
    const records = await recordsFrom(registry, tree.size, end - tree.size);
    const gap = records.findIndex(({ id }, n) => id !== tree.size + n);
    if (gap >= 0 || records.length < end - tree.size) {
      problems.push(`record ${tree.size + (gap < 0 ? records.length : gap)} is missing`);
      break;
    }
    if (before && before.size > tree.size && before.size <= end) {
      const part = records.slice(0, before.size - tree.size).map(({ text }) => leafHash(text));
      if (!rootOf(growTree(tree, part).tree).equals(before.root))
        problems.push(`the first ${before.size} records are not those of the last time: history was rewritten`);
    }
    const grown = growTree(
      tree,
      records.map(({ text }) => leafHash(text)),
    );
    problems.push(
      ...(await wrongTiles(registry, grown.fullTiles)),
      ...(await wrongJournal(registry, tree.size, records)),
    );
    tree = grown.tree;
    options.progress(tree.size, size);
  }
  const root = rootOf(tree);
  if (tree.size === size) {
    const said = row.root ?? rootOf(EMPTY_TREE);
    if (!root.equals(said)) problems.push("the root of the records is not the root of the tree");
    if (Buffer.concat([...tree.edge]).compare(Buffer.concat(row.edge)) !== 0)
      problems.push("the edge of the tree is not that of the records");
    problems.push(...(await wrongNote(registry, { size, root }, row.note)));
  }
  problems.push(...(await wrongSums(registry)));
  const zips = options.zips ? await wrongZips(registry, problems) : 0;
  return { size, root, zips, problems };
}

async function wrongTiles({ database }: Registry, tiles: readonly FullTile[]): Promise<string[]> {
  if (tiles.length === 0) return [];
  const { rows } = await database.pool.query<{ level: number; number: string; bytes: Buffer }>(
    `SELECT t.level, t.number, t.bytes FROM unnest($1::smallint[], $2::bigint[]) AS w (level, number)
      JOIN sum_tile t ON t.level = w.level AND t.number = w.number`,
    [tiles.map(({ level }) => level), tiles.map(({ number }) => number)],
  );
  const stored = new Map(rows.map(({ level, number, bytes }) => [`${level}/${number}`, bytes]));
  return tiles
    .filter(({ level, number, bytes }) => !stored.get(`${level}/${number}`)?.equals(bytes))
    .map(({ level, number }) => `tile ${number} of level ${level} is not that of the records`);
}

/** The journal of this server, as far as it has one: other servers have theirs. */
async function wrongJournal({ blobs }: Registry, from: number, records: readonly LoggedRecord[]): Promise<string[]> {
  const problems: string[] = [];
  for (let at = 0; at < records.length; at += TILE_WIDTH) {
    const number = (from + at) / TILE_WIDTH;
    const committed = records.slice(at, at + TILE_WIDTH);
    try {
      const tile = await readJournal(blobs, number);
      if (tile?.entries.slice(0, committed.length).some(({ text }, n) => text !== committed[n]!.text))
        problems.push(`tile ${number} of the journal has other records than the database`);
    } catch (error) {
      problems.push((error as Error).message);
    }
  }
  return problems;
}

async function wrongNote({ database }: Registry, head: TreeHead, note: Buffer | null): Promise<string[]> {
  if (head.size === 0) return [];
  if (!note) return ["the head of the tree is not signed"];
  const { rows } = await database.pool.query<{ verifier_key: string }>("SELECT verifier_key FROM sum_name");
  try {
    const signed = openGoHead(
      note,
      rows.map((row) => parseVerifierKey(row.verifier_key)),
    );
    const same = signed.size === head.size && signed.root.equals(head.root);
    return same ? [] : ["the signed head is not that of the records"];
  } catch (error) {
    return [`the signed head cannot be believed: ${(error as Error).message}`];
  }
}

/** Versions that are stored, and those that were taken away, with other sums than their records. */
async function wrongSums({ database }: Registry): Promise<string[]> {
  const { rows } = await database.pool.query<{ path: string; version: string; where: string }>(
    `SELECT r.path, r.version, 'stored' AS where FROM sum_record r JOIN module m ON m.path = r.path
        JOIN module_version v ON v.module_id = m.id AND v.version = r.version
        WHERE (v.h1 IS NOT NULL AND v.h1 <> 'h1:' || encode(r.h1, 'base64'))
          OR (v.go_mod_h1 IS NOT NULL AND v.go_mod_h1 <> 'h1:' || encode(r.go_mod_h1, 'base64'))
      UNION ALL
      SELECT r.path, r.version, 'taken away' FROM sum_record r
        JOIN tombstone t ON t.module_path = r.path AND t.version = r.version
        WHERE t.h1 IS NOT NULL AND t.h1 <> 'h1:' || encode(r.h1, 'base64')
      ORDER BY 1, 2 LIMIT 1000`,
  );
  return rows.map(({ path, version, where }) => `${path}@${version} is ${where} with other sums than its record`);
}

/** Hashes the zips of all versions that have a record; returns how many. */
async function wrongZips({ database, blobs }: Registry, problems: string[]): Promise<number> {
  let hashed = 0;
  for (let after = 0; ; ) {
    const { rows } = await database.pool.query<{
      id: number;
      path: string;
      version: string;
      h1: string;
      zip_key: string;
      zip_size: string;
    }>(
      `SELECT v.id, m.path, v.version, 'h1:' || encode(r.h1, 'base64') AS h1, v.zip_key, v.zip_size
        FROM module_version v JOIN module m ON m.id = v.module_id
        JOIN sum_record r ON r.path = m.path AND r.version = v.version
        WHERE v.id > $1 AND v.zip_key IS NOT NULL
          AND NOT EXISTS (SELECT FROM evicted_zip e WHERE e.version_id = v.id) -- only the sum of one is promised
        ORDER BY v.id LIMIT 100`,
      [after],
    );
    for (const row of rows) {
      const name = `${row.path}@${row.version}`;
      try {
        const file = await blobs.openFile(zipObjectKey(row.zip_key), { isOnce: true });
        try {
          const hashes = createFileHashes(name);
          let isOwn = true;
          for (const entry of await readZipDirectory(file, Number(row.zip_size))) {
            isOwn &&= entry.name.startsWith(`${name}/`);
            hashes.add(entry.name.slice(name.length + 1), (await readZipEntry(file, entry, false)).sha256);
          }
          if (!isOwn || (await hashes.h1()) !== row.h1)
            problems.push(`the zip of ${name} is not the one that was logged`);
        } finally {
          await file.close();
        }
      } catch (error) {
        problems.push(`the zip of ${name} cannot be read: ${(error as Error).message}`);
      }
      hashed++;
    }
    if (rows.length < 100) return hashed;
    after = rows.at(-1)!.id;
  }
}
