// Who may do what: the one place that answers, for every door. The rules are GitLab's ("Permissions and roles") as far as
// a Go registry has them. What is open is so by visibility; what is done needs a level (acts.ts):
//   see a project         public: everybody; internal: every user; private: its members; administrators see all
//   see a group           the same, and whoever is a member of something inside it
//   a deploy token        opens its project, or all at or below its group, as far as its scopes go, and sees the groups around
//   a job (ID token)      the same by each trust that it fits, with the level that the trust's scopes stand for
//   read packages or code whoever sees the project, but a Guest of a private one may not
//   read packages         where they are for members only: Reporters
// A Guest's "may see, may not do" is told (403); what may not be seen does not exist (404), or, to somebody without
// credentials, asks for some (401). Questions are asked in this order: scope, visibility, access level, registry, flag.
import type { PackageAccess, TokenScope, Visibility } from "../../database/generated/client.ts";
import { Failure } from "../../errors.ts";
import type { DeployPrincipal, Opened, Principal, UserPrincipal, WorkloadPrincipal } from "../principal.ts";
import {
  DOOR_SCOPES,
  GROUP_ACTS,
  type GroupAct,
  levelByScopes,
  nameOfLevel,
  OWNER,
  PROJECT_ACTS,
  type ProjectAct,
  SCOPES_OF,
  type ScopedDoor,
  scopesOf,
} from "./acts.ts";

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

/** Refuses a good token whose scopes do not open this door, whatever is behind it. */
export function requireScope(principal: Principal, door: ScopedDoor): void {
  requireOneOf(principal, DOOR_SCOPES[door]);
}

/** `there`: the place that it is about. Two trusts that a job fits may say different things of different places. */
function requireOneOf(principal: Principal, opening: readonly TokenScope[], there?: Place): void {
  if (principal.kind === "anonymous" || principal.kind === "operator") return;
  const scopes = principal.kind === "workload" && there ? scopesThere(principal, there) : principal.scopes;
  if (scopes.some((scope) => opening.includes(scope))) return;
  const wanted = opening.filter((scope) => (SCOPES_OF[principal.kind] as readonly TokenScope[]).includes(scope));
  const remedy =
    wanted.length === 0
      ? "use a personal access token"
      : principal.kind === "workload"
        ? `have the issuer trusted with ${wanted.join(" or ")} (gokura trust add)`
        : `make one with ${wanted.join(" or ")}`;
  throw new Failure("insufficient-scope", `the token's scopes (${scopes.join(", ")}) do not open this; ${remedy}`, {
    scopes: wanted,
  });
}

/** A project or a group, as far as a trust that opens it is concerned. */
interface Place {
  /** Of a project. */
  readonly projectId?: number;
  /** The group, or that of the project, and those above. */
  readonly traversalIds: readonly number[];
}

function placeOf(project: ProjectSubject): Place {
  return { projectId: project.id, traversalIds: project.group.traversalIds };
}

function opensPlace(opens: Opened, { projectId, traversalIds }: Place): boolean {
  return "projectId" in opens ? opens.projectId === projectId : traversalIds.includes(opens.groupId);
}

/** What a job may do in a place; what it may anywhere, if nothing opens the place to it. */
function scopesThere({ grants, scopes }: WorkloadPrincipal, place: Place): readonly TokenScope[] {
  const there = grants.filter(({ opens }) => opensPlace(opens, place)).flatMap((grant) => grant.scopes);
  return there.length > 0 ? [...new Set(there)] : scopes;
}

// ---- levels and visibility -----------------------------------------------------------------------------------------

/** Whether everything is open to it: administrators and the CLI. */
export function isAdministrator(principal: Principal): boolean {
  return principal.kind === "operator" || (principal.kind === "user" && principal.admin);
}

/** The highest level that the trusts of a job give in a place; 0 for none. */
function levelByTrust({ grants }: WorkloadPrincipal, place: Place): number {
  let level = 0;
  for (const { opens, scopes } of grants) if (opensPlace(opens, place)) level = Math.max(level, levelByScopes(scopes));
  return level;
}

/** The highest level in a group and its ancestors; 0 for none. */
export function groupLevel(principal: Principal, group: { readonly traversalIds: readonly number[] }): number {
  if (isAdministrator(principal)) return OWNER;
  if (principal.kind === "workload") return levelByTrust(principal, { traversalIds: group.traversalIds });
  if (principal.kind !== "user") return 0;
  let level = 0;
  for (const id of group.traversalIds) level = Math.max(level, principal.memberships.groups.get(id) ?? 0);
  return level;
}

