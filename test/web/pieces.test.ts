// What pages are put together from.
import { expect, test } from "vitest";
import { time } from "../../src/web/html/pieces.ts";

test.each([
  [-3 * 3_600_000 - 1_000, "3 hours ago"],
  [-61_000, "1 minute ago"],
  [-5_000, "just now"],
  [40_000, "in less than a minute"],
  [2 * 60_000 + 30_000, "in 2 minutes"],
])("a moment %d ms from now is %s", async (ms, words) => {
  expect(String(await time(new Date(Date.now() + ms)))).toContain(`>${words}</time>`);
});
