// The tables are those of golang.org/x/mod/module (module_test.go); "\xFF" there is a lone surrogate here.

import { describe, expect, test } from "vitest";
import {
  checkFilePath,
  checkPath,
  checkPathMajor,
  escapePath,
  escapeVersion,
  matchPrefixPatterns,
  parseModulePath,
  pathMajorPrefix,
  splitPathMajor,
  unescapePath,
  unescapeVersion,
} from "../../src/gomod/module-path.ts";
import { isValid } from "../../src/gomod/version.ts";

/** A path, whether it is a module path, whether it is a file path. */
const PATHS: [path: string, isModule: boolean, isFile: boolean][] = [
  ["x.y/z", true, true],
  ["x.y", true, true],
  ["", false, false],
  ["x.y/\ud800z", false, false],
  ["/x.y/z", false, false],
  ["x./z", false, false],
  [".x/z", false, true],
  ["-x/z", false, true],
  ["x..y/z", true, true],
  ["x.y/z/../../w", false, false],
  ["x.y//z", false, false],
  ["x.y/z//w", false, false],
  ["x.y/z/", false, false],
  ["x.y/z/v0", false, true],
  ["x.y/z/v1", false, true],
  ["x.y/z/v2", true, true],
  ["x.y/z/v2.0", false, true],
  ["X.y/z", false, true],
  ["!x.y/z", false, true],
  ["_x.y/z", false, true],
  ["x.y!/z", false, true],
  ['x.y"/z', false, false],
  ["x.y#/z", false, true],
  ["x.y$/z", false, true],
  ["x.y%/z", false, true],
  ["x.y&/z", false, true],
  ["x.y'/z", false, false],
  ["x.y(/z", false, true],
  ["x.y)/z", false, true],
  ["x.y*/z", false, false],
  ["x.y+/z", false, true],
  ["x.y,/z", false, true],
  ["x.y-/z", true, true],
  ["x.y./zt", false, false],
  ["x.y:/z", false, false],
  ["x.y;/z", false, false],
  ["x.y</z", false, false],
  ["x.y=/z", false, true],
  ["x.y>/z", false, false],
  ["x.y?/z", false, false],
  ["x.y@/z", false, true],
  ["x.y[/z", false, true],
  ["x.y\\/z", false, false],
  ["x.y]/z", false, true],
  ["x.y^/z", false, true],
  ["x.y_/z", false, true],
  ["x.y`/z", false, false],
  ["x.y{/z", false, true],
  ["x.y}/z", false, true],
  ["x.y~/z", false, true],
  ["x.y/z!", false, true],
  ['x.y/z"', false, false],
  ["x.y/z#", false, true],
  ["x.y/z$", false, true],
  ["x.y/z%", false, true],
  ["x.y/z&", false, true],
  ["x.y/z'", false, false],
  ["x.y/z(", false, true],
  ["x.y/z)", false, true],
  ["x.y/z*", false, false],
  ["x.y/z++", false, true],
  ["x.y/z,", false, true],
  ["x.y/z-", true, true],
  ["x.y/z.t", true, true],
  ["x.y/z/t", true, true],
  ["x.y/z:", false, false],
  ["x.y/z;", false, false],
  ["x.y/z<", false, false],
  ["x.y/z=", false, true],
  ["x.y/z>", false, false],
  ["x.y/z?", false, false],
  ["x.y/z@", false, true],
  ["x.y/z[", false, true],
  ["x.y/z\\", false, false],
  ["x.y/z]", false, true],
  ["x.y/z^", false, true],
  ["x.y/z_", true, true],
  ["x.y/z`", false, false],
  ["x.y/z{", false, true],
  ["x.y/z}", false, true],
  ["x.y/z~", true, true],
  ["x.y/x.foo", true, true],
  ["x.y/aux.foo", false, false],
  ["x.y/prn", false, false],
  ["x.y/prn2", true, true],
  ["x.y/com", true, true],
  ["x.y/com1", false, false],
  ["x.y/com1.txt", false, false],
  ["x.y/calm1", true, true],
  ["x.y/z~", true, true],
  ["x.y/z~0", false, true],
  ["x.y/z~09", false, true],
  ["x.y/z09", true, true],
  ["x.y/z09~", true, true],
  ["x.y/z09~09z", true, true],
  ["x.y/z09~09z~09", false, true],
  ["github.com/!123/logrus", false, true],
  ["github.com/user/unicode/испытание", false, true],
  ["../x", false, false],
  ["./y", false, false],
  ["x:y", false, false],
  ["\\temp\\foo", false, false],
  [".gitignore", false, true],
  [".github/ISSUE_TEMPLATE", false, true],
  ["x☺y", false, false],
];

test.each(PATHS)("%j: module path %s, file path %s", (path, isModule, isFile) => {
  expect(checkPath(path) === undefined).toBe(isModule);
  expect(checkFilePath(path) === undefined).toBe(isFile);
  if (isModule) expect(unescapePath(escapePath(parseModulePath(path)))).toBe(path);
  else {
    expect(() => parseModulePath(path)).toThrow(/^malformed module path/);
    expect(() => unescapePath(path)).toThrow(/^invalid escaped module path/);
  }
});