/** The highest level in a project and the groups around it; 0 for none. */
export function projectLevel(principal: Principal, project: ProjectSubject): number {
  if (principal.kind === "workload") return levelByTrust(principal, placeOf(project));
  const direct = principal.kind === "user" ? (principal.memberships.projects.get(project.id) ?? 0) : 0;
  return Math.max(direct, groupLevel(principal, project.group));
}

/**
 * Whether a principal has the level for an act in a project. What a token's scopes say about it is asked when it is done: so
 * GitLab tells permissions.
 */
export function mayAct(principal: Principal, act: ProjectAct, project: ProjectSubject): boolean {
  return projectLevel(principal, project) >= PROJECT_ACTS[act].level;
}

/** mayAct, in a group. */
export function mayGroupAct(principal: Principal, act: GroupAct, group: Pick<GroupSubject, "traversalIds">): boolean {
  return groupLevel(principal, group) >= GROUP_ACTS[act].level;
}

function isOpenTo(principal: Principal, visibility: Visibility): boolean {
  if (visibility === "PUBLIC") return true;
  return visibility === "INTERNAL" && principal.kind === "user";
}

/** Whether a deploy token is of this project, or of a group around it. */
function isDeployTokenOf({ opens }: DeployPrincipal, project: ProjectSubject): boolean {
  return opensPlace(opens, placeOf(project));
}

export function maySeeProject(principal: Principal, project: ProjectSubject): boolean {
  if (isOpenTo(principal, project.visibility)) return true;
  if (principal.kind === "deploy-token") return isDeployTokenOf(principal, project);
  return mayAct(principal, "project.see", project);
}

export function maySeeGroup(principal: Principal, group: GroupSubject): boolean {
  if (isOpenTo(principal, group.visibility)) return true;
  if (mayGroupAct(principal, "group.see", group)) return true;
  if (principal.kind === "deploy-token") {
    const { opens, groupIds } = principal;
    return groupIds.includes(group.id) || ("groupId" in opens && group.traversalIds.includes(opens.groupId));
  }
  if (principal.kind === "workload") return principal.grants.some(({ groupIds }) => groupIds.includes(group.id));
  return principal.kind === "user" && principal.memberships.containing.has(group.id);
}

/** Packages and code hold the same bytes, so this opens both, unless the packages are for members only. */
export function mayReadCode(principal: Principal, project: ProjectSubject): boolean {
  if (!maySeeProject(principal, project)) return false;
  if (isOpenTo(principal, project.visibility) || principal.kind === "deploy-token") return true;
  return mayAct(principal, "code.read", project);
}

