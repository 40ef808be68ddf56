// The checksum log grows by batches of one server and of several, and what was committed is there for ever.
import { expect, test, vi } from "vitest";
import { ensureRecord, openChecksumLog } from "../../../src/registry/checksums/checksum-log.ts";
import { noteOf } from "../../../src/registry/checksums/log-names.ts";
import { findRecord, hashesOf, readTile, rootAt } from "../../../src/registry/checksums/log-records.ts";
import { readCommittedTree } from "../../../src/registry/checksums/log-state.ts";
import { generateSignerKey, parseSignerKey, parseVerifierKey } from "../../../src/sumdb/note.ts";
import { leafHash } from "../../../src/sumdb/tree-hash.ts";
import { openGoHead } from "../../../src/sumdb/tree-head.ts";
import { checkRecord, proveRecord } from "../../../src/sumdb/tree-proof.ts";
import { judge, SIGNER_KEY, testLog } from "./log.ts";
import { observed } from "./records.ts";

test("equal wishes are one record, and a record keeps its place", async () => {
  const { log, registry } = await testLog();
  const [a, b, again] = await Promise.all(
    [observed("a"), observed("b"), observed("a")].map((one) => ensureRecord(log, one)),
  );
  expect([a!.id, b!.id, again!.id]).toEqual([0, 1, 0]);
  expect(await ensureRecord(log, observed("b"))).toEqual(b);
  // Whoever comes with other sums later hears what is in the log.
  const other = await ensureRecord(log, { ...observed("a"), known: observed("c").known! });
  expect(other).toEqual(a);
  expect(await judge(registry)).toBe(2);
});

test("a look at the tree whose answer comes after the next batch was committed closes nothing", async () => {
  const { log, registry } = await testLog();
  await ensureRecord(log, observed("a"));
  const { pool } = registry.database;
  const { query } = pool;
  const [answered, late] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  vi.spyOn(pool, "query").mockImplementationOnce((async (...words: Parameters<typeof query>) => {
    const found = await Reflect.apply(query, pool, words);
    answered.resolve();
    await late.promise;
    return found;
  }) as never);
  const looked = readCommittedTree(log);
  await answered.promise;
  await ensureRecord(log, observed("b"));
  late.resolve();
  expect((await looked).size).toBe(2);
  expect(log.state.closed).toBeUndefined();
  expect(await judge(registry)).toBe(2);
});

test("batches over the edges of tiles, with every width of tile in between, and proofs of all", async () => {
  const { log, registry } = await testLog();
  for (const count of [1, 254, 1, 1, 300, 513]) {
    const from = log.state.tree.size;
    await Promise.all(Array.from({ length: count }, (_, n) => ensureRecord(log, observed(`m${from + n}`))));
  }
  const size = await judge(registry);
  expect(size).toBe(1070);
  const tree = await readCommittedTree(log);
  for (const n of [0, 255, 256, 700, 1023, 1024, 1069]) {
    const { id, text } = (await findRecord(registry, `example.com/m${n}`, "v1.0.0"))!;
    checkRecord(await proveRecord(size, id, hashesOf(log)), size, tree.root, id, leafHash(text));
  }
  expect((await readTile(log, 0, 4, 46))!.length).toBe(46 * 32);
  expect(await readTile(log, 0, 4, 47)).toBeUndefined();
  expect(await readTile(log, 0, 5, 1)).toBeUndefined();
  expect(await readTile(log, 2, 0, 1)).toBeUndefined();
  expect((await readTile(log, 1, 0, 4))!.equals((await readTile(log, 1, 0, 3))!)).toBe(false);
});

test("several servers append at once to one line, and every head of any of them is of that line", async () => {
  const { log, registry, again } = await testLog();
  const logs = [log, await again(), await again()];
  const heads: { size: number; note: Buffer }[] = [];
  await Promise.all(
    logs.map(async (one, server) => {
      for (let n = 0; n < 40; n++) {
        // Some names are wanted of all of them.
        await Promise.all([ensureRecord(one, observed(`s${server}-${n}`)), ensureRecord(one, observed(`shared-${n}`))]);
        const { tree } = one.state;
        heads.push({ size: tree.size, note: await noteOf(one, tree, "gokura.test/sumdb") });
      }
    }),
  );
  expect(await judge(registry)).toBe(160);
  for (const { size, note } of heads) {
    const head = openGoHead(note, [parseVerifierKey(parseSignerKey(SIGNER_KEY).verifierKey)]);
    expect([head.size, head.root.equals(await rootAt(log, size))]).toEqual([size, true]);
  }
});

test("a clock that jumps back and forth changes nothing", async () => {
  const { log, registry, again } = await testLog();
  vi.useFakeTimers({ toFake: ["Date"] });
  try {
    for (const [n, year] of ["2026", "2001", "2099", "1970"].entries()) {
      vi.setSystemTime(`${year}-01-01T00:00:00Z`);
      await Promise.all([1, 2, 3].map((one) => ensureRecord(log, observed(`at${year}-${one}`))));
      const other = await again();
      expect([year, other.state.closed, other.state.tree.size]).toEqual([year, undefined, 3 * (n + 1)]);
      expect((await ensureRecord(other, observed("at2026-1"))).id).toBeLessThan(3);
    }
  } finally {
    vi.useRealTimers();
  }
  expect(await judge(registry)).toBe(12);
});

test("nobody changes the log, nor makes it shorter", async () => {
  const { log, registry } = await testLog();
  await Promise.all(Array.from({ length: 300 }, (_, n) => ensureRecord(log, observed(`m${n}`))));
  for (const statement of [
    "update sum_record set version = 'v9.9.9' where id = 3",
    "delete from sum_record where id = 299",
    "truncate sum_record",
    "update sum_tile set bytes = bytes",
    "delete from sum_tile",
    "truncate sum_tile",
    "update sum_tree set size = 299",
    "update sum_tree set root = decode(repeat('00', 32), 'hex')",
    "delete from sum_tree",
    "truncate sum_tree",
    "update sum_name set verifier_key = 'x'",
    "delete from sum_name",
    "insert into sum_tree (id) values (2)",
  ])
    await expect(registry.database.pool.query(statement), statement).rejects.toThrow(/is pinned|violates check/);
  expect(await judge(registry)).toBe(300);
});

test("what has no pinned zip is not logged, and keeps nothing else from it", async () => {
  const { log, registry } = await testLog();
  const [gone, there] = await Promise.allSettled([
    ensureRecord(log, { modulePath: "gokura.test/a/b", version: "v1.0.0" }),
    ensureRecord(log, observed("there")),
  ]);
  expect(gone).toMatchObject({ status: "rejected", reason: { kind: "not-found" } });
  expect(there).toMatchObject({ status: "fulfilled", value: { id: 0 } });
  expect(await judge(registry)).toBe(1);
});

test("a server that comes with another key for a known name does not sign", async () => {
  const { log, registry } = await testLog();
  await ensureRecord(log, observed("a"));
  const other = await openChecksumLog(registry, [parseSignerKey(generateSignerKey("gokura.test/sumdb"))]);
  await expect(ensureRecord(other, observed("b"))).rejects.toThrow(/known as gokura.test\/sumdb by another key/);
  expect(() => noteOf(other, log.state.tree, "gokura.test/sumdb")).toThrow("signs nothing now");
  // Under a second name it is the same log.
  const second = await openChecksumLog(registry, [parseSignerKey(generateSignerKey("gokura.test/sumdb/2"))]);
  expect((await ensureRecord(second, observed("b"))).id).toBe(1);
  expect((await ensureRecord(log, observed("b"))).id).toBe(1);
});
