// Everything that the rows promise of versions, in parts, for whoever compares it with what is really there (fsck).
import { versionSortKey } from "../../gomod/version-sort-key.ts";
import type { Registry } from "../registry.ts";

const AT_ONCE = 500;
const MAX_ID = 2 ** 31 - 1;

/** A version with what its row says of bytes elsewhere. */
export interface VersionWithBytes {
  readonly id: number;
  readonly modulePath: string;
  readonly version: string;
  /** Null for one from upstream. */
  readonly projectId: number | null;
  /** The commit that it was made of; null for one from upstream and for an uploaded one. */
  readonly commit: string | null;
  /** The directory of the module in its repository. */
  readonly directory: string;
  readonly goMod: Buffer | null;
  readonly goModH1: string | null;
  /**
   * The sum of its zip, which has `zipSize` bytes and lies under `zipKey`; all null: there is none yet. Of a zip that was
   * evicted only the sum is promised.
   */
  readonly h1: string | null;
  readonly zipKey: string | null;
  readonly zipSize: number | null;
  /** Whether it stands in lists where Go's order has it. */
  readonly isInOrder: boolean;
  /** Whether it is published although it was taken back for ever. */
  readonly isBuried: boolean;
}

interface Row extends Omit<VersionWithBytes, "zipSize" | "isInOrder"> {
  readonly zipSize: string | null;
  readonly sortKey: string;
}

/** All versions by their numbers, or those with greater ones than `after` up to `end`, in parts. */
export async function* storedVersions(
  registry: Registry,
  { after: before, end }: { readonly after: number; readonly end: number } = { after: 0, end: MAX_ID },
): AsyncGenerator<readonly VersionWithBytes[]> {
  for (let after = before; ; ) {
    const { rows } = await registry.database.pool.query<Row>({
      name: "stored-versions",
      text: `SELECT v.id, m.path AS "modulePath", v.version, m.project_id AS "projectId", v."commit", v.directory,
          v.go_mod AS "goMod", v.go_mod_h1 AS "goModH1", v.h1,
          CASE WHEN e.version_id IS NULL THEN v.zip_key END AS "zipKey", v.zip_size AS "zipSize",
          v.sort_key AS "sortKey", COALESCE(NOT t.returnable, false) AS "isBuried"
        FROM module_version v JOIN module m ON m.id = v.module_id
        LEFT JOIN tombstone t ON t.module_path = m.path AND t.version = v.version
        LEFT JOIN evicted_zip e ON e.version_id = v.id
        WHERE v.id > $1 AND v.id <= $2 ORDER BY v.id LIMIT ${AT_ONCE}`,
      values: [after, end],
    });
    if (rows.length === 0) return;
    yield rows.map(({ zipSize, sortKey, ...row }) => ({
      ...row,
      zipSize: zipSize === null ? null : Number(zipSize),
      isInOrder: sortKey === versionSortKey(row.version),
    }));
    after = rows.at(-1)!.id;
  }
}

/** How many versions there are. */
export async function countStoredVersions(registry: Registry): Promise<number> {
  const { rows } = await registry.database.pool.query<{ count: string }>("SELECT count(*) FROM module_version");
  return Number(rows[0]!.count);
}

/** What was recorded of the refs of a project: names and the objects that they name. */
export async function recordedRefs(registry: Registry, projectId: number): Promise<ReadonlyMap<string, string>> {
  const { rows } = await registry.database.pool.query<{ name: string; oid: string }>(
    "SELECT name, oid FROM ref WHERE project_id = $1",
    [projectId],
  );
  return new Map(rows.map(({ name, oid }) => [name, oid]));
}
