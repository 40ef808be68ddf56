// The cases and their words are those of cmd/go's testdata/script/mod_invalid_version.txt, with its commits of
// golang.org/x/text and github.com/pierrec/lz4.

import { describe, expect, test } from "vitest";
import { locateModule } from "../../src/gomod/module-root.ts";
import {
  type CommitFacts,
  canonicalVersionOf,
  invalidVersionMessage,
  precedingTags,
  pseudoVersionProblem,
} from "../../src/gomod/pseudo-check.ts";

const at = (root: string, path = root) => {
  const location = locateModule(root, path);
  if (!location) throw new Error(`${path} cannot be in ${root}`);
  return location;
};

const TAGS = ["v0.1.0", "v0.2.0", "v0.2.0+meta", "v0.2.0-rc.1", "v0.20.0", "sub/v0.1.0"];
const TEXT: CommitFacts = {
  location: at("golang.org/x/text"),
  hash: "14c0d48ead0cd47e3104ada247d91be04afc7a5a",
  time: new Date("2017-09-15T03:28:32Z"),
  tagsOnCommit: [],
  precedingTags: [],
};

/** The problem with a version of the commit, which descends from the given tags. */
function problem(
  version: string,
  facts: Partial<CommitFacts> = {},
  ancestors: string[] = ["v0.1.0"],
): string | undefined {
  const all = { ...TEXT, ...facts };
  const tags = precedingTags(all.location, version, TAGS);
  return pseudoVersionProblem(version, {
    ...all,
    precedingTags: tags.map((name) => ({ name, isAncestor: ancestors.includes(name) })),
  });
}

test.each([
  ["v0.1.1-0.20170915032832-14c0d48ead0c", undefined],
  ["v0.0.0-20170915032832-14c0d48ead0c", undefined],
  ["v0.1.1-0.20170915032832-14c0d48ead0", "revision is shorter than canonical (expected 14c0d48ead0c)"],
  [
    "v0.1.1-0.20170915032832-14c0d48ead0cd47e3104ada247d91be04afc7a5a",
    "revision is longer than canonical (expected 14c0d48ead0c)",
  ],
  ["v0.1.1-0.20170915032832-000000000000", "does not match short name of revision (expected 14c0d48ead0c)"],
  ["v0.1.1-0.20190915032832-14c0d48ead0c", "does not match version-control timestamp (expected 20170915032832)"],
  ["v0.1.1-0.20170935032832-14c0d48ead0c", 'malformed time "20170935032832"'],
  ["v1.999.999-0.20170915032832-14c0d48ead0c", "preceding tag (v1.999.998) not found"],
  ["v1.0.0-20170915032832-14c0d48ead0c", "major version without preceding tag must be v0, not v1"],
  ["v0.0.0-0.20170915032832-14c0d48ead0c", "version before v0.0.0 would have negative patch number"],
  ["v0.2.1-0.20170915032832-14c0d48ead0c", "revision 14c0d48ead0c is not a descendent of preceding tag (v0.2.0+meta)"],
  [
    "v0.2.0-rc.1.0.20170915032832-14c0d48ead0c",
    "revision 14c0d48ead0c is not a descendent of preceding tag (v0.2.0-rc.1)",
  ],
  ["v0.1.0", "syntax error"],
])("%s: %s", (version, reason) => {
  expect(problem(version)).toBe(reason);
});

test("fractions of a second do not matter", () => {
  expect(
    problem("v0.1.1-0.20170915032832-14c0d48ead0c", { time: new Date("2017-09-15T03:28:32.999Z") }),
  ).toBeUndefined();
});

test("hashes of 64 digits are shortened to 12 as well", () => {
  expect(problem("v0.0.0-20170915032832-14c0d48ead0c", { hash: `14c0d48ead0c${"a".repeat(52)}` })).toBeUndefined();
});

