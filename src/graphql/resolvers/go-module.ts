import { deleteVersion } from "../../registry/version-deletion.ts";
import { connection } from "../connection.ts";
import type { GoModuleResolvers, GoModuleVersionResolvers, MutationResolvers } from "../generated.ts";
import { globalId } from "../global-id.ts";
import { goModOf } from "./go-mod.ts";
import { payload } from "./payload.ts";
import { present } from "./present.ts";

export const GoModule: GoModuleResolvers = {
  id: (module) => globalId("GoModule", module),
  project: async ({ projectId }, _, { loaders }) =>
    projectId === null ? null : present(await loaders.project.load(projectId)),
  latestVersion: async ({ id }, _, { loaders }) => (await loaders.latestVersion.load(id)) ?? null,
  versions: async (module, { includePseudo, ...page }, { loaders }) => {
    const versions = await loaders.versions.load(module, { ...page, includePseudo: includePseudo ?? false });
    return connection(present(versions));
  },
};

export const GoModuleVersion: GoModuleVersionResolvers = {
  id: (version) => globalId("GoModuleVersion", version),
  module: async ({ moduleId }, _, { loaders }) => present(await loaders.module.load(moduleId)),
  goMod: async ({ id }, _, { loaders }) => {
    const goMod = present(await loaders.goMod.load(id));
    return goMod && goModOf(goMod);
  },
};

export const goModuleMutations = {
  goModuleVersionDelete: (_, { input }, context) =>
    payload(context, async () => {
      const { registry, principal } = context;
      return { goModule: await deleteVersion(registry, principal, input.modulePath, input.version) };
    }),
} satisfies MutationResolvers;
