// What hooks are told of versions: which were published in a project, and which are retracted from now on. Pseudo-versions
// are made when somebody asks for a commit, and are no news.
import type { Sql } from "../../database/sql.ts";
import { announce } from "../forge/hook-events.ts";

/** Tells hooks of versions that have entered in a project, in the transaction in which they did. */
export async function announceVersions(
  tx: Sql,
  projectId: number,
  entered: readonly { readonly id: number; readonly kind: string }[],
  actor?: string,
): Promise<void> {
  const ids = entered.filter(({ kind }) => kind !== "PSEUDO").map(({ id }) => id);
  if (ids.length === 0 || !(await hasHooks(tx))) return;
  const rows = await tx.$queryRaw<
    object[]
  >`SELECT m.path, v.version, v.time, v."commit", v.h1 AS sum, v.go_mod_h1 AS go_mod_sum
    FROM module_version v JOIN module m ON m.id = v.module_id WHERE v.id = ANY(${ids}) ORDER BY v.id`;
  await announce(tx, { projectId }, "version.published", rows, actor);
}

/** Tells hooks of versions that are retracted from now on; those from upstream are nobody's news. */
export async function announceRetractions(tx: Sql, ids: readonly number[]): Promise<void> {
  if (ids.length === 0 || !(await hasHooks(tx))) return;
  const rows = await tx.$queryRaw<
    { project_id: number; path: string; version: string; rationale: string | null }[]
  >`SELECT m.project_id, m.path, v.version, v.retract_rationale AS rationale
    FROM module_version v JOIN module m ON m.id = v.module_id
    WHERE v.id = ANY(${[...ids]}) AND m.project_id IS NOT NULL ORDER BY v.id`;
  for (const [projectId, versions] of Map.groupBy(rows, (row) => row.project_id))
    await announce(
      tx,
      { projectId },
      "version.retracted",
      versions.map(({ path, version, rationale }) => ({ path, version, rationale })),
    );
}

/** Whether there is any hook at all: most servers have none, and a push of 10,000 tags need not be written down for nobody. */
async function hasHooks(tx: Sql): Promise<boolean> {
  const [row] = await tx.$queryRaw<{ any: boolean }[]>`SELECT EXISTS (SELECT FROM hook) AS any`;
  return row!.any;
}
