// Most tables are those of golang.org/x/mod/modfile (read_test.go and rule_test.go).

import { expect, test } from "vitest";
import {
  type GoModFile,
  isRetracted,
  parseGoMod,
  parseGoModInTurns,
  retractedBy,
  synthesizeGoMod,
} from "../../src/gomod/go-mod-file.ts";
import { parseSyntax, type Statement } from "../../src/gomod/go-mod-syntax.ts";
import { loopTurnsDuring } from "../support/loop-turns.ts";
import fc from "../support/properties.ts";

const NOTHING: GoModFile = {
  godebug: [],
  requires: [],
  replaces: [],
  excludes: [],
  retracts: [],
  tools: [],
  ignores: [],
};

function statementsOf(source: string): readonly Statement[] {
  const reading = parseSyntax(source);
  for (;;) {
    const { done, value } = reading.next();
    if (done) return value;
  }
}

test("a large file is read with everybody's turn in between, as the same", async () => {
  const lines = Array.from({ length: 20_000 }, (_, n) => `\texample.com/dependency/number${n} v1.2.${n} // indirect\n`);
  const text = `module example.com/m\n\nrequire (\n${lines.join("")})\n`;
  let read: GoModFile | undefined;
  const turns = await loopTurnsDuring(async () => {
    read = await parseGoModInTurns(text);
  });
  expect(turns).toBeGreaterThan(5);
  expect(read).toEqual(parseGoMod(text));
});

test("everything that a go.mod can hold", () => {
  const text = `// Deprecated: use example.com/new instead.
module "example.com/old/v2" // old

go 1.24.1
toolchain go1.25.0
godebug default=go1.21
godebug (
	panicnil=1
)
require golang.org/x/text v0.3.0
require (
	"golang.org/x/mod" v0.42.0 // indirect
	golang.org/x/net v0.1 // indirect; for tests

	gopkg.in/yaml.v2 v2.4.0//indirect
	github.com/old/lib v3.0.0+incompatible
)
exclude golang.org/x/net v1.2.3
replace golang.org/x/net v1.2.3 => example.com/fork/net v1.4.5
replace (
	golang.org/x/text => ./text
	golang.org/x/mod => \`../mod dir\`
)
retract v2.0.0 // Published too early.
// Breaks everything.
retract [v2.1.0, v2.1.9]
tool golang.org/x/tools/cmd/stringer
ignore ./node_modules
`;
  const file: GoModFile = {
    module: { path: "example.com/old/v2", deprecated: "use example.com/new instead.\nold" },
    go: "1.24.1",
    toolchain: "go1.25.0",
    godebug: [
      { key: "default", value: "go1.21" },
      { key: "panicnil", value: "1" },
    ],
    requires: [
      { path: "golang.org/x/text", version: "v0.3.0", indirect: false },
      { path: "golang.org/x/mod", version: "v0.42.0", indirect: true },
      { path: "golang.org/x/net", version: "v0.1.0", indirect: true },
      { path: "gopkg.in/yaml.v2", version: "v2.4.0", indirect: true },
      { path: "github.com/old/lib", version: "v3.0.0+incompatible", indirect: false },
    ],
    excludes: [{ path: "golang.org/x/net", version: "v1.2.3" }],
    replaces: [
      {
        oldPath: "golang.org/x/net",
        oldVersion: "v1.2.3",
        newPath: "example.com/fork/net",
        newVersion: "v1.4.5",
      },
      { oldPath: "golang.org/x/text", newPath: "./text" },
    ],
    retracts: [
      { low: "v2.0.0", high: "v2.0.0", rationale: "Published too early." },
      { low: "v2.1.0", high: "v2.1.9", rationale: "Breaks everything." },
    ],
    tools: ["golang.org/x/tools/cmd/stringer"],
    ignores: ["./node_modules"],
  };
  expect(parseGoMod(text)).toEqual(file);
  expect(parseGoMod(text.replaceAll("\n", "\r\n"))).toEqual(file);
  expect(parseGoMod(`\ufeff${text}`)).toEqual(file);
});

test("an empty file is a file", () => {
  expect(parseGoMod("")).toEqual(NOTHING);
  expect(parseGoMod("\n// only a comment")).toEqual(NOTHING);
});

