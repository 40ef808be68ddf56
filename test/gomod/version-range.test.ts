// A range of sort keys holds exactly the versions that a query fits.
import { expect, test } from "vitest";
import { canonical, isValid } from "../../src/gomod/version.ts";
import { matchesQuery } from "../../src/gomod/version-query.ts";
import { sortKeyRange } from "../../src/gomod/version-range.ts";
import { versionSortKey } from "../../src/gomod/version-sort-key.ts";

const NUMBERS = ["0", "1", "2", "9", "10", "11", "100", "20240102030405", "9".repeat(120)];
const PRERELEASES = [
  "",
  "-0",
  "-rc",
  "-rc.1",
  "-rc.1.x",
  "-rc.10",
  "-rc1",
  "-1",
  "-a-b",
  "-0.20240102030405-0123456789ab",
];

/** Every version of some numbers, pre-releases and both builds. */
const versions = ["0", "1", "2", "10"].flatMap((major) =>
  NUMBERS.flatMap((minor) =>
    ["0", "1", "5", "10"].flatMap((patch) =>
      PRERELEASES.flatMap((prerelease) =>
        ["", "+incompatible"].map((build) => `v${major}.${minor}.${patch}${prerelease}${build}`),
      ),
    ),
  ),
);

const fits = (version: string, query: string): boolean => {
  const key = versionSortKey(version);
  const { from, below } = sortKeyRange(query);
  return (from === undefined || key >= from) && (below === undefined || key < below);
};

const bounds = ["v0", "v1", "v2", "v10", "v1.1", "v1.10", "v1.2.5", "v1.2.5-rc.1", "v2.0.0+incompatible", "v1.2.5-rc"];
const queries = ["", "<", "<=", ">", ">="].flatMap((sign) =>
  bounds.map((bound) => sign + bound).filter((query) => !/^(<=|>)v\d+(\.\d+)?$/.test(query)),
);

test.each(queries)("%s", (query) => {
  const wrong = versions.filter((version) => fits(version, query) !== matchesQuery(version, query));
  expect(wrong).toEqual([]);
});

test("there are versions of each kind on both sides of every query", () => {
  expect(versions.every((version) => isValid(version) && canonical(version) !== "")).toBe(true);
  for (const query of queries) expect(new Set(versions.map((version) => fits(version, query))).size, query).toBe(2);
});

test.each([
  "<=v1.2",
  ">v1",
  "<x",
  ">=",
  "<v1.2.3.4",
  "latest",
  "upgrade",
  "patch",
  "main",
  "",
  "0123456789ab",
  "1.2.3",
])("%s is refused", (query) => {
  expect(() => sortKeyRange(query)).toThrow(expect.objectContaining({ kind: "invalid" }));
});
