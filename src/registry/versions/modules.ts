// Modules that have been published, as rows: one by its path, and in pages.

import { Prisma } from "../../database/generated/client.ts";
import { mayListModules, mayReadUpstream } from "../access/access.ts";
import { readableProjects } from "../access/access-conditions.ts";
import { findProject } from "../forge/projects.ts";
import { firstOfEach } from "../lists/first-of-each.ts";
import {
  COUNT_LIMIT,
  countingTo,
  type KeysetPage,
  keysetPage,
  keysetPages,
  type PageRequest,
} from "../lists/keyset-page.ts";
import { countOfEach } from "../lists/of-each.ts";
import type { Principal } from "../principal.ts";
import type { Registry } from "../registry.ts";
import type { ModuleRow, ProjectRow } from "../rows.ts";
import { isKeepable, searchText } from "../text.ts";

/** A ModuleRow, as plain SQL reads it: every page asks for some, and through Prisma that takes ten times as long. */
const MODULE_COLUMNS = `id, path, project_id AS "projectId", origin, deprecated, created_at AS "createdAt"`;

/**
 * A module that the principal may read, with its project; without one for a module from upstream, which is there for
 * everybody who may have such at all (access.ts mayReadUpstream). A path that a project has published is the project's alone.
 */
export async function findModule(
  registry: Registry,
  principal: Principal,
  path: string,
): Promise<{ module: ModuleRow; project: ProjectRow | undefined } | undefined> {
  if (!isKeepable(path)) return undefined;
  const { rows } = await registry.database.pool.query<ModuleRow>({
    name: "module-by-path",
    // HOSTED before UPSTREAM, as the enum has them.
    text: `SELECT ${MODULE_COLUMNS} FROM module WHERE path = $1 ORDER BY origin LIMIT 1`,
    values: [path],
  });
  const module = rows[0];
  if (module?.projectId === null)
    return registry.privateModules.covers(path) || !mayReadUpstream(principal, registry)
      ? undefined
      : { module, project: undefined };
  const project = module && (await findProject(registry, module.projectId));
  if (!module || !project || !mayListModules(principal, project)) return undefined;
  return { module, project };
}

/** Modules by number. Says nothing about who may see them. */
export async function findModules({ database }: Registry, ids: readonly number[]): Promise<ModuleRow[]> {
  if (ids.length === 0) return [];
  const { rows } = await database.pool.query<ModuleRow>({
    name: "modules-by-number",
    text: `SELECT ${MODULE_COLUMNS} FROM module WHERE id = ANY($1)`,
    values: [ids],
  });
  return rows;
}

/** Which modules a list holds. */
interface ModuleFilter {
  readonly projectId?: number;
  /** Part of the path, in any case. */
  readonly search?: string | null | undefined;
}

/** All modules that the principal may read, those from upstream too, by path. */
export function listModules(
  registry: Registry,
  principal: Principal,
  filter: ModuleFilter,
  request: PageRequest,
): Promise<KeysetPage<ModuleRow>> {
  const conditions = conditionsOf(registry, principal, filter);
  return keysetPage<ModuleRow, string>(request, {
    keyType: "string",
    order: "asc",
    key: (module) => module.path,
    read: (path, order, take) =>
      registry.prisma.module.findMany({ where: { AND: [...conditions, { path }] }, orderBy: { path: order }, take }),
  });
}

/** How many these are; `limit` + 1 if there are more than `limit`. */
export async function countModules(
  registry: Registry,
  principal: Principal,
  filter: ModuleFilter,
  limit: number = COUNT_LIMIT,
): Promise<number> {
  const take = countingTo(limit);
  return registry.prisma.module.count({ where: { AND: conditionsOf(registry, principal, filter) }, take });
}

function conditionsOf(registry: Registry, principal: Principal, filter: ModuleFilter): Prisma.ModuleWhereInput[] {
  const fromUpstream = { projectId: null, path: { notIn: [...registry.privateModules.fetchedBefore] } };
  const world = mayReadUpstream(principal, registry) ? [fromUpstream] : [];
  const readable: Prisma.ModuleWhereInput = { OR: [{ project: readableProjects(principal) }, ...world] };
  const { search, projectId } = filter;
  return [
    readable,
    ...(projectId === undefined ? [] : [{ projectId }]),
    ...(search ? [{ path: { contains: searchText(search), mode: "insensitive" } as const }] : []),
  ];
}

/** The modules of projects, by path, by the project's number; only of projects whose modules the principal may list. */
export function modulesOfProjects(
  registry: Registry,
  principal: Principal,
  projects: readonly ProjectRow[],
  request: PageRequest,
): Promise<Map<number, KeysetPage<ModuleRow>>> {
  const ids = projects.filter((project) => mayListModules(principal, project)).map(({ id }) => id);
  return keysetPages<ModuleRow, string>(request, ids, {
    keyType: "string",
    order: "asc",
    key: (module) => module.path,
    listOf: (module) => module.projectId!,
    read: async (numbers, bounds, order, take) => {
      const lists = { table: "module", list: "project_id", key: "path" } as const;
      const first = await firstOfEach(registry, lists, numbers, bounds, order, take);
      return registry.prisma.module.findMany({ where: { id: { in: first } }, orderBy: { path: order } });
    },
  });
}

/** How many these are, by the project's number; `limit` + 1 where there are more than `limit`. */
export async function countModulesOfProjects(
  registry: Registry,
  principal: Principal,
  projects: readonly ProjectRow[],
  limit: number = COUNT_LIMIT,
): Promise<Map<number, number>> {
  const ids = projects.filter((project) => mayListModules(principal, project)).map(({ id }) => id);
  return countOfEach(registry, ids, Prisma.sql`FROM module WHERE project_id = of.list`, limit);
}
