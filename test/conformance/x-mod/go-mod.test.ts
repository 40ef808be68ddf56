// go.mod files: src/gomod against golang.org/x/mod/modfile on generated and mutilated files, error messages included.

import { createHash } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { h1OfGoMod } from "../../../src/gomod/dir-hash.ts";
import { type GoModFile, parseGoMod, synthesizeGoMod } from "../../../src/gomod/go-mod-file.ts";
import { declaredModulePath, textOfGoMod } from "../../../src/gomod/go-mod-line.ts";
import fc from "../../support/properties.ts";
import { buildOracle, type Oracle, orRefusal, type Refusal } from "./oracle.ts";

let oracle: Oracle;
beforeAll(() => {
  oracle = buildOracle();
}, 120_000);
afterAll(() => oracle.remove());

const words = (...list: string[]): fc.Arbitrary<string> => fc.constantFrom(...list);
const lines = (...parts: fc.Arbitrary<string>[]): fc.Arbitrary<string> => fc.tuple(...parts).map((all) => all.join(""));

const path = words(
  "example.com/m",
  "example.com/m/v2",
  "golang.org/x/text",
  "gopkg.in/yaml.v2",
  '"example.com/quoted"',
  "`example.com/raw`",
  '"a\\x62\\n"',
  '"broken',
  "'single'",
  "example.com/m/v1",
  "gopkg.in/none",
  "é.com/ß",
  "a//b",
  "a/*b",
);
const version = words(
  "v1.2.3",
  "v0.0.0-20060102150405-0123456789ab",
  "v2.0.0",
  "v2.0.0+incompatible",
  "v2.1.0+meta",
  "v1",
  "v1.2",
  "master",
  '"v1.0.0"',
  "`v1.0.0`",
  "v1.0.0-rc.1",
  "",
);
const space = words(" ", " ", " ", "\t", "  ", "", "\r", "\u00a0");
const comment = words(
  "",
  "",
  "",
  "",
  " // indirect",
  "//indirect",
  " // indirect; why",
  " // indirect why",
  " // Deprecated: gone",
  " // é \t",
  " //",
  " /* no */",
  "// a // b",
);
const go = words("1.24", "1.21.0", "1.24rc1", "1.24-x", "v1.20", "v1.20.x", "1", '"1.24"', "1.024", "1.24 1.25", "");
const target = words(
  "./dir",
  "../x y",
  '"../x y"',
  "example.com/f v1.2.3",
  "example.com/f",
  "/abs",
  "C:\\x",
  "./x v1.0.0",
  "..\\x",
  "a@v1",
  "",
);
const interval = words(
  "v1.0.0",
  "[v1.0.0, v1.1.0]",
  "[v1.0.0,v1.1.0]",
  "[ v1 , v2 ] x",
  "(v1.0.0, v2.0.0]",
  "[v1.0.0",
  '"v1.2.3"',
  "[`v1`, v2]",
  "x",
  "v1.0.0 v1.1.0",
  "[v1.0.0 v1.1.0]",
  "",
);

const rest: Record<string, fc.Arbitrary<string>> = {
  module: path,
  go,
  toolchain: words("go1.24.0", "default", "local", "go1", "go2", ""),
  godebug: words("default=go1.21", "a=b", "a", 'a="b"', "a=b c=d", "a,b=c"),
  require: lines(path, space, version),
  exclude: lines(path, space, version),
  replace: fc.oneof(
    lines(path, words(" => ", " => ", "=>", " "), target),
    lines(path, space, version, words(" => ", "=> "), target),
  ),
  retract: interval,
  tool: path,
  ignore: words("./x", "x y", '"x y"', ""),
  unknown: words("a b c", "(", "( )", ""),
};
const verb = words(...Object.keys(rest), "require", "require", "retract", "module");
const newline = words("\n", "\n", "\n", "\r\n");
const whole = words(
  "",
  "",
  "",
  "// one\n",
  "//\n",
  "// Deprecated: old\n// use it not\n",
  "\n",
  "// c\n\n",
  "  // in\r\n",
  "// é\n",
);

