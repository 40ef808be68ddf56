// Users whom a provider of OpenID Connect vouches for. Who somebody is there is an identity: issuer and subject, which never
// change and are never given to somebody else. The first sign-in makes the user. Names and addresses are what people choose, so
// neither of them ever leads to a user who is there already: whoever has one connects the identity, signed in (connectIdentity).
//
// What the provider says of groups decides, at each sign-in, about the groups that the settings name, and about no others; who
// is an administrator too, if the settings say by which groups.
// Sources: OpenID Connect Core 1.0, 5.1 (claims), 5.7 (sub and iss are the only stable identifier); Microsoft, "Groups overage
// claim".
import type { Transaction } from "../../database/client.ts";
import { Failure, invalid, isFailure } from "../../errors.ts";
import { demandAdministrator, demandUser } from "../access/access.ts";
import type { Claims } from "../access/claim-patterns.ts";
import { audit } from "../audit.ts";
import { change } from "../change.ts";
import type { Principal } from "../principal.ts";
import type { Registry } from "../registry.ts";
import type { UserRow } from "../rows.ts";
import { checkName, isKeepable } from "../text.ts";
import { checkPathElement } from "./full-path.ts";
import { findGroup } from "./groups.ts";
import { demandOtherOwner } from "./members.ts";
import type { ProviderRules } from "./provider-rules.ts";
import { findUser, insertUser } from "./users.ts";

/** OpenID Connect Core 1.0, 2: a sub has at most so many characters. */
const MAX_SUBJECT = 255;

/** Somebody as the provider describes him, verified. */
export interface Vouched {
  readonly issuer: string;
  readonly subject: string;
  /** Those of the ID token and of the userinfo endpoint. */
  readonly claims: Claims;
}

/** An identity and whose it is. */
export interface KnownIdentity {
  readonly id: number;
  readonly username: string;
}

/**
 * Signs somebody in: finds or makes the user, and brings memberships to what the provider says. Throws unauthenticated for a
 * user who is blocked, and forbidden (sign_in_user_absent) where there is no user and none is to be made, or none can be because
 * the name is taken or is none.
 */
export async function signInByProvider(
  registry: Registry,
  vouched: Vouched,
  rules: ProviderRules,
): Promise<KnownIdentity> {
  const identity = (await findIdentity(registry, vouched)) ?? (await makeUser(registry, vouched, rules));
  const { user } = identity;
  if (user.blockedAt)
    throw new Failure("unauthenticated", `the user ${user.username} is blocked; ask an administrator to unblock it`, {
      reason: "user_blocked",
    });
  await applyGroups(registry, user, groupsIn(vouched.claims, rules.groupsClaim), rules);
  await registry.prisma.identity.updateMany({ where: { id: identity.id }, data: { lastSignInAt: new Date() } });
  return { id: identity.id, username: user.username };
}

type IdentityWithUser = { readonly id: number; readonly user: UserRow };

async function findIdentity(registry: Registry, { issuer, subject }: Vouched): Promise<IdentityWithUser | undefined> {
  const where = { issuer_subject: { issuer, subject } };
  return (await registry.prisma.identity.findUnique({ where, include: { user: true } })) ?? undefined;
}

async function makeUser(registry: Registry, vouched: Vouched, rules: ProviderRules): Promise<IdentityWithUser> {
  const { issuer, subject, claims } = vouched;
  const username = usernameOf(claims, rules.usernameClaim);
  if (!rules.createUsers)
    throw absent(
      vouched,
      "no user here belongs to you yet, and signing in makes none (GOKURA_OIDC_CREATE_USERS): ask an administrator for a user and a token, sign in with that, and connect yourself on the page of your tokens",
    );
  if (username === undefined)
    throw absent(
      vouched,
      `the provider gives no user name that can be part of a Go module path (claim ${rules.usernameClaim}): ask an administrator for a user of another name`,
    );
  const taken = absent(
    vouched,
    `the name ${username} is taken here: if it is you, sign in with a token and connect yourself on the page of your tokens; otherwise ask an administrator for a user of another name`,
  );
  const email = await freeEmail(registry, claims);
  try {
    return await change(registry, taken, async (tx) => {
      const route = await tx.route.findUnique({ where: { key: username.toLowerCase() } });
      if (route) throw taken;
      const user = await insertUser(tx, { username, name: nameIn(claims), email });
      const identity = await tx.identity.create({ data: { issuer, subject, userId: user.id } });
      await audit(tx, "gokura", "user.create", username, { issuer, subject });
      return { id: identity.id, user };
    });
  } catch (error) {
    // Two browsers of the same person may sign in for the first time at once.
    const other = isFailure(error, "forbidden") ? await findIdentity(registry, vouched) : undefined;
    if (other) return other;
    throw error;
  }
}

