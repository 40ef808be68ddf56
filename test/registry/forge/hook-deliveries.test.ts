// The life of a delivery by the clock, without a sender: who takes it, how long that counts, when a hook is switched off, and
// how much is kept.
import { beforeEach, expect, test } from "vitest";
import { createGroup } from "../../../src/registry/forge/groups.ts";
import { nextDueAt, recordAttempt, takeDue } from "../../../src/registry/forge/hook-deliveries.ts";
import { announce } from "../../../src/registry/forge/hook-events.ts";
import { createHook } from "../../../src/registry/forge/hooks.ts";
import { OPERATOR } from "../../../src/registry/principal.ts";
import { testRegistry } from "../../support/registry.ts";

const registry = await testRegistry();
const { id: groupId } = await createGroup(registry, OPERATOR, { fullPath: "acme" });
const DAY_MS = 24 * 3600_000;
const FAILED = { status: 503, durationMs: 1 };
const ACCEPTED = { status: 200, durationMs: 1 };

let hookId: number;
beforeEach(async () => {
  await registry.prisma.hook.deleteMany();
  const group = await registry.prisma.group.findUniqueOrThrow({ where: { id: groupId } });
  hookId = (await createHook(registry, OPERATOR, { group }, { url: "https://hooks.test" })).hook.id;
});

const tell = (times = 1) =>
  registry.prisma.$transaction(async (tx) => {
    for (let n = 0; n < times; n++) await announce(tx, { groupId }, "tag.moved", [{ n }]);
  });
const after = (ms: number): Date => new Date(Date.now() + ms);

test("who takes a delivery has it alone; from one who was never heard of again it is taken away", async () => {
  await tell();
  const [first, second] = await Promise.all([
    takeDue(registry, 8, [], after(1_000)),
    takeDue(registry, 8, [], after(1_000)),
  ]);
  expect(first.length + second.length).toBe(1);
  expect(await takeDue(registry, 8, [], after(60_000))).toEqual([]);
  const [again] = await takeDue(registry, 8, [], after(151_000));
  expect(again).toMatchObject({ messageId: [...first, ...second][0]!.messageId, attempts: 2 });
});

test("a hook that is busy is left alone, and nothing of it is waited for", async () => {
  await tell();
  expect(await takeDue(registry, 8, [hookId], after(1_000))).toEqual([]);
  expect(await nextDueAt(registry, [hookId])).toBeUndefined();
  expect(await nextDueAt(registry, [])).toBeLessThanOrEqual(Date.now());
});

test("a hook that has accepted nothing for five days is switched off with all that waits; before that one success is enough", async () => {
  const fail = async (at: Date) => {
    await tell();
    for (const due of await takeDue(registry, 100, [], at)) await recordAttempt(registry, due, FAILED, at);
    return registry.prisma.hook.findUniqueOrThrow({ where: { id: hookId } });
  };
  expect((await fail(after(1_000))).failingSince).not.toBeNull();
  expect((await fail(after(4 * DAY_MS))).disabledAt).toBeNull();
  await tell();
  const [good] = await takeDue(registry, 1, [], after(4 * DAY_MS));
  await recordAttempt(registry, good!, ACCEPTED, after(4 * DAY_MS));
  expect((await fail(after(6 * DAY_MS))).disabledAt).toBeNull();
  expect((await fail(after(12 * DAY_MS))).disabledAt).not.toBeNull();
  expect(await registry.prisma.hookDelivery.count({ where: { nextAttemptAt: { not: null } } })).toBe(0);
  await tell();
  expect(await takeDue(registry, 8, [], after(13 * DAY_MS))).toEqual([]);
});

test("of what is over the last hundred are kept, and what waits is", async () => {
  await tell(105);
  const due = await takeDue(registry, 104, [], after(1_000));
  for (const one of due) await recordAttempt(registry, one, ACCEPTED);
  const kept = await registry.prisma.hookDelivery.findMany({ orderBy: { id: "asc" } });
  expect([kept.length, kept.filter(({ nextAttemptAt }) => nextAttemptAt !== null).length]).toEqual([101, 1]);
  expect(kept[0]!.id).toBe(due.map(({ id }) => id).sort((a, b) => a - b)[4]);
});

test("what came of an attempt of a hook that was deleted meanwhile is nobody's news", async () => {
  await tell();
  const [due] = await takeDue(registry, 1, [], after(1_000));
  await registry.prisma.hook.delete({ where: { id: hookId } });
  await recordAttempt(registry, due!, ACCEPTED);
  expect(await registry.prisma.hookDelivery.count()).toBe(0);
});
