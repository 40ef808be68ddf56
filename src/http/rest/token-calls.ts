// Personal access tokens (doc/api/personal_access_tokens.md, user_tokens.md). What a call answers with `token` in it is the
// only time that anybody sees the secret. A token may always look at itself and give itself up, whatever its scopes.
import * as z from "zod";
import { demandAdministrator, demandUser, hidden } from "../../registry/access/access.ts";
import { SCOPES_OF } from "../../registry/access/acts.ts";
import {
  findPersonalToken,
  findPersonalTokens,
  rotatePersonalToken,
  TOKEN_ORDERS,
  type TokenOrder,
} from "../../registry/forge/personal-tokens.ts";
import { createPersonalToken, isActive, type MadeToken, revokeToken } from "../../registry/forge/tokens.ts";
import { findUserById } from "../../registry/forge/users.ts";
import { isId } from "../../registry/lists/keyset-page.ts";
import type { TokenRow } from "../../registry/rows.ts";
import { call, listCall } from "./call.ts";
import { boolean, choice, date, list, moment, numberOf, text } from "./parameter.ts";

const Token = z
  .object({
    id: z.int(),
    name: z.string(),
    description: z.string(),
    scopes: z.array(z.string()),
    user_id: z.int(),
    revoked: z.boolean(),
    active: z.boolean().describe("Neither revoked nor expired"),
    created_at: z.iso.datetime(),
    last_used_at: z.iso.datetime().nullable(),
    expires_at: z.iso.date().nullable().describe("Refused from 00:00 UTC of this day"),
  })
  .meta({ id: "Token" });

const NewToken = Token.extend({ token: z.string() }).meta({ id: "NewToken" });

const NEW = {
  name: text(),
  scopes: list(choice(SCOPES_OF.user)).refine((scopes) => scopes.length > 0),
  description: text().optional(),
  expires_at: date().optional().describe("Refused from 00:00 UTC of this day; never, if not given"),
};

const ROTATION = { expires_at: date().optional().describe("In a week, if not given") };

const SORTS = Object.keys(TOKEN_ORDERS).flatMap((by) => [`${by}_asc`, `${by}_desc`]) as [string, ...string[]];

