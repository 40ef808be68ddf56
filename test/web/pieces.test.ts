// What pages are put together from.
import { expect, test } from "vitest";
import { breakable, time } from "../../src/web/html/pieces.ts";

test.each([
  [-3 * 3_600_000 - 1_000, "3 hours ago"],
  [-61_000, "1 minute ago"],
  [-5_000, "just now"],
  [40_000, "in less than a minute"],
  [2 * 60_000 + 30_000, "in 2 minutes"],
])("a moment %d ms from now is %s", async (ms, words) => {
  expect(String(await time(new Date(Date.now() + ms)))).toContain(`>${words}</time>`);
});

test("a name that is too long for a line ends it behind a slash or in front of its version, and is markup no more than before", async () => {
  expect(String(await breakable("example.com/a-b/<i>@v1.0.0"))).toBe("example.com/<wbr>a-b/<wbr>&lt;i&gt;<wbr>@v1.0.0");
  expect(String(await breakable("lib"))).toBe("lib");
});
