// Users (doc/api/users.md). There are no passwords here: those that GitLab's programs send along are taken and forgotten,
// and whoever is to sign in gets a token.
import * as z from "zod";
import { Failure } from "../../errors.ts";
import { demandUser, hidden } from "../../registry/access/access.ts";
import {
  createUser,
  deleteUser,
  findUserById,
  searchUsers,
  setUserBlocked,
  updateUser,
} from "../../registry/forge/users.ts";
import type { UserRow } from "../../registry/rows.ts";
import { type CallRequest, call, listCall } from "./call.ts";
import { boolean, numberOf, sorting, text } from "./parameter.ts";
import { User, userAnswer } from "./user-answer.ts";

const tag = "Users";
const id = numberOf("user");

async function demandKnown({ registry, principal }: CallRequest<unknown>, number: number): Promise<UserRow> {
  const user = await findUserById(registry, number);
  if (!user) throw hidden(principal, "User");
  return user;
}

const blocking = (action: "block" | "unblock") =>
  call({
    method: "POST",
    path: `/users/:id/${action}`,
    tag,
    summary: action === "block" ? "Refuse all tokens of a user, at once" : "Accept the tokens of a user again",
    scope: "api write",
    parameters: { id },
    status: 201,
    answer: z.literal(true),
    failures: [404],
    handle: async (asked) => {
      const { registry, principal, parameters } = asked;
      const user = await demandKnown(asked, parameters.id);
      if (action === "block" && principal.kind === "user" && principal.userId === user.id)
        throw new Failure("forbidden", "nobody can block oneself");
      await setUserBlocked(registry, principal, user.username, action === "block");
      return true as const;
    },
  });

export const userCalls = [
  call({
    method: "GET",
    path: "/user",
    tag,
    summary: "Whom the token acts as",
    scope: "user read",
    parameters: {},
    status: 200,
    answer: User,
    failures: [404],
    handle: async (asked) => {
      const { userId } = demandUser(asked.principal);
      return userAnswer(asked.principal, await demandKnown(asked, userId), asked.base);
    },
  }),

  listCall({
    path: "/users",
    tag,
    summary: "Users",
    scope: "user read",
    keyset: true,
    parameters: {
      username: text().optional().describe("The exact user name, in any case"),
      search: text().optional().describe("Part of the name or user name"),
      active: boolean().optional(),
      blocked: boolean().optional(),
      admins: boolean().optional().describe("Only administrators; for administrators"),
      ...sorting(["id", "name", "username", "created_at"], { by: "id", sort: "desc" }),
    },
    row: User,
    failures: [],
    read: async ({ registry, principal, parameters, base }, numbered) => {
      const order = { by: parameters.order_by, sort: parameters.sort };
      const found = await searchUsers(registry, principal, parameters, order, numbered);
      return { ...found, rows: found.rows.map((user) => userAnswer(principal, user, base)) };
    },
  }),

  call({
    method: "GET",
    path: "/users/:id",
    tag,
    summary: "A user",
    scope: "user read",
    parameters: { id },
    status: 200,
    answer: User,
    failures: [404],
    handle: async (asked) => userAnswer(asked.principal, await demandKnown(asked, asked.parameters.id), asked.base),
  }),

  call({
    method: "POST",
    path: "/users",
    tag,
    summary: "Make a user; administrators",
    description: "Users sign in with tokens: a password is accepted and not kept, and nothing is sent to the address.",
    scope: "api write",
    parameters: {
      username: text(),
      name: text(),
      email: text(),
      admin: boolean().optional(),
      password: text().optional().describe("Ignored"),
      reset_password: boolean().optional().describe("Ignored"),
      force_random_password: boolean().optional().describe("Ignored"),
      skip_confirmation: boolean().optional().describe("Ignored"),
    },
    status: 201,
    answer: User,
    failures: [409],
    handle: async ({ registry, principal, parameters, base }) => {
      const { username, name, email, admin } = parameters;
      return userAnswer(principal, await createUser(registry, principal, { username, name, email, admin }), base);
    },
  }),

  call({
    method: "PUT",
    path: "/users/:id",
    tag,
    summary: "Change a user; administrators",
    description: "The user name stays: module paths are made of it.",
    scope: "api write",
    parameters: {
      id,
      username: text().optional().describe("Cannot be changed"),
      name: text().optional(),
      email: text().optional(),
      admin: boolean().optional(),
    },
    status: 200,
    answer: User,
    failures: [404, 409],
    handle: async ({ registry, principal, parameters, base }) => {
      const { id: number, ...change } = parameters;
      return userAnswer(principal, await updateUser(registry, principal, number, change), base);
    },
  }),

  call({
    method: "DELETE",
    path: "/users/:id",
    tag,
    summary: "Delete a user with the projects of the own namespace; administrators",
    scope: "api write",
    parameters: { id },
    status: 204,
    failures: [404],
    handle: async ({ registry, principal, parameters }) => deleteUser(registry, principal, parameters.id),
  }),

  blocking("block"),
  blocking("unblock"),
];
