// Who may do what: the one place that answers, for every door. The rules are GitLab's ("Permissions and roles") as far as
// a Go registry has them:
//   see a project         public: everybody; internal: every user; private: its members; administrators see all
//   see a group           the same, and whoever is a member of something inside it
//   read packages or code whoever sees the project, but a Guest of a private one may not
//   read packages         where they are for members only: Reporters
//   push, create projects Developer; edit a project, its members and tokens: Maintainer; delete, edit a group: Owner
// A Guest's "may see, may not do" is told (403); what may not be seen does not exist (404), or, to somebody without
// credentials, asks for some (401). Questions are asked in this order: scope, visibility, access level, registry, flag.
import { type PackageAccess, Prisma, type TokenScope, type Visibility } from "../../database/generated/client.ts";
import { Failure } from "../../errors.ts";
import type { Principal, UserPrincipal } from "../principal.ts";

export const GUEST = 10;
export const REPORTER = 20;
export const DEVELOPER = 30;
export const MAINTAINER = 40;
export const OWNER = 50;
export const ACCESS_LEVELS = {
  guest: GUEST,
  reporter: REPORTER,
  developer: DEVELOPER,
  maintainer: MAINTAINER,
  owner: OWNER,
};

/** What of a project decides about access to it. */
export interface ProjectSubject {
  readonly id: number;
  readonly fullPath: string;
  readonly visibility: Visibility;
  readonly packagesEnabled: boolean;
  readonly packageAccess: PackageAccess;
  readonly group: { readonly traversalIds: readonly number[] };
}

/** What of a group decides about access to it. */
export interface GroupSubject {
  readonly id: number;
  readonly fullPath: string;
  readonly visibility: Visibility;
  readonly userId: number | null;
  readonly traversalIds: readonly number[];
}

// ---- scopes --------------------------------------------------------------------------------------------------------

const DOOR_SCOPES = {
  "go endpoint": ["read_api", "api", "read_package_registry"],
  "git fetch": ["read_repository", "write_repository", "read_api", "api"],
  "git push": ["write_repository", "api"],
  "api read": ["read_api", "api"],
  "user read": ["read_user", "read_api", "api"],
  "api write": ["api"],
} as const satisfies Record<string, readonly TokenScope[]>;

/** What each kind of token can be given. */
export const SCOPES_OF = {
  user: ["api", "read_api", "read_user", "read_repository", "write_repository"],
  "deploy-token": ["read_repository", "read_package_registry", "write_package_registry"],
} as const satisfies Record<string, readonly TokenScope[]>;

/** A way in, as far as the scopes of tokens are concerned. */
export type ScopedDoor = keyof typeof DOOR_SCOPES;

/** Refuses a good token whose scopes do not open this door, whatever is behind it. */
export function requireScope(principal: Principal, door: ScopedDoor): void {
  if (principal.kind === "anonymous" || principal.kind === "operator") return;
  const opening: readonly TokenScope[] = DOOR_SCOPES[door];
  if (principal.scopes.some((scope) => opening.includes(scope))) return;
  const wanted = opening.filter((scope) => (SCOPES_OF[principal.kind] as readonly TokenScope[]).includes(scope));
  throw new Failure(
    "insufficient-scope",
    `the token's scopes (${principal.scopes.join(", ")}) do not open this; ${wanted.length > 0 ? `make one with ${wanted.join(" or ")}` : "use a personal access token"}`,
    { scopes: wanted },
  );
}

// ---- levels and visibility -----------------------------------------------------------------------------------------

/** Whether everything is open to it: administrators and the CLI. */
export function isAdministrator(principal: Principal): boolean {
  return principal.kind === "operator" || (principal.kind === "user" && principal.admin);
}

/** The highest level in a group and its ancestors; 0 for none. */
export function groupLevel(principal: Principal, group: { readonly traversalIds: readonly number[] }): number {
  if (isAdministrator(principal)) return OWNER;
  if (principal.kind !== "user") return 0;
  let level = 0;
  for (const id of group.traversalIds) level = Math.max(level, principal.memberships.groups.get(id) ?? 0);
  return level;
}

/** The highest level in a project and the groups around it; 0 for none. */
export function projectLevel(principal: Principal, project: ProjectSubject): number {
  const direct = principal.kind === "user" ? (principal.memberships.projects.get(project.id) ?? 0) : 0;
  return Math.max(direct, groupLevel(principal, project.group));
}