test("what the go command passes over in dependencies is passed over, right or wrong", () => {
  const text = `module m
		surprise attack
		x y (
			z
		)
		exclude v1.2.3
		replace <-!!!
		retract v1.2.3 v1.2.4
		retract (v1.2.3, v1.2.4]
		retract v1.2.3 (
			key1 value1
			key2 value2
		)
		require good v1.0.0
	`;
  const file = parseGoMod(text);
  expect(file.module?.path).toBe("m");
  expect(file.requires).toEqual([{ path: "good", version: "v1.0.0", indirect: false }]);
  expect(file.retracts).toEqual([{ low: "v1.2.3", high: "v1.2.3" }]);
});

test.each([
  ["require ()", "require ( )"],
  ["require []{},", "require [ ] { } ,"],
  ["require a[b]c{d}e,", "require a [ b ] c { d } e ,"],
  ["require (\n\ta[b]\n)", "require ( a [ b ] )"],
  ["require [v1.0.0, v1.1.0)", "require [ v1.0.0 , v1.1.0 )"],
])("the tokens of %j", (source, tokens) => {
  const read = statementsOf(source).flatMap((statement) =>
    statement.kind === "line"
      ? statement.tokens
      : [...statement.tokens, "(", ...statement.lines.flatMap((line) => line.tokens), ")"],
  );
  expect(read.join(" ")).toBe(tokens);
});

test.each([
  ["module m\nrequire x.y/z", "go.mod:2: usage: require module/path v1.2.3"],
  ["module m\nrequire (\n\tx.y/z\n)", "go.mod:3:2: usage: require module/path v1.2.3"],
  ["require x.y/z master", 'go.mod:1: require x.y/z: version "master" invalid: must be of the form v1.2.3'],
  ["require x.y/z v2.0.0", 'go.mod:1: require x.y/z: version "v2.0.0" invalid: should be v0 or v1, not v2'],
  ["require x.y/z/v1 v1.0.0", "go.mod:1: invalid module path"],
  [
    "module a\nmodule b\ngo x",
    "go.mod:2: repeated module statement\ngo.mod:3: invalid go version 'x': must match format 1.23.0",
  ],
  ["module 'a'", "go.mod:1: invalid quoted string: unquoted string cannot contain quote"],
  ["module a\n\n/* b */", "go.mod:3: mod files must use // comments (not /* */ comments)"],
  ['module "a', "go.mod:1:8: unexpected EOF in string"],
  ["module \u200b", "go.mod:1:8: unexpected input character '\\u200b'"],
  ["require (\n\ta v1.0.0\n", "go.mod:3: syntax error (unterminated block started at go.mod:1:1)"],
  ["require (\n) a", "go.mod:2:4: syntax error (expected newline after closing paren)"],
])("%j is refused with its place", (source, message) => {
  expect(() => parseGoMod(source)).toThrow(expect.objectContaining({ kind: "invalid", message }));
});

test.each<[goMod: string, isAccepted: boolean]>([
  ["module m\ngo \n", false],
  ["module m\ngo 1\n", false],
  ["module m\ngo 1.22\n", true],
  ["module m\ngo 1.22.333", true],
  ["module m\ngo v1.2\n", false],
  ["module m\ngo 1.2rc1\n", true],
  ["module m\ngo 1.2 3.4\n", false],
  ["module m\ngo 1.2.3\n", true],
  ["module m\ngo 1.2rc1\n", true],
  ["module m\ngo 1.2beta1\n", true],
  ["module m\ngo 1.2.beta1\n", true],
  ["module m\ngo v1.2.3\n", true],
  ["module m\ngo v1.2rc1\n", true],
  ["module m\ngo v1.2beta1\n", true],
  ["module m\ngo v1.2.beta1\n", true],
  ["module m\ngo v1.2\n", false],
  ["module m\ntoolchain go1.2\n", true],
  ["module m\ntoolchain go1.2.3\n", true],
  ["module m\ntoolchain go1.2rc1\n", true],
  ["module m\ntoolchain go1.2rc1-gccgo\n", true],
  ["module m\ntoolchain default\n", true],
  ["module m\ntoolchain inconceivable!\n", true],
])("%j: %s", (source, isAccepted) => {
  if (isAccepted) parseGoMod(source);
  else expect(() => parseGoMod(source)).toThrow();
});

