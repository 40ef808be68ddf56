// Rules about which versions may be had, and what they say of one.
import { invalid } from "../../errors.ts";
import { pageById } from "../../registry/lists/page-by-id.ts";
import { explainPolicies } from "../../registry/policies/explain.ts";
import { judgeAgain, MAX_NAMES } from "../../registry/policies/impact.ts";
import { createPolicy, deletePolicy, listPolicies } from "../../registry/policies/rules.ts";
import { connection } from "../connection.ts";
import type {
  MutationResolvers,
  PolicyImpactResolvers,
  PolicyResolvers,
  PolicyVerdictResolvers,
  QueryResolvers,
} from "../generated.ts";
import { globalId, numberIn } from "../global-id.ts";
import { given, payload } from "./payload.ts";

export const Policy: PolicyResolvers = {
  id: (rule) => globalId("Policy", rule),
  groupPath: ({ group }) => group?.fullPath ?? null,
  impact: async (rule, _, { loaders }) => (await loaders.policyImpact.load(rule)) ?? null,
};

export const PolicyImpact: PolicyImpactResolvers = {
  names: ({ names }, { first }) => {
    if (first < 0 || first > MAX_NAMES) throw invalid(`first is 0 to ${MAX_NAMES}`, undefined, "invalid_page");
    return names.slice(0, first);
  },
};

export const PolicyVerdict: PolicyVerdictResolvers = {
  policy: ({ rule }) => rule ?? null,
  told: ({ told }) => told ?? null,
  heldUntil: ({ cooldown }) => (cooldown ? new Date(cooldown.endsAt) : null),
  dryRuns: ({ dryRuns }) => [...dryRuns],
};

export const policyQueries = {
  policies: async (_, { groupPath, ...page }, { registry, principal }) =>
    connection(
      await pageById(page, ({ sort }, numbered) =>
        listPolicies(registry, principal, groupPath ?? undefined, numbered, sort),
      ),
    ),
  policyVerdict: (_, { path, version, groupPath }, { registry, principal }) =>
    explainPolicies(registry, principal, { modulePath: path, version, groupPath: groupPath ?? undefined }),
} satisfies QueryResolvers;

export const policyMutations = {
  policyCreate: (_, { input }, context) =>
    payload(context, async () => ({
      policy: await createPolicy(context.registry, context.principal, given(input)),
    })),

  policyDelete: (_, { input }, context) =>
    payload(context, async () => ({
      policy: await deletePolicy(context.registry, context.principal, numberIn("Policy", input.id)),
    })),

  policyJudge: (_, { input }, context) =>
    payload(context, async () => {
      await judgeAgain(context.registry, context.principal, input.groupPath ?? undefined);
      return {};
    }),
} satisfies MutationResolvers;
