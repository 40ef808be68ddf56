// The errors of pkg.go.dev's API (golang.org/x/pkgsite, internal/api/types.go, Error): a code, a sentence, what may help, and
// for a package that several modules hold these modules. Its clients print the sentence and what may help.
import type { Context } from "koa";
import type { Failure } from "../../errors.ts";
import { failureOf } from "../protocol/problem.ts";

/** A module in which a package was found, where it was found in several. */
export interface Candidate {
  readonly modulePath: string;
  readonly packagePath: string;
}

/** What an answer with an error says. */
export class ApiError extends Error {
  readonly code: number;
  readonly fixes: readonly string[];
  readonly candidates: readonly Candidate[];

  constructor(code: number, message: string, fixes: readonly string[] = [], candidates: readonly Candidate[] = []) {
    super(message);
    this.code = code;
    this.fixes = fixes;
    this.candidates = candidates;
  }
}

/** An error of the one who asks. */
export const badRequest = (message: string, ...fixes: string[]): ApiError => new ApiError(400, message, fixes);

/** The error to tell of whatever was thrown. What is not there and what may not be seen are told alike. */
export function apiErrorOf(error: unknown, log: Parameters<typeof failureOf>[1]): ApiError & { reason?: string } {
  if (error instanceof ApiError) return error;
  const failure = failureOf(error, log);
  return Object.assign(told(failure), { reason: failure.reason });
}

function told({ kind, reason, message }: Failure): ApiError {
  switch (kind) {
    case "not-found":
    case "gone":
      // Of what is simply not there, pkg.go.dev says no more.
      return new ApiError(404, "not found", reason === "not_found" && / Not Found$/.test(message) ? [] : [message]);
    case "unauthenticated":
      return new ApiError(401, "unauthorized", [message, "give the server as https://USER:TOKEN@HOST/-/pkgsite"]);
    case "insufficient-scope":
    case "forbidden":
      return new ApiError(403, "forbidden", [message]);
    case "unavailable":
      return reason === "internal_error"
        ? new ApiError(500, "internal server error")
        : new ApiError(503, "service unavailable", [message]);
    default:
      return badRequest(message);
  }
}

/** Writes an error as the answer. Lists that are empty are `null`, as encoding/json writes those of Go. */
export function answerError(ctx: Context, { code, message, fixes, candidates }: ApiError): void {
  ctx.status = code;
  ctx.type = "application/json";
  if (code === 401) ctx.set("WWW-Authenticate", 'Basic realm="Gokura", charset="UTF-8"');
  if (code === 503) ctx.set("Retry-After", "1");
  ctx.body = `${JSON.stringify({
    code,
    message,
    fixes: fixes.length === 0 ? null : fixes,
    ...(candidates.length === 0 ? {} : { candidates }),
  })}\n`;
}
