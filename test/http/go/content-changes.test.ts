import { describe, expect, test } from "vitest";
import { ContentChanges, MAX_CHANGED } from "../../../src/http/go/content-changes.ts";

describe("what has changed", () => {
  test("is told of each, and of all", () => {
    const changes = new ContentChanges();
    const before = [changes.last("a"), changes.last("b"), changes.last(1)];
    changes.changed("a");
    expect(changes.last("a")).not.toBe(before[0]);
    expect([changes.last("b"), changes.last(1)]).toEqual(before.slice(1));
    changes.allChanged();
    expect(changes.last("b")).not.toBe(before[1]);
    expect(changes.last(1)).not.toBe(before[2]);
  });

  test("takes no more memory however many modules come, and nothing that changed looks as it did before", () => {
    const changes = new ContentChanges();
    const seen = new Map<string, Set<number>>();
    const stale: string[] = [];
    for (let n = 0; n < 3 * MAX_CHANGED; n++) {
      const path = `example.com/m${n % (MAX_CHANGED + 5_000)}`;
      const states = seen.get(path) ?? new Set([changes.last(path)]);
      seen.set(path, states);
      changes.changed(path);
      if (states.has(changes.last(path))) stale.push(path);
      states.add(changes.last(path));
    }
    expect(stale).toEqual([]);
    expect(seen.size).toBeGreaterThan(MAX_CHANGED);
    expect(changes.size).toBeLessThanOrEqual(MAX_CHANGED);
  });
});
