// What policies say of one version, for whoever wonders: the verdict, the rule that it is of, and what would change it. It
// is asked of the same rules as the Go endpoint's, by the same function, and of the same validation hook.
import type { PolicyKind } from "../../database/generated/client.ts";
import { invalid, isFailure } from "../../errors.ts";
import { isValid } from "../../gomod/version.ts";
import { demandUpstream, hidden, maySeeProject } from "../access/access.ts";
import { fixesAmong, isAdvised } from "../advisories/vulnerabilities.ts";
import { demandGroup } from "../forge/groups.ts";
import { isOwned, ownerOf } from "../forge/module-owner.ts";
import type { Principal } from "../principal.ts";
import type { Registry } from "../registry.ts";
import { agesWithoutRule, demandedAges, isHidden, withAge } from "./gate.ts";
import { refusalOf, warningOf, whomToAsk } from "./refusal.ts";
import { kindOfForeign, rulesAbout } from "./rules-in-force.ts";
import { demandValid } from "./validated-versions.ts";
import { judge, type Verdict } from "./verdict.ts";
import { lastKnownSince } from "./version-ages.ts";
import { versionFacts } from "./version-facts.ts";

/** What policies say of a version. One that the validation hook keeps back is DENY without a rule. */
export interface Explanation extends Verdict {
  readonly modulePath: string;
  readonly version: string;
  readonly kind: PolicyKind;
  /** What clients are told: the refusal, or the reason of a warning; undefined if nothing is in the way. */
  readonly told: string | undefined;
  /** One sentence: what would change the verdict. */
  readonly change: string;
}

/** A version, and where it would be asked for. */
export interface ExplainedVersion {
  readonly modulePath: string;
  readonly version: string;
  /** Full path of the group whose endpoint would be asked; the instance's if not given. Of a hosted module it is its own. */
  readonly groupPath?: string | undefined;
}

/** Explains what policies say of a version, stored or not, to whoever could fetch it. Throws not-found to others. */
export async function explainPolicies(
  registry: Registry,
  principal: Principal,
  { modulePath, version, groupPath }: ExplainedVersion,
): Promise<Explanation> {
  if (!isValid(version)) throw invalid("must be a version such as v1.2.3", "version");
  const { kind, groupIds } = await placeOf(registry, principal, modulePath, groupPath);
  const levels = await rulesAbout(registry, modulePath, kind, groupIds);
  const { now, cooldown } = registry.policies;
  const advised = kind !== "TOOLCHAIN" && (await isAdvised(registry, modulePath));
  const factsOf = await versionFacts(registry, modulePath, [version], levels, advised);
  const said = judge(levels, version, now(), factsOf(version));
  // As lists have it: whoever asks why wonders about what is missing there.
  const demands = kind === "UPSTREAM" ? demandedAges(said, agesWithoutRule(cooldown, undefined), "by query") : [];
  const since = demands.length === 0 ? undefined : await lastKnownSince(registry, modulePath, version);
  const isFix = demands.length > 0 && (await fixesAmong(registry, modulePath, [version])).has(version);
  const verdict = withAge(said, isFix ? [] : demands, since, now());
  const name = `${modulePath}@${version}`;
  const explanation = { ...verdict, modulePath, version, kind };
  if (kind === "UPSTREAM" && !isHidden(verdict)) {
    const told = await refusalOfHook(registry, modulePath, version, verdict);
    if (told !== undefined)
      return {
        ...{ ...explanation, action: "DENY", rule: undefined, told },
        change: `another answer of the validation hook, which is asked again when a rule changes: ${whomToAsk(undefined)}`,
      };
  }
  const told = refusalOf(name, verdict)?.message ?? warningOf(verdict);
  return { ...explanation, told, change: changeOf(name, verdict) };
}

/** Why the validation hook, or that it gives no answer, keeps a version back that no rule refuses; undefined: it does not. */
async function refusalOfHook(
  registry: Registry,
  modulePath: string,
  version: string,
  { facts }: Verdict,
): Promise<string | undefined> {
  const { validator } = registry.policies;
  if (validator === undefined) return undefined;
  try {
    await demandValid(registry, validator, modulePath, version, facts);
    return undefined;
  } catch (error) {
    if (isFailure(error, "forbidden", "unavailable")) return error.message;
    throw error;
  }
}

async function placeOf(
  registry: Registry,
  principal: Principal,
  modulePath: string,
  groupPath: string | undefined,
): Promise<{ kind: PolicyKind; groupIds: readonly number[] }> {
  const owner = await ownerOf(registry, modulePath);
  if (owner && maySeeProject(principal, owner)) return { kind: "HOSTED", groupIds: owner.group.traversalIds };
  if (await isOwned(registry, modulePath)) throw hidden(principal, "Module");
  demandUpstream(principal, registry);
  const group = groupPath === undefined ? undefined : await demandGroup(registry, principal, groupPath);
  return { kind: kindOfForeign(modulePath), groupIds: group?.traversalIds ?? [] };
}

function changeOf(name: string, { action, rule, cooldown }: Verdict): string {
  const exception = `an exception: gokura policy add --pattern ${name.replace("@", " --versions ")} --action allow`;
  if (cooldown && !cooldown.rule) return `time, or ${exception}: ${whomToAsk(undefined)}`;
  if (rule === undefined) return "nothing is in force for it: a rule that denies or holds it would";
  const ends = rule.expiresAt ? `the end of rule ${rule.id} (${rule.expiresAt.toISOString()}), or ` : "";
  const removal = `${ends}removing rule ${rule.id}: ${whomToAsk(rule)}`;
  const place = rule.group ? ` --group ${rule.group.fullPath}` : "";
  if (action === "HOLD") return `${cooldown ? "time, or " : ""}${removal}; or ${exception}${place}`;
  if (action === "DENY") return `${removal}; no exception lifts a rule that denies`;
  return removal;
}
