// A version as text whose byte order is Go's version order (golang.org/x/mod/semver, "Compare"), so that a database can
// keep versions sorted and page through them without knowing what a version is.
//
// Numbers are written with the count of their digits in front (a longer number is a larger one). A pre-release sorts
// below its release; its identifiers are joined by "!", which sorts below every character that they may hold, numeric
// ones begin with 0 and others with 1 (numeric is lower). What equal versions differ in (+incompatible) comes last.

const RELEASE = "~";
const PRERELEASE = "-";

/** The sort key of a canonical version, with or without +incompatible. */
export function versionSortKey(version: string): string {
  const match = /^v(\d+)\.(\d+)\.(\d+)(?:-([0-9A-Za-z.-]+))?(\+[0-9A-Za-z.-]+)?$/.exec(version);
  if (!match) throw new Error(`not a canonical version: ${version}`);
  const [, major = "", minor = "", patch = "", prerelease, build = ""] = match;
  const numbers = [major, minor, patch].map(numberKey).join("");
  if (prerelease === undefined) return numbers + RELEASE + build;
  const identifiers = prerelease.split(".").map((word) => (/^\d+$/.test(word) ? `0${numberKey(word)}` : `1${word}`));
  return `${numbers}${PRERELEASE}${identifiers.join("!")} ${build}`;
}

/** A number, in decimal digits without leading zeros, such that byte order is the order of numbers. */
export function numberKey(digits: string): string {
  const length = digits.length;
  // Lengths up to 99 take two digits; the rare longer ones carry the length of their length.
  return length < 100 ? String(length).padStart(2, "0") + digits : `:${String(length).padStart(6, "0")}${digits}`;
}