function isOpenTo(principal: Principal, visibility: Visibility): boolean {
  if (visibility === "PUBLIC") return true;
  return visibility === "INTERNAL" && principal.kind === "user";
}

export function maySeeProject(principal: Principal, project: ProjectSubject): boolean {
  if (isOpenTo(principal, project.visibility)) return true;
  if (principal.kind === "deploy-token") return principal.projectId === project.id;
  return projectLevel(principal, project) >= GUEST;
}

export function maySeeGroup(principal: Principal, group: GroupSubject): boolean {
  if (isOpenTo(principal, group.visibility)) return true;
  if (groupLevel(principal, group) >= GUEST) return true;
  if (principal.kind === "deploy-token") return principal.groupIds.includes(group.id);
  return principal.kind === "user" && principal.memberships.containing.has(group.id);
}

/** Packages and code hold the same bytes, so this opens both, unless the packages are for members only. */
export function mayReadCode(principal: Principal, project: ProjectSubject): boolean {
  if (!maySeeProject(principal, project)) return false;
  if (isOpenTo(principal, project.visibility) || principal.kind === "deploy-token") return true;
  return projectLevel(principal, project) >= REPORTER;
}

/** Whether the packages of a project are for this principal, while its registry is on. */
function mayReadPackages(principal: Principal, project: ProjectSubject): boolean {
  if (!mayReadCode(principal, project)) return false;
  if (project.packageAccess !== "PRIVATE") return true;
  if (principal.kind === "deploy-token") return principal.projectId === project.id;
  return projectLevel(principal, project) >= REPORTER;
}

/** Whether a principal may list the modules of a project: its registry is on, and its packages may be read. */
export function mayListModules(principal: Principal, project: ProjectSubject): boolean {
  return project.packagesEnabled && mayReadPackages(principal, project);
}

/** Whether a principal may have modules from upstream, which belong to no project: GOKURA_ANONYMOUS_UPSTREAM. */
export function mayReadUpstream(
  principal: Principal,
  { anonymousUpstream }: { readonly anonymousUpstream: boolean },
): boolean {
  return anonymousUpstream || principal.kind !== "anonymous";
}

// ---- demands: nothing, or the Failure that the asker is to see -------------------------------------------------------

/** What to say of a thing that is not there or may not be seen; the two cannot be told apart. */
export function hidden(
  principal: Principal,
  what: "Project" | "Group" | "Namespace" | "User" | "Module" | "Package",
): Failure {
  if (principal.kind === "anonymous")
    return new Failure("unauthenticated", "sign in: send a token, for example with a line for this host in ~/.netrc");
  return new Failure("not-found", `${what} Not Found`);
}

/** Modules from upstream: the anonymous are asked for a token where they may not have them. */
export function demandUpstream(principal: Principal, policy: { readonly anonymousUpstream: boolean }): void {
  if (!mayReadUpstream(principal, policy)) throw hidden(principal, "Module");
}

export function demandSeen<S extends ProjectSubject>(principal: Principal, project: S | undefined): S {
  if (project && maySeeProject(principal, project)) return project;
  throw hidden(principal, "Project");
}

export function demandGroupSeen<S extends GroupSubject>(principal: Principal, group: S | undefined): S {
  if (group && maySeeGroup(principal, group)) return group;
  throw hidden(principal, "Group");
}

/** The same, told as a namespace: where projects are, which is a group or the own one of a user. */
export function demandNamespaceSeen<S extends GroupSubject>(principal: Principal, namespace: S | undefined): S {
  const own = namespace?.userId == null || (principal.kind === "user" && principal.userId === namespace.userId);
  if (namespace && (own || isAdministrator(principal)) && maySeeGroup(principal, namespace)) return namespace;
  throw hidden(principal, "Namespace");
}

/** Refuses whoever does not have the level in a project that is seen. */
export function demandLevel(principal: Principal, project: ProjectSubject, level: number, act: string): void {
  demandSeen(principal, project);
  if (projectLevel(principal, project) >= level) return;
  throw principal.kind === "anonymous" ? hidden(principal, "Project") : lacking(level, act, project.fullPath);
}

