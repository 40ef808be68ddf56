// The list of a module's versions, and the latest of them. A list holds what the tags say, in ascending order; only
// +incompatible versions need a look at go.mod files. They exist for repositories that reached v2 before modules: once the
// highest version up to v1 has a go.mod the author is taken to know modules, and higher majors without a suffix are left
// out; likewise a major whose highest version has a go.mod. Sources: Go Modules Reference, "Compatibility with non-module
// repositories"; cmd/go/internal/modfetch/coderepo.go appendIncompatibleVersions; modload/query.go.

import { isIncompatible, isPseudoVersion, major, prerelease, sortVersions } from "./version.ts";

/** A version that a tag stands for (versionOfTag) and whether there is a file go.mod in the root of that commit. */
export type ListCandidate = { version: string; hasGoMod: boolean };

/** The versions of one module path that its list holds, ascending. */
export function listedVersions(items: readonly ListCandidate[]): string[] {
  const hasGoMod = new Map(items.map((item) => [item.version, item.hasGoMod]));
  const all = sortVersions(hasGoMod.keys());
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
export function versionsThatDecide(versions: readonly string[]): string[] {
  const all = sortVersions(versions);
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
export function latestVersion<T extends string>(
  versions: Iterable<T>,
  isRetracted: (version: T) => boolean,
): T | undefined {
  const descending = sortVersions(versions)
    .reverse()
    .filter((version) => !isPseudoVersion(version));
  return (
    descending.find((version) => prerelease(version) === "" && !isRetracted(version)) ??
    descending.find((version) => prerelease(version) !== "" && !isRetracted(version))
  );
}

/** The version whose go.mod tells what is retracted: the highest compatible release, else pre-release; or undefined. */
export function retractingVersion<T extends string>(versions: Iterable<T>): T | undefined {
  return latestVersion(
    Array.from(versions).filter((version) => !isIncompatible(version)),
    () => false,
  );
}
