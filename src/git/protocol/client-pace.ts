// How slow a client may be while it holds something that others wait for. Time in which we wait for it is its own, and every
// byte that it moves gives it some back, but never more than it had at first: whoever drips, or does not read, runs out of it,
// and whoever moves a little all the time never does. What git itself takes to answer costs nobody anything.

/** How long in a row a client may move nothing. */
const GRACE_MS = 30_000;
/** Slower than any line that people still use, in bytes. */
const LEAST_BYTES_PER_SECOND = 1_024;

/** One direction of one connection. */
export interface ClientPace {
  /** Waits for a step that is the client's to make; `bytesOf` tells how much it moved. */
  wait<T>(step: Promise<T>, bytesOf: (made: T) => number): Promise<T>;
}

/** `tooSlow` is called when the client has no time left, in the middle of a wait, which goes on. */
export function clientPace(
  tooSlow: () => void,
  graceMs: number = GRACE_MS,
  bytesPerSecond: number = LEAST_BYTES_PER_SECOND,
): ClientPace {
  let left = graceMs;
  return {
    async wait(step, bytesOf) {
      const start = performance.now();
      const timer = setTimeout(tooSlow, Math.max(left, 0));
      try {
        const made = await step;
        left += (bytesOf(made) / bytesPerSecond) * 1000;
        return made;
      } finally {
        clearTimeout(timer);
        left = Math.min(left - (performance.now() - start), graceMs);
      }
    },
  };
}
