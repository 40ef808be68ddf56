// Credentials -> Principal. A token is found by its digest, together with its user and what the user is a member of, and
// the answer is remembered until something about access changes (access-memory.ts). Bad credentials are refused on every
// door, also where nobody would need any: a client that sends a token must not believe that it works when it does not.
// What has the form of an ID token is one (workloads.ts): it is verified once, and then remembered like any other.
import type { TokenScope } from "../../database/generated/client.ts";
import { Failure, type ReasonOf } from "../../errors.ts";
import type { Memberships, Principal } from "../principal.ts";
import { ANONYMOUS } from "../principal.ts";
import type { Registry } from "../registry.ts";
import { digestOf } from "./token-format.ts";
import { isIdToken, workloadOf } from "./workloads.ts";

/** What a request brought. The user name is that of Basic authentication; other ways have none. */
export interface Credentials {
  readonly secret: string;
  readonly username?: string;
}

/** Who sends these credentials. Throws unauthenticated when they are unknown, expired, revoked or of a blocked user. */
export async function authenticate(registry: Registry, credentials: Credentials | undefined): Promise<Principal> {
  if (credentials === undefined) return ANONYMOUS;
  const { secret } = credentials;
  const principal = await remembered(registry, digestOf(secret), (digest) =>
    isIdToken(secret) ? workloadOf(registry, secret) : load(registry, digest),
  );
  const accepted = accept(registry, principal, credentials);
  if ("tokenId" in accepted && accepted.tokenId !== undefined) await registry.tokenUse.writeFirst(accepted.tokenId);
  return accepted;
}

/** Whose token has this digest. Throws unauthenticated as authenticate does. */
export function principalOfToken(registry: Registry, digest: string): Promise<Principal> {
  return remembered(registry, digest, (one) => load(registry, one));
}

async function remembered(
  registry: Registry,
  digest: string,
  find: (digest: string) => Promise<Principal>,
): Promise<Principal> {
  const { memory } = registry;
  const principal = await memory.remember(memory.principals, digest, () => find(digest), timeToRemember);
  memory.onceGood.set(digest, true);
  return principal;
}

/**
 * A user for whom the provider of OpenID Connect vouches: no token, and everything that the user may. Throws unauthenticated
 * for one who is blocked or was deleted.
 */
export function principalOfUser(registry: Registry, userId: number): Promise<Principal> {
  // No digest looks like this.
  return remembered(registry, `user ${userId}`, () => loadUser(registry, userId));
}

async function loadUser(registry: Registry, userId: number): Promise<Principal> {
  const user = await registry.prisma.user.findUnique({ where: { id: userId } });
  if (!user) throw refused("token_unknown", "the user was deleted");
  if (user.blockedAt) throw refused("user_blocked", "the user is blocked; ask an administrator to unblock it");
  const { memberships, changesAt } = await membershipsOf(registry, userId);
  return {
    kind: "user",
    userId,
    ...{ username: user.username, admin: user.admin, tokenId: undefined, scopes: ["api"] },
    ...{ memberships, validUntil: changesAt },
  };
}

/** For how many milliseconds a principal is remembered; 0: until something changes; less: not at all. */
function timeToRemember(principal: Principal): number {
  if (!("validUntil" in principal) || principal.validUntil === Number.POSITIVE_INFINITY) return 0;
  const left = principal.validUntil - Date.now();
  return left > 0 ? left : -1;
}

/** What is left of credentials when the secret is forgotten: enough to know them again. */
export interface SeenCredentials {
  /** Of the secret. */
  readonly digest: string;
  readonly username?: string | undefined;
}

/** Forgets the secret of credentials. */
export function seenCredentials(credentials: Credentials | undefined): SeenCredentials | undefined {
  return credentials && { digest: digestOf(credentials.secret), username: credentials.username };
}

/** As authenticate, but only from memory: undefined when the database would have to be asked. */
export function authenticateFromMemory(
  registry: Registry,
  credentials: SeenCredentials | undefined,
): Principal | undefined {
  if (credentials === undefined) return ANONYMOUS;
  const principal = registry.memory.principals.get(credentials.digest);
  return principal && accept(registry, principal, credentials);
}

function accept(registry: Registry, principal: Principal, credentials: Pick<SeenCredentials, "username">): Principal {
  if (
    principal.kind === "deploy-token" &&
    credentials.username !== undefined &&
    credentials.username !== principal.username
  )
    throw refused(
      "deploy_token_username_wrong",
      `the user name ${shown(credentials.username)} does not go with this deploy token, whose name is ${principal.username}: put that into ~/.netrc as the login`,
    );
  if ("tokenId" in principal && principal.tokenId !== undefined) registry.tokenUse.add(principal.tokenId);
  return principal;
}

const NEW_TOKEN = "make a new token (gokura token create) and put it into ~/.netrc";

