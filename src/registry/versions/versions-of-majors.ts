// The versions of several modules as one list, as pkg.go.dev has that of a module and its other major versions: newest first,
// those that are +incompatible behind all others (golang.org/x/pkgsite, internal/postgres/version.go, getPathVersions).
import type { Registry } from "../registry.ts";
import type { VersionRow } from "../rows.ts";
import { findVersionRows } from "./version-rows.ts";

/** A place in the list: `+` for an incompatible version, the sort key, the module path. */
export type MajorsKey = readonly [incompatible: string, sortKey: string, path: string];

/** At most so many, after a place if there is one. With `pseudo` also pseudo-versions. */
export async function versionsOfMajors(
  registry: Registry,
  moduleIds: readonly number[],
  { pseudo, after, take }: { readonly pseudo: boolean; readonly after: MajorsKey | undefined; readonly take: number },
): Promise<{ readonly version: VersionRow; readonly key: MajorsKey }[]> {
  const [incompatible, sortKey, path] = after ?? ["", "", ""];
  const { rows } = await registry.database.pool.query<{ id: number; path: string }>(
    `SELECT v.id, m.path FROM module_version v JOIN module m ON m.id = v.module_id
     WHERE v.module_id = ANY($1::int[]) AND ($2 OR v.kind <> 'PSEUDO')
       AND (NOT $3 OR (v.kind <> 'INCOMPATIBLE', v.sort_key COLLATE "C", m.path COLLATE "C") < ($4, $5, $6))
     ORDER BY v.kind = 'INCOMPATIBLE', v.sort_key COLLATE "C" DESC, m.path COLLATE "C" DESC LIMIT $7`,
    [[...moduleIds], pseudo, after !== undefined, incompatible === "", sortKey, path, take],
  );
  const versions = await findVersionRows(
    registry,
    rows.map(({ id }) => id),
  );
  const byId = new Map(versions.map((version) => [version.id, version]));
  return rows.flatMap(({ id, path: of }) => {
    const version = byId.get(id);
    const mark = version?.kind === "INCOMPATIBLE" ? "+" : "";
    return version ? [{ version, key: [mark, version.sortKey, of] as const }] : [];
  });
}
