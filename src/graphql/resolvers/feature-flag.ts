import { invalid } from "../../errors.ts";
import { deleteFlag, type FlagTargets, setFlag } from "../../registry/forge/feature-flags.ts";
import type { FeatureFlagResolvers, FeatureFlagSetInput, MutationResolvers } from "../generated.ts";
import { payload } from "./payload.ts";

export const FeatureFlag: FeatureFlagResolvers = {
  projects: ({ gates }) => gates.flatMap(({ project }) => project?.fullPath ?? []),
  groups: ({ gates }) => gates.flatMap(({ group }) => group?.fullPath ?? []),
  users: ({ gates }) => gates.flatMap(({ user }) => user?.username ?? []),
};

export const featureFlagMutations = {
  featureFlagSet: (_, { input: { name, enabled, ...target } }, context) =>
    payload(context, async () => {
      const { registry, principal } = context;
      return { featureFlag: await setFlag(registry, principal, name, enabled, targetsOf(target)) };
    }),

  featureFlagDelete: (_, { input }, context) =>
    payload(context, async () => {
      await deleteFlag(context.registry, context.principal, input.name);
      return {};
    }),
} satisfies MutationResolvers;

function targetsOf({ projectPath, groupPath, username }: Omit<FeatureFlagSetInput, "name" | "enabled">): FlagTargets {
  if ([projectPath, groupPath, username].filter((target) => target != null).length > 1)
    throw invalid("name at most one of projectPath, groupPath and username");
  return {
    ...(projectPath == null ? {} : { projects: [projectPath] }),
    ...(groupPath == null ? {} : { groups: [groupPath] }),
    ...(username == null ? {} : { users: [username] }),
  };
}
