// Projects: a repository, and the modules that are published from it.

import {
  type ObjectFormat,
  type PackageAccess,
  Prisma,
  type TagScheme,
  type Visibility,
} from "../../database/generated/client.ts";
import { Failure, invalid, notFound } from "../../errors.ts";
import { checkPath } from "../../gomod/module-path.ts";
import { demandAct, demandGroupAct, demandSeen, isAdministrator } from "../access/access.ts";
import { readableProjects, seenProjectsInSql } from "../access/access-conditions.ts";
import { audit } from "../audit.ts";
import { change, pathTaken } from "../change.ts";
import { COUNT_LIMIT, isId, type KeysetPage, keysetPages, type PageRequest } from "../lists/keyset-page.ts";
import { countOfEach, inOrderFound } from "../lists/of-each.ts";
import { ANONYMOUS, type Principal } from "../principal.ts";
import type { Registry } from "../registry.ts";
import type { GroupRow, ProjectRow } from "../rows.ts";
import { checkDescription, checkName, isKeepable } from "../text.ts";
import { splitFullPath } from "./full-path.ts";
import { demandParentGroup, groupsOfMember } from "./groups.ts";
import { deleteProjectRows, removeRepositories } from "./project-deletion.ts";
import { demandRoomForProject } from "./quotas.ts";
import { checkVisibility } from "./visibility.ts";
import { reindexAllTags } from "./waiting-tags.ts";

const MAX_TOPICS = 100;

export interface NewProject {
  readonly fullPath: string;
  readonly name?: string | undefined;
  readonly description?: string | undefined;
  readonly visibility?: Visibility | undefined;
  readonly modulePrefix?: string | undefined;
  readonly tagScheme?: TagScheme | undefined;
  /** Lists hold tags that are then refused, and forks are versions, as the go command in direct mode has it. */
  readonly listRefused?: boolean | undefined;
  /** The hash by which the repository names its objects, SHA-1 unless told; it cannot be changed. */
  readonly objectFormat?: ObjectFormat | undefined;
  readonly packages?: PackageSetting | undefined;
  readonly topics?: readonly string[] | undefined;
  /** The branch that HEAD is to name once it is there. */
  readonly defaultBranch?: string | undefined;
}

/** To whom the package registry of a project is open: `DISABLED` to nobody. */
export type PackageSetting = PackageAccess | "DISABLED";

export interface ProjectChange {
  /** Only the present one: see the message. */
  readonly path?: string | undefined;
  readonly name?: string | undefined;
  readonly description?: string | undefined;
  readonly visibility?: Visibility | undefined;
  /** Switched on it is `ENABLED`; one that is on stays as it is. `packages` goes before this. */
  readonly packagesEnabled?: boolean | undefined;
  readonly packages?: PackageSetting | undefined;
  readonly topics?: readonly string[] | undefined;
  /** A branch that there is. That HEAD names it then is git's to do: git/hosting/project-change.ts. */
  readonly defaultBranch?: string | undefined;
  /** An archived project takes no pushes and serves what it has. Owners. */
  readonly archived?: boolean | undefined;
  /** Null or "" takes it away. */
  readonly modulePrefix?: string | null | undefined;
  readonly tagScheme?: TagScheme | undefined;
  /** Lists hold tags that are then refused, and forks are versions, as the go command in direct mode has it. */
  readonly listRefused?: boolean | undefined;
}

/** Whether there is any project whose packages the anonymous may not read; remembered. */
export function hasClosedPackages(registry: Registry): Promise<boolean> {
  const { memory, prisma } = registry;
  return memory.remember(memory.hasClosedPackages, "all", async () => {
    const closed = { NOT: readableProjects(ANONYMOUS) };
    return (await prisma.project.findFirst({ where: closed, select: { id: true } })) !== null;
  });
}

/** By number or by full path in any case; remembered. Says nothing about who may see it. */
export async function findProject(registry: Registry, idOrPath: number | string): Promise<ProjectRow | undefined> {
  const key = typeof idOrPath === "number" ? idOrPath : idOrPath.toLowerCase();
  if (typeof key === "string" && !isKeepable(key)) return undefined;
  if (typeof key === "number" && !isId(key)) return undefined;
  const found = await registry.memory.remember<number | string, ProjectRow | false>(
    registry.memory.projects,
    key,
    async () => {
      const where: Prisma.ProjectWhereInput = typeof key === "number" ? { id: key } : { route: { key } };
      return (await registry.prisma.project.findFirst({ where, include: { group: true } })) ?? false;
    },
  );
  // Also by number, for those who only know that (http/go/hot-cache.ts).
  if (found && registry.memory.projects.get(key) === found) registry.memory.projects.set(found.id, found);
  return found || undefined;
}