test("the reasons are the go command's", () => {
  expect(checkPath("x/y")).toBe('malformed module path "x/y": missing dot in first path element');
  expect(checkPath("x.y/z/v1")).toBe('malformed module path "x.y/z/v1": invalid version');
  expect(checkPath("x.y/com1.txt")).toBe(
    'malformed module path "x.y/com1.txt": "com1" disallowed as path element component on Windows',
  );
  expect(checkPath("X.y/z")).toBe(`malformed module path "X.y/z": invalid char 'X' in first path element`);
  expect(checkFilePath("a'b")).toBe(`malformed file path "a'b": invalid char '\\''`);
  expect(checkFilePath("a\u0301")).toBe(`malformed file path "a\u0301": invalid char '\u0301'`);
  expect(checkFilePath("a\u200bb")).toBe(`malformed file path "a\\u200bb": invalid char '\\u200b'`);
});

test("letters that Unicode got after Go's tables are no letters", () => {
  expect(checkFilePath("\u{10ffb}")).toBeDefined(); // never assigned
  expect(checkFilePath("\u{1c89}.txt")).toBeDefined(); // 16.0
  expect(checkFilePath("\u{2ebf0}.txt")).toBeDefined(); // 15.1
  expect(checkFilePath("\u{1df25}.txt")).toBeUndefined(); // 15.0
});

const SPLITS: [prefix: string, pathMajor: string][] = [
  ["x.y/z", ""],
  ["x.y/z", "/v2"],
  ["x.y/z", "/v3"],
  ["x.y/v", ""],
  ["gopkg.in/yaml", ".v0"],
  ["gopkg.in/yaml", ".v1"],
  ["gopkg.in/yaml", ".v2"],
  ["gopkg.in/yaml", ".v3"],
  ["gopkg.in/macaroon-bakery", ".v2-unstable"],
];

test.each(SPLITS)("%s%s splits there", (prefix, pathMajor) => {
  expect(splitPathMajor(prefix + pathMajor)).toEqual({ prefix, pathMajor });
});

test.each([
  "x.y/z/v0",
  "x.y/z/v1",
  "x.y/z/v02",
  "x.y/z/v2.0",
  "gopkg.in/yaml",
  "gopkg.in/yaml.v02",
  "gopkg.in/yaml/v2",
])("%s has an impossible major suffix", (path) => expect(splitPathMajor(path)).toBeUndefined());

/** A path, a version, whether they fit each other. */
const PAIRS: [path: string, version: string, fits: boolean][] = [
  ["rsc.io/quote", "0.1.0", false],
  ["rsc io/quote", "v1.0.0", false],
  ["github.com/go-yaml/yaml", "v0.8.0", true],
  ["github.com/go-yaml/yaml", "v1.0.0", true],
  ["github.com/go-yaml/yaml", "v2.0.0", false],
  ["github.com/go-yaml/yaml", "v2.1.5", false],
  ["github.com/go-yaml/yaml", "v3.0.0", false],
  ["github.com/go-yaml/yaml/v2", "v1.0.0", false],
  ["github.com/go-yaml/yaml/v2", "v2.0.0", true],
  ["github.com/go-yaml/yaml/v2", "v2.1.5", true],
  ["github.com/go-yaml/yaml/v2", "v3.0.0", false],
  ["gopkg.in/yaml.v0", "v0.8.0", true],
  ["gopkg.in/yaml.v0", "v1.0.0", false],
  ["gopkg.in/yaml.v0", "v2.0.0", false],
  ["gopkg.in/yaml.v0", "v2.1.5", false],
  ["gopkg.in/yaml.v0", "v3.0.0", false],
  ["gopkg.in/yaml.v1", "v0.8.0", false],
  ["gopkg.in/yaml.v1", "v1.0.0", true],
  ["gopkg.in/yaml.v1", "v2.0.0", false],
  ["gopkg.in/yaml.v1", "v2.1.5", false],
  ["gopkg.in/yaml.v1", "v3.0.0", false],
  ["gopkg.in/check.v1", "v0.0.0", false],
  ["gopkg.in/check.v1", "v0.0.0-20160102150405-abcdef123456", true],
  ["gopkg.in/yaml.v2", "v1.0.0", false],
  ["gopkg.in/yaml.v2", "v2.0.0", true],
  ["gopkg.in/yaml.v2", "v2.1.5", true],
  ["gopkg.in/yaml.v2", "v3.0.0", false],
  ["rsc.io/quote", "v17.0.0", false],
  ["rsc.io/quote", "v17.0.0+incompatible", true],
];

test.each(PAIRS)("%s@%s: %s", (path, version, fits) => {
  const split = checkPath(path) === undefined && isValid(version) ? splitPathMajor(path) : undefined;
  expect(split !== undefined && checkPathMajor(version, split.pathMajor) === undefined).toBe(fits);
});

