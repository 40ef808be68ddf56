// Pages of a list by position, not by number: a cursor names the row after which the next page begins, so a page costs
// the same wherever it is and no row is shown twice when others come or go (Relay, "Cursor Connections Specification").
//
// The position is the row's sort key, which is unique: a single value, or several where one alone is not (the time, then the
// number). Values are compared one after the other, as PostgreSQL compares rows: (a, b) > (x, y).
import { invalid } from "../../errors.ts";
import { isKeepable } from "../text.ts";

export const PAGE_DEFAULT = 20;
export const PAGE_LIMIT = 100;

/** More rows than this are not counted (GitLab, doc/api/rest, "Pagination response headers"). */
export const COUNT_LIMIT = 10_000;

/** What was asked for, in the Relay names. */
export interface PageRequest {
  readonly first?: number | null | undefined;
  readonly after?: string | null | undefined;
  readonly last?: number | null | undefined;
  readonly before?: string | null | undefined;
}

export interface KeysetPage<Row> {
  readonly rows: readonly Row[];
  readonly hasNextPage: boolean;
  readonly hasPreviousPage: boolean;
  cursorOf(row: Row): string;
}

/** A value that rows are sorted by. Numbers are those of rows. */
export type KeyPart = string | number | Date;

/** What a row is sorted by. */
export type Key = KeyPart | readonly KeyPart[];

type TypeOfPart = "string" | "number" | "time";

/** The types of a key: what a cursor must hold to be one of the list. */
export type KeyType = TypeOfPart | readonly TypeOfPart[];

/** How a list is sorted. */
interface Sorting<Row, K extends Key> {
  readonly keyType: KeyType;
  /** The unique sort key of a row. */
  key(row: Row): K;
  /** Which way the list runs. */
  readonly order: Order;
}

export type Order = "asc" | "desc";

/** Between which keys to read; neither is included. */
export interface KeyBounds<K extends Key> {
  gt?: K;
  lt?: K;
}

/** How to read a range of a sorted list. */
export interface Keyset<Row, K extends Key> extends Sorting<Row, K> {
  /** At most `take` rows whose keys lie strictly within the bounds, in the order given. */
  read(bounds: KeyBounds<K>, order: Order, take: number): Promise<Row[]>;
}

/** How to read the same range of many lists at once, which costs no more statements than of one. */
export interface ManyKeysets<Row, K extends Key> extends Sorting<Row, K> {
  /** The number of the list that a row is in. */
  listOf(row: Row): number;
  /** Of each list at most `take` rows whose keys lie strictly within the bounds; each list in the order given. */
  read(lists: readonly number[], bounds: KeyBounds<K>, order: Order, take: number): Promise<Row[]>;
}

/** One page. Throws invalid for a size over the limit, a broken cursor, or a request that goes both ways. */
export async function keysetPage<Row, K extends Key>(
  request: PageRequest,
  keyset: Keyset<Row, K>,
): Promise<KeysetPage<Row>> {
  const range = rangeOf(request, keyset);
  return pageOf(request, range, keyset, await keyset.read(range.bounds, range.order, range.size + 1));
}

/** One page of each of some lists, by the number of the list. Throws invalid where keysetPage does. */
export async function keysetPages<Row, K extends Key>(
  request: PageRequest,
  lists: readonly number[],
  keysets: ManyKeysets<Row, K>,
): Promise<Map<number, KeysetPage<Row>>> {
  const range = rangeOf(request, keysets);
  const rows = await keysets.read(lists, range.bounds, range.order, range.size + 1);
  const found = Map.groupBy(rows, (row) => keysets.listOf(row));
  return new Map(lists.map((list) => [list, pageOf(request, range, keysets, found.get(list) ?? [])]));
}