const single = verb.chain((name) => lines(whole, fc.constant(name), space, rest[name] ?? words(""), comment, newline));
const block = verb.chain((name) =>
  lines(
    whole,
    fc.constant(name),
    words(" (", " (", "(", " x (", " ( x"),
    comment,
    newline,
    fc
      .array(lines(whole, space, rest[name] ?? words(""), comment, newline), { maxLength: 4 })
      .map((inner) => inner.join("")),
    whole,
    words(")", ")", ")", " )", ") x", ""),
    comment,
    newline,
  ),
);
const empty = verb.chain((name) =>
  lines(whole, fc.constant(name), words(" ()", " ( )", "()", " ( ) x"), comment, newline),
);

const clean = fc.array(fc.oneof({ weight: 5, arbitrary: single }, { weight: 3, arbitrary: block }, empty), {
  maxLength: 6,
});
const wellFormed = fc
  .tuple(
    fc.array(
      fc.constantFrom(
        "require golang.org/x/text v0.3.0 // indirect\n",
        "require (\n\t// Why.\n\tgolang.org/x/mod v0.1.0\n\n\tgopkg.in/yaml.v2 v2.1.0 // indirect; x\n)\n",
        "// Bad.\nretract (\n\tv1.0.0 // One.\n\t[v1.1.0, v1.2.0]\n\n\t// Two.\n\t//\n\t// Lines.\n\tv1.3.0\n)\n",
        "exclude (\n\ta.b/c v1.0.0\n)\n",
        "replace a.b/c => ../c\nreplace a.b/c v1.0.0 => d.e/f v1.0.1\n",
        'tool a.b/c/cmd\nignore (\n\t./x\n\t"y z"\n)\n',
        "godebug (\n\tdefault=go1.21\n\ta=b\n)\n",
        "\n",
        "// floating\n\n",
      ),
      { maxLength: 6 },
    ),
    fc.constantFrom("", "// Deprecated: no.\n", "// x\n//\n// Deprecated: y\n// z\n//\n// w\n"),
    fc.constantFrom("module a.b/m\n", 'module "a.b/m/v2" // Deprecated: s\n', "module (\n\ta.b/m\n)\n"),
    fc.constantFrom("go 1.24\n", "go 1.23.1\ntoolchain go1.24.1 // x\n", ""),
  )
  .map(([parts, before, module, version]) => before + module + version + parts.join(""));

/** A file with some characters taken out, doubled or put in. */
const mutilated = fc
  .tuple(
    fc.oneof(
      clean.map((parts) => parts.join("")),
      wellFormed,
    ),
    fc.array(
      fc.tuple(
        fc.nat(),
        words(
          "",
          "",
          "(",
          ")",
          '"',
          "`",
          "\n",
          "\r",
          "//",
          "/",
          "\\",
          "[",
          "]",
          ",",
          "\u200b",
          "\ufeff",
          "\v",
          " ",
          "é",
          "=>",
        ),
      ),
      { maxLength: 3 },
    ),
  )
  .map(([text, cuts]) =>
    cuts.reduce((cut, [place, put]) => {
      const at = place % (cut.length + 1);
      return cut.slice(0, at) + put + cut.slice(at + (put === "" ? 1 : 0));
    }, text),
  );

const anyFile = fc
  .oneof(
    mutilated,
    wellFormed,
    clean.map((parts) => parts.join("")),
  )
  .filter((text) => !text.startsWith("\ufeff") && text.isWellFormed());

/** Our file in the oracle's shape, where what is absent is empty. */
function asOracle(file: GoModFile): unknown {
  return {
    ...(file.module ? { module: { deprecated: "", ...file.module } } : {}),
    ...(file.go === undefined ? {} : { go: file.go }),
    ...(file.toolchain === undefined ? {} : { toolchain: file.toolchain }),
    godebug: file.godebug,
    requires: file.requires,
    replaces: file.replaces.map((one) => ({ oldVersion: "", newVersion: "", ...one })),
    excludes: file.excludes,
    retracts: file.retracts.map((one) => ({ rationale: "", ...one })),
    tools: file.tools,
    ignores: file.ignores,
  };
}

