import { expect, test } from "vitest";
import { locateModule } from "../../src/gomod/module-root.ts";
import {
  commitTagVersion,
  gitlabVersionOfTag,
  modulesOfTag,
  versionOfTag,
  whyNotAVersion,
} from "../../src/gomod/tag-version.ts";

const at = (root: string, path: string) => {
  const location = locateModule(root, path);
  if (!location) throw new Error(`${path} cannot be in ${root}`);
  return location;
};
const of = (root: string, tag: string): string[] =>
  modulesOfTag(root, tag).map(({ modulePath, version }) => `${modulePath} ${version}`);

test.each([
  ["v1.0.0", "example.com/r v1.0.0"],
  ["v0.0.0-rc.1", "example.com/r v0.0.0-rc.1"],
  ["v2.0.0", "example.com/r/v2 v2.0.0, example.com/r v2.0.0+incompatible"],
  ["v10.1.0-rc.1", "example.com/r/v10 v10.1.0-rc.1, example.com/r v10.1.0-rc.1+incompatible"],
  ["sub/v1.2.3", "example.com/r/sub v1.2.3"],
  ["sub/v2.0.0", "example.com/r/sub/v2 v2.0.0"],
  ["a/b/v2.0.0", "example.com/r/a/b/v2 v2.0.0"],
  ["v2/v1.0.0", ""],
  ["v2/v2.0.0", "example.com/r/v2/v2 v2.0.0"],
  ["v1/v1.0.0", ""],
  ["sub/x/v2/v1.0.0", ""],
  [".hidden/v1.0.0", ""],
  ["con/v1.0.0", ""],
  ["a//v1.0.0", ""],
  ["/v1.0.0", ""],
  ["v1", ""],
  ["v1.2", ""],
  ["1.2.3", ""],
  ["V1.2.3", ""],
  ["v1.02.3", ""],
  ["v1.2.3+meta", ""],
  ["v2.0.0+incompatible", ""],
  ["release-v1.0.0", ""],
  ["v0.0.0-20060102150405-0123456789ab", ""],
  ["sub/v1.0.1-0.20060102150405-0123456789ab", ""],
])("the tag %s is %j", (tag, modules) => {
  expect(of("example.com/r", tag).join(", ")).toBe(modules);
});

test("repositories whose root has a major suffix of its own", () => {
  expect(of("example.com/r/v2", "v2.0.0")).toEqual(["example.com/r/v2 v2.0.0"]);
  expect(of("example.com/r/v2", "v1.0.0")).toEqual([]);
  expect(of("example.com/r/v2", "v3.0.0")).toEqual(["example.com/r/v2/v3 v3.0.0"]);
  expect(of("example.com/r/v2", "sub/v1.0.0")).toEqual(["example.com/r/v2/sub v1.0.0"]);
  expect(of("gopkg.in/yaml.v2", "v2.0.0")).toEqual(["gopkg.in/yaml.v2 v2.0.0"]);
  expect(of("gopkg.in/yaml.v2", "v3.0.0")).toEqual([]);
  expect(of("gopkg.in/yaml.v1", "v1.0.0")).toEqual(["gopkg.in/yaml.v1 v1.0.0"]);
  expect(of("gopkg.in/yaml.v2-unstable", "v2.0.0")).toEqual([]);
  expect(of("gopkg.in/yaml.v2", "sub/v2.0.0")).toEqual([]);
});

test("a module takes only the tags of its directory and major", () => {
  const sub = at("example.com/r", "example.com/r/sub/v2");
  expect(versionOfTag(sub, "sub/v2.1.0")).toBe("v2.1.0");
  expect(versionOfTag(sub, "sub/v2/v2.1.0")).toBeUndefined();
  expect(versionOfTag(sub, "v2.1.0")).toBeUndefined();
  expect(versionOfTag(sub, "sub/v1.1.0")).toBeUndefined();
  expect(versionOfTag(at("example.com/r", "example.com/r/sub"), "sub/v2.1.0")).toBeUndefined();
});

