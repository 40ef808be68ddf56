// What stands between an endpoint and the versions of one module: the rules in force there, what is known of its licences and
// vulnerabilities, and the age that a version must have before it may be had. Where nothing is in force and nothing is known
// there is no gate, and an answer costs nothing.
import { isFailure } from "../../errors.ts";
import { fixesAmong, isAdvised } from "../advisories/vulnerabilities.ts";
import type { HookPlace } from "../forge/hook-events.ts";
import type { Principal } from "../principal.ts";
import type { Cooldown, Registry, Validator } from "../registry.ts";
import { noteRefusal, noteVerdict } from "./noted-verdicts.ts";
import { refusalOf, warningOf } from "./refusal.ts";
import { kindOfForeign, rulesAbout } from "./rules-in-force.ts";
import { demandValid } from "./validated-versions.ts";
import { type DemandedAge, judge, type RuleLevels, type RuleVerdict, type Verdict } from "./verdict.ts";
import { knownSince } from "./version-ages.ts";
import { versionFacts } from "./version-facts.ts";

/** Who asks for a module, and where. */
export interface GateSubject {
  readonly principal: Principal;
  readonly modulePath: string;
  /** The project here that has it; undefined: it is from elsewhere. */
  readonly projectId?: number | undefined;
  /** The groups around the endpoint, or around the project, from the top down. */
  readonly groupIds: readonly number[];
  /** The age that the address of the endpoint demands, in seconds. */
  readonly cooldownSeconds?: number | undefined;
  /** Has the zip of a version stored, if it can be had: its licences are read out of it. */
  readonly storeZip?: ((version: string) => Promise<void>) | undefined;
}

/** How a version is asked for: by its name, or as what a list, a branch or @latest means, which can mean another one. */
export type AskedBy = "by name" | "by query";

/** What is judged of the versions of one module at one endpoint. All that it is asked about must be known to exist. */
export interface Gate {
  /** Whether versions that are asked for by their name must have an age. */
  readonly isStrict: boolean;
  /** What is said of each of some versions, asked for by query; none is noted. */
  verdicts(versions: readonly string[]): Promise<ReadonlyMap<string, Verdict>>;
  /** What is said of a version that somebody wants. Throws forbidden if it may not be had. Both are noted. */
  pass(version: string, asked: AskedBy): Promise<Passed>;
  /** Lets the files of a version through as `pass` does; nobody gets them before it is known under which licences they are, if a rule goes by these. */
  passFiles(version: string): Promise<Passed>;
}

/** A version that may be had. */
export interface Passed {
  /** To be told beside the answer. */
  readonly warning: string | undefined;
  /** For how long the verdict stays as it is, if no rule changes. */
  readonly freshMs: number;
}

/** The gate in front of a module; undefined: nothing is in force. */
export async function gateOf(registry: Registry, subject: GateSubject): Promise<Gate | undefined> {
  const { modulePath, groupIds, projectId } = subject;
  const kind = projectId !== undefined ? "HOSTED" : kindOfForeign(modulePath);
  const levels = await rulesAbout(registry, modulePath, kind, groupIds);
  const ages = kind === "UPSTREAM" ? agesWithoutRule(registry.policies.cooldown, subject.cooldownSeconds) : [];
  const advised = kind !== "TOOLCHAIN" && (await isAdvised(registry, modulePath));
  const validator = kind === "UPSTREAM" ? registry.policies.validator : undefined;
  if (levels.length === 0 && ages.length === 0 && !advised && !validator) return undefined;
  return createGate(registry, subject, { levels, ages, advised, validator });
}

/** The ages that are demanded by no rule: by the setting, and by the address, which asks as the setting says. */
export function agesWithoutRule(setting: Cooldown | undefined, ofAddress: number | undefined): DemandedAge[] {
  const ages: DemandedAge[] = [];
  if (setting) ages.push({ ...setting, rule: undefined });
  if (ofAddress !== undefined) ages.push({ seconds: ofAddress, strict: setting?.strict ?? false, rule: undefined });
  return ages;
}

interface InForce {
  readonly levels: RuleLevels;
  readonly ages: readonly DemandedAge[];
  /** Whether there are advisories about the module. */
  readonly advised: boolean;
  readonly validator: Validator | undefined;
}

