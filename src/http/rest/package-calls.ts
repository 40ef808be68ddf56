// Packages (doc/api/packages.md): one is one version of one module. Their lists and files are those of registry/packages/packages.ts;
// here they get GitLab's shapes. A Go version is whole or not at all, so a single file of one is never deleted.
import * as z from "zod";
import { Failure, notFound } from "../../errors.ts";
import { ensureBuiltZips, zipOf } from "../../git/indexing/module-archives.ts";
import { demandAct, demandRegistry, mayAct } from "../../registry/access/access.ts";
import { findProject, findProjects } from "../../registry/forge/projects.ts";
import { isId, PAGE_LIMIT } from "../../registry/lists/keyset-page.ts";
import { numberedPageOf } from "../../registry/lists/numbered-page.ts";
import { lastDownloadsOf } from "../../registry/numbers/downloads.ts";
import { filesOfPackages, type PackageFileRow } from "../../registry/packages/package-files.ts";
import {
  numberedPackagesOfGroup,
  numberedPackagesOfProject,
  PACKAGE_ORDERS,
  type PackageQuery,
} from "../../registry/packages/package-lists.ts";
import {
  deletePackages,
  findPackage,
  otherVersionsOf,
  PACKAGE_STATUSES,
  PACKAGE_TYPES,
  type PackageRow,
} from "../../registry/packages/packages.ts";
import type { Principal } from "../../registry/principal.ts";
import type { Registry } from "../../registry/registry.ts";
import type { ProjectRow } from "../../registry/rows.ts";
import { findVersionById } from "../../registry/versions/served-versions.ts";
import { withPromisedZip, zipKeyOf } from "../../registry/versions/version-zip.ts";
import { sendBlob } from "../protocol/send-blob.ts";
import { type CallRequest, call, listCall } from "./call.ts";
import { groupOfAddress } from "./group-calls.ts";
import { boolean, choice, idOrPath, numberOf, sorting, text } from "./parameter.ts";

const moment = z.iso.datetime();
const noTags = z.array(z.never());

const packageFields = {
  id: z.int(),
  name: z.string().describe("The module path"),
  version: z.string(),
  package_type: z.literal("golang"),
  status: z.literal("default"),
  _links: z.object({
    web_path: z.string(),
    delete_api_path: z.url().optional().describe("To those who may delete it"),
  }),
  created_at: moment,
  last_downloaded_at: moment.nullable(),
  tags: noTags,
};

const Package = z.object(packageFields).meta({ id: "Package" });

const GroupPackage = z
  .object({ ...packageFields, project_id: z.int(), project_path: z.string() })
  .meta({ id: "GroupPackage" });

const WholePackage = z
  .object({
    ...packageFields,
    versions: z
      .array(z.object({ id: z.int(), version: z.string(), created_at: moment, tags: noTags }))
      .describe(`The ${PAGE_LIMIT} newest other versions of the same module`),
  })
  .meta({ id: "WholePackage" });

const PackageFile = z
  .object({
    id: z.int(),
    package_id: z.int(),
    file_name: z.string(),
    size: z.int().describe("Bytes"),
    file_md5: z.string(),
    file_sha1: z.string(),
    file_sha256: z.string(),
    created_at: moment,
  })
  .meta({ id: "PackageFile" });

const FILTER = {
  package_type: choice(PACKAGE_TYPES).optional().describe("Of others than golang there are none"),
  package_name: text().optional().describe("Part of the module path, in any case"),
  package_version: text().optional().describe("Exactly this version"),
  status: choice(PACKAGE_STATUSES).optional().describe("Of others than default there are none"),
  include_versionless: boolean().optional().describe("Ignored: every package has a version"),
};

const PROJECT_ORDERS = [
  "created_at",
  "name",
  "version",
  "type",
] as const satisfies readonly PackageQuery["sort"]["by"][];

/** What names one package. */
export const ONE = { id: idOrPath("project"), package_id: numberOf("package") };
const FILE = { ...ONE, file_id: numberOf("file") };

interface ListAsked {
  readonly package_type?: PackageQuery["filter"]["type"] | undefined;
  readonly package_name?: string | undefined;
  readonly package_version?: string | undefined;
  readonly status?: PackageQuery["filter"]["status"] | undefined;
  readonly order_by: PackageQuery["sort"]["by"];
  readonly sort: "asc" | "desc";
}

function queryOf(asked: ListAsked): PackageQuery {
  const { package_type: type, package_name: name, package_version: version, status } = asked;
  return { filter: { type, status, name, version }, sort: { by: asked.order_by, order: asked.sort } };
}

