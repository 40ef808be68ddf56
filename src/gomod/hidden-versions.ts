// What is left of a module's list when some versions are hidden. The go command reads retractions from the newest version in
// the list and from no other (cmd/go/internal/modload, checkRetractions), so with a hidden version its retractions vanish
// too, and the version that it retracts would be the latest. Therefore what the hidden one retracts is left out as well; but
// not if nothing were left then, for a hostile release could retract everything that is good.
import { inTurns } from "../concurrency/turns.ts";
import { type Retraction, retractedBy } from "./go-mod-file.ts";
import { retractingVersion } from "./version-list.ts";

/** So many versions are compared with retractions without a pause. */
const COMPARED_AT_ONCE = 1_000;

/** The version whose retractions count although it is hidden; undefined if the list itself tells. */
export async function hiddenSpeaker<V extends string>(
  versions: readonly V[],
  isHidden: (version: V) => boolean,
): Promise<V | undefined> {
  const speaker = await retractingVersion(versions);
  return speaker !== undefined && isHidden(speaker) ? speaker : undefined;
}

/** The versions that the list has, in their order, when a hidden version retracts some. */
export async function shownVersions<V extends string>(
  versions: readonly V[],
  isHidden: (version: V) => boolean,
  retracts: readonly Retraction[],
): Promise<V[]> {
  const shown = versions.filter((version) => !isHidden(version));
  const isRetracted = retractedBy(retracts);
  const kept: V[] = [];
  for await (const part of inTurns(shown, COMPARED_AT_ONCE))
    kept.push(...part.filter((version) => !isRetracted(version)));
  return kept.length > 0 ? kept : shown;
}
