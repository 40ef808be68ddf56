// Versions as rows, many at once, by their numbers or names. Whoever asks has asked before who may see them.
import type { Registry } from "../registry.ts";
import type { VersionRow } from "../rows.ts";

/** A commit makes a version of each module in its repository; more are not named. */
const MOST_OF_COMMIT = 100;

/** A VersionRow, as plain SQL reads it: every page asks for some, and through Prisma that takes ten times as long. */
const VERSION_COLUMNS = `id, module_id AS "moduleId", version, sort_key AS "sortKey", kind, time, "commit", ref, directory,
  go_mod_h1 AS "goModH1", legacy, h1, zip_key AS "zipKey", zip_size AS "zipSize", retracted,
  retract_rationale AS "retractRationale", created_at AS "createdAt", package_of AS "packageOf", package_name AS "packageName"`;

/** Versions by number. Says nothing about who may see them. */
export async function findVersionRows({ database }: Registry, ids: readonly number[]): Promise<VersionRow[]> {
  if (ids.length === 0) return [];
  const { rows } = await database.pool.query<VersionRow & { readonly zipSize: string | null }>({
    name: "versions-by-number",
    text: `SELECT ${VERSION_COLUMNS} FROM module_version WHERE id = ANY($1)`,
    values: [ids],
  });
  return rows.map((row) => ({ ...row, zipSize: row.zipSize === null ? null : BigInt(row.zipSize) }));
}

/** Versions of modules by the module's number and the version, as `1 v1.2.3`; nothing about who may see them either. */
export async function versionsInModules(
  registry: Registry,
  names: readonly { readonly moduleId: number; readonly version: string }[],
): Promise<Map<string, VersionRow>> {
  const rows = await registry.prisma.moduleVersion.findMany({
    where: { OR: names.map(({ moduleId, version }) => ({ moduleId, version: version.replaceAll("\0", " ") })) },
    omit: { goMod: true, info: true },
  });
  return new Map(rows.map((row) => [`${row.moduleId} ${row.version}`, row]));
}

/**
 * The go.mod files of versions, by the version's number, as many of them, in the order of their numbers, as have no more
 * than `maxBytes` together; null for one that upstream was not asked for.
 */
export async function goModsOf(
  registry: Registry,
  versionIds: readonly number[],
  maxBytes: number,
): Promise<Map<number, Buffer | null>> {
  const { rows } = await registry.database.pool.query<{ id: number; go_mod: Buffer | null }>(
    `SELECT id, go_mod FROM (
        SELECT id, go_mod, sum(COALESCE(octet_length(go_mod), 0)) OVER (ORDER BY id) AS total
        FROM module_version WHERE id = ANY($1)) AS v
      WHERE total <= $2`,
    [versionIds, maxBytes],
  );
  return new Map(rows.map((row) => [row.id, row.go_mod]));
}

/** The versions that were made of a commit of a project, pseudo-versions too. Says nothing about who may see them. */
export async function versionsOfCommit(
  registry: Registry,
  projectId: number,
  commit: string,
): Promise<{ readonly path: string; readonly version: string }[]> {
  const rows = await registry.prisma.moduleVersion.findMany({
    where: { module: { projectId }, commit },
    select: { version: true, module: { select: { path: true } } },
    orderBy: [{ moduleId: "asc" }, { sortKey: "desc" }],
    take: MOST_OF_COMMIT,
  });
  return rows.map(({ version, module }) => ({ path: module.path, version }));
}