export const packageCalls = [
  listCall({
    path: "/projects/:id/packages",
    tag: "Packages",
    summary: "The packages of a project",
    description: "`version` sorts in Go's order of versions.",
    scope: "api read",
    anonymous: true,
    parameters: {
      id: idOrPath("project"),
      ...FILTER,
      ...sorting(PROJECT_ORDERS, { by: "created_at", sort: "asc" }),
    },
    row: Package,
    failures: [404],
    read: async (asked, numbered) => {
      const { registry, principal, parameters } = asked;
      const project = demandRegistry(principal, await findProject(registry, parameters.id));
      const found = await numberedPackagesOfProject(registry, principal, project, queryOf(parameters), numbered);
      const downloads = await lastDownloadsOf(registry, idsOf(found.rows));
      return { ...found, rows: found.rows.map((row) => packageOf(asked, project, row, downloads)) };
    },
  }),
  listCall({
    path: "/groups/:id/packages",
    tag: "Packages",
    summary: "The packages of the projects in a group",
    description: "Of the projects whose packages one may read. `version` sorts in Go's order of versions.",
    scope: "api read",
    anonymous: true,
    parameters: {
      id: idOrPath("group"),
      ...FILTER,
      exclude_subgroups: boolean().default(false),
      ...sorting(PACKAGE_ORDERS, { by: "created_at", sort: "asc" }),
    },
    row: GroupPackage,
    failures: [404],
    read: async (asked, numbered) => {
      const { registry, principal, parameters } = asked;
      const group = await groupOfAddress(registry, principal, parameters.id);
      const scope = { includeSubgroups: !parameters.exclude_subgroups };
      const query = queryOf(parameters);
      const found = await numberedPackagesOfGroup(registry, principal, group, scope, query, numbered);
      const projects = await projectsOf(registry, found.rows);
      const downloads = await lastDownloadsOf(registry, idsOf(found.rows));
      return {
        ...found,
        rows: found.rows.map((row) => ({
          ...packageOf(asked, projects.get(row.packageOf), row, downloads),
          project_id: row.packageOf,
          project_path: row.projectPath,
        })),
      };
    },
  }),
  call({
    method: "GET",
    path: "/projects/:id/packages/:package_id",
    tag: "Packages",
    summary: "A package, with the other versions of its module",
    scope: "api read",
    anonymous: true,
    parameters: ONE,
    status: 200,
    answer: WholePackage,
    failures: [404],
    handle: async (asked) => {
      const { registry, principal, parameters } = asked;
      const { project, row } = await demandPackage(registry, principal, parameters);
      const others = await otherVersionsOf(registry, [row], { first: PAGE_LIMIT });
      const versions = others.get(row.id)!.rows.map(({ id, version, createdAt }) => ({
        id,
        version,
        created_at: createdAt.toISOString(),
        tags: [],
      }));
      const downloads = await lastDownloadsOf(registry, [row.id]);
      return { ...packageOf(asked, project, row, downloads), versions };
    },
  }),
  call({
    method: "DELETE",
    path: "/projects/:id/packages/:package_id",
    tag: "Packages",
    summary: "Take a package back for good",
    description: "Maintainers. Its files are 410 from then on, and its name is never used again.",
    scope: "api write",
    parameters: ONE,
    status: 204,
    failures: [404],
    handle: async ({ registry, principal, parameters }) => {
      const { row } = await demandPackage(registry, principal, parameters);
      await deletePackages(registry, principal, [row.id]);
    },
  }),
  listCall({
    path: "/projects/:id/packages/:package_id/package_files",
    tag: "Packages",
    summary: "The files of a package: VERSION.mod and VERSION.zip",
    description: "With the sizes and sums of exactly the bytes that the Go endpoint serves.",
    scope: "api read",
    anonymous: true,
    parameters: { ...ONE, ...sorting(["id", "created_at", "file_name"], { by: "id", sort: "asc" }) },
    row: PackageFile,
    failures: [404],
    read: async ({ parts, registry, principal, parameters }, numbered) => {
      const { row } = await demandPackage(registry, principal, parameters);
      await ensureBuiltZips(parts.archives, [row.id]);
      const files = await filesOf(registry, (await findPackage(registry, principal, row.id))?.package);
      return numberedPageOf(numbered, (parameters.sort === "asc" ? files : files.reverse()).map(fileOf));
    },
  }),
  call({
    method: "GET",
    path: "/projects/:id/packages/:package_id/package_files/:file_id/download",
    tag: "Packages",
    summary: "A file of a package, byte for byte",
    scope: "api read",
    anonymous: true,
    parameters: FILE,
    status: 200,
    failures: [404],
    handle: async ({ parts, registry, principal, parameters, ctx }) => {
      const { row } = await demandPackage(registry, principal, parameters);
      const file = await demandFile(registry, row, parameters.file_id);
      const version = await findVersionById(registry, row.id);
      if (!version) throw notFound("Not Found");
      ctx.set("Content-Disposition", `attachment; filename="${file.fileName}"`);
      if (file.kind === "MOD") {
        ctx.type = "application/octet-stream";
        ctx.body = version.goMod;
        return;
      }
      const zip = await zipOf(parts.archives, version.projectId, version);
      const { sha256, size } = zip;
      const headers = Object.entries({ ...ctx.response.headers, "Content-Type": "application/octet-stream" });
      const key = zipKeyOf(zip);
      const blob = {
        ...{ key, size, etag: `"${sha256}"`, headers: headers.flat().map(String), bytes: undefined },
        downloads: registry.traffic.countOf(version.id),
      };
      await withPromisedZip(registry, key, () => sendBlob(ctx.req, ctx.res, registry.blobs, blob));
      ctx.respond = false; // not before: what cannot be sent is told
    },
  }),
  call({
    method: "DELETE",
    path: "/projects/:id/packages/:package_id/package_files/:file_id",
    tag: "Packages",
    summary: "Refused: half a Go version is no version",
    scope: "api write",
    parameters: FILE,
    status: 204,
    failures: [404],
    handle: async ({ registry, principal, parameters }) => {
      const { project, row } = await demandPackage(registry, principal, parameters);
      demandAct(principal, "package.delete", project);
      const { fileName } = await demandFile(registry, row, parameters.file_id);
      throw new Failure("forbidden", `${fileName} alone cannot be deleted: a Go version is whole; delete the package`);
    },
  }),
  listCall({
    path: "/projects/:id/packages/:package_id/pipelines",
    tag: "Packages",
    summary: "Pipelines that made a package, of which there are none",
    scope: "api read",
    anonymous: true,
    parameters: ONE,
    row: z.never(),
    failures: [404],
    read: async ({ registry, principal, parameters }, numbered) => {
      await demandPackage(registry, principal, parameters);
      return numberedPageOf(numbered, []);
    },
  }),
];

