// Failure -> answer, once for each kind of client. The go command and git show text/plain to their users and nothing else,
// so their doors answer one sentence of it, and the reason in a header; programs of GitLab's API read JSON in GitLab's
// shapes, with the reason as a member. What is not a Failure is a defect of ours: it is logged whole, and the client learns
// no more than that.
import type { Context } from "koa";
import { databaseFailure, databaseTrouble } from "../../database/trouble.ts";
import { Failure, type FailureKind } from "../../errors.ts";
import { errorOf } from "../../graphql/failure-error.ts";
import type { Log } from "../../telemetry/log.ts";

const STATUS: Record<FailureKind, number> = {
  invalid: 400,
  unauthenticated: 401,
  "insufficient-scope": 403,
  forbidden: 403,
  "not-found": 404,
  conflict: 409,
  gone: 410,
  precondition: 412,
  "too-large": 413,
  unprocessable: 422,
  "too-many": 429, // RFC 6585, 4
  unavailable: 503,
};

/** Which clients a door has. */
export type Audience = "go" | "git" | "api" | "graphql" | "browser";

const CHALLENGE = 'Basic realm="Gokura", charset="UTF-8"';
/** Where answers of text say the reason of a failure (docs/errors.md). */
export const REASON_HEADER = "Gokura-Reason";
/** Absence is remembered for moments only: a tag may be pushed any time. */
export const ABSENCE_SECONDS = 10;

/** The Failure to tell of whatever was thrown. */
export function failureOf(error: unknown, log: Log): Failure {
  if (error instanceof Failure) {
    // How often this happens is for others to decide: the log of requests has it.
    if (error.kind === "unavailable") logUnavailable(error, log);
    return error;
  }
  const http = error as { status?: number; expose?: boolean; message?: string };
  if (http.expose && http.status === 413) return new Failure("too-large", "the request body is too large");
  if (http.expose && http.status === 400) return new Failure("invalid", "the request body cannot be read");
  const trouble = databaseFailure(error, log);
  if (trouble !== undefined) return trouble;
  log.error({ err: error }, "a request failed because of a defect in gokura");
  return new Failure("unavailable", "something went wrong inside gokura; its log says what", {
    reason: "internal_error",
  });
}

/** The Failure to tell of whatever was thrown, and the status that says the same. */
export function explain(error: unknown, log: Log): { readonly failure: Failure; readonly status: number } {
  const failure = failureOf(error, log);
  return { failure, status: STATUS[failure.kind] };
}

/**
 * An error is what a person must act on, with all that is known of it. A disk that is full is one, told seldom. Everything
 * else, such as an upstream that does not answer, concerns others, or passes.
 */
function logUnavailable(failure: Failure, log: Log): void {
  const { cause, message, mustAct, reason } = failure;
  if (mustAct) log.error({ err: cause, reason }, message);
  else if (databaseTrouble(cause) === "disk full") databaseFailure(cause, log);
  else log.warn({ reason, ...(cause instanceof Error ? { cause: cause.message } : {}) }, message);
}

/**
 * Answers a request with a Failure. `address` tells ours, as the client wrote it; it is asked only where the answer says it,
 * since a request whose body was too large has no connection any more that could tell.
 */
export function answerFailure(ctx: Context, audience: Audience, failure: Failure, address: () => string): void {
  const { reason } = failure;
  const status = statusOf(failure, audience);
  ctx.state.reason = reason;
  ctx.status = status;
  ctx.set("Cache-Control", status === 404 && audience !== "api" ? `private, max-age=${ABSENCE_SECONDS}` : "no-store");
  if (status === 401) ctx.set("WWW-Authenticate", CHALLENGE);
  if (status === 503) ctx.set("Retry-After", "1");
  if (failure.retryAfterSeconds !== undefined) ctx.set("Retry-After", String(failure.retryAfterSeconds));
  if (audience === "go" || audience === "git" || audience === "browser") {
    ctx.type = "text/plain; charset=utf-8";
    ctx.set(REASON_HEADER, reason);
    ctx.body = `${audience === "go" && status === 404 ? "not found: " : ""}${printable(failure.message)}${reason === "token_required" ? signingIn(audience, address) : ""}\n`;
  } else if (audience === "graphql")
    ctx.body = { errors: [errorOf(failure, status === 401 ? `Invalid token: ${failure.message}` : failure.message)] };
  else ctx.body = { ...apiBody(failure, status, sentBadCredentials(ctx)), reason };
}

function statusOf({ kind, fields }: Failure, audience: Audience): number {
  return audience === "api" && fields ? 400 : STATUS[kind];
}

/**
 * Which line of ~/.netrc is looked for: the go command looks for host and port, git and curl for the host alone. Whoever has
 * that line and asks by http is told why it is of no use: the go command then sends nothing (cmd/go/internal/web, Get).
 */
function signingIn(audience: Audience, address: () => string): string {
  if (audience !== "go" && audience !== "git") return "";
  const { protocol, host, hostname } = new URL(address());
  if (audience === "go" && protocol === "http:") return ", over https: the go command sends no credentials over http";
  return host === hostname
    ? ` (machine ${host})`
    : ` (the go command looks for "machine ${host}", git for "machine ${hostname}")`;
}

/** Good credentials are a principal by now. */
function sentBadCredentials(ctx: Context): boolean {
  return ctx.state.principal === undefined && ("authorization" in ctx.headers || "private-token" in ctx.headers);
}

function apiBody(failure: Failure, status: number, badCredentials: boolean): object {
  if (failure.fields)
    return { message: Object.fromEntries(Object.entries(failure.fields).map(([name, text]) => [name, [text]])) };
  if (failure.kind === "insufficient-scope")
    return { error: "insufficient_scope", error_description: failure.message, scope: failure.scopes?.join(" ") };
  if (status === 401)
    return badCredentials
      ? { error: "invalid_token", error_description: failure.message }
      : { message: "401 Unauthorized" };
  const title = { 400: "Bad request", 403: "Forbidden", 429: "Too Many Requests", 503: "Service Unavailable" }[status];
  if (title) return { message: `${status} ${title} - ${failure.message}` };
  return { message: status === 404 ? `404 ${failure.message}` : failure.message };
}

/** The go command drops a body with control characters. */
function printable(text: string): string {
  return text.replace(/[\x00-\x08\x0b-\x1f\x7f-\x9f]/g, "?");
}
