// Personal access tokens and deploy tokens: made, listed, revoked. The secret exists in the answer of its making and
// nowhere else; the database has a digest. A token expires at 00:00 UTC on its date: one that expires today is expired.
import type { Prisma, TokenScope } from "../../database/generated/client.ts";
import { Failure, invalid, notFound } from "../../errors.ts";
import {
  demandAct,
  demandGroupAct,
  hidden,
  isAdministrator,
  mayAct,
  mayGroupAct,
  maySeeGroup,
  maySeeProject,
} from "../access/access.ts";
import { SCOPES_OF } from "../access/acts.ts";
import { digestOf, newSecret } from "../access/token-format.ts";
import { audit } from "../audit.ts";
import { change } from "../change.ts";
import { firstOfEach } from "../lists/first-of-each.ts";
import { type KeysetPage, keysetPages, type PageRequest } from "../lists/keyset-page.ts";
import type { Opened, Principal } from "../principal.ts";
import type { Registry } from "../registry.ts";
import type { GroupRow, ProjectRow, TokenRow, UserRow } from "../rows.ts";
import { checkDescription, checkName } from "../text.ts";
import { demandGroup } from "./groups.ts";
import { demandProject } from "./projects.ts";
import { endOfMadeToken } from "./token-lifetime.ts";
import { findUser, mayInspectUser } from "./users.ts";

export interface NewToken {
  readonly name: string;
  readonly description?: string | undefined;
  readonly scopes: readonly string[];
  /** From when on it is refused. */
  readonly expiresAt?: Date | undefined;
  /** Instead of a random secret. Only for the first administrator's token. */
  readonly secret?: string;
}

/** A token together with its secret, which cannot be had again. */
export interface MadeToken {
  readonly token: TokenRow;
  readonly secret: string;
}

/**
 * Makes a personal access token: anybody for oneself, administrators for everybody. One's own does not outlive the token that
 * makes it (token-lifetime.ts).
 */
export async function createPersonalToken(
  registry: Registry,
  principal: Principal,
  username: string,
  input: NewToken,
): Promise<MadeToken> {
  const user = await findUser(registry, username);
  if (!user || !mayInspectUser(principal, user.id)) {
    if (isAdministrator(principal)) throw invalid(`there is no user ${username}; make one with gokura user create`);
    if (principal.kind === "anonymous") throw hidden(principal, "User");
    throw new Failure("forbidden", "only administrators may make tokens for others", { reason: "administrators_only" });
  }
  const scopes = checkScopes(input.scopes, SCOPES_OF.user, "a personal access token");
  // It opens the names of all modules, whoever its user is.
  if (scopes.includes("read_checksum_log") && !isAdministrator(principal))
    throw new Failure("forbidden", "only administrators may make tokens with read_checksum_log", {
      reason: "administrators_only",
    });
  const expiresAt = (await endOfMadeToken(registry, principal, user.id, input.expiresAt, null)) ?? undefined;
  const owner = { kind: "PERSONAL", userId: user.id, scopes } as const;
  return insertToken(registry, principal, { ...input, expiresAt }, user.username, owner);
}

export interface NewDeployToken extends NewToken {
  /** The user name that goes with it; made up if there is none. */
  readonly username?: string | undefined;
}

/** Makes a deploy token of a project, which opens that one. Maintainers. */
export async function createDeployToken(
  registry: Registry,
  principal: Principal,
  projectPath: string,
  input: NewDeployToken,
): Promise<MadeToken> {
  const project = await demandProject(registry, principal, projectPath);
  demandAct(principal, "token.create", project);
  return insertDeployToken(registry, principal, input, project.fullPath, { projectId: project.id });
}

/**
 * Makes a deploy token of a group, which opens all projects at or below it, those too that are made later. Owners. Throws
 * invalid for the namespace of a user, whose own tokens open what is in it.
 */