function createGate(registry: Registry, subject: GateSubject, inForce: InForce): Gate {
  const { levels, ages, advised, validator } = inForce;
  const { principal, modulePath, storeZip } = subject;
  const { now } = registry.policies;
  const place = placeOf(subject);
  const judged = async (versions: readonly string[], asked: AskedBy): Promise<Map<string, Verdict>> => {
    const moment = now();
    const factsOf = await versionFacts(registry, modulePath, versions, levels, advised);
    const byRules = versions.map((version) => [version, judge(levels, version, moment, factsOf(version))] as const);
    const demands = new Map(byRules.map(([version, said]) => [version, demandedAges(said, ages, asked)]));
    const aged = versions.filter((version) => demands.get(version)!.length > 0);
    const longest = Math.max(0, ...aged.flatMap((version) => demands.get(version)!.map(({ seconds }) => seconds)));
    const [since, fixes] = await Promise.all([
      knownSince(registry, modulePath, aged, moment - longest * 1000),
      advised ? fixesAmong(registry, modulePath, aged) : new Set<string>(),
    ]);
    return new Map(
      byRules.map(([version, said]) => {
        // Who waits for a fix has a known vulnerability meanwhile.
        const ages = fixes.has(version) ? [] : demands.get(version)!;
        return [version, withAge(said, ages, since.get(version), moment)];
      }),
    );
  };
  const pass = async (version: string, asked: AskedBy, files: boolean): Promise<Passed> => {
    let verdict = (await judged([version], asked)).get(version)!;
    // What is refused by another rule is not fetched, unless an exception for its licences may lift that.
    if (verdict.wantsLicenses && storeZip && (isHidden(verdict) ? verdict.action === "HOLD" : files)) {
      await storeZip(version);
      verdict = (await judged([version], asked)).get(version)!;
    }
    const refusal = refusalOf(`${modulePath}@${version}`, verdict);
    const wanted = { principal, modulePath, version, place };
    noteVerdict(registry, wanted, verdict, refusal?.message);
    if (refusal) throw refusal;
    // As Athens asks it: of versions that are named, not of lists.
    const validMs =
      validator && asked === "by name"
        ? await demandValid(registry, validator, modulePath, version, verdict.facts).catch((error: unknown) => {
            if (isFailure(error, "forbidden")) noteRefusal(registry, wanted, "validation", error.message);
            throw error;
          })
        : Number.POSITIVE_INFINITY;
    return { warning: warningOf(verdict), freshMs: Math.min(verdict.until - now(), validMs) };
  };
  return {
    isStrict: ages.some(({ strict }) => strict) || levels.flat().some(({ strict }) => strict),
    verdicts: (versions) => judged(versions, "by query"),
    pass: (version, asked) => pass(version, asked, false),
    passFiles: (version) => pass(version, "by name", true),
  };
}

/** Whose hooks are told of what is refused: of the project that has the module, else of the endpoint's group, if it is of one. */
function placeOf({ projectId, groupIds }: GateSubject): HookPlace {
  const groupId = groupIds.at(-1);
  return projectId !== undefined ? { projectId } : groupId !== undefined ? { groupId } : "instance";
}

/** The ages that a version must have, asked for so; none where it is refused anyhow, or an exception lifts them. */
export function demandedAges(said: RuleVerdict, ages: readonly DemandedAge[], asked: AskedBy): DemandedAge[] {
  if (isHidden(said)) return [];
  const all = said.exempt ? said.ages : [...ages, ...said.ages];
  return all.filter(({ strict }) => strict || asked === "by query");
}

/** What is said of a version that is known to exist since a moment. */
export function withAge(
  said: RuleVerdict,
  demands: readonly DemandedAge[],
  since: number | undefined,
  now: number,
): Verdict {
  let cooldown: Verdict["cooldown"];
  for (const demand of demands) {
    const endsAt = (since ?? now) + demand.seconds * 1000;
    if (endsAt > now && endsAt > (cooldown?.endsAt ?? 0)) cooldown = { ...demand, endsAt };
  }
  if (cooldown === undefined) return { ...said, cooldown };
  return { ...said, action: "HOLD", rule: cooldown.rule, cooldown, until: Math.min(said.until, cooldown.endsAt) };
}

/** Whether lists leave a version out. */
export function isHidden({ action }: Pick<RuleVerdict, "action">): boolean {
  return action === "DENY" || action === "HOLD";
}

/** For how long all of some verdicts stay as they are, if no rule changes, from a moment on. */
export function freshnessOf(verdicts: Iterable<RuleVerdict>, now: number): number {
  let until = Number.POSITIVE_INFINITY;
  for (const verdict of verdicts) until = Math.min(until, verdict.until);
  return until - now;
}
