// Paths and versions: src/gomod against golang.org/x/mod on generated names, words of refusal included.

import { afterAll, beforeAll, expect, test } from "vitest";
import { foldCase } from "../../../src/gomod/case-fold.ts";
import { quote, unquote } from "../../../src/gomod/go-quote.ts";
import {
  checkFilePath,
  checkPath,
  checkPathMajor,
  escapePath,
  escapeVersion,
  matchPrefixPatterns,
  parseModulePath,
  splitPathMajor,
  unescapePath,
  unescapeVersion,
} from "../../../src/gomod/module-path.ts";
import {
  pseudoVersion,
  pseudoVersionBase,
  pseudoVersionRev,
  pseudoVersionTime,
} from "../../../src/gomod/pseudo-version.ts";
import { isLetter, isPrintable, isSpace } from "../../../src/gomod/unicode.ts";
import {
  build,
  canonical,
  canonicalVersion,
  compare,
  compareVersions,
  isPseudoVersion,
  isValid,
  major,
  prerelease,
} from "../../../src/gomod/version.ts";
import fc from "../../support/properties.ts";
import { buildOracle, type Oracle, orRefusal } from "./oracle.ts";

let oracle: Oracle;
beforeAll(() => {
  oracle = buildOracle();
}, 120_000);
afterAll(() => oracle.remove());

/** Three times as many take three times as long. */
const BATCH = process.env.CONFORMANCE === undefined ? 1000 : 3000;

/** Compares ours with the oracle's answers on batches of generated arguments, and shrinks to the arguments that differ. */
function agree<Args extends unknown[]>(
  op: string,
  args: fc.Arbitrary<Args>,
  ours: (...args: Args) => unknown,
  batches = 1,
): void {
  fc.assert(
    fc.property(fc.array(args, { minLength: BATCH, maxLength: BATCH }), (batch) => {
      const theirs = oracle.ask(batch.map((one) => ({ op, args: one })));
      expect(theirs.length).toBe(batch.length);
      for (const [i, one] of batch.entries()) {
        const said = JSON.parse(JSON.stringify(ours(...one) ?? null));
        expect({ op, args: one, answer: said }).toEqual({ op, args: one, answer: theirs[i] });
      }
    }),
    { numRuns: batches, endOnFailure: true },
  );
}

const words = (...list: string[]): fc.Arbitrary<string> => fc.constantFrom(...list);
const concat = (part: fc.Arbitrary<string>, max: number): fc.Arbitrary<string> =>
  fc.array(part, { maxLength: max }).map((parts) => parts.join(""));

const anyCharacter = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 0x20, max: 0x7e }).map((code) => String.fromCharCode(code)) },
  { weight: 1, arbitrary: fc.string({ unit: "binary", minLength: 1, maxLength: 1 }) },
  {
    weight: 1,
    arbitrary: words("é", "ß", "K", "ſ", "ı", "İ", "испытание", "☺", "́", "\u200b", "𐐷", "\u{1df25}", "\u{1c89}"),
  },
);

const pathPiece = fc.oneof(
  {
    weight: 5,
    arbitrary: words("x", "example.com", "github.com", "a.b", "lib", "Acme", "go-x", "x_y", "~", "tool~1", "v", "sub"),
  },
  { weight: 4, arbitrary: words("/", "/", "/", ".", "-", "..", "//", "~1", "!", "!a", "@", "+", " ") },
  {
    weight: 2,
    arbitrary: words("/v2", "/v1", "/v0", "/v10", "/v02", "/v2.0", ".v1", ".v2", ".v0", ".v01", "-unstable", "v3"),
  },
  { weight: 1, arbitrary: words("gopkg.in/", "con", "AUX", "nul.x", "Com1", "lpt9.tar.gz", "com0", "prn2", "COM¹") },
  { weight: 1, arbitrary: anyCharacter },
);
const path = fc.oneof(
  concat(pathPiece, 7),
  concat(anyCharacter, 6),
  concat(pathPiece, 4).map((rest) => `x.y/${rest}`),
);

const number = fc.oneof(
  words("0", "1", "2", "10", "99", "00", "01", "9007199254740993", "9999999999999999999999", "123456789012345", ""),
  fc.nat(3).map(String),
);
const identifier = fc.oneof(
  words(
    "rc",
    "0",
    "-",
    "alpha",
    "beta",
    "a",
    "A",
    "0a",
    "00",
    "1",
    "11",
    "2",
    "9007199254740993",
    "9007199254740992",
    "Z",
    "--",
    "é",
    "",
  ),
  words("20060102150405", "0.20060102150405", "20060230000000", "2006010215040", "0123456789ab"),
  fc.string({ maxLength: 3 }),
);
const timed = fc
  .tuple(
    number,
    number,
    number,
    words("-", "-0.", "-rc.0.", "-rc.", ".0.", "--.0.", "-0.0."),
    identifier,
    words("-", "."),
    words("0123456789ab", "x", "a_b", ""),
    words("", "+incompatible", "+meta", "+"),
  )
  .map(([a, b, c, join, stamp, dash, rev, meta]) => `v${a}.${b}.${c}${join}${stamp}${dash}${rev}${meta}`);
const version = fc.oneof(
  fc
    .tuple(
      words("v", "v", "v", "v", "V", "", "v."),
      fc.array(number, { maxLength: 4 }),
      fc.array(identifier, { maxLength: 3 }),
      words("", "", "+incompatible", "+meta", "+", "+a.b", "+a..b", "+a_b"),
    )
    .map(([v, numbers, ids, meta]) => v + numbers.join(".") + (ids.length > 0 ? `-${ids.join(".")}` : "") + meta),
  timed,
  timed,
);

