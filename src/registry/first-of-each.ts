// The first rows of many lists by one statement: of each project its newest tokens, of each module its newest versions.
// LATERAL lets the database walk an index for each list and stop after so many rows, however long the lists are; Prisma by
// itself would read them whole.
import { Prisma } from "../database/generated/client.ts";
import type { Bounds, Order } from "./page.ts";
import type { Registry } from "./registry.ts";

/** Where the lists are. Names of the database, written in our code. */
export interface Lists {
  readonly table: "member" | "module" | "module_version" | "rejected_tag" | "tag_event" | "token";
  /** The column that says which list a row is in. */
  readonly list: "group_id" | "module_id" | "project_id" | "user_id";
  /** The column that they are sorted by. */
  readonly key: "id" | "path" | "sort_key" | "tag";
  /** Which rows count; all if absent. */
  readonly where?: Prisma.Sql;
}

/** The ids of the first `take` rows of each list that lie within the bounds, in that order of their keys. */
export async function firstOfEach(
  registry: Registry,
  lists: Lists,
  numbers: readonly number[],
  bounds: Bounds<string | number>,
  order: Order,
  take: number,
): Promise<number[]> {
  const key = Prisma.raw(`"${lists.key}"`);
  const conditions = [Prisma.sql`${Prisma.raw(`"${lists.list}"`)} = list.number`];
  if (bounds.gt !== undefined) conditions.push(Prisma.sql`${key} > ${bounds.gt}`);
  if (bounds.lt !== undefined) conditions.push(Prisma.sql`${key} < ${bounds.lt}`);
  if (lists.where) conditions.push(lists.where);
  const rows = await registry.prisma.$queryRaw<{ id: number }[]>`
    SELECT first.id FROM unnest(${[...numbers]}::int[]) AS list (number) CROSS JOIN LATERAL (
      SELECT id FROM ${Prisma.raw(`"${lists.table}"`)} WHERE ${Prisma.join(conditions, " AND ")}
      ORDER BY ${key} ${Prisma.raw(order)}, id ${Prisma.raw(order)} LIMIT ${take}) AS first`;
  return rows.map((row) => row.id);
}
