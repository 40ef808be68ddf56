// Which versions the list of a module holds, and which of them is the latest, as the go command has both (Go Modules
// Reference, "GOPROXY protocol"; gomod/version-list.ts has the rules). One file, because both follow from the same rows:
// what was published, and tags that stand in the list without being versions.

import { Prisma } from "../../database/generated/client.ts";
import { readRows } from "../../database/sql.ts";
import { latestVersion, listedVersions } from "../../gomod/version-list.ts";
import type { Registry } from "../registry.ts";
import type { ProjectRow, VersionRow } from "../rows.ts";
import { findVersionRows } from "./version-rows.ts";

/** A name in the list of a module. */
export interface ListedVersion {
  readonly version: string;
  readonly retracted: boolean;
  /** Whether it can be served: the go command lists tags that it then refuses. */
  readonly usable: boolean;
}

/**
 * The versions in the list of a module, ascending, by Go's rules, with tags that are refused only where the project lists
 * these (listRefused); undefined when there is none and the project never had such a module.
 */
export async function listModule(
  registry: Registry,
  project: Pick<ProjectRow, "id" | "listRefused">,
  modulePath: string,
): Promise<ListedVersion[] | undefined> {
  const { rows } = await registry.database.pool.query<NameRow>({
    name: "list-module",
    text: `SELECT v.version, NOT v.legacy AS has_go_mod, v.retracted, true AS usable
        FROM module m LEFT JOIN module_version v ON v.module_id = m.id AND v.kind <> 'PSEUDO'
        WHERE m.path = $1 AND m.project_id = $2
      UNION ALL
      SELECT r.version, r.has_go_mod, false, false FROM rejected_tag r
        WHERE r.module_path = $1 AND r.project_id = $2 AND r.listed AND r.version IS NOT NULL`,
    values: [modulePath, project.id],
  });
  // Of a tag that is refused the go.mod counts all the same where it decides about +incompatible versions.
  const found = (await listed(rows)).filter(({ usable }) => usable || project.listRefused);
  return found.length > 0 || rows.some((row) => row.usable) ? found : undefined;
}

interface NameRow {
  version: string | null;
  has_go_mod: boolean;
  retracted: boolean;
  usable: boolean;
}

/** The go command's list of what is there. */
async function listed(rows: readonly NameRow[]): Promise<ListedVersion[]> {
  const known = new Map<string, NameRow>();
  for (const row of rows) if (row.version !== null && !known.get(row.version)?.usable) known.set(row.version, row);
  const items = [...known].map(([version, row]) => ({ version, hasGoMod: row.has_go_mod }));
  return (await listedVersions(items)).map((version) => {
    const { retracted, usable } = known.get(version)!;
    return { version, retracted, usable };
  });
}

/** The newest versions of modules, as @latest has it: releases before pre-releases, none retracted. By module number. */
export async function latestVersions(
  registry: Registry,
  moduleIds: readonly number[],
): Promise<Map<number, VersionRow>> {
  const newest = await readRows<{ module_id: number; legacy: boolean | null; id: number | null }>(
    registry.database.pool,
    Prisma.sql`
    SELECT m.id AS module_id,
      (SELECT kind = 'INCOMPATIBLE' FROM module_version
        WHERE module_id = m.id AND kind <> 'PSEUDO' ORDER BY sort_key DESC LIMIT 1) AS legacy,
      COALESCE(
        (SELECT id FROM module_version
          WHERE module_id = m.id AND kind = 'RELEASE' AND NOT retracted ORDER BY sort_key DESC LIMIT 1),
        (SELECT id FROM module_version
          WHERE module_id = m.id AND kind = 'PRERELEASE' AND NOT retracted ORDER BY sort_key DESC LIMIT 1)) AS id
    FROM unnest(${[...moduleIds]}::int[]) AS m (id)`,
  );
  const ids = newest.filter((row) => !row.legacy).map((row) => row.id);
  const legacy = newest.filter((row) => row.legacy).map((row) => row.module_id);
  ids.push(...(await latestOfLegacy(registry, legacy)));
  const versions = await findVersionRows(
    registry,
    ids.filter((id) => id !== null),
  );
  return new Map(versions.map((version) => [version.moduleId, version]));
}

/** The newest version of modules with +incompatible versions, few and old: whether these count only the whole list can tell. */
async function latestOfLegacy(registry: Registry, moduleIds: readonly number[]): Promise<number[]> {
  if (moduleIds.length === 0) return [];
  const rows = await readRows<NameRow & { module_id: number; id: number | null }>(
    registry.database.pool,
    Prisma.sql`
    SELECT v.module_id, v.id, v.version, NOT v.legacy AS has_go_mod, v.retracted, true AS usable
      FROM module_version v WHERE v.module_id = ANY(${[...moduleIds]}::int[]) AND v.kind <> 'PSEUDO'
    UNION ALL
    SELECT m.id, NULL, r.version, r.has_go_mod, false, false
      FROM rejected_tag r JOIN module m ON m.path = r.module_path AND m.project_id = r.project_id
      WHERE m.id = ANY(${[...moduleIds]}::int[]) AND r.listed AND r.version IS NOT NULL`,
  );
  const latestIds: number[] = [];
  for (const ofModule of Map.groupBy(rows, (row) => row.module_id).values()) {
    const usable = (await listed(ofModule)).filter((entry) => entry.usable);
    const retracted = new Set(usable.filter((entry) => entry.retracted).map((entry) => entry.version));
    const latest = await latestVersion(
      usable.map((entry) => entry.version),
      (version) => retracted.has(version),
    );
    const id = ofModule.find((row) => row.id !== null && row.version === latest)?.id;
    if (id) latestIds.push(id);
  }
  return latestIds;
}
