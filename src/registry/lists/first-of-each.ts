// The first rows of many lists by one statement: of each project its newest tokens, of each module its newest versions.
// LATERAL lets the database walk an index for each list and stop after so many rows, however long the lists are; Prisma by
// itself would read them whole.
import { Prisma } from "../../database/generated/client.ts";
import type { Registry } from "../registry.ts";
import type { Key, KeyBounds, KeyPart, Order } from "./keyset-page.ts";

type Column = "created_at" | "id" | "package_name" | "path" | "sort_key" | "tag";

/** Where the lists are. Names of the database, written in our code. */
export interface Lists {
  readonly table: "hook_delivery" | "member" | "module" | "module_version" | "rejected_tag" | "tag_event" | "token";
  /** The column that says which list a row is in. */
  readonly list: "group_id" | "hook_id" | "module_id" | "project_id" | "user_id";
  /** The columns that they are sorted by, one after the other. */
  readonly key: Column | readonly Column[];
  /** Which rows count; all if absent. */
  readonly where?: Prisma.Sql;
}

/** The ids of the first `take` rows of each list that lie within the bounds, in that order of their keys. */
export async function firstOfEach(
  registry: Registry,
  lists: Lists,
  numbers: readonly number[],
  bounds: KeyBounds<Key>,
  order: Order,
  take: number,
): Promise<number[]> {
  const columns = typeof lists.key === "string" ? [lists.key] : lists.key;
  const conditions = [Prisma.sql`${Prisma.raw(`"${lists.list}"`)} = list.number`, ...inBounds(columns, bounds)];
  if (lists.where) conditions.push(lists.where);
  const rows = await registry.prisma.$queryRaw<{ id: number }[]>`
    SELECT first.id FROM unnest(${[...numbers]}::int[]) AS list (number) CROSS JOIN LATERAL (
      SELECT id FROM ${Prisma.raw(`"${lists.table}"`)} WHERE ${Prisma.join(conditions, " AND ")}
      ORDER BY ${inOrder([...columns, "id"], order)} LIMIT ${take}) AS first`;
  return rows.map((row) => row.id);
}

/** What keeps rows within bounds, as conditions: (a, b) > (x, y), which an index on these columns answers. */
export function inBounds(columns: readonly string[], { gt, lt }: KeyBounds<Key>): Prisma.Sql[] {
  const row = Prisma.raw(`(${columns.map((column) => `"${column}"`).join(", ")})`);
  return [
    ...(gt === undefined ? [] : [Prisma.sql`${row} > (${keyInSql(gt)})`]),
    ...(lt === undefined ? [] : [Prisma.sql`${row} < (${keyInSql(lt)})`]),
  ];
}

/** Columns for ORDER BY, all of them the same way. */
export function inOrder(columns: readonly string[], order: Order): Prisma.Sql {
  return Prisma.raw(columns.map((column) => `"${column}" ${order}`).join(", "));
}

function keyInSql(key: Key): Prisma.Sql {
  const parts: readonly KeyPart[] = Array.isArray(key) ? key : [key as KeyPart];
  return Prisma.join(
    parts.map((part) => (part instanceof Date ? Prisma.sql`${part.toISOString()}::timestamptz` : Prisma.sql`${part}`)),
  );
}
