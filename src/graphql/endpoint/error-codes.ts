// What an answer of GraphQL says of what went wrong while it was made. Failures are told as failure-error.ts has it; what
// Apollo refuses by itself gets a reason too. What is not a Failure is a defect of ours: it is logged without the variables,
// which may hold secrets, and the client learns only that it happened.
import { HeaderMap } from "@apollo/server";
import { unwrapResolverError } from "@apollo/server/errors";
import { GraphQLError, type GraphQLFormattedError } from "graphql";
import { databaseFailure } from "../../database/trouble.ts";
import { type Failure, isFailure, type Reason } from "../../errors.ts";
import type { Log } from "../../telemetry/log.ts";
import { CODES, errorOf } from "../failure-error.ts";

/** What Apollo says of errors that nobody meant to tell. */
const INTERNAL = "INTERNAL_SERVER_ERROR";
const DEFECT = "internal error: the server's log says more";

/** The reasons of what Apollo refuses by itself, by its own code. */
const REASONS_OF_APOLLO: Readonly<Record<string, Reason>> = {
  GRAPHQL_PARSE_FAILED: "query_unreadable",
  GRAPHQL_VALIDATION_FAILED: "query_invalid",
  OPERATION_RESOLUTION_FAILURE: "query_invalid",
  PERSISTED_QUERY_NOT_FOUND: "persisted_query_unknown",
  PERSISTED_QUERY_NOT_SUPPORTED: "persisted_query_unknown",
  BAD_USER_INPUT: "invalid_request",
  BAD_REQUEST: "invalid_request",
};

/** A refusal of the whole request, before any of it is done: with an HTTP status of its own, and the code and reason. */
export function refusal(message: string, code: string, status: number, reason: Reason): GraphQLError {
  return new GraphQLError(message, { extensions: { code, reason, http: { status } } });
}

/** A Failure that refuses the whole request, with the seconds after which the request may come again. */
export function requestRefusal({ message, kind, reason, retryAfterSeconds }: Failure, status: number): GraphQLError {
  const headers = new HeaderMap();
  if (retryAfterSeconds !== undefined) headers.set("retry-after", String(retryAfterSeconds));
  return new GraphQLError(message, { extensions: { code: CODES[kind], reason, http: { status, headers } } });
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
    if (formatted.extensions?.code !== INTERNAL) return withReason(formatted);
    if (isOfTheClient(error)) return withReason({ ...formatted, extensions: { code: "BAD_REQUEST" } });
    const trouble = databaseFailure(cause, log);
    if (trouble !== undefined) return { ...formatted, ...errorOf(trouble) };
    // A GraphQLError knows the document, which may hold secrets; its message and path do not.
    const defect = cause instanceof GraphQLError ? { message: cause.message } : { err: cause };
    log.error({ ...defect, path: formatted.path?.join(".") }, "a GraphQL field failed because of a defect in gokura");
    return { ...formatted, message: DEFECT, extensions: { code: INTERNAL, reason: "internal_error" satisfies Reason } };
  };
}

function withReason(formatted: GraphQLFormattedError): GraphQLFormattedError {
  const { code, reason } = formatted.extensions ?? {};
  if (reason !== undefined) return formatted;
  // Apollo's refusal of what a browser could send across sites has no code of its own.
  const crossSite = formatted.message.includes("CSRF");
  const known = crossSite ? "cross_site_request" : (REASONS_OF_APOLLO[String(code)] ?? "invalid_request");
  return { ...formatted, extensions: { ...formatted.extensions, reason: known satisfies Reason } };
}
