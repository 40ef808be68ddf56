// The tables are those of golang.org/x/mod/module (pseudo_test.go).

import { expect, test } from "vitest";
import {
  isPseudoVersion,
  pseudoVersion,
  pseudoVersionBase,
  pseudoVersionRev,
  pseudoVersionTime,
  timestampOf,
} from "../../src/gomod/pseudo-version.ts";

const TIME = new Date("2006-01-02T15:04:05Z");

const PSEUDO_VERSIONS: [major: string, older: string, version: string][] = [
  ["", "", "v0.0.0-20060102150405-hash"],
  ["v0", "", "v0.0.0-20060102150405-hash"],
  ["v1", "", "v1.0.0-20060102150405-hash"],
  ["v2", "", "v2.0.0-20060102150405-hash"],
  ["unused", "v0.0.0", "v0.0.1-0.20060102150405-hash"],
  ["unused", "v1.2.3", "v1.2.4-0.20060102150405-hash"],
  ["unused", "v1.2.99999999999999999", "v1.2.100000000000000000-0.20060102150405-hash"],
  ["unused", "v1.2.3-pre", "v1.2.3-pre.0.20060102150405-hash"],
  ["unused", "v1.3.0-pre", "v1.3.0-pre.0.20060102150405-hash"],
  ["unused", "v0.0.0--", "v0.0.0--.0.20060102150405-hash"],
  ["unused", "v1.0.0+metadata", "v1.0.1-0.20060102150405-hash+metadata"],
  ["unused", "v2.0.0+incompatible", "v2.0.1-0.20060102150405-hash+incompatible"],
  ["unused", "v2.3.0-pre+incompatible", "v2.3.0-pre.0.20060102150405-hash+incompatible"],
];

test.each(PSEUDO_VERSIONS)("major %j, after %j: %s", (major, older, version) => {
  expect(pseudoVersion(major, older, TIME, "hash")).toBe(version);
  expect(isPseudoVersion(version)).toBe(true);
  expect(pseudoVersionTime(version)).toEqual(TIME);
  expect(pseudoVersionRev(version)).toBe("hash");
  expect(pseudoVersionBase(version)).toBe(older);
  expect(isPseudoVersion(older)).toBe(false);
  expect(() => pseudoVersionTime(older)).toThrow(`pseudo-version "${older}" invalid: syntax error`);
  expect(() => pseudoVersionRev(older)).toThrow("syntax error");
});

test.each([
  ["v0.0.0", "syntax error"],
  ["v0.0.0-", "syntax error"],
  ["v0.0.0-0.20060102150405-hash", "version before v0.0.0 would have negative patch number"],
  ["v0.1.0-0.20060102150405-hash", "version before v0.1.0 would have negative patch number"],
  ["v1.0.0-0.20060102150405-hash", "version before v1.0.0 would have negative patch number"],
  ["v0.0.0-20060102150405-hash+incompatible", 'lacks base version, but has build metadata "+incompatible"'],
  ["v0.0.0-20060102150405-hash+metadata", 'lacks base version, but has build metadata "+metadata"'],
])("%s comes after nothing sensible", (version, reason) => {
  expect(() => pseudoVersionBase(version)).toThrow(`pseudo-version "${version}" invalid: ${reason}`);
});

test.each(["20060230000000", "20061301000000", "20060101240000", "20060101006000", "20060101000060"])(
  "%s is no time",
  (timestamp) => {
    const version = `v0.0.0-${timestamp}-0123456789ab`;
    expect(isPseudoVersion(version)).toBe(true);
    expect(() => pseudoVersionTime(version)).toThrow(`malformed time "${timestamp}"`);
  },
);

test("times are in UTC and lose their fractions", () => {
  expect(timestampOf(new Date("2020-02-29T23:59:59.999-08:00"))).toBe("20200301075959");
});
