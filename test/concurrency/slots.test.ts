// So many at once and no more.
import { expect, test } from "vitest";
import { onBehalfOf } from "../../src/concurrency/caller.ts";
import { createSlots } from "../../src/concurrency/slots.ts";

test("slots are given in order, given back once, and a waiter may leave", async () => {
  const slots = createSlots(1, { waitMs: 50 });
  const release = await slots.take();
  const order: string[] = [];
  const second = slots.take().then((give) => {
    order.push("second");
    give();
  });
  const leaving = new AbortController();
  const third = slots.take(leaving.signal);
  leaving.abort(new Error("left"));
  await expect(third).rejects.toThrow("left");
  const fourth = slots.take().then((give) => {
    order.push("fourth");
    return give;
  });
  release();
  release();
  await second;
  const held = await fourth;
  expect(order).toEqual(["second", "fourth"]);
  await expect(slots.take()).rejects.toMatchObject({ kind: "unavailable" });
  held();
  (await slots.take())();
});

/** Lets every taker have its slot for one turn, and tells in which order they had it. */
async function orderOf(limit: number, callers: readonly string[], perCaller?: number): Promise<string[]> {
  const slots = createSlots(limit, perCaller === undefined ? {} : { perCaller });
  const order: string[] = [];
  await Promise.all(
    callers.map((caller) =>
      onBehalfOf(
        () => caller,
        async () => {
          const leave = await slots.take();
          order.push(caller);
          await new Promise((done) => setImmediate(done));
          leave();
        },
      ),
    ),
  );
  return order;
}

test("a caller who asks once waits for one of another's many, not for all, whose request it is being known by itself", async () => {
  const herd = Array<string>(50).fill("herd");
  expect((await orderOf(2, [...herd, "bystander"])).indexOf("bystander")).toBe(2);
  expect((await orderOf(1, [...herd, "bystander"])).indexOf("bystander")).toBe(1);
});

test("callers with as many waiting are served by turns, and of one caller whoever came first", async () => {
  const order = await orderOf(1, ["a", "a", "a", "b", "b", "b", "c", "c", "c"]);
  expect(order).toEqual(["a", "b", "c", "a", "b", "c", "a", "b", "c"]);
});

test("nobody has more than a caller's share, though slots are free", async () => {
  const slots = createSlots(3, { perCaller: 1, waitMs: 50 });
  const first = await slots.take(undefined, "a");
  await expect(slots.take(undefined, "a")).rejects.toMatchObject({ reason: "server_busy" });
  (await slots.take(undefined, "b"))();
  first();
  (await slots.take(undefined, "a"))();
});

test("when the others are gone a caller has all the slots that it waits for, at the next that comes back", async () => {
  let now = 1_000;
  const slots = createSlots(4, { perCallerAmongOthers: 1, now: () => now, waitMs: Number.POSITIVE_INFINITY });
  const other = await slots.take(undefined, "other");
  const first = await slots.take(undefined, "herd");
  const rest = [1, 2, 3].map(() => slots.take(undefined, "herd"));
  expect(slots.waiting("herd")).toBe(3);
  other();
  expect(slots.waiting("herd")).toBe(3); // the other was about a moment ago
  now += 2_001;
  first();
  expect(slots.waiting("herd")).toBe(0);
  for (const give of await Promise.all(rest)) give();
});
