// Versions as Go reads them: semantic versions with a leading v, of any length, where `v1` and `v1.2` are short for
// v1.0.0 and v1.2.0. Build metadata means nothing and is dropped, but for "+incompatible", which marks a version from v2
// on of a module whose path has no major suffix. npm's semver agrees with this for ordinary complete versions and orders
// those; it knows no short forms, and no numbers beyond 2^53, so everything else is decided here.
// Sources: Go Modules Reference, "Versions"; golang.org/x/mod/semver; golang.org/x/mod/module CanonicalVersion.

import type { SemVer } from "semver";
// One function of it: the whole package is fifty files, which every start of a command would read.
import parseSemver from "semver/functions/parse.js";
import { inTurns, sortInTurns } from "../concurrency/turns.ts";
import { invalid } from "../errors.ts";
import { compareBytewise } from "./byte-order.ts";
import { quote } from "./go-quote.ts";

/** A canonical version: `v1.2.3`, `v1.2.3-rc.1`, `v2.0.0+incompatible`, a pseudo-version. */
export type Version = string & { readonly __brand: "Version" };

export type VersionKind = "RELEASE" | "PRERELEASE" | "PSEUDO" | "INCOMPATIBLE";

type Parts = { major: string; minor: string; patch: string; short: string; prerelease: string; build: string };

const NUMBER = "(?:0|[1-9][0-9]*)";
const PRERELEASE_WORD = `(?:${NUMBER}|[0-9]*[A-Za-z-][0-9A-Za-z-]*)`;
const BUILD_WORD = "[0-9A-Za-z-]+";
const VERSION = new RegExp(
  `^v(${NUMBER})(?:\\.(${NUMBER})(?:\\.(${NUMBER})(-${PRERELEASE_WORD}(?:\\.${PRERELEASE_WORD})*)?(\\+${BUILD_WORD}(?:\\.${BUILD_WORD})*)?)?)?$`,
);

function parse(text: string): Parts | undefined {
  const found = VERSION.exec(text);
  if (!found) return undefined;
  const [, majorText = "", minor, patch, prereleaseText = "", buildText = ""] = found;
  const short = minor === undefined ? ".0.0" : patch === undefined ? ".0" : "";
  return {
    major: majorText,
    minor: minor ?? "0",
    patch: patch ?? "0",
    short,
    prerelease: prereleaseText,
    build: buildText,
  };
}

/** Whether the text is a semantic version to Go, complete or short. */
export const isValid = (text: string): boolean => VERSION.test(text);

/** The complete form without build metadata, `v1.2` as `v1.2.0`; empty if the text is not a version: semver.Canonical. */
export function canonical(text: string): string {
  const parts = parse(text);
  if (!parts) return "";
  return parts.build === "" ? text + parts.short : text.slice(0, -parts.build.length);
}

/** As canonical, but keeps `+incompatible`: module.CanonicalVersion. */
export function canonicalVersion(text: string): string {
  return canonical(text) + (build(text) === "+incompatible" ? "+incompatible" : "");
}

/** `v1` of `v1.2.3`; empty if the text is not a version. */
export function major(text: string): string {
  const parts = parse(text);
  return parts ? `v${parts.major}` : "";
}

/** `-rc.1` of `v1.2.3-rc.1`, with its dash; empty if there is none or the text is not a version. */
export const prerelease = (text: string): string => parse(text)?.prerelease ?? "";

/** `+meta` of `v1.2.3+meta`, with its plus; empty if there is none or the text is not a version. */
export const build = (text: string): string => parse(text)?.build ?? "";

/** Decimal numbers of any length, without leading zeros. */
const compareNumbers = (x: string, y: string): number =>
  x.length !== y.length ? Math.sign(x.length - y.length) : x < y ? -1 : x > y ? 1 : 0;

function comparePrereleases(x: string, y: string): number {
  if (x === y) return 0;
  if (x === "") return 1;
  if (y === "") return -1;
  const xs = x.slice(1).split(".");
  const ys = y.slice(1).split(".");
  for (let i = 0; i < Math.min(xs.length, ys.length); i++) {
    const a = xs[i] ?? "";
    const b = ys[i] ?? "";
    if (a === b) continue;
    const aIsNumber = /^[0-9]+$/.test(a);
    const bIsNumber = /^[0-9]+$/.test(b);
    if (aIsNumber !== bIsNumber) return aIsNumber ? -1 : 1;
    if (aIsNumber) return compareNumbers(a, b);
    return a < b ? -1 : 1;
  }
  return Math.sign(xs.length - ys.length);
}

