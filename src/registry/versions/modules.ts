// What has been published: modules and versions as rows, for the Go endpoint (by path and version, in plain SQL) and for
// people (in pages).
import { type Module, type ModuleVersion, Prisma, type RejectedTag } from "../../database/generated/client.ts";
import { latestVersion, listedVersions } from "../../gomod/version-list.ts";
import { demandAdministrator, mayListModules, mayReadCode, readableProjects } from "../access/access.ts";
import type { Principal } from "../access/principal.ts";
import { findProject, type ProjectRow } from "../forge/projects.ts";
import { firstOfEach } from "../lists/first-of-each.ts";
import {
  COUNT_LIMIT,
  checkPageSize,
  countingTo,
  keysetPage,
  keysetPages,
  type Page,
  type PageRequest,
} from "../lists/keyset-page.ts";
import type { Registry } from "../registry.ts";
import { isKeepable, searchText } from "../text.ts";

export type ModuleRow = Module;
/** Without go.mod, which may be large: see goModsOf. */
export type VersionRow = Omit<ModuleVersion, "goMod" | "info">;
export type RejectedTagRow = RejectedTag;

/** What the Go endpoint needs of a version. */
export interface ServedVersion {
  readonly id: number;
  readonly modulePath: string;
  readonly version: string;
  readonly time: Date;
  readonly commit: string;
  /** The tag that made it (refs/tags/…); null for a pseudo-version. */
  readonly ref: string | null;
  readonly directory: string;
  readonly goMod: Buffer;
  readonly retracted: boolean;
  /** undefined until the zip has been made. */
  readonly zip: { readonly h1: string; readonly sha256: string; readonly size: number } | undefined;
}

interface ServedRow {
  id: number;
  version: string;
  time: Date;
  commit: string;
  ref: string | null;
  directory: string;
  go_mod: Buffer;
  retracted: boolean;
  h1: string | null;
  zip_key: string | null;
  zip_size: string | null;
}

const SERVED =
  "v.id, v.version, v.time, v.commit, v.ref, v.directory, v.go_mod, v.retracted, v.h1, v.zip_key, v.zip_size";

/** A version of a module of a project; undefined when it has not been published. */
export async function findVersion(
  registry: Registry,
  projectId: number,
  modulePath: string,
  version: string,
): Promise<ServedVersion | undefined> {
  const { rows } = await registry.database.pool.query<ServedRow>({
    name: "version-by-name",
    text: `SELECT ${SERVED} FROM module_version v JOIN module m ON m.id = v.module_id
      WHERE m.path = $1 AND m.project_id = $2 AND v.version = $3`,
    values: [modulePath, projectId, version],
  });
  return rows[0] && served(rows[0], modulePath);
}

/** A version by its number. */
export async function findVersionById(
  registry: Registry,
  id: number,
): Promise<(ServedVersion & { projectId: number }) | undefined> {
  const { rows } = await registry.database.pool.query<ServedRow & { path: string; project_id: number }>(
    `SELECT ${SERVED}, m.path, m.project_id FROM module_version v JOIN module m ON m.id = v.module_id WHERE v.id = $1`,
    [id],
  );
  return rows[0] && { ...served(rows[0], rows[0].path), projectId: rows[0].project_id };
}

function served(row: ServedRow, modulePath: string): ServedVersion {
  const { h1, zip_key: sha256, zip_size: size } = row;
  return {
    id: row.id,
    modulePath,
    version: row.version,
    time: row.time,
    commit: row.commit,
    ref: row.ref,
    directory: row.directory,
    goMod: row.go_mod,
    retracted: row.retracted,
    zip: h1 !== null && sha256 !== null && size !== null ? { h1, sha256, size: Number(size) } : undefined,
  };
}

/** A name in the list of a module. */
export interface ListedVersion {
  readonly version: string;
  readonly retracted: boolean;
  /** Whether it can be served: the go command lists tags that it then refuses, and so do we. */
  readonly usable: boolean;
}

/** The versions in the list of a module, ascending, by Go's rules; undefined when the project never had such a module. */
export async function listModule(
  registry: Registry,
  projectId: number,
  modulePath: string,
): Promise<ListedVersion[] | undefined> {
  const { rows } = await registry.database.pool.query<NameRow>({
    name: "list-module",
    text: `SELECT v.version, NOT v.legacy AS has_go_mod, v.retracted, true AS usable
        FROM module m LEFT JOIN module_version v ON v.module_id = m.id AND v.kind <> 'PSEUDO'
        WHERE m.path = $1 AND m.project_id = $2
      UNION ALL
      SELECT r.version, r.has_go_mod, false, false FROM rejected_tag r
        WHERE r.module_path = $1 AND r.project_id = $2 AND r.listed AND r.version IS NOT NULL`,
    values: [modulePath, projectId],
  });
  if (rows.length === 0) return undefined;
  return listed(rows);
}

