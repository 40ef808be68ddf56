// The pages of lists: so many entries, and a token for those that come after. A token is hexadecimal and good for 48 hours, as
// pkg.go.dev's is (golang.org/x/pkgsite, internal/api/token.go). There it is encrypted, to keep people from making their own;
// here it is not, because a place in a list is no secret and any place may be asked for.
import { badRequest } from "./api-error.ts";

const DEFAULT_LIMIT = 100;
/** Of lists that are read from the database page by page. */
const MAX_LIMIT = 1_000;
const TOKEN_SECONDS = 48 * 60 * 60;
/** A clock of another server may be ahead. */
const SKEW_SECONDS = 60;
const MAX_OFFSET = 1_000_000;
const MAX_TOKEN = 10_000;

/** What a list was asked for. */
export interface Listing {
  readonly limit: number;
  readonly token: string;
}

/** A page, as clients get it. */
export interface ListPage<T> {
  /** Null where pkg.go.dev has null: a list that nothing was ever put into. */
  readonly items: readonly T[] | null;
  /** -1 if it is not known. */
  readonly total: number;
  readonly nextPageToken?: string;
}

/** The limit that counts: 100 for none and for nonsense, 1,000 at most. */
export function limitOf({ limit }: Listing): number {
  return limit <= 0 ? DEFAULT_LIMIT : Math.min(limit, MAX_LIMIT);
}

/** The page of a list that is known whole. Throws ApiError for a token that is none. */
export function pageOfList<T>(all: readonly T[], listing: Listing): ListPage<T> {
  const limit = listing.limit <= 0 ? DEFAULT_LIMIT : listing.limit;
  const place = listing.token === "" ? 0 : placeIn(listing.token);
  if (typeof place !== "number" || !Number.isInteger(place) || place < 0 || place > MAX_OFFSET)
    throw badToken("it is of another list");
  const start = Math.min(place, all.length);
  const end = Math.min(start + limit, all.length);
  const items = all.slice(start, end);
  return {
    items: all.length === 0 ? null : items,
    total: all.length,
    ...(end < all.length ? { nextPageToken: tokenFor(end) } : {}),
  };
}

/** The token of a place in a list: a number, or what the entries are sorted by. */
export function tokenFor(place: number | readonly string[], now = Date.now()): string {
  return Buffer.from(JSON.stringify([Math.floor(now / 1000), place])).toString("hex");
}

/** The key in a token of a list that is sorted by so many texts; undefined for no token. Throws ApiError. */
export function keyIn(token: string, parts: number): readonly string[] | undefined {
  if (token === "") return undefined;
  const place = placeIn(token);
  if (!Array.isArray(place) || place.length !== parts || !place.every((part) => typeof part === "string"))
    throw badToken("it is of another list");
  return place;
}

function placeIn(token: string): unknown {
  if (token.length > MAX_TOKEN || token.length % 2 === 1 || !/^[0-9a-f]+$/i.test(token))
    throw badToken("it is no token");
  let read: unknown;
  try {
    read = JSON.parse(Buffer.from(token, "hex").toString("utf8"));
  } catch {
    throw badToken("it is no token");
  }
  if (!Array.isArray(read) || read.length !== 2 || typeof read[0] !== "number") throw badToken("it is no token");
  const age = Date.now() / 1000 - read[0];
  if (age > TOKEN_SECONDS) throw badToken("expired");
  if (age < -SKEW_SECONDS) throw badToken("from the future");
  return read[1];
}

function badToken(why: string) {
  return badRequest(`invalid next-page token: ${why}`, "try again from the beginning, with no token");
}
