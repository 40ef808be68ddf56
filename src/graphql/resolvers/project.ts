import { changeProject } from "../../git/hosting/project-change.ts";
import { createProject, deleteProject, modulePathOf, packageSettingOf } from "../../registry/forge/projects.ts";
import { connectionOrNull, countableConnection } from "../connection.ts";
import type { MutationResolvers, ProjectResolvers } from "../generated.ts";
import { globalId } from "../global-id.ts";
import { packageQueryOf } from "./package.ts";
import { given, payload } from "./payload.ts";

const TAGS_DEFAULT = 100;

export const Project: ProjectResolvers = {
  id: (project) => globalId("Project", project),
  packageAccess: packageSettingOf,
  modulePath: (project, _, { registry }) => modulePathOf(registry, project),
  httpUrlToRepo: (project, _, { urls }) => urls.repository(project),
  goProxyUrl: (project, _, { urls }) => urls.goProxy(project),
  goModules: (project, page, { loaders }) =>
    countableConnection(loaders.modulesOfProject.load(project, page), (limit) =>
      loaders.countOfModules.load(project, limit),
    ),
  packages: (project, asked, { loaders }) => {
    const { query, page } = packageQueryOf(asked);
    return countableConnection(loaders.packagesOfProject.load(project, { query, page }), (limit) =>
      loaders.countOfPackagesOfProject.load(project, { filter: query.filter, ...limit }),
    );
  },
  rejectedTags: async (project, { first }, { loaders }) =>
    (await loaders.rejectedTags.load(project, first ?? TAGS_DEFAULT)) ?? [],
  tagEvents: async (project, { first }, { loaders }) =>
    (await loaders.tagEvents.load(project, first ?? TAGS_DEFAULT)) ?? null,
  protectedTags: async (project, _, { loaders }) => (await loaders.protectedTags.load(project, undefined)) ?? null,
  mirror: async (project, _, { loaders }) => (await loaders.mirrors.load(project, undefined)) ?? null,
  members: (project, page, { loaders }) => connectionOrNull(loaders.membersOfProject.load(project, page)),
  hooks: async (project, _, { loaders }) => (await loaders.hooksOfProject.load(project, undefined)) ?? null,
  trusts: async (project, _, { loaders }) => (await loaders.trustsOfProject.load(project, undefined)) ?? null,
  deployTokens: (project, page, { loaders }) => connectionOrNull(loaders.tokensOfProject.load(project, page)),
};

export const projectMutations = {
  projectCreate: (_, { input: { packageAccess, ...input } }, context) =>
    payload(context, async () => {
      const wanted = { ...given(input), packages: packageAccess ?? undefined };
      return { project: await createProject(context.registry, context.principal, wanted) };
    }),

  projectUpdate: (_, { input: { fullPath, modulePrefix, packageAccess, ...input } }, context) =>
    payload(context, async () => {
      const { registry, principal, archives } = context;
      const change = { ...given(input), modulePrefix, packages: packageAccess ?? undefined };
      return { project: await changeProject(registry, archives.repositories, principal, fullPath, change) };
    }),

  projectDelete: (_, { input }, context) =>
    payload(context, async () => ({
      project: await deleteProject(context.registry, context.principal, input.fullPath),
    })),
} satisfies MutationResolvers;
