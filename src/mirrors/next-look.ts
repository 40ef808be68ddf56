// When a mirror looks again. What changed lately is likely to change soon, and most repositories rest: so half the time that
// has passed since the last change is waited, within bounds. A look that failed is repeated soon at first, and then ever less.
// What is waited varies, so that mirrors that were made together do not look together for ever.

/** The shortest and the longest wait, in milliseconds. */
const SHORTEST_WAIT_MS = 60_000;
const LONGEST_WAIT_MS = 6 * 60 * 60_000;
const VARIATION = 0.2;
/** So often a failure is answered by twice the wait. */
const MAX_DOUBLINGS = 10;

export interface LookHistory {
  /** Milliseconds since something changed, or since the mirror was made. */
  readonly sinceChangeMs: number;
  /** How many looks in a row came to nothing, this one included. */
  readonly failures: number;
  /** What its owner set as the longest wait, in seconds. */
  readonly intervalSeconds: number | null;
  /** What the server asked for, in milliseconds: no less is waited. */
  readonly toldToWaitMs?: number | undefined;
}

/** Milliseconds until the next look. `random`: from 0 to 1. */
export function waitAfterLook(history: LookHistory, random: () => number = Math.random): number {
  const { sinceChangeMs, failures, intervalSeconds, toldToWaitMs = 0 } = history;
  const longest = intervalSeconds === null ? LONGEST_WAIT_MS : intervalSeconds * 1000;
  const shortest = Math.min(SHORTEST_WAIT_MS, longest);
  const byFailures = failures === 0 ? 0 : SHORTEST_WAIT_MS * 2 ** Math.min(failures - 1, MAX_DOUBLINGS);
  const calm = Math.min(Math.max(sinceChangeMs / 2, shortest), longest);
  const wait = failures === 0 ? calm : Math.min(byFailures, LONGEST_WAIT_MS);
  const varied = wait * (1 - VARIATION + 2 * VARIATION * random());
  return Math.max(failures === 0 ? Math.min(varied, longest) : varied, toldToWaitMs);
}
