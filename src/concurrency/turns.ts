// One process serves everybody on one thread, so that whoever walks through a long list keeps all others waiting. Such work
// is cut into parts of a few milliseconds, and between two of them comes everybody's turn: what has arrived meanwhile on
// sockets, from the disk and from git is dealt with before the next part.
import { setImmediate } from "node:timers/promises";

/** Settles when everybody else has had a turn of the event loop; for use between two parts of long work. */
export const everybodysTurn = (): Promise<void> => setImmediate();

/** So many entries are put in order, or merged, without a pause. */
const SORTED_AT_ONCE = 2_000;

/** What comes in parts of at most so many entries, each handed out after everybody's turn, except for the first. */
export async function* inTurns<T>(list: Iterable<T>, atOnce: number): AsyncGenerator<readonly T[], void, undefined> {
  let part: T[] = [];
  for (const entry of list) {
    if (part.length === atOnce) {
      yield part;
      await everybodysTurn();
      part = [];
    }
    part.push(entry);
  }
  if (part.length > 0) yield part;
}

/** The entries in order, as a new array; those that are equal stay as they were. `compare` is that of Array.sort. */
export async function sortInTurns<T>(list: readonly T[], compare: (a: T, b: T) => number): Promise<readonly T[]> {
  let runs: (readonly T[])[] = [];
  for await (const part of inTurns(list, SORTED_AT_ONCE)) runs.push(part.toSorted(compare));
  while (runs.length > 1) {
    const longer: (readonly T[])[] = [];
    for (let at = 0; at < runs.length; at += 2) longer.push(await merge(runs[at]!, runs[at + 1] ?? [], compare));
    runs = longer;
  }
  return runs[0] ?? [];
}

async function merge<T>(
  left: readonly T[],
  right: readonly T[],
  compare: (a: T, b: T) => number,
): Promise<readonly T[]> {
  const merged: T[] = [];
  let [l, r] = [0, 0];
  while (l < left.length && r < right.length) {
    merged.push(compare(left[l]!, right[r]!) <= 0 ? left[l++]! : right[r++]!);
    if (merged.length % SORTED_AT_ONCE === 0) await everybodysTurn();
  }
  return merged.concat(left.slice(l), right.slice(r));
}
