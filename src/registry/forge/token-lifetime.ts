// How long a token may be good that a token makes. A token that ends one day is given out, or stolen, for that long: it must
// not make one of its user that outlives it. So what it makes ends with it at the latest, and a token that it rotates does.
// Two things are no way around that and stay free: a token that rotates itself is dead afterwards, and its owner notices
// (GitLab's way to renew one without a person); and administrators, who can make a user with tokens anyway, for others.
// Scopes need no such rule: only `api` makes tokens, and it opens all that a personal token can be given.
import { Failure } from "../../errors.ts";
import type { Principal } from "../principal.ts";
import type { Registry } from "../registry.ts";

/**
 * The moment from which a token of `userId` is refused that the principal makes or rotates; null: never. `wanted`: what was
 * asked for; without it `usual`, or the end of the token that asks, if that comes first. Throws forbidden (reason
 * token_would_outlive) for a later one than that of the token that asks.
 */
export async function endOfMadeToken(
  registry: Registry,
  principal: Principal,
  userId: number,
  wanted: Date | undefined,
  usual: Date | null,
): Promise<Date | null> {
  const limit = await endOfAsker(registry, principal, userId);
  if (limit === null) return wanted ?? usual;
  if (wanted === undefined) return usual === null || usual > limit ? limit : usual;
  if (wanted <= limit) return wanted;
  throw new Failure(
    "forbidden",
    `the token that asks is refused from ${limit.toISOString().slice(0, 10)} on, and cannot make one that outlives it: ask for an earlier day, or rotate the asking token first`,
    { reason: "token_would_outlive" },
  );
}

/**
 * When the token with which a user asks for a token of one's own ends; null: never, or it is none that binds. Whoever signed in
 * by the provider of OpenID Connect has no token, and is the person: nothing binds.
 */
async function endOfAsker(registry: Registry, principal: Principal, userId: number): Promise<Date | null> {
  if (principal.kind !== "user" || principal.userId !== userId || principal.tokenId === undefined) return null;
  const asking = await registry.prisma.token.findUnique({ where: { id: principal.tokenId } });
  return asking?.expiresAt ?? null;
}