interface NameRow {
  version: string | null;
  has_go_mod: boolean;
  retracted: boolean;
  usable: boolean;
}

/** Go's list of what is there. */
function listed(rows: readonly NameRow[]): ListedVersion[] {
  const known = new Map<string, NameRow>();
  for (const row of rows) if (row.version !== null && !known.get(row.version)?.usable) known.set(row.version, row);
  const items = [...known].map(([version, row]) => ({ version, hasGoMod: row.has_go_mod }));
  return listedVersions(items).map((version) => {
    const { retracted, usable } = known.get(version)!;
    return { version, retracted, usable };
  });
}

/**
 * A module that the principal may read, with its project; without one for a module from upstream, which is there for
 * everybody who can reach the instance's endpoint. A path that a project has published is the project's alone.
 */
export async function findModule(
  registry: Registry,
  principal: Principal,
  path: string,
): Promise<{ module: ModuleRow; project: ProjectRow | undefined } | undefined> {
  if (!isKeepable(path)) return undefined;
  // HOSTED before UPSTREAM, as the enum has them.
  const module = await registry.prisma.module.findFirst({ where: { path }, orderBy: { origin: "asc" } });
  if (module?.projectId === null)
    return registry.privateModules.covers(path) ? undefined : { module, project: undefined };
  const project = module && (await findProject(registry, module.projectId));
  if (!module || !project || !mayListModules(principal, project)) return undefined;
  return { module, project };
}

/** Modules by number. Says nothing about who may see them. */
export function findModules(registry: Registry, ids: readonly number[]): Promise<ModuleRow[]> {
  return registry.prisma.module.findMany({ where: { id: { in: [...ids] } } });
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
): Promise<Page<ModuleRow>> {
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
  const readable: Prisma.ModuleWhereInput = { OR: [{ project: readableProjects(principal) }, fromUpstream] };
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
): Promise<Map<number, Page<ModuleRow>>> {
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
  const rows = await registry.prisma.$queryRaw<{ id: number; count: number }[]>`
    SELECT of.id, (SELECT count(*)::int FROM (
        SELECT FROM module WHERE project_id = of.id LIMIT ${countingTo(limit)}) AS counted) AS count
    FROM unnest(${ids}::int[]) AS of (id)`;
  return new Map(rows.map(({ id, count }) => [id, count]));
}

/** Versions by number. Says nothing about who may see them. */
export function findVersionRows(registry: Registry, ids: readonly number[]): Promise<VersionRow[]> {
  return registry.prisma.moduleVersion.findMany({ where: { id: { in: [...ids] } }, omit: { goMod: true, info: true } });
}

/** Versions of modules by the module's number and the version, as `1 v1.2.3`; nothing about who may see them either. */
export async function versionsInModules(
  registry: Registry,
  names: readonly { readonly moduleId: number; readonly version: string }[],
): Promise<Map<string, VersionRow>> {
  const rows = await registry.prisma.moduleVersion.findMany({
    where: { OR: names.map(({ moduleId, version }) => ({ moduleId, version: version.replaceAll("\0", " ") })) },
    omit: { goMod: true, info: true },
  });
  return new Map(rows.map((row) => [`${row.moduleId} ${row.version}`, row]));
}

/** The newest versions of modules, as @latest has it: releases before pre-releases, none retracted. By module number. */
export async function latestVersions(
  registry: Registry,
  moduleIds: readonly number[],
): Promise<Map<number, VersionRow>> {
  const newest = await registry.prisma.$queryRaw<{ module_id: number; legacy: boolean | null; id: number | null }[]>`
    SELECT m.id AS module_id,
      (SELECT kind = 'INCOMPATIBLE' FROM module_version
        WHERE module_id = m.id AND kind <> 'PSEUDO' ORDER BY sort_key DESC LIMIT 1) AS legacy,
      COALESCE(
        (SELECT id FROM module_version
          WHERE module_id = m.id AND kind = 'RELEASE' AND NOT retracted ORDER BY sort_key DESC LIMIT 1),
        (SELECT id FROM module_version
          WHERE module_id = m.id AND kind = 'PRERELEASE' AND NOT retracted ORDER BY sort_key DESC LIMIT 1)) AS id
    FROM unnest(${[...moduleIds]}::int[]) AS m (id)`;
  const ids = newest.filter((row) => !row.legacy).map((row) => row.id);
  const legacy = newest.filter((row) => row.legacy).map((row) => row.module_id);
  ids.push(...(await latestOfLegacy(registry, legacy)));
  const versions = await registry.prisma.moduleVersion.findMany({
    where: { id: { in: ids.filter((id) => id !== null) } },
    omit: { goMod: true, info: true },
  });
  return new Map(versions.map((version) => [version.moduleId, version]));
}

