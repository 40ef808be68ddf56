// One at a time, wherever. Whoever needs something that is not stored waits until it is, or is the one who gets it: in this
// process by sharing one promise, among processes by a lock of the database. Nobody is ever told about a lock: who waits
// looks again and again for the thing itself, so that a process that dies is replaced by the next one that looks.
import { setTimeout as delay } from "node:timers/promises";
import type { Locks } from "../database/locks.ts";
import { Failure } from "../errors.ts";

const FIRST_PAUSE_MS = 20;
const LONGEST_PAUSE_MS = 500;
/** Longer than an upstream may take for something small. */
const PATIENCE_MS = 2 * 60_000;
/** Longer than the slowest download takes: a toolchain over a bad line. */
export const ZIP_PATIENCE_MS = 20 * 60_000;

/**
 * Looks for a thing; if it is not there, gets it under the lock of its name, or waits for the one who does. Throws unavailable
 * when that one does not come to an end for so long.
 */
export async function lookOrGet<T>(
  locks: Locks,
  name: string,
  look: () => Promise<T | undefined>,
  get: () => Promise<T>,
  patienceMs: number = PATIENCE_MS,
): Promise<T> {
  const end = Date.now() + patienceMs;
  for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(pause * 2, LONGEST_PAUSE_MS)) {
    const release = await locks.tryLock(`upstream ${name}`);
    if (release) {
      try {
        return (await look()) ?? (await get());
      } finally {
        void release(); // nobody need wait for it: whoever asks for the lock next stands behind it
      }
    }
    await delay(pause);
    const found = await look();
    if (found !== undefined) return found;
    if (Date.now() > end)
      throw new Failure("unavailable", `${name} is being fetched by another server, which does not come to an end`);
  }
}
