// Names under which other content may have been served before a project publishes something: a module from upstream, before
// the project came to own the path, by a module prefix or because the module host is another one; and a version of the
// project itself that the database lost, as with an older one that took its place, while the checksum log had its record
// again from the journal. Somebody's go.sum knows that content, and so does the checksum log: a project publishes the very
// same under such a name, or another version.
import type { Sql } from "../../database/sql.ts";
import { h1OfGoMod } from "../../gomod/dir-hash.ts";
import type { Registry } from "../registry.ts";

/** What was served under a name. */
export interface ServedBefore {
  readonly goModH1: string;
  /** Undefined: nobody had the zip. */
  readonly h1: string | undefined;
  /** Whether it was published here, and is lost. */
  readonly isLost: boolean;
}

interface Name {
  readonly modulePath: string;
  readonly version: string;
}

/**
 * What was served under some names, and is no version of a project now, by `path@version`. Throws unavailable while it is not
 * known whether the database lost some of it.
 */
export async function servedBefore(
  registry: Pick<Registry, "prisma" | "demandCompared">,
  names: readonly Name[],
  sql: Pick<Sql, "$queryRaw"> = registry.prisma,
): Promise<ReadonlyMap<string, ServedBefore>> {
  if (names.length === 0) return new Map();
  const [server, ...rows] = await sql.$queryRaw<
    { name: string; go_mod_h1: string; h1: string | null; lost: boolean }[]
  >`
    WITH asked AS (
      SELECT * FROM unnest(
        ${names.map(({ modulePath }) => modulePath)}::text[], ${names.map(({ version }) => version)}::text[]
      ) AS asked (path, version))
    SELECT extract(epoch FROM pg_postmaster_start_time())::text AS name, '' AS go_mod_h1, NULL AS h1, false AS lost
    UNION ALL
    SELECT path || '@' || asked.version, v.go_mod_h1, v.h1, false FROM asked
      JOIN module m USING (path) JOIN module_version v ON v.module_id = m.id AND v.version = asked.version
      WHERE m.origin = 'UPSTREAM' AND v.go_mod_h1 IS NOT NULL
    UNION ALL
    SELECT path || '@' || version, 'h1:' || encode(r.go_mod_h1, 'base64'), 'h1:' || encode(r.h1, 'base64'), r.basis = 'HOSTED'
      FROM asked JOIN sum_record r USING (path, version)
      WHERE r.basis <> 'HOSTED' OR NOT EXISTS (
        SELECT FROM module m JOIN module_version v ON v.module_id = m.id AND v.version = r.version
          WHERE m.path = r.path AND m.origin = 'HOSTED'
      ) AND NOT EXISTS (SELECT FROM tombstone t WHERE t.module_path = r.path AND t.version = r.version)`;
  registry.demandCompared(server!.name);
  // The record comes last: it knows the zip.
  return new Map(
    rows.map(({ name, go_mod_h1: goModH1, h1, lost: isLost }) => [name, { goModH1, h1: h1 ?? undefined, isLost }]),
  );
}

/** Whether a version has other content than what was served under its name. A zip that is not known on both sides says nothing. */
export function differs(
  { goMod, h1 }: { readonly goMod: Buffer; readonly h1?: string | undefined },
  before: ServedBefore,
): boolean {
  if (before.goModH1 !== h1OfGoMod(goMod)) return true;
  return before.h1 !== undefined && h1 !== undefined && before.h1 !== h1;
}

/** Why a version is not published whose name had other content, in one sentence for its author. */
export function reasonOfOther(version: string, { goModH1, h1, isLost }: ServedBefore): string {
  const sums = h1 === undefined ? `${goModH1} of its go.mod` : h1;
  const before = isLost ? "published here before, and lost since" : "served from upstream before";
  return `${version} was ${before}, with ${sums}, and its name is never given to other content; use a new version`;
}