test("tags on a commit count for more than the list does", () => {
  const root = at("example.com/r", "example.com/r");
  expect(commitTagVersion(root, "v1.0.0")).toEqual({ version: "v1.0.0", isCanonical: true });
  expect(commitTagVersion(root, "v1.0.0+meta")).toEqual({ version: "v1.0.0", isCanonical: false });
  expect(commitTagVersion(root, "v2.0.0")).toEqual({ version: "v2.0.0", isCanonical: true });
  expect(commitTagVersion(root, "v1.0")).toBeUndefined();
  const lookalike = "v0.0.0-20060102150405-0123456789ab";
  expect(commitTagVersion(root, lookalike)).toBeUndefined();
  const sub = at("example.com/r", "example.com/r/sub");
  expect(commitTagVersion(sub, `sub/${lookalike}`)).toEqual({ version: lookalike, isCanonical: true });
  expect(commitTagVersion(sub, "v1.0.0")).toBeUndefined();
});

test.each([
  ["v1.2", "is not a full semantic version; use v1.2.0"],
  ["sub/v1", "is not a full semantic version; use sub/v1.0.0"],
  ["1.2.3", "misses the leading v; use v1.2.3"],
  ["sub/1.2", "misses the leading v; use sub/v1.2.0"],
  ["V1.2.3", "must begin with a lower-case v; use v1.2.3"],
  ["v.1.2.3", "has a dot after the v; use v1.2.3"],
  ["v01.2.3", "has a number with leading zeros; use v1.2.3"],
  ["v1.2.3-rc.01", "has a number with leading zeros; use v1.2.3-rc.1"],
  ["v1.2.3+meta", "carries build metadata (+meta), which Go ignores; use v1.2.3"],
  ["v2.0.0+incompatible", "must not end in +incompatible; the go command adds that to v2.0.0"],
  [
    "v0.0.0-20060102150405-0123456789ab",
    "looks like a pseudo-version, which names a commit and is never made from a tag",
  ],
  ["v1.2-rc1", "has a pre-release or metadata, which only vMAJOR.MINOR.PATCH may have"],
  ["v1.2.3.4", "has more than three numbers; a version is vMAJOR.MINOR.PATCH"],
  ["v1.2.x", "is not a semantic version of the form vMAJOR.MINOR.PATCH"],
  [
    "release-v1.0.0",
    "has something before the version; only the module's directory and a slash may stand there, as in sub/v1.2.3",
  ],
  ["nightly", "is not a version; versions are tags such as v1.2.3, or sub/v1.2.3 for a module in the directory sub"],
  ["v2/v1.0.0", "fits the path of no module in this repository"],
  ["v3.0.0", "fits the path of no module in this repository: one with major version v3 ends in /v3"],
])("%s %s", (tag, sentence) => {
  expect(whyNotAVersion(tag)).toBe(sentence);
});

test.each([
  ["example.com/r", "v1.0.0", "v1.0.0"],
  ["example.com/r/mod", "v1.0.3", "v1.0.3"],
  ["example.com/r/v2", "v2.0.0", "v2.0.0"],
  ["example.com/r", "v2.0.0", undefined],
  ["example.com/r/v2", "v1.0.0", undefined],
  ["example.com/r/V2", "v2.0.0", undefined],
  ["example.com/r/v1", "v1.0.0", undefined],
  ["example.com/r/v2", "v3.0.0", undefined],
  ["example.com/r/mod", "mod/v1.0.3", undefined],
  ["example.com/r", "v1.0.1-Prerelease", "v1.0.1-Prerelease"],
  ["example.com/r", "v1.0", undefined],
  ["example.com/r", "c1", undefined],
  ["example.com/r", "v1.0.0+meta", undefined],
  ["example.com/r", "v0.0.0-20060102150405-0123456789ab", undefined],
])("GitLab's scheme: %s takes %s as %s", (moduleName, tag, version) => {
  expect(gitlabVersionOfTag(moduleName, tag)).toBe(version);
});