function absent({ subject }: Vouched, why: string): Failure {
  return new Failure("forbidden", `${why} (the provider calls you ${JSON.stringify(subject.slice(0, 100))})`, {
    reason: "sign_in_user_absent",
  });
}

/** A user name made of a claim: what stands before an @, without what cannot stand in a path; undefined if nothing is left. */
function usernameOf(claims: Claims, claim: string): string | undefined {
  const value = claims[claim] ?? claims.email;
  if (typeof value !== "string") return undefined;
  const username = value
    .split("@")[0]!
    .normalize("NFKD")
    .replace(/\p{Mark}/gu, "")
    .replace(/[^A-Za-z0-9_.-]+/g, "-")
    .replace(/^[^A-Za-z0-9]+|[^A-Za-z0-9]+$/g, "");
  try {
    checkPathElement(username, true);
    return username;
  } catch {
    return undefined;
  }
}

function nameIn({ name }: Claims): string | undefined {
  if (typeof name !== "string" || name.trim() === "") return undefined;
  try {
    checkName(name);
    return name.trim();
  } catch {
    return undefined;
  }
}

/** The address, if the provider does not say that it is not proved, and nobody here has it. */
async function freeEmail(
  registry: Registry,
  { email, email_verified: isVerified }: Claims,
): Promise<string | undefined> {
  if (typeof email !== "string" || isVerified === false || !/^[^\s@]{1,100}@[^\s@]{1,150}$/.test(email))
    return undefined;
  return (await registry.prisma.user.findUnique({ where: { email } })) ? undefined : email;
}

/** The names of groups in a claim; undefined: there are so many that the provider did not send them (Entra). */
function groupsIn(claims: Claims, claim: string): ReadonlySet<string> | undefined {
  const value = claims[claim];
  const names = claims._claim_names;
  if (value === undefined && typeof names === "object" && names !== null && claim in names) return undefined;
  const list = Array.isArray(value) ? value : typeof value === "string" ? [value] : [];
  return new Set(list.filter((one): one is string => typeof one === "string"));
}

async function applyGroups(
  registry: Registry,
  user: UserRow,
  told: ReadonlySet<string> | undefined,
  { grants, administrators }: ProviderRules,
): Promise<void> {
  if (told === undefined) {
    registry.log.warn(
      { user: user.username },
      "the provider did not send the groups of a user, because there are too many: memberships stay as they are",
    );
    return;
  }
  for (const path of new Set(grants.map(({ groupPath }) => groupPath))) {
    const levels = grants.filter((one) => one.groupPath === path && told.has(one.name)).map((one) => one.accessLevel);
    await applyGroup(registry, user, path, levels.length === 0 ? undefined : Math.max(...levels));
  }
  const admin = administrators?.some((name) => told.has(name));
  if (admin === undefined || admin === user.admin) return;
  await change(registry, "", async (tx) => {
    await tx.user.update({ where: { id: user.id }, data: { admin } });
    await audit(tx, "gokura", "user.update", user.username, { admin });
  });
}

