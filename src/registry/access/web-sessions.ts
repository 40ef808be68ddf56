// Browsers that signed in to the pages. A session is made with a personal access token and is worth no more than it: the
// cookie holds a secret of its own, the database its digest and the number of the token, so that a session can be ended
// without the token, does nothing that the token may not, and is over when the token is revoked, rotated or has expired.
//
// It is looked up in the database for every page, which takes one statement: whoever signs out anywhere is out everywhere.
import { randomBytes } from "node:crypto";
import { Failure } from "../../errors.ts";
import { audit } from "../audit.ts";
import { change } from "../change.ts";
import type { Principal, UserPrincipal } from "../principal.ts";
import type { Registry } from "../registry.ts";
import { demandUser, isAdministrator, requireScope } from "./access.ts";
import { authenticate, principalOfToken } from "./authentication.ts";
import { digestOf } from "./token-format.ts";

/** A session that nobody used for so long is over. */
const IDLE_HOURS = 12;
/** However much it is used, a session is over after so long: somebody signs in again. */
const LONGEST_DAYS = 14;
const SECRET_BYTES = 32;
const MAX_BROWSER_LENGTH = 200;
/** The most sessions of one user that are listed. */
const LISTED = 100;

/** A session that was just made. */
export interface StartedSession {
  /** What the browser keeps. It cannot be had again. */
  readonly secret: string;
  readonly expiresAt: Date;
  readonly principal: UserPrincipal;
}

/** A session, for the one who looks through those of a user. */
export interface SessionRow {
  readonly id: number;
  readonly browser: string;
  readonly createdAt: Date;
  readonly lastUsedAt: Date;
  readonly expiresAt: Date;
  /** The name of the token that it was made with. */
  readonly tokenName: string;
}

/**
 * Signs a browser in with a personal access token. Throws unauthenticated for a token that is not good, forbidden for a
 * deploy token, and insufficient-scope for one that does not open the API.
 */
export async function startSession(registry: Registry, token: string, browser: string): Promise<StartedSession> {
  const found = await authenticate(registry, { secret: token });
  if (found.kind !== "user")
    throw new Failure("forbidden", "a deploy token opens no pages: sign in with a personal access token", {
      reason: "users_only",
    });
  requireScope(found, "api read");
  const secret = randomBytes(SECRET_BYTES).toString("base64url");
  const expiresAt = new Date(Date.now() + LONGEST_DAYS * 24 * 3_600_000);
  await change(registry, "this session exists already", async (tx) => {
    await tx.$executeRaw`DELETE FROM web_session
      WHERE expires_at <= now() OR last_used_at <= now() - make_interval(hours => ${IDLE_HOURS})`;
    await tx.webSession.create({
      data: { tokenId: found.tokenId, digest: digestOf(secret), browser: nameOfBrowser(browser), expiresAt },
    });
    await audit(tx, found, "session.start", found.username, { token: found.tokenId });
  });
  return { secret, expiresAt, principal: found };
}

/** Who signed in with this secret, and the number of the session; undefined for a session that is over or never was. */
export async function findSession(
  registry: Registry,
  secret: string,
): Promise<{ readonly id: number; readonly principal: UserPrincipal } | undefined> {
  const { rows } = await registry.database.pool.query<{ id: number; token_digest: string; stale: boolean }>({
    name: "session-by-digest",
    text: `SELECT s.id, t.digest AS token_digest, s.last_used_at < now() - interval '1 minute' AS stale
      FROM web_session s JOIN token t ON t.id = s.token_id
      WHERE s.digest = $1 AND s.expires_at > now() AND s.last_used_at > now() - make_interval(hours => ${IDLE_HOURS})`,
    values: [digestOf(secret)],
  });
  const session = rows[0];
  if (!session) return undefined;
  const principal = await principalOfToken(registry, session.token_digest).catch((error: unknown) => {
    if (error instanceof Failure && error.kind === "unauthenticated") return undefined;
    throw error;
  });
  if (principal?.kind !== "user") return undefined;
  if (session.stale)
    await registry.database.pool.query("UPDATE web_session SET last_used_at = now() WHERE id = $1", [session.id]);
  return { id: session.id, principal };
}

/** The sessions of a user that are not over, the last used first. One's own, or of anybody for administrators. */
export async function sessionsOfUser(
  registry: Registry,
  principal: Principal,
  userId: number,
): Promise<readonly SessionRow[]> {
  if (demandUser(principal).userId !== userId && !isAdministrator(principal)) return [];
  const rows = await registry.prisma.webSession.findMany({
    where: { token: { userId, revokedAt: null }, ...notOver() },
    orderBy: [{ lastUsedAt: "desc" }, { id: "desc" }],
    take: LISTED,
    include: { token: { select: { name: true } } },
  });
  return rows.map(({ token, digest: _, tokenId: __, ...row }) => ({ ...row, tokenName: token.name }));
}

/** Ends a session of one's own; nothing for one that is over already, or of somebody else. */
export async function endSession(registry: Registry, principal: Principal, id: number): Promise<void> {
  const { userId, username } = demandUser(principal);
  await change(registry, "", async (tx) => {
    const { count } = await tx.webSession.deleteMany({ where: { id, token: { userId } } });
    if (count > 0) await audit(tx, principal, "session.end", username, {});
  });
}

function notOver() {
  return { expiresAt: { gt: new Date() }, lastUsedAt: { gt: new Date(Date.now() - IDLE_HOURS * 3_600_000) } };
}

/** What a browser calls itself, as text that can be kept and shown. */
function nameOfBrowser(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, "").slice(0, MAX_BROWSER_LENGTH) || "unknown";
}