/** The parts of a file that the go command reads in dependencies. */
const lax = ({ module, go, requires, retracts, ignores }: Record<string, unknown>) => ({
  module,
  go,
  requires,
  retracts,
  ignores,
});

test("the same files are read and refused, in the same words", () => {
  const seen = { files: 0, accepted: 0, strict: 0 };
  fc.assert(
    fc.property(fc.array(anyFile, { minLength: 2000, maxLength: 2000 }), (batch) => {
      const answers = oracle.ask(
        batch.map((text) => ({ op: "parse", args: [Buffer.from(text).toString("base64")] })),
      ) as Record<"lax" | "strict", Record<string, unknown> | Refusal>[];
      for (const [i, text] of batch.entries()) {
        const answer = answers[i];
        if (!answer) throw new Error("no answer");
        const ours = orRefusal(() => asOracle(parseGoMod(text)) as Record<string, unknown>);
        seen.files++;
        if ("error" in answer.lax || "error" in ours) {
          expect({ text, ...ours }).toEqual({ text, ...answer.lax });
          continue;
        }
        seen.accepted++;
        expect({ text, ...lax(ours) }).toEqual({ text, ...lax(answer.lax) });
        if ("error" in answer.strict) continue;
        seen.strict++;
        expect({ text, ...ours }).toEqual({ text, ...answer.strict });
      }
    }),
    { numRuns: 8, endOnFailure: true },
  );
  // The generator must not only make rubbish.
  expect(seen.accepted).toBeGreaterThan(seen.files / 4);
  expect(seen.strict).toBeGreaterThan(seen.files / 8);
});

test("the module line is found in any bytes", () => {
  const junk = fc.uint8Array({ maxLength: 12 }).map((bytes) => Buffer.from(bytes).toString("latin1"));
  const piece = fc.oneof(
    words(
      "module",
      "module ",
      "modul",
      "\n",
      "\r\n",
      "//",
      " ",
      "\t",
      '"',
      "`",
      "\\",
      "x.y/z",
      "/v2",
      "(",
      "\xc2\x85",
      "\xc2\xa0",
      "\xe2\x80\x83",
      "\xef\xbb\xbf",
      "\x00",
    ),
    junk,
  );
  const start = words("module ", "module ", "\n", "// x\n", "module\t", "");
  const bytes = fc
    .tuple(start, fc.array(piece, { maxLength: 7 }))
    .map(([first, parts]) => [first, ...parts])
    .map((parts) => Buffer.from(parts.join(""), "latin1"));
  let found = 0;
  fc.assert(
    fc.property(fc.array(bytes, { minLength: 4000, maxLength: 4000 }), (batch) => {
      const paths = oracle.ask(batch.map((one) => ({ op: "modulePath", args: [one.toString("base64")] })));
      for (const [i, one] of batch.entries()) {
        // Beyond ASCII the number of replacement characters may differ, never the rest.
        const blur = (path: unknown): string => String(path).replace(/\ufffd+/g, "\ufffd");
        if (paths[i] !== "") found++;
        expect([textOfGoMod(one), blur(declaredModulePath(one))]).toEqual([textOfGoMod(one), blur(paths[i])]);
      }
    }),
    { numRuns: 4, endOnFailure: true },
  );
  expect(found).toBeGreaterThan(500);
});

test("made-up go.mod files and the hash of go.mod", () => {
  const names = fc
    .sample(fc.oneof(fc.string(), path, fc.string({ unit: "binary" })), 1000)
    .filter((name) => name.isWellFormed());
  const quoted = oracle.ask(names.map((name) => ({ op: "autoQuote", args: [name] })));
  expect(names.map(synthesizeGoMod)).toEqual(quoted.map((name) => `module ${name}\n`));

  const contents = names.map((name) => createHash("sha256").update(name).digest().subarray(0, name.length));
  const hashes = oracle.ask(contents.map((content) => ({ op: "hashGoMod", args: [content.toString("base64")] })));
  expect(contents.map(h1OfGoMod)).toEqual(hashes);
});
