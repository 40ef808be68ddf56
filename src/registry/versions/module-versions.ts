// The versions of modules in pages: chosen by kind, by retraction and by Go's version queries, in Go's order or by time. A
// query is a range of sort keys, and each order has its index, so a page costs what it shows.

import { Prisma } from "../../database/generated/client.ts";
import { readRows } from "../../database/sql.ts";
import type { VersionKind } from "../../gomod/version.ts";
import { sortKeyRange } from "../../gomod/version-range.ts";
import { inBounds, inOrder } from "../lists/first-of-each.ts";
import {
  COUNT_LIMIT,
  type KeyPart,
  type KeysetPage,
  keysetPages,
  type Order,
  type PageRequest,
} from "../lists/keyset-page.ts";
import { countOfEach, inOrderFound } from "../lists/of-each.ts";
import type { Registry } from "../registry.ts";
import type { ModuleRow, VersionRow } from "../rows.ts";
import { findVersionRows } from "./version-rows.ts";

/** Which versions. */
export interface VersionFilter {
  readonly kinds?: readonly VersionKind[] | null | undefined;
  readonly retracted?: boolean | null | undefined;
  /** A version query of the go command: `v1.2`, `<v1.5`. */
  readonly query?: string | null | undefined;
  /** Without `kinds`: also pseudo-versions. */
  readonly includePseudo?: boolean | null | undefined;
}

/** `version`: Go's order. `time`: the commit's; for a version of which upstream did not tell it, that of its storing. */
export interface VersionSort {
  readonly by: "version" | "time";
  readonly order: Order;
}

const SORTINGS = {
  version: { columns: ["sort_key"], keyType: ["string"], key: (row: VersionRow) => [row.sortKey] },
  time: { columns: ["moment", "id"], keyType: ["time", "number"], key: (row: VersionRow) => [momentOf(row), row.id] },
} as const;

const momentOf = (row: VersionRow): Date => row.time ?? row.createdAt;

/** The versions of modules, by the module's number. Throws invalid for a query that is none. */
export function versionsOfModules(
  registry: Registry,
  modules: readonly ModuleRow[],
  filter: VersionFilter,
  { by, order: listOrder }: VersionSort,
  request: PageRequest,
): Promise<Map<number, KeysetPage<VersionRow>>> {
  const { columns, keyType, key } = SORTINGS[by];
  const conditions = conditionsOf(filter);
  const ids = modules.map(({ id }) => id);
  return keysetPages<VersionRow, readonly KeyPart[]>(request, ids, {
    keyType,
    order: listOrder,
    key,
    listOf: (version) => version.moduleId,
    read: async (numbers, bounds, order, take) => {
      const found = await readRows<{ id: number }>(
        registry.database.pool,
        Prisma.sql`
        SELECT v.id FROM unnest(${[...numbers]}::int[]) AS of (list) CROSS JOIN LATERAL (
          SELECT ${Prisma.raw([...new Set([...columns, "id"])].join(", "))} FROM (
            SELECT *, COALESCE("time", created_at) AS moment FROM module_version) AS version
          WHERE ${Prisma.join([Prisma.sql`module_id = of.list`, ...conditions, ...inBounds(columns, bounds)], " AND ")}
          ORDER BY ${inOrder(columns, order)} LIMIT ${take}) AS v
        ORDER BY ${inOrder(columns, order)}`,
      );
      const rows = await findVersionRows(
        registry,
        found.map(({ id }) => id),
      );
      return inOrderFound(found, rows);
    },
  });
}

/** How many these are, by the module's number; `limit` + 1 where there are more than `limit`. */
export async function countVersionsOfModules(
  registry: Registry,
  modules: readonly ModuleRow[],
  filter: VersionFilter,
  limit: number = COUNT_LIMIT,
): Promise<Map<number, number>> {
  const conditions = [Prisma.sql`module_id = of.list`, ...conditionsOf(filter)];
  const rows = Prisma.sql`FROM module_version WHERE ${Prisma.join(conditions, " AND ")}`;
  return countOfEach(
    registry,
    modules.map(({ id }) => id),
    rows,
    limit,
  );
}

function conditionsOf({ kinds, retracted, query, includePseudo }: VersionFilter): Prisma.Sql[] {
  const conditions: Prisma.Sql[] = [];
  if (kinds) conditions.push(Prisma.sql`kind = ANY(${[...kinds]}::"VersionKind"[])`);
  else if (!includePseudo) conditions.push(Prisma.sql`kind <> 'PSEUDO'`);
  if (retracted != null) conditions.push(Prisma.sql`retracted = ${retracted}`);
  if (query != null) conditions.push(...inRange(query));
  return conditions;
}

function inRange(query: string): Prisma.Sql[] {
  const { from, below } = sortKeyRange(query);
  return [
    ...(from === undefined ? [] : [Prisma.sql`sort_key >= ${from}`]),
    ...(below === undefined ? [] : [Prisma.sql`sort_key < ${below}`]),
  ];
}
