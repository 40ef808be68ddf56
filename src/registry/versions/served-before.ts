// Names under which a module from upstream was served before a project came to own them, by a module prefix or because the
// module host is another one. Somebody's go.sum knows that content, and so does the checksum log once it was asked: a
// project publishes the very same under such a name, or another version.
import type { Sql } from "../../database/sql.ts";
import { h1OfGoMod } from "../../gomod/dir-hash.ts";
import type { Registry } from "../registry.ts";

/** What was served under a name. */
export interface ServedBefore {
  readonly goModH1: string;
  /** Undefined: nobody had the zip. */
  readonly h1: string | undefined;
}

interface Name {
  readonly modulePath: string;
  readonly version: string;
}

/** What was served from upstream under some names, by `path@version`. */
export async function servedBefore(
  registry: Pick<Registry, "moduleHost" | "prisma">,
  names: readonly Name[],
  sql: Pick<Sql, "$queryRaw"> = registry.prisma,
): Promise<ReadonlyMap<string, ServedBefore>> {
  // Below the module host nothing is asked upstream, and nearly everything is there.
  const foreign = names.filter(({ modulePath }) => !modulePath.startsWith(`${registry.moduleHost}/`));
  if (foreign.length === 0) return new Map();
  const rows = await sql.$queryRaw<{ name: string; go_mod_h1: string; h1: string | null }[]>`
    WITH asked AS (
      SELECT * FROM unnest(
        ${foreign.map(({ modulePath }) => modulePath)}::text[], ${foreign.map(({ version }) => version)}::text[]
      ) AS asked (path, version))
    SELECT path || '@' || asked.version AS name, v.go_mod_h1, v.h1 FROM asked
      JOIN module m USING (path) JOIN module_version v ON v.module_id = m.id AND v.version = asked.version
      WHERE m.origin = 'UPSTREAM' AND v.go_mod_h1 IS NOT NULL
    UNION ALL
    SELECT path || '@' || version, 'h1:' || encode(r.go_mod_h1, 'base64'), 'h1:' || encode(r.h1, 'base64') FROM asked
      JOIN sum_record r USING (path, version) WHERE r.basis <> 'HOSTED'`;
  // The record comes last: it knows the zip.
  return new Map(rows.map(({ name, go_mod_h1: goModH1, h1 }) => [name, { goModH1, h1: h1 ?? undefined }]));
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
export function reasonOfOther(version: string, { goModH1, h1 }: ServedBefore): string {
  const sums = h1 === undefined ? `${goModH1} of its go.mod` : h1;
  return `${version} was served from upstream before, with ${sums}, and its name is never given to other content; use a new version`;
}
