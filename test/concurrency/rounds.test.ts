import { expect, test } from "vitest";
import { keepRounds } from "../../src/concurrency/rounds.ts";

test("rounds come again, also after one that failed, and end with the last one when they are closed", async () => {
  const told: unknown[] = [];
  let begun = 0;
  let ended = 0;
  const rounds = keepRounds(
    async (over) => {
      begun++;
      if (begun === 1) throw new Error("the first");
      while (!over()) await new Promise(setImmediate);
      ended++;
    },
    { firstAfterMs: 1, everyMs: 20, failed: (error) => told.push((error as Error).message) },
  );
  await expect.poll(() => begun).toBeGreaterThan(1);
  await rounds.close();
  const last = begun;
  expect(told).toEqual(["the first"]);
  expect(ended).toBeGreaterThan(0);
  await new Promise((done) => setTimeout(done, 40)); // two rounds' time: none may come
  expect(begun).toBe(last);
});

test("while a round lasts longer than the time between two, none begins, and closing waits for it", async () => {
  const finish = Promise.withResolvers<void>();
  let begun = 0;
  let ended = 0;
  const rounds = keepRounds(
    async () => {
      begun++;
      await finish.promise;
      ended++;
    },
    { firstAfterMs: 1, everyMs: 5, failed: () => {} },
  );
  await expect.poll(() => begun).toBe(1);
  await new Promise((done) => setTimeout(done, 30)); // time for five more
  expect(begun).toBe(1);
  const closed = rounds.close();
  finish.resolve();
  await closed;
  expect([begun, ended]).toEqual([1, 1]);
});
