// What is not there. Upstream's own words are passed on as they are, and remembered for seconds: half of what the go command
// asks for does not exist (it looks for a module under every parent path), but what was pushed a moment ago must not be
// absent for minutes. A bounded memory of each process; a table would cost a write for every question.
import { LRUCache } from "lru-cache";

/** How long an absence is believed. */
export const ABSENCE_MS = 10_000;
/** How long the answer to a branch or commit query is believed. */
export const FLEETING_MS = 10_000;

const MAX_ABSENCES = 20_000;
/** How often the same refusal is written down. */
const REFUSAL_MS = 3_600_000;
const MAX_REFUSALS = 5_000;
const MAX_TEXT = 4_000;
const MAX_FLEETING_BYTES = 8 * 1024 * 1024;

export interface Absent {
  readonly kind: "absent";
  readonly status: 404 | 410;
  /** To be told word for word. */
  readonly text: string;
  /** Whether it is so only because nobody was asked. */
  readonly unasked?: boolean;
  /** Whether whoever asked waited for an upstream. */
  readonly asked?: boolean;
}

/** What is known for seconds, by the path that was asked. */
export interface ShortMemory {
  readonly absences: LRUCache<string, Absent>;
  /** Answers that are not stored: those to queries, and .mod files that no zip has vouched for. */
  readonly fleeting: LRUCache<string, Buffer>;
  /** Refusals that were written down. */
  readonly refusals: LRUCache<string, true>;
}

export function createShortMemory(): ShortMemory {
  return {
    absences: new LRUCache({ max: MAX_ABSENCES, ttl: ABSENCE_MS }),
    fleeting: new LRUCache({
      maxSize: MAX_FLEETING_BYTES,
      sizeCalculation: (body, key) => body.length + key.length + 1,
      ttl: FLEETING_MS,
    }),
    refusals: new LRUCache({ max: MAX_REFUSALS, ttl: REFUSAL_MS }),
  };
}

export function absent(status: 404 | 410, text: string): Absent {
  const told = text.trim() === "" ? "not found\n" : text;
  return { kind: "absent", status, text: told.length > MAX_TEXT ? `${told.slice(0, MAX_TEXT)}…\n` : told };
}

/** Said when only what is stored may be served. */
export function notCached(what: string): Absent {
  return { ...absent(404, `not found: ${what} is not cached, and no upstream was asked\n`), unasked: true };
}
