// What has been published: modules and versions as rows, for the Go endpoint (by path and version, in plain SQL) and for
// people (in pages).
import type { Module, ModuleVersion, Prisma, RejectedTag } from "../database/generated/client.ts";
import { listedVersions } from "../gomod/version-list.ts";
import { mayReadCode, readableProjects } from "./access.ts";
import { keysetPage, type Page, type PageRequest } from "./page.ts";
import type { Principal } from "./principal.ts";
import { findProject, type ProjectRow, searchText } from "./projects.ts";
import type { Registry } from "./registry.ts";

export type ModuleRow = Module;
export type VersionRow = ModuleVersion;
export type RejectedTagRow = RejectedTag;

/** What the Go endpoint needs of a version. */
export interface ServedVersion {
  readonly id: number;
  readonly modulePath: string;
  readonly version: string;
  readonly time: Date;
  readonly commit: string;
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
  directory: string;
  go_mod: Buffer;
  retracted: boolean;
  h1: string | null;
  zip_key: string | null;
  zip_size: string | null;
}

const SERVED = "v.id, v.version, v.time, v.commit, v.directory, v.go_mod, v.retracted, v.h1, v.zip_key, v.zip_size";

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
  const { rows } = await registry.database.pool.query<{
    version: string | null;
    has_go_mod: boolean;
    retracted: boolean;
    usable: boolean;
  }>({
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
  const known = new Map<string, (typeof rows)[number]>();
  for (const row of rows) if (row.version !== null && !known.get(row.version)?.usable) known.set(row.version, row);
  const items = [...known].map(([version, row]) => ({ version, hasGoMod: row.has_go_mod }));
  return listedVersions(items).map((version) => {
    const { retracted, usable } = known.get(version)!;
    return { version, retracted, usable };
  });
}

/** A module that the principal may read, with its project. */
export async function findModule(
  registry: Registry,
  principal: Principal,
  path: string,
): Promise<{ module: ModuleRow; project: ProjectRow } | undefined> {
  if (path.includes("\0")) return undefined;
  const module = await registry.prisma.module.findUnique({ where: { path } });
  const project = module && (await findProject(registry, module.projectId));
  if (!module || !project?.packagesEnabled || !mayReadCode(principal, project)) return undefined;
  return { module, project };
}

/** The modules of one project, or all that the principal may read, by path. */
export function listModules(
  registry: Registry,
  principal: Principal,
  filter: { readonly projectId?: number; readonly search?: string | null | undefined },
  request: PageRequest,
): Promise<Page<ModuleRow>> {
  const where: Prisma.ModuleWhereInput = { project: readableProjects(principal) };
  if (filter.projectId !== undefined) where.projectId = filter.projectId;
  const search: Prisma.ModuleWhereInput = filter.search
    ? { path: { contains: searchText(filter.search), mode: "insensitive" } }
    : {};
  return keysetPage<ModuleRow, string>(request, {
    keyType: "string",
    order: "asc",
    key: (module) => module.path,
    read: (path, order, take) =>
      registry.prisma.module.findMany({ where: { AND: [where, search, { path }] }, orderBy: { path: order }, take }),
  });
}

/** The versions of a module in Go's order, newest first. */
export function listVersions(
  registry: Registry,
  moduleId: number,
  filter: { readonly includePseudo: boolean },
  request: PageRequest,
): Promise<Page<VersionRow>> {
  const where: Prisma.ModuleVersionWhereInput = {
    moduleId,
    ...(filter.includePseudo ? {} : { kind: { not: "PSEUDO" } }),
  };
  return keysetPage<VersionRow, string>(request, {
    keyType: "string",
    order: "desc",
    key: (version) => version.sortKey,
    read: (sortKey, order, take) =>
      registry.prisma.moduleVersion.findMany({ where: { ...where, sortKey }, orderBy: { sortKey: order }, take }),
  });
}

/** The newest versions of some modules that are not retracted: releases before pre-releases. By module number. */
export async function latestVersions(
  registry: Registry,
  moduleIds: readonly number[],
): Promise<Map<number, VersionRow>> {
  const rows = await registry.prisma.$queryRaw<{ id: number }[]>`
    SELECT DISTINCT ON (module_id) id FROM module_version
    WHERE module_id = ANY(${[...moduleIds]}::int[]) AND kind <> 'PSEUDO' AND NOT retracted
    ORDER BY module_id, (kind = 'RELEASE') DESC, (kind = 'INCOMPATIBLE' AND version NOT LIKE '%-%') DESC, sort_key DESC`;
  const versions = await registry.prisma.moduleVersion.findMany({ where: { id: { in: rows.map((row) => row.id) } } });
  return new Map(versions.map((version) => [version.moduleId, version]));
}

/** Tags of a project that are no versions, or none that the go command accepts, by name. */
export function listRejectedTags(registry: Registry, projectId: number, take: number): Promise<RejectedTagRow[]> {
  return registry.prisma.rejectedTag.findMany({
    where: { projectId, silent: false },
    orderBy: [{ tag: "asc" }, { id: "asc" }],
    take,
  });
}
