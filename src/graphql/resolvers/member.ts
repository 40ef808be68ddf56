import { ACCESS_LEVELS } from "../../registry/access/acts.ts";
import { addMember, removeMember } from "../../registry/forge/members.ts";
import type { AccessLevel, MemberResolvers, MutationResolvers } from "../generated.ts";
import { globalId } from "../global-id.ts";
import { payload } from "./payload.ts";

const LEVELS: Record<AccessLevel, number> = {
  GUEST: ACCESS_LEVELS.guest,
  REPORTER: ACCESS_LEVELS.reporter,
  DEVELOPER: ACCESS_LEVELS.developer,
  MAINTAINER: ACCESS_LEVELS.maintainer,
  OWNER: ACCESS_LEVELS.owner,
};
const NAMES = new Map(Object.entries(LEVELS).map(([name, level]) => [level, name as AccessLevel]));

export const Member: MemberResolvers = {
  id: (member) => globalId("Member", member),
  accessLevel: (member) => NAMES.get(member.accessLevel)!,
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
