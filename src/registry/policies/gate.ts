// What stands between an endpoint and the versions of one module: the rules in force there, and what else is asked of a
// version before it may be had. Where nothing is in force there is no gate, and an answer costs nothing.
import { nameOf, type Principal } from "../principal.ts";
import type { Registry } from "../registry.ts";
import { noteVerdict } from "./noted-verdicts.ts";
import { refusalOf, warningOf } from "./refusal.ts";
import { kindOfForeign, rulesAbout } from "./rules-in-force.ts";
import { judge, type RuleLevels, type RuleVerdict } from "./verdict.ts";

/** Who asks for a module, and where. */
export interface GateSubject {
  readonly principal: Principal;
  readonly modulePath: string;
  /** Whether a project here has it. */
  readonly hosted: boolean;
  /** The groups around the endpoint, or around the project, from the top down. */
  readonly groupIds: readonly number[];
}

/** What is judged of the versions of one module at one endpoint. */
export interface Gate {
  /** What is said of each of some versions; none is noted. */
  verdicts(versions: readonly string[]): Promise<ReadonlyMap<string, RuleVerdict>>;
  /** What is said of a version that somebody wants. Throws forbidden if it may not be had. Both are noted. */
  pass(version: string): Promise<Passed>;
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
  const { modulePath, groupIds, hosted } = subject;
  const kind = hosted ? "HOSTED" : kindOfForeign(modulePath);
  const levels = await rulesAbout(registry, modulePath, kind, groupIds);
  return levels.length === 0 ? undefined : createGate(registry, subject, levels);
}

function createGate(registry: Registry, { principal, modulePath }: GateSubject, levels: RuleLevels): Gate {
  const { now } = registry.policies;
  return {
    async verdicts(versions) {
      const moment = now();
      return new Map(versions.map((version) => [version, judge(levels, version, moment)]));
    },
    async pass(version) {
      const moment = now();
      const name = `${modulePath}@${version}`;
      const verdict = judge(levels, version, moment);
      noteVerdict(registry, principal, name, verdict);
      const refusal = refusalOf(name, verdict);
      if (refusal) {
        registry.log.info({ name, rule: verdict.rule?.id, principal: nameOf(principal) }, "a policy refused a version");
        throw refusal;
      }
      return { warning: warningOf(verdict), freshMs: verdict.until - moment };
    },
  };
}

/** Whether lists leave a version out. */
export function isHidden({ action }: RuleVerdict): boolean {
  return action === "DENY" || action === "HOLD";
}

/** For how long all of some verdicts stay as they are, if no rule changes, from a moment on. */
export function freshnessOf(verdicts: Iterable<RuleVerdict>, now: number): number {
  let until = Number.POSITIVE_INFINITY;
  for (const verdict of verdicts) until = Math.min(until, verdict.until);
  return until - now;
}