test.each([
  ["no_comment", "module m\n\t\tretract v1.0.0", ""],
  ["prefix_one", "module m\n\t\t//   prefix\n\t\tretract v1.0.0\n\t\t", "prefix"],
  [
    "prefix_multiline",
    "module m\n\t\t//  one\n\t\t//\n\t\t//     two\n\t\t//\n\t\t// three\n\t\tretract v1.0.0",
    "one\n\ntwo\n\nthree",
  ],
  ["suffix", "module m\n\t\tretract v1.0.0 // suffix\n\t\t", "suffix"],
  ["prefix_suffix_after", "module m\n\t\t// prefix\n\t\tretract v1.0.0 // suffix\n\t\t", "prefix\nsuffix"],
  ["block_only", "// block\n\t\tretract (\n\t\t\tv1.0.0\n\t\t)\n\t\t", "block"],
  ["block_and_line", "// block\n\t\tretract (\n\t\t\t// line\n\t\t\tv1.0.0\n\t\t)\n\t\t", "line"],
])("the rationale of a retraction: %s", (_, source, rationale) => {
  expect(parseGoMod(source).retracts).toEqual([
    { low: "v1.0.0", high: "v1.0.0", ...(rationale === "" ? {} : { rationale }) },
  ]);
});

test.each([
  ["no_comment", "module m", ""],
  ["other_comment", "// yo\n\t\tmodule m", ""],
  ["deprecated_no_colon", "//Deprecated\n\t\tmodule m", ""],
  ["deprecated_no_space", "//Deprecated:blah\n\t\tmodule m", "blah"],
  ["deprecated_simple", "// Deprecated: blah\n\t\tmodule m", "blah"],
  ["deprecated_lowercase", "// deprecated: blah\n\t\tmodule m", ""],
  ["deprecated_multiline", "// Deprecated: one\n\t\t// two\n\t\tmodule m", "one\ntwo"],
  ["deprecated_mixed", "// some other comment\n\t\t// Deprecated: blah\n\t\tmodule m", ""],
  ["deprecated_middle", "// module m is Deprecated: blah\n\t\tmodule m", ""],
  ["deprecated_multiple", "// Deprecated: a\n\t\t// Deprecated: b\n\t\tmodule m", "a\nDeprecated: b"],
  ["deprecated_paragraph", "// Deprecated: a\n\t\t// b\n\t\t//\n\t\t// c\n\t\tmodule m", "a\nb"],
  [
    "deprecated_paragraph_space",
    "// Deprecated: the next line has a space\n\t\t//\n\t\t// c\n\t\tmodule m",
    "the next line has a space",
  ],
  ["deprecated_suffix", "module m // Deprecated: blah", "blah"],
  ["deprecated_mixed_suffix", "// some other comment\n\t\tmodule m // Deprecated: blah", ""],
  ["deprecated_mixed_suffix_paragraph", "// some other comment\n\t\t//\n\t\tmodule m // Deprecated: blah", "blah"],
  ["deprecated_block", "// Deprecated: blah\n\t\tmodule (\n\t\t\tm\n\t\t)", "blah"],
])("the deprecation of a module: %s", (_, source, deprecated) => {
  expect(parseGoMod(source).module).toEqual({ path: "m", ...(deprecated === "" ? {} : { deprecated }) });
});

test("a version is retracted by every interval that holds it", () => {
  const { retracts } = parseGoMod("retract [v1.0.0, v1.1.0] // a\nretract v1.1.0 // b\nretract v1.2.0\nretract x");
  expect(isRetracted("v1.0.5", retracts)).toEqual({ retracted: true, rationale: "a" });
  expect(isRetracted("v1.1.0", retracts)).toEqual({ retracted: true, rationale: "a\n\nb" });
  expect(isRetracted("v1.2.0", retracts)).toEqual({ retracted: true });
  expect(isRetracted("v1.1.1-0.20060102150405-0123456789ab", retracts)).toEqual({ retracted: false });
});

test("many versions are compared with many intervals as one with each", () => {
  const number = fc.integer({ min: 0, max: 12 });
  const version = fc.tuple(number, fc.constantFrom("", "-rc.1")).map(([minor, rc]) => `v1.${minor}.0${rc}`);
  const interval = fc.oneof(
    fc.tuple(version, version).map(([low, high]) => ({ low, high })),
    version.map((one) => ({ low: one, high: one })),
  );
  fc.assert(
    fc.property(fc.array(interval, { maxLength: 5 }), fc.array(version), (retracts, versions) => {
      expect(versions.map(retractedBy(retracts))).toEqual(versions.map((one) => isRetracted(one, retracts).retracted));
    }),
  );
});

test("the go.mod of a module without one", () => {
  expect(synthesizeGoMod("example.com/m")).toBe("module example.com/m\n");
  expect(synthesizeGoMod('a "b"//é\u200b')).toBe('module "a \\"b\\"//é\\u200b"\n');
});
