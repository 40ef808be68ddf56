// Who belongs to a project or a group, and with what access level. Levels are inherited downwards. Whoever is a member may
// cease to be one, but a group that has Owners keeps one.
import type { Transaction } from "../../database/client.ts";
import { Prisma } from "../../database/generated/client.ts";
import { Failure, invalid, notFound } from "../../errors.ts";
import { demandAct, demandGroupAct, groupLevel, mayAct, mayGroupAct, projectLevel } from "../access/access.ts";
import { ACCESS_LEVELS, isAbove, OWNER } from "../access/acts.ts";
import { audit } from "../audit.ts";
import { change } from "../change.ts";
import { firstOfEach } from "../lists/first-of-each.ts";
import { isId, type KeysetPage, keysetPages, type PageRequest } from "../lists/keyset-page.ts";
import { type NumberedPage, type NumberedPageRequest, readNumberedPage } from "../lists/numbered-page.ts";
import type { Principal } from "../principal.ts";
import type { Registry } from "../registry.ts";
import type { GroupRow, MemberRow, ProjectRow, UserRow } from "../rows.ts";
import { searchText } from "../text.ts";
import { demandGroup } from "./groups.ts";
import { demandProject } from "./projects.ts";
import { findUser } from "./users.ts";

/** Of what somebody is a member: exactly one of the two. */
export interface MemberPlace {
  readonly projectPath?: string | null | undefined;
  readonly groupPath?: string | null | undefined;
}

export interface MemberGrant {
  readonly username: string;
  readonly accessLevel: number;
  /** The membership counts no more from 00:00 UTC of this day; null: it counts for ever. */
  readonly expiresAt?: Date | null | undefined;
}

/** Whether a membership counts no more. */
function isOver(expiresAt: Date | null): boolean {
  return expiresAt !== null && expiresAt.getTime() <= Date.now();
}

/**
 * Adds a member or changes the level of one. Maintainers of a project, Owners of a group; nobody above the own level. Throws
 * forbidden for the last Owner of a group who would be none any more.
 * `when`: only somebody who is none yet (else conflict), or only who is one already (else not-found).
 */
export async function addMember(
  registry: Registry,
  principal: Principal,
  place: MemberPlace,
  input: MemberGrant,
  when: "new" | "present" | "either" = "either",
): Promise<MemberRow> {
  const { where, fullPath, ownLevel, group, demandRight } = await findPlace(registry, principal, place);
  demandRight("member.add");
  if (!Object.values(ACCESS_LEVELS).includes(input.accessLevel))
    throw invalid(`there is no access level ${input.accessLevel}: use ${Object.keys(ACCESS_LEVELS).join(", ")}`);
  if (isAbove(input.accessLevel, ownLevel))
    throw new Failure("forbidden", "nobody can give an access level above the own one", {
      reason: "access_level_too_low",
    });
  const user = await demandKnownUser(registry, input.username);
  const present = await registry.prisma.member.findFirst({ where: { ...where, userId: user.id } });
  const counts = present !== null && !isOver(present.expiresAt);
  if (when === "new" && counts) throw new Failure("conflict", "Member already exists", { reason: "already_exists" });
  if (when === "present" && !counts) throw notFound("Not Found");
  if (present && isAbove(present.accessLevel, ownLevel))
    throw new Failure("forbidden", "nobody can change the membership of somebody above oneself", {
      reason: "access_level_too_low",
    });
  const expiresAt =
    when === "present" && input.expiresAt === undefined ? present!.expiresAt : (input.expiresAt ?? null);
  const granted = { accessLevel: input.accessLevel, expiresAt };
  return change(registry, `${user.username} is a member of ${fullPath} already`, async (tx) => {
    if (group && present && (input.accessLevel !== OWNER || isOver(expiresAt)))
      await demandOtherOwner(tx, group, present);
    const member = present
      ? await tx.member.update({ where: { id: present.id }, data: granted, include: { user: true } })
      : await tx.member.create({ data: { ...where, userId: user.id, ...granted }, include: { user: true } });
    await audit(tx, principal, "member.add", fullPath, { user: user.username, level: input.accessLevel });
    return member;
  });
}