/** Projects by number. Says nothing about who may see them. */
export function findProjects(registry: Registry, ids: readonly number[]): Promise<ProjectRow[]> {
  return registry.prisma.project.findMany({ where: { id: { in: [...ids] } }, include: { group: true } });
}

/** A project that the principal sees; throws as if there were none otherwise. */
export async function demandProject(
  registry: Registry,
  principal: Principal,
  idOrPath: number | string,
): Promise<ProjectRow> {
  return demandSeen(principal, await findProject(registry, idOrPath));
}

/**
 * A project that the principal sees, read anew: what is remembered may not know what the last push did (default branch, last
 * activity). Throws as if there were none otherwise.
 */
export async function demandCurrentProject(
  registry: Registry,
  principal: Principal,
  idOrPath: number | string,
): Promise<ProjectRow> {
  const { id } = await demandProject(registry, principal, idOrPath);
  const [project] = await findProjects(registry, [id]);
  return demandSeen(principal, project);
}

/** Checks that a principal may make a project of this path; returns the group that it would be in. */
export async function demandProjectCreation(
  registry: Registry,
  principal: Principal,
  fullPath: string,
): Promise<GroupRow> {
  const elements = splitFullPath(fullPath);
  if (elements.length < 2)
    throw invalid(`a project is in a group or in a user's namespace: use group/name instead of "${fullPath}"`);
  const group = await demandParentGroup(registry, principal, elements);
  demandGroupAct(principal, "project.create", group);
  await demandRoomForProject(registry, group);
  return group;
}

/**
 * Makes a project. Developers of its group; with a module prefix administrators. Throws conflict when the path or the module
 * prefix is taken.
 */
export async function createProject(registry: Registry, principal: Principal, input: NewProject): Promise<ProjectRow> {
  const group = await demandProjectCreation(registry, principal, input.fullPath);
  const path = input.fullPath.split("/").at(-1)!;
  const visibility = input.visibility ?? "PRIVATE";
  checkVisibility(visibility, group);
  checkName(input.name);
  checkDescription(input.description);
  checkTopics(input.topics);
  checkBranchName(input.defaultBranch);
  const modulePrefix = checkModulePrefix(registry, input.modulePrefix);
  if (modulePrefix !== null) demandPrefixRight(principal, modulePrefix);
  const taken = modulePrefix
    ? `the path ${input.fullPath} or the module prefix ${modulePrefix} has already been taken`
    : pathTaken(input.fullPath);
  return change(registry, taken, async (tx) => {
    const project = await tx.project.create({
      data: {
        path,
        name: input.name || path,
        fullPath: `${group.fullPath}/${path}`,
        groupId: group.id,
        visibility,
        description: input.description ?? "",
        modulePrefix,
        tagScheme: input.tagScheme ?? "GO",
        listRefused: input.listRefused ?? false,
        objectFormat: input.objectFormat ?? "SHA1",
        ...packagesOf({ packages: input.packages }),
        topics: [...(input.topics ?? [])],
        defaultBranch: input.defaultBranch ?? null,
        creatorId: principal.kind === "user" ? principal.userId : null,
      },
      include: { group: true },
    });
    await audit(tx, principal, "project.create", project.fullPath, { visibility, modulePrefix });
    return project;
  });
}

/**
 * Changes a project: Maintainers, but archiving is for Owners, and a new module prefix for administrators. Takes effect at once on
 * every door.
 */
