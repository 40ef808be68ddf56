import v8 from "node:v8";
import vm from "node:vm";
// Waiting for another server that gets the same thing: an answer, or a clear error in time, and never a word about a lock.
import { beforeAll, expect, test, vi } from "vitest";
import { type Locks, openLocks } from "../../src/database/locks.ts";
import { createLog } from "../../src/telemetry/log.ts";
import { type FoundAnswer, pinned } from "../../src/upstream/answers.ts";
import {
  createDependencyState,
  type DependencyState,
  MAX_FLEETING_BYTES,
} from "../../src/upstream/dependency-state.ts";
import { getOnce, lookOrGet } from "../../src/upstream/download-lock.ts";
import { atEnd } from "../support/at-end.ts";
import { testDatabase } from "../support/database.ts";

let here: Locks;
let there: Locks;

beforeAll(async () => {
  const url = await testDatabase();
  const log = createLog("error", { write: () => {} });
  [here, there] = [openLocks(url, log), openLocks(url, log)];
  atEnd(() => Promise.all([here.close(), there.close()]));
});

const nothing = async (): Promise<string | undefined> => undefined;
const unwanted = (): Promise<string> => Promise.reject(new Error("must not be asked for"));

test("one that does not come to an end is given up in time, with words that say so", async () => {
  const release = await there.tryLock("upstream a/@v/v1.0.0.mod");
  const look = vi.fn(nothing);
  await expect(lookOrGet(here, "a/@v/v1.0.0.mod", look, unwanted, 300)).rejects.toMatchObject({
    kind: "unavailable",
    message: expect.stringMatching(/^a\/@v\/v1\.0\.0\.mod is being fetched by another server/),
  });
  expect(look.mock.calls.length).toBeGreaterThan(1); // it looked again and again
  await release!();
  expect(await lookOrGet(here, "a/@v/v1.0.0.mod", nothing, async () => "mine", 300)).toBe("mine");
});

test("what the other one has got is seen, although it still holds the lock", async () => {
  await there.tryLock("upstream b");
  let stored: string | undefined;
  const look = vi.fn(async () => stored);
  const waiting = lookOrGet(here, "b", look, unwanted);
  await expect.poll(() => look.mock.calls.length).toBeGreaterThan(0); // in vain
  stored = "theirs";
  expect(await waiting).toBe("theirs");
});

test("many locks at once are had by one of two, and again when they are given back", async () => {
  const names = Array.from({ length: 200 }, (_, n) => `upstream many ${n}`);
  const taken = await Promise.all(names.map((name, n) => (n % 2 === 0 ? here : there).tryLock(name)));
  expect(taken.every((release) => release !== undefined)).toBe(true);
  const again = await Promise.all(names.map((name, n) => (n % 2 === 0 ? there : here).tryLock(name)));
  expect(again.every((release) => release === undefined)).toBe(true);
  await Promise.all(taken.slice(0, 100).map((release) => release!()));
  const third = await Promise.all(names.map((name, n) => (n % 2 === 0 ? there : here).tryLock(name)));
  expect(third.map((release) => release !== undefined)).toEqual(names.map((_, n) => n < 100));
});

test("when the other one fails, or its connection is gone, the next one gets it", async () => {
  const upstream = Promise.withResolvers<string>();
  const get = vi.fn(() => upstream.promise);
  const failing = lookOrGet(there, "c", nothing, get);
  failing.catch(() => {});
  await expect.poll(() => get.mock.calls.length).toBe(1);
  const look = vi.fn(nothing);
  const next = lookOrGet(here, "c", look, async () => "mine");
  await expect.poll(() => look.mock.calls.length).toBeGreaterThan(0);
  upstream.reject(new Error("upstream is down"));
  expect(await next).toBe("mine");
  await expect(failing).rejects.toThrow("upstream is down");
  await there.tryLock("upstream d");
  look.mockClear();
  const waiting = lookOrGet(here, "d", look, async () => "mine");
  await expect.poll(() => look.mock.calls.length).toBeGreaterThan(0);
  await there.close();
  expect(await waiting).toBe("mine");
});

test("however small answers are, what is remembered of them takes no more memory than it may", () => {
  const state = newState();
  v8.setFlagsFromString("--expose-gc");
  const collect: () => void = vm.runInNewContext("gc");
  const inUse = (): number => {
    collect();
    const { heapUsed, external } = process.memoryUsage();
    return heapUsed + external;
  };
  const before = inUse();
  for (let n = 0; n < 150_000; n++)
    state.fleeting.set(`example.com/some/module/@v/v1.0.${n}.info`, Buffer.from(`{"Version":"v1.0.${n}"}`));
  expect(inUse() - before).toBeLessThan(2 * MAX_FLEETING_BYTES);
  expect(state.fleeting.size).toBeGreaterThan(10_000);
});

test("what has just come is remembered in memory of its own, not with all that it was read into", async () => {
  const piece = Buffer.alloc(65_536, "x");
  const state = newState();
  const get = async (): Promise<FoundAnswer> => ({
    ...pinned(piece.subarray(10, 30)),
    goMod: piece.subarray(40, 50),
  });
  const answer = await getOnce(state, "d", { look: async () => undefined, get, lookedAt: performance.now() });
  const kept = state.arrived.get("d")!.answer as FoundAnswer;
  expect([kept.body, kept.goMod]).toEqual([answer.body, answer.goMod]);
  expect([kept.body.buffer.byteLength, kept.goMod!.buffer.byteLength]).toEqual([20, 10]);
});

/** Of a server that is alone. */
function newState(): DependencyState {
  const registry = { isAlone: () => true } as unknown as DependencyState["registry"];
  const [upstreams, verification] = [{}, {}] as unknown as [
    DependencyState["upstreams"],
    DependencyState["verification"],
  ];
  return createDependencyState({ registry, upstreams, verification, locks: here, listTtlMs: 0 });
}
