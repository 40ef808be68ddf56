// Who belongs to a project or a group, and with what access level. Levels are inherited downwards.
import type { Prisma } from "../database/generated/client.ts";
import { Failure, invalid } from "../errors.ts";
import {
  ACCESS_LEVELS,
  demandGroupLevel,
  demandLevel,
  GUEST,
  groupLevel,
  MAINTAINER,
  OWNER,
  projectLevel,
} from "./access.ts";
import { audit } from "./audit.ts";
import { change } from "./change.ts";
import { firstOfEach } from "./first-of-each.ts";
import { demandGroup, type GroupRow } from "./groups.ts";
import { keysetPages, type Page, type PageRequest } from "./page.ts";
import type { Principal } from "./principal.ts";
import { demandProject, type ProjectRow } from "./projects.ts";
import type { Registry } from "./registry.ts";
import { findUser, type UserRow } from "./users.ts";

export type MemberRow = Prisma.MemberGetPayload<{ include: { user: true } }>;

/** Of what somebody is a member: exactly one of the two. */
export interface MemberPlace {
  readonly projectPath?: string | null | undefined;
  readonly groupPath?: string | null | undefined;
}

export interface MemberGrant {
  readonly username: string;
  readonly accessLevel: number;
  /** The membership counts no more from 00:00 UTC of this day. */
  readonly expiresAt?: Date | null | undefined;
}

/** Adds a member or changes the level of one. Maintainers of a project, Owners of a group; nobody above the own level. */
export async function addMember(
  registry: Registry,
  principal: Principal,
  place: MemberPlace,
  input: MemberGrant,
): Promise<MemberRow> {
  const { where, fullPath, ownLevel } = await demandPlace(registry, principal, place, "adding members");
  if (!Object.values(ACCESS_LEVELS).includes(input.accessLevel))
    throw invalid(`there is no access level ${input.accessLevel}: use ${Object.keys(ACCESS_LEVELS).join(", ")}`);
  if (input.accessLevel > ownLevel) throw new Failure("forbidden", "nobody can give an access level above the own one");
  const user = await demandKnownUser(registry, input.username);
  const present = await registry.prisma.member.findFirst({ where: { ...where, userId: user.id } });
  if (present && present.accessLevel > ownLevel)
    throw new Failure("forbidden", "nobody can change the membership of somebody above oneself");
  const granted = { accessLevel: input.accessLevel, expiresAt: input.expiresAt ?? null };
  return change(registry, `${user.username} is a member of ${fullPath} already`, async (tx) => {
    const member = present
      ? await tx.member.update({ where: { id: present.id }, data: granted, include: { user: true } })
      : await tx.member.create({ data: { ...where, userId: user.id, ...granted }, include: { user: true } });
    await audit(tx, principal, "member.add", fullPath, { user: user.username, level: input.accessLevel });
    return member;
  });
}

/** Takes a direct membership away and returns it as it was. Throws not-found when there is none. */
export async function removeMember(
  registry: Registry,
  principal: Principal,
  place: MemberPlace,
  username: string,
): Promise<MemberRow> {
  const { where, fullPath, ownLevel } = await demandPlace(registry, principal, place, "removing members");
  const user = await demandKnownUser(registry, username);
  const member = await registry.prisma.member.findFirst({
    where: { ...where, userId: user.id },
    include: { user: true },
  });
  if (!member) throw new Failure("not-found", `${username} is no direct member of ${fullPath}`);
  if (member.accessLevel > ownLevel) throw new Failure("forbidden", "nobody can remove somebody above oneself");
  return change(registry, "", async (tx) => {
    await tx.member.delete({ where: { id: member.id } });
    await audit(tx, principal, "member.remove", fullPath, { user: user.username });
    return member;
  });
}

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
): Promise<Map<number, Page<MemberRow>>> {
  const list = "projects" in of ? "project_id" : "group_id";
  const seen =
    "projects" in of
      ? of.projects.filter((project) => projectLevel(principal, project) >= GUEST)
      : of.groups.filter((group) => groupLevel(principal, group) >= GUEST);
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

async function demandPlace(registry: Registry, principal: Principal, place: MemberPlace, act: string) {
  if (Boolean(place.projectPath) === Boolean(place.groupPath)) throw invalid("name either a project or a group");
  if (place.projectPath) {
    const project = await demandProject(registry, principal, place.projectPath);
    demandLevel(principal, project, MAINTAINER, act);
    return { where: { projectId: project.id }, fullPath: project.fullPath, ownLevel: projectLevel(principal, project) };
  }
  const group = await demandGroup(registry, principal, place.groupPath!);
  demandGroupLevel(principal, group, OWNER, act);
  return { where: { groupId: group.id }, fullPath: group.fullPath, ownLevel: groupLevel(principal, group) };
}

async function demandKnownUser(registry: Registry, username: string): Promise<UserRow> {
  const user = await findUser(registry, username);
  if (!user) throw invalid(`there is no user ${username}`);
  return user;
}
