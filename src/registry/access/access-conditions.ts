// The rules of access.ts as conditions for the database, so that a list holds what each of its rows alone would be shown. That
// the two agree is tested for every principal (test/registry/access/access-lists.test.ts).
import { Prisma, type Visibility } from "../../database/generated/client.ts";
import type { DeployPrincipal, Opened, Principal, UserPrincipal, WorkloadPrincipal } from "../principal.ts";
import { isAdministrator } from "./access.ts";
import { GUEST, levelByScopes, PROJECT_ACTS } from "./acts.ts";

/** What a principal reaches without looking at a single project: what its lists are made of. */
interface Reach {
  readonly everything: boolean;
  readonly visibilities: readonly Visibility[];
  /** Numbers of projects… */
  readonly projects: readonly number[];
  /** …and of groups, with all below them, whatever their visibility. */
  readonly groups: readonly number[];
}

/** Who reaches something beside what everybody does. */
type Belonging = UserPrincipal | DeployPrincipal | WorkloadPrincipal;

/** Whether somebody belongs somewhere: everybody but the anonymous, and the operator, who needs not to. */
export function belongs(principal: Principal): principal is Belonging {
  return principal.kind !== "anonymous" && principal.kind !== "operator";
}

/** What is seen by membership of at least this level, by a deploy token, or by visibility. */
function reachOf(principal: Principal, level: number): Reach {
  const reach: Reach = { everything: isAdministrator(principal), visibilities: ["PUBLIC"], projects: [], groups: [] };
  if (!belongs(principal)) return reach;
  const visibilities: readonly Visibility[] = principal.kind === "user" ? ["PUBLIC", "INTERNAL"] : ["PUBLIC"];
  return { ...reach, visibilities, ...belongingsOf(principal, level) };
}

/** Of what a user is a member with at least this level, or a job by its trusts; of what a deploy token is, which has no level. */
function belongingsOf(principal: Belonging, level: number): Pick<Reach, "projects" | "groups"> {
  if (principal.kind === "deploy-token") return numbersOf([principal.opens]);
  if (principal.kind === "workload")
    return numbersOf(principal.grants.filter(({ scopes }) => levelByScopes(scopes) >= level).map(({ opens }) => opens));
  const { memberships } = principal;
  const reaching = (levels: ReadonlyMap<number, number>) => [...levels].filter(([, l]) => l >= level).map(([id]) => id);
  return { projects: reaching(memberships.projects), groups: reaching(memberships.groups) };
}

function numbersOf(opened: readonly Opened[]): Pick<Reach, "projects" | "groups"> {
  return {
    projects: opened.flatMap((opens) => ("projectId" in opens ? [opens.projectId] : [])),
    groups: opened.flatMap((opens) => ("groupId" in opens ? [opens.groupId] : [])),
  };
}

/** The projects of a reach, whatever their visibility. `below`: the numbers of all groups at or below those of the reach, where they are known. */
function among(
  { projects, groups }: Pick<Reach, "projects" | "groups">,
  below?: readonly number[],
): Prisma.ProjectWhereInput[] {
  const inGroups = below ? { groupId: { in: [...below] } } : { group: { traversalIds: { hasSome: [...groups] } } };
  return [...(projects.length > 0 ? [{ id: { in: [...projects] } }] : []), ...(groups.length > 0 ? [inGroups] : [])];
}

/**
 * The projects that a principal may see: maySeeProject, as a condition for the database. With the numbers of the groups of
 * the principal (groupsOfMember) it is answered by indices, which matters to those who see little of very much.
 */
export function seenProjects(principal: Principal, below?: readonly number[]): Prisma.ProjectWhereInput {
  const reach = reachOf(principal, PROJECT_ACTS["project.see"].level);
  if (reach.everything) return {};
  return { OR: [{ visibility: { in: [...reach.visibilities] } }, ...among(reach, below)] };
}

