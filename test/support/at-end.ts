// What a test file makes goes away when the file is through, in the opposite order. vitest's own afterAll does nothing when
// it is called inside a test or a hook, and that is where most things are made.
import { afterAll } from "vitest";

const closers: (() => unknown)[] = [];

/** Has something done after all tests of the file, whatever became of them. */
export function atEnd(closer: () => unknown): void {
  closers.push(closer);
}

afterAll(async () => {
  const failures: unknown[] = [];
  for (const closer of closers.splice(0).reverse()) {
    try {
      await closer();
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length > 0) throw failures[0];
});
