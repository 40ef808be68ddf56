// Rules about which versions may be had, of the instance and of groups. GitLab has nothing of the kind for Go: names are its
// style, and words those of `gokura policy`.
import * as z from "zod";
import { explainPolicies } from "../../registry/policies/explain.ts";
import { createPolicy, deletePolicy, listPolicies, type NewPolicy } from "../../registry/policies/rules.ts";
import type { PolicyRow } from "../../registry/rows.ts";
import { call, listCall } from "./call.ts";
import { groupOfAddress } from "./group-calls.ts";
import { boolean, choice, idOrPath, integer, list, moment, text } from "./parameter.ts";

const tag = "Policies";
const ACTIONS = ["allow", "deny", "hold", "warn"] as const;
const VULNERABLE = ["any", "fixable"] as const;
const KINDS = ["upstream", "hosted", "toolchain"] as const;

const Policy = z
  .object({
    id: z.int(),
    group_path: z.string().nullable(),
    pattern: z.string(),
    versions: z.string().nullable(),
    kind: z.enum(KINDS),
    action: z.enum(ACTIONS),
    dry_run: z.boolean(),
    minimum_age: z.int().nullable(),
    strict: z.boolean(),
    licenses: z.array(z.string()),
    licenses_other_than: z.array(z.string()),
    vulnerable: z.enum(VULNERABLE).nullable(),
    reason: z.string(),
    expires_at: z.iso.datetime().nullable(),
    created_by: z.string(),
    created_at: z.iso.datetime(),
  })
  .meta({ id: "Policy" });

const Verdict = z
  .object({
    module: z.string(),
    version: z.string(),
    kind: z.enum(KINDS),
    action: z.enum(ACTIONS),
    policy: Policy.nullable(),
    told: z.string().nullable(),
    held_until: z.iso.datetime().nullable(),
    change: z.string(),
    dry_runs: z.array(Policy),
  })
  .meta({ id: "PolicyVerdict" });

const id = idOrPath("group");
const LICENSES = "SPDX identifiers; UNKNOWN is what is not recognised, NONE that there is no licence file";
const RULE = {
  pattern: text().describe("Module paths as GOPRIVATE has them: globs with commas between them"),
  versions: text().optional().describe("Version queries with spaces between them, all of which a version must satisfy"),
  kind: choice(KINDS).default("upstream"),
  action: choice(ACTIONS),
  dry_run: boolean().default(false).describe("Refuse nothing, but write down what would be refused"),
  minimum_age: integer(1).optional().describe("Of hold: only versions that are younger, in seconds, of whole hours"),
  strict: boolean().default(false).describe("Of such a rule: refuse exact versions too"),
  licenses: list(text()).optional().describe(`Only versions with one of these licences: ${LICENSES}`),
  licenses_other_than: list(text()).optional().describe("Only versions with a licence that is none of these"),
  vulnerable: choice(VULNERABLE)
    .optional()
    .describe("Only versions with a known vulnerability: any, or one that a later version is free of"),
  reason: text().default("").describe("What clients are told"),
  expires_at: moment().optional().describe("When the rule ends"),
};

type GivenRule = z.output<z.ZodObject<typeof RULE>>;

