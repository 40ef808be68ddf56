// A pseudo-version names a commit that has no tag: the version it comes after, the time of the commit, and the first 12
// characters of its hash, so that commits sort between the tags around them. Three forms:
//   vX.0.0-yyyymmddhhmmss-abcdefabcdef        no earlier version is known
//   vX.Y.(Z+1)-0.yyyymmddhhmmss-abcdefabcdef  the version before is vX.Y.Z
//   vX.Y.Z-pre.0.yyyymmddhhmmss-abcdefabcdef  the version before is vX.Y.Z-pre
// Each may end in +incompatible. Sources: Go Modules Reference, "Pseudo-versions"; golang.org/x/mod/module (pseudo.go).

import { invalid } from "../errors.ts";
import { quote } from "./go-quote.ts";
import { build, canonical, isPseudoVersion, prerelease } from "./version.ts";

export { isPseudoVersion } from "./version.ts";

/** How many characters of a commit hash stand in a pseudo-version, of SHA-1 and SHA-256 hashes alike. */
export const SHORT_HASH_LENGTH = 12;

/** The time in UTC as it stands in a pseudo-version: yyyymmddhhmmss, fractions of a second dropped. */
export function timestampOf(time: Date): string {
  return time.toISOString().slice(0, 19).replace(/[-:T]/g, "");
}

/** The decimal number, of any length, plus one. */
function increment(decimal: string): string {
  return (BigInt(decimal) + 1n).toString();
}

/** The decimal number, of any length, minus one; undefined if it is zero. */
function decrement(decimal: string): string | undefined {
  const value = BigInt(decimal);
  return value === 0n ? undefined : (value - 1n).toString();
}

/**
 * The pseudo-version of a commit: `major` is the major version that the path asks for ("" means v0), `older` the version
 * it comes after ("" if none), `rev` the short hash: module.PseudoVersion. Build metadata of `older` is kept.
 */
export function pseudoVersion(major: string, older: string, time: Date, rev: string): string {
  const segment = `${timestampOf(time)}-${rev}`;
  const base = canonical(older);
  if (base === "") return `${major || "v0"}.0.0-${segment}`;
  if (prerelease(base) !== "") return `${base}.0.${segment}${build(older)}`;
  const patchAt = base.lastIndexOf(".") + 1;
  return `${base.slice(0, patchAt)}${increment(base.slice(patchAt))}-0.${segment}${build(older)}`;
}

const malformed = (version: string, reason: string) => invalid(`pseudo-version ${quote(version)} invalid: ${reason}`);

function split(version: string): { base: string; timestamp: string; rev: string; build: string } {
  if (!isPseudoVersion(version)) throw malformed(version, "syntax error");
  const metadata = build(version);
  const plain = metadata === "" ? version : version.slice(0, -metadata.length);
  const revAt = plain.lastIndexOf("-");
  const before = plain.slice(0, revAt);
  const dash = before.lastIndexOf("-");
  const dot = before.lastIndexOf(".");
  const end = dot > dash ? dot : dash;
  return { base: before.slice(0, end), timestamp: before.slice(end + 1), rev: plain.slice(revAt + 1), build: metadata };
}

/** The commit's time that the version claims; throws Failure "invalid" if it is no pseudo-version or no real date. */
export function pseudoVersionTime(version: string): Date {
  const { timestamp } = split(version);
  const [, year = "", month = "", day = "", hour = "", minute = "", second = ""] =
    /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)$/.exec(timestamp) ?? [];
  const time = new Date(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  // Date turns 30 February into 1 March, and 24:00:00 into the next day; Go refuses both.
  if (Number.isNaN(time.getTime()) || timestampOf(time) !== timestamp) {
    throw malformed(version, `malformed time ${quote(timestamp)}`);
  }
  return time;
}

/** The short commit hash in the version, in whatever length it was written; throws Failure "invalid". */
export const pseudoVersionRev = (version: string): string => split(version).rev;

/** The version that the pseudo-version says it comes after, or "" if it says none; throws Failure "invalid". */
export function pseudoVersionBase(version: string): string {
  const { base, build: metadata } = split(version);
  const pre = prerelease(base);
  if (pre === "") {
    if (metadata !== "") {
      throw malformed(version, `lacks base version, but has build metadata ${quote(metadata)}`);
    }
    return "";
  }
  if (pre !== "-0") return base.slice(0, -".0".length) + metadata;
  const release = base.slice(0, -pre.length);
  const patchAt = release.lastIndexOf(".") + 1;
  const patch = decrement(release.slice(patchAt));
  if (patch === undefined) throw malformed(version, `version before ${release} would have negative patch number`);
  return release.slice(0, patchAt) + patch + metadata;
}
