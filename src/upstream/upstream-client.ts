// Asking a list of upstreams for one thing, with the go command's own rules of falling back: 404 and 410 mean that the thing
// does not exist there, and the next one is asked; any other trouble stops the walk after a comma and not after a bar. When
// nobody has it, the most telling answer is given: that of `direct`, else the last trouble, else the last absence.
// Source: cmd/go/internal/modfetch/proxy.go (TryProxies); Go Modules Reference, "GOPROXY protocol".

import type { IncomingHttpHeaders } from "node:http";
import type { Readable } from "node:stream";
import { Failure, isFailure } from "../errors.ts";
import { type GoRequest, goPathOf } from "../gomod/proxy-path.ts";
import type { Log } from "../telemetry/log.ts";
import { bytesOf, firstBytesOf } from "./bounded-body.ts";
import { goUrl } from "./go-url.ts";
import type { GuardedHttp, HttpAnswer } from "./guarded-http.ts";
import type { GetOptions } from "./http-bounds.ts";
import { BrokenOff, Unreachable } from "./http-trouble.ts";
import type { ProxyUpstream, UpstreamList } from "./policy.ts";
import { createUpstreamHealth, type UpstreamHealth } from "./upstream-health.ts";

/** What is read of an answer that is none: a reason for people. */
const MAX_REASON_BYTES = 16 * 1024;
/** What is told of a reason within a sentence of ours. */
const MAX_TOLD_CHARACTERS = 200;

/** Something that an upstream has. */
export interface FoundUpstream {
  readonly kind: "found";
  /** Read it to its end or destroy it: it holds one of the upstream's slots. Ends with an error if it breaks off. */
  readonly body: Readable;
  readonly headers: IncomingHttpHeaders;
  /** Which one answered, without credentials. */
  readonly upstream: string;
}

export type UpstreamAnswer = FoundUpstream | Absence;

/** The word of an upstream that there is no such thing. */
export interface Absence {
  readonly kind: "absent";
  readonly status: 404 | 410;
  /** The body, if it was text/plain, to be passed on as it is; else empty. */
  readonly text: string;
  /** Which one said so; empty if nobody was asked. */
  readonly upstream: string;
}

export type BytesAnswer =
  | { readonly kind: "found"; readonly bytes: Buffer; readonly headers: IncomingHttpHeaders; readonly upstream: string }
  | Absence;

export type FetchOptions = Omit<GetOptions, "headers">;

export interface FetchBytesOptions extends FetchOptions {
  /**
   * Throws when the bytes cannot be what was asked for, which counts as trouble with the upstream; NotKept when they promise
   * what it does not have, which counts as absence.
   */
  readonly check?: (bytes: Buffer, from: Answering) => void | Promise<void>;
}

/** The upstream that has answered, for whoever wants to ask it for more before taking its word. */
export interface Answering {
  /** Which one, without credentials. */
  readonly upstream: string;
  /** Whether another would be asked if this one did not have the thing. */
  readonly hasNext: boolean;
  /** Asks this one for something else, read to the end. */
  ask(request: GoRequest, options: FetchOptions): Promise<BytesAnswer>;
}

/** What an upstream answered promises something that it does not have; the message says what. */
export class NotKept extends Error {}

/** The `direct` upstream: what the version-control server of a module has. */
export type FetchDirect = (request: GoRequest, options: FetchOptions) => Promise<UpstreamAnswer>;

export interface UpstreamClient {
  readonly list: UpstreamList;
  /**
   * Asks the list for one thing. Throws a Failure when it is not known whether the thing exists: unavailable, forbidden (the
   * upstream said 403), too-large; and the reason of an aborted signal.
   */
  fetch(request: GoRequest, options: FetchOptions): Promise<UpstreamAnswer>;
  /** Asks the list for one thing and reads it to the end; an answer that breaks off falls back as any other trouble. */
  fetchBytes(request: GoRequest, options: FetchBytesOptions): Promise<BytesAnswer>;
  /** One GET at one proxy of the list, `path` being anything below its URL. */
  ask(upstream: ProxyUpstream, path: string, options: FetchOptions): Promise<UpstreamAnswer>;
}

export interface UpstreamClientOptions {
  readonly direct?: FetchDirect | undefined;
  readonly health?: UpstreamHealth | undefined;
}

