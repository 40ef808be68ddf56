// People and robots that sign in. Each has a namespace of the same name for projects of its own; user names and top-level
// groups share one space (the Route table sees to it).
import type { Prisma, User } from "../database/generated/client.ts";
import { invalid } from "../errors.ts";
import { demandAdministrator, isAdministrator, OWNER } from "./access.ts";
import { audit } from "./audit.ts";
import { change } from "./change.ts";
import { checkPathElement } from "./full-path.ts";
import { insertGroup } from "./groups.ts";
import type { Principal } from "./principal.ts";
import type { Registry } from "./registry.ts";
import { checkName } from "./text.ts";

export type UserRow = User;

export interface NewUser {
  readonly username: string;
  readonly name?: string | undefined;
  readonly email?: string | undefined;
  readonly admin?: boolean | undefined;
}

/** Makes a user with its namespace. Administrators. Throws conflict when the name or the address is taken. */
export async function createUser(registry: Registry, principal: Principal, input: NewUser): Promise<UserRow> {
  demandAdministrator(principal);
  checkPathElement(input.username, true);
  checkName(input.name);
  checkName(input.email);
  if (input.email !== undefined && !/^[^\s@]+@[^\s@]+$/.test(input.email))
    throw invalid(`"${input.email}" is no e-mail address`);
  const taken = `the name ${input.username} (or the e-mail address) has already been taken`;
  return change(registry, taken, async (tx) => {
    const user = await tx.user.create({
      data: {
        username: input.username,
        name: input.name ?? input.username,
        email: input.email ?? null,
        admin: input.admin ?? false,
      },
    });
    const namespace = await insertGroup(tx, {
      path: input.username,
      name: user.name,
      parent: undefined,
      visibility: "PUBLIC",
      description: "",
      userId: user.id,
    });
    await tx.member.create({ data: { userId: user.id, groupId: namespace.id, accessLevel: OWNER } });
    await audit(tx, principal, "user.create", user.username, { admin: user.admin });
    return user;
  });
}

/** Refuses (or accepts again) all tokens of a user. Administrators. */
export async function setUserBlocked(
  registry: Registry,
  principal: Principal,
  username: string,
  blocked: boolean,
): Promise<UserRow> {
  demandAdministrator(principal);
  const user = await findUser(registry, username);
  if (!user) throw invalid(`there is no user ${username}`);
  return change(registry, "", async (tx) => {
    const row = await tx.user.update({ where: { id: user.id }, data: { blockedAt: blocked ? new Date() : null } });
    await audit(tx, principal, blocked ? "user.block" : "user.unblock", user.username);
    return row;
  });
}

/** By name, in any case. */
export async function findUser(registry: Registry, username: string): Promise<UserRow | undefined> {
  if (username.includes("\0")) return undefined;
  const where: Prisma.UserWhereInput = { namespace: { route: { key: username.toLowerCase() } } };
  return (await registry.prisma.user.findFirst({ where })) ?? undefined;
}

export async function findUserById(registry: Registry, id: number): Promise<UserRow | undefined> {
  return (await registry.prisma.user.findUnique({ where: { id } })) ?? undefined;
}

/** Users by number. */
export function findUsersById(registry: Registry, ids: readonly number[]): Promise<UserRow[]> {
  return registry.prisma.user.findMany({ where: { id: { in: [...ids] } } });
}

/** All users by name. Administrators. */
export async function listUsers(registry: Registry, principal: Principal): Promise<UserRow[]> {
  demandAdministrator(principal);
  return registry.prisma.user.findMany({ orderBy: { username: "asc" } });
}

/** Whether a principal may see a user's address and tokens. */
export function mayInspectUser(principal: Principal, userId: number): boolean {
  return isAdministrator(principal) || (principal.kind === "user" && principal.userId === userId);
}
