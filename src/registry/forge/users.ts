// People and robots that sign in. Each has a namespace of the same name for projects of its own; user names and top-level
// groups share one space (the Route table sees to it).
import type { Transaction } from "../../database/client.ts";
import type { Prisma } from "../../database/generated/client.ts";
import { Failure, invalid } from "../../errors.ts";
import { demandAdministrator, demandUser, hidden, isAdministrator } from "../access/access.ts";
import { OWNER } from "../access/acts.ts";
import { audit } from "../audit.ts";
import { change } from "../change.ts";
import { isId, type Order } from "../lists/keyset-page.ts";
import { idsOf, type NumberedPage, type NumberedPageRequest, readNumberedPage } from "../lists/numbered-page.ts";
import type { Principal } from "../principal.ts";
import type { Registry } from "../registry.ts";
import type { UserRow } from "../rows.ts";
import { checkName, isKeepable, searchText } from "../text.ts";
import { checkPathElement } from "./full-path.ts";
import { insertGroup } from "./groups.ts";
import { deleteProjectRows, removeRepositories } from "./project-deletion.ts";

export interface NewUser {
  readonly username: string;
  readonly name?: string | undefined;
  readonly email?: string | undefined;
  readonly admin?: boolean | undefined;
}

/** Makes a user with its namespace. Administrators. Throws conflict when the name or the address is taken. */
export async function createUser(registry: Registry, principal: Principal, input: NewUser): Promise<UserRow> {
  demandAdministrator(principal);
  checkPathElement(input.username, true, "username");
  checkName(input.name);
  checkEmail(input.email);
  await demandFree(registry, { username: input.username, email: input.email });
  const taken = `the name ${input.username} (or the e-mail address) has already been taken`;
  return change(registry, taken, async (tx) => {
    const user = await insertUser(tx, input);
    await audit(tx, principal, "user.create", user.username, { admin: user.admin });
    return user;
  });
}

/** Makes the rows of a user: the user, the namespace, and that it owns that. Names were checked; taken ones violate unique rules. */
export async function insertUser(tx: Transaction, input: NewUser): Promise<UserRow> {
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
  return user;
}

function checkEmail(email: string | undefined): void {
  if (email === undefined) return;
  checkName(email, "email");
  if (!/^[^\s@]+@[^\s@]+$/.test(email)) throw invalid(`"${email}" is no e-mail address`, "email");
}

/** Says which of the two is taken; two who come at once learn it from the database. */
async function demandFree(
  registry: Registry,
  wanted: { readonly username?: string | undefined; readonly email?: string | undefined },
): Promise<void> {
  const { username, email } = wanted;
  if (email !== undefined && (await registry.prisma.user.findUnique({ where: { email } })))
    throw new Failure("conflict", "Email has already been taken", { reason: "already_exists" });
  if (username === undefined) return;
  const route = await registry.prisma.route.findUnique({ where: { key: username.toLowerCase() } });
  if (route) throw new Failure("conflict", "Username has already been taken", { reason: "already_exists" });
}

export interface UserChange {
  /** Only the present one: see the message. */
  readonly username?: string | undefined;
  readonly name?: string | undefined;
  readonly email?: string | undefined;
  readonly admin?: boolean | undefined;
}

/** Changes a user, but for the name, which paths are made of. Administrators. Throws conflict when the address is taken. */
export async function updateUser(
  registry: Registry,
  principal: Principal,
  id: number,
  input: UserChange,
): Promise<UserRow> {
  const user = await demandUserForAdministrator(registry, principal, id);
  if (input.username !== undefined && input.username !== user.username)
    throw invalid("cannot be changed: the paths of modules are made of it", "username");
  if (input.admin === false && principal.kind === "user" && principal.userId === id)
    throw new Failure("forbidden", "nobody can cease to be an administrator by oneself; ask another one");
  checkName(input.name);
  checkEmail(input.email);
  if (input.email !== user.email) await demandFree(registry, { email: input.email });
  return change(registry, "Email has already been taken", async (tx) => {
    const { name, email, admin } = input;
    const data = {
      ...(name ? { name } : {}),
      ...(email === undefined ? {} : { email }),
      ...(admin === undefined ? {} : { admin }),
    };
    const row = await tx.user.update({ where: { id }, data });
    if (name) await tx.group.updateMany({ where: { userId: id }, data: { name } });
    await audit(tx, principal, "user.update", user.username, data);
    return row;
  });
}

