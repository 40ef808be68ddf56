// What rules say together: levels, contradictions, ends, ranges.
import { describe, expect, test } from "vitest";
import { judge, levelsFor } from "../../../src/registry/policies/verdict.ts";
import type { PolicyRow } from "../../../src/registry/rows.ts";

const NOW = Date.parse("2026-11-29T12:00:00Z");
const DAY = 86_400_000;
let number = 0;

function rule(action: PolicyRow["action"], more: Partial<PolicyRow> = {}): PolicyRow {
  const group = more.groupId == null ? null : { fullPath: `g${more.groupId}` };
  const about = { pattern: "*", versions: null, kind: "UPSTREAM", dryRun: false, groupId: null } as const;
  const age = { minimumAge: null, strict: false } as const;
  const conditions = { licenses: [], licensesOtherThan: [], vulnerable: null };
  const made = { reason: "because", expiresAt: null, createdBy: "root", createdAt: new Date(NOW) };
  return { id: ++number, action, group, ...about, ...age, ...conditions, ...made, ...more } as PolicyRow;
}

/** The verdict on example.com/a/b at an endpoint of groups: what becomes of it, and by which of the rules. */
function said(rules: readonly PolicyRow[], version = "v1.2.3", groupIds: readonly number[] = [], now = NOW) {
  const { action, rule: by } = judge(levelsFor(rules, "example.com/a/b", "UPSTREAM", groupIds), version, now);
  return [action, by === undefined ? undefined : rules.indexOf(by)];
}

describe("contradictions", () => {
  test("the first DENY wins, whatever allows", () => {
    expect(said([rule("ALLOW"), rule("HOLD"), rule("DENY"), rule("DENY")])).toEqual(["DENY", 2]);
  });

  test("an ALLOW lifts holds, also of the very same pattern", () => {
    expect(said([rule("HOLD"), rule("ALLOW", { versions: "v1.2.3" })])).toEqual(["ALLOW", 1]);
    expect(said([rule("HOLD"), rule("ALLOW", { versions: "v1.2.4" })])).toEqual(["HOLD", 0]);
  });

  test("a group is stricter than the instance, never laxer", () => {
    const held = rule("HOLD");
    const ofGroup = rule("ALLOW", { groupId: 7 });
    expect(said([held, ofGroup], "v1.2.3", [7])).toEqual(["HOLD", 0]);
    expect(said([rule("ALLOW"), rule("HOLD", { groupId: 7 })], "v1.2.3", [7])).toEqual(["ALLOW", 0]);
    expect(said([rule("HOLD", { groupId: 8 }), rule("ALLOW", { groupId: 7 })], "v1.2.3", [7, 8])).toEqual(["ALLOW", 1]);
    expect(said([rule("HOLD", { groupId: 7 }), rule("ALLOW", { groupId: 8 })], "v1.2.3", [7, 8])).toEqual(["HOLD", 0]);
  });

  test("rules of other groups have nothing to say", () => {
    expect(said([rule("DENY", { groupId: 9 })], "v1.2.3", [7])).toEqual(["ALLOW", undefined]);
  });
});

describe("what a rule is about", () => {
  test.each([
    [">=v1.2.0 <v1.5.0", "v1.2.3", true],
    [">=v1.2.0 <v1.5.0", "v1.5.0", false],
    [">=v1.2.0 <v1.5.0", "v1.5.0-rc.1", true],
    ["v1.2", "v1.2.9", true],
    ["<v1.2.0", "v1.1.1-0.20200101000000-abcdefabcdef", true],
    ["<v3.0.0", "v2.0.0+incompatible", true],
    ["<v1.0.0", "main", false],
  ])("%s and %s: %s", (versions, version, matches) => {
    expect(said([rule("DENY", { versions })], version)[0]).toBe(matches ? "DENY" : "ALLOW");
  });

  test("its pattern as GOPRIVATE's, its kind, its time", () => {
    expect(said([rule("DENY", { pattern: "example.com/b,example.com/a" })])[0]).toBe("DENY");
    expect(said([rule("DENY", { pattern: "example.com/a/b/c" })])[0]).toBe("ALLOW");
    expect(said([rule("DENY", { kind: "HOSTED" })])[0]).toBe("ALLOW");
    const ended = rule("DENY", { expiresAt: new Date(NOW + DAY) });
    expect([said([ended])[0], said([ended], "v1.2.3", [], NOW + DAY)[0]]).toEqual(["DENY", "ALLOW"]);
  });
});

test("a verdict says when it may change by itself", () => {
  const rules = [
    rule("HOLD", { expiresAt: new Date(NOW + 2 * DAY) }),
    rule("ALLOW", { expiresAt: new Date(NOW + DAY) }),
    rule("DENY", { expiresAt: new Date(NOW + 1), versions: "v9" }),
    rule("DENY", { expiresAt: new Date(NOW - 1) }),
  ];
  expect(judge(levelsFor(rules, "example.com/m", "UPSTREAM", []), "v1.0.0", NOW)).toMatchObject({
    action: "ALLOW",
    until: NOW + DAY,
  });
});

test("a dry run refuses nothing, and is told", () => {
  const rules = [rule("DENY", { dryRun: true }), rule("WARN")];
  const verdict = judge(levelsFor(rules, "example.com/m", "UPSTREAM", []), "v1.0.0", NOW);
  expect([verdict.action, verdict.rule, verdict.dryRuns]).toEqual(["WARN", rules[1], [rules[0]]]);
});
