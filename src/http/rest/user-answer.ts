// A user as the REST API shows one (doc/api/users.md). The address is for oneself and administrators, who is an
// administrator for administrators alone.
import * as z from "zod";
import { isAdministrator } from "../../registry/access/access.ts";
import { mayInspectUser } from "../../registry/forge/users.ts";
import type { Principal } from "../../registry/principal.ts";
import type { UserRow } from "../../registry/rows.ts";

/** What every answer that names a user has of it. */
export const userBasics = {
  id: z.int(),
  username: z.string(),
  name: z.string(),
  state: z.enum(["active", "blocked"]),
  web_url: z.string(),
  avatar_url: z.string().nullable(),
};

export const User = z
  .object({
    ...userBasics,
    created_at: z.iso.datetime(),
    bot: z.boolean(),
    email: z.string().nullable().optional(),
    can_create_group: z.boolean().optional(),
    can_create_project: z.boolean().optional(),
    is_admin: z.boolean().optional(),
  })
  .meta({ id: "User" });

export function basicsOfUser(user: UserRow, base: string) {
  return {
    id: user.id,
    username: user.username,
    name: user.name,
    state: user.blockedAt ? ("blocked" as const) : ("active" as const),
    web_url: `${base}/${user.username}`,
    avatar_url: null,
  };
}

/** A user as the principal may see it. */
export function userAnswer(principal: Principal, user: UserRow, base: string): z.input<typeof User> {
  return {
    ...basicsOfUser(user, base),
    created_at: user.createdAt.toISOString(),
    bot: false,
    ...(mayInspectUser(principal, user.id)
      ? { email: user.email, can_create_group: true, can_create_project: true }
      : {}),
    ...(isAdministrator(principal) ? { is_admin: user.admin } : {}),
  };
}
