// Packages as GitLab's GraphQL API has them (doc/api/graphql/reference, "Package", "PackageDetailsType"): the same versions as
// goModules have, in the words of a package registry.
import { Failure } from "../../errors.ts";
import { escapePath, escapeVersion, parseModulePath } from "../../gomod/module-path.ts";
import { hidden, mayAct, mayListModules } from "../../registry/access/access.ts";
import { type PageRequest, pageOfAll } from "../../registry/lists/keyset-page.ts";
import type { PackageFileRow } from "../../registry/packages/package-files.ts";
import { findPackageFile } from "../../registry/packages/package-files.ts";
import type { PackageOrder, PackageQuery } from "../../registry/packages/package-lists.ts";
import { deletePackages, type PackageRow } from "../../registry/packages/packages.ts";
import { ANONYMOUS } from "../../registry/principal.ts";
import { connection, connectionOrEmpty } from "../connection.ts";
import type { GraphqlContext } from "../context.ts";
import type {
  MutationResolvers,
  PackageBaseResolvers,
  PackageDependencyLinkResolvers,
  PackageDetailsTypeResolvers,
  PackageFileResolvers,
  PackageGroupSort,
  PackageResolvers,
  PackageStatus,
  PackageTypeEnum,
} from "../generated.ts";
import { globalId, numberIn } from "../global-id.ts";
import { payload } from "./payload.ts";
import { stillThere } from "./still-there.ts";

interface PackageArguments extends PageRequest {
  readonly sort?: PackageGroupSort | null | undefined;
  readonly packageName?: string | null | undefined;
  readonly packageType?: PackageTypeEnum | null | undefined;
  readonly packageVersion?: string | null | undefined;
  readonly status?: PackageStatus | null | undefined;
  readonly includeVersionless?: boolean | null | undefined;
}

/** What a field `packages` is asked for, in the registry's terms. */
export function packageQueryOf(asked: PackageArguments): { query: PackageQuery; page: PageRequest } {
  const { sort, packageName, packageType, packageVersion, status, includeVersionless: _, ...page } = asked;
  const [, by, order] = /^(\w+)_(ASC|DESC)$/.exec(sort ?? "CREATED_DESC")!;
  return {
    query: {
      filter: {
        name: packageName,
        version: packageVersion,
        type: packageType && lowerCase(packageType),
        status: status && lowerCase(status),
      },
      sort: { by: ORDERS[by as keyof typeof ORDERS], order: order === "ASC" ? "asc" : "desc" },
    },
    page,
  };
}

const ORDERS = {
  CREATED: "created_at",
  NAME: "name",
  VERSION: "version",
  TYPE: "type",
  PROJECT_PATH: "project_path",
} as const satisfies Record<string, PackageOrder>;

const lowerCase = <T extends string>(word: T): Lowercase<T> => word.toLowerCase() as Lowercase<T>;

const projectOf = async ({ packageOf }: PackageRow, { loaders }: GraphqlContext) =>
  stillThere(await loaders.project.load(packageOf));

const base = {
  id: (row) => globalId("Package", row),
  _links: ({ id, projectPath }) => ({ webPath: `/${projectPath}/-/packages/${id}` }),
  updatedAt: ({ createdAt }) => createdAt,
  name: ({ packageName }) => packageName,
  packageType: () => "GOLANG",
  project: (row, _, context) => projectOf(row, context),
  protectionRuleExists: () => false,
  status: () => "DEFAULT",
  statusMessage: () => null,
  tags: async (_, page) => connection(await pageOfAll(page, [])),
  userPermissions: async (row, _, context) => ({
    destroyPackage: mayAct(context.principal, "package.delete", await projectOf(row, context)),
  }),
  goModuleVersion: (row) => row,
} satisfies PackageResolvers & PackageBaseResolvers;

export const Package: PackageResolvers = base;
export const PackageBase: PackageBaseResolvers = base;

export const PackageDetailsType: PackageDetailsTypeResolvers = {
  ...base,
  versions: (row, page, { loaders }) => connectionOrEmpty(loaders.otherVersions.load(row, page)),
  packageFiles: async (row, page, { loaders }) =>
    connection(await pageOfAll(page, (await loaders.packageFiles.load(row, "all")) ?? [])),
  dependencyLinks: (row, page, { loaders }) => connectionOrEmpty(loaders.dependencies.load(row, page)),
  lastDownloadedAt: async ({ id }, _, { loaders }) => (await loaders.lastDownload.load(id)) ?? null,
  publicPackage: async (row, _, context) => mayListModules(ANONYMOUS, await projectOf(row, context)),
  goUrl: async (row, _, context) => context.urls.goProxy(await projectOf(row, context)),
};

export const PackageFile: PackageFileResolvers = {
  id: (file) => globalId("PackageFile", file),
  updatedAt: ({ createdAt }) => createdAt,
  size: ({ size }) => String(size),
  downloadPath: (file, _, { urls }) => downloadPath(file, urls.goProxy({ fullPath: file.projectPath })),
  fileMd5: ({ md5 }) => md5,
  fileSha1: ({ sha1 }) => sha1,
  fileSha256: ({ sha256 }) => sha256,
};

/** Where the Go endpoint serves a file. */
function downloadPath({ modulePath, version, kind }: PackageFileRow, goProxy: string): string {
  const name = `${escapeVersion(version)}.${lowerCase(kind)}`;
  return `${new URL(goProxy).pathname}/${escapePath(parseModulePath(modulePath))}/@v/${name}`;
}

export const PackageDependencyLink: PackageDependencyLinkResolvers = {
  id: ({ versionId, path, version }) => `gid://gokura/PackageDependencyLink/${versionId}/${path}@${version}`,
  dependency: ({ path, version }) => ({
    id: `gid://gokura/PackageDependency/${path}@${version}`,
    name: path,
    versionPattern: version,
  }),
  dependencyType: () => "DEPENDENCIES",
};

export const packageMutations = {
  destroyPackage: (_, { input: { id } }, context) =>
    payload(context, async () => {
      await deletePackages(context.registry, context.principal, [numberIn("Package", id)]);
      return {};
    }),

  destroyPackages: (_, { input: { ids } }, context) =>
    payload(context, async () => {
      const numbers = ids.map((id) => numberIn("Package", id));
      await deletePackages(context.registry, context.principal, numbers);
      return {};
    }),

  destroyPackageFile: (_, { input: { id } }, context) =>
    payload(context, async () => {
      const found = await findPackageFile(context.registry, context.principal, numberIn("PackageFile", id));
      if (!found) throw hidden(context.principal, "Package");
      throw new Failure(
        "forbidden",
        "half a Go version is no version: delete the package, or retract the version in go.mod",
      );
    }),
} satisfies MutationResolvers;
