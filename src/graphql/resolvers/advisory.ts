// What is known to be wrong with versions, and advisories about one's own modules.
import { createAdvisory, withdrawAdvisory } from "../../registry/advisories/own-advisories.ts";
import { vulnerabilitiesOf } from "../../registry/advisories/vulnerabilities.ts";
import { findDatabase } from "../../registry/advisories/vulnerability-database.ts";
import { vulnerabilitiesOfProject } from "../../registry/sbom/reported-vulnerabilities.ts";
import type {
  AdvisoryResolvers,
  GoModuleVersionResolvers,
  MutationResolvers,
  ProjectResolvers,
  QueryResolvers,
  VulnerabilityResolvers,
} from "../generated.ts";
import { given, payload } from "./payload.ts";
import { stillThere } from "./still-there.ts";

export const Advisory: AdvisoryResolvers = {
  osv: ({ body }) => body,
};

export const Vulnerability: VulnerabilityResolvers = {
  aliases: ({ aliases }) => [...aliases],
  fixedIn: ({ fixedIn }) => fixedIn ?? null,
};

export const vulnerabilitiesOfVersion = {
  vulnerabilities: async ({ moduleId, version }, _, { registry, loaders }) => {
    const { path, projectId } = stillThere(await loaders.module.load(moduleId));
    if (projectId === null && !(await findDatabase(registry))) return null;
    return vulnerabilitiesOf(registry, [{ path, version }]);
  },
} satisfies GoModuleVersionResolvers;

export const vulnerabilitiesOfProjectField = {
  vulnerabilities: async (project, _, { registry, principal }) =>
    (await findDatabase(registry)) ? vulnerabilitiesOfProject(registry, principal, project) : null,
} satisfies ProjectResolvers;

export const advisoryQueries = {
  vulnerabilityDatabase: async (_, __, { registry }) => (await findDatabase(registry)) ?? null,
} satisfies QueryResolvers;

export const advisoryMutations = {
  advisoryCreate: (_, { input }, context) =>
    payload(context, async () => ({
      advisory: await createAdvisory(context.registry, context.principal, given(input)),
    })),

  advisoryWithdraw: (_, { input }, context) =>
    payload(context, async () => ({
      advisory: await withdrawAdvisory(context.registry, context.principal, input.id),
    })),
} satisfies MutationResolvers;