export const tokenCalls = [
  call({
    method: "POST",
    path: "/users/:id/personal_access_tokens",
    tag: "Personal access tokens",
    summary: "Make a token for a user",
    description: "Administrators.",
    scope: "api write",
    parameters: { id: numberOf("user"), ...NEW },
    status: 201,
    answer: NewToken,
    failures: [404],
    handle: async ({ registry, principal, parameters: { id, ...input } }) => {
      demandAdministrator(principal);
      const user = isId(id) ? await findUserById(registry, id) : undefined;
      if (!user) throw hidden(principal, "User");
      return newTokenOf(
        await createPersonalToken(registry, principal, user.username, { ...input, expiresAt: input.expires_at }),
      );
    },
  }),
  call({
    method: "POST",
    path: "/user/personal_access_tokens",
    tag: "Personal access tokens",
    summary: "Make a token for oneself",
    scope: "api write",
    parameters: NEW,
    status: 201,
    answer: NewToken,
    failures: [],
    handle: async ({ registry, principal, parameters: input }) => {
      const { username } = demandUser(principal);
      return newTokenOf(
        await createPersonalToken(registry, principal, username, { ...input, expiresAt: input.expires_at }),
      );
    },
  }),
  listCall({
    path: "/personal_access_tokens",
    tag: "Personal access tokens",
    summary: "One's own tokens, newest first; to administrators those of all users",
    scope: "api read",
    parameters: {
      user_id: numberOf("user").optional(),
      state: choice(["active", "inactive"]).optional(),
      revoked: boolean().optional(),
      search: text().optional().describe("Part of the name, in any case"),
      created_after: moment().optional(),
      created_before: moment().optional(),
      expires_after: date().optional(),
      expires_before: date().optional(),
      last_used_after: moment().optional(),
      last_used_before: moment().optional(),
      sort: choice(SORTS).optional(),
    },
    row: Token,
    failures: [],
    read: async ({ registry, principal, parameters: asked }, numbered) => {
      const filter = {
        userId: asked.user_id,
        active: asked.state === undefined ? undefined : asked.state === "active",
        revoked: asked.revoked,
        search: asked.search,
        created: { after: asked.created_after, before: asked.created_before },
        expires: { after: asked.expires_after, before: asked.expires_before },
        lastUsed: { after: asked.last_used_after, before: asked.last_used_before },
      };
      const found = await findPersonalTokens(registry, principal, filter, orderOf(asked.sort), numbered);
      return { ...found, rows: found.rows.map(tokenOf) };
    },
  }),
  call({
    method: "GET",
    path: "/personal_access_tokens/self",
    tag: "Personal access tokens",
    summary: "Show the token that asks",
    scope: "none",
    parameters: {},
    status: 200,
    answer: Token,
    failures: [],
    handle: async ({ registry, principal }) => tokenOf(await findPersonalToken(registry, principal, "self")),
  }),
  call({
    method: "POST",
    path: "/personal_access_tokens/self/rotate",
    tag: "Personal access tokens",
    summary: "Make a new token in the place of the token that asks",
    description: "The old one is refused from the same instant on.",
    scope: "api write",
    parameters: ROTATION,
    status: 200,
    answer: NewToken,
    failures: [],
    handle: async ({ registry, principal, parameters }) =>
      newTokenOf(await rotatePersonalToken(registry, principal, "self", parameters.expires_at)),
  }),
  call({
    method: "DELETE",
    path: "/personal_access_tokens/self",
    tag: "Personal access tokens",
    summary: "Revoke the token that asks",
    scope: "none",
    parameters: {},
    status: 204,
    failures: [],
    handle: async ({ registry, principal }) => {
      const { id } = await findPersonalToken(registry, principal, "self");
      await revokeToken(registry, principal, id);
    },
  }),
  call({
    method: "GET",
    path: "/personal_access_tokens/:id",
    tag: "Personal access tokens",
    summary: "Show a token",
    scope: "api read",
    parameters: { id: numberOf("token") },
    status: 200,
    answer: Token,
    failures: [404],
    handle: async ({ registry, principal, parameters }) =>
      tokenOf(await findPersonalToken(registry, principal, parameters.id)),
  }),
  call({
    method: "POST",
    path: "/personal_access_tokens/:id/rotate",
    tag: "Personal access tokens",
    summary: "Make a new token in the place of a token",
    description: "The old one is refused from the same instant on.",
    scope: "api write",
    parameters: { id: numberOf("token"), ...ROTATION },
    status: 200,
    answer: NewToken,
    failures: [404],
    handle: async ({ registry, principal, parameters }) =>
      newTokenOf(await rotatePersonalToken(registry, principal, parameters.id, parameters.expires_at)),
  }),
  call({
    method: "DELETE",
    path: "/personal_access_tokens/:id",
    tag: "Personal access tokens",
    summary: "Revoke a token",
    scope: "api write",
    parameters: { id: numberOf("token") },
    status: 204,
    failures: [404],
    handle: async ({ registry, principal, parameters }) => {
      const { id } = await findPersonalToken(registry, principal, parameters.id);
      await revokeToken(registry, principal, id);
    },
  }),
];

function orderOf(sort: string | undefined): TokenOrder | undefined {
  if (sort === undefined) return undefined;
  const at = sort.lastIndexOf("_");
  return { by: sort.slice(0, at) as TokenOrder["by"], direction: sort.slice(at + 1) as TokenOrder["direction"] };
}

function tokenOf(token: TokenRow): z.input<typeof Token> {
  return {
    id: token.id,
    name: token.name,
    description: token.description,
    scopes: token.scopes,
    user_id: token.userId!,
    revoked: token.revokedAt !== null,
    active: isActive(token),
    created_at: token.createdAt.toISOString(),
    last_used_at: token.lastUsedAt?.toISOString() ?? null,
    expires_at: token.expiresAt?.toISOString().slice(0, 10) ?? null,
  };
}

function newTokenOf({ token, secret }: MadeToken): z.input<typeof NewToken> {
  return { ...tokenOf(token), token: secret };
}
