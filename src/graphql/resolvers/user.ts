import { mayInspectUser } from "../../registry/users.ts";
import { connectionOrNull } from "../connection.ts";
import type { UserResolvers } from "../generated.ts";
import { globalId } from "../global-id.ts";

export const User: UserResolvers = {
  id: (user) => globalId("User", user),
  email: (user, _, { principal }) => (mayInspectUser(principal, user.id) ? user.email : null),
  admin: (user, _, { principal }) => (mayInspectUser(principal, user.id) ? user.admin : null),
  blocked: (user) => user.blockedAt !== null,
  tokens: (user, page, { loaders }) => connectionOrNull(loaders.tokensOfUser.load(user, page)),
};
