// Personal access tokens as GitLab's REST clients live with them (doc/api/personal_access_tokens.md): found by filters in
// numbered pages, looked at one by one, and rotated. One sees one's own, administrators see all. What is not one's own and
// what is not there look the same: 401, as GitLab has it, but an administrator is told that there is none.
import type { Prisma } from "../../database/generated/client.ts";
import { Failure, notFound } from "../../errors.ts";
import { demandUser, isAdministrator } from "../access/access.ts";
import { digestOf, newSecret } from "../access/token-format.ts";
import { audit } from "../audit.ts";
import { change } from "../change.ts";
import { isId } from "../lists/keyset-page.ts";
import { type NumberedPage, type NumberedPageRequest, readNumberedPage } from "../lists/numbered-page.ts";
import type { Principal } from "../principal.ts";
import type { Registry } from "../registry.ts";
import type { TokenRow } from "../rows.ts";
import { searchText } from "../text.ts";
import { endOfMadeToken } from "./token-lifetime.ts";
import { activeTokens, isActive, type MadeToken } from "./tokens.ts";
import { mayInspectUser } from "./users.ts";

const DAY_MS = 24 * 3600 * 1000;
/** How long a rotated token is good if nobody says anything else. */
const ROTATED_DAYS = 7;

/** How a list of tokens can be sorted, and by what. */
export const TOKEN_ORDERS = {
  created: "createdAt",
  expires: "expiresAt",
  last_used: "lastUsedAt",
  name: "name",
} as const;

export interface TokenOrder {
  readonly by: keyof typeof TOKEN_ORDERS;
  readonly direction: "asc" | "desc";
}

/** Each narrows the list. Moments are inclusive; a token that never expires, or was never used, is neither before nor after. */
export interface TokenFilter {
  readonly userId?: number | undefined;
  /** Neither revoked nor expired; false: one of the two. */
  readonly active?: boolean | undefined;
  readonly revoked?: boolean | undefined;
  /** Part of the name, in any case. */
  readonly search?: string | undefined;
  readonly created?: Span | undefined;
  readonly expires?: Span | undefined;
  readonly lastUsed?: Span | undefined;
}

interface Span {
  readonly after?: Date | undefined;
  readonly before?: Date | undefined;
}

/** Tokens that one may see, newest first if no order is given. Throws unauthenticated for the tokens of somebody else. */
export async function findPersonalTokens(
  registry: Registry,
  principal: Principal,
  filter: TokenFilter,
  order: TokenOrder | undefined,
  numbered: NumberedPageRequest,
): Promise<NumberedPage<TokenRow>> {
  const own = isAdministrator(principal) ? undefined : demandUser(principal).userId;
  if (filter.userId !== undefined && !mayInspectUser(principal, filter.userId)) throw notOnesOwn();
  if (filter.userId !== undefined && !isId(filter.userId)) return { rows: [], more: false, total: 0 };
  const where = matching({ ...filter, userId: filter.userId ?? own });
  return readNumberedPage(numbered, {
    read: (skip, take) => registry.prisma.token.findMany({ where, orderBy: orderBy(order), skip, take }),
    count: (take) => registry.prisma.token.count({ where, take }),
  });
}

function matching(filter: TokenFilter): Prisma.TokenWhereInput {
  const within = ({ after, before }: Span = {}) => ({
    ...(after === undefined ? {} : { gte: after }),
    ...(before === undefined ? {} : { lte: before }),
  });
  return {
    kind: "PERSONAL",
    ...(filter.userId === undefined ? {} : { userId: filter.userId }),
    ...(filter.revoked === undefined ? {} : { revokedAt: filter.revoked ? { not: null } : null }),
    ...(filter.search === undefined ? {} : { name: { contains: searchText(filter.search), mode: "insensitive" } }),
    createdAt: within(filter.created),
    expiresAt: within(filter.expires),
    lastUsedAt: within(filter.lastUsed),
    ...(filter.active === undefined ? {} : filter.active ? { AND: activeTokens() } : { NOT: activeTokens() }),
  };
}

function orderBy(order: TokenOrder | undefined): Prisma.TokenOrderByWithRelationInput[] {
  if (order === undefined) return [{ id: "desc" }];
  const { by, direction } = order;
  const nullable = by === "expires" || by === "last_used";
  return [{ [TOKEN_ORDERS[by]]: nullable ? { sort: direction, nulls: "last" } : direction }, { id: direction }];
}

/** One token; "self" is the one that asks. Throws unauthenticated for one that is not one's own. */
export async function findPersonalToken(
  registry: Registry,
  principal: Principal,
  id: number | "self",
): Promise<TokenRow> {
  const wanted = id === "self" ? demandUser(principal).tokenId : id;
  if (!isAdministrator(principal)) demandUser(principal);
  const token =
    wanted !== undefined && isId(wanted)
      ? await registry.prisma.token.findFirst({ where: { id: wanted, kind: "PERSONAL" } })
      : undefined;
  if (token && mayInspectUser(principal, token.userId!)) return token;
  throw isAdministrator(principal) ? notFound("Not Found") : notOnesOwn();
}

function notOnesOwn(): Failure {
  return new Failure("unauthenticated", "this is no token of your own; administrators see the tokens of others", {
    reason: "token_of_another",
  });
}

/**
 * Makes a new token in the place of an old one, with the same name and scopes; the old one is refused from the same
 * instant on, in every server. It is good for a week if nothing else is `wanted`; of a token other than the one that asks no
 * longer than that one (token-lifetime.ts). Throws unauthenticated for one that is not one's own, or is revoked or expired already.
 */
export async function rotatePersonalToken(
  registry: Registry,
  principal: Principal,
  id: number | "self",
  wanted?: Date,
): Promise<MadeToken> {
  const old = await findPersonalToken(registry, principal, id);
  const dead = new Failure(
    "unauthenticated",
    "the token is revoked or expired, and cannot be rotated: make a new one",
    {
      reason: "token_revoked",
    },
  );
  if (!isActive(old)) throw dead;
  const { kind, name, description, userId, scopes } = old;
  const itself = principal.kind === "user" && principal.tokenId === old.id;
  const usual = inDays(ROTATED_DAYS);
  const expiresAt = itself ? (wanted ?? usual) : await endOfMadeToken(registry, principal, userId!, wanted, usual);
  const secret = newSecret(kind);
  return change(registry, "this token exists already", async (tx) => {
    // Of two that rotate the same token at once, the second finds it revoked.
    const revoked = await tx.token.updateMany({
      where: { id: old.id, revokedAt: null },
      data: { revokedAt: new Date() },
    });
    if (revoked.count === 0) throw dead;
    const data = { kind, name, description, userId, scopes, expiresAt, digest: digestOf(secret) };
    const token = await tx.token.create({ data });
    await audit(tx, principal, "token.rotate", name, { token: token.id, instead: old.id });
    return { token, secret };
  });
}

/** The beginning of the UTC day that is so many days from now. */
function inDays(days: number): Date {
  return new Date(Math.floor(Date.now() / DAY_MS + days) * DAY_MS);
}