/** Whether the packages of a project are for this principal, while its registry is on. */
function mayReadPackages(principal: Principal, project: ProjectSubject): boolean {
  if (!mayReadCode(principal, project)) return false;
  if (project.packageAccess !== "PRIVATE") return true;
  if (principal.kind === "deploy-token") return isDeployTokenOf(principal, project);
  return mayAct(principal, "package.read", project);
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

/** A namespace, where projects are: a group or the own one of a user. Throws as if there were none if it is not seen. */
export function demandNamespaceSeen<S extends GroupSubject>(principal: Principal, namespace: S | undefined): S {
  const own = namespace?.userId == null || (principal.kind === "user" && principal.userId === namespace.userId);
  if (namespace && (own || isAdministrator(principal)) && maySeeGroup(principal, namespace)) return namespace;
  throw hidden(principal, "Namespace");
}

/**
 * Refuses whoever may not do something in a project: because it is not seen, for its token's scopes, or for its level. The
 * way in has asked for scopes of its own before: what it lets in is still not let into acts that are done by others.
 */
export function demandAct(principal: Principal, act: ProjectAct, project: ProjectSubject): void {
  demandSeen(principal, project);
  requireOneOf(principal, scopesOf(PROJECT_ACTS[act]), placeOf(project));
  if (mayAct(principal, act, project)) return;
  throw principal.kind === "anonymous" ? hidden(principal, "Project") : lacking(PROJECT_ACTS[act], project.fullPath);
}

/** demandAct, in a group. */
export function demandGroupAct(principal: Principal, act: GroupAct, group: GroupSubject): void {
  demandGroupSeen(principal, group);
  requireOneOf(principal, scopesOf(GROUP_ACTS[act]), { traversalIds: group.traversalIds });
  if (mayGroupAct(principal, act, group)) return;
  throw principal.kind === "anonymous" ? hidden(principal, "Group") : lacking(GROUP_ACTS[act], group.fullPath);
}

function lacking({ level, words }: { readonly level: number; readonly words: string }, where: string): Failure {
  return new Failure(
    "forbidden",
    `${words} needs the access level ${nameOfLevel(level)} in ${where}; ask one of its owners`,
    { reason: "access_level_too_low" },
  );
}

export function demandAdministrator(principal: Principal): void {
  if (isAdministrator(principal)) return;
  if (principal.kind === "anonymous") throw hidden(principal, "User");
  throw new Failure("forbidden", "only administrators may do this", { reason: "administrators_only" });
}

/** Whether somebody may hear of every name in the checksum log. */
export const mayReadRecords = (principal: Principal): boolean =>
  isAdministrator(principal) || (principal.kind === "user" && principal.scopes.includes("read_checksum_log"));

/** Refuses whoever may not. */
export function demandAuditor(principal: Principal): void {
  if (mayReadRecords(principal)) return;
  if (principal.kind === "anonymous") throw hidden(principal, "User");
  throw new Failure(
    "forbidden",
    "what lists the records of the checksum database names every module, private ones too: it takes an administrator, or a token with read_checksum_log, which an administrator makes",
    { reason: "administrators_only" },
  );
}

/** A user, for what only a user can have: tokens, groups of one's own. */
export function demandUser(principal: Principal): UserPrincipal {
  if (principal.kind === "user") return principal;
  if (principal.kind === "anonymous") throw hidden(principal, "User");
  throw new Failure("forbidden", "only a user may do this: send a personal access token", { reason: "users_only" });
}

/** The act "push", while the project is not archived and follows no other repository. */
export function demandPush(principal: Principal, project: PublishingProject): void {
  demandAct(principal, "push", project);
  demandUnarchived(project, "pushes");
  demandNoMirror(project);
}

/**
 * The act "package.publish", while the registry of the project is on, and it is neither archived nor a mirror. A deploy token
 * that opens the project needs no level: its scope says that it may.
 */
export function demandPublish<S extends PublishingProject>(principal: Principal, project: S | undefined): S {
  const seen = demandSeen(principal, project);
  if (principal.kind === "deploy-token" && isDeployTokenOf(principal, seen))
    requireOneOf(principal, scopesOf(PROJECT_ACTS["package.publish"]));
  else demandAct(principal, "package.publish", seen);
  demandUnarchived(seen, "uploads");
  demandNoMirror(seen);
  return demandOpenRegistry(seen);
}

type PublishingProject = ProjectSubject & { readonly archived: boolean; readonly mirrored: boolean };

function demandUnarchived({ archived, fullPath }: PublishingProject, what: string): void {
  if (archived)
    throw new Failure("forbidden", `${fullPath} is archived and takes no ${what}; one of its owners can unarchive it`, {
      reason: "project_archived",
    });
}

/** Refuses whatever would publish in a project that follows a remote repository: what it has is what that has. */
function demandNoMirror(project: { readonly fullPath: string; readonly mirrored: boolean }): void {
  if (!project.mirrored) return;
  throw new Failure(
    "forbidden",
    `${project.fullPath} is a mirror and takes nothing but what it follows: push to that repository, or have a Maintainer turn the mirror off (gokura mirror remove ${project.fullPath})`,
    { reason: "project_mirrored" },
  );
}

/** Code by git: seen, and Reporter if private. */
export function demandCode<S extends ProjectSubject>(principal: Principal, project: S | undefined): S {
  const seen = demandSeen(principal, project);
  if (!mayReadCode(principal, seen)) throw lacking(PROJECT_ACTS["code.read"], seen.fullPath);
  return seen;
}

/** Packages: as code, and the registry of the project is on, and it is open to the principal. */
export function demandRegistry<S extends ProjectSubject>(principal: Principal, project: S | undefined): S {
  const seen = demandOpenRegistry(demandCode(principal, project));
  if (mayReadPackages(principal, seen)) return seen;
  throw principal.kind === "anonymous"
    ? hidden(principal, "Project")
    : lacking(PROJECT_ACTS["package.read"], seen.fullPath);
}

function demandOpenRegistry<S extends ProjectSubject>(project: S): S {
  if (project.packagesEnabled) return project;
  throw new Failure(
    "forbidden",
    `the package registry of ${project.fullPath} is switched off; a Maintainer can switch it on (gokura project update ${project.fullPath} --packages on)`,
    { reason: "package_registry_disabled" },
  );
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
