// Browsers that signed in to the pages. A session is made with a personal access token, or for somebody whom the provider of
// OpenID Connect vouches for. That of a token is worth no more than it: it does nothing that the token may not, and is over when
// the token is revoked, rotated or has expired. That of a provider may what its user may, and is shorter, because what the
// provider says of somebody is heard when he signs in. The cookie holds a secret of its own and the database its digest, so
// that a session can be ended without anything else.
//
// It is looked up in the database for every page, which takes one statement: whoever signs out anywhere is out everywhere.
import { randomBytes } from "node:crypto";
import type { Transaction } from "../../database/client.ts";
import { Failure } from "../../errors.ts";
import { audit } from "../audit.ts";
import { change } from "../change.ts";
import type { Principal, UserPrincipal } from "../principal.ts";
import type { Registry } from "../registry.ts";
import { demandUser, isAdministrator, requireScope } from "./access.ts";
import { authenticate, principalOfToken, principalOfUser } from "./authentication.ts";
import { digestOf } from "./token-format.ts";

/** A session that nobody used for so long is over. */
const IDLE_HOURS = 12;
/** However much it is used, a session is over after so long: somebody signs in again. */
const LONGEST_DAYS = 14;
/** How long a session lasts that a provider vouches for: groups that it takes away count from the next sign-in on. */
const LONGEST_DAYS_BY_PROVIDER = 1;
const DAY_MS = 24 * 3_600_000;
const SECRET_BYTES = 32;
const MAX_BROWSER_LENGTH = 200;
/** The most sessions of one user that are listed. */
const LISTED = 100;

/** A session that was just made. */
export interface StartedSession {
  /** What the browser keeps. It cannot be had again. */
  readonly secret: string;
  readonly expiresAt: Date;
}

/** Who signed in, and how. */
export interface SignedIn {
  readonly id: number;
  readonly principal: UserPrincipal;
  readonly by: "token" | "provider";
}

/** A session, for the one who looks through those of a user. */
export interface SessionRow {
  readonly id: number;
  readonly browser: string;
  readonly createdAt: Date;
  readonly lastUsedAt: Date;
  readonly expiresAt: Date;
  /** The name of the token that it was made with; undefined: the provider vouched for the user. */
  readonly tokenName: string | undefined;
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
  return insertSession(registry, { tokenId: found.tokenId! }, LONGEST_DAYS, browser, async (tx) => {
    await audit(tx, found, "session.start", found.username, { token: found.tokenId! });
  });
}

/**
 * Signs a browser in for whoever has an identity at the provider. `idToken`: what the provider gave, which signing out there
 * asks for.
 */
export async function startProviderSession(
  registry: Registry,
  identity: { readonly id: number; readonly username: string },
  idToken: string,
  browser: string,
): Promise<StartedSession> {
  const sealed = (await registry.secrets()).seal(idToken, ID_TOKEN);
  const made = { identityId: identity.id, idToken: sealed };
  return insertSession(registry, made, LONGEST_DAYS_BY_PROVIDER, browser, async (tx) => {
    await audit(tx, "gokura", "session.start", identity.username, { identity: identity.id });
  });
}

const ID_TOKEN = "ID token of a session";

async function insertSession(
  registry: Registry,
  made: { readonly tokenId: number } | { readonly identityId: number; readonly idToken: string },
  days: number,
  browser: string,
  note: (tx: Transaction) => Promise<void>,
): Promise<StartedSession> {
  const secret = randomBytes(SECRET_BYTES).toString("base64url");
  const expiresAt = new Date(Date.now() + days * DAY_MS);
  await change(registry, "this session exists already", async (tx) => {
    await tx.$executeRaw`DELETE FROM web_session
      WHERE expires_at <= now() OR last_used_at <= now() - make_interval(hours => ${IDLE_HOURS})`;
    await tx.webSession.create({
      data: { ...made, digest: digestOf(secret), browser: nameOfBrowser(browser), expiresAt },
    });
    await note(tx);
  });
  return { secret, expiresAt };
}

/** Who signed in with this secret; undefined for a session that is over or never was. */
export async function findSession(registry: Registry, secret: string): Promise<SignedIn | undefined> {
  const { rows } = await registry.database.pool.query<{
    id: number;
    token_digest: string | null;
    user_id: number | null;
    stale: boolean;
  }>({
    name: "session-by-digest",
    text: `SELECT s.id, t.digest AS token_digest, i.user_id, s.last_used_at < now() - interval '1 minute' AS stale
      FROM web_session s LEFT JOIN token t ON t.id = s.token_id LEFT JOIN identity i ON i.id = s.identity_id
      WHERE s.digest = $1 AND s.expires_at > now() AND s.last_used_at > now() - make_interval(hours => ${IDLE_HOURS})`,
    values: [digestOf(secret)],
  });
  const session = rows[0];
  if (!session) return undefined;
  const { id, token_digest: digest, user_id: userId } = session;
  const found = digest === null ? principalOfUser(registry, userId!) : principalOfToken(registry, digest);
  const principal = await found.catch((error: unknown) => {
    if (error instanceof Failure && error.kind === "unauthenticated") return undefined;
    throw error;
  });
  if (principal?.kind !== "user") return undefined;
  if (session.stale)
    await registry.database.pool.query("UPDATE web_session SET last_used_at = now() WHERE id = $1", [id]);
  return { id, principal, by: digest === null ? "provider" : "token" };
}

/** The ID token of a session that a provider vouched for; undefined if there is none, or it can be opened no more. */
export async function idTokenOf(registry: Registry, sessionId: number): Promise<string | undefined> {
  const session = await registry.prisma.webSession.findUnique({ where: { id: sessionId } });
  if (session?.idToken == null) return undefined;
  try {
    return (await registry.secrets()).open(session.idToken, ID_TOKEN);
  } catch (error) {
    if (error instanceof Failure) return undefined;
    throw error;
  }
}

/** The sessions of a user that are not over, the last used first. One's own, or of anybody for administrators. */
export async function sessionsOfUser(
  registry: Registry,
  principal: Principal,
  userId: number,
): Promise<readonly SessionRow[]> {
  if (demandUser(principal).userId !== userId && !isAdministrator(principal)) return [];
  const rows = await registry.prisma.webSession.findMany({
    where: { OR: [{ token: { userId, revokedAt: null } }, { identity: { userId } }], ...notOver() },
    orderBy: [{ lastUsedAt: "desc" }, { id: "desc" }],
    take: LISTED,
    select: {
      ...{ id: true, browser: true, createdAt: true, lastUsedAt: true, expiresAt: true },
      token: { select: { name: true } },
    },
  });
  return rows.map(({ token, ...row }) => ({ ...row, tokenName: token?.name }));
}

/** Ends a session of one's own; nothing for one that is over already, or of somebody else. */
export async function endSession(registry: Registry, principal: Principal, id: number): Promise<void> {
  const { userId, username } = demandUser(principal);
  await change(registry, "", async (tx) => {
    const { count } = await tx.webSession.deleteMany({
      where: { id, OR: [{ token: { userId } }, { identity: { userId } }] },
    });
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
