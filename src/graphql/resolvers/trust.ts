import { invalid } from "../../errors.ts";
import { patternsOf } from "../../registry/access/workloads.ts";
import { demandGroup } from "../../registry/forge/groups.ts";
import { demandProject } from "../../registry/forge/projects.ts";
import { createTrust, deleteTrust } from "../../registry/forge/trusts.ts";
import type { MutationResolvers, TrustResolvers } from "../generated.ts";
import { globalId, numberIn } from "../global-id.ts";
import { payload } from "./payload.ts";

export const Trust: TrustResolvers = {
  id: (trust) => globalId("Trust", trust),
  claims: (trust) => Object.entries(patternsOf(trust)).map(([name, pattern]) => ({ name, pattern })),
  scopes: ({ scopes }) => scopes.map((scope) => scope.toUpperCase() as Uppercase<typeof scope>),
};

export const trustMutations = {
  trustCreate: (_, { input }, context) =>
    payload(context, async () => {
      const { registry, principal, urls } = context;
      const { projectPath, groupPath, issuer, audience, claims, scopes, expiresAt } = input;
      if ((projectPath == null) === (groupPath == null)) throw invalid("name either a project or a group");
      const owner =
        projectPath == null
          ? { group: await demandGroup(registry, principal, groupPath!) }
          : { project: await demandProject(registry, principal, projectPath) };
      const named = new Map(claims.map(({ name, pattern }) => [name, pattern]));
      if (named.size < claims.length) throw invalid("a claim is named twice: use * in its pattern, or two trusts");
      const wanted = {
        issuer,
        audience: audience ?? urls.instance,
        claims: Object.fromEntries(named),
        scopes: scopes.map((scope) => scope.toLowerCase()),
        expiresAt: expiresAt ?? undefined,
      };
      return { trust: await createTrust(registry, principal, owner, wanted) };
    }),

  trustDelete: (_, { input }, context) =>
    payload(context, async () => ({
      trust: await deleteTrust(context.registry, context.principal, numberIn("Trust", input.id)),
    })),
} satisfies MutationResolvers;
