// Which modules require which: of each module and each path that any of its stored versions requires, the newest version
// that does (ModuleDependency). It is kept in the transactions that publish versions and take them away, because the way
// back, from a path through the requirements of all versions to the modules, is a long one: what everybody uses is required
// by every version of thousands of modules.
//
// The newest version is the one that the go command would choose if nothing were retracted: a release before a pre-release
// before a pseudo-version, and of one kind the highest (Go Modules Reference, "Version queries", latest).
import type { Sql } from "../../database/sql.ts";
import type { Requirement } from "../../gomod/go-mod-file.ts";
import { compare, kindOf, type VersionKind } from "../../gomod/version.ts";
import { versionSortKey } from "../../gomod/version-sort-key.ts";

/** Kinds of versions, the preferred one last; newest_version in the migration "dependents" has them too. */
const PREFERENCE: readonly VersionKind[] = ["PSEUDO", "INCOMPATIBLE", "PRERELEASE", "RELEASE"];

/** How new a version is among those of its module, as a text: a higher one stands behind in the order of its bytes. */
export function newnessKey(version: string): string {
  return PREFERENCE.indexOf(kindOf(version)) + versionSortKey(version);
}

/** A requirement, and whether it is the one that counts of those for its path in one go.mod. */
export interface CountedRequirement extends Requirement {
  readonly counts: boolean;
}

/** Which requirements of one go.mod count: it may require a path twice; the higher version does. */
export function countingRequirements(requires: readonly Requirement[]): CountedRequirement[] {
  const highest = new Map<string, Requirement>();
  for (const requirement of requires) {
    const known = highest.get(requirement.path);
    if (!known || compare(known.version, requirement.version) < 0) highest.set(requirement.path, requirement);
  }
  return requires.map((each) => ({ ...each, counts: highest.get(each.path) === each }));
}

/** Forgets what a version of a project requires that is about to be deleted: older ones may require the same. */
export async function withdrawDependencies(
  tx: Sql,
  { id, moduleId }: { readonly id: number; readonly moduleId: number },
): Promise<void> {
  const left = await tx.$queryRaw<{ path: string }[]>`
    DELETE FROM module_dependency WHERE version_id = ${id} RETURNING path`;
  const older = await tx.$queryRaw<(Requirement & { id: number; name: string })[]>`
    SELECT id, name, path, version, indirect FROM (
      SELECT v.id, v.version AS name, r.path, r.version, r.indirect, rank() OVER (
        PARTITION BY r.path ORDER BY array_position(${[...PREFERENCE]}::text[], v.kind::text) DESC, v.sort_key DESC) AS place
      FROM module_version v JOIN requirement r ON r.version_id = v.id
      WHERE v.module_id = ${moduleId} AND v.id <> ${id} AND r.path = ANY(${left.map(({ path }) => path)})) AS older
    WHERE place = 1`;
  // A go.mod may require a path twice; the higher version counts.
  const highest = new Map<string, (typeof older)[number]>();
  for (const each of older) {
    const known = highest.get(each.path);
    if (!known || compare(known.version, each.version) < 0) highest.set(each.path, each);
  }
  await writeDependencies(tx, moduleId, [...highest.values()]);
  await tx.$executeRaw`UPDATE module_dependency AS known SET current = true
    FROM (SELECT newest_version(${moduleId}, ${id}) AS newest OFFSET 0) AS module
    WHERE known.module_id = ${moduleId} AND NOT known.current AND known.version_id = module.newest`;
}

/** Writes which version of a module is the newest that requires a path, unless a newer one is known. */
async function writeDependencies(
  tx: Sql,
  moduleId: number,
  newest: readonly (Requirement & { readonly id: number; readonly name: string })[],
): Promise<void> {
  if (newest.length === 0) return;
  const column = <T>(value: (dependency: (typeof newest)[number]) => T): T[] => newest.map(value);
  await tx.$executeRaw`INSERT INTO module_dependency AS known
      (module_id, path, version_id, version_key, required_version, indirect, current)
    SELECT ${moduleId}, path, version_id, version_key, required_version, indirect, version_id = module.newest
    FROM unnest(
      ${column((d) => d.path)}::text[],
      ${column((d) => d.id)}::int[],
      ${column((d) => newnessKey(d.name))}::text[],
      ${column((d) => d.version)}::text[],
      ${column((d) => d.indirect)}::bool[]) AS new (path, version_id, version_key, required_version, indirect),
      (SELECT newest_version(${moduleId}, 0) AS newest OFFSET 0) AS module
    ON CONFLICT (module_id, path) DO UPDATE SET version_id = EXCLUDED.version_id, version_key = EXCLUDED.version_key,
      required_version = EXCLUDED.required_version, indirect = EXCLUDED.indirect, current = EXCLUDED.current
    WHERE known.version_key < EXCLUDED.version_key`;
}
