import { expect, test } from "vitest";
import { requirementDiff } from "../../src/gomod/requirement-diff.ts";

const requirement = (path: string, version: string, indirect = false) => ({ path, version, indirect });

test("what came, went and changed, each by path", () => {
  const from = [
    requirement("e/z", "v1.0.0"),
    requirement("e/up", "v1.9.0"),
    requirement("e/down", "v1.10.0"),
    requirement("e/same", "v1.0.0"),
  ];
  const to = [
    requirement("e/same", "v1.0.0"),
    requirement("e/up", "v1.10.0"),
    requirement("e/down", "v1.9.0", true),
    requirement("e/b", "v1.0.0"),
    requirement("e/a", "v1.0.0"),
  ];
  expect(requirementDiff(from, to)).toEqual({
    added: [requirement("e/a", "v1.0.0"), requirement("e/b", "v1.0.0")],
    removed: [requirement("e/z", "v1.0.0")],
    changed: [
      { path: "e/down", from: "v1.10.0", to: "v1.9.0", fromIndirect: false, toIndirect: true, upgrade: false },
      { path: "e/up", from: "v1.9.0", to: "v1.10.0", fromIndirect: false, toIndirect: false, upgrade: true },
    ],
  });
});

test("a path that is required twice counts with the higher version", () => {
  const twice = [requirement("e/a", "v1.10.0"), requirement("e/a", "v1.9.0")];
  expect(requirementDiff([requirement("e/a", "v1.10.0")], twice)).toEqual({ added: [], removed: [], changed: [] });
  expect(requirementDiff([], twice).added).toEqual([requirement("e/a", "v1.10.0")]);
});
