import { setTimeout as delay } from "node:timers/promises";
import { expect, test } from "vitest";
import { ExpiringMemory } from "../../src/concurrency/expiring-memory.ts";

test("lets go of what has had its time, though nobody asks for it", async () => {
  const gone: string[] = [];
  const memory = new ExpiringMemory<string, number>({ max: 100, ttl: 1, dispose: (_, key) => void gone.push(key) });
  memory.set("a", 1).set("b", 2, { ttl: 60_000 });
  await delay(1_100); // looks once a second at most
  memory.set("c", 3);
  expect(gone).toEqual(["a"]);
  expect([memory.size, memory.get("b"), memory.get("c")]).toEqual([2, 2, 3]);
});
