// Long work of a request: once, in its order, and with everybody else's turn between its parts.
import { expect, test } from "vitest";
import type { Loaders } from "../../src/graphql/loaders.ts";
import { inTurn, once } from "../../src/graphql/turns.ts";

/** The work of a request is known by its loaders; here nobody loads. */
const request = (): Loaders => ({}) as Loaders;

const KIB = 1024;

/** The order in which works of these sizes were done, with "turn" wherever everybody else had one. */
async function orderOf(sizes: readonly number[]): Promise<string[]> {
  const order: string[] = [];
  const loaders = request();
  const works = Promise.all(sizes.map((size, n) => inTurn(loaders, size, () => void order.push(`work ${n}`))));
  let done = false;
  const everybodyElse = (): void => {
    if (done) return;
    if (order.at(-1) !== "turn") order.push("turn");
    setImmediate(everybodyElse);
  };
  setImmediate(everybodyElse);
  await works;
  done = true;
  return order;
}

test("many small files are read without a pause", async () => {
  const order = await orderOf(Array.from({ length: 100 }, () => KIB));
  expect(order).toEqual(Array.from({ length: 100 }, (_, n) => `work ${n}`));
});

test("between large files everybody has a turn", async () => {
  expect(await orderOf([1024 * KIB, 1024 * KIB, KIB, KIB, 127 * KIB])).toEqual([
    ...["work 0", "turn", "work 1", "turn", "work 2", "work 3", "turn", "work 4"],
  ]);
});

test("a work that waits keeps none of the others back", async () => {
  const loaders = request();
  const waiting = Promise.withResolvers<string>();
  const first = inTurn(loaders, KIB, () => waiting.promise);
  expect(await inTurn(loaders, KIB, () => "second")).toBe("second");
  waiting.resolve("first");
  expect(await first).toBe("first");
});

test("a work that fails fails alone", async () => {
  const loaders = request();
  const failing = inTurn(loaders, KIB, () => {
    throw new Error("no");
  });
  await expect(failing).rejects.toThrow("no");
  expect(await inTurn(loaders, KIB, () => "next")).toBe("next");
});

test("under many aliases the same is worked out once, for another request anew", async () => {
  let times = 0;
  const work = async () => ++times;
  const loaders = request();
  expect(await Promise.all([once(loaders, "a", work), once(loaders, "a", work), once(loaders, "b", work)])).toEqual([
    1, 1, 2,
  ]);
  expect(await once(request(), "a", work)).toBe(3);
});
