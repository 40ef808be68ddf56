import { notFound } from "../../errors.ts";
import { demandAdministrator } from "../../registry/access/access.ts";
import { connectUser } from "../../registry/forge/provider-sign-in.ts";
import {
  createUser,
  deleteUser,
  findUser,
  mayInspectUser,
  setUserBlocked,
  updateUser,
} from "../../registry/forge/users.ts";
import type { UserRow } from "../../registry/rows.ts";
import { connectionOrNull } from "../connection.ts";
import type { GraphqlContext } from "../context.ts";
import type { MutationResolvers, UserResolvers } from "../generated.ts";
import { globalId } from "../global-id.ts";
import { given, payload } from "./payload.ts";

export const User: UserResolvers = {
  id: (user) => globalId("User", user),
  email: (user, _, { principal }) => (mayInspectUser(principal, user.id) ? user.email : null),
  admin: (user, _, { principal }) => (mayInspectUser(principal, user.id) ? user.admin : null),
  blocked: (user) => user.blockedAt !== null,
  tokens: (user, page, { loaders }) => connectionOrNull(loaders.tokensOfUser.load(user, page)),
};

export const userMutations = {
  userCreate: (_, { input }, context) =>
    payload(context, async () => ({ user: await createUser(context.registry, context.principal, given(input)) })),

  userConnect: (_, { input: { username, ...identity } }, context) =>
    payload(context, async () => ({
      user: await connectUser(context.registry, context.principal, username, identity),
    })),

  userUpdate: (_, { input: { username, blocked, ...change } }, context) =>
    payload(context, async () => {
      const { registry, principal } = context;
      const { id } = await demandKnownUser(context, username);
      const user = await updateUser(registry, principal, id, given(change));
      return { user: blocked == null ? user : await setUserBlocked(registry, principal, username, blocked) };
    }),

  userDelete: (_, { input }, context) =>
    payload(context, async () => {
      const { id } = await demandKnownUser(context, input.username);
      await deleteUser(context.registry, context.principal, id);
      return {};
    }),
} satisfies MutationResolvers;

/** A user whom an administrator wants to change. */
async function demandKnownUser({ registry, principal }: GraphqlContext, username: string): Promise<UserRow> {
  demandAdministrator(principal);
  const user = await findUser(registry, username);
  if (!user) throw notFound(`there is no user ${username}`);
  return user;
}