export const policyCalls = [
  listCall({
    path: "/policies",
    tag,
    summary: "The rules of the instance about which versions may be had",
    description: "Administrators. Oldest first.",
    scope: "api read",
    parameters: {},
    row: Policy,
    failures: [],
    read: async ({ registry, principal }, numbered) =>
      rows(await listPolicies(registry, principal, undefined, numbered)),
  }),
  call({
    method: "POST",
    path: "/policies",
    tag,
    summary: "Make a rule for the whole instance",
    description: "Administrators. In force in every server within a second.",
    scope: "api write",
    parameters: RULE,
    status: 201,
    answer: Policy,
    failures: [],
    handle: async ({ registry, principal, parameters }) =>
      policyOf(await createPolicy(registry, principal, ruleOf(parameters))),
  }),
  call({
    method: "DELETE",
    path: "/policies/:policy_id",
    tag,
    summary: "Remove a rule of the instance or of a group",
    description: "Administrators; of a group its Owners.",
    scope: "api write",
    parameters: { policy_id: integer(1) },
    status: 204,
    failures: [404],
    handle: async ({ registry, principal, parameters }) => {
      await deletePolicy(registry, principal, parameters.policy_id);
    },
  }),
  listCall({
    path: "/groups/:id/policies",
    tag,
    summary: "The rules of a group about which versions may be had",
    description: "Reporters. Oldest first.",
    scope: "api read",
    parameters: { id },
    row: Policy,
    failures: [404],
    read: async ({ registry, principal, parameters }, numbered) => {
      const { fullPath: groupPath } = await groupOfAddress(registry, principal, parameters.id);
      return rows(await listPolicies(registry, principal, groupPath, numbered));
    },
  }),
  call({
    method: "POST",
    path: "/groups/:id/policies",
    tag,
    summary: "Make a rule for the endpoints and projects of a group",
    description: "Owners. In force in every server within a second.",
    scope: "api write",
    parameters: { id, ...RULE },
    status: 201,
    answer: Policy,
    failures: [404],
    handle: async ({ registry, principal, parameters }) => {
      const { fullPath: groupPath } = await groupOfAddress(registry, principal, parameters.id);
      return policyOf(await createPolicy(registry, principal, { ...ruleOf(parameters), groupPath }));
    },
  }),
  call({
    method: "GET",
    path: "/policy_verdict",
    tag,
    summary: "What policies say of a version, and what would change it",
    description: "Whoever could fetch the module.",
    scope: "api read",
    anonymous: true,
    parameters: {
      module: text().describe("The module path"),
      version: text().describe("Such as v1.2.3"),
      group: text().optional().describe("At the endpoint of this group, by its full path; otherwise at the instance's"),
    },
    status: 200,
    answer: Verdict,
    failures: [404],
    handle: async ({ registry, principal, parameters: { module, version, group } }) => {
      const said = await explainPolicies(registry, principal, { modulePath: module, version, groupPath: group });
      const { kind, action, rule, told = null, change, dryRuns, cooldown } = said;
      return {
        ...{ module, version, told, change, kind: wordOf(kind), action: wordOf(action) },
        held_until: cooldown ? new Date(cooldown.endsAt).toISOString() : null,
        policy: rule ? policyOf(rule) : null,
        dry_runs: dryRuns.map(policyOf),
      };
    },
  }),
];

const rows = <P extends { readonly rows: readonly PolicyRow[] }>(page: P) => ({
  ...page,
  rows: page.rows.map(policyOf),
});

function ruleOf(given: GivenRule): NewPolicy {
  const { pattern, versions, reason, strict, dry_run: dryRun, minimum_age: minimumAge, expires_at: expiresAt } = given;
  const words = { kind: constantOf(given.kind), action: constantOf(given.action) };
  const { licenses, licenses_other_than: licensesOtherThan } = given;
  const conditions = { licenses, licensesOtherThan, vulnerable: given.vulnerable && constantOf(given.vulnerable) };
  return { pattern, versions, reason, strict, dryRun, minimumAge, expiresAt, ...words, ...conditions };
}

function policyOf(rule: PolicyRow): z.input<typeof Policy> {
  const { id, pattern, versions, reason } = rule;
  return {
    ...{ id, pattern, versions, reason },
    group_path: rule.group?.fullPath ?? null,
    kind: wordOf(rule.kind),
    action: wordOf(rule.action),
    dry_run: rule.dryRun,
    minimum_age: rule.minimumAge,
    strict: rule.strict,
    licenses: rule.licenses,
    licenses_other_than: rule.licensesOtherThan,
    vulnerable: rule.vulnerable && wordOf(rule.vulnerable),
    expires_at: rule.expiresAt?.toISOString() ?? null,
    created_by: rule.createdBy,
    created_at: rule.createdAt.toISOString(),
  };
}

const wordOf = <W extends string>(word: W): Lowercase<W> => word.toLowerCase() as Lowercase<W>;
const constantOf = <W extends string>(word: W): Uppercase<W> => word.toUpperCase() as Uppercase<W>;
