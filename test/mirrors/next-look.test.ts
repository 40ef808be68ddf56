// How long a mirror waits for its next look, without chance.
import { expect, test } from "vitest";
import { waitAfterLook } from "../../src/mirrors/next-look.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const calm = { failures: 0, intervalSeconds: null };
const wait = (history: Partial<Parameters<typeof waitAfterLook>[0]>, random = 0.5): number =>
  waitAfterLook({ sinceChangeMs: 0, ...calm, ...history }, () => random);

test.each([
  ["just changed: a minute", { sinceChangeMs: 0 }, MINUTE],
  ["changed an hour ago: half of that", { sinceChangeMs: HOUR }, 30 * MINUTE],
  ["changed a year ago: six hours", { sinceChangeMs: 365 * 24 * HOUR }, 6 * HOUR],
  ["an interval is the longest wait", { sinceChangeMs: 24 * HOUR, intervalSeconds: 300 }, 5 * MINUTE],
  ["one below a minute is the shortest too", { intervalSeconds: 10 }, 10_000],
  ["a failure is repeated soon", { sinceChangeMs: 24 * HOUR, failures: 1 }, MINUTE],
  ["the fourth in a row is not", { failures: 4 }, 8 * MINUTE],
  ["the hundredth less often than any", { failures: 100 }, 6 * HOUR],
  ["a server that asks for more gets more", { failures: 1, toldToWaitMs: HOUR }, HOUR],
] as const)("%s", (_, history, expected) => {
  expect(wait(history)).toBe(expected);
});

test("mirrors that were made together do not look together, and no interval is passed over", () => {
  expect([0, 1].map((random) => Math.round(wait({ sinceChangeMs: HOUR }, random)))).toEqual([24 * MINUTE, 36 * MINUTE]);
  expect(wait({ sinceChangeMs: 24 * HOUR, intervalSeconds: 300 }, 1)).toBe(5 * MINUTE);
});