/** The same for modules with +incompatible versions, few and old: whether these count only the whole list can tell. */
async function latestOfLegacy(registry: Registry, moduleIds: readonly number[]): Promise<number[]> {
  if (moduleIds.length === 0) return [];
  const rows = await registry.prisma.$queryRaw<(NameRow & { module_id: number; id: number | null })[]>`
    SELECT v.module_id, v.id, v.version, NOT v.legacy AS has_go_mod, v.retracted, true AS usable
      FROM module_version v WHERE v.module_id = ANY(${[...moduleIds]}::int[]) AND v.kind <> 'PSEUDO'
    UNION ALL
    SELECT m.id, NULL, r.version, r.has_go_mod, false, false
      FROM rejected_tag r JOIN module m ON m.path = r.module_path AND m.project_id = r.project_id
      WHERE m.id = ANY(${[...moduleIds]}::int[]) AND r.listed AND r.version IS NOT NULL`;
  return [...Map.groupBy(rows, (row) => row.module_id).values()].flatMap((ofModule) => {
    const usable = listed(ofModule).filter((entry) => entry.usable);
    const retracted = new Set(usable.filter((entry) => entry.retracted).map((entry) => entry.version));
    const latest = latestVersion(
      usable.map((entry) => entry.version),
      (version) => retracted.has(version),
    );
    return ofModule.find((row) => row.id !== null && row.version === latest)?.id ?? [];
  });
}

/**
 * The go.mod files of versions, by the version's number, as many of them, in the order of their numbers, as have no more
 * than `maxBytes` together; null for one that upstream was not asked for.
 */
export async function goModsOf(
  registry: Registry,
  versionIds: readonly number[],
  maxBytes: number,
): Promise<Map<number, Buffer | null>> {
  const { rows } = await registry.database.pool.query<{ id: number; go_mod: Buffer | null }>(
    `SELECT id, go_mod FROM (
        SELECT id, go_mod, sum(COALESCE(octet_length(go_mod), 0)) OVER (ORDER BY id) AS total
        FROM module_version WHERE id = ANY($1)) AS v
      WHERE total <= $2`,
    [versionIds, maxBytes],
  );
  return new Map(rows.map((row) => [row.id, row.go_mod]));
}

/** Tags of a project that are no versions, or none that the go command accepts, by name. */
export function listRejectedTags(registry: Registry, projectId: number, take: number): Promise<RejectedTagRow[]> {
  return registry.prisma.rejectedTag.findMany({
    where: { projectId, silent: false },
    orderBy: [{ tag: "asc" }, { id: "asc" }],
    take,
  });
}

/** Those of all projects, the last one first; `search`: part of the tag, the module path or the reason. Administrators. */
export async function listAllRejectedTags(
  registry: Registry,
  principal: Principal,
  search: string | null | undefined,
  request: PageRequest,
): Promise<Page<RejectedTagRow>> {
  demandAdministrator(principal);
  const contains = { contains: searchText(search ?? ""), mode: "insensitive" } as const;
  const found = search ? [{ OR: [{ tag: contains }, { modulePath: contains }, { reason: contains }] }] : [];
  return keysetPage<RejectedTagRow, number>(request, {
    keyType: "number",
    order: "desc",
    key: (row) => row.id,
    read: (id, order, take) =>
      registry.prisma.rejectedTag.findMany({
        where: { AND: [{ silent: false, id }, ...found] },
        orderBy: { id: order },
        take,
      }),
  });
}

/** The same of some projects, by the project's number; only of those whose code the principal may read. */
export async function rejectedTagsOfProjects(
  registry: Registry,
  principal: Principal,
  projects: readonly ProjectRow[],
  take: number,
): Promise<Map<number, RejectedTagRow[]>> {
  const ids = projects.filter((project) => mayReadCode(principal, project)).map(({ id }) => id);
  const lists = { table: "rejected_tag", list: "project_id", key: "tag", where: Prisma.sql`NOT silent` } as const;
  const first = await firstOfEach(registry, lists, ids, {}, "asc", checkPageSize(take));
  const rows = await registry.prisma.rejectedTag.findMany({
    where: { id: { in: first } },
    orderBy: [{ tag: "asc" }, { id: "asc" }],
  });
  const found = Map.groupBy(rows, (row) => row.projectId);
  return new Map(ids.map((id) => [id, found.get(id) ?? []]));
}
