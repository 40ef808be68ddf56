// Two small parts of every list of lists: how many rows each has, counted no further than anybody asks, and rows read by
// number, in the order in which a statement had found these.

import { Prisma } from "../../database/generated/client.ts";
import { readRows } from "../../database/sql.ts";
import type { Registry } from "../registry.ts";
import { countingTo } from "./keyset-page.ts";

/**
 * How many rows each of some lists has, by its number; `limit` + 1 where there are more than `limit`. `rows` is what follows
 * SELECT for one list, whose number is `of.list`, such as FROM module WHERE project_id = of.list.
 */
export async function countOfEach(
  registry: Registry,
  lists: readonly number[],
  rows: Prisma.Sql,
  limit: number,
): Promise<Map<number, number>> {
  const counted = await readRows<{ list: number; count: number }>(
    registry.database.pool,
    Prisma.sql`
    SELECT of.list, (SELECT count(*)::int FROM (SELECT ${rows} LIMIT ${countingTo(limit)}) AS counted) AS count
    FROM unnest(${[...lists]}::int[]) AS of (list)`,
  );
  return new Map(counted.map(({ list, count }) => [list, count]));
}

/** The rows that were found, in that order, each with what was found of it. What has gone meanwhile is left out. */
export function inOrderFound<F extends { readonly id: number }, R extends { readonly id: number }>(
  found: readonly F[],
  rows: readonly R[],
): (R & F)[] {
  const byId = new Map(rows.map((row) => [row.id, row]));
  return found.flatMap((one) => {
    const row = byId.get(one.id);
    return row ? [{ ...row, ...one }] : [];
  });
}
