import { NO_ONE, protectTag, unprotectTag } from "../../registry/forge/protected-tags.ts";
import type { MutationResolvers, ProtectedTagResolvers } from "../generated.ts";
import { LEVELS, levelName } from "./access-level.ts";
import { payload } from "./payload.ts";

export const ProtectedTag: ProtectedTagResolvers = {
  createAccessLevel: ({ createAccessLevel }) => levelName(createAccessLevel) ?? null,
};

export const protectedTagMutations = {
  protectedTagCreate: (_, { input: { projectPath, name, createAccessLevel } }, context) =>
    payload(context, async () => {
      const level = createAccessLevel == null ? NO_ONE : LEVELS[createAccessLevel];
      return { protectedTag: await protectTag(context.registry, context.principal, projectPath, name, level) };
    }),

  protectedTagDelete: (_, { input: { projectPath, name } }, context) =>
    payload(context, async () => ({
      protectedTag: await unprotectTag(context.registry, context.principal, projectPath, name),
    })),
} satisfies MutationResolvers;
