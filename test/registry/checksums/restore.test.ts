// A backup of the database takes the place of the newer one. The journal has what the backup lacks; where it has not, or has
// something else, nothing is signed.
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import pg from "pg";
import { beforeEach, expect, test } from "vitest";
import { ensureRecord, openChecksumLog } from "../../../src/registry/checksums/checksum-log.ts";
import { noteOf } from "../../../src/registry/checksums/log-names.ts";
import { type ChecksumLog, readCommittedTree } from "../../../src/registry/checksums/log-state.ts";
import type { Registry } from "../../../src/registry/registry.ts";
import { sumJournalKey } from "../../../src/storage/object-keys.ts";
import { parseSignerKey } from "../../../src/sumdb/note.ts";
import { atEnd } from "../../support/at-end.ts";
import { testDatabase } from "../../support/database.ts";
import { judge, type OpenLog, SIGNER_KEY, testLog } from "./log.ts";
import { observed } from "./records.ts";

let open: OpenLog;
beforeEach(async () => {
  open = await testLog();
});

const append = async (log: ChecksumLog, from: number, count: number): Promise<void> => {
  await Promise.all(Array.from({ length: count }, (_, n) => ensureRecord(log, observed(`m${from + n}`))));
};

/** The rows of the log as a dump has them, in a database of its own; blobs stay as they are. */
async function restored(registry: Registry): Promise<Registry> {
  const from = registry.database.pool;
  const pool = new pg.Pool({ connectionString: await testDatabase() });
  pool.on("error", () => {});
  atEnd(() => pool.end());
  for (const table of ["sum_record", "sum_tile", "sum_name"]) {
    const { rows } = await from.query(`select * from ${table}`);
    for (const row of rows) {
      const names = Object.keys(row);
      const places = names.map((_, n) => `$${n + 1}`);
      await pool.query(`insert into ${table} (${names}) values (${places})`, Object.values(row));
    }
  }
  const [tree] = (await from.query("select size, root, edge, note from sum_tree")).rows;
  await pool.query("update sum_tree set size = $1, root = $2, edge = $3, note = $4", Object.values(tree));
  return { ...registry, database: { ...registry.database, pool } };
}

const reopened = (registry: Registry): Promise<ChecksumLog> => openChecksumLog(registry, [parseSignerKey(SIGNER_KEY)]);

test.each([[10], [250], [256], [257], [600]])(
  "a backup of %i records gets the rest from the journal: the same tree",
  async (size) => {
    const { log, registry } = open;
    await append(log, 0, size);
    const backup = await restored(registry);
    await append(log, size, 700);
    const tree = await readCommittedTree(log);
    const note = await noteOf(log, tree, "gokura.test/sumdb");
    const back = await reopened(backup);
    expect(back.state).toMatchObject({ closed: undefined });
    expect(back.state.tree.size).toBe(size + 700);
    expect((await noteOf(back, back.state.tree, "gokura.test/sumdb")).equals(note)).toBe(true);
    expect(await judge(backup)).toBe(size + 700);
    // It goes on as if nothing had been.
    expect((await ensureRecord(back, observed("next"))).id).toBe(size + 700);
  },
);

test("without the tail of the journal nothing is signed, and the reason is told", async () => {
  const { log, registry } = open;
  await append(log, 0, 100);
  const backup = await restored(registry);
  await append(log, 100, 700);
  await rm(join(registry.dataDirectory, "blobs", sumJournalKey(2)));
  const back = await reopened(backup);
  await expect(ensureRecord(back, observed("next"))).rejects.toMatchObject({
    kind: "unavailable",
    message: expect.stringContaining("tile 2 of the journal is not on this server"),
  });
  expect(() => noteOf(back, back.state.tree, "gokura.test/sumdb")).toThrow("signs nothing now");
});

test("another log in the place of this one is not signed", async () => {
  const { log, registry } = open;
  await append(log, 0, 300);
  const other = await testLog();
  await append(other.log, 1_000, 299);
  const foreign = { ...(await restored(other.registry)), blobs: registry.blobs };
  const back = await reopened(foreign);
  expect(back.state.closed).toMatch(/differ somewhere|is record/);
  await append(other.log, 2_000, 1_000);
  const larger = await reopened({ ...(await restored(other.registry)), blobs: registry.blobs });
  expect(larger.state.closed).toMatch(/differ somewhere/);
});

test("a damaged journal is no reason to guess", async () => {
  const { log, registry } = open;
  await append(log, 0, 10);
  const backup = await restored(registry);
  await append(log, 10, 10);
  const file = join(registry.dataDirectory, "blobs", sumJournalKey(0));
  await writeFile(file, "gokura checksum journal 1\n20\n");
  expect((await reopened(backup)).state.closed).toBeDefined();
});

test("a server that runs notices that the database under it is an older one", async () => {
  const { log, registry } = open;
  await append(log, 0, 20);
  const backup = await restored(registry);
  await append(log, 20, 20);
  const failedOver: ChecksumLog = { ...log, registry: backup };
  await expect(readCommittedTree(failedOver)).rejects.toThrow(/an older database has taken the place/);
  await expect(ensureRecord(failedOver, observed("next"))).rejects.toMatchObject({ kind: "unavailable" });
});

test("what a crash left in the journal alone is overwritten by whoever appends next", async () => {
  const { log, registry } = open;
  await append(log, 0, 5);
  // To this server a batch of the other one that only the journal has is one that was never committed.
  const living = await reopened(await restored(registry));
  await append(log, 5, 3);
  expect((await ensureRecord(living, observed("other"))).id).toBe(5);
  const back = await reopened(living.registry);
  expect([back.state.closed, back.state.tree.size]).toEqual([undefined, 6]);
  expect(await judge(living.registry)).toBe(6);
  // And to the one that had committed it, this is another log.
  expect((await open.again()).state.closed).toMatch(/differ/);
});
