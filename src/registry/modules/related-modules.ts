// Modules that belong together by their paths: those below another in the same repository, and the other major versions of
// one (Go Modules Reference, "Major version suffixes"). Of modules from upstream nobody says which repository they came from,
// so there the path alone decides.

import { Prisma } from "../../database/generated/client.ts";
import { readRows } from "../../database/sql.ts";
import { pathMajorPrefix, splitPathMajor } from "../../gomod/module-path.ts";
import { inBounds, inOrder } from "../lists/first-of-each.ts";
import { COUNT_LIMIT, countingTo, type KeysetPage, keysetPages, type PageRequest } from "../lists/keyset-page.ts";
import { inOrderFound } from "../lists/of-each.ts";
import type { Registry } from "../registry.ts";
import type { ModuleRow } from "../rows.ts";
import { findModules } from "../versions/modules.ts";

/** Nobody has come as far. */
const MAX_MAJORS = 200;

/** The modules whose paths continue those of others, their own major versions aside, by path, by the others' number. */
export function subModulesOf(
  registry: Registry,
  modules: readonly ModuleRow[],
  request: PageRequest,
): Promise<Map<number, KeysetPage<ModuleRow>>> {
  const byId = new Map(modules.map((module) => [module.id, module]));
  return keysetPages<ModuleRow & { readonly list: number }, string>(
    request,
    modules.map(({ id }) => id),
    {
      keyType: "string",
      order: "asc",
      key: (module) => module.path,
      listOf: (module) => module.list,
      read: async (numbers, bounds, order, take) => {
        const found = await readRows<{ list: number; id: number }>(
          registry.database.pool,
          Prisma.sql`
          SELECT list.id AS list, below.id FROM unnest(${[...numbers]}::int[], ${numbers.map((id) => byId.get(id)!.path)}::text[])
            AS list (id, path) JOIN module m ON m.id = list.id CROSS JOIN LATERAL (
              SELECT id, path FROM module WHERE ${Prisma.join([below(registry), ...inBounds(["path"], bounds)], " AND ")}
              ORDER BY ${inOrder(["path"], order)} LIMIT ${take}) AS below`,
        );
        const rows = await findModules(
          registry,
          found.map(({ id }) => id),
        );
        return inOrderFound(found, rows);
      },
    },
  );
}

/** How many these are, by the others' number; `limit` + 1 where there are more than `limit`. */
export async function countSubModulesOf(
  registry: Registry,
  modules: readonly ModuleRow[],
  limit: number = COUNT_LIMIT,
): Promise<Map<number, number>> {
  const rows = await readRows<{ id: number; count: number }>(
    registry.database.pool,
    Prisma.sql`
    SELECT m.id, (SELECT count(*)::int FROM (SELECT FROM module WHERE ${below(registry)} LIMIT ${countingTo(limit)}) AS counted) AS count
    FROM module m WHERE m.id = ANY(${modules.map(({ id }) => id)}::int[])`,
  );
  return new Map(rows.map(({ id, count }) => [id, count]));
}

/** Whether a row of module is in the tree below `m`. */
const below = (
  registry: Registry,
): Prisma.Sql => Prisma.sql`path > m.path || '/' AND path < m.path || '0' -- 0 follows / in ASCII
  AND origin = m.origin AND project_id IS NOT DISTINCT FROM m.project_id
  AND substr(path, length(m.path) + 1) !~ '^/v[1-9][0-9]*$' AND ${shown(registry)}`;

/** Whether it may be told of by whoever was told of `m`: it is of the same project, or from upstream and not private. */
const shown = ({ privateModules }: Registry): Prisma.Sql =>
  Prisma.sql`(project_id IS NOT NULL OR path <> ALL(${[...privateModules.fetchedBefore]}))`;

/** The modules that have the paths of others but for the major version, ascending by it, by the others' number. */
export async function otherMajorsOf(
  registry: Registry,
  modules: readonly ModuleRow[],
): Promise<Map<number, readonly ModuleRow[]>> {
  const bases = modules.map(({ path }) => baseOf(path));
  const found = await readRows<{ list: number; id: number }>(
    registry.database.pool,
    Prisma.sql`
    SELECT m.id AS list, other.id
    FROM unnest(${modules.map(({ id }) => id)}::int[], ${bases}::text[]) AS list (id, base) JOIN module m ON m.id = list.id
    CROSS JOIN LATERAL (
      SELECT id FROM module
      WHERE (path = list.base OR path > list.base || '/v' AND path < list.base || '/w'
          OR path > list.base || '.v' AND path < list.base || '.w')
        AND (path = list.base OR substr(path, length(list.base) + 1) ~ '^[/.]v[0-9]+(-unstable)?$')
        AND id <> m.id AND origin = m.origin AND project_id IS NOT DISTINCT FROM m.project_id
        AND ${shown(registry)}
      LIMIT ${MAX_MAJORS}) AS other`,
  );
  const rows = await findModules(
    registry,
    found.map(({ id }) => id),
  );
  const others = Map.groupBy(inOrderFound(found, rows), ({ list }) => list);
  return new Map(
    modules.map(({ id, path }) => {
      const base = baseOf(path);
      const ofModule = (others.get(id) ?? []).filter((one) => baseOf(one.path) === base);
      return [id, ofModule.sort((a, b) => majorOf(a.path) - majorOf(b.path))];
    }),
  );
}

function baseOf(path: string): string {
  return splitPathMajor(path)?.prefix ?? path;
}

function majorOf(path: string): number {
  return Number(pathMajorPrefix(splitPathMajor(path)?.pathMajor ?? "").slice(1));
}
