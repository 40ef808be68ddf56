import { expect, test } from "vitest";
import { inTurns, sortInTurns } from "../../src/concurrency/turns.ts";
import { loopTurnsDuring } from "../support/loop-turns.ts";

/** Numbers in an order that looks like none. */
const mixed = (count: number): number[] => Array.from({ length: count }, (_, i) => (i * 7919) % count);

test("a list comes in parts, whole and in order, with a turn of the loop between two", async () => {
  const list = mixed(1_050);
  const parts: (readonly number[])[] = [];
  const turns = await loopTurnsDuring(async () => {
    for await (const part of inTurns(list, 100)) parts.push(part);
  });
  expect(parts.map(({ length }) => length)).toEqual([...Array(10).fill(100), 50]);
  expect(parts.flat()).toEqual(list);
  expect(turns).toBeGreaterThanOrEqual(10);
});

test.each([0, 1, 1_999, 2_000, 2_001, 9_000])("%i entries are put in order", async (count) => {
  const sorted = await sortInTurns(mixed(count), (a, b) => a - b);
  expect(sorted).toEqual(mixed(count).sort((a, b) => a - b));
});

test("what is equal stays in its order", async () => {
  const list = mixed(10_000).map((key, place) => ({ key: key % 10, place }));
  const sorted = await sortInTurns(list, (a, b) => a.key - b.key);
  expect(sorted).toEqual(list.toSorted((a, b) => a.key - b.key));
});

test("a long list is put in order while others have their turns", async () => {
  const turns = await loopTurnsDuring(() => sortInTurns(mixed(50_000), (a, b) => a - b));
  expect(turns).toBeGreaterThanOrEqual(50);
});
