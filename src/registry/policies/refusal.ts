// What is said of a version that may not be had: 403, one sentence with the rule, its reason and whom to ask. Never 404 or
// 410, which send the go command on to the next proxy, or to the origin, for the very version that is refused here
// (cmd/go/internal/modfetch/proxy.go, TryProxies).
import { Failure } from "../../errors.ts";
import type { PolicyRow } from "../rows.ts";
import { ageInWords } from "./age.ts";
import type { Verdict } from "./verdict.ts";

/** The refusal of a version; undefined if it may be had. */
export function refusalOf(name: string, { action, rule, cooldown }: Verdict): Failure | undefined {
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
  return new Failure("forbidden", `${name} is ${did}${end} by rule ${rule.id}${why}; ${whomToAsk(rule)}`, {
    reason: action === "DENY" ? "policy_denied" : "policy_held",
  });
}

/** Who can change what a rule says. */
export function whomToAsk(rule: Pick<PolicyRow, "group"> | undefined): string {
  return `ask ${rule?.group ? `an Owner of the group ${rule.group.fullPath}` : "an administrator of this registry"}`;
}

/** The header that tells of a warning beside the answer; undefined if there is nothing to tell. */
export function warningOf({ action, rule }: Verdict): string | undefined {
  if (action !== "WARN" || rule === undefined) return undefined;
  return `warn; rule=${rule.id}; reason=${JSON.stringify(rule.reason.replace(/[^\x20-\x7e]/g, "?"))}`;
}

/** A moment as people read it: RFC 3339, to the second. */
function secondsOf(moment: Date): string {
  return `${moment.toISOString().slice(0, 19)}Z`;
}
