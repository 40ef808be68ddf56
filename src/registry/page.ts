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

/** How a list is sorted. */
interface Sorting<Row, Key extends string | number> {
  readonly keyType: Key extends string ? "string" : "number";
  /** The unique sort key of a row. */
  key(row: Row): Key;
  /** Which way the list runs. */
  readonly order: Order;
}

export type Order = "asc" | "desc";

/** Between which keys to read; neither is included. */
export interface Bounds<Key extends string | number> {
  gt?: Key;
  lt?: Key;
}

/** How to read a stretch of a sorted list. */
export interface Keyset<Row, Key extends string | number> extends Sorting<Row, Key> {
  /** At most `take` rows whose keys lie strictly within the bounds, in the order given. */
  read(bounds: Bounds<Key>, order: Order, take: number): Promise<Row[]>;
}

/** How to read the same stretch of many lists at once, which costs no more statements than of one. */
export interface ManyKeysets<Row, Key extends string | number> extends Sorting<Row, Key> {
  /** The number of the list that a row is in. */
  listOf(row: Row): number;
  /** Of each list at most `take` rows whose keys lie strictly within the bounds; each list in the order given. */
  read(lists: readonly number[], bounds: Bounds<Key>, order: Order, take: number): Promise<Row[]>;
}

/** One page. Throws invalid for a size over the limit, a broken cursor, or a request that goes both ways. */
export async function keysetPage<Row, Key extends string | number>(
  request: PageRequest,
  keyset: Keyset<Row, Key>,
): Promise<Page<Row>> {
  const stretch = stretchOf(request, keyset);
  return pageOf(request, stretch, keyset, await keyset.read(stretch.bounds, stretch.order, stretch.size + 1));
}

/** The same page of each of some lists. Throws as keysetPage. */
export async function keysetPages<Row, Key extends string | number>(
  request: PageRequest,
  lists: readonly number[],
  keysets: ManyKeysets<Row, Key>,
): Promise<Map<number, Page<Row>>> {
  const stretch = stretchOf(request, keysets);
  const rows = await keysets.read(lists, stretch.bounds, stretch.order, stretch.size + 1);
  const found = Map.groupBy(rows, (row) => keysets.listOf(row));
  return new Map(lists.map((list) => [list, pageOf(request, stretch, keysets, found.get(list) ?? [])]));
}

/** A page without rows. */
export const EMPTY_PAGE: Page<never> = { rows: [], hasNextPage: false, hasPreviousPage: false, cursorOf: () => "" };

/** Checks the size of a page or of a short list. Throws invalid. */
export function checkPageSize(size: number): number {
  if (!Number.isInteger(size) || size < 0 || size > PAGE_LIMIT)
    throw invalid(`a page holds 0 to ${PAGE_LIMIT} entries, not ${size}`);
  return size;
}

interface Stretch<Key extends string | number> {
  readonly backwards: boolean;
  readonly size: number;
  readonly bounds: Bounds<Key>;
  readonly order: Order;
}

function stretchOf<Row, Key extends string | number>(request: PageRequest, sorting: Sorting<Row, Key>): Stretch<Key> {
  const backwards = request.last != null;
  if (backwards && request.first != null) throw invalid("ask for first or for last, not for both");
  const size = checkPageSize((backwards ? request.last : request.first) ?? PAGE_DEFAULT);
  const ascending = sorting.order === "asc";
  const bounds: Bounds<Key> = {};
  if (request.after != null) bounds[ascending ? "gt" : "lt"] = decode<Key>(request.after, sorting.keyType);
  if (request.before != null) bounds[ascending ? "lt" : "gt"] = decode<Key>(request.before, sorting.keyType);
  return { backwards, size, bounds, order: ascending === backwards ? "desc" : "asc" };
}

function pageOf<Row, Key extends string | number>(
  request: PageRequest,
  { backwards, size }: Stretch<Key>,
  sorting: Sorting<Row, Key>,
  found: readonly Row[],
): Page<Row> {
  const more = found.length > size;
  const rows = found.slice(0, size);
  if (backwards) rows.reverse();
  return {
    rows,
    hasNextPage: backwards ? request.before != null : more,
    hasPreviousPage: backwards ? more : request.after != null,
    cursorOf: (row) => encode(sorting.key(row)),
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
