// The tables are those of golang.org/x/mod/semver (semver_test.go).

import { expect, test } from "vitest";
import {
  build,
  canonical,
  canonicalVersion,
  compare,
  compareVersions,
  isIncompatible,
  isPseudoVersion,
  isValid,
  kindOf,
  major,
  parseVersion,
  prerelease,
  sortVersions,
} from "../../src/gomod/version.ts";
import { processorMsOf } from "../support/processor-time.ts";

/** A text and its canonical form, in ascending order; those with the same form are level. */
const VERSIONS: [text: string, canonicalForm: string][] = [
  ["bad", ""],
  ["v1-alpha.beta.gamma", ""],
  ["v1-pre", ""],
  ["v1+meta", ""],
  ["v1-pre+meta", ""],
  ["v1.2-pre", ""],
  ["v1.2+meta", ""],
  ["v1.2-pre+meta", ""],
  ["v1.0.0-alpha", "v1.0.0-alpha"],
  ["v1.0.0-alpha.1", "v1.0.0-alpha.1"],
  ["v1.0.0-alpha.beta", "v1.0.0-alpha.beta"],
  ["v1.0.0-beta", "v1.0.0-beta"],
  ["v1.0.0-beta.2", "v1.0.0-beta.2"],
  ["v1.0.0-beta.11", "v1.0.0-beta.11"],
  ["v1.0.0-rc.1", "v1.0.0-rc.1"],
  ["v1", "v1.0.0"],
  ["v1.0", "v1.0.0"],
  ["v1.0.0", "v1.0.0"],
  ["v1.2", "v1.2.0"],
  ["v1.2.0", "v1.2.0"],
  ["v1.2.3-456", "v1.2.3-456"],
  ["v1.2.3-456.789", "v1.2.3-456.789"],
  ["v1.2.3-456-789", "v1.2.3-456-789"],
  ["v1.2.3-456a", "v1.2.3-456a"],
  ["v1.2.3-pre", "v1.2.3-pre"],
  ["v1.2.3-pre+meta", "v1.2.3-pre"],
  ["v1.2.3-pre.1", "v1.2.3-pre.1"],
  ["v1.2.3-zzz", "v1.2.3-zzz"],
  ["v1.2.3", "v1.2.3"],
  ["v1.2.3+meta", "v1.2.3"],
  ["v1.2.3+meta-pre", "v1.2.3"],
  ["v1.2.3+meta-pre.sha.256a", "v1.2.3"],
];

test.each(VERSIONS)("%j is %j", (text, form) => {
  expect(isValid(text)).toBe(form !== "");
  expect(canonical(text)).toBe(form);
  expect(major(text)).toBe(form.split(".")[0]);
  expect(prerelease(text)).toBe(/-.*/.exec(form)?.[0] ?? "");
  expect(build(text)).toBe((form && /\+.*/.exec(text)?.[0]) || "");
});

test("the order is Go's", () => {
  for (const [i, [v, formOfV]] of VERSIONS.entries()) {
    for (const [j, [w, formOfW]] of VERSIONS.entries()) {
      expect([v, w, compare(v, w)]).toEqual([v, w, formOfV === formOfW ? 0 : i < j ? -1 : 1]);
    }
  }
});

test("numbers of any length are compared exactly", async () => {
  const ascending = [
    "v1.0.0-rc.9007199254740992",
    "v1.0.0-rc.9007199254740993",
    "v1.0.0-rc.10000000000000000000000",
    "v1.0.0-rc.a",
    "v9007199254740992.0.0",
    "v9007199254740993.0.0",
    `v${"9".repeat(400)}.0.0`,
  ];
  expect(await sortVersions([...ascending].reverse())).toEqual(ascending);
  for (const [i, v] of ascending.entries()) {
    for (const [j, w] of ascending.entries()) expect(compare(v, w)).toBe(Math.sign(i - j));
  }
});

const SORTED = [
  "bad",
  "v1+meta",
  "v1-alpha.beta.gamma",
  "v1-pre",
  "v1-pre+meta",
  "v1.2+meta",
  "v1.2-pre",
  "v1.2-pre+meta",
  "v1.0.0-alpha",
  "v1.0.0-alpha.1",
  "v1.0.0-alpha.beta",
  "v1.0.0-beta",
  "v1.0.0-beta.2",
  "v1.0.0-beta.11",
  "v1.0.0-rc.1",
  "v1",
  "v1.0",
  "v1.0.0",
  "v1.2",
  "v1.2.0",
  "v1.2.3-456",
  "v1.2.3-456.789",
  "v1.2.3-456-789",
  "v1.2.3-456a",
  "v1.2.3-pre",
  "v1.2.3-pre+meta",
  "v1.2.3-pre.1",
  "v1.2.3-zzz",
  "v1.2.3",
  "v1.2.3+meta",
  "v1.2.3+meta-pre",
  "v1.2.3+meta-pre.sha.256a",
];

test("a list is sorted by precedence, then by its text", async () => {
  expect(await sortVersions([...SORTED].reverse())).toEqual(SORTED);
  expect([...SORTED].reverse().sort(compareVersions)).toEqual(SORTED);
});

test("only +incompatible survives in a canonical version", () => {
  expect(canonicalVersion("v2.0.0+incompatible")).toBe("v2.0.0+incompatible");
  expect(canonicalVersion("v2.0.0+meta")).toBe("v2.0.0");
  expect(canonicalVersion("v2")).toBe("v2.0.0");
  expect(isIncompatible("v2.0.0+incompatible.1")).toBe(false);
});

test("only canonical versions are parsed", () => {
  for (const version of ["v1.2.3", "v2.0.0-rc.1+incompatible", "v0.0.0-20060102150405-0123456789ab"]) {
    expect(parseVersion(version)).toBe(version);
  }
  expect(() => parseVersion("v1.2")).toThrow('version "v1.2" is not canonical (should be "v1.2.0")');
  expect(() => parseVersion("v1.2.3+meta")).toThrow('version "v1.2.3+meta" is not canonical (should be "v1.2.3")');
  expect(() => parseVersion("1.2.3")).toThrow('version "1.2.3" invalid: not a semantic version');
  expect(() => parseVersion("v1.2.3\n")).toThrow("not a semantic version");
});

test("kinds", () => {
  expect(kindOf("v1.2.3")).toBe("RELEASE");
  expect(kindOf("v1.2.3-rc.1")).toBe("PRERELEASE");
  expect(kindOf("v2.2.3-rc.1+incompatible")).toBe("INCOMPATIBLE");
  expect(kindOf("v2.0.1-0.20060102150405-0123456789ab+incompatible")).toBe("PSEUDO");
  expect(isPseudoVersion("v1.2.3-20060102150405-0123456789ab")).toBe(false);
});

test("35,000 versions are sorted in well under a second", async () => {
  const versions = Array.from({ length: 35_000 }, (_, i) => `v1.${(i * 7919) % 1000}.${i}`);
  expect(await processorMsOf(() => sortVersions(versions))).toBeLessThan(1000);
});