/** A complete version without metadata, whose every number is exact in a double: here npm's semver agrees with Go's. */
const ORDINARY = /^v[0-9]{1,15}\.[0-9]{1,15}\.[0-9]{1,15}(?:-[0-9A-Za-z.-]{1,100})?$/;

function ordinary(text: string): SemVer | undefined {
  if (!ORDINARY.test(text) || /[0-9]{16}/.test(text)) return undefined;
  return parseSemver(text.slice(1)) ?? undefined;
}

/** A text and what npm's semver read in it, so that a long list is not read again at every comparison. */
type Reading = { text: string; ordinary: SemVer | undefined };

const read = (text: string): Reading => ({ text, ordinary: ordinary(text) });

function compareReadings(x: Reading, y: Reading): number {
  if (x.ordinary && y.ordinary) return x.ordinary.compare(y.ordinary);
  const a = parse(x.text);
  const b = parse(y.text);
  if (!a || !b) return a ? 1 : b ? -1 : 0;
  return (
    compareNumbers(a.major, b.major) ||
    compareNumbers(a.minor, b.minor) ||
    compareNumbers(a.patch, b.patch) ||
    comparePrereleases(a.prerelease, b.prerelease)
  );
}

/**
 * Precedence: negative, 0 or positive as v stands below, level with or above w. Build metadata is ignored, `v1` is level
 * with `v1.0.0`, and what is not a version stands below all that are: semver.Compare.
 */
export const compare = (v: string, w: string): number => (v === w ? 0 : compareReadings(read(v), read(w)));

/** The total order of lists: by precedence, then by the text itself: semver.Sort. */
export const compareVersions = (a: string, b: string): number => compare(a, b) || compareBytewise(a, b);

/** So many texts are read as versions without a pause. */
const READ_AT_ONCE = 2_000;

/**
 * The entries by the versions that they are of, in the order of compareVersions, ascending. Reads each version once, and others
 * have their turns meanwhile: a list may come from a hostile server.
 */
export async function sortByVersion<T>(entries: Iterable<T>, versionOf: (entry: T) => string): Promise<T[]> {
  const readings: (Reading & { entry: T })[] = [];
  for await (const part of inTurns(entries, READ_AT_ONCE))
    for (const entry of part) readings.push({ ...read(versionOf(entry)), entry });
  const sorted = await sortInTurns(readings, (a, b) => compareReadings(a, b) || compareBytewise(a.text, b.text));
  return sorted.map(({ entry }) => entry);
}

/** A copy sorted as sortByVersion does. */
export const sortVersions = <T extends string>(versions: Iterable<T>): Promise<T[]> =>
  sortByVersion(versions, (version) => version);

export const isIncompatible = (version: string): boolean => build(version) === "+incompatible";

/** The text as a canonical version; throws Failure "invalid" with the go command's words. */
export function parseVersion(text: string): Version {
  const canonicalText = canonicalVersion(text);
  if (canonical(text) === "") throw invalid(`version ${quote(text)} invalid: not a semantic version`);
  if (canonicalText !== text)
    throw invalid(`version ${quote(text)} is not canonical (should be ${quote(canonicalText)})`);
  return text as Version;
}

const PSEUDO =
  /^v[0-9]+\.(?:0\.0-|[0-9]+\.[0-9]+-(?:[^+]*\.)?0\.)[0-9]{14}-[A-Za-z0-9]+(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?$/;

/** Whether the version has the form of a pseudo-version, which see (pseudo-version.ts): module.IsPseudoVersion. */
export const isPseudoVersion = (version: string): boolean => PSEUDO.test(version) && isValid(version);

/** What a canonical version is to those who choose one; a pseudo-version is PSEUDO even if it is +incompatible. */
export function kindOf(version: string): VersionKind {
  if (isPseudoVersion(version)) return "PSEUDO";
  if (isIncompatible(version)) return "INCOMPATIBLE";
  return prerelease(version) === "" ? "RELEASE" : "PRERELEASE";
}