function refused(reason: ReasonOf<"unauthenticated">, message: string): Failure {
  return new Failure("unauthenticated", message, { reason });
}

/** A name as others wrote it, short enough for a sentence. */
function shown(name: string): string {
  return JSON.stringify(name.slice(0, 60));
}

interface TokenRow {
  id: number;
  kind: "PERSONAL" | "DEPLOY";
  name: string;
  username: string | null;
  project_id: number | null;
  group_id: number | null;
  scopes: TokenScope[];
  expires_at: Date | null;
  revoked_at: Date | null;
  last_used_at: Date | null;
  user_id: number | null;
  user_name: string | null;
  admin: boolean | null;
  blocked_at: Date | null;
  group_ids: number[] | null;
}

async function load(registry: Registry, digest: string): Promise<Principal> {
  const { rows } = await registry.database.pool.query<TokenRow>({
    name: "token-by-digest",
    text: `SELECT t.id, t.kind, t.name, t.username, t.project_id, t.group_id, t.scopes::text[] AS scopes, t.expires_at,
        t.revoked_at, t.last_used_at, u.id AS user_id, u.username AS user_name, u.admin, u.blocked_at, g.traversal_ids AS group_ids
      FROM token t LEFT JOIN "user" u ON u.id = t.user_id
      LEFT JOIN project p ON p.id = t.project_id LEFT JOIN "group" g ON g.id = COALESCE(t.group_id, p.group_id)
      WHERE t.digest = $1`,
    values: [digest],
  });
  const token = rows[0];
  if (!token) throw refused("token_unknown", `the token is not known here; ${NEW_TOKEN}`);
  if (token.revoked_at) throw refused("token_revoked", `the token was revoked; ${NEW_TOKEN}`);
  const expires = token.expires_at?.getTime() ?? Number.POSITIVE_INFINITY;
  if (expires <= Date.now())
    throw refused(
      "token_expired",
      `the token expired at ${new Date(expires).toISOString().slice(0, 16).replace("T", " ")} UTC (one that expires on a date is good until the end of the day before); ${NEW_TOKEN}`,
    );
  if (token.blocked_at)
    throw refused("user_blocked", "the user of the token is blocked; ask an administrator to unblock it");
  if (!token.last_used_at) registry.tokenUse.neverUsed(token.id);
  const { scopes } = token;
  if (token.kind === "DEPLOY")
    return {
      kind: "deploy-token",
      tokenId: token.id,
      name: token.name,
      username: token.username!,
      opens: token.group_id === null ? { projectId: token.project_id! } : { groupId: token.group_id },
      groupIds: token.group_ids!,
      scopes,
      validUntil: expires,
    };
  const { memberships, changesAt } = await membershipsOf(registry, token.user_id!);
  return {
    kind: "user",
    userId: token.user_id!,
    username: token.user_name!,
    admin: token.admin!,
    tokenId: token.id,
    scopes,
    memberships,
    validUntil: Math.min(expires, changesAt),
  };
}

/** A principal after a change that it made itself, with what it is a member of now. */
export async function renewed(registry: Registry, principal: Principal): Promise<Principal> {
  if (principal.kind !== "user") return principal;
  const { memberships, changesAt } = await membershipsOf(registry, principal.userId);
  return { ...principal, memberships, validUntil: Math.min(principal.validUntil, changesAt) };
}

async function membershipsOf(
  registry: Registry,
  userId: number,
): Promise<{ memberships: Memberships; changesAt: number }> {
  const { rows } = await registry.database.pool.query<{
    group_id: number | null;
    project_id: number | null;
    access_level: number;
    expires_at: Date | null;
    around: number[];
  }>({
    name: "memberships-of-user",
    text: `SELECT m.group_id, m.project_id, m.access_level, m.expires_at::timestamp AT TIME ZONE 'UTC' AS expires_at,
        COALESCE(g.traversal_ids, pg.traversal_ids) AS around
      FROM member m
      LEFT JOIN "group" g ON g.id = m.group_id
      LEFT JOIN project p ON p.id = m.project_id LEFT JOIN "group" pg ON pg.id = p.group_id
      WHERE m.user_id = $1 AND (m.expires_at IS NULL OR m.expires_at > (now() AT TIME ZONE 'UTC')::date)`,
    values: [userId],
  });
  const groups = new Map<number, number>();
  const projects = new Map<number, number>();
  const containing = new Set<number>();
  let changesAt = Number.POSITIVE_INFINITY;
  for (const row of rows) {
    if (row.group_id !== null) groups.set(row.group_id, row.access_level);
    if (row.project_id !== null) projects.set(row.project_id, row.access_level);
    for (const id of row.around) containing.add(id);
    if (row.expires_at) changesAt = Math.min(changesAt, row.expires_at.getTime());
  }
  return { memberships: { groups, projects, containing }, changesAt };
}
