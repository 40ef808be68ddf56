// A checksum log on a database of its own, records to put into it, and the judge of what is in it: everything that the log
// promises about its rows, worked out again from the records alone, by our code and by Go's (golang.org/x/mod/sumdb).
import { expect } from "vitest";
import { openChecksumLog } from "../../../src/registry/checksums/checksum-log.ts";
import { readJournal } from "../../../src/registry/checksums/journal.ts";
import { recordsFrom } from "../../../src/registry/checksums/log-records.ts";
import type { ChecksumLog } from "../../../src/registry/checksums/log-state.ts";
import type { Registry } from "../../../src/registry/registry.ts";
import { generateSignerKey, parseSignerKey, parseVerifierKey, type Signer } from "../../../src/sumdb/note.ts";
import { EMPTY_TREE, growTree, rootOf } from "../../../src/sumdb/tree-growth.ts";
import { leafHash } from "../../../src/sumdb/tree-hash.ts";
import { openGoHead } from "../../../src/sumdb/tree-head.ts";
import { type Auditor, buildAuditor } from "../../conformance/sumdb/auditor.ts";
import { atEnd } from "../../support/at-end.ts";
import { testRegistry } from "../../support/registry.ts";

let auditor: Auditor | undefined;
function builtForThisFile(): Auditor {
  atEnd(() => {
    auditor = undefined; // its program goes away with the file
  });
  return buildAuditor();
}

export const SIGNER_KEY = generateSignerKey("gokura.test/sumdb");
const SIGNERS: Signer[] = [parseSignerKey(SIGNER_KEY)];

export interface OpenLog {
  readonly registry: Registry;
  readonly log: ChecksumLog;
  /** Opens it again, as another server or after a start. */
  again(): Promise<ChecksumLog>;
}

export async function testLog(environment: Record<string, string> = {}): Promise<OpenLog> {
  const registry = await testRegistry(environment);
  const again = () => openChecksumLog(registry, SIGNERS);
  return { registry, log: await again(), again };
}

/** Checks every promise of the rows, and returns how many records there are. */
export async function judge(registry: Registry): Promise<number> {
  const { pool } = registry.database;
  const { rows } = await pool.query("select size, root, edge, note from sum_tree");
  const { size, root, edge, note } = rows[0];
  const records = await recordsFrom(registry, 0, Number(size) + 10);
  expect(records.map(({ id }) => id)).toEqual(Array.from({ length: Number(size) }, (_, n) => n));
  expect(new Set(records.map((one) => `${one.modulePath}@${one.version}`)).size).toBe(records.length);
  const { tree, fullTiles } = growTree(
    EMPTY_TREE,
    records.map(({ text }) => leafHash(text)),
  );
  expect(edge.map((hashes: Buffer) => hashes.toString("hex"))).toEqual(
    tree.edge.map((hashes) => hashes.toString("hex")),
  );
  if (records.length > 0) {
    expect(root.equals(rootOf(tree))).toBe(true);
    const head = openGoHead(note, [parseVerifierKey(SIGNERS[0]!.verifierKey)]);
    expect([head.size, head.root.equals(root)]).toEqual([records.length, true]);
  }
  const tiles = await pool.query("select level, number, bytes from sum_tile order by level, number");
  expect(tiles.rows.map((tile) => `${tile.level}/${tile.number} ${tile.bytes.toString("hex")}`)).toEqual(
    fullTiles
      .toSorted((a, b) => a.level - b.level || a.number - b.number)
      .map((tile) => `${tile.level}/${tile.number} ${tile.bytes.toString("hex")}`),
  );
  if (records.length > 0) {
    auditor ??= builtForThisFile();
    const said = auditor.replay(SIGNERS[0]!.verifierKey, {
      records: records.map(({ text }) => text),
      tiles: tiles.rows.map((tile) => ({
        ...{ level: tile.level, number: Number(tile.number), bytes: tile.bytes.toString("base64") },
      })),
      edge: edge.map((hashes: Buffer) => hashes.toString("base64")),
      note: note.toString(),
    });
    expect(said).toMatch(new RegExp(`^${records.length} records, \\d+ tiles\n$`));
  }
  for (let number = 0; number * 256 < records.length; number++) {
    const tile = await readJournal(registry.blobs, number);
    const committed = records.slice(number * 256, (number + 1) * 256);
    // The last tile may have more than was ever committed.
    expect(tile?.entries.slice(0, committed.length).map(({ text }) => text)).toEqual(committed.map(({ text }) => text));
  }
  return records.length;
}
