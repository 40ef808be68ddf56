import { invalid } from "../../errors.ts";
import { setFlag } from "../../registry/feature-flags.ts";
import type { FeatureFlagResolvers, MutationResolvers } from "../generated.ts";
import { payload } from "./payload.ts";

export const FeatureFlag: FeatureFlagResolvers = {
  projects: ({ gates }) => gates.flatMap(({ project }) => project?.fullPath ?? []),
  groups: ({ gates }) => gates.flatMap(({ group }) => group?.fullPath ?? []),
};

export const featureFlagMutations = {
  featureFlagSet: (_, { input: { name, enabled, projectPath, groupPath } }, context) =>
    payload(context, async () => {
      if (projectPath != null && groupPath != null) throw invalid("name at most one of projectPath and groupPath");
      const targets = {
        ...(projectPath == null ? {} : { projects: [projectPath] }),
        ...(groupPath == null ? {} : { groups: [groupPath] }),
      };
      return { featureFlag: await setFlag(context.registry, context.principal, name, enabled, targets) };
    }),
} satisfies MutationResolvers;
