import { addMember, removeMember } from "../../registry/forge/members.ts";
import type { MemberResolvers, MutationResolvers } from "../generated.ts";
import { globalId } from "../global-id.ts";
import { LEVELS, levelName } from "./access-level.ts";
import { payload } from "./payload.ts";

export const Member: MemberResolvers = {
  id: (member) => globalId("Member", member),
  accessLevel: (member) => levelName(member.accessLevel)!,
};

export const memberMutations = {
  memberAdd: (_, { input: { username, accessLevel, expiresAt, ...place } }, context) =>
    payload(context, async () => {
      const grant = { username, accessLevel: LEVELS[accessLevel ?? "DEVELOPER"], expiresAt };
      return { member: await addMember(context.registry, context.principal, place, grant) };
    }),

  memberRemove: (_, { input: { username, ...place } }, context) =>
    payload(context, async () => ({
      member: await removeMember(context.registry, context.principal, place, username),
    })),
} satisfies MutationResolvers;
