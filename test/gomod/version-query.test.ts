import { expect, test } from "vitest";
import { isHashPrefix, isReservedQuery, isVersionQuery, matchesQuery } from "../../src/gomod/version-query.ts";

test("words that are never branches", () => {
  for (const word of ["latest", "upgrade", "patch"]) expect(isReservedQuery(word)).toBe(true);
  for (const word of ["main", "v1", "Latest", "none", ""]) expect(isReservedQuery(word)).toBe(false);
});

test("hashes and what they may be shortened to", () => {
  for (const hash of ["0123456", "0123456789ab", "a".repeat(40), "f".repeat(64)]) expect(isHashPrefix(hash)).toBe(true);
  for (const hash of ["012345", "0123456G", "0123456A", "a".repeat(65), ""]) expect(isHashPrefix(hash)).toBe(false);
});

test("queries that choose from the list", () => {
  for (const query of ["v1", "v1.2", "v1.2.3", "<v1", ">=v1.2"]) expect(isVersionQuery(query)).toBe(true);
  for (const query of ["main", "0123456", "latest", "1.2"]) expect(isVersionQuery(query)).toBe(false);
});

const LIST = [
  "v0.9.0",
  "v1.0.0",
  "v1.2.0-rc.1",
  "v1.2.0",
  "v1.2.3",
  "v1.20.0",
  "v2.0.0+incompatible",
  "v2.1.0+incompatible",
];

test.each([
  ["v1", "v1.0.0 v1.2.0-rc.1 v1.2.0 v1.2.3 v1.20.0"],
  ["v1.2", "v1.2.0 v1.2.3"], // not the pre-release of v1.2.0
  ["v2", "v2.0.0+incompatible v2.1.0+incompatible"],
  ["v1.2.3", "v1.2.3"],
  ["v1.2.3+meta", "v1.2.3"],
  ["v2.0.0", "v2.0.0+incompatible"],
  ["<v1.2.0", "v0.9.0 v1.0.0 v1.2.0-rc.1"],
  ["<v1", "v0.9.0"],
  ["<=v1.2.0", "v0.9.0 v1.0.0 v1.2.0-rc.1 v1.2.0"],
  [">v1.2.3", "v1.20.0 v2.0.0+incompatible v2.1.0+incompatible"],
  [">=v1.20", "v1.20.0 v2.0.0+incompatible v2.1.0+incompatible"],
  ["main", ""],
])("%s chooses from %s", (query, chosen) => {
  expect(LIST.filter((version) => matchesQuery(version, query)).join(" ")).toBe(chosen);
});

test.each([
  ["<=v1.2", 'ambiguous semantic version "v1.2" in range "<=v1.2"'],
  [">v1", 'ambiguous semantic version "v1" in range ">v1"'],
  ["<x", 'invalid semantic version "x" in range "<x"'],
  [">=", 'invalid semantic version "" in range ">="'],
])("%s means nothing", (query, message) => {
  expect(() => matchesQuery("v1.0.0", query)).toThrow(expect.objectContaining({ kind: "invalid", message }));
});
