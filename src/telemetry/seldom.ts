// Trouble that lasts, such as a full disk or a database that is away, meets every request. A log with a line for each hides
// everything else and fills the disk further; so such a thing is said once a minute, with the number of times that it was
// met in between.
import type { Log } from "./log.ts";

const PAUSE_MS = 60_000;

interface Said {
  at: number;
  /** How often it was kept back since. */
  more: number;
}

const said = new WeakMap<Log, Map<string, Said>>();

/** Logs a sentence at most once a minute; `more` in the line says how often it would have been said since the last one. */
export function logSeldom(
  log: Log,
  level: "warn" | "error",
  sentence: string,
  details: object = {},
  now: number = Date.now(),
): void {
  const sentences = said.get(log) ?? new Map<string, Said>();
  said.set(log, sentences);
  const before = sentences.get(sentence);
  if (before && now - before.at < PAUSE_MS) {
    before.more++;
    return;
  }
  sentences.set(sentence, { at: now, more: 0 });
  log[level]({ ...details, ...(before && before.more > 0 ? { more: before.more } : {}) }, sentence);
}