const MAJORS: [version: string, pathMajor: string, fits: boolean][] = [
  ["v0.0.0", "", true],
  ["v0.0.0", "/v2", false],
  ["v0.0.0", ".v0", true],
  ["v0.0.0-20190510104115-cbcb75029529", ".v1", true],
  ["v1.0.0", "/v2", false],
  ["v1.0.0", ".v1", true],
  ["v1.0.0", ".v1-unstable", true],
  ["v2.0.0+incompatible", "", true],
  ["v2.0.0", "", false],
  ["v2.0.0", "/v2", true],
  ["v2.0.0", ".v2", true],
];

test.each(MAJORS)("%s with the suffix %j: %s", (version, pathMajor, fits) => {
  expect(checkPathMajor(version, pathMajor) === undefined).toBe(fits);
});

test("a wrong major is refused in the go command's words", () => {
  expect(checkPathMajor("v2.0.0", "")).toBe('version "v2.0.0" invalid: should be v0 or v1, not v2');
  expect(checkPathMajor("v1.0.0", ".v2-unstable")).toBe('version "v1.0.0" invalid: should be v2, not v1');
  expect(pathMajorPrefix(".v2-unstable")).toBe("v2");
});

describe("escaping", () => {
  test("upper case becomes a mark and lower case", () => {
    const path = parseModulePath("github.com/GoogleCloudPlatform/omega");
    expect(escapePath(path)).toBe("github.com/!google!cloud!platform/omega");
    expect(unescapePath("github.com/!google!cloud!platform/omega")).toBe(path);
    expect(escapeVersion("v1.0.0-RC1")).toBe("v1.0.0-!r!c1");
    expect(unescapeVersion("v1.0.0-!r!c1")).toBe("v1.0.0-RC1");
  });

  test.each([
    "github.com/GoogleCloudPlatform/omega",
    "github.com/!google!cloud!platform!/omega",
    "github.com/!0google!cloud!platform/omega",
    "github.com/!_google!cloud!platform/omega",
    "github.com/!!google!cloud!platform/omega",
    "github.com/google!",
    "",
  ])("%j stands for no path", (escaped) => {
    expect(() => unescapePath(escaped)).toThrow(/^invalid escaped module path/);
  });

  test.each(["feature/x", "", ".", "..", "v1.", "V1", "v1!", "v1!!a", "aux", "con.1", "v1 é", "a*b", "a:b"])(
    "%j stands for no version",
    (escaped) => expect(() => unescapeVersion(escaped)).toThrow(/^invalid escaped version/),
  );

  test.each(["feature/x", "a!b", "", "..", "nul"])("%j is never asked for", (version) => {
    expect(() => escapeVersion(version)).toThrow(/disallowed version string$/);
  });
});

/** Globs, a path, whether they match: TestMatchPrefixPatterns. */
const PATTERNS: [globs: string, target: string, matches: boolean][] = [
  ["", "rsc.io/quote", false],
  ["/", "rsc.io/quote", false],
  ["*/quote", "rsc.io/quote", true],
  ["*/quo", "rsc.io/quote", false],
  ["*/quo??", "rsc.io/quote", true],
  ["*/quo*", "rsc.io/quote", true],
  ["*quo*", "rsc.io/quote", false],
  ["rsc.io", "rsc.io/quote", true],
  ["*.io", "rsc.io/quote", true],
  ["rsc.io/", "rsc.io/quote", true],
  ["rsc", "rsc.io/quote", false],
  ["rsc*", "rsc.io/quote", true],
  ["rsc.io", "rsc.io/quote/v3", true],
  ["*/quote", "rsc.io/quote/v3", true],
  ["*/quote/", "rsc.io/quote/v3", true],
  ["*/quote/*", "rsc.io/quote/v3", true],
  ["*/quote/*/", "rsc.io/quote/v3", true],
  ["*/v3", "rsc.io/quote/v3", false],
  ["*/*/v3", "rsc.io/quote/v3", true],
  ["*/*/*", "rsc.io/quote/v3", true],
  ["*/*/*/", "rsc.io/quote/v3", true],
  ["*/*/*", "rsc.io/quote", false],
  ["*/*/*/", "rsc.io/quote", false],
  ["*/*/*,,", "rsc.io/quote", false],
  ["*/*/*,,*/quote", "rsc.io/quote", true],
  [",,*/quote", "rsc.io/quote", true],
  // Not in that table.
  ["git.*.com/[a-c]*", "git.corp.com/bob", true],
  ["git.*.com/[^a-c]*", "git.corp.com/bob", false],
  ["[", "[", false],
  ["a[]b", "a]b", false],
  ["\\*.io", "*.io", true],
  ["\\*.io", "rsc.io", false],
];

test.each(PATTERNS)("%j against %s: %s", (globs, target, matches) => {
  expect(matchPrefixPatterns(globs, target)).toBe(matches);
});
