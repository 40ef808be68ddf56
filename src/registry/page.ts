// Pages of a list by position, not by number: a cursor names the row after which the next page begins, so a page costs
// the same wherever it is and no row is shown twice when others come or go (Relay, "Cursor Connections Specification").
import { invalid } from "../errors.ts";

export const PAGE_DEFAULT = 20;
export const PAGE_LIMIT = 100;

/** What was asked for, in the Relay names. */
export interface PageRequest {
  readonly first?: number | null | undefined;
  readonly after?: string | null | undefined;
  readonly last?: number | null | undefined;
  readonly before?: string | null | undefined;
}

export interface Page<Row> {
  readonly rows: readonly Row[];
  readonly hasNextPage: boolean;
  readonly hasPreviousPage: boolean;
  cursorOf(row: Row): string;
}

/** How to read a stretch of a sorted list. */
export interface Keyset<Row, Key extends string | number> {
  readonly keyType: Key extends string ? "string" : "number";
  /** The unique sort key of a row. */
  key(row: Row): Key;
  /** Which way the list runs. */
  readonly order: "asc" | "desc";
  /** At most `take` rows whose keys lie strictly within the bounds, in the order given. */
  read(bounds: { gt?: Key; lt?: Key }, order: "asc" | "desc", take: number): Promise<Row[]>;
}

/** One page. Throws invalid for a size over the limit, a broken cursor, or a request that goes both ways. */
export async function keysetPage<Row, Key extends string | number>(
  request: PageRequest,
  keyset: Keyset<Row, Key>,
): Promise<Page<Row>> {
  const backwards = request.last != null;
  if (backwards && request.first != null) throw invalid("ask for first or for last, not for both");
  const size = (backwards ? request.last : request.first) ?? PAGE_DEFAULT;
  if (size < 0 || size > PAGE_LIMIT) throw invalid(`a page holds 0 to ${PAGE_LIMIT} entries, not ${size}`);

  const ascending = keyset.order === "asc";
  const bounds: { gt?: Key; lt?: Key } = {};
  if (request.after != null) bounds[ascending ? "gt" : "lt"] = decode<Key>(request.after, keyset.keyType);
  if (request.before != null) bounds[ascending ? "lt" : "gt"] = decode<Key>(request.before, keyset.keyType);
  const order = ascending === backwards ? "desc" : "asc";
  const found = await keyset.read(bounds, order, size + 1);
  const more = found.length > size;
  const rows = found.slice(0, size);
  if (backwards) rows.reverse();
  return {
    rows,
    hasNextPage: backwards ? request.before != null : more,
    hasPreviousPage: backwards ? more : request.after != null,
    cursorOf: (row) => encode(keyset.key(row)),
  };
}

function encode(key: string | number): string {
  return Buffer.from(JSON.stringify(key)).toString("base64url");
}

function decode<Key extends string | number>(cursor: string, type: "string" | "number"): Key {
  try {
    const key: unknown = JSON.parse(Buffer.from(cursor, "base64url").toString("utf8"));
    if (type === "string" ? typeof key === "string" && !key.includes("\0") : isId(key)) return key as Key;
  } catch {
    // told below
  }
  throw invalid(`"${cursor.slice(0, 40)}" is no cursor of this list`);
}

/** Whether a value can be the id of a row (a positive 32-bit number). */
export function isId(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) > 0 && (value as number) <= 2_147_483_647;
}
