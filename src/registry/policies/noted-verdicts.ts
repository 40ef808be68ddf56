// What policies did, for administrators: who was refused which version by which rule, who was warned, and what a dry run
// would have refused. Each is an audit event, once an hour for the same, and no more than so many a minute, for it is clients
// who decide how often they ask. Of a refusal hooks are told too, once an hour whoever is refused.
import { ExpiringMemory } from "../../concurrency/expiring-memory.ts";
import { createSingleFlight } from "../../concurrency/single-flight.ts";
import { inTransaction } from "../../database/sql.ts";
import { auditInSql } from "../audit.ts";
import { announce, type HookPlace } from "../forge/hook-events.ts";
import { nameOfPrincipal, type Principal } from "../principal.ts";
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
  const noted = new ExpiringMemory<string, true>({ max: NOTED_MAX, ttl: NOTED_MS });
  const writing = { minute: 0, written: 0 };
  return {
    ...{ now, noted, writing, cooldown, logKey, asking: createSingleFlight<string, number | undefined>() },
    ...{ askRecord: undefined, validator: undefined, trees: undefined },
  };
}

/** The version that a verdict is about, who wanted it, and where. */
export interface JudgedVersion {
  readonly principal: Principal;
  readonly modulePath: string;
  readonly version: string;
  /** Whose hooks are told of a refusal. */
  readonly place: HookPlace;
}

/**
 * Writes down what a verdict did to somebody, and tells hooks of a refusal, which is given in words. It keeps no answer waiting,
 * and no trouble with it any answer from being given.
 */
export function noteVerdict(
  registry: Registry,
  wanted: JudgedVersion,
  verdict: Verdict,
  refusal: string | undefined,
): void {
  const { action, rule, dryRuns, cooldown } = verdict;
  if (refusal !== undefined)
    noteRefusal(registry, wanted, (cooldown ? cooldown.rule : rule)?.id ?? "cooldown", refusal);
  if (rule && action === "WARN") note(registry, wanted, "policy.warned", rule.id);
  for (const { id } of dryRuns) note(registry, wanted, "policy.would_refuse", id);
}

/** Writes down that somebody was refused a version, by a rule or whatever else said so, and tells hooks of it; as noteVerdict does. */
export function noteRefusal(registry: Registry, wanted: JudgedVersion, by: Decider, reason: string): void {
  note(registry, wanted, "policy.refused", by, reason);
}

/** What refuses: a rule by its number, an age that is demanded by none, the validation hook. */
type Decider = number | "cooldown" | "validation";

function note(registry: Registry, wanted: JudgedVersion, event: string, by: Decider, reason?: string): void {
  const { principal, modulePath, version, place } = wanted;
  const { noted, writing } = registry.policies;
  const name = `${modulePath}@${version}`;
  const key = `${event} ${by} ${name} ${nameOfPrincipal(principal)}`;
  const toHooks = `to hooks: ${by} ${name} ${JSON.stringify(place)}`;
  const isNew = !noted.has(key);
  const isNews = reason !== undefined && !noted.has(toHooks);
  if (!isNew && !isNews) return;
  const minute = Math.floor(performance.now() / 60_000);
  if (writing.minute !== minute) Object.assign(writing, { minute, written: 0 });
  if (++writing.written > WRITTEN_A_MINUTE) return;
  noted.set(key, true);
  if (isNews) noted.set(toHooks, true);
  inTransaction(registry.database.pool, async (tx) => {
    if (isNew) await auditInSql(tx, principal, event, name, { rule: by });
    const told = { path: modulePath, version, rule: by, reason };
    if (isNews) await announce(tx, place, "module.refused", [told], nameOfPrincipal(principal));
  }).catch((error: unknown) =>
    registry.log.warn({ err: error, name, rule: by }, "what a policy did could not be written down"),
  );
}
