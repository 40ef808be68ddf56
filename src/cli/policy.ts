// gokura policy …: which versions may be had, and why not.
import { type Command, InvalidArgumentError } from "commander";
import { readConfig } from "../config.ts";
import type { PolicyAction, PolicyKind, PolicyVulnerable } from "../database/generated/client.ts";
import { notFound } from "../errors.ts";
import { ageInWords, parseAge } from "../registry/policies/age.ts";
import { explainPolicies } from "../registry/policies/explain.ts";
import { impactsOf, writeImpact } from "../registry/policies/impact.ts";
import { createPolicy, deletePolicy, listPolicies } from "../registry/policies/rules.ts";
import type { PolicyRow } from "../registry/rows.ts";
import { allById } from "./all-by-id.ts";
import { JSON_OPTION, wholeNumber, words } from "./options.ts";
import { harmless, type PrintedRow, printOne, printRows } from "./output.ts";
import { showProgress } from "./progress.ts";
import { withRegistry } from "./with-registry.ts";

const ACTIONS = { allow: "ALLOW", deny: "DENY", hold: "HOLD", warn: "WARN" } as const;
const VULNERABLE = { any: "ANY", fixable: "FIXABLE" } as const;
const KINDS = { upstream: "UPSTREAM", hosted: "HOSTED", toolchain: "TOOLCHAIN" } as const;

interface ImpactOptions {
  readonly group?: string;
  readonly last?: boolean;
  readonly json?: boolean;
}

interface AddOptions {
  readonly pattern: string;
  readonly versions?: string;
  readonly kind?: PolicyKind;
  readonly action: PolicyAction;
  readonly group?: string;
  readonly licenses?: string[];
  readonly licensesOtherThan?: string[];
  readonly vulnerable?: PolicyVulnerable;
  readonly reason?: string;
  readonly until?: Date;
  readonly dryRun?: boolean;
  readonly age?: number;
  readonly strict?: boolean;
  readonly json?: boolean;
}

export function addPolicyCommands(program: Command): void {
  const policy = program
    .command("policy")
    .description("which versions may be had: rules that allow, deny, hold or warn");
  policy
    .command("add")
    .description("make a rule; it is in force in every server within a second")
    .requiredOption("--pattern <paths>", "module paths as GOPRIVATE has them; * is every module")
    .requiredOption("--action <action>", "allow, deny, hold or warn", wordOf(ACTIONS))
    .option("--versions <queries>", "only these, such as v1.2.3 or '>=v1.2.0 <v1.5.0'")
    .option("--kind <kind>", "upstream (if not given), hosted or toolchain", wordOf(KINDS))
    .option("--group <path>", "only for the endpoints and projects of a group")
    .option("--age <age>", "of hold: only versions that are younger, such as 7d or 36h", age)
    .option("--strict", "with --age: refuse exact versions too, not only in lists and @latest")
    .option("--licenses <ids>", "only what has one of these licences: SPDX identifiers, UNKNOWN, NONE", words)
    .option("--licenses-other-than <ids>", "only what has a licence that is none of these", words)
    .option(
      "--vulnerable <which>",
      "only with a known vulnerability: any, or fixable by an upgrade",
      wordOf(VULNERABLE),
    )
    .option("--reason <text>", "what clients read")
    .option("--until <moment>", "when the rule ends, such as 2027-01-31 or 2027-01-31T12:00:00Z", moment)
    .option("--dry-run", "refuse nothing, but write down what would be refused")
    .option(...JSON_OPTION)
    .addHelpText(
      "after",
      "\nExample: gokura policy add --pattern example.com/bad --versions v1.3.0 --action deny --reason 'stolen token, see CHAT-12'",
    )
    .action(({ group: groupPath, until: expiresAt, age: minimumAge, json = false, ...rule }: AddOptions) =>
      withRegistry(async (registry, operator) =>
        printOne(rowOf(await createPolicy(registry, operator, { ...rule, groupPath, expiresAt, minimumAge })), json),
      ),
    );
  policy
    .command("list")
    .description("the rules of the instance, or of a group, oldest first")
    .option("--group <path>")
    .option(...JSON_OPTION)
    .addHelpText("after", "\nExample: gokura policy list --group acme")
    .action(({ group, json = false }: { group?: string; json?: boolean }) =>
      withRegistry(async (registry, operator) => {
        const rules = await allById((numbered) => listPolicies(registry, operator, group, numbered));
        printRows(rules.map(rowOf), json, "there are no rules: everything may be had");
      }),
    );
  policy
    .command("remove")
    .argument("<id>", "the number of the rule", wholeNumber)
    .description("remove a rule: what it refused may be had again")
    .option(...JSON_OPTION)
    .addHelpText("after", "\nExample: gokura policy remove 12")
    .action((id: number, { json = false }: { json?: boolean }) =>
      withRegistry(async (registry, operator) => printOne(rowOf(await deletePolicy(registry, operator, id)), json)),
    );
  addImpact(policy);
  policy
    .command("explain")
    .argument("<module@version>")
    .description("what policies say of a version, which rule it is, and what would change it")
    .option("--group <path>", "at the endpoint of a group")
    .option(...JSON_OPTION)
    .addHelpText("after", "\nExample: gokura policy explain example.com/bad@v1.3.0")
    .action((name: string, { group: groupPath, json = false }: { group?: string; json?: boolean }) =>
      withRegistry(async (registry, operator) => {
        const [modulePath = "", version, ...rest] = name.split("@");
        if (version === undefined || rest.length > 0) throw new InvalidArgumentError("name MODULE@VERSION.");
        const { openValidator } = await import("../open-upstream.ts");
        const validator = openValidator(readConfig(), registry);
        const said = await explainPolicies(registry, operator, { modulePath, version, groupPath }).finally(() =>
          validator.close(),
        );
        const { action, rule, kind, told, change, dryRuns, cooldown } = said;
        const row = { module: modulePath, version, kind: kind.toLowerCase(), verdict: action.toLowerCase() };
        const heldUntil = cooldown && new Date(cooldown.endsAt);
        printOne(
          { ...row, rule: rule?.id, heldUntil, told, change, wouldRefuse: dryRuns.map(({ id }) => String(id)) },
          json,
        );
      }),
    );
}

