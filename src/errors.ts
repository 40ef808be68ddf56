// The closed set of failures that Gokura can tell a client about. Code below the doors throws a Failure; each door maps
// its kind once: http/protocol/problem.ts to a status, graphql/endpoint.ts to an error code, cli/run.ts to an exit code.
// Anything that is not a Failure is a defect of ours: it is logged whole and the client learns only that it happened.

/** What went wrong, as the one who asked must understand it. The HTTP status of each stands beside it. */
export type FailureKind =
  | "invalid" // 400: the request says something that cannot be; repeating it cannot help
  | "unauthenticated" // 401: credentials are missing where some are needed, or those given are not good
  | "insufficient-scope" // 403: a good token whose scopes do not open this
  | "forbidden" // 403: may see it, may not do this
  | "not-found" // 404: does not exist, or may not be seen (never tell which)
  | "conflict" // 409: exists already, or another change came first
  | "gone" // 410: was published once and was taken back
  | "too-large" // 413: over a limit that the message names
  | "unavailable"; // 503: a part that we need does not answer now; try again later

interface FailureOptions {
  readonly cause?: unknown;
  readonly mustAct?: boolean;
  readonly scopes?: readonly string[];
  readonly fields?: Readonly<Record<string, string>>;
}

/**
 * A failure that is told to the client. The message is one sentence for a person: what is wrong and what to do next; it
 * never holds a secret and never says more than the principal may know.
 */
export class Failure extends Error {
  readonly kind: FailureKind;
  /** Somebody who looks after the server must do something, and trying again will not help before. */
  readonly mustAct: boolean;
  /** For insufficient-scope: the scopes that would do. */
  readonly scopes: readonly string[] | undefined;
  /** For invalid and conflict: what is wrong with which field, in GitLab's words, such as path: "has already been taken". */
  readonly fields: Readonly<Record<string, string>> | undefined;

  constructor(kind: FailureKind, message: string, options: FailureOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "Failure";
    this.kind = kind;
    this.mustAct = options.mustAct ?? false;
    this.scopes = options.scopes;
    this.fields = options.fields;
  }
}

/** `field`: which field of a form it is about, if it is one. */
export const invalid = (message: string, field?: string): Failure =>
  new Failure("invalid", message, field === undefined ? {} : { fields: { [field]: message } });
export const notFound = (message: string): Failure => new Failure("not-found", message);

/** Whether a caught value is a Failure, of one of the kinds if some are given. */
export function isFailure(error: unknown, ...kinds: FailureKind[]): error is Failure {
  return error instanceof Failure && (kinds.length === 0 || kinds.includes(error.kind));
}
