// A bound on how many of something run at once: a counting semaphore whose waiters are served in order. Every git command
// takes one slot for as long as its process lives. It cannot deadlock as long as nobody who holds a slot of a lane waits
// for a second one of the same lane; git/ keeps to that by having two lanes (commands, and the sessions of git clients,
// whose pace the client sets) and by never starting one git command in the middle of another of its lane.

import { Failure } from "../../errors.ts";

/** How long a taker waits in line before it is told to come back later, in milliseconds. */
const SLOT_WAIT_MS = 60_000;

export interface Slots {
  /**
   * Waits for a slot and returns the function that gives it back (calling it twice is harmless).
   * Rejects with the signal's reason when it aborts first, and with Failure("unavailable") after a minute in line.
   */
  take(signal?: AbortSignal): Promise<() => void>;
}

/** A semaphore of `limit` slots, first come, first served. */
export function createSlots(limit: number, waitMs: number = SLOT_WAIT_MS): Slots {
  let free = limit;
  const waiting = new Set<() => void>();

  const release = (): (() => void) => {
    let given = false;
    return () => {
      if (given) return;
      given = true;
      const next = waiting.values().next().value;
      if (next === undefined) free++;
      else next();
    };
  };

  return {
    take: async (signal) => {
      signal?.throwIfAborted();
      if (free > 0) {
        free--;
        return release();
      }
      return await new Promise<() => void>((resolve, reject) => {
        const leave = (): void => {
          waiting.delete(enter);
          clearTimeout(timer);
          signal?.removeEventListener("abort", onAbort);
        };
        const enter = (): void => {
          leave();
          resolve(release());
        };
        const onAbort = (): void => {
          leave();
          reject(signal?.reason);
        };
        const timer = setTimeout(() => {
          leave();
          reject(new Failure("unavailable", "too many git operations are running, try again in a minute"));
        }, waitMs);
        waiting.add(enter);
        signal?.addEventListener("abort", onAbort, { once: true });
      });
    },
  };
}