/** Makes somebody a member of a group with this level; undefined: no member. Says it where the group or its rules forbid that. */
async function applyGroup(
  registry: Registry,
  user: UserRow,
  path: string,
  accessLevel: number | undefined,
): Promise<void> {
  const group = await findGroup(registry, path);
  if (!group) {
    registry.log.warn({ group: path }, "GOKURA_OIDC_GROUPS names a group that is not there");
    return;
  }
  const place = { groupId: group.id, userId: user.id };
  const present = await registry.prisma.member.findFirst({ where: place });
  if (present?.accessLevel === accessLevel && (present === null || present.expiresAt === null)) return;
  const note = (tx: Transaction, act: "member.add" | "member.remove") =>
    audit(tx, "gokura", act, group.fullPath, { user: user.username, ...(accessLevel ? { level: accessLevel } : {}) });
  try {
    await change(registry, `${user.username} is a member of ${path} already`, async (tx) => {
      if (present) await demandOtherOwner(tx, group, present);
      if (accessLevel === undefined) {
        await tx.member.deleteMany({ where: place });
        await note(tx, "member.remove");
        return;
      }
      const granted = { accessLevel, expiresAt: null };
      if (present) await tx.member.update({ where: { id: present.id }, data: granted });
      else await tx.member.create({ data: { ...place, ...granted } });
      await note(tx, "member.add");
    });
  } catch (error) {
    if (!isFailure(error, "forbidden", "conflict")) throw error;
    registry.log.warn({ user: user.username, group: path, err: error }, "a membership stays as it was");
  }
}

/**
 * Connects somebody at the provider with the user who is signed in. Throws conflict for an identity that belongs to somebody
 * else already.
 */
export async function connectIdentity(registry: Registry, principal: Principal, vouched: Vouched): Promise<void> {
  const { userId, username } = demandUser(principal);
  await insertIdentity(registry, principal, { id: userId, username }, vouched);
}

/**
 * Connects a subject of a provider with a user, so that the next sign-in leads there. Administrators. Throws conflict for an
 * identity that belongs to somebody else already.
 */
export async function connectUser(
  registry: Registry,
  principal: Principal,
  username: string,
  identity: { readonly issuer: string; readonly subject: string },
): Promise<UserRow> {
  demandAdministrator(principal);
  const { issuer, subject } = identity;
  if (!URL.canParse(issuer)) throw invalid("must be the address of the provider, as its claim iss says it", "issuer");
  if (subject === "" || subject.length > MAX_SUBJECT || !isKeepable(subject))
    throw invalid(`must be who it is there, as the claim sub says it: 1 to ${MAX_SUBJECT} characters`, "subject");
  const user = await findUser(registry, username);
  if (!user) throw invalid(`there is no user ${username}; make one with gokura user create`);
  await insertIdentity(registry, principal, user, identity);
  return user;
}

async function insertIdentity(
  registry: Registry,
  principal: Principal,
  user: { readonly id: number; readonly username: string },
  { issuer, subject }: { readonly issuer: string; readonly subject: string },
): Promise<void> {
  const found = await registry.prisma.identity.findUnique({ where: { issuer_subject: { issuer, subject } } });
  if (found?.userId === user.id) return;
  await change(registry, "this identity at the provider belongs to another user already", async (tx) => {
    await tx.identity.create({ data: { issuer, subject, userId: user.id } });
    await audit(tx, principal, "identity.connect", user.username, { issuer, subject });
  });
}

/** An identity, for its user to look at. */
export interface ListedIdentity {
  readonly id: number;
  readonly issuer: string;
  readonly subject: string;
  readonly lastSignInAt: Date | null;
}

/** Who the one who asks is at providers. */
export function ownIdentities(registry: Registry, principal: Principal): Promise<readonly ListedIdentity[]> {
  const { userId } = demandUser(principal);
  return registry.prisma.identity.findMany({ where: { userId }, orderBy: { id: "asc" }, take: 20 });
}

/** Takes an identity of one's own away, and ends the sessions that were made with it; nothing for one of somebody else. */
export async function disconnectIdentity(registry: Registry, principal: Principal, id: number): Promise<void> {
  const { userId, username } = demandUser(principal);
  await change(registry, "", async (tx) => {
    const { count } = await tx.identity.deleteMany({ where: { id, userId } });
    if (count > 0) await audit(tx, principal, "identity.disconnect", username, { identity: id });
  });
}
