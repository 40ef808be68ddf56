// What is said of a version that may not be had: 403, one sentence with the rule, its reason and whom to ask. Never 404 or
// 410, which send the go command on to the next proxy, or to the origin, for the very version that is refused here
// (cmd/go/internal/modfetch/proxy.go, TryProxies).
import { Failure } from "../../errors.ts";
import type { KnownVulnerability } from "../advisories/vulnerabilities.ts";
import { NO_LICENSE, UNKNOWN_LICENSE } from "../modules/version-licenses.ts";
import type { PolicyRow } from "../rows.ts";
import { ageInWords } from "./age.ts";
import { goesByLicenses, type Verdict, type VersionFacts } from "./verdict.ts";

/** Vulnerabilities that are told by their names. */
const MAX_TOLD = 5;

/** The refusal of a version; undefined if it may be had. */
export function refusalOf(name: string, verdict: Verdict): Failure | undefined {
  const { action, rule, cooldown } = verdict;
  if (cooldown) {
    const by = cooldown.rule ? ` by rule ${cooldown.rule.id}` : "";
    const why = cooldown.rule?.reason
      ? `: ${cooldown.rule.reason}`
      : `: it is younger than ${ageInWords(cooldown.seconds)}`;
    return new Failure(
      "forbidden",
      `${name} is held until ${secondsOf(new Date(cooldown.endsAt))}${by}${why}; take an older version, or ${whomToAsk(cooldown.rule)} for an exception`,
      { reason: "policy_held" },
    );
  }
  if (rule === undefined || (action !== "DENY" && action !== "HOLD")) return undefined;
  const end = rule.expiresAt === null ? "" : ` until ${secondsOf(rule.expiresAt)}`;
  const did = action === "DENY" ? "denied" : "held";
  const why = rule.reason === "" ? "" : `: ${rule.reason}`;
  const by = `by rule ${rule.id}${groundsOf(rule, verdict.facts)}`;
  return new Failure("forbidden", `${name} is ${did}${end} ${by}${why}; ${whomToAsk(rule)}`, {
    reason: action === "DENY" ? "policy_denied" : "policy_held",
  });
}

/** Who can change what a rule says. */
export function whomToAsk(rule: Pick<PolicyRow, "group"> | undefined): string {
  return `ask ${rule?.group ? `an Owner of the group ${rule.group.fullPath}` : "an administrator of this registry"}`;
}

/** What the version has that a rule goes by, in brackets: its licences, or its vulnerabilities. */
function groundsOf(rule: PolicyRow, { licenses = [], vulnerabilities }: VersionFacts): string {
  const grounds: string[] = [];
  if (goesByLicenses(rule)) grounds.push(licenses.map((one) => LICENSES_IN_WORDS[one] ?? one).join(", "));
  if (rule.vulnerable !== null) grounds.push(vulnerabilitiesInWords(vulnerabilities));
  return grounds.length === 0 ? "" : ` (${grounds.join("; ")})`;
}

const LICENSES_IN_WORDS: Readonly<Record<string, string>> = {
  [UNKNOWN_LICENSE]: "a licence that is not recognised",
  [NO_LICENSE]: "no licence file",
};

function vulnerabilitiesInWords(vulnerabilities: readonly KnownVulnerability[]): string {
  const told = vulnerabilities
    .slice(0, MAX_TOLD)
    .map(({ id, fixedIn }) => (fixedIn === undefined ? id : `${id}, fixed in ${fixedIn}`));
  return [...told, ...(vulnerabilities.length > MAX_TOLD ? [`${vulnerabilities.length - MAX_TOLD} more`] : [])].join(
    "; ",
  );
}

/**
 * The header that tells of a warning beside the answer; undefined if there is nothing to tell. Of a version with known
 * vulnerabilities there is one although no rule says so, unless a rule allows the version.
 */
export function warningOf({ action, rule, facts: { vulnerabilities } }: Verdict): string | undefined {
  const known =
    vulnerabilities.length === 0 ? "" : `; vulnerabilities=${quoted(vulnerabilitiesInWords(vulnerabilities))}`;
  if (action === "WARN" && rule !== undefined) return `warn; rule=${rule.id}; reason=${quoted(rule.reason)}${known}`;
  return action === "ALLOW" && rule === undefined && known !== "" ? `warn${known}` : undefined;
}

function quoted(text: string): string {
  return JSON.stringify(text.replace(/[^\x20-\x7e]/g, "?"));
}

/** A moment as people read it: RFC 3339, to the second. */
function secondsOf(moment: Date): string {
  return `${moment.toISOString().slice(0, 19)}Z`;
}
