// Failure -> GraphQL error, once. Programs read `extensions.code`; people read the message. What is not a Failure is a
// defect of ours: it is logged without the variables, which may hold secrets, and the client learns only that it happened.
import { unwrapResolverError } from "@apollo/server/errors";
import { GraphQLError, type GraphQLFormattedError } from "graphql";
import { databaseFailure } from "../database/trouble.ts";
import { type Failure, type FailureKind, isFailure } from "../errors.ts";
import type { Log } from "../telemetry/log.ts";

const CODES: Record<FailureKind, string> = {
  invalid: "BAD_USER_INPUT",
  unauthenticated: "UNAUTHENTICATED",
  "insufficient-scope": "INSUFFICIENT_SCOPE",
  forbidden: "FORBIDDEN",
  "not-found": "NOT_FOUND",
  conflict: "CONFLICT",
  gone: "GONE",
  "too-large": "TOO_LARGE",
  unavailable: "UNAVAILABLE",
};

/** What Apollo says of errors that nobody meant to tell. */
const INTERNAL = "INTERNAL_SERVER_ERROR";

/** A refusal of the whole request, before any of it is done. */
export function refusal(message: string, code: string, status: number): GraphQLError {
  return new GraphQLError(message, { extensions: { code, http: { status } } });
}

/** A Failure as it stands in an answer. */
export function errorOf(failure: Failure): GraphQLFormattedError {
  return { message: failure.message, extensions: { code: CODES[failure.kind] } };
}

/** Some of Apollo's own refusals, of persisted queries for one, have a status of HTTP and no code. */
function isOfTheClient(error: unknown): boolean {
  const http = error instanceof GraphQLError ? (error.extensions.http as { status?: number } | undefined) : undefined;
  return http?.status !== undefined && http.status >= 400 && http.status < 500;
}

/** Apollo's formatError: what the client is told. */
export function formatError(log: Log): (formatted: GraphQLFormattedError, error: unknown) => GraphQLFormattedError {
  return (formatted, error) => {
    const cause = unwrapResolverError(error);
    if (isFailure(cause)) return { ...formatted, ...errorOf(cause) };
    if (formatted.extensions?.code !== INTERNAL) return formatted;
    if (isOfTheClient(error)) return { ...formatted, extensions: { code: "BAD_REQUEST" } };
    const trouble = databaseFailure(cause, log);
    if (trouble !== undefined) return { ...formatted, ...errorOf(trouble) };
    // A GraphQLError knows the document, which may hold secrets; its message and path do not.
    const defect = cause instanceof GraphQLError ? { message: cause.message } : { err: cause };
    log.error({ ...defect, path: formatted.path?.join(".") }, "a GraphQL field failed because of a defect in gokura");
    return { ...formatted, message: "internal error: the server's log says more", extensions: { code: INTERNAL } };
  };
}
