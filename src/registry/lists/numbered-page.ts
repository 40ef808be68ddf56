// Pages of a list by number: GitLab's REST pages are numbered, and tell how many rows there are. Counting stops at
// COUNT_LIMIT, as GitLab's does, so that the first page of a million costs what the first page of ten thousand does; and
// nothing is counted where the rows that were read tell already. Pages by position are in keyset-page.ts.
import { COUNT_LIMIT } from "./keyset-page.ts";

/** PostgreSQL takes no larger number of rows to skip from Prisma; no list is that long. */
const OFFSET_LIMIT = 2_147_483_647;

/** Which rows of a sorted list. */
export interface NumberedPageRequest {
  /** How many rows to leave out. */
  readonly offset: number;
  /** How many rows to read. */
  readonly limit: number;
  /** Whether to say how many rows there are. */
  readonly counted: boolean;
  /** Only rows whose number is above or below these. */
  readonly idAfter?: number | undefined;
  readonly idBefore?: number | undefined;
}

export interface NumberedPage<Row> {
  readonly rows: readonly Row[];
  /** Whether rows follow. */
  readonly more: boolean;
  /** How many rows there are in all; undefined when nobody asked, or when there are more than COUNT_LIMIT. */
  readonly total: number | undefined;
}

/** How to read a list. */
interface Readable<Row> {
  read(skip: number, take: number): Promise<readonly Row[]>;
  /** How many rows there are, but never more than `limit`. */
  count(limit: number): Promise<number>;
}

/** Reads a numbered page with one statement for the rows, and at most one that counts. */
export async function readNumberedPage<Row>(
  { offset, limit, counted }: NumberedPageRequest,
  list: Readable<Row>,
): Promise<NumberedPage<Row>> {
  const found = offset > OFFSET_LIMIT ? [] : await list.read(offset, limit + 1);
  const more = found.length > limit;
  const rows = found.slice(0, limit);
  if (!counted) return { rows, more, total: undefined };
  const ended = !more && (rows.length > 0 || offset === 0);
  const total = ended ? offset + rows.length : await list.count(COUNT_LIMIT + 1);
  return { rows, more, total: total > COUNT_LIMIT ? undefined : total };
}

/**
 * A page, by number, of a list that is in memory.
 * @public
 */
export function numberedPageOf<Row>({ offset, limit }: NumberedPageRequest, all: readonly Row[]): NumberedPage<Row> {
  return { rows: all.slice(offset, offset + limit), more: all.length > offset + limit, total: all.length };
}

/** The numbers that a numbered page is confined to, as a condition for Prisma. */
export function idsOf({ idAfter, idBefore }: NumberedPageRequest): { id?: { gt?: number; lt?: number } } {
  if (idAfter === undefined && idBefore === undefined) return {};
  const within = (id: number): number => Math.max(0, Math.min(id, OFFSET_LIMIT));
  return {
    id: {
      ...(idAfter === undefined ? {} : { gt: within(idAfter) }),
      ...(idBefore === undefined ? {} : { lt: within(idBefore) }),
    },
  };
}
