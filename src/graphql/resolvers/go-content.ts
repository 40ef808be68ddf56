// What is in the files of modules. Of a module the answers were written down before (registry/modules/module-document.ts); of a
// version they are read out of its zip, which is made for it if it is hosted and has none yet.
import { notFound } from "../../errors.ts";
import { zipWithFiles } from "../../git/indexing/version-files.ts";
import { describeVersion, goVersionOf } from "../../registry/modules/module-document.ts";
import {
  checkWantedPath,
  compareFiles,
  findFile,
  MAX_FILE_BYTES,
  type ModuleFile,
  pageOfFiles,
  textOfFile,
  type VersionZip,
} from "../../registry/modules/module-files.ts";
import type { VersionRow } from "../../registry/rows.ts";
import { type Connection, connection } from "../connection.ts";
import type { GraphqlContext } from "../context.ts";
import type {
  GoModuleFileConnectionResolvers,
  GoModuleFileResolvers,
  GoModuleResolvers,
  GoModuleVersionResolvers,
} from "../generated.ts";
import { inTurn, once } from "../turns.ts";
import { stillThere } from "./still-there.ts";

/** The files of a version, which are counted anyway. */
export type FileConnection = Connection<ModuleFile> & { readonly total: number };

export const contentOfGoModule = {
  licenses: async ({ id }, _, { loaders }) => (await loaders.description.load(id))?.licenses ?? [],
  readme: async ({ id }, _, { loaders }) => (await loaders.description.load(id))?.readme ?? null,
  goVersion: async ({ id }, _, { loaders }) => {
    const described = await loaders.description.load(id);
    if (described) return described.goVersion ?? null;
    const latest = await loaders.latestVersion.load(id);
    if (!latest) return null;
    return once(loaders, `go version of ${latest.id}`, async () => {
      const goMod = await loaders.goMod.load(latest.id);
      return (goMod && (await inTurn(loaders, goMod.length, () => goVersionOf(goMod)))) ?? null;
    });
  },
  repositoryUrl: async (module, _, { loaders, urls }) =>
    module.projectId === null
      ? ((await loaders.upstreamRepository.load(module)) ?? null)
      : urls.repository(stillThere(await loaders.project.load(module.projectId))),
  firstSeenAt: ({ createdAt }) => createdAt,
  lastSeenAt: async ({ id, createdAt }, _, { loaders }) => (await loaders.lastSeen.load(id)) ?? createdAt,
} satisfies GoModuleResolvers;

export const contentOfGoModuleVersion = {
  files: async (version, { under, ...page }, context): Promise<FileConnection> => {
    const files = await pageOfFiles(context.registry, await zipForFiles(context, version), under ?? "", page);
    return { ...connection(files), total: files.total };
  },
  file: async (version, { path }, context) =>
    (await findFile(context.registry, await zipForFiles(context, version), checkWantedPath(path))) ?? null,
  fileDiff: async (version, { from }, context) => {
    const other = await context.loaders.versionOfModule.load({ moduleId: version.moduleId, version: from });
    if (!other) throw notFound(`there is no version ${from} of this module`);
    return compareFiles(context.registry, await zipForFiles(context, other), await zipForFiles(context, version));
  },
  licenses: async (version, _, context) => (await descriptionOf(context, version)).licenses,
  readme: async (version, _, context) => (await descriptionOf(context, version)).readme ?? null,
} satisfies GoModuleVersionResolvers;

export const GoModuleFileConnection: GoModuleFileConnectionResolvers = {
  count: ({ total }, { limit }) => Math.min(total, Math.max(limit ?? total, 0)),
};

export const GoModuleFile: GoModuleFileResolvers = {
  sha256: async (file, _, { loaders }) => loaders.sumOfFile.load(file),
  text: async (file, _, { loaders }) =>
    textOfFile(await loaders.headOfFile.load(file), Number(file.size) > MAX_FILE_BYTES) ?? null,
  base64: async (file, _, { loaders }) => (await loaders.headOfFile.load(file)).toString("base64"),
  truncated: ({ size }) => Number(size) > MAX_FILE_BYTES,
};

async function descriptionOf(context: GraphqlContext, version: VersionRow) {
  const written = await context.loaders.description.load(version.moduleId);
  if (written?.versionId === version.id) return written;
  return describeVersion(context.registry, await zipForFiles(context, version));
}

/** The zip of a version. Throws not-found, with the next step, if it is not here and cannot be made. */
export async function zipForFiles({ loaders, archives }: GraphqlContext, version: VersionRow): Promise<VersionZip> {
  return zipWithFiles(archives, stillThere(await loaders.module.load(version.moduleId)), version);
}