export function createUpstreamClient(
  list: UpstreamList,
  http: GuardedHttp,
  log: Log,
  { direct, health = createUpstreamHealth(log) }: UpstreamClientOptions = {},
): UpstreamClient {
  const ask: UpstreamClient["ask"] = async (upstream, path, options) => {
    const { host } = new URL(upstream.url);
    const turn = await health.turn(host, options.signal);
    let keepsTurn = false;
    try {
      const headers = upstream.authorization === undefined ? {} : { authorization: upstream.authorization };
      const sent = await http.get(goUrl(upstream.url, path), { ...options, headers }).catch((error: unknown) => {
        if (error instanceof Unreachable && error.host === host) turn.failed();
        // It answered, if only by leading astray.
        else if (isFailure(error)) turn.succeeded();
        throw error;
      });
      turn.succeeded();
      const answer = await answerOf(sent, upstream.name);
      if (answer.kind === "found") {
        keepsTurn = true;
        answer.body.once("close", () => turn.over());
      }
      return answer;
    } finally {
      if (!keepsTurn) turn.over();
    }
  };

  /** TryProxies: `accept` makes an answer of what an upstream sent, or throws, which counts as its trouble. */
  const walk = async <T>(
    request: GoRequest,
    options: FetchOptions,
    accept: (found: FoundUpstream, from: Answering) => Promise<T>,
  ): Promise<T | Absence> => {
    const path = goPathOf(request);
    let absence: Absence | undefined;
    let trouble: unknown;
    for (const [index, upstream] of list.entries()) {
      if (upstream.kind === "off") break;
      if (upstream.kind === "direct") {
        // The last entry, and its word is the best there is.
        if (direct === undefined) break;
        const answer = await direct(request, options);
        if (answer.kind === "absent") return answer;
        return await accept(answer, answering("direct", false, direct));
      }
      try {
        const answer = await ask(upstream, path, options);
        if (answer.kind === "found") {
          const next = list[index + 1]?.kind;
          const hasNext = next === "proxy" || (next === "direct" && direct !== undefined);
          const more: FetchDirect = (other, how) => ask(upstream, goPathOf(other), how);
          return await accept(answer, answering(upstream.name, hasNext, more));
        }
        absence = answer;
      } catch (error) {
        if (error instanceof NotKept) {
          absence = { kind: "absent", status: 404, text: `not found: ${error.message}\n`, upstream: upstream.name };
          continue;
        }
        if (options.signal?.aborted) throw error;
        trouble = error;
        if (upstream.fallback === "on-absence") break;
        log.debug({ upstream: upstream.name, reason: (error as Error).message }, "the next upstream is asked");
      }
    }
    if (trouble !== undefined) throw trouble;
    return absence ?? { kind: "absent", status: 404, text: "", upstream: "" };
  };

  return {
    list,
    ask,
    fetch: (request, options) => walk<UpstreamAnswer>(request, options, async (found) => found),
    fetchBytes: (request, options) =>
      walk<BytesAnswer>(request, options, async ({ body, headers, upstream }, from) => {
        const bytes = await bytesOf(body).catch((error: unknown) => {
          throw isFailure(error, "unavailable") ? new BrokenOff(error) : error;
        });
        await options.check?.(bytes, from);
        return { kind: "found", bytes, headers, upstream };
      }),
  };
}

function answering(upstream: string, hasNext: boolean, fetch: FetchDirect): Answering {
  return {
    upstream,
    hasNext,
    async ask(request, options) {
      const answer = await fetch(request, options);
      return answer.kind === "absent" ? answer : { ...answer, bytes: await bytesOf(answer.body) };
    },
  };
}

/** A text/plain body in UTF-8, which the go command would show; anything else is none. */
async function reasonIn(body: Readable, headers: IncomingHttpHeaders): Promise<string> {
  try {
    if (!/^text\/plain\s*(?:;\s*charset="?(?:utf-8|us-ascii)"?\s*)?$/i.test(headers["content-type"] ?? "")) return "";
    return (await firstBytesOf(body, MAX_REASON_BYTES)).toString("utf8");
  } finally {
    body.destroy();
  }
}

/**
 * What an answer of a Go proxy means: 200 that it has the thing, 404 and 410 that it has not; everything else is thrown as
 * unavailable or forbidden, for it says neither. `upstream`: which one, without credentials.
 */
export async function answerOf({ status, body, headers }: HttpAnswer, upstream: string): Promise<UpstreamAnswer> {
  if (status === 200) return { kind: "found", body, headers, upstream };
  const text = await reasonIn(body, headers);
  if (status === 404 || status === 410) return { kind: "absent", status, text, upstream };
  throw refusal(upstream, status, text);
}

function refusal(upstream: string, status: number, text: string): Failure {
  const firstLine = (text.split("\n", 1)[0] ?? "").trim().slice(0, MAX_TOLD_CHARACTERS);
  const said = firstLine === "" ? "" : `: ${firstLine}`;
  if (status === 403)
    return new Failure("forbidden", `${upstream} forbids this (403)${said}`, { reason: "upstream_forbids" });
  if (status === 401)
    return new Failure("unavailable", `${upstream} does not take the credentials that it is given (401)${said}`, {
      reason: "upstream_unavailable",
    });
  return new Failure("unavailable", `${upstream} answered ${status}${said}`, { reason: "upstream_unavailable" });
}
