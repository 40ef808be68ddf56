// Work of a request that keeps the process: reading go.mod files, which may have a megabyte each, and comparing them. It is
// done once, however many aliases ask for it, and in parts, with everybody else's turn between them. Parts are measured in
// bytes and not in time, so that what a query asks of the database does not depend on how busy the machine is.
import { setImmediate as everybodysTurn } from "node:timers/promises";
import type { Loaders } from "./loaders.ts";

/** So much of go.mod files is read without a pause: tens of milliseconds' work. Far more than most requests ask for. */
const BYTES_AT_ONCE = 128 * 1024;

interface Work {
  turn: Promise<void>;
  /** Since everybody had a turn. */
  bytes: number;
  readonly done: Map<string, Promise<unknown>>;
}

// What is known is thrown away with the loaders, as all that a request remembers (loaders.ts).
const works = new WeakMap<Loaders, Work>();

function workOf(loaders: Loaders): Work {
  const known = works.get(loaders) ?? { turn: Promise.resolve(), bytes: 0, done: new Map() };
  works.set(loaders, known);
  return known;
}

/** Does work on so many bytes when it is its turn among that of the request; waits for what the work waits for. */
export function inTurn<T>(loaders: Loaders, bytes: number, work: () => T | Promise<T>): Promise<T> {
  const all = workOf(loaders);
  all.turn = all.turn.then(async () => {
    if (all.bytes > 0 && all.bytes + bytes > BYTES_AT_ONCE) {
      all.bytes = 0;
      await everybodysTurn();
    }
    all.bytes += bytes;
  });
  return all.turn.then(work);
}

/** Does a request's work of this name unless it has done so already. */
export function once<T>(loaders: Loaders, name: string, work: () => Promise<T>): Promise<T> {
  const { done } = workOf(loaders);
  const known = done.get(name) as Promise<T> | undefined;
  if (known !== undefined) return known;
  const result = work();
  done.set(name, result);
  return result;
}