/** A page of a list that is known whole; its cursors are places. */
export function pageOfAll<Row>(request: PageRequest, all: readonly Row[]): Promise<KeysetPage<Row>> {
  const places = new Map(all.map((row, n) => [row, n + 1]));
  return keysetPage<Row, number>(request, {
    keyType: "number",
    order: "asc",
    key: (row) => places.get(row)!,
    read: async ({ gt = 0, lt = all.length + 1 }, order, take) => {
      const within = all.slice(gt, Math.max(gt, lt - 1));
      return (order === "asc" ? within : within.reverse()).slice(0, take);
    },
  });
}

/** A page without rows. */
export const EMPTY_PAGE: KeysetPage<never> = {
  rows: [],
  hasNextPage: false,
  hasPreviousPage: false,
  cursorOf: () => "",
};

/** Checks the size of a page or of a short list. Throws invalid. */
export function checkPageSize(size: number): number {
  if (!Number.isInteger(size) || size < 0 || size > PAGE_LIMIT)
    throw invalid(`a page holds 0 to ${PAGE_LIMIT} entries, not ${size}`, undefined, "invalid_page");
  return size;
}

interface Range<K extends Key> {
  readonly backwards: boolean;
  readonly size: number;
  readonly bounds: KeyBounds<K>;
  readonly order: Order;
}

function rangeOf<Row, K extends Key>(request: PageRequest, sorting: Sorting<Row, K>): Range<K> {
  const backwards = request.last != null;
  if (backwards && request.first != null)
    throw invalid("ask for first or for last, not for both", undefined, "invalid_page");
  const size = checkPageSize((backwards ? request.last : request.first) ?? PAGE_DEFAULT);
  const ascending = sorting.order === "asc";
  const bounds: KeyBounds<K> = {};
  if (request.after != null) bounds[ascending ? "gt" : "lt"] = decode<K>(request.after, sorting.keyType);
  if (request.before != null) bounds[ascending ? "lt" : "gt"] = decode<K>(request.before, sorting.keyType);
  return { backwards, size, bounds, order: ascending === backwards ? "desc" : "asc" };
}

function pageOf<Row, K extends Key>(
  request: PageRequest,
  { backwards, size }: Range<K>,
  sorting: Sorting<Row, K>,
  found: readonly Row[],
): KeysetPage<Row> {
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

function encode(key: Key): string {
  return Buffer.from(JSON.stringify(key)).toString("base64url");
}

function decode<K extends Key>(cursor: string, type: KeyType): K {
  try {
    const parsed: unknown = JSON.parse(Buffer.from(cursor, "base64url").toString("utf8"));
    const key = typeof type === "string" ? decodedPart(parsed, type as TypeOfPart) : decodedParts(parsed, type);
    if (key !== undefined) return key as K;
  } catch {
    // told below
  }
  throw invalid(`"${cursor.slice(0, 40)}" is no cursor of this list`, undefined, "invalid_page");
}

function decodedParts(parsed: unknown, types: readonly TypeOfPart[]): KeyPart[] | undefined {
  if (!Array.isArray(parsed) || parsed.length !== types.length) return undefined;
  const parts = types.map((type, n) => decodedPart(parsed[n], type));
  return parts.includes(undefined) ? undefined : (parts as KeyPart[]);
}

function decodedPart(parsed: unknown, type: TypeOfPart): KeyPart | undefined {
  if (type === "number") return isId(parsed) ? parsed : undefined;
  if (typeof parsed !== "string" || !isKeepable(parsed)) return undefined;
  if (type === "string") return parsed;
  const time = new Date(parsed);
  return time.toJSON() === parsed && /^\d{4}-/.test(parsed) ? time : undefined; // years that PostgreSQL reads
}

/** How many rows to look at in order to count to a limit: one more, which tells that there are more. Throws invalid. */
export function countingTo(limit: number): number {
  if (!Number.isInteger(limit) || limit < 0)
    throw invalid(`a count goes to 0 or more, not to ${limit}`, undefined, "invalid_page");
  return Math.min(limit, COUNT_LIMIT) + 1;
}

/** Whether a value can be the id of a row (a positive 32-bit number). */
export function isId(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) > 0 && (value as number) <= 2_147_483_647;
}