/**
 * Takes a direct membership away and returns it as it was. Anybody the own one; else Maintainers of a project, Owners of a
 * group. Throws not-found when there is none, and forbidden for the last Owner of a group.
 */
export async function removeMember(
  registry: Registry,
  principal: Principal,
  place: MemberPlace,
  username: string,
): Promise<MemberRow> {
  const { where, fullPath, ownLevel, group, demandRight } = await findPlace(registry, principal, place);
  const leaving = principal.kind === "user" && principal.username.toLowerCase() === username.toLowerCase();
  if (!leaving) demandRight("member.remove");
  const user = await demandKnownUser(registry, username);
  const member = await registry.prisma.member.findFirst({
    where: { ...where, userId: user.id },
    include: { user: true },
  });
  if (!member) throw new Failure("not-found", `${username} is no direct member of ${fullPath}`);
  if (!leaving && isAbove(member.accessLevel, ownLevel))
    throw new Failure("forbidden", "nobody can remove somebody above oneself", { reason: "access_level_too_low" });
  return change(registry, "", async (tx) => {
    if (group) await demandOtherOwner(tx, group, member);
    await tx.member.delete({ where: { id: member.id } });
    await audit(tx, principal, "member.remove", fullPath, { user: user.username });
    return member;
  });
}

/**
 * Refuses to take the level Owner from the last one who has it in a group, directly or from above, and from a user in the
 * own namespace. Of two who leave at once the second waits here for the first.
 */
export async function demandOtherOwner(
  tx: Transaction,
  group: GroupRow,
  member: { readonly id: number },
): Promise<void> {
  const around = [...group.traversalIds];
  await tx.$queryRaw`SELECT id FROM "group" WHERE id = ANY(${around}::int[]) ORDER BY id FOR NO KEY UPDATE`;
  const owners = await tx.$queryRaw<{ id: number; user_id: number; username: string }[]>`
    SELECT m.id, u.id AS user_id, u.username FROM member m JOIN "user" u ON u.id = m.user_id
    WHERE m.group_id = ANY(${around}::int[]) AND m.access_level = ${OWNER}
      AND (m.id = ${member.id} OR u.blocked_at IS NULL AND ${STILL_COUNTS})`;
  const owner = owners.find(({ id }) => id === member.id);
  if (!owner) return;
  if (owner.user_id === group.userId)
    throw new Failure("forbidden", `${group.fullPath} is the namespace of ${owner.username}, who stays its Owner`);
  if (owners.length === 1)
    throw new Failure(
      "forbidden",
      `${owner.username} is the last Owner of ${group.fullPath}: make somebody else an Owner first, or delete the group`,
      { reason: "last_owner" },
    );
}

/** That a membership `m` counts, in SQL: not isOver. */
const STILL_COUNTS = Prisma.sql`(m.expires_at IS NULL OR m.expires_at > (now() AT TIME ZONE 'UTC')::date)`;

/** Some projects or some groups. */
export type MemberLists = { readonly projects: readonly ProjectRow[] } | { readonly groups: readonly GroupRow[] };

/**
 * The direct members of projects or groups, first come first, by the number of the project or group; only of those of
 * which the principal is a member, directly or not.
 */
export async function listMembers(
  registry: Registry,
  principal: Principal,
  of: MemberLists,
  request: PageRequest,
): Promise<Map<number, KeysetPage<MemberRow>>> {
  const list = "projects" in of ? "project_id" : "group_id";
  const seen =
    "projects" in of
      ? of.projects.filter((project) => mayAct(principal, "member.list", project))
      : of.groups.filter((group) => mayGroupAct(principal, "member.list", group));
  const ids = seen.map(({ id }) => id);
  return keysetPages<MemberRow, number>(request, ids, {
    keyType: "number",
    order: "asc",
    key: (member) => member.id,
    listOf: (member) => (list === "project_id" ? member.projectId : member.groupId)!,
    read: async (numbers, bounds, order, take) => {
      const first = await firstOfEach(registry, { table: "member", list, key: "id" }, numbers, bounds, order, take);
      const where = { id: { in: first } };
      return registry.prisma.member.findMany({ where, orderBy: { id: order }, include: { user: true } });
    },
  });
}

