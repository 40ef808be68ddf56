import type { VersionSort } from "../../registry/versions/module-versions.ts";
import { deleteVersion } from "../../registry/versions/version-deletion.ts";
import { countableConnection } from "../connection.ts";
import type { GoModuleResolvers, GoModuleVersionResolvers, GoVersionSort, MutationResolvers } from "../generated.ts";
import { globalId } from "../global-id.ts";
import { checksumsOfGoModuleVersion } from "./checksum.ts";
import { downloadsField } from "./downloads.ts";
import { buildListFields } from "./go-build-list.ts";
import { dependentConnection } from "./go-dependent.ts";
import { goModOf } from "./go-mod.ts";
import { payload } from "./payload.ts";
import { stillThere } from "./still-there.ts";

const TAG_EVENTS_DEFAULT = 100;

export const GoModule: GoModuleResolvers = {
  id: (module) => globalId("GoModule", module),
  project: async ({ projectId }, _, { loaders }) =>
    projectId === null ? null : stillThere(await loaders.project.load(projectId)),
  latestVersion: async ({ id }, _, { loaders }) => (await loaders.latestVersion.load(id)) ?? null,
  versions: (module, { kind, retracted, query, includePseudo, sort, ...page }, { loaders }) => {
    const filter = { kinds: kind, retracted, query, includePseudo };
    return countableConnection(
      loaders.versions.load(module, { filter, sort: SORTS[sort ?? "SEMVER_DESC"], page }),
      (limit) => loaders.countOfVersions.load(module, { filter, ...limit }),
    );
  },
  dependents: async (module, { direct, ...page }, { loaders }) =>
    dependentConnection(await loaders.dependentsOfModule.load(module, { ...page, direct }), async (limit) =>
      stillThere(await loaders.countDependentsOfModule.load(module, { direct, limit })),
    ),
  subModules: (module, page, { loaders }) =>
    countableConnection(loaders.subModules.load(module, page), (limit) =>
      loaders.countOfSubModules.load(module, limit),
    ),
  otherMajors: async ({ id }, _, { loaders }) => [...((await loaders.otherMajors.load(id)) ?? [])],
  downloads: (module, period) => downloadsField("module", module, period),
};

const SORTS: Record<GoVersionSort, VersionSort> = {
  SEMVER_DESC: { by: "version", order: "desc" },
  SEMVER_ASC: { by: "version", order: "asc" },
  TIME_DESC: { by: "time", order: "desc" },
  TIME_ASC: { by: "time", order: "asc" },
};

export const GoModuleVersion: GoModuleVersionResolvers = {
  id: (version) => globalId("GoModuleVersion", version),
  module: async ({ moduleId }, _, { loaders }) => stillThere(await loaders.module.load(moduleId)),
  goMod: async ({ id }, _, { loaders }) => {
    const goMod = stillThere(await loaders.goMod.load(id));
    return goMod && goModOf(goMod, loaders);
  },
  ...buildListFields,
  ...checksumsOfGoModuleVersion,
  dependents: async (version, { direct, ...page }, { loaders }) =>
    dependentConnection(await loaders.dependentsOfVersion.load(version, { ...page, direct }), async (limit) =>
      stillThere(await loaders.countDependentsOfVersion.load(version, { direct, limit })),
    ),
  installSnippet: async ({ moduleId, version }, _, { loaders, urls }) => {
    const { path, projectId } = stillThere(await loaders.module.load(moduleId));
    const project = projectId === null ? undefined : stillThere(await loaders.project.load(projectId));
    const { goproxy, checksums } = urls.goSettings(path, project);
    return {
      get: `go get ${path}@${version}`,
      require: `require ${path} ${version}`,
      import: `import "${path}"`,
      goproxy,
      env: [goproxy, ...(checksums === undefined ? [] : [checksums])],
    };
  },
  tagEvents: async (version, { first }, { loaders }) =>
    (await loaders.tagEventsOfVersion.load(version, first ?? TAG_EVENTS_DEFAULT)) ?? null,
  downloads: (version, period) => downloadsField("version", version, period),
  lastDownloadedAt: async ({ id }, _, { loaders }) => (await loaders.lastDownload.load(id)) ?? null,
};

export const goModuleMutations = {
  goModuleVersionDelete: (_, { input }, context) =>
    payload(context, async () => {
      const { registry, principal } = context;
      return { goModule: await deleteVersion(registry, principal, input.modulePath, input.version) };
    }),
} satisfies MutationResolvers;
