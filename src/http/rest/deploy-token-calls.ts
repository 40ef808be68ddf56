// Deploy tokens (doc/api/deploy_tokens.md): of a project, which they open, and of a group, whose projects they open, all at or
// below it. The calls are the same for both; they are nobody, and no call takes one.
import * as z from "zod";
import { SCOPES_OF } from "../../registry/access/acts.ts";
import { findDeployToken, findDeployTokens } from "../../registry/forge/deploy-tokens.ts";
import { createDeployToken, createGroupDeployToken, revokeToken } from "../../registry/forge/tokens.ts";
import type { TokenRow } from "../../registry/rows.ts";
import { type Call, call, listCall } from "./call.ts";
import { boolean, choice, idOrPath, list, moment, numberOf, text } from "./parameter.ts";
import { projectOrGroup } from "./project-or-group.ts";

const DeployToken = z
  .object({
    id: z.int(),
    name: z.string(),
    username: z.string().describe("The user name of Basic authentication"),
    scopes: z.array(z.string()),
    revoked: z.boolean(),
    expired: z.boolean(),
    expires_at: z.iso.datetime().nullable(),
  })
  .meta({ id: "DeployToken" });

const NewDeployToken = DeployToken.extend({ token: z.string() }).meta({ id: "NewDeployToken" });

const tag = "Deploy tokens";
const ACTIVE = { active: boolean().default(false).describe("Leave out expired ones") };

const ofAll = listCall({
  path: "/deploy_tokens",
  tag,
  summary: "The deploy tokens of all projects and groups",
  description: "Administrators.",
  scope: "api read",
  parameters: ACTIVE,
  row: DeployToken,
  failures: [],
  read: async ({ registry, principal, parameters: { active } }, numbered) => {
    const found = await findDeployTokens(registry, principal, "all", active, numbered);
    return { ...found, rows: found.rows.map(deployTokenOf) };
  },
});

function callsOf(kind: "project" | "group"): Call[] {
  const id = idOrPath(kind);
  const root = `/${kind}s/:id/deploy_tokens` as const;
  const one = { id, token_id: numberOf("deploy token") };
  const changers = kind === "project" ? "Maintainers." : "Owners.";
  return [
    listCall({
      path: root,
      tag,
      summary: `The deploy tokens of a ${kind}`,
      description: "Maintainers.",
      scope: "api read",
      parameters: { id, ...ACTIVE },
      row: DeployToken,
      failures: [404],
      read: async (asked, numbered) => {
        const { registry, principal, parameters } = asked;
        const owner = await projectOrGroup(kind, asked);
        const found = await findDeployTokens(registry, principal, owner, parameters.active, numbered);
        return { ...found, rows: found.rows.map(deployTokenOf) };
      },
    }),

    call({
      method: "POST",
      path: root,
      tag,
      summary: `Make a deploy token of a ${kind}${kind === "group" ? ", which opens all projects at or below it" : ""}`,
      description: `${changers} The secret is in this answer and nowhere else.`,
      scope: "api write",
      parameters: {
        id,
        name: text(),
        scopes: list(choice(SCOPES_OF["deploy-token"])).refine((scopes) => scopes.length > 0),
        expires_at: moment().optional().describe("Refused from then on; a day begins at 00:00 UTC"),
        username: text().optional().describe("The user name of Basic authentication; made up if not given"),
      },
      status: 201,
      answer: NewDeployToken,
      failures: [404],
      handle: async (asked) => {
        const { registry, principal } = asked;
        const { name, scopes, expires_at: expiresAt, username } = asked.parameters;
        const input = { name, scopes, expiresAt, username };
        const owner = await projectOrGroup(kind, asked);
        const made = await ("project" in owner
          ? createDeployToken(registry, principal, owner.project.fullPath, input)
          : createGroupDeployToken(registry, principal, owner.group.fullPath, input));
        return { ...deployTokenOf(made.token), token: made.secret };
      },
    }),

    call({
      method: "GET",
      path: `${root}/:token_id`,
      tag,
      summary: `Show a deploy token of a ${kind}`,
      description: "Maintainers.",
      scope: "api read",
      parameters: one,
      status: 200,
      answer: DeployToken,
      failures: [404],
      handle: async (asked) => {
        const { registry, principal, parameters } = asked;
        const owner = await projectOrGroup(kind, asked);
        return deployTokenOf(await findDeployToken(registry, principal, owner, parameters.token_id));
      },
    }),

    call({
      method: "DELETE",
      path: `${root}/:token_id`,
      tag,
      summary: `Revoke a deploy token of a ${kind}`,
      description: `${changers} It is refused at once, in every server.`,
      scope: "api write",
      parameters: one,
      status: 204,
      failures: [404],
      handle: async (asked) => {
        const { registry, principal, parameters } = asked;
        const owner = await projectOrGroup(kind, asked);
        const token = await findDeployToken(registry, principal, owner, parameters.token_id);
        await revokeToken(registry, principal, token.id);
      },
    }),
  ];
}

export const deployTokenCalls = [ofAll, ...callsOf("project"), ...callsOf("group")];

function deployTokenOf(token: TokenRow): z.input<typeof DeployToken> {
  return {
    id: token.id,
    name: token.name,
    username: token.username!,
    scopes: token.scopes,
    revoked: token.revokedAt !== null,
    expired: token.expiresAt !== null && token.expiresAt.getTime() <= Date.now(),
    expires_at: token.expiresAt?.toISOString() ?? null,
  };
}