export function demandGroupLevel(principal: Principal, group: GroupSubject, level: number, act: string): void {
  demandGroupSeen(principal, group);
  if (groupLevel(principal, group) >= level) return;
  throw principal.kind === "anonymous" ? hidden(principal, "Group") : lacking(level, act, group.fullPath);
}

function lacking(level: number, act: string, where: string): Failure {
  const name = Object.entries(ACCESS_LEVELS).find(([, value]) => value === level)?.[0] ?? String(level);
  return new Failure("forbidden", `${act} needs the access level ${name} in ${where}; ask one of its owners`, {
    reason: "access_level_too_low",
  });
}

export function demandAdministrator(principal: Principal): void {
  if (isAdministrator(principal)) return;
  if (principal.kind === "anonymous") throw hidden(principal, "User");
  throw new Failure("forbidden", "only administrators may do this", { reason: "administrators_only" });
}

/** A user, for what only a user can have: tokens, groups of one's own. */
export function demandUser(principal: Principal): UserPrincipal {
  if (principal.kind === "user") return principal;
  if (principal.kind === "anonymous") throw hidden(principal, "User");
  throw new Failure("forbidden", "only a user may do this: send a personal access token", { reason: "users_only" });
}

/** Pushing: Developers, while the project is not archived. */
export function demandPush(principal: Principal, project: ProjectSubject & { readonly archived: boolean }): void {
  demandLevel(principal, project, DEVELOPER, "pushing");
  if (project.archived)
    throw new Failure(
      "forbidden",
      `${project.fullPath} is archived and takes no pushes; one of its owners can unarchive it`,
      { reason: "project_archived" },
    );
}

/** Code by git: seen, and Reporter if private. */
export function demandCode<S extends ProjectSubject>(principal: Principal, project: S | undefined): S {
  const seen = demandSeen(principal, project);
  if (!mayReadCode(principal, seen)) throw lacking(REPORTER, "reading code and packages", seen.fullPath);
  return seen;
}

/** Packages: as code, and the registry of the project is on, and it is open to the principal. */
export function demandRegistry<S extends ProjectSubject>(principal: Principal, project: S | undefined): S {
  const seen = demandCode(principal, project);
  if (!seen.packagesEnabled)
    throw new Failure(
      "forbidden",
      `the package registry of ${seen.fullPath} is switched off; a Maintainer can switch it on (gokura project update ${seen.fullPath} --packages on)`,
      { reason: "package_registry_disabled" },
    );
  if (mayReadPackages(principal, seen)) return seen;
  throw principal.kind === "anonymous"
    ? hidden(principal, "Project")
    : lacking(REPORTER, "reading packages", seen.fullPath);
}

/** The Go endpoint: as packages, and the flag go_proxy is on. */
export function demandPackages<S extends ProjectSubject>(
  principal: Principal,
  project: S | undefined,
  flagOn: (project: S) => boolean,
): S {
  const seen = demandRegistry(principal, project);
  if (!flagOn(seen))
    throw new Failure(
      "not-found",
      `the Go proxy is off for ${seen.fullPath}; an administrator can switch it on (gokura flag set go_proxy on --project ${seen.fullPath})`,
      { reason: "go_proxy_disabled" },
    );
  return seen;
}

// ---- lists: the same rules as conditions -----------------------------------------------------------------------------

/** What a principal reaches without looking at a single project: what its lists are made of. */
interface Reach {
  readonly everything: boolean;
  readonly visibilities: readonly Visibility[];
  /** Numbers of projects… */
  readonly projects: readonly number[];
  /** …and of groups, with all below them, whatever their visibility. */
  readonly groups: readonly number[];
}

/** What is seen by membership of at least this level, or by visibility. */
function reachOf(principal: Principal, level: number): Reach {
  const reach: Reach = { everything: isAdministrator(principal), visibilities: ["PUBLIC"], projects: [], groups: [] };
  if (principal.kind === "deploy-token") return { ...reach, projects: [principal.projectId] };
  if (principal.kind !== "user") return reach;
  return { ...reach, visibilities: ["PUBLIC", "INTERNAL"], ...membershipsOf(principal, level) };
}