export async function updateProject(
  registry: Registry,
  principal: Principal,
  fullPath: string,
  input: ProjectChange,
): Promise<ProjectRow> {
  const project = await demandProject(registry, principal, fullPath);
  demandAct(principal, "project.update", project);
  const { archived, ...settings } = input;
  if (archived !== undefined) demandAct(principal, archived ? "project.archive" : "project.unarchive", project);
  if (input.path !== undefined && input.path !== project.path)
    throw invalid("cannot be changed: the paths of modules are made of it; make another project", "path");
  checkName(input.name);
  checkDescription(input.description);
  checkTopics(input.topics);
  if (input.visibility !== undefined) checkVisibility(input.visibility, project.group);
  if (input.defaultBranch !== undefined) await demandBranch(registry, project, input.defaultBranch);
  const modulePrefix =
    input.modulePrefix === undefined ? project.modulePrefix : checkModulePrefix(registry, input.modulePrefix);
  if (modulePrefix !== null && modulePrefix !== project.modulePrefix) demandPrefixRight(principal, modulePrefix);
  const tagScheme = input.tagScheme ?? project.tagScheme;
  const listRefused = input.listRefused ?? project.listRefused;
  return change(registry, `the module prefix ${modulePrefix} belongs to another project`, async (tx) => {
    const updated = await tx.project.update({
      where: { id: project.id },
      data: {
        ...(input.name ? { name: input.name } : {}),
        ...(input.description !== undefined ? { description: input.description } : {}),
        ...(input.visibility !== undefined ? { visibility: input.visibility } : {}),
        ...packagesOf(input),
        ...(input.topics !== undefined ? { topics: [...input.topics] } : {}),
        ...(input.defaultBranch !== undefined ? { defaultBranch: input.defaultBranch } : {}),
        ...(archived !== undefined ? { archived } : {}),
        modulePrefix,
        tagScheme,
        listRefused,
      },
      include: { group: true },
    });
    // Its mirror is due, and this tells whoever follows them (gokura_mirror).
    if (archived === false && project.archived)
      await tx.$executeRaw`UPDATE mirror SET next_look_at = LEAST(next_look_at, now()) - interval '1 millisecond'
        WHERE project_id = ${project.id}`;
    if (archived !== undefined)
      await audit(tx, principal, archived ? "project.archive" : "project.unarchive", project.fullPath);
    if (archived === undefined || Object.values(settings).some((value) => value !== undefined))
      await audit(tx, principal, "project.update", project.fullPath, {
        ...settings,
        topics: settings.topics && [...settings.topics],
      });
    const meaningOf = (row: ProjectRow): string => JSON.stringify([row.modulePrefix, row.tagScheme, row.listRefused]);
    if (meaningOf(updated) !== meaningOf(project))
      // of its tags
      await reindexAllTags(registry, tx, project.id);
    return updated;
  });
}

function packagesOf({ packages, packagesEnabled }: Pick<ProjectChange, "packages" | "packagesEnabled">) {
  if (packages !== undefined && packages !== "DISABLED") return { packagesEnabled: true, packageAccess: packages };
  if (packages === "DISABLED") return { packagesEnabled: false, packageAccess: "ENABLED" as const };
  if (packagesEnabled === undefined) return {};
  return packagesEnabled ? { packagesEnabled } : { packagesEnabled, packageAccess: "ENABLED" as const };
}

/** What a project's package registry is set to. */
export function packageSettingOf(project: {
  readonly packagesEnabled: boolean;
  readonly packageAccess: PackageAccess;
}): PackageSetting {
  return project.packagesEnabled ? project.packageAccess : "DISABLED";
}

function checkTopics(topics: readonly string[] | undefined): void {
  if ((topics?.length ?? 0) > MAX_TOPICS) throw invalid(`a project has at most ${MAX_TOPICS} topics`, "topics");
  for (const topic of topics ?? []) checkName(topic, "topics");
}

