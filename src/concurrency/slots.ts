// A bound on how many of something run at once: a counting semaphore whose waiters are served in order. It cannot deadlock as
// long as nobody who holds a slot waits for a second one of the same kind. Where callers are told apart none of them has
// more than a share: the others go past those who wait for their own to be done.
import { Failure } from "../errors.ts";

/** How long a taker waits in line before it is told to come back later, in milliseconds. */
const SLOT_WAIT_MS = 60_000;

export interface Slots {
  /**
   * Waits for a slot and returns the function that gives it back (calling it twice is harmless).
   * Rejects with the signal's reason when it aborts first, and with Failure("unavailable") after a minute in line. Takers
   * without a caller share none with anybody.
   */
  take(signal?: AbortSignal, caller?: string): Promise<() => void>;
}

export interface SlotRules {
  /** How long a taker waits in line, in milliseconds; Infinity: until it has a slot. */
  readonly waitMs?: number;
  /** How many slots one caller may have. */
  readonly perCaller?: number;
  /** What there are too many of, for the message to whoever waited in vain. */
  readonly what?: string;
}

/** A semaphore of `limit` slots: first come, first served, among those whose callers have not enough already. */
export function createSlots(
  limit: number,
  { waitMs = SLOT_WAIT_MS, perCaller = limit, what = "requests" }: SlotRules = {},
): Slots {
  let free = limit;
  const taken = new Map<string, number>();
  const waiting = new Map<() => void, string | undefined>();
  const mayHave = (caller: string | undefined): boolean => caller === undefined || (taken.get(caller) ?? 0) < perCaller;
  const count = (caller: string | undefined, change: 1 | -1): void => {
    if (caller === undefined) return;
    const now = (taken.get(caller) ?? 0) + change;
    if (now > 0) taken.set(caller, now);
    else taken.delete(caller);
  };

  const give = (caller: string | undefined): (() => void) => {
    free--;
    count(caller, 1);
    let given = false;
    return () => {
      if (given) return;
      given = true;
      free++;
      count(caller, -1);
      for (const [enter, next] of waiting) {
        if (!mayHave(next)) continue;
        enter();
        return;
      }
    };
  };

  return {
    take: async (signal, caller) => {
      signal?.throwIfAborted();
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
