// What rules say of a version, all together: a pure function of the rules in force, so that a verdict costs no question. The
// rules stand in levels: those of the instance, then those of each group from the top down. Within all of them the first
// DENY wins. An ALLOW lifts the holds of its own level and of those below it, never of one above: a group may be stricter
// than the instance, not laxer. Every verdict names the rule it is of, and says when it may change by itself.
import type { PolicyKind } from "../../database/generated/client.ts";
import { matchPrefixPatterns } from "../../gomod/module-path.ts";
import { isValid } from "../../gomod/version.ts";
import { matchesQuery } from "../../gomod/version-query.ts";
import type { KnownVulnerability } from "../advisories/vulnerabilities.ts";
import type { Cooldown } from "../registry.ts";
import type { PolicyRow } from "../rows.ts";

/** The module whose versions are the releases of Go itself. */
export const TOOLCHAIN_PATH = "golang.org/toolchain";

/** The rules about one module at one endpoint: of the instance, then of each group from the top down; none of them empty. */
export type RuleLevels = readonly (readonly PolicyRow[])[];

/** What becomes of a version. */
export type VerdictAction = "ALLOW" | "WARN" | "HOLD" | "DENY";

/** What is known of a version beside its name. */
export interface VersionFacts {
  /** SPDX identifiers, UNKNOWN and NONE among them; undefined: its zip is not stored, and nobody can say. */
  readonly licenses?: readonly string[] | undefined;
  /** Its known vulnerabilities that somebody has reviewed. */
  readonly vulnerabilities: readonly KnownVulnerability[];
}

/** That nothing is known. */
export const NO_FACTS: VersionFacts = { vulnerabilities: [] };

/** What the rules say of a version. */
export interface RuleVerdict {
  /** HOLD and DENY are refused, and lists leave them out. */
  readonly action: VerdictAction;
  /** The rule that decided; undefined: none had anything to say. */
  readonly rule: PolicyRow | undefined;
  /** Rules that would refuse it if they were no dry run. */
  readonly dryRuns: readonly PolicyRow[];
  /** Ages that it must have. */
  readonly ages: readonly DemandedAge[];
  /** Whether an ALLOW of the instance lifts whatever age is demanded by no rule. */
  readonly exempt: boolean;
  /** What is known of the version. */
  readonly facts: VersionFacts;
  /** Whether a rule goes by licences that are not known yet: it was passed over. */
  readonly wantsLicenses: boolean;
  /** When a rule that is about the version ends, in milliseconds since 1970; Infinity for never. */
  readonly until: number;
}

/** An age that a version must have. */
export interface DemandedAge extends Cooldown {
  /** The rule that demands it; undefined: the setting, or the address of the endpoint. */
  readonly rule: PolicyRow | undefined;
}

/** What is said of a version, its age included. */
export interface Verdict extends RuleVerdict {
  /** That it is too young: until when, in milliseconds since 1970. The action is then HOLD. */
  readonly cooldown: (DemandedAge & { readonly endsAt: number }) | undefined;
}

/** The rules that are about a module, by their levels. `groupIds`: the groups around the endpoint, or the project. */
export function levelsFor(
  rules: readonly PolicyRow[],
  modulePath: string,
  kind: PolicyKind,
  groupIds: readonly number[],
): RuleLevels {
  if (rules.length === 0) return [];
  const about = rules.filter((rule) => rule.kind === kind && matchPrefixPatterns(rule.pattern, modulePath));
  return [null, ...groupIds]
    .map((id) => about.filter(({ groupId }) => groupId === id))
    .filter((level) => level.length > 0);
}

/** For how long a verdict counts that licences may change as soon as somebody has fetched the zip, in milliseconds. */
const UNLICENSED_MS = 5_000;

/** What rules say of a version at a moment, in milliseconds since 1970. */
export function judge(levels: RuleLevels, version: string, now: number, facts: VersionFacts = NO_FACTS): RuleVerdict {
  let until = Number.POSITIVE_INFINITY;
  let wantsLicenses = false;
  const dryRuns: PolicyRow[] = [];
  const speaking = levels.map((level) =>
    level.filter((rule) => {
      const end = rule.expiresAt?.getTime() ?? Number.POSITIVE_INFINITY;
      if (end <= now || !isAbout(rule, version) || !isAboutVulnerable(rule, facts)) return false;
      const isLicensed = isAboutLicenses(rule, facts);
      wantsLicenses ||= isLicensed === undefined;
      if (isLicensed === false) return false;
      until = Math.min(until, isLicensed ? end : now + UNLICENSED_MS);
      if (isLicensed === undefined) return false;
      if (rule.dryRun && rule.minimumAge === null) dryRuns.push(rule);
      return !rule.dryRun;
    }),
  );
  const first = (action: VerdictAction, among: readonly (readonly PolicyRow[])[] = speaking): PolicyRow | undefined =>
    among.flat().find((rule) => rule.action === action && rule.minimumAge === null);
  const exempted = speaking.findIndex((level) => first("ALLOW", [level]));
  const bound = exempted < 0 ? speaking : speaking.slice(0, exempted);
  const ages = bound
    .flat()
    .flatMap((rule) => (rule.minimumAge === null ? [] : [{ seconds: rule.minimumAge, strict: rule.strict, rule }]));
  const exempt = exempted === 0 && speaking[0]!.every(({ groupId }) => groupId === null);
  const verdict = (action: VerdictAction, rule: PolicyRow | undefined): RuleVerdict => ({
    ...{ action, rule, until, ages, exempt, facts, wantsLicenses },
    dryRuns: action === "DENY" ? [] : dryRuns,
  });

  const denying = first("DENY");
  if (denying) return verdict("DENY", denying);
  const holding = first("HOLD", bound);
  if (holding) return verdict("HOLD", holding);
  const warning = first("WARN");
  if (warning) return verdict("WARN", warning);
  return verdict("ALLOW", first("ALLOW"));
}

/** Whether a rule is about a version. What is no version, such as a branch, is only one of a rule about all of them. */
function isAbout({ versions }: PolicyRow, version: string): boolean {
  if (versions === null) return true;
  return isValid(version) && versions.split(" ").every((query) => matchesQuery(version, query));
}

function isAboutVulnerable({ vulnerable }: PolicyRow, { vulnerabilities }: VersionFacts): boolean {
  return vulnerable === null || vulnerabilities.some(({ fixedIn }) => vulnerable === "ANY" || fixedIn !== undefined);
}

/** Whether a rule is about a version under its licences; undefined: they would have to be known. */
function isAboutLicenses({ licenses, licensesOtherThan }: PolicyRow, facts: VersionFacts): boolean | undefined {
  if (!goesByLicenses({ licenses, licensesOtherThan })) return true;
  return facts.licenses?.some((one) =>
    licenses.length > 0 ? licenses.includes(one) : !licensesOtherThan.includes(one),
  );
}

/** Whether it is only about versions of certain licences. */
export function goesByLicenses({
  licenses,
  licensesOtherThan,
}: Pick<PolicyRow, "licenses" | "licensesOtherThan">): boolean {
  return licenses.length > 0 || licensesOtherThan.length > 0;
}
