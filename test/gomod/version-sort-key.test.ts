// Byte order of sort keys is Go's order of versions: gomod/version.ts says what that is (and is compared with Go itself in
// test/conformance), this says that the keys agree with it for versions of every shape.
import { expect, test } from "vitest";
import { compareBytewise } from "../../src/gomod/byte-order.ts";
import { canonicalVersion, compareVersions, isValid } from "../../src/gomod/version.ts";
import { versionSortKey } from "../../src/gomod/version-sort-key.ts";
import fc from "../support/properties.ts";

const digits = (length: number) =>
  fc
    .tuple(
      fc.constantFrom(..."123456789"),
      fc.string({ unit: fc.constantFrom(..."0123456789"), maxLength: length - 1 }),
    )
    .map(([first, rest]) => first + rest);

/** Mostly small, so that numbers are often equal; now and then of lengths around where the keys change their form. */
const number = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom("0", "1", "2", "9", "10", "11", "99", "100") },
  { weight: 1, arbitrary: digits(20) },
  { weight: 1, arbitrary: fc.constantFrom(9, 10, 15, 16, 98, 99, 100, 101, 1000, 1001).map((n) => "7".repeat(n)) },
);

const word = fc.oneof(
  { weight: 3, arbitrary: number },
  {
    weight: 3,
    arbitrary: fc.constantFrom("a", "A", "z", "Z", "-", "--", "0-", "-0", "rc", "rc1", "rc-1", "0a", "1a", "a-"),
  },
  { weight: 1, arbitrary: fc.string({ unit: fc.constantFrom(..."019AZaz-"), minLength: 1, maxLength: 6 }) },
);

const version = fc
  .tuple(
    fc.tuple(number, number, number),
    fc.oneof(fc.constant([]), fc.array(word, { minLength: 1, maxLength: 4 })),
    fc.constantFrom("", "", "", "+incompatible"),
  )
  .map(([numbers, words, build]) => `v${numbers.join(".")}${words.length > 0 ? `-${words.join(".")}` : ""}${build}`)
  .filter((text) => isValid(text) && canonicalVersion(text) === text);

/** A version and one that differs from it in a detail, which two random ones seldom do. */
const neighbours = fc
  .tuple(version, fc.constantFrom("", "0", "-", "a", ".0", ".a", "-0"), fc.nat())
  .map(([text, insert, where]): [string, string] => {
    const at = where % (text.length + 1);
    return [text, text.slice(0, at) + insert + text.slice(at)];
  })
  .filter(([, other]) => isValid(other) && canonicalVersion(other) === other);

const agrees = ([a, b]: [string, string]): void => {
  const keys = Math.sign(compareBytewise(versionSortKey(a), versionSortKey(b)));
  expect(keys, `${a} against ${b}`).toBe(Math.sign(compareVersions(a, b)));
};

test("any two versions", () => {
  fc.assert(fc.property(fc.tuple(version, version), agrees), { numRuns: 30_000 });
});

test("versions that differ in a detail", () => {
  fc.assert(fc.property(neighbours, agrees), { numRuns: 30_000 });
});

test("numbers of a length that no one writes", () => {
  const long = ["9".repeat(99), `1${"0".repeat(99)}`, "9".repeat(999), "1".repeat(50_000), "2".repeat(50_000)];
  const versions = long.flatMap((n) => [`v1.0.0-${n}`, `v1.0.0-${n}.a`, `v1.${n}.0`, `v1.${n}.1-rc.1`]);
  for (const a of versions) for (const b of versions) agrees([a, b]);
});

test("a key is for canonical versions only", () => {
  for (const text of ["v1", "1.2.3", "v1.2", "v1.2.3-", "v1.2.3\n", "", "v1.2.3-a_b"])
    expect(() => versionSortKey(text)).toThrow("not a canonical version");
});
