import { createProject, deleteProject, modulePathOf, updateProject } from "../../registry/projects.ts";
import { connectionOrNull, counted } from "../connection.ts";
import type { MutationResolvers, ProjectResolvers } from "../generated.ts";
import { globalId } from "../global-id.ts";
import { packagesAsked } from "./package.ts";
import { given, payload } from "./payload.ts";

const TAGS_DEFAULT = 100;

export const Project: ProjectResolvers = {
  id: (project) => globalId("Project", project),
  modulePath: (project, _, { registry }) => modulePathOf(registry, project),
  httpUrlToRepo: (project, _, { urls }) => urls.repository(project),
  goProxyUrl: (project, _, { urls }) => urls.goProxy(project),
  goModules: (project, page, { loaders }) =>
    counted(loaders.modulesOfProject.load(project, page), (limit) => loaders.countOfModules.load(project, limit)),
  packages: (project, asked, { loaders }) => {
    const { query, page } = packagesAsked(asked);
    return counted(loaders.packagesOfProject.load(project, { query, page }), (limit) =>
      loaders.countOfPackagesOfProject.load(project, { filter: query.filter, ...limit }),
    );
  },
  rejectedTags: async (project, { first }, { loaders }) =>
    (await loaders.rejectedTags.load(project, first ?? TAGS_DEFAULT)) ?? [],
  tagEvents: async (project, { first }, { loaders }) =>
    (await loaders.tagEvents.load(project, first ?? TAGS_DEFAULT)) ?? null,
  members: (project, page, { loaders }) => connectionOrNull(loaders.membersOfProject.load(project, page)),
  deployTokens: (project, page, { loaders }) => connectionOrNull(loaders.tokensOfProject.load(project, page)),
};

export const projectMutations = {
  projectCreate: (_, { input }, context) =>
    payload(context, async () => ({ project: await createProject(context.registry, context.principal, given(input)) })),

  projectUpdate: (_, { input: { fullPath, modulePrefix, ...change } }, context) =>
    payload(context, async () => ({
      project: await updateProject(context.registry, context.principal, fullPath, { ...given(change), modulePrefix }),
    })),

  projectDelete: (_, { input }, context) =>
    payload(context, async () => ({
      project: await deleteProject(context.registry, context.principal, input.fullPath),
    })),
} satisfies MutationResolvers;