/** What git takes as the name of a branch, as far as it matters before there is one (git-check-ref-format). */
function checkBranchName(name: string | undefined): void {
  if (
    name !== undefined &&
    (name.length > 255 ||
      !isKeepable(name) ||
      !/^(?![/.-])(?!.*(?:\.\.|\/\/|@\{))[^\x00-\x20~^:?*[\\\x7f]+(?<![/.])$/.test(name))
  )
    throw invalid(`"${name}" is no name of a branch`, "default_branch");
}

async function demandBranch(registry: Registry, project: ProjectRow, name: string): Promise<void> {
  if (name === project.defaultBranch) return;
  const key = { projectId_name: { projectId: project.id, name: `refs/heads/${name}` } };
  if (isKeepable(name) && (await registry.prisma.ref.findUnique({ where: key }))) return;
  throw invalid(`there is no branch ${name}: push it first`, "default_branch");
}

/** Deletes a project with its repository. Owners. The number is never used again; what was published leaves tombstones. */
export async function deleteProject(registry: Registry, principal: Principal, fullPath: string): Promise<ProjectRow> {
  const project = await demandProject(registry, principal, fullPath);
  demandAct(principal, "project.delete", project);
  await change(registry, "", async (tx) => {
    await deleteProjectRows(tx, [project]);
    await audit(tx, principal, "project.delete", project.fullPath, { id: project.id });
  });
  await removeRepositories(registry, [project]);
  return project;
}

/** The projects in groups that a principal sees, by number, by the group's number; with all below if asked for. */
export function projectsOfGroups(
  registry: Registry,
  principal: Principal,
  groups: readonly GroupRow[],
  { includeSubgroups }: { readonly includeSubgroups: boolean },
  request: PageRequest,
): Promise<Map<number, KeysetPage<ProjectRow>>> {
  const ids = groups.map(({ id }) => id);
  return keysetPages<ProjectRow & { list: number }, number>(request, ids, {
    keyType: "number",
    order: "asc",
    key: ({ id }) => id,
    listOf: ({ list }) => list,
    read: async (numbers, bounds, order, take) => {
      const below = await groupsOfMember(registry, principal);
      const conditions = [inGroup(includeSubgroups), seenProjectsInSql(principal, below)];
      if (bounds.gt !== undefined) conditions.push(Prisma.sql`p.id > ${bounds.gt}`);
      if (bounds.lt !== undefined) conditions.push(Prisma.sql`p.id < ${bounds.lt}`);
      const found = await registry.prisma.$queryRaw<{ list: number; id: number }[]>`
        SELECT of.list, inside.id FROM unnest(${[...numbers]}::int[]) AS of (list) CROSS JOIN LATERAL (
          SELECT p.id FROM project p JOIN "group" g ON g.id = p.group_id WHERE ${Prisma.join(conditions, " AND ")}
          ORDER BY p.id ${Prisma.raw(order)} LIMIT ${take}) AS inside
        ORDER BY of.list, inside.id ${Prisma.raw(order)}`;
      const rows = await findProjects(registry, [...new Set(found.map(({ id }) => id))]);
      return inOrderFound(found, rows);
    },
  });
}

/** How many these are, by the group's number; `limit` + 1 where there are more than `limit`. */
export async function countProjectsOfGroups(
  registry: Registry,
  principal: Principal,
  groups: readonly GroupRow[],
  { includeSubgroups }: { readonly includeSubgroups: boolean },
  limit: number = COUNT_LIMIT,
): Promise<Map<number, number>> {
  const ids = groups.map(({ id }) => id);
  const seen = seenProjectsInSql(principal, await groupsOfMember(registry, principal));
  const rows = Prisma.sql`FROM project p JOIN "group" g ON g.id = p.group_id
    WHERE ${inGroup(includeSubgroups)} AND ${seen}`;
  return countOfEach(registry, ids, rows, limit);
}

/** Whether the group `g` of a project is the one numbered of.list, or below it. */
function inGroup(includeSubgroups: boolean): Prisma.Sql {
  return includeSubgroups ? Prisma.sql`g.traversal_ids @> ARRAY[of.list]` : Prisma.sql`g.id = of.list`;
}

/** The module path of a project's root: host and full path. */
export function modulePathOf(registry: Registry, project: { readonly fullPath: string }): string {
  return `${registry.moduleHost}/${project.fullPath}`;
}

/** The module paths under which a project's repository root is published: its own, and the declared prefix, each once. */
export function moduleRootsOf(
  registry: Registry,
  project: { readonly fullPath: string; readonly modulePrefix: string | null },
): string[] {
  const own = modulePathOf(registry, project);
  // A prefix can be what the path has become since, with another module host.
  return project.modulePrefix && project.modulePrefix !== own ? [own, project.modulePrefix] : [own];
}

/** What a prefix names is taken over for everybody who uses the server (module-owner.ts). Throws forbidden. */
function demandPrefixRight(principal: Principal, prefix: string): void {
  if (isAdministrator(principal)) return;
  throw new Failure(
    "forbidden",
    `the module prefix ${prefix} would count for everybody who uses this server: an administrator declares it, or make the project a mirror of the repository that it names`,
    { reason: "administrators_only" },
  );
}

/** A prefix that a project may declare, null for none. Throws invalid. */
export function checkModulePrefix(registry: Registry, prefix: string | null | undefined): string | null {
  if (!prefix) return null;
  const why = checkPath(prefix);
  if (why !== undefined) throw invalid(`the module prefix cannot be used: ${why}`);
  if (prefix === registry.moduleHost || prefix.startsWith(`${registry.moduleHost}/`))
    throw invalid(
      `the module prefix cannot be below ${registry.moduleHost}: those paths belong to the projects of that name`,
    );
  return prefix;
}

/** A project by number, for background work; throws not-found when it is gone. */
export async function projectById(registry: Registry, id: number): Promise<ProjectRow> {
  const project = await registry.prisma.project.findUnique({ where: { id }, include: { group: true } });
  if (!project) throw notFound(`project ${id} is gone`);
  return project;
}
