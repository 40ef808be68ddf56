// Groups: nested namespaces of projects. A group is at most as visible as its parent, and whoever is a member of it is a
// member of everything below.

import type { Transaction } from "../../database/client.ts";
import { Prisma, type Visibility } from "../../database/generated/client.ts";
import { invalid, notFound } from "../../errors.ts";
import { demandGroupAct, demandGroupSeen, demandUser, hidden, isAdministrator, maySeeGroup } from "../access/access.ts";
import { belongs, memberGroups, seenGroups, seenGroupsInSql } from "../access/access-conditions.ts";
import { GUEST, OWNER } from "../access/acts.ts";
import { audit } from "../audit.ts";
import { change, pathTaken } from "../change.ts";
import { inBounds, inOrder } from "../lists/first-of-each.ts";
import { isId, type KeysetPage, keysetPages, type Order, type PageRequest } from "../lists/keyset-page.ts";
import { idsOf, type NumberedPage, type NumberedPageRequest, readNumberedPage } from "../lists/numbered-page.ts";
import { inOrderFound } from "../lists/of-each.ts";
import type { Principal } from "../principal.ts";
import type { Registry } from "../registry.ts";
import type { GroupRow } from "../rows.ts";
import { checkDescription, checkName, isKeepable, searchText } from "../text.ts";
import { splitFullPath } from "./full-path.ts";
import { deleteProjectRows, removeRepositories } from "./project-deletion.ts";
import { checkVisibility } from "./visibility.ts";

export interface NewGroup {
  readonly fullPath: string;
  readonly name?: string | undefined;
  readonly description?: string | undefined;
  readonly visibility?: Visibility | undefined;
}

export interface GroupChange {
  /** Only the present one: see the message. */
  readonly path?: string | undefined;
  readonly name?: string | undefined;
  readonly description?: string | undefined;
  readonly visibility?: Visibility | undefined;
}

/** By full path, in any case; undefined when there is none. Says nothing about who may see it. */
export async function findGroup(registry: Registry, fullPath: string): Promise<GroupRow | undefined> {
  if (!isKeepable(fullPath)) return undefined;
  const route = await registry.prisma.route.findUnique({
    where: { key: fullPath.toLowerCase() },
    include: { group: true },
  });
  return route?.group ?? undefined;
}

/** Groups by number. Says nothing about who may see them. */
export function findGroups(registry: Registry, ids: readonly number[]): Promise<GroupRow[]> {
  return registry.prisma.group.findMany({ where: { id: { in: [...ids] } } });
}

export async function findGroupById(registry: Registry, id: number): Promise<GroupRow | undefined> {
  return isId(id) ? ((await registry.prisma.group.findUnique({ where: { id } })) ?? undefined) : undefined;
}

/** All groups below some, as far as the principal sees them, by full path, by the number of the one above. */
export function descendantsOfGroups(
  registry: Registry,
  principal: Principal,
  groups: readonly GroupRow[],
  request: PageRequest,
): Promise<Map<number, KeysetPage<GroupRow>>> {
  const ids = groups.map(({ id }) => id);
  return keysetPages<GroupRow & { list: number }, string>(request, ids, {
    keyType: "string",
    order: "asc",
    key: ({ fullPath }) => fullPath,
    listOf: ({ list }) => list,
    read: async (numbers, bounds, order, take) => {
      const conditions = [Prisma.sql`true`, ...inBounds(["path"], bounds)];
      const found = await registry.prisma.$queryRaw<{ list: number; id: number }[]>`
        SELECT of.list, below.id FROM unnest(${[...numbers]}::int[]) AS of (list) CROSS JOIN LATERAL (
          SELECT id, path FROM (
            SELECT g.id, g.full_path COLLATE "C" AS path FROM "group" g
            WHERE g.traversal_ids @> ARRAY[of.list] AND g.id <> of.list AND ${seenGroupsInSql(principal)}) AS g
          WHERE ${Prisma.join(conditions, " AND ")} ORDER BY ${inOrder(["path"], order)} LIMIT ${take}) AS below
        ORDER BY of.list, ${inOrder(["path"], order)}`;
      const rows = await findGroups(registry, [...new Set(found.map(({ id }) => id))]);
      return inOrderFound(found, rows);
    },
  });
}

/** Nobody's lists are made by more numbers than this: whoever is a member of so many groups sees projects everywhere. */
const FEW_GROUPS = 1_000;

/**
 * The numbers of the groups of which a user is a member with at least this level, directly or by one above, or of those that
 * a group's deploy token or trust opens; undefined if they are too many to be named.
 */
