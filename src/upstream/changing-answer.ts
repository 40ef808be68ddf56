// Answers that change, kept as an index of our own: fresh for a while; then the last known one is given at once while a new one
// is fetched (stale-while-revalidate, RFC 5861); only one that has grown old is waited for, and only shortly. When upstream
// has nothing to say, the last known answer stays, or what follows from the versions that are stored.
import { setTimeout as delay } from "node:timers/promises";
import { isFailure } from "../errors.ts";
import type { ModulePath } from "../gomod/module-path.ts";
import { goPathOf } from "../gomod/proxy-path.ts";
import { findUpstreamAnswer, type KnownAnswer, storeUpstreamAnswer } from "../registry/versions/upstream-modules.ts";
import { type Absent, changing, type FoundAnswer, notCached } from "./answers.ts";
import type { DependencyState } from "./dependency-state.ts";
import { getOnce } from "./download-lock.ts";

/** How long an answer is fresh, if not said otherwise. */
export const LIST_TTL_MS = 60_000;
/** An answer older than this is worth a wait… */
const OLD_MS = 10 * 60_000;
/** …of this length. */
const STALE_WAIT_MS = 500;
/** How long a first answer is waited for when versions are stored that one can be made of. */
const STORED_WAIT_MS = 2_000;
/** How long a stale answer may be given again without a look. */
const STALE_FRESH_MS = 1_000;

/** A kind of answer that changes. */
export interface ChangingKind {
  readonly kind: "list" | "latest";
  /** Asks upstream for it; the bytes are judged. */
  get(state: DependencyState, modulePath: ModulePath): Promise<Buffer | Absent>;
  /** What follows from what is stored, where upstream is away or has lost the module. */
  fromStored(state: DependencyState, modulePath: ModulePath): Promise<FoundAnswer | undefined>;
  /** Whether an absence means that upstream has lost the module. */
  isLost(state: DependencyState, modulePath: ModulePath): boolean;
}

/** The answer to one of the questions whose answer changes. `storedOnly`: what can be had without upstream. */
export async function changingAnswer(
  state: DependencyState,
  what: ChangingKind,
  modulePath: ModulePath,
  storedOnly: boolean,
): Promise<FoundAnswer | Absent> {
  const { kind } = what;
  const name = goPathOf({ kind, modulePath });
  if (storedOnly || !state.upstreams) return (await what.fromStored(state, modulePath)) ?? notCached(name);
  const lookedAt = performance.now();
  const known = await findUpstreamAnswer(state.registry, modulePath, kind);
  const age = known ? Math.max(0, Date.now() - known.fetchedAt.getTime()) : Number.POSITIVE_INFINITY;
  if (known && age < state.listTtlMs) return changing(known.body, state.listTtlMs - age);
  if (known && state.resting.has(name)) return changing(known.body, STALE_FRESH_MS);
  const refreshed = refresh(state, what, modulePath, new Date(Date.now() - state.listTtlMs), lookedAt).then(
    (answer): FoundAnswer | Absent => ({ ...answer, asked: true }),
  );
  refreshed.catch(() => {}); // where nobody waits for it
  if (known) {
    // Whoever has nothing kept fresh wants to see what is new.
    const isWaitedFor = age > OLD_MS || state.listTtlMs === 0;
    const waited = isWaitedFor ? delay(STALE_WAIT_MS, undefined) : undefined;
    const answer = await Promise.race([refreshed.catch(() => undefined), waited]);
    return answer?.kind === "found" ? answer : changing(known.body, STALE_FRESH_MS);
  }
  // Upstream may have lost the module, be down, or hang: what follows from the stored versions is better than that.
  const late = delay(STORED_WAIT_MS, undefined, { ref: false });
  const answer = await Promise.race([refreshed, late]).catch((error: unknown) => {
    if (isFailure(error, "unavailable")) return undefined;
    throw error;
  });
  if (answer?.kind === "found") return answer;
  if (answer?.kind === "absent" && !what.isLost(state, modulePath)) return answer;
  return (await what.fromStored(state, modulePath)) ?? refreshed;
}

/** Fetches an answer, unless another server has one that is newer than `than`. `lookedAt`: as of Getting. */
export function refresh(
  state: DependencyState,
  what: ChangingKind,
  modulePath: ModulePath,
  than: Date,
  lookedAt: number = performance.now(),
): Promise<FoundAnswer | Absent> {
  const { registry } = state;
  const { kind } = what;
  const path = goPathOf({ kind, modulePath });
  const look = async (): Promise<FoundAnswer | undefined> => {
    const known = await findUpstreamAnswer(registry, modulePath, kind);
    return known && known.fetchedAt > than ? changing(known.body, STALE_FRESH_MS) : undefined;
  };
  const get = async (): Promise<FoundAnswer | Absent> => {
    const fetchedAt = new Date();
    const body = await what.get(state, modulePath);
    if (!Buffer.isBuffer(body)) return body;
    const known: KnownAnswer = { body, fetchedAt };
    await storeUpstreamAnswer(registry, modulePath, kind, known);
    return changing(body, state.listTtlMs);
  };
  return state.fetching.run(path, async () => {
    try {
      const answer = await getOnce<FoundAnswer | Absent>(state, path, { look, get, lookedAt });
      if (answer.kind === "absent") state.resting.set(path, true);
      else state.resting.delete(path);
      return answer;
    } catch (error) {
      state.resting.set(path, true);
      throw error;
    }
  });
}
