// What the dependency proxy answers with: bytes, or the word that there is nothing. Upstream's own words about an absence are
// passed on as they are, and believed for seconds: half of what the go command asks for does not exist (it looks for a module
// under every parent path), but what was pushed a moment ago must not be absent for minutes.

/** How long an absence is believed. */
export const ABSENCE_MS = 10_000;
/** How long the answer to a branch or commit query is believed. */
export const FLEETING_MS = 10_000;

/** What is told of an absence, in characters. */
const MAX_TEXT = 4_000;

/** An answer of bytes. */
export interface FoundAnswer {
  readonly kind: "found";
  readonly body: Buffer;
  /** For ever the same. */
  readonly pinned: boolean;
  /** For how long it may be given again without a look. */
  readonly freshMs: number;
  /** Whether whoever asked waited for an upstream. */
  readonly asked?: boolean;
  /** Of an .info: the .mod of the version, which was stored along with it. */
  readonly goMod?: Buffer;
  /** Whether a list of the module is kept that does not have the version. */
  readonly unlisted?: boolean;
}

/** There is no such thing. */
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

/** Bytes that are for ever the same. */
export function pinned(body: Buffer): FoundAnswer {
  return { kind: "found", body, pinned: true, freshMs: Number.POSITIVE_INFINITY };
}

/** Bytes that are given again for a while without a look. */
export function changing(body: Buffer, freshMs: number): FoundAnswer {
  return { kind: "found", body, pinned: false, freshMs };
}

/** An absence in these words, cut where they are too many. */
export function absent(status: 404 | 410, text: string): Absent {
  const told = text.trim() === "" ? "not found\n" : text;
  return { kind: "absent", status, text: told.length > MAX_TEXT ? `${told.slice(0, MAX_TEXT)}…\n` : told };
}

/** Said when only what is stored may be served. */
export function notCached(what: string): Absent {
  return { ...absent(404, `not found: ${what} is not cached, and no upstream was asked\n`), unasked: true };
}
