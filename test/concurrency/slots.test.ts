// So many at once and no more.
import { expect, test } from "vitest";
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
