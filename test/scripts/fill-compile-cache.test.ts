// An image is made by loading every file of src/ once, so each must be one that may be loaded and does nothing by itself.
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "vitest";

test("every file of the server can be loaded, and then nothing runs", () => {
  const script = join(import.meta.dirname, "../../scripts/fill-compile-cache.js");
  expect(execFileSync(process.execPath, [script], { encoding: "utf8" })).toBe("");
});
