// What changed between the requirements of two go.mod files. A path that a file requires twice counts with the higher
// version, as in the module graph.
import { compareBytewise } from "./byte-order.ts";
import type { Requirement } from "./go-mod-file.ts";
import { compare } from "./version.ts";

/** A requirement that both files have, not alike. */
export interface RequirementChange {
  readonly path: string;
  readonly from: string;
  readonly to: string;
  readonly fromIndirect: boolean;
  readonly toIndirect: boolean;
  /** Whether the version is a higher one. */
  readonly upgrade: boolean;
}

/** Each list by module path. */
export interface RequirementDiff {
  readonly added: readonly Requirement[];
  readonly removed: readonly Requirement[];
  readonly changed: readonly RequirementChange[];
}

export function requirementDiff(from: readonly Requirement[], to: readonly Requirement[]): RequirementDiff {
  const before = highestByPath(from);
  const after = highestByPath(to);
  const changed = [...after.values()].flatMap(({ path, version, indirect }) => {
    const old = before.get(path);
    if (!old || (old.version === version && old.indirect === indirect)) return [];
    const upgrade = compare(version, old.version) > 0;
    return [{ path, from: old.version, to: version, fromIndirect: old.indirect, toIndirect: indirect, upgrade }];
  });
  return {
    added: [...after.values()].filter(({ path }) => !before.has(path)),
    removed: [...before.values()].filter(({ path }) => !after.has(path)),
    changed,
  };
}

function highestByPath(requirements: readonly Requirement[]): Map<string, Requirement> {
  const highest = new Map<string, Requirement>();
  for (const requirement of [...requirements].sort((a, b) => compareBytewise(a.path, b.path))) {
    const known = highest.get(requirement.path);
    if (!known || compare(known.version, requirement.version) < 0) highest.set(requirement.path, requirement);
  }
  return highest;
}
