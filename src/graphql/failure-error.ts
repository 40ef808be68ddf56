// Failure -> GraphQL error, once. Programs read `extensions.code`, the kind in GraphQL's usual words, and
// `extensions.reason`, the same code as on every other door (docs/errors.md); people read the message. The http door tells
// failures in this form before GraphQL is loaded, so nothing of it is imported here but types.
import type { GraphQLFormattedError } from "graphql";
import type { Failure, FailureKind } from "../errors.ts";

/** What programs read of each kind. */
export const CODES: Record<FailureKind, string> = {
  invalid: "BAD_USER_INPUT",
  unauthenticated: "UNAUTHENTICATED",
  "insufficient-scope": "INSUFFICIENT_SCOPE",
  forbidden: "FORBIDDEN",
  "not-found": "NOT_FOUND",
  conflict: "CONFLICT",
  gone: "GONE",
  precondition: "PRECONDITION_FAILED",
  "too-large": "TOO_LARGE",
  unprocessable: "UNPROCESSABLE",
  "too-many": "RATE_LIMITED",
  unavailable: "UNAVAILABLE",
};

/** A Failure as it stands in the `errors` of an answer; `message`: its own words, if no others are given. */
export function errorOf(failure: Failure, message = failure.message): GraphQLFormattedError {
  return { message, extensions: { code: CODES[failure.kind], reason: failure.reason } };
}