/** Deletes a user with the own namespace and the projects in it. Administrators, but not themselves. */
export async function deleteUser(registry: Registry, principal: Principal, id: number): Promise<void> {
  const user = await demandUserForAdministrator(registry, principal, id);
  if (principal.kind === "user" && principal.userId === id)
    throw new Failure("forbidden", "nobody can delete oneself; ask another administrator");
  const projects = await change(registry, "", async (tx) => {
    const inside = await tx.project.findMany({ where: { group: { userId: id } } });
    await deleteProjectRows(tx, inside);
    await tx.group.deleteMany({ where: { userId: id } });
    await tx.user.delete({ where: { id } });
    await audit(tx, principal, "user.delete", user.username, { projects: inside.map((one) => one.fullPath) });
    return inside;
  });
  await removeRepositories(registry, projects);
}

async function demandUserForAdministrator(registry: Registry, principal: Principal, id: number): Promise<UserRow> {
  demandAdministrator(principal);
  const user = await findUserById(registry, id);
  if (!user) throw hidden(principal, "User");
  return user;
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
  if (!isKeepable(username)) return undefined;
  const where: Prisma.UserWhereInput = { namespace: { route: { key: username.toLowerCase() } } };
  return (await registry.prisma.user.findFirst({ where })) ?? undefined;
}

export async function findUserById(registry: Registry, id: number): Promise<UserRow | undefined> {
  if (!isId(id)) return undefined;
  return (await registry.prisma.user.findUnique({ where: { id } })) ?? undefined;
}

/** Whether there is but one user: the administrator of the first start. */
export async function isOnlyUser(registry: Registry): Promise<boolean> {
  return (await registry.prisma.user.count({ take: 2 })) === 1;
}

/** Users by number. */
export function findUsersById(registry: Registry, ids: readonly number[]): Promise<UserRow[]> {
  return registry.prisma.user.findMany({ where: { id: { in: [...ids] } } });
}

/** What a list of all users tells of each. */
export type ListedUser = Pick<UserRow, "id" | "username" | "name" | "email" | "admin" | "blockedAt" | "createdAt">;

/** All users by name. Administrators. */
export async function listUsers(registry: Registry, principal: Principal): Promise<ListedUser[]> {
  demandAdministrator(principal);
  const { rows } = await registry.database.pool.query<ListedUser>(
    'SELECT id, username, name, email, admin, blocked_at AS "blockedAt", created_at AS "createdAt" FROM "user" ORDER BY username',
  );
  return rows;
}

export interface UserFilter {
  /** The exact name, in any case. */
  readonly username?: string | undefined;
  /** Part of the name or of the user name; for administrators, of the address. */
  readonly search?: string | undefined;
  readonly active?: boolean | undefined;
  readonly blocked?: boolean | undefined;
  readonly admins?: boolean | undefined;
}

export type UserOrder = "id" | "name" | "username" | "created_at";

/** Users as everybody who is signed in may see them. */
export async function searchUsers(
  registry: Registry,
  principal: Principal,
  filter: UserFilter,
  order: { readonly by: UserOrder; readonly sort: Order },
  numbered: NumberedPageRequest,
): Promise<NumberedPage<UserRow>> {
  demandUser(principal);
  const conditions: Prisma.UserWhereInput[] = [idsOf(numbered)];
  if (filter.username !== undefined) conditions.push({ namespace: { route: { key: filter.username.toLowerCase() } } });
  if (filter.search) {
    const contains = { contains: searchText(filter.search), mode: "insensitive" } as const;
    const address = isAdministrator(principal) ? [{ email: contains }] : [];
    conditions.push({ OR: [{ username: contains }, { name: contains }, ...address] });
  }
  if (filter.active) conditions.push({ blockedAt: null });
  if (filter.blocked) conditions.push({ blockedAt: { not: null } });
  if (filter.admins && isAdministrator(principal)) conditions.push({ admin: true });
  const where: Prisma.UserWhereInput = { AND: conditions };
  const { by, sort } = order;
  const orderBy: Prisma.UserOrderByWithRelationInput[] = [
    ...(by === "id" ? [] : [by === "created_at" ? { createdAt: sort } : { [by]: sort }]),
    { id: sort },
  ];
  return readNumberedPage(numbered, {
    read: (skip, take) => registry.prisma.user.findMany({ where, orderBy, skip, take }),
    count: (take) => registry.prisma.user.count({ where, take }),
  });
}

/** Whether a principal may see a user's address and tokens. */
export function mayInspectUser(principal: Principal, userId: number): boolean {
  return isAdministrator(principal) || (principal.kind === "user" && principal.userId === userId);
}
