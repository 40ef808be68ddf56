// Trusted issuers of ID tokens of projects and groups: docs/ci-identity.md. GitLab has nothing of the kind; the form is that of
// its deploy tokens, in whose place these stand.
import * as z from "zod";
import { SCOPES_OF } from "../../registry/access/acts.ts";
import { patternsOf } from "../../registry/access/workloads.ts";
import { createTrust, deleteTrust, findTrust, findTrusts } from "../../registry/forge/trusts.ts";
import type { TrustRow } from "../../registry/rows.ts";
import { type Call, call, listCall } from "./call.ts";
import { choice, idOrPath, list, moment, numberOf, text } from "./parameter.ts";
import { projectOrGroup } from "./project-or-group.ts";

const Trust = z
  .object({
    id: z.int(),
    issuer: z.string(),
    audience: z.string(),
    claims: z.record(z.string(), z.string()),
    scopes: z.array(z.string()),
    expires_at: z.iso.datetime().nullable(),
    created_at: z.iso.datetime(),
  })
  .meta({ id: "Trust" });

const tag = "Trusted issuers";

function callsOf(kind: "project" | "group"): Call[] {
  const id = idOrPath(kind);
  const root = `/${kind}s/:id/trusts` as const;
  const one = { id, trust_id: numberOf("trust") };
  const changers = kind === "project" ? "Maintainers." : "Owners.";
  return [
    listCall({
      path: root,
      tag,
      summary: `The issuers of ID tokens that a ${kind} trusts`,
      description: "Maintainers.",
      scope: "api read",
      parameters: { id },
      row: Trust,
      failures: [404],
      read: async (asked, numbered) => {
        const found = await findTrusts(asked.registry, asked.principal, await projectOrGroup(kind, asked), numbered);
        return { ...found, rows: found.rows.map(trustOf) };
      },
    }),

    call({
      method: "POST",
      path: root,
      tag,
      summary: `Trust an issuer of ID tokens${kind === "group" ? ", in all projects at or below the group" : ""}`,
      description: changers,
      scope: "api write",
      parameters: {
        id,
        issuer: text().describe("Exactly as its tokens say it, such as https://token.actions.githubusercontent.com"),
        audience: text().optional().describe("What the tokens must be for; the URL of this server, if not given"),
        claims: z
          .record(z.string(), text())
          .describe("The claims that must match, each with its pattern: * is any text without / and :, ** any text"),
        scopes: list(choice(SCOPES_OF.workload)).refine((scopes) => scopes.length > 0),
        expires_at: moment().optional().describe("Counts no more from then on; a day begins at 00:00 UTC"),
      },
      status: 201,
      answer: Trust,
      failures: [404],
      handle: async (asked) => {
        const { registry, principal, base } = asked;
        const { issuer, audience = base, claims, scopes, expires_at: expiresAt } = asked.parameters;
        const owner = await projectOrGroup(kind, asked);
        return trustOf(await createTrust(registry, principal, owner, { issuer, audience, claims, scopes, expiresAt }));
      },
    }),

    call({
      method: "GET",
      path: `${root}/:trust_id`,
      tag,
      summary: `Show a trusted issuer of a ${kind}`,
      description: "Maintainers.",
      scope: "api read",
      parameters: one,
      status: 200,
      answer: Trust,
      failures: [404],
      handle: async (asked) => {
        const { registry, principal, parameters } = asked;
        return trustOf(await findTrust(registry, principal, await projectOrGroup(kind, asked), parameters.trust_id));
      },
    }),

    call({
      method: "DELETE",
      path: `${root}/:trust_id`,
      tag,
      summary: `End the trust in an issuer of a ${kind}`,
      description: `${changers} Its tokens are refused at once, in every server.`,
      scope: "api write",
      parameters: one,
      status: 204,
      failures: [404],
      handle: async (asked) => {
        const { registry, principal, parameters } = asked;
        const trust = await findTrust(registry, principal, await projectOrGroup(kind, asked), parameters.trust_id);
        await deleteTrust(registry, principal, trust.id);
      },
    }),
  ];
}

export const trustCalls = [...callsOf("project"), ...callsOf("group")];

function trustOf(trust: TrustRow): z.input<typeof Trust> {
  return {
    id: trust.id,
    issuer: trust.issuer,
    audience: trust.audience,
    claims: { ...patternsOf(trust) },
    scopes: trust.scopes,
    expires_at: trust.expiresAt?.toISOString() ?? null,
    created_at: trust.createdAt.toISOString(),
  };
}
