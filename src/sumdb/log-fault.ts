// What can be wrong with what a transparency log says. Some faults are accidents of the way (a page of HTML in place of a
// tile), some are proof that whoever holds the log's key lies; whoever asks must treat them differently, so each has a kind.

/**
 * - `malformed`: it is not what a log says at all. Nothing follows but that the answer cannot be used.
 * - `signature`: a note without a good signature of the log's key, or with a bad one of it.
 * - `unproved`: signed or not, it does not fit the tree that the head commits to: a tampered tile, a record of another place.
 * - `missing`: the proved record does not say what was asked for.
 * - `fork`: two heads of the log, both signed by it, that are not one line. `evidence` holds both notes.
 */
export type LogFaultKind = "malformed" | "signature" | "unproved" | "missing" | "fork";

/** Two signed notes that contradict each other, and what was computed. */
export interface ForkEvidence {
  /** The note of the head that was trusted. */
  readonly older: Buffer;
  /** The note that came. */
  readonly newer: Buffer;
  /** The root that the larger tree has at the size of the smaller one, in base64. */
  readonly found: string;
}

/** Thrown by everything in this room that judges what a log says. */
export class LogFault extends Error {
  readonly kind: LogFaultKind;
  /** Of a fork only. */
  readonly evidence: ForkEvidence | undefined;

  constructor(kind: LogFaultKind, message: string, evidence?: ForkEvidence) {
    super(message);
    this.name = "LogFault";
    this.kind = kind;
    this.evidence = evidence;
  }
}

export const malformed = (message: string): LogFault => new LogFault("malformed", message);
