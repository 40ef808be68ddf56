// The list of a module's versions, and the latest of them. A list holds what the tags say, in ascending order; only
// +incompatible versions need a look at go.mod files. They exist for repositories that reached v2 before modules: once the
// highest version up to v1 has a go.mod the author is taken to know modules, and higher majors without a suffix are left
// out; likewise a major whose highest version has a go.mod. Sources: Go Modules Reference, "Compatibility with non-module
// repositories"; cmd/go/internal/modfetch/coderepo.go appendIncompatibleVersions; modload/query.go.
//
// A list may come from anybody's server and have a million lines, so others have their turns while one is read.

import { inTurns } from "../concurrency/turns.ts";
import { pseudoVersionTime } from "./pseudo-version.ts";
import { rfc3339Time } from "./rfc3339.ts";
import { isIncompatible, isPseudoVersion, isValid, major, prerelease, sortVersions } from "./version.ts";

/** So many entries are looked at without a pause. */
const AT_ONCE = 2_000;

/** A version that a tag stands for (versionOfTag) and whether there is a file go.mod in the root of that commit. */
export type ListCandidate = { version: string; hasGoMod: boolean };

/** The versions of one module path that its list holds, ascending. */
export async function listedVersions(items: readonly ListCandidate[]): Promise<string[]> {
  const hasGoMod = new Map(items.map((item) => [item.version, item.hasGoMod]));
  const all = await sortVersions(hasGoMod.keys());
  const compatible = all.filter((version) => !isIncompatible(version));
  const highest = compatible.at(-1);
  if (highest !== undefined && hasGoMod.get(highest)) return compatible;

  // The last entry of each major stays, as the list ascends.
  const incompatible = all.filter((version) => isIncompatible(version));
  const highestOfMajor = new Map(incompatible.map((version) => [major(version), version]));
  return [
    ...compatible,
    ...incompatible.filter((version) => !hasGoMod.get(highestOfMajor.get(major(version)) ?? version)),
  ];
}

/**
 * Which of the versions, whose go.mod files are worth reading, must be read before listedVersions can decide: the highest
 * compatible one, and the highest of each incompatible major. None if there is nothing +incompatible.
 */
export async function versionsThatDecide(versions: readonly string[]): Promise<string[]> {
  const all = await sortVersions(versions);
  const incompatible = all.filter((version) => isIncompatible(version));
  if (incompatible.length === 0) return [];
  const highest = all.findLast((version) => !isIncompatible(version));
  const highestOfMajor = new Map(incompatible.map((version) => [major(version), version]));
  return [...(highest === undefined ? [] : [highest]), ...highestOfMajor.values()];
}

/**
 * The version that `latest` means: the highest release that is not retracted, else the highest such pre-release; undefined
 * if there is neither, where a pseudo-version of the default branch takes its place. Pseudo-versions in the list are ignored.
 */
export async function latestVersion<T extends string>(
  versions: Iterable<T>,
  isRetracted: (version: T) => boolean,
): Promise<T | undefined> {
  const descending = (await sortVersions(versions)).reverse();
  let latest: T | undefined;
  for await (const part of inTurns(descending, AT_ONCE))
    for (const version of part) {
      const isRelease = prerelease(version) === "";
      // A pre-release is taken only where no release follows.
      if ((!isRelease && latest !== undefined) || isPseudoVersion(version) || isRetracted(version)) continue;
      if (isRelease) return version;
      latest = version;
    }
  return latest;
}

/** The version whose go.mod tells what is retracted: the highest compatible release, else pre-release; or undefined. */
export async function retractingVersion<T extends string>(versions: Iterable<T>): Promise<T | undefined> {
  return await latestVersion(
    Array.from(versions).filter((version) => !isIncompatible(version)),
    () => false,
  );
}

/** A line of a proxy's list: a version, and its time if the proxy tells it (golang.org/issue/32789). */
export interface ListLine {
  readonly version: string;
  readonly time: Date | undefined;
}

/** The lines of a list that begin with a version, in their order. */
export async function linesOfList(text: string): Promise<ListLine[]> {
  const found: ListLine[] = [];
  for await (const part of inTurns(text.split("\n"), AT_ONCE))
    for (const line of part) {
      const [version = "", time = ""] = line.trim().split(/\s+/, 2);
      if (isValid(version)) found.push({ version, time: rfc3339Time(time) });
    }
  return found;
}

/**
 * The version that `latest` means where a proxy has a list and no @latest: as latestVersion says, and where there are
 * pseudo-versions alone the newest, by the time on its line, else by its own; undefined if the list holds nothing. Source:
 * cmd/go/internal/modfetch/proxy.go latestFromList.
 */
export async function latestOfList(lines: readonly ListLine[]): Promise<string | undefined> {
  const named = await latestVersion(
    lines.map(({ version }) => version),
    () => false,
  );
  return named ?? (await newestPseudoVersion(lines));
}

/** The newest pseudo-version; of two of one time the first. */
export async function newestPseudoVersion(lines: readonly ListLine[]): Promise<string | undefined> {
  let newest: { version: string; time: number } | undefined;
  for await (const part of inTurns(lines, AT_ONCE))
    for (const { version, time } of part) {
      if (!isPseudoVersion(version)) continue;
      const at = (time ?? ownTime(version))?.getTime();
      if (at !== undefined && (newest === undefined || at > newest.time)) newest = { version, time: at };
    }
  return newest?.version;
}

function ownTime(version: string): Date | undefined {
  try {
    return pseudoVersionTime(version);
  } catch {
    return undefined; // a date that there never was
  }
}
