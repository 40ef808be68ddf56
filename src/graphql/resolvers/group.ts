import { mayGroupAct, maySeeGroup } from "../../registry/access/access.ts";
import { createGroup, deleteGroup, updateGroup } from "../../registry/forge/groups.ts";
import { quotaOf, setQuota } from "../../registry/forge/quotas.ts";
import type { Principal } from "../../registry/principal.ts";
import type { Registry } from "../../registry/registry.ts";
import type { GroupRow } from "../../registry/rows.ts";
import { connectionOrNull, countableConnection } from "../connection.ts";
import type { GroupResolvers, MutationResolvers } from "../generated.ts";
import { globalId } from "../global-id.ts";
import { packageQueryOf } from "./package.ts";
import { given, payload } from "./payload.ts";

async function quotaInGraphql(registry: Registry, principal: Principal, group: GroupRow) {
  const { maxBytes, bytes, ...projects } = await quotaOf(registry, principal, group);
  return { ...projects, maxBytes: maxBytes === null ? null : BigInt(maxBytes), bytes: BigInt(bytes) };
}

export const Group: GroupResolvers = {
  id: (group) => globalId("Group", group),
  kind: ({ userId }) => (userId === null ? "GROUP" : "USER"),
  parent: async ({ parentId }, _, { principal, loaders }) => {
    const parent = parentId === null ? undefined : await loaders.group.load(parentId);
    return parent && maySeeGroup(principal, parent) ? parent : null;
  },
  projects: (group, { includeSubgroups, ...page }, { loaders }) => {
    const scope = { includeSubgroups: includeSubgroups ?? false };
    return countableConnection(loaders.projectsOfGroup.load(group, { ...scope, page }), (limit) =>
      loaders.countOfProjects.load(group, { ...scope, ...limit }),
    );
  },
  descendantGroups: (group, page, { loaders }) => connectionOrNull(loaders.descendants.load(group, page)),
  packages: (group, asked, { loaders }) => {
    const { query, page } = packageQueryOf(asked);
    return countableConnection(loaders.packagesOfGroup.load(group, { query, page }), (limit) =>
      loaders.countOfPackagesOfGroup.load(group, { filter: query.filter, ...limit }),
    );
  },
  members: (group, page, { loaders }) => connectionOrNull(loaders.membersOfGroup.load(group, page)),
  hooks: async (group, _, { loaders }) => (await loaders.hooksOfGroup.load(group, undefined)) ?? null,
  trusts: async (group, _, { loaders }) => (await loaders.trustsOfGroup.load(group, undefined)) ?? null,
  quota: async (group, _, { registry, principal }) =>
    mayGroupAct(principal, "group.update", group) ? await quotaInGraphql(registry, principal, group) : null,
  deployTokens: (group, page, { loaders }) => connectionOrNull(loaders.tokensOfGroup.load(group, page)),
};

export const groupMutations = {
  groupCreate: (_, { input }, context) =>
    payload(context, async () => ({ group: await createGroup(context.registry, context.principal, given(input)) })),

  groupUpdate: (_, { input: { fullPath, ...change } }, context) =>
    payload(context, async () => ({
      group: await updateGroup(context.registry, context.principal, fullPath, given(change)),
    })),

  groupQuotaSet: (_, { input: { fullPath, maxBytes, maxProjects } }, context) =>
    payload(context, async () => ({
      group: await setQuota(context.registry, context.principal, fullPath, {
        maxBytes: maxBytes == null ? maxBytes : Number(maxBytes),
        maxProjects,
      }),
    })),

  groupDelete: (_, { input }, context) =>
    payload(context, async () => ({ group: await deleteGroup(context.registry, context.principal, input.fullPath) })),
} satisfies MutationResolvers;
