// A bound on how many of something run at once: a counting semaphore. It cannot deadlock as long as nobody who holds a slot
// waits for a second one of the same kind. Those who wait are served fairly among callers: next is whose caller has the fewest
// slots, of these whose caller was served longest ago, of these who came first. So however many somebody sends at once,
// another waits for one of them to be done, not for all. A caller may also be held to a share of the slots.
import { LRUCache } from "lru-cache";
import { Failure } from "../errors.ts";
import { callerNow } from "./caller.ts";

/** How long a taker waits in line before it is told to come back later, in milliseconds. */
const SLOT_WAIT_MS = 60_000;

/** What those without a caller are called among the others. */
const NOBODY = "";
/** Somebody who came so long ago, in milliseconds, is not about any more. */
const ABOUT_MS = 2_000;
/** Callers of whom it is known when they were served. */
const MAX_REMEMBERED = 1_000;

export interface Slots {
  /**
   * Waits for a slot and returns the function that gives it back (calling it twice is harmless).
   * Rejects with the signal's reason when it aborts first, and with Failure("unavailable") after a minute in line. The caller
   * is that of the request (caller.ts) if none is given; takers without one are held to no share.
   */
  take(signal?: AbortSignal, caller?: string): Promise<() => void>;
  /** How many of a caller, that of the request if none is given, wait in line now. */
  waiting(caller?: string): number;
}

export interface SlotRules {
  /** How long a taker waits in line, in milliseconds; Infinity: until it has a slot. */
  readonly waitMs?: number;
  /** How many slots one caller may have. */
  readonly perCaller?: number;
  /** How many of these one caller may have while another one is about: alone it may have `perCaller`. */
  readonly perCallerAmongOthers?: number;
  /** The clock by which somebody is about, in milliseconds. */
  readonly now?: () => number;
  /** What there are too many of, for the message to whoever waited in vain. */
  readonly what?: string;
}

/** A semaphore of `limit` slots. */
export function createSlots(limit: number, rules: SlotRules = {}): Slots {
  const { waitMs = SLOT_WAIT_MS, perCaller = limit, perCallerAmongOthers = perCaller, what = "requests" } = rules;
  let free = limit;
  const taken = new Map<string | undefined, number>();
  /** When callers were last given a slot: higher is later. */
  const served = new LRUCache<string, number>({ max: MAX_REMEMBERED });
  let turn = 0;
  const waiting = new Map<() => void, string | undefined>();
  /** Who came within the last seconds. */
  const about = new LRUCache<string, true>({
    max: MAX_REMEMBERED,
    ttl: ABOUT_MS,
    ttlResolution: 0,
    perf: { now: rules.now ?? (() => performance.now()) },
  });
  const isAmongOthers = (caller: string): boolean => {
    about.purgeStale();
    return about.size > (about.has(caller) ? 1 : 0);
  };
  const mayHave = (caller: string | undefined): boolean => {
    if (caller === undefined) return true;
    const has = taken.get(caller) ?? 0;
    return has < perCallerAmongOthers || (has < perCaller && !isAmongOthers(caller));
  };
  const count = (caller: string | undefined, change: 1 | -1): void => {
    const now = (taken.get(caller) ?? 0) + change;
    if (now > 0) taken.set(caller, now);
    else taken.delete(caller);
  };

  const give = (caller: string | undefined): (() => void) => {
    free--;
    count(caller, 1);
    served.set(caller ?? NOBODY, ++turn);
    let given = false;
    return () => {
      if (given) return;
      given = true;
      free++;
      count(caller, -1);
      // More than one where a caller may have more by now, because the others are gone.
      while (free > 0) {
        const enter = next();
        if (!enter) break;
        enter();
      }
    };
  };

  /** Who of those that wait is to have a slot. */
  const next = (): (() => void) | undefined => {
    let best: { enter: () => void; has: number; last: number } | undefined;
    for (const [enter, caller] of waiting) {
      if (!mayHave(caller)) continue;
      const [has, last] = [taken.get(caller) ?? 0, served.peek(caller ?? NOBODY) ?? 0];
      if (!best || has < best.has || (has === best.has && last < best.last)) best = { enter, has, last };
    }
    return best?.enter;
  };

  return {
    waiting: (caller = callerNow()) => [...waiting.values()].filter((other) => other === caller).length,
    take: async (signal, caller = callerNow()) => {
      signal?.throwIfAborted();
      if (caller !== undefined && perCallerAmongOthers < perCaller) about.set(caller, true);
      if (free > 0 && mayHave(caller)) return give(caller);
      return await new Promise<() => void>((resolve, reject) => {
        const leave = (): void => {
          waiting.delete(enter);
          clearTimeout(timer);
          signal?.removeEventListener("abort", onAbort);
        };
        const enter = (): void => {
          leave();
          resolve(give(caller));
        };
        const onAbort = (): void => {
          leave();
          reject(signal?.reason);
        };
        const giveUp = (): void => {
          leave();
          reject(
            new Failure("unavailable", `too many ${what} are running, try again in a minute`, {
              reason: "server_busy",
            }),
          );
        };
        const timer = waitMs === Number.POSITIVE_INFINITY ? undefined : setTimeout(giveUp, waitMs);
        waiting.set(enter, caller);
        signal?.addEventListener("abort", onAbort, { once: true });
      });
    },
  };
}