export async function groupsOfMember(
  registry: Registry,
  principal: Principal,
  level: number = GUEST,
): Promise<number[] | undefined> {
  if (!belongs(principal)) return [];
  if (principal.kind === "user" && principal.memberships.groups.size === 0) return [];
  const where = memberGroups(principal, level);
  const rows = await registry.prisma.group.findMany({ where, select: { id: true }, take: FEW_GROUPS + 1 });
  return rows.length > FEW_GROUPS ? undefined : rows.map(({ id }) => id);
}

/** A group that the principal sees; throws as if there were none otherwise. */
export async function demandGroup(registry: Registry, principal: Principal, fullPath: string): Promise<GroupRow> {
  return demandGroupSeen(principal, await findGroup(registry, fullPath));
}

/**
 * Makes a group: at the top any user may (and becomes its Owner), below another its Maintainers. Throws conflict when
 * the path is taken.
 */
export async function createGroup(registry: Registry, principal: Principal, input: NewGroup): Promise<GroupRow> {
  const elements = splitFullPath(input.fullPath);
  const path = elements.at(-1)!;
  const parent =
    elements.length === 1 ? undefined : await demandGroup(registry, principal, elements.slice(0, -1).join("/"));
  if (parent) demandGroupAct(principal, "group.create", parent);
  else if (!isAdministrator(principal)) demandUser(principal);
  if (parent?.userId != null)
    throw invalid(`${parent.fullPath} is the namespace of a user: it has projects, no groups`);
  const visibility = input.visibility ?? "PRIVATE";
  checkVisibility(visibility, parent);
  checkName(input.name);
  checkDescription(input.description);
  return change(registry, pathTaken(input.fullPath), async (tx) => {
    const group = await insertGroup(tx, {
      path,
      name: input.name || path,
      description: input.description ?? "",
      parent,
      visibility,
      userId: null,
    });
    if (principal.kind === "user")
      await tx.member.create({ data: { userId: principal.userId, groupId: group.id, accessLevel: OWNER } });
    await audit(tx, principal, "group.create", group.fullPath, { visibility });
    return group;
  });
}

interface GroupInsert {
  readonly path: string;
  readonly name: string;
  readonly description: string;
  readonly parent: GroupRow | undefined;
  readonly visibility: Visibility;
  readonly userId: number | null;
}

/** The row of a group, whose place in the tree is pinned from the start; so its number is taken first. */
export async function insertGroup(tx: Transaction, input: GroupInsert): Promise<GroupRow> {
  const [next] = await tx.$queryRaw<
    { id: number }[]
  >`SELECT nextval(pg_get_serial_sequence('"group"', 'id'))::int AS id`;
  const id = next!.id;
  const { parent, ...rest } = input;
  return tx.group.create({
    data: {
      ...rest,
      id,
      parentId: parent?.id ?? null,
      fullPath: parent ? `${parent.fullPath}/${input.path}` : input.path,
      traversalIds: [...(parent?.traversalIds ?? []), id],
    },
  });
}

/** Changes a group. Owners. */
export async function updateGroup(
  registry: Registry,
  principal: Principal,
  fullPath: string,
  input: GroupChange,
): Promise<GroupRow> {
  const group = await demandGroup(registry, principal, fullPath);
  demandGroupAct(principal, "group.update", group);
  if (input.path !== undefined && input.path !== group.path)
    throw invalid("cannot be changed: the paths of modules are made of it; make another group", "path");
  checkName(input.name);
  checkDescription(input.description);
  const { visibility } = input;
  if (visibility !== undefined) {
    const parent =
      group.parentId === null ? undefined : await registry.prisma.group.findUnique({ where: { id: group.parentId } });
    checkVisibility(visibility, parent ?? undefined);
    await checkContentVisibility(registry, group, visibility);
  }
  return change(registry, "", async (tx) => {
    const updated = await tx.group.update({
      where: { id: group.id },
      data: {
        ...(input.name ? { name: input.name } : {}),
        ...(input.description !== undefined ? { description: input.description } : {}),
        ...(visibility !== undefined ? { visibility } : {}),
      },
    });
    await audit(tx, principal, "group.update", group.fullPath, { ...input });
    return updated;
  });
}

/** A group cannot become less visible than something in it. */
async function checkContentVisibility(registry: Registry, group: GroupRow, visibility: Visibility): Promise<void> {
  if (visibility === "PUBLIC") return;
  const more: Visibility[] = visibility === "PRIVATE" ? ["INTERNAL", "PUBLIC"] : ["PUBLIC"];
  const inside = { visibility: { in: more } };
  const project = await registry.prisma.project.findFirst({
    where: { ...inside, group: { traversalIds: { has: group.id } } },
  });
  const child = await registry.prisma.group.findFirst({
    where: { ...inside, traversalIds: { has: group.id }, id: { not: group.id } },
  });
  const found = project ?? child;
  if (found)
    throw invalid(
      `${group.fullPath} cannot be ${visibility.toLowerCase()} while ${found.fullPath} in it is ${found.visibility.toLowerCase()}`,
      "visibility",
    );
}

