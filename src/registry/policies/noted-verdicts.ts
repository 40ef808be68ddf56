// What policies did, for administrators: who was refused which version by which rule, who was warned, and what a dry run
// would have refused. Each is an audit event, once an hour for the same, and no more than so many a minute, for it is clients
// who decide how often they ask.
import { LRUCache } from "lru-cache";
import { audit } from "../audit.ts";
import { nameOf, type Principal } from "../principal.ts";
import type { Cooldown, PolicyState, Registry } from "../registry.ts";
import type { Verdict } from "./verdict.ts";

const NOTED_MAX = 10_000;
const NOTED_MS = 3_600_000;
/** More than these a minute are not written down. */
const WRITTEN_A_MINUTE = 120;

/** What the policies of a registry are opened with. */
export interface PolicySettings {
  readonly now?: (() => number) | undefined;
  readonly cooldown?: Cooldown | undefined;
  readonly logKey?: string | undefined;
}

/** The state of a registry's policies when it is opened. */
export function createPolicyState({ now = Date.now, cooldown, logKey }: PolicySettings): PolicyState {
  const noted = new LRUCache<string, true>({ max: NOTED_MAX, ttl: NOTED_MS });
  const writing = { minute: 0, written: 0 };
  return { now, noted, writing, cooldown, logKey, askRecord: undefined, trees: undefined };
}

/** Writes down what a verdict did to somebody. It keeps no answer waiting, and no trouble with it any answer from being given. */
export function noteVerdict(registry: Registry, principal: Principal, name: string, verdict: Verdict): void {
  const { action, rule, dryRuns, cooldown } = verdict;
  const note = (event: string, ruleId: number | "cooldown"): void => {
    const { noted, writing } = registry.policies;
    const key = `${event} ${ruleId} ${name} ${nameOf(principal)}`;
    if (noted.has(key)) return;
    const minute = Math.floor(performance.now() / 60_000);
    if (writing.minute !== minute) Object.assign(writing, { minute, written: 0 });
    if (++writing.written > WRITTEN_A_MINUTE) return;
    noted.set(key, true);
    audit(registry.prisma, principal, event, name, { rule: ruleId }).catch((error: unknown) =>
      registry.log.warn({ err: error, name, rule: ruleId }, "what a policy did could not be written down"),
    );
  };
  if (cooldown) note("policy.refused", cooldown.rule?.id ?? "cooldown");
  else if (rule && (action === "DENY" || action === "HOLD")) note("policy.refused", rule.id);
  if (rule && action === "WARN") note("policy.warned", rule.id);
  for (const { id } of dryRuns) note("policy.would_refuse", id);
}
