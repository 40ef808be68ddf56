import { demandUser } from "../../registry/access.ts";
import { createDeployToken, createPersonalToken, isActive, revokeToken } from "../../registry/tokens.ts";
import type { MutationResolvers, TokenResolvers } from "../generated.ts";
import { globalId, numberIn } from "../global-id.ts";
import { payload } from "./payload.ts";

export const Token: TokenResolvers = {
  id: (token) => globalId("Token", token),
  scopes: ({ scopes }) => scopes.map((scope) => scope.toUpperCase() as Uppercase<typeof scope>),
  active: isActive,
};

export const tokenMutations = {
  tokenCreate: (_, { input }, context) =>
    payload(context, () => {
      const { registry, principal } = context;
      const { projectPath, username } = input;
      const scopes = input.scopes.map((scope) => scope.toLowerCase());
      const wanted = { name: input.name, scopes, expiresAt: input.expiresAt ?? undefined };
      if (projectPath != null)
        return createDeployToken(registry, principal, projectPath, { ...wanted, username: username ?? undefined });
      return createPersonalToken(registry, principal, username ?? demandUser(principal).username, wanted);
    }),

  tokenRevoke: (_, { input }, context) =>
    payload(context, async () => ({
      token: await revokeToken(context.registry, context.principal, numberIn("Token", input.id)),
    })),
} satisfies MutationResolvers;