/** Deletes a group with all groups and projects in it. Owners. What was published leaves tombstones. */
export async function deleteGroup(registry: Registry, principal: Principal, fullPath: string): Promise<GroupRow> {
  const group = await demandGroup(registry, principal, fullPath);
  demandGroupAct(principal, "group.delete", group);
  if (group.userId !== null) throw invalid(`${fullPath} is the namespace of a user and stays as long as the user`);
  const deleted = await change(registry, "", async (tx) => {
    const projects = await tx.project.findMany({ where: { group: { traversalIds: { has: group.id } } } });
    await deleteProjectRows(tx, projects);
    // children before parents
    const groups = await tx.group.findMany({ where: { traversalIds: { has: group.id } } });
    groups.sort((a, b) => b.traversalIds.length - a.traversalIds.length);
    for (const { id } of groups) await tx.group.delete({ where: { id } });
    await audit(tx, principal, "group.delete", group.fullPath, { projects: projects.map((p) => p.fullPath) });
    return projects;
  });
  await removeRepositories(registry, deleted);
  return group;
}

/** The group that a new project of this path would be in. Throws not-found (or asks for credentials) without one. */
export async function demandParentGroup(
  registry: Registry,
  principal: Principal,
  elements: readonly string[],
): Promise<GroupRow> {
  const fullPath = elements.slice(0, -1).join("/");
  const parent = await findGroup(registry, fullPath);
  if (parent && maySeeGroup(principal, parent)) return parent;
  throw principal.kind === "anonymous"
    ? hidden(principal, "Group")
    : notFound(`there is no group ${fullPath}; make it first (gokura group create)`);
}

export interface GroupSearch {
  /** Part of the name or of the last element of the path. */
  readonly search?: string | undefined;
  /** Only those of which the principal is a member, with at least this level. */
  readonly minLevel?: number | undefined;
  readonly topLevelOnly?: boolean | undefined;
  readonly skip?: readonly number[] | undefined;
  readonly visibility?: Visibility | undefined;
  /** Only those directly in this group. */
  readonly parentId?: number | undefined;
  /** Only those below this group, however deep. */
  readonly below?: number | undefined;
  /** Also the namespace of the principal itself. */
  readonly withOwnNamespace?: boolean | undefined;
}

export type GroupOrder = "id" | "name" | "path";

/** A numbered page of the groups that a principal sees; namespaces of users are none. */
export async function searchGroups(
  registry: Registry,
  principal: Principal,
  filter: GroupSearch,
  order: { readonly by: GroupOrder; readonly sort: Order },
  numbered: NumberedPageRequest,
): Promise<NumberedPage<GroupRow>> {
  const own = filter.withOwnNamespace && principal.kind === "user" ? [{ userId: principal.userId }] : [];
  const conditions: Prisma.GroupWhereInput[] = [
    { OR: [{ userId: null }, ...own] },
    seenGroups(principal),
    idsOf(numbered),
  ];
  if (filter.search) {
    const contains = { contains: searchText(filter.search), mode: "insensitive" } as const;
    conditions.push({ OR: [{ name: contains }, { path: contains }] });
  }
  if (filter.minLevel !== undefined)
    conditions.push(principal.kind === "user" ? memberGroups(principal, filter.minLevel) : { id: { in: [] } });
  if (filter.topLevelOnly) conditions.push({ parentId: null });
  if (filter.skip && filter.skip.length > 0) conditions.push({ id: { notIn: filter.skip.filter(isId) } });
  if (filter.visibility) conditions.push({ visibility: filter.visibility });
  if (filter.parentId !== undefined) conditions.push({ parentId: filter.parentId });
  if (filter.below !== undefined) conditions.push({ traversalIds: { has: filter.below }, id: { not: filter.below } });
  const where: Prisma.GroupWhereInput = { AND: conditions };
  const orderBy = [...(order.by === "id" ? [] : [{ [order.by]: order.sort }]), { id: order.sort }];
  return readNumberedPage(numbered, {
    read: (skip, take) => registry.prisma.group.findMany({ where, orderBy, skip, take }),
    count: (take) => registry.prisma.group.count({ where, take }),
  });
}

/** The names of the groups from the top down to each of some, by the number of the group. */
export async function namesFromTop(
  registry: Registry,
  groups: readonly GroupRow[],
): Promise<ReadonlyMap<number, readonly string[]>> {
  const known = new Map(groups.map((group) => [group.id, group.name]));
  const above = new Set(groups.flatMap((group) => group.traversalIds).filter((id) => !known.has(id)));
  if (above.size > 0) for (const { id, name } of await findGroups(registry, [...above])) known.set(id, name);
  return new Map(groups.map((group) => [group.id, group.traversalIds.map((id) => known.get(id) ?? "")]));
}