function membershipsOf({ memberships }: UserPrincipal, level: number): Pick<Reach, "projects" | "groups"> {
  const reaching = (levels: ReadonlyMap<number, number>) => [...levels].filter(([, l]) => l >= level).map(([id]) => id);
  return { projects: reaching(memberships.projects), groups: reaching(memberships.groups) };
}

/** Those of a reach by membership. `below`: the numbers of all groups at or below those of the reach, where they are known. */
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
  const reach = reachOf(principal, GUEST);
  if (reach.everything) return {};
  return { OR: [{ visibility: { in: [...reach.visibilities] } }, ...among(reach, below)] };
}

/** The projects whose modules a principal may list: mayListModules, as a condition. */
export function readableProjects(principal: Principal): Prisma.ProjectWhereInput {
  const reach = reachOf(principal, REPORTER);
  if (reach.everything) return { packagesEnabled: true };
  const open: Prisma.ProjectWhereInput = {
    visibility: { in: [...reach.visibilities] },
    packageAccess: { not: "PRIVATE" },
  };
  return { AND: [{ packagesEnabled: true }, { OR: [open, ...among(reach)] }] };
}

/** seenProjects in SQL, about a row `p` of project and the row `g` of its group. */
export function seenProjectsInSql(principal: Principal, below?: readonly number[]): Prisma.Sql {
  const { everything, visibilities, projects, groups } = reachOf(principal, GUEST);
  if (everything) return Prisma.sql`true`;
  const inGroups = below
    ? Prisma.sql`p.group_id = ANY(${[...below]}::int[])`
    : Prisma.sql`g.traversal_ids && ${[...groups]}::int[]`;
  return Prisma.sql`(p.visibility = ANY(${[...visibilities]}::"Visibility"[])
    OR p.id = ANY(${[...projects]}::int[]) OR ${inGroups})`;
}

/** readableProjects in SQL, about the same rows. */
export function readableProjectsInSql(principal: Principal): Prisma.Sql {
  const { everything, visibilities, projects, groups } = reachOf(principal, REPORTER);
  if (everything) return Prisma.sql`p.packages_enabled`;
  return Prisma.sql`p.packages_enabled AND (
    (p.visibility = ANY(${[...visibilities]}::"Visibility"[]) AND p.package_access <> 'PRIVATE')
    OR p.id = ANY(${[...projects]}::int[]) OR g.traversal_ids && ${[...groups]}::int[])`;
}

/** seenGroups in SQL, about a row `g` of group. */
export function seenGroupsInSql(principal: Principal): Prisma.Sql {
  const { everything, visibilities, groups } = reachOf(principal, GUEST);
  if (everything) return Prisma.sql`true`;
  return Prisma.sql`(g.visibility = ANY(${[...visibilities]}::"Visibility"[]) OR g.traversal_ids && ${[...groups]}::int[]
    OR g.id = ANY(${aroundMemberships(principal)}::int[]))`;
}

/** Groups that are seen because of what is in them. */
function aroundMemberships(principal: Principal): number[] {
  if (principal.kind === "deploy-token") return [...principal.groupIds];
  return principal.kind === "user" ? [...principal.memberships.containing] : [];
}

/** The projects of which a user is a member with at least this level, directly or by a group. `below`: as above. */
export function memberProjects(
  principal: UserPrincipal,
  level: number = GUEST,
  below?: readonly number[],
): Prisma.ProjectWhereInput {
  return { OR: among(membershipsOf(principal, level), below) };
}

/** The groups that a principal may see: maySeeGroup, as a condition. */
export function seenGroups(principal: Principal): Prisma.GroupWhereInput {
  if (isAdministrator(principal)) return {};
  if (principal.kind === "deploy-token")
    return { OR: [{ visibility: "PUBLIC" }, { id: { in: [...principal.groupIds] } }] };
  if (principal.kind !== "user") return { visibility: "PUBLIC" };
  const containing: Prisma.GroupWhereInput = { id: { in: [...principal.memberships.containing] } };
  return { OR: [{ visibility: { in: ["PUBLIC", "INTERNAL"] } }, memberGroups(principal), containing] };
}

/** The groups of which a user is a member with at least this level, directly or by one above. */
export function memberGroups(principal: UserPrincipal, level: number = GUEST): Prisma.GroupWhereInput {
  return { traversalIds: { hasSome: [...membershipsOf(principal, level).groups] } };
}