export async function createGroupDeployToken(
  registry: Registry,
  principal: Principal,
  groupPath: string,
  input: NewDeployToken,
): Promise<MadeToken> {
  const group = await demandGroup(registry, principal, groupPath);
  demandGroupAct(principal, "token.create", group);
  if (group.userId !== null)
    throw invalid(
      `${group.fullPath} is the namespace of a user, and no group: make a deploy token of a project in it, or a personal access token`,
    );
  return insertDeployToken(registry, principal, input, group.fullPath, { groupId: group.id });
}

function insertDeployToken(
  registry: Registry,
  principal: Principal,
  input: NewDeployToken,
  subject: string,
  opens: Opened,
): Promise<MadeToken> {
  const scopes = checkScopes(input.scopes, SCOPES_OF["deploy-token"], "a deploy token");
  const username = input.username || `gokura+deploy-token-${Date.now().toString(36)}`;
  checkLogin(username);
  return insertToken(registry, principal, input, subject, { kind: "DEPLOY", ...opens, username, scopes });
}

/**
 * Of a user name Basic authentication takes what stands before the first colon, and ~/.netrc what stands before the first
 * blank. The rule is GitLab's (DeployToken, validates :username).
 */
function checkLogin(username: string): void {
  if (!/^[\w.+-]+$/.test(username))
    throw invalid("must be of letters from a to z, digits and the signs . + - _", "username");
}

/** The scopes that are given, in the order of those that can be. Throws invalid for others, and for none. `what`: for a sentence. */
export function checkScopes<S extends TokenScope>(given: readonly string[], known: readonly S[], what: string): S[] {
  const unknown = given.filter((scope) => !known.some((one) => one === scope));
  if (given.length === 0 || unknown.length > 0)
    throw invalid(
      `${unknown.length > 0 ? `${unknown.join(", ")} cannot be a scope of ${what}` : `${what} needs a scope`}: choose from ${known.join(", ")}`,
    );
  return known.filter((scope) => given.includes(scope));
}

type TokenOwner = Pick<Prisma.TokenUncheckedCreateInput, "kind" | "userId" | "projectId" | "groupId" | "username"> & {
  scopes: TokenScope[];
};

async function insertToken(
  registry: Registry,
  principal: Principal,
  input: NewToken,
  subject: string,
  owner: TokenOwner,
): Promise<MadeToken> {
  const name = input.name.trim();
  if (name === "") throw invalid("a token needs a name");
  checkName(name);
  checkName(owner.username);
  checkDescription(input.description);
  const secret = input.secret ?? newSecret(owner.kind);
  const { expiresAt = null, description = "" } = input;
  return change(registry, "this token exists already", async (tx) => {
    const data = { ...owner, name, description, digest: digestOf(secret), expiresAt };
    const token = await tx.token.create({ data });
    await audit(tx, principal, "token.create", subject, { token: token.id, name, scopes: owner.scopes });
    return { token, secret };
  });
}

/** The tokens that are neither revoked nor expired: isActive, as a condition. */
export function activeTokens(): Prisma.TokenWhereInput {
  return { revokedAt: null, OR: [{ expiresAt: null }, { expiresAt: { gt: new Date() } }] };
}

/** Whether a principal may see a token. Throws for one that is seen and may not be revoked. */
async function demandRevocable(registry: Registry, principal: Principal, token: TokenRow): Promise<boolean> {
  const { userId, groupId, projectId } = token;
  if (userId !== null) return mayInspectUser(principal, userId);
  if (groupId !== null) {
    const group = await registry.prisma.group.findUnique({ where: { id: groupId } });
    if (!group || !maySeeGroup(principal, group) || !mayGroupAct(principal, "token.list", group)) return false;
    demandGroupAct(principal, "token.revoke", group);
    return true;
  }
  const project = await registry.prisma.project.findUnique({ where: { id: projectId! }, include: { group: true } });
  if (!project || !maySeeProject(principal, project) || !mayAct(principal, "token.list", project)) return false;
  demandAct(principal, "token.revoke", project);
  return true;
}

/**
 * Revokes a token; of one that is revoked already nothing changes. Throws not-found for one that is none of one's own, and
 * forbidden for one that one may see and no more: a group's deploy token, for a Maintainer.
 */
