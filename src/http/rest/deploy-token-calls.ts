// Deploy tokens of projects (doc/api/deploy_tokens.md): they read one project, and are nobody.
import * as z from "zod";
import { SCOPES_OF } from "../../registry/access/acts.ts";
import { findDeployToken, findDeployTokens } from "../../registry/forge/deploy-tokens.ts";
import { demandProject } from "../../registry/forge/projects.ts";
import { createDeployToken, revokeToken } from "../../registry/forge/tokens.ts";
import type { TokenRow } from "../../registry/rows.ts";
import { call, listCall } from "./call.ts";
import { boolean, choice, idOrPath, list, moment, numberOf, text } from "./parameter.ts";

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

const ACTIVE = { active: boolean().default(false).describe("Leave out expired ones") };
const ONE = { id: idOrPath("project"), token_id: numberOf("deploy token") };

export const deployTokenCalls = [
  listCall({
    path: "/deploy_tokens",
    tag: "Deploy tokens",
    summary: "The deploy tokens of all projects",
    description: "Administrators.",
    scope: "api read",
    parameters: ACTIVE,
    row: DeployToken,
    failures: [],
    read: async ({ registry, principal, parameters: { active } }, numbered) => {
      const found = await findDeployTokens(registry, principal, "all", active, numbered);
      return { ...found, rows: found.rows.map(deployTokenOf) };
    },
  }),
  listCall({
    path: "/projects/:id/deploy_tokens",
    tag: "Deploy tokens",
    summary: "The deploy tokens of a project",
    description: "Maintainers.",
    scope: "api read",
    parameters: { id: idOrPath("project"), ...ACTIVE },
    row: DeployToken,
    failures: [404],
    read: async ({ registry, principal, parameters: { id, active } }, numbered) => {
      const project = await demandProject(registry, principal, id);
      const found = await findDeployTokens(registry, principal, project, active, numbered);
      return { ...found, rows: found.rows.map(deployTokenOf) };
    },
  }),
  call({
    method: "POST",
    path: "/projects/:id/deploy_tokens",
    tag: "Deploy tokens",
    summary: "Make a deploy token of a project",
    description: "Maintainers. The secret is in this answer and nowhere else.",
    scope: "api write",
    parameters: {
      id: idOrPath("project"),
      name: text(),
      scopes: list(choice(SCOPES_OF["deploy-token"])).refine((scopes) => scopes.length > 0),
      expires_at: moment().optional().describe("Refused from then on; a day begins at 00:00 UTC"),
      username: text().optional().describe("The user name of Basic authentication; made up if not given"),
    },
    status: 201,
    answer: NewDeployToken,
    failures: [404],
    handle: async ({ registry, principal, parameters: { id, name, scopes, expires_at: expiresAt, username } }) => {
      const { fullPath } = await demandProject(registry, principal, id);
      const made = await createDeployToken(registry, principal, fullPath, { name, scopes, expiresAt, username });
      return { ...deployTokenOf(made.token), token: made.secret };
    },
  }),
  call({
    method: "GET",
    path: "/projects/:id/deploy_tokens/:token_id",
    tag: "Deploy tokens",
    summary: "Show a deploy token of a project",
    description: "Maintainers.",
    scope: "api read",
    parameters: ONE,
    status: 200,
    answer: DeployToken,
    failures: [404],
    handle: async ({ registry, principal, parameters: { id, token_id } }) =>
      deployTokenOf(await findDeployToken(registry, principal, await demandProject(registry, principal, id), token_id)),
  }),
  call({
    method: "DELETE",
    path: "/projects/:id/deploy_tokens/:token_id",
    tag: "Deploy tokens",
    summary: "Revoke a deploy token of a project",
    description: "Maintainers. It is refused at once, in every server.",
    scope: "api write",
    parameters: ONE,
    status: 204,
    failures: [404],
    handle: async ({ registry, principal, parameters: { id, token_id } }) => {
      const project = await demandProject(registry, principal, id);
      const token = await findDeployToken(registry, principal, project, token_id);
      await revokeToken(registry, principal, token.id);
    },
  }),
];

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
