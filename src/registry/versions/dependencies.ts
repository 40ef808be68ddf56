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

/** A version that was stored, with what its go.mod requires. */
export interface RequiringVersion {
  readonly id: number;
  readonly moduleId: number;
  readonly version: string;
  readonly requires: readonly Requirement[];
}

interface Dependency {
  readonly moduleId: number;
  readonly path: string;
  readonly versionId: number;
  readonly versionKey: string;
  readonly requiredVersion: string;
  readonly indirect: boolean;
}

/** Notes what versions require whose go.mod has just been stored. */
export async function noteDependencies(tx: Sql, versions: readonly RequiringVersion[]): Promise<void> {
  if (versions.length === 0) return;
  await writeDependencies(tx, dependenciesOf(versions));
  const moduleIds = [...new Set(versions.map(({ moduleId }) => moduleId))];
  await tx.$executeRaw`UPDATE module_dependency AS known SET current = false
    FROM (SELECT id, newest_version(id, 0) AS newest FROM unnest(${moduleIds}::int[]) AS given (id) OFFSET 0) AS module
    WHERE known.module_id = module.id AND known.current AND known.version_id <> module.newest`;
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
  const versions = older.map(({ id: versionId, name, ...requirement }) => ({
    ...{ id: versionId, moduleId, version: name },
    requires: [requirement],
  }));
  await writeDependencies(tx, dependenciesOf(versions));
  await tx.$executeRaw`UPDATE module_dependency AS known SET current = true
    FROM (SELECT newest_version(${moduleId}, ${id}) AS newest OFFSET 0) AS module
    WHERE known.module_id = ${moduleId} AND NOT known.current AND known.version_id = module.newest`;
}

/** Of each module and each required path the newest of these versions. */
function dependenciesOf(versions: readonly RequiringVersion[]): Dependency[] {
  const found = new Map<string, Dependency>();
  for (const { id, moduleId, version, requires } of versions) {
    const versionKey = PREFERENCE.indexOf(kindOf(version)) + versionSortKey(version);
    for (const { path, version: requiredVersion, indirect } of requires) {
      const key = `${moduleId} ${path}`;
      const known = found.get(key);
      const newer =
        !known ||
        known.versionKey < versionKey ||
        // A go.mod may require a path twice; the higher version counts.
        (known.versionId === id && compare(known.requiredVersion, requiredVersion) < 0);
      if (newer) found.set(key, { moduleId, path, versionId: id, versionKey, requiredVersion, indirect });
    }
  }
  return [...found.values()];
}

async function writeDependencies(tx: Sql, dependencies: readonly Dependency[]): Promise<void> {
  if (dependencies.length === 0) return;
  const column = <T>(value: (dependency: Dependency) => T): T[] => dependencies.map(value);
  await tx.$executeRaw`INSERT INTO module_dependency AS known
      (module_id, path, version_id, version_key, required_version, indirect, current)
    SELECT new.module_id, path, version_id, version_key, required_version, indirect, version_id = module.newest
    FROM unnest(
      ${column((d) => d.moduleId)}::int[],
      ${column((d) => d.path)}::text[],
      ${column((d) => d.versionId)}::int[],
      ${column((d) => d.versionKey)}::text[],
      ${column((d) => d.requiredVersion)}::text[],
      ${column((d) => d.indirect)}::bool[]) AS new (module_id, path, version_id, version_key, required_version, indirect)
    JOIN (
      SELECT id, newest_version(id, 0) AS newest
      FROM unnest(${[...new Set(column((d) => d.moduleId))]}::int[]) AS given (id) OFFSET 0) AS module ON module.id = new.module_id
    ON CONFLICT (module_id, path) DO UPDATE SET version_id = EXCLUDED.version_id, version_key = EXCLUDED.version_key,
      required_version = EXCLUDED.required_version, indirect = EXCLUDED.indirect, current = EXCLUDED.current
    WHERE known.version_key < EXCLUDED.version_key`;
}
