import { invalid } from "../../errors.ts";
import { demandUser } from "../../registry/access/access.ts";
import { rotatePersonalToken } from "../../registry/forge/personal-tokens.ts";
import {
  createDeployToken,
  createGroupDeployToken,
  createPersonalToken,
  isActive,
  revokeToken,
} from "../../registry/forge/tokens.ts";
import type { MutationResolvers, TokenResolvers } from "../generated.ts";
import { globalId, numberIn } from "../global-id.ts";
import { given, payload } from "./payload.ts";
import { stillThere } from "./still-there.ts";

export const Token: TokenResolvers = {
  id: (token) => globalId("Token", token),
  scopes: ({ scopes }) => scopes.map((scope) => scope.toUpperCase() as Uppercase<typeof scope>),
  active: isActive,
  user: async ({ userId }, _, { loaders }) => (userId === null ? null : stillThere(await loaders.user.load(userId))),
  project: async ({ projectId }, _, { loaders }) =>
    projectId === null ? null : stillThere(await loaders.project.load(projectId)),
  group: async ({ groupId }, _, { loaders }) =>
    groupId === null ? null : stillThere(await loaders.group.load(groupId)),
};

export const tokenMutations = {
  tokenCreate: (_, { input }, context) =>
    payload(context, () => {
      const { registry, principal } = context;
      const { projectPath, groupPath, username } = input;
      if (projectPath != null && groupPath != null) throw invalid("name either a project or a group");
      const scopes = input.scopes.map((scope) => scope.toLowerCase());
      const { name, description, expiresAt } = given(input);
      const wanted = { name, description, scopes, expiresAt };
      const named = { ...wanted, username: username ?? undefined };
      if (projectPath != null) return createDeployToken(registry, principal, projectPath, named);
      if (groupPath != null) return createGroupDeployToken(registry, principal, groupPath, named);
      return createPersonalToken(registry, principal, username ?? demandUser(principal).username, wanted);
    }),

  tokenRotate: (_, { input }, context) =>
    payload(context, () => {
      const { registry, principal } = context;
      return rotatePersonalToken(registry, principal, numberIn("Token", input.id), input.expiresAt ?? undefined);
    }),

  tokenRevoke: (_, { input }, context) =>
    payload(context, async () => ({
      token: await revokeToken(context.registry, context.principal, numberIn("Token", input.id)),
    })),
} satisfies MutationResolvers;
