// What is told of a request that came to nothing: a sentence that names the host, without addresses and without anything else
// of the URL, which may hold a secret.
import { Failure, isFailure } from "../errors.ts";

/** Says no to an address; its text is for the log. */
export class RefusedAddress extends Error {}

/** The failure to tell of a server that did not answer as it should. */
export const unavailable = (url: URL, what: string, cause?: unknown): Failure =>
  new Failure("unavailable", `${url.host || url.protocol}: ${what}`, { reason: "upstream_unavailable", cause });

/** No answer from a host at all: it could not be connected to, or did not answer in time. What it names is nobody's fault. */
export class Unreachable extends Failure {
  /** As `URL.host` says it. */
  readonly host: string;

  constructor(host: string, { message, cause }: { readonly message: string; readonly cause?: unknown }) {
    super("unavailable", message, { reason: "upstream_unavailable", cause });
    this.host = host;
  }
}

/** A body that broke off: an accident of the moment, which says nothing about the host or the path. */
export class BrokenOff extends Failure {
  constructor({ message, cause }: { readonly message: string; readonly cause?: unknown }) {
    super("unavailable", message, { reason: "upstream_unavailable", cause });
  }
}

/** What to throw when a request got no head of an answer: Unreachable, unless nobody wanted or was allowed to have one. */
export function unanswered(error: unknown, url: URL, signal: AbortSignal | undefined): Error {
  const reason = told(error, url, signal);
  if (signal?.aborted || !isFailure(reason, "unavailable") || isRefusedAddress(error)) return reason;
  return new Unreachable(url.host, reason);
}

function isRefusedAddress(error: unknown): boolean {
  return error instanceof RefusedAddress || (error instanceof AggregateError && error.errors.some(isRefusedAddress));
}

/** The failure to tell of a server that took too long. */
export const timeout = (url: URL, what: string, ms: number): Failure =>
  unavailable(url, `${what} within ${ms / 1000} s`);

const REASONS: Readonly<Record<string, string>> = {
  ENOTFOUND: "the name is not known",
  EAI_AGAIN: "the name cannot be looked up now",
  ECONNREFUSED: "the connection is refused",
  ECONNRESET: "the connection broke off",
  ERR_STREAM_PREMATURE_CLOSE: "the connection broke off",
  ETIMEDOUT: "no connection",
  EHOSTUNREACH: "the network does not lead there",
  ENETUNREACH: "the network does not lead there",
  Z_BUF_ERROR: "the compressed answer broke off",
  Z_DATA_ERROR: "the compressed answer is damaged",
};

/** What to tell of an error, without addresses and without anything from the URL but its host. */
export function told(error: unknown, url: URL, signal: AbortSignal | undefined): Error {
  if (signal?.aborted) return signal.reason as Error;
  if (isFailure(error) || (error as Error).name === "AbortError") return error as Error;
  if (error instanceof RefusedAddress)
    return unavailable(url, "its address is in a network that may not be asked (GOKURA_ALLOW_PRIVATE_NETWORKS)", error);
  // When several addresses of one name were tried, each has its error.
  const one = error instanceof AggregateError ? (error.errors[0] as unknown) : error;
  const { code = "", message = "" } = one as NodeJS.ErrnoException;
  if (one instanceof RefusedAddress) return told(one, url, undefined);
  const why = REASONS[code] ?? (/^(HPE_|ERR_HTTP)/.test(code) ? "what it answers is not HTTP" : undefined);
  const certificate = /CERT|SSL|TLS|SIGNATURE|ALTNAME/.test(code) ? `its certificate is not good (${code})` : undefined;
  return unavailable(url, why ?? certificate ?? `it cannot be asked (${code || message.slice(0, 100)})`, error);
}