test("letters, printable characters and white space are Go's", () => {
  const [unicode] = oracle.ask([{ op: "unicode", args: [] }]) as [
    Record<"letters" | "printable" | "spaces" | "folds", [number, number][]>,
  ];
  const runs = (is: (character: string) => boolean): [number, number][] => {
    const found: [number, number][] = [];
    for (let code = 0; code <= 0x10ffff; code++) {
      if (!is(String.fromCodePoint(code))) continue;
      const last = found.at(-1);
      if (last?.[1] === code - 1) last[1] = code;
      else found.push([code, code]);
    }
    return found;
  };
  expect(runs(isLetter)).toEqual(unicode.letters);
  expect(runs(isPrintable)).toEqual(unicode.printable);
  expect(runs(isSpace)).toEqual(unicode.spaces);

  // Two characters of file names are one to foldCase exactly if they are one to Go.
  const lowest = new Map(unicode.folds);
  const ours = new Map<string, number>();
  const theirs = new Map<number, string>();
  for (let code = 0; code <= 0x10ffff; code++) {
    const character = String.fromCodePoint(code);
    if (code >= 0x80 && !isLetter(character)) continue;
    const folded = foldCase(character);
    const low = lowest.get(code) ?? code;
    expect([character, ours.get(folded) ?? low]).toEqual([character, low]);
    expect([character, theirs.get(low) ?? folded]).toEqual([character, folded]);
    ours.set(folded, low);
    theirs.set(low, folded);
  }
});

test("module paths", () => {
  agree("checkPath", fc.tuple(path), checkPath, 3);
  agree("splitPathMajor", fc.tuple(path), splitPathMajor);
  agree("escapePath", fc.tuple(path), (text) => orRefusal(() => escapePath(parseModulePath(text))));
  agree("unescapePath", fc.tuple(path), (text) => orRefusal(() => unescapePath(text)));
});

test("file paths", () => {
  agree("checkFilePath", fc.tuple(path), checkFilePath, 3);
});

test("escaped versions", () => {
  const some = fc.oneof(version, path);
  agree("escapeVersion", fc.tuple(some), (text) => orRefusal(() => escapeVersion(text)));
  agree("unescapeVersion", fc.tuple(some), (text) => orRefusal(() => unescapeVersion(text)));
});

test("major suffixes", () => {
  const pathMajor = words("", "/v2", "/v3", "/v10", ".v0", ".v1", ".v2", ".v2-unstable", ".v1-unstable");
  agree("checkPathMajor", fc.tuple(version, pathMajor), checkPathMajor);
});

test("private patterns", () => {
  const piece = words(
    "*",
    "?",
    "x",
    "y",
    "rsc.io",
    "/",
    "/",
    ",",
    "[a-z]",
    "[^x]",
    "[",
    "]",
    "-",
    "^",
    "\\",
    ".",
    "[x-",
    "é",
    "[]",
    "[b-a]",
    "[^b-a]",
    "𐐷",
  );
  // Beyond ASCII, where no module path goes, path.Match lets a star end within a character.
  const target = concat(words("x", "y", "rsc.io", "/", "/", "-", "]", ".", "*", "a", "^"), 5);
  agree("matchPrefixPatterns", fc.tuple(concat(piece, 6), target), matchPrefixPatterns, 3);
});

test("versions and pseudo-versions", () => {
  agree(
    "version",
    fc.tuple(version),
    (text) => ({
      isValid: isValid(text),
      canonical: canonical(text),
      canonicalVersion: canonicalVersion(text),
      major: major(text),
      prerelease: prerelease(text),
      build: build(text),
      isPseudo: isPseudoVersion(text),
      rev: orRefusal(() => pseudoVersionRev(text)),
      base: orRefusal(() => pseudoVersionBase(text)),
      time: orRefusal(() => pseudoVersionTime(text).toISOString().replace(".000Z", "Z")),
    }),
    5,
  );
  const seconds = fc.integer({ min: -62135596800, max: 253402300799 });
  agree(
    "pseudoVersion",
    fc.tuple(words("", "v0", "v1", "v2"), fc.oneof(version, fc.constant("")), seconds, words("0123456789ab", "x")),
    (wanted, older, at, rev) => pseudoVersion(wanted, older, new Date(at * 1000), rev),
  );
});

test("the order of versions", () => {
  const similar = fc
    .tuple(
      words("v1", "v1.0", "v1.0.0", "v1.2.3", "v9007199254740993.0.0"),
      fc.array(identifier, { maxLength: 3 }),
      words("", "", "+a"),
    )
    .map(([v, ids, meta]) => v + (ids.length > 0 ? `-${ids.join(".")}` : "") + meta);
  agree("compare", fc.tuple(fc.oneof(version, similar), fc.oneof(version, similar)), compare, 3);
  agree("compare", fc.tuple(similar, similar), compare, 3);
  const ascii = similar.filter((text) => /^[ -~]*$/.test(text));
  agree("sort", fc.tuple(fc.array(ascii, { maxLength: 12 })), (versions) => versions.toSorted(compareVersions));
});

test("quoted strings", () => {
  const piece = fc.oneof(
    words("\\", '"', "`", "\\x", "\\u00e9", "\\U0001f600", "\\ud800", "\\n", "\\'", "\\101", "\\777", "\r", "\n"),
    anyCharacter,
  );
  agree("quote", fc.tuple(concat(piece, 6)), quote);
  const literal = fc
    .tuple(words('"', '"', "`", ""), concat(piece, 5), words('"', "`", ""))
    .map((parts) => parts.join(""));
  agree(
    "unquote",
    fc.tuple(literal.filter((text) => !text.startsWith("'"))),
    (text) => unquote(text) ?? { error: "invalid syntax" },
    2,
  );
});
