// Where every query begins. What may not be seen is null.
import { demandAdministrator, maySeeGroup, maySeeProject } from "../../registry/access/access.ts";
import { listFlags } from "../../registry/forge/feature-flags.ts";
import { findGroup, searchGroups } from "../../registry/forge/groups.ts";
import { countProjects, searchProjects, wantedLevel } from "../../registry/forge/project-search.ts";
import { findProject } from "../../registry/forge/projects.ts";
import { findUser, findUserById, searchUsers } from "../../registry/forge/users.ts";
import { pageById } from "../../registry/lists/page-by-id.ts";
import { findPackage } from "../../registry/packages/packages.ts";
import { countModules, findModule, listModules } from "../../registry/versions/modules.ts";
import { connection, countableConnection } from "../connection.ts";
import type { QueryResolvers } from "../generated.ts";
import { numberIn } from "../global-id.ts";
import { advisoryQueries } from "./advisory.ts";
import { checksumQueries } from "./checksum.ts";
import { policyQueries } from "./policy.ts";
import { searchQueries } from "./search.ts";

export const Query: QueryResolvers = {
  currentUser: async (_, __, { registry, principal }) =>
    principal.kind === "user" ? ((await findUserById(registry, principal.userId)) ?? null) : null,

  user: async (_, { username }, { registry, principal }) =>
    principal.kind === "user" ? ((await findUser(registry, username)) ?? null) : null,

  users: async (_, { search, admins, blocked, ...page }, { registry, principal }) => {
    const filter = {
      search: search ?? undefined,
      admins: admins ?? undefined,
      ...(blocked == null ? {} : blocked ? { blocked: true } : { active: true }),
    };
    return connection(
      await pageById(page, (order, numbered) => searchUsers(registry, principal, filter, order, numbered)),
    );
  },

  groups: async (_, { search, topLevelOnly, ...page }, { registry, principal }) => {
    const filter = { search: search ?? undefined, topLevelOnly: topLevelOnly ?? undefined };
    return connection(
      await pageById(page, (order, numbered) => searchGroups(registry, principal, filter, order, numbered)),
    );
  },

  project: async (_, { fullPath }, { registry, principal, loaders }) => {
    const remembered = await findProject(registry, fullPath);
    if (!remembered || !maySeeProject(principal, remembered)) return null;
    // What is remembered may not know of the last push.
    const project = await loaders.project.load(remembered.id);
    return project && maySeeProject(principal, project) ? project : null;
  },

  projects: (_, { search, membership, visibility, archived, topics, ...page }, { registry, principal }) => {
    const filter = {
      search: search ?? undefined,
      searchNamespaces: true,
      minLevel: wantedLevel({ membership: membership ?? undefined }),
      visibility: visibility ?? undefined,
      archived: archived ?? undefined,
      topics: topics ?? undefined,
    };
    return countableConnection(
      pageById(page, (order, numbered) => searchProjects(registry, principal, filter, order, numbered)),
      ({ limit }) => countProjects(registry, principal, filter, limit),
    );
  },

  group: async (_, { fullPath }, { registry, principal }) => {
    const group = await findGroup(registry, fullPath);
    return group && maySeeGroup(principal, group) ? group : null;
  },

  goModule: async (_, { path }, { registry, principal }) =>
    (await findModule(registry, principal, path))?.module ?? null,

  goModules: (_, { search, ...page }, { registry, principal }) =>
    countableConnection(listModules(registry, principal, { search }, page), ({ limit }) =>
      countModules(registry, principal, { search }, limit),
    ),

  package: async (_, { id }, { registry, principal }) =>
    (await findPackage(registry, principal, numberIn("Package", id)))?.package ?? null,

  featureFlags: (_, __, { registry, principal }) => listFlags(registry, principal),

  administration: (_, __, { principal }) => {
    demandAdministrator(principal);
    return {};
  },
  ...searchQueries,
  ...checksumQueries,
  ...policyQueries,
  ...advisoryQueries,

  statistics: () => ({}),
};