/** A package of a project, by its number. */
export async function demandPackage(
  registry: Registry,
  principal: Principal,
  { id, package_id: packageId }: { readonly id: number | string; readonly package_id: number },
): Promise<{ project: ProjectRow; row: PackageRow }> {
  const project = demandRegistry(principal, await findProject(registry, id));
  const found = isId(packageId) ? await findPackage(registry, principal, packageId) : undefined;
  if (found?.project.id !== project.id) throw notFound("Not Found");
  return { project, row: found.package };
}

async function filesOf(registry: Registry, row: PackageRow | undefined): Promise<PackageFileRow[]> {
  if (!row) throw notFound("Not Found"); // deleted a moment ago
  return (await filesOfPackages(registry, [row])).get(row.id)!;
}

async function demandFile(registry: Registry, row: PackageRow, id: number): Promise<PackageFileRow> {
  const file = (await filesOf(registry, row)).find((one) => one.id === id);
  if (!file) throw notFound("Not Found");
  return file;
}

async function projectsOf(registry: Registry, rows: readonly PackageRow[]): Promise<Map<number, ProjectRow>> {
  const projects = await findProjects(registry, [...new Set(rows.map((row) => row.packageOf))]);
  return new Map(projects.map((project) => [project.id, project]));
}

function idsOf(rows: readonly PackageRow[]): number[] {
  return rows.map(({ id }) => id);
}

function packageOf(
  { principal, base }: Pick<CallRequest, "principal" | "base">,
  project: ProjectRow | undefined,
  row: PackageRow,
  lastDownloads: ReadonlyMap<number, Date>,
): z.input<typeof Package> {
  const mayDelete = project !== undefined && mayAct(principal, "package.delete", project);
  return {
    id: row.id,
    name: row.packageName,
    version: row.version,
    package_type: "golang",
    status: "default",
    _links: {
      web_path: `${new URL(base).pathname.replace(/\/$/, "")}/${row.projectPath}/-/packages/${row.id}`,
      ...(mayDelete ? { delete_api_path: `${base}/api/v4/projects/${row.packageOf}/packages/${row.id}` } : {}),
    },
    created_at: row.createdAt.toISOString(),
    last_downloaded_at: lastDownloads.get(row.id)?.toISOString() ?? null,
    tags: [],
  };
}

function fileOf(file: PackageFileRow): z.input<typeof PackageFile> {
  return {
    id: file.id,
    package_id: file.versionId,
    file_name: file.fileName,
    size: Number(file.size),
    file_md5: file.md5,
    file_sha1: file.sha1,
    file_sha256: file.sha256,
    created_at: file.createdAt.toISOString(),
  };
}
