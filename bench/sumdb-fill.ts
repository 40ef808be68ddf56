// A checksum log of millions of records, in minutes: PostgreSQL makes the rows by itself, as the appends of bench/sumdb.ts would
// have made them, and the same records are hashed here meanwhile. What comes out is what ten million appends would have left,
// but for the journal.
import { type ChecksumLog, committed, readCommittedTree } from "../src/registry/checksums/log-state.ts";
import { recordText } from "../src/sumdb/record.ts";
import { type GrowingTree, growTree, rootOf } from "../src/sumdb/tree-growth.ts";
import { leafHash } from "../src/sumdb/tree-hash.ts";
import { GO_ORIGIN, signHead } from "../src/sumdb/tree-head.ts";

const AT_ONCE = 100_000;

/** The sum of a word; SQL below makes the same. */
export const sumOf = (word: string): string => `h1:${leafHash(word).toString("base64")}`;

/** The module of record n of a log of this bench, at v1.2.3. */
export const moduleOf = (n: number): string => `example.com/some/module/m${n}`;

/** Brings a log that nobody else appends to up to a size. */
export async function fillLog(log: ChecksumLog, size: number): Promise<void> {
  const { pool } = log.registry.database;
  let tree: GrowingTree = await readCommittedTree(log);
  for (let from = tree.size; from < size; from = tree.size) {
    const to = Math.min(from + AT_ONCE, size);
    const rows = pool.query(
      `INSERT INTO sum_record (id, path, version, h1, go_mod_h1, basis)
        SELECT n, 'example.com/some/module/m' || n, 'v1.2.3', sha256('\\x00'::bytea || convert_to('m' || n, 'UTF8')),
          sha256('\\x00'::bytea || convert_to('m' || n || '/go.mod', 'UTF8')), 'OBSERVED'
        FROM generate_series($1::bigint, $2::bigint) AS n`,
      [from, to - 1],
    );
    const leaves = Array.from({ length: to - from }, (_, k) => {
      const sums = { h1: sumOf(`m${from + k}`), goModH1: sumOf(`m${from + k}/go.mod`) };
      return leafHash(recordText(moduleOf(from + k), "v1.2.3", sums));
    });
    const { tree: grown, fullTiles } = growTree(tree, leaves);
    await rows;
    await pool.query(
      "INSERT INTO sum_tile (level, number, bytes) SELECT * FROM unnest($1::smallint[], $2::bigint[], $3::bytea[])",
      [fullTiles.map(({ level }) => level), fullTiles.map(({ number }) => number), fullTiles.map(({ bytes }) => bytes)],
    );
    tree = grown;
    const head = { size: tree.size, root: rootOf(tree) };
    const note = await signHead(head, GO_ORIGIN, log.signers.slice(0, 1));
    await pool.query("UPDATE sum_tree SET size = $1, root = $2, edge = $3, note = $4", [
      ...[tree.size, head.root, tree.edge, note],
    ]);
    committed(log, { ...tree, ...head });
  }
  await pool.query("ANALYZE sum_record, sum_tile");
}