export interface MemberSearch {
  /** A project or a group that the principal sees. */
  readonly of: { readonly project: ProjectRow } | { readonly group: GroupRow };
  /** With the members of the groups above; each user once, with the highest level. */
  readonly inherited: boolean;
  /** Part of the name or user name. */
  readonly query?: string | undefined;
  readonly userIds?: readonly number[] | undefined;
}

/**
 * A numbered page of the members of a project or group, by the numbers of their users; those whose time is over are none. Throws
 * forbidden for whoever is no member.
 */
export async function searchMembers(
  registry: Registry,
  principal: Principal,
  search: MemberSearch,
  numbered: NumberedPageRequest,
): Promise<NumberedPage<MemberRow>> {
  const { of } = search;
  const may =
    "project" in of ? mayAct(principal, "member.list", of.project) : mayGroupAct(principal, "member.list", of.group);
  if (!may) throw new Failure("forbidden", "only members are told who the others are");
  const around = "project" in of ? of.project.group.traversalIds : of.group.traversalIds;
  const direct = "group" in of ? [of.group.id] : [];
  const groups = [...(search.inherited ? around : direct)];
  const project = "project" in of ? of.project.id : 0;
  const conditions = [Prisma.sql`(m.project_id = ${project} OR m.group_id = ANY(${groups}::int[]))`, STILL_COUNTS];
  if (search.query) {
    const pattern = `%${searchText(search.query)}%`;
    conditions.push(Prisma.sql`(u.username ILIKE ${pattern} OR u.name ILIKE ${pattern})`);
  }
  if (search.userIds) conditions.push(Prisma.sql`m.user_id = ANY(${search.userIds.filter(isId)}::int[])`);
  const highest = Prisma.sql`SELECT DISTINCT ON (m.user_id) m.id FROM member m JOIN "user" u ON u.id = m.user_id
    WHERE ${Prisma.join(conditions, " AND ")} ORDER BY m.user_id, m.access_level DESC, m.id`;
  return readNumberedPage(numbered, {
    async read(skip, take) {
      const rows = await registry.prisma.$queryRaw<{ id: number }[]>`${highest} OFFSET ${skip} LIMIT ${take}`;
      const where = { id: { in: rows.map(({ id }) => id) } };
      return registry.prisma.member.findMany({ where, orderBy: { userId: "asc" }, include: { user: true } });
    },
    async count(limit) {
      const [counted] = await registry.prisma.$queryRaw<{ rows: number }[]>`
        SELECT count(*)::int AS rows FROM (${highest} LIMIT ${limit}) AS found`;
      return counted!.rows;
    },
  });
}

type MemberAct = "member.add" | "member.remove";

/** What the principal sees under a name, and who may say who its members are. */
async function findPlace(registry: Registry, principal: Principal, place: MemberPlace) {
  if (Boolean(place.projectPath) === Boolean(place.groupPath)) throw invalid("name either a project or a group");
  if (place.projectPath) {
    const project = await demandProject(registry, principal, place.projectPath);
    return {
      where: { projectId: project.id },
      fullPath: project.fullPath,
      ownLevel: projectLevel(principal, project),
      group: undefined,
      demandRight: (act: MemberAct) => demandAct(principal, act, project),
    };
  }
  const group = await demandGroup(registry, principal, place.groupPath!);
  return {
    where: { groupId: group.id },
    fullPath: group.fullPath,
    ownLevel: groupLevel(principal, group),
    group,
    demandRight: (act: MemberAct) => demandGroupAct(principal, act, group),
  };
}

async function demandKnownUser(registry: Registry, username: string): Promise<UserRow> {
  const user = await findUser(registry, username);
  if (!user) throw invalid(`there is no user ${username}`);
  return user;
}
