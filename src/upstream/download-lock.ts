// One at a time, wherever. Whoever needs something that is not stored waits until it is, or is the one who gets it: in this
// process by sharing one promise, among processes by a lock of the database. Nobody is ever told about a lock: who waits
// looks again and again for the thing itself, so that a process that dies is replaced by the next one that looks.
//
// The only server on its database needs no lock, which saves most of what a download costs the database. One that comes is
// known of before it serves anybody: then the worst is that both fetch what was under way at that moment.
import { setTimeout as delay } from "node:timers/promises";
import type { Locks } from "../database/locks.ts";
import { Failure } from "../errors.ts";
import type { Absent } from "./answers.ts";
import type { Arrived, DependencyState } from "./dependency-state.ts";
import { ownBytes } from "./own-bytes.ts";

const FIRST_PAUSE_MS = 20;
const LONGEST_PAUSE_MS = 500;
/** Longer than an upstream may take for something small. */
const PATIENCE_MS = 2 * 60_000;
/** Longer than the slowest download takes: a toolchain over a bad line. */
export const ZIP_PATIENCE_MS = 20 * 60_000;

/** How something is got that was looked for, and is not stored. */
export interface Getting<T> {
  /** Looks once more: another server may have stored it. */
  look(): Promise<T | undefined>;
  /** Gets it, and stores it. */
  get(): Promise<T>;
  /**
   * When the look began that did not find it (performance.now): what arrived later, it may have missed. What arrived before
   * was stored then, and has been taken away since.
   */
  readonly lookedAt: number;
  readonly patienceMs?: number;
}

/** Gets a thing that is not stored, unless another server does, or it has just come. Throws as `lookOrGet` does. */
export async function getOnce<T extends Arrived["answer"] | Absent>(
  { registry, arrived, locks }: DependencyState,
  name: string,
  { look, get, lookedAt, patienceMs }: Getting<T>,
): Promise<T> {
  const known = arrived.get(name);
  if (known && known.at >= lookedAt) return known.answer as T; // a name is always of the same kind
  const answer = registry.isAlone() ? await get() : await lookOrGet(locks, name, look, get, patienceMs);
  if (answer.kind !== "absent") arrived.set(name, { answer: kept(answer), at: performance.now() });
  return answer;
}

function kept(answer: Arrived["answer"]): Arrived["answer"] {
  if (answer.kind !== "found") return answer;
  const { body, goMod } = answer;
  return { ...answer, body: ownBytes(body), ...(goMod && { goMod: ownBytes(goMod) }) };
}

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