/** What rules hit: found out now, or when the rules last changed. */
function addImpact(policy: Command): void {
  policy
    .command("impact")
    .argument("[id]", "the number of a rule: names the versions that it hits", wholeNumber)
    .description("which stored versions each rule refuses, holds or warns of; a dry run, would")
    .option("--group <path>", "of the rules of a group")
    .option("--last", "what was found out when the rules last changed, instead of now")
    .option(...JSON_OPTION)
    .addHelpText("after", "\nExample: gokura policy impact 12")
    .action((id: number | undefined, { group, last = false, json = false }: ImpactOptions) =>
      withRegistry(async (registry, operator) => {
        if (!last)
          await writeImpact(registry, (done, total) => showProgress(`${done} of ${total} modules`, done === total));
        const rules = (await allById((numbered) => listPolicies(registry, operator, group, numbered))).filter(
          (rule) => id === undefined || rule.id === id,
        );
        if (id !== undefined && rules.length === 0) throw notFound("Policy Not Found");
        const impacts = await impactsOf(registry, operator, rules);
        const names = id === undefined ? undefined : (impacts.get(id)?.names ?? []);
        const rows = rules.map((rule) => {
          const { versions, modules, judgedAt, current } = impacts.get(rule.id) ?? {};
          const { pattern, action, dryRun } = rule;
          const of = { id: rule.id, action: action.toLowerCase(), pattern, versions: rule.versions, dryRun };
          return { ...of, hits: versions, modules, judged: judgedAt, current, ...(json && names ? { names } : {}) };
        });
        printRows(rows, json, "there are no rules: everything may be had");
        if (!json) for (const name of names ?? []) console.log(harmless(name));
      }),
    );
}

function wordOf<const T extends Readonly<Record<string, string>>>(words: T): (word: string) => T[keyof T] {
  return (word) => {
    if (!Object.hasOwn(words, word)) throw new InvalidArgumentError(`use one of ${Object.keys(words).join(", ")}.`);
    return words[word as keyof T];
  };
}

function age(word: string): number {
  try {
    return parseAge(word);
  } catch (error) {
    throw new InvalidArgumentError(`${(error as Error).message}.`);
  }
}

function moment(word: string): Date {
  const at = /^\d{4}-\d{2}-\d{2}(?:T[\d:.]+(?:Z|[+-]\d{2}:\d{2}))?$/.test(word) ? new Date(word) : new Date(Number.NaN);
  if (Number.isNaN(at.getTime()))
    throw new InvalidArgumentError("use a day as 2027-01-31 or a moment as 2027-01-31T12:00:00Z.");
  return at;
}

function rowOf(rule: PolicyRow): PrintedRow {
  const { id, pattern, versions, kind, action, dryRun, reason, group, expiresAt, createdBy, createdAt } = rule;
  const { minimumAge, strict } = rule;
  return {
    ...{ id, action: action.toLowerCase(), pattern, versions, kind: kind.toLowerCase(), group: group?.fullPath },
    ...{ age: minimumAge === null ? null : ageInWords(minimumAge), strict },
    ...{ licenses: rule.licenses, licensesOtherThan: rule.licensesOtherThan },
    vulnerable: rule.vulnerable?.toLowerCase() ?? null,
    ...{ dryRun, reason, until: expiresAt, createdBy, created: createdAt },
  };
}
