// What is left of a module's list when some versions are hidden. The go command reads retractions from the newest version in
// the list and from no other (cmd/go/internal/modload, checkRetractions), so with a hidden version its retractions vanish
// too, and the version that it retracts would be the latest. Therefore what the hidden one retracts is left out as well; but
// not if nothing were left then, for a hostile release could retract everything that is good.
import { isRetracted, type Retraction } from "./go-mod-file.ts";
import { retractingVersion } from "./version-list.ts";

/** The version whose retractions count although it is hidden; undefined if the list itself tells. */
export function hiddenSpeaker<V extends string>(
  versions: readonly V[],
  isHidden: (version: V) => boolean,
): V | undefined {
  const speaker = retractingVersion(versions);
  return speaker !== undefined && isHidden(speaker) ? speaker : undefined;
}

/** The versions that the list has, in their order, when a hidden version retracts some. */
export function shownVersions<V extends string>(
  versions: readonly V[],
  isHidden: (version: V) => boolean,
  retracts: readonly Retraction[],
): V[] {
  const shown = versions.filter((version) => !isHidden(version));
  const kept = shown.filter((version) => !isRetracted(version, retracts).retracted);
  return kept.length > 0 ? kept : shown;
}