export async function revokeToken(registry: Registry, principal: Principal, id: number): Promise<TokenRow> {
  const token = await registry.prisma.token.findUnique({ where: { id } });
  if (!token || !(await demandRevocable(registry, principal, token)))
    throw principal.kind === "anonymous" ? hidden(principal, "User") : notFound(`there is no token ${id}`);
  if (token.revokedAt) return token;
  return change(registry, "", async (tx) => {
    const revoked = await tx.token.update({ where: { id }, data: { revokedAt: new Date() } });
    await audit(tx, principal, "token.revoke", token.name, { token: id });
    return revoked;
  });
}

/** The personal access tokens of users, newest first, by the user's number; only of those whose tokens one may see. */
export function tokensOfUsers(
  registry: Registry,
  principal: Principal,
  users: readonly UserRow[],
  request: PageRequest,
): Promise<Map<number, KeysetPage<TokenRow>>> {
  const seen = users.filter((user) => mayInspectUser(principal, user.id));
  return tokenPages(registry, "user_id", seen, request);
}

/** The deploy tokens of projects, newest first, by the project's number; only of those of which one is Maintainer. */
export function tokensOfProjects(
  registry: Registry,
  principal: Principal,
  projects: readonly ProjectRow[],
  request: PageRequest,
): Promise<Map<number, KeysetPage<TokenRow>>> {
  const seen = projects.filter((project) => mayAct(principal, "token.list", project));
  return tokenPages(registry, "project_id", seen, request);
}

/** The deploy tokens of groups, newest first, by the group's number; only of those of which one is Maintainer. */
export function tokensOfGroups(
  registry: Registry,
  principal: Principal,
  groups: readonly GroupRow[],
  request: PageRequest,
): Promise<Map<number, KeysetPage<TokenRow>>> {
  const seen = groups.filter((group) => mayGroupAct(principal, "token.list", group));
  return tokenPages(registry, "group_id", seen, request);
}

/** The personal access tokens of a user, newest first. Oneself and administrators. */
export async function tokensOfUser(
  registry: Registry,
  principal: Principal,
  user: UserRow,
  request: PageRequest,
): Promise<KeysetPage<TokenRow>> {
  const pages = await tokensOfUsers(registry, principal, [user], request);
  const page = pages.get(user.id);
  if (!page) throw hidden(principal, "User");
  return page;
}

/** The deploy tokens of a project, newest first. Maintainers. */
export async function tokensOfProject(
  registry: Registry,
  principal: Principal,
  project: ProjectRow,
  request: PageRequest,
): Promise<KeysetPage<TokenRow>> {
  demandAct(principal, "token.list", project);
  return (await tokensOfProjects(registry, principal, [project], request)).get(project.id)!;
}

/** The deploy tokens of a group, newest first. Maintainers. */
export async function tokensOfGroup(
  registry: Registry,
  principal: Principal,
  group: GroupRow,
  request: PageRequest,
): Promise<KeysetPage<TokenRow>> {
  demandGroupAct(principal, "token.list", group);
  return (await tokensOfGroups(registry, principal, [group], request)).get(group.id)!;
}

const OWNER_COLUMNS = { user_id: "userId", project_id: "projectId", group_id: "groupId" } as const;

function tokenPages(
  registry: Registry,
  list: keyof typeof OWNER_COLUMNS,
  of: readonly { readonly id: number }[],
  request: PageRequest,
): Promise<Map<number, KeysetPage<TokenRow>>> {
  const ids = of.map(({ id }) => id);
  return keysetPages<TokenRow, number>(request, ids, {
    keyType: "number",
    order: "desc",
    key: (token) => token.id,
    listOf: (token) => token[OWNER_COLUMNS[list]]!,
    read: async (numbers, bounds, order, take) => {
      const first = await firstOfEach(registry, { table: "token", list, key: "id" }, numbers, bounds, order, take);
      return registry.prisma.token.findMany({ where: { id: { in: first } }, orderBy: { id: order } });
    },
  });
}

/** Neither revoked nor expired. */
export function isActive(token: TokenRow): boolean {
  return token.revokedAt === null && (token.expiresAt === null || token.expiresAt.getTime() > Date.now());
}