test("a version with metadata will do as a base, a canonical tag on the commit itself will not", () => {
  const version = "v0.2.1-0.20170915032832-14c0d48ead0c";
  expect(precedingTags(TEXT.location, version, TAGS)).toEqual(["v0.2.0", "v0.2.0+meta"]);
  expect(problem(version, { tagsOnCommit: ["v0.2.0+meta"] }, ["v0.2.0+meta"])).toBeUndefined();
  expect(problem(version, { tagsOnCommit: ["x", "v0.2.0"] }, ["v0.2.0"])).toBe(
    "tag (v0.2.0) found on revision 14c0d48ead0c is already canonical, so should not be replaced with a pseudo-version derived from that tag",
  );
});

test("for a sub-directory a root tag of that number on the commit counts too", () => {
  const facts = { location: at("golang.org/x/text", "golang.org/x/text/sub"), tagsOnCommit: ["v0.1.0"] };
  expect(problem("v0.1.1-0.20170915032832-14c0d48ead0c", facts, ["sub/v0.1.0"])).toMatch(/^tag \(v0\.1\.0\) found on/);
  expect(
    problem("v0.1.1-0.20170915032832-14c0d48ead0c", { ...facts, tagsOnCommit: [] }, ["sub/v0.1.0"]),
  ).toBeUndefined();
});

describe("+incompatible and majors", () => {
  const lz4 = at("github.com/pierrec/lz4");
  const withGoMod = { hasRootGoMod: true, hasMajorGoMod: () => false };
  const without = { hasRootGoMod: false, hasMajorGoMod: () => false };
  const withV2 = { hasRootGoMod: false, hasMajorGoMod: (major: string) => major === "v2" };
  const needsV2 =
    'module contains a go.mod file, so module path must match major version ("github.com/pierrec/lz4/v2")';

  test.each([
    // what the tag says, what was asked for, the go.mod files, the version, the reason
    ["v2.0.5", "v2.0.5", without, "v2.0.5+incompatible", undefined],
    ["v2.0.5", "v2.0.5+incompatible", without, "v2.0.5+incompatible", undefined],
    ["v2.0.5", "v2.0.5", withV2, "v2.0.5", needsV2],
    ["v2.0.5", "v2.0.5+incompatible", withV2, "v2.0.5+incompatible", undefined],
    ["v2.0.5", "", without, "v2.0.5+incompatible", undefined],
    ["v2.0.8", "v2.0.8", withGoMod, "v2.0.8", needsV2],
    ["v2.0.8", "v2.0.8+incompatible", withGoMod, "v2.0.8+incompatible", needsV2],
    ["v1.0.0", "v1.0.0", withGoMod, "v1.0.0", undefined],
    [
      "v1.0.0",
      "v1.0.0+incompatible",
      without,
      "v1.0.0+incompatible",
      "+incompatible suffix not allowed: major version v1 is compatible",
    ],
    ["v1.0.0", "main", withGoMod, "v1.0.0", undefined],
    [
      "v1.0.1-0.20060102150405-0123456789ab",
      "v1.0.0",
      withGoMod,
      "v1.0.0",
      "resolves to version v1.0.1-0.20060102150405-0123456789ab (v1.0.0 is not a tag)",
    ],
  ])("%s asked for as %j", (version, requested, goMods, known, reason) => {
    expect(canonicalVersionOf(lz4, version, requested, goMods)).toEqual(
      reason === undefined ? { version: known } : { version: known, reason },
    );
  });

  test("a path with a suffix has no +incompatible", () => {
    const v2 = at("github.com/pierrec/lz4", "github.com/pierrec/lz4/v2");
    expect(canonicalVersionOf(v2, "v1.0.0", "v1.0.0", without)).toEqual({
      version: "v1.0.0",
      reason: "module path includes a major version suffix, so major version must match",
    });
  });

  test("the whole messages", () => {
    const path = "golang.org/x/text";
    expect(invalidVersionMessage(path, "v1.0.0", "reason")).toBe(`${path}@v1.0.0: invalid version: reason`);
    const version = "v0.1.1-0.20170915032832-14c0d48ead0";
    expect(invalidVersionMessage(path, version, problem(version) ?? "", "pseudo-version")).toBe(
      "golang.org/x/text@v0.1.1-0.20170915032832-14c0d48ead0: invalid pseudo-version: revision is shorter than canonical (expected 14c0d48ead0c)",
    );
  });
});
