// Which versions of a list are shown at an endpoint with policies: without those that are refused, and without what a held one
// among these retracts (gomod/hidden-versions.ts). What a denied version says of others counts for nothing: it was denied
// because nobody trusts it.
import type { Retraction } from "../../gomod/go-mod-file.ts";
import { hiddenSpeaker, shownVersions } from "../../gomod/hidden-versions.ts";
import { readGoMod, readLargeGoMod } from "../versions/readable-go-mod.ts";
import { freshnessOf, type Gate, isHidden } from "./gate.ts";

/** A list as an endpoint shows it. */
export interface ShownList {
  /** In the order in which they were given. */
  readonly versions: readonly string[];
  /** Whether any was left out. */
  readonly shortened: boolean;
  /** For how long it stays so, if no rule changes and no version comes. */
  readonly freshMs: number;
}

/** What of a list is shown. `goModOf` reads the go.mod of one version; undefined if it cannot be had now. */
export async function showList(
  gate: Gate,
  versions: readonly string[],
  now: number,
  goModOf: (version: string) => Promise<Buffer | undefined>,
): Promise<ShownList> {
  const verdicts = await gate.verdicts(versions);
  const freshMs = freshnessOf(verdicts.values(), now);
  const hides = (version: string): boolean => isHidden(verdicts.get(version)!);
  if (!versions.some(hides)) return { versions, shortened: false, freshMs };
  const trusted = versions.filter((version) => verdicts.get(version)!.action !== "DENY");
  const speaker = await hiddenSpeaker(trusted, hides);
  const goMod = speaker === undefined ? undefined : await goModOf(speaker);
  if (goMod) await readLargeGoMod(goMod);
  const retracts: readonly Retraction[] = (goMod && readGoMod(goMod).file?.retracts) ?? [];
  return { versions: await shownVersions(versions, hides, retracts), shortened: true, freshMs };
}
