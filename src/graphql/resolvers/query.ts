// Where every query begins. What may not be seen is null.
import { demandAdministrator, maySeeGroup, maySeeProject } from "../../registry/access.ts";
import { listFlags } from "../../registry/feature-flags.ts";
import { findGroup } from "../../registry/groups.ts";
import { findModule, listModules } from "../../registry/modules.ts";
import { findProject, listProjects } from "../../registry/projects.ts";
import { findUserById } from "../../registry/users.ts";
import { connection } from "../connection.ts";
import type { QueryResolvers } from "../generated.ts";
import { searchQueries } from "./search.ts";

export const Query: QueryResolvers = {
  currentUser: async (_, __, { registry, principal }) =>
    principal.kind === "user" ? ((await findUserById(registry, principal.userId)) ?? null) : null,

  project: async (_, { fullPath }, { registry, principal }) => {
    const project = await findProject(registry, fullPath);
    return project && maySeeProject(principal, project) ? project : null;
  },

  projects: async (_, { search, membership, ...page }, { registry, principal }) =>
    connection(await listProjects(registry, principal, { search, membership }, page)),

  group: async (_, { fullPath }, { registry, principal }) => {
    const group = await findGroup(registry, fullPath);
    return group && maySeeGroup(principal, group) ? group : null;
  },

  goModule: async (_, { path }, { registry, principal }) =>
    (await findModule(registry, principal, path))?.module ?? null,

  goModules: async (_, { search, ...page }, { registry, principal }) =>
    connection(await listModules(registry, principal, { search }, page)),

  featureFlags: (_, __, { registry, principal }) => listFlags(registry, principal),

  administration: (_, __, { principal }) => {
    demandAdministrator(principal);
    return {};
  },
  ...searchQueries,

  statistics: () => ({}),
};
