// The first table is that of golang.org/x/mod/modfile (TestModulePath); the others were seen on go1.26.8.

import { expect, test } from "vitest";
import { declaredModulePath, goVersionLine, isGo124OrLater } from "../../src/gomod/go-mod-line.ts";

const MODULE_LINES: [goMod: string, path: string][] = [
  ['module "github.com/rsc/vgotest"', "github.com/rsc/vgotest"],
  ["module github.com/rsc/vgotest", "github.com/rsc/vgotest"],
  ['module  "github.com/rsc/vgotest"', "github.com/rsc/vgotest"],
  ["module  github.com/rsc/vgotest", "github.com/rsc/vgotest"],
  ["module `github.com/rsc/vgotest`", "github.com/rsc/vgotest"],
  ['module "github.com/rsc/vgotest/v2"', "github.com/rsc/vgotest/v2"],
  ["module github.com/rsc/vgotest/v2", "github.com/rsc/vgotest/v2"],
  ['module "gopkg.in/yaml.v2"', "gopkg.in/yaml.v2"],
  ["module gopkg.in/yaml.v2", "gopkg.in/yaml.v2"],
  ['module "gopkg.in/check.v1"\n', "gopkg.in/check.v1"],
  ['module "gopkg.in/check.v1\n"', ""],
  ["module gopkg.in/check.v1\n", "gopkg.in/check.v1"],
  ['module "gopkg.in/check.v1"\r\n', "gopkg.in/check.v1"],
  ["module gopkg.in/check.v1\r\n", "gopkg.in/check.v1"],
  ['module "gopkg.in/check.v1"\n\n', "gopkg.in/check.v1"],
  ["module gopkg.in/check.v1\n\n", "gopkg.in/check.v1"],
  ['module \n"gopkg.in/check.v1"\n\n', ""],
  ["module \ngopkg.in/check.v1\n\n", ""],
  ['module "gopkg.in/check.v1"asd', ""],
  ['module \n"gopkg.in/check.v1"\n\n', ""],
  ["module \ngopkg.in/check.v1\n\n", ""],
  ['module "gopkg.in/check.v1"asd', ""],
  ["module  \nmodule a/b/c ", "a/b/c"],
  ['module "   "', "   "],
  ["module   ", ""],
  ['module "  a/b/c  "', "  a/b/c  "],
  ['module "github.com/rsc/vgotest1" // with a comment', "github.com/rsc/vgotest1"],
  ["module ( x.y/z )", "( x.y/z )"],
  ["module (\n\tx.y/z\n)", "("],
  ["MODULE x.y/z", ""],
  ["\ufeffmodule x.y/z", ""],
  ["\ufeff// comment\nmodule x.y/z", "x.y/z"],
  ["/* comment */ module x.y/z", ""],
  ["modulex.y/z\nmodule x.y/z", "x.y/z"],
  ["require (\n!!!\nmodule\u00a0x.y/z\u0085\n", "x.y/z"],
  ['module "x.y/\\x7a"', "x.y/z"],
  ["x.y/z", ""],
  ["", ""],
];

test.each(MODULE_LINES)("%j declares %j", (goMod, path) => {
  expect(declaredModulePath(goMod)).toBe(path);
  expect(declaredModulePath(Buffer.from(goMod))).toBe(path);
});

test("bytes that are not UTF-8 elsewhere do not matter", () => {
  expect(declaredModulePath(Buffer.from("// \xff\xfe\nmodule x.y/z // \xe9\n", "latin1"))).toBe("x.y/z");
});

const GO_LINES: [goMod: string, version: string, isNew: boolean][] = [
  ["go 1.23.9", "1.23.9", false],
  ["go 1.24", "1.24", true],
  ["go 1.24rc1 // comment", "1.24rc1", true],
  ["go 1.24-foo", "1.24", true],
  ["go v1.24.1x", "1.24", true],
  ["go 1.100", "1.100", true],
  ["go 2.0", "2.0", true],
  ["go 1.24.1rc1", "1.24.1rc1", false],
  ["go 1.24rc01", "1.24rc01", false],
  ["go ( 1.24 )", "", false],
  ["go (\n1.24\n)", "", false],
  ['go "1.24"', "", false],
  ["go 1.024", "", false],
  ["go 1", "", false],
  ["module x.y/z", "", false],
  // Whatever the lax parser refuses counts as having no go line.
  ["go 1.24\nrequire x.y/z", "", false],
  ["go 1.24\nreplace x.y/z", "1.24", true],
  ["\ufeffgo 1.24", "", false],
];

test.each(GO_LINES)("%j: version %j, new %s", (goMod, version, isNew) => {
  expect(goVersionLine(goMod)).toBe(version);
  expect(isGo124OrLater(goVersionLine(Buffer.from(goMod)))).toBe(isNew);
});