/** The projects whose modules a principal may list: mayListModules, as a condition. */
export function readableProjects(principal: Principal): Prisma.ProjectWhereInput {
  const reach = reachOf(principal, PROJECT_ACTS["package.read"].level);
  if (reach.everything) return { packagesEnabled: true };
  const open: Prisma.ProjectWhereInput = {
    visibility: { in: [...reach.visibilities] },
    packageAccess: { not: "PRIVATE" },
  };
  return { AND: [{ packagesEnabled: true }, { OR: [open, ...among(reach)] }] };
}

/** seenProjects in SQL, about a row `p` of project and the row `g` of its group. */
export function seenProjectsInSql(principal: Principal, below?: readonly number[]): Prisma.Sql {
  const { everything, visibilities, projects, groups } = reachOf(principal, PROJECT_ACTS["project.see"].level);
  if (everything) return Prisma.sql`true`;
  const inGroups = below
    ? Prisma.sql`p.group_id = ANY(${[...below]}::int[])`
    : Prisma.sql`g.traversal_ids && ${[...groups]}::int[]`;
  return Prisma.sql`(p.visibility = ANY(${[...visibilities]}::"Visibility"[])
    OR p.id = ANY(${[...projects]}::int[]) OR ${inGroups})`;
}

/** readableProjects in SQL, about the same rows. */
export function readableProjectsInSql(principal: Principal): Prisma.Sql {
  const { everything, visibilities, projects, groups } = reachOf(principal, PROJECT_ACTS["package.read"].level);
  if (everything) return Prisma.sql`p.packages_enabled`;
  return Prisma.sql`p.packages_enabled AND (
    (p.visibility = ANY(${[...visibilities]}::"Visibility"[]) AND p.package_access <> 'PRIVATE')
    OR p.id = ANY(${[...projects]}::int[]) OR g.traversal_ids && ${[...groups]}::int[])`;
}

/** seenGroups in SQL, about a row `g` of group. */
export function seenGroupsInSql(principal: Principal): Prisma.Sql {
  const { everything, visibilities, groups } = reachOf(principal, PROJECT_ACTS["project.see"].level);
  if (everything) return Prisma.sql`true`;
  return Prisma.sql`(g.visibility = ANY(${[...visibilities]}::"Visibility"[]) OR g.traversal_ids && ${[...groups]}::int[]
    OR g.id = ANY(${aroundMemberships(principal)}::int[]))`;
}

/** Groups that are seen because of what is in them. */
function aroundMemberships(principal: Principal): number[] {
  if (principal.kind === "deploy-token") return [...principal.groupIds];
  if (principal.kind === "workload") return principal.grants.flatMap(({ groupIds }) => groupIds);
  return principal.kind === "user" ? [...principal.memberships.containing] : [];
}

/**
 * The projects of which a user is a member with at least this level, directly or by a group; those that a deploy token opens,
 * or the trusts of a job.
 * `below`: as above.
 */
export function memberProjects(
  principal: Belonging,
  level: number = GUEST,
  below?: readonly number[],
): Prisma.ProjectWhereInput {
  return { OR: among(belongingsOf(principal, level), below) };
}

/** The groups that a principal may see: maySeeGroup, as a condition. */
export function seenGroups(principal: Principal): Prisma.GroupWhereInput {
  if (isAdministrator(principal)) return {};
  const { visibilities, groups } = reachOf(principal, PROJECT_ACTS["project.see"].level);
  const around = aroundMemberships(principal);
  return {
    OR: [
      { visibility: { in: [...visibilities] } },
      ...(groups.length > 0 ? [{ traversalIds: { hasSome: [...groups] } }] : []),
      ...(around.length > 0 ? [{ id: { in: around } }] : []),
    ],
  };
}

/** The groups of which a user is a member with at least this level, directly or by one above; a deploy token's, and those below. */
export function memberGroups(principal: Belonging, level: number = GUEST): Prisma.GroupWhereInput {
  return { traversalIds: { hasSome: [...belongingsOf(principal, level).groups] } };
}
