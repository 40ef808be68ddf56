// Asking servers that others chose. Upstreams redirect, and import paths name any host, so every request that we make for
// somebody goes through here: http and https only; the address is checked when the connection is made (guarded-request.ts);
// each redirect is checked again, and loses the credentials when it leads to another host. And nothing is endless: times
// (http-bounds.ts) and bytes, compressed or not (bounded-body.ts), are bounded.
// Sources: OWASP, "Server Side Request Forgery Prevention Cheat Sheet"; RFC 9110, 15.4 (redirection), 8.4 (gzip); the go
// command's rules for redirects (cmd/go/internal/web/http.go).
import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import type { Readable } from "node:stream";
import { bodyOf } from "./bounded-body.ts";
import { type GuardedHttpOptions, openRequests } from "./guarded-request.ts";
import { type GetOptions, httpBoundsOf } from "./http-bounds.ts";
import { timeout, told, unanswered, unavailable } from "./http-trouble.ts";

/** As many as the go command follows. */
const MAX_REDIRECTS = 10;
const USER_AGENT = "Gokura";

export interface HttpAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /**
   * The decoded body; read it or destroy it. Ends with a Failure when it is cut off, too slow or too large (kind too-large),
   * or with the reason of the signal.
   */
  readonly body: Readable;
  /** Where the redirects ended. May hold a signature: not for logs. */
  readonly finalUrl: string;
}

export interface GuardedHttp {
  /**
   * The answer to a GET, whatever its status. Throws Failure("unavailable") that names the host when the address or a redirect
   * is refused, or when a bound is hit; Unreachable, which is one, when a host did not answer; the signal's reason when that
   * is aborted.
   */
  get(url: string, options: GetOptions): Promise<HttpAnswer>;
  /** The answer to a POST, whatever its status, as `get` has it; a redirect is an answer too, and is not followed. */
  post(url: string, body: Buffer, options: GetOptions): Promise<HttpAnswer>;
  /** Whether a host that is not an administrator's may be reached; throws Failure("unavailable") and returns where it is. */
  addressesOf(url: string): Promise<string[]>;
  /** Drops the connections that wait. */
  close(): void;
}

/** Opens the way to servers that others chose. */
export function openHttp(options: GuardedHttpOptions): GuardedHttp {
  const requests = openRequests(options);
  const ask = async (text: string, asked: GetOptions, content?: Buffer): Promise<HttpAnswer> => {
    const bounds = httpBoundsOf(asked);
    let url = new URL(text);
    const first = url;
    const headers: Record<string, string> = {
      "user-agent": USER_AGENT,
      "accept-encoding": "gzip",
      ...(content === undefined ? {} : { "content-length": String(content.length) }),
      ...Object.fromEntries(Object.entries(asked.headers ?? {}).map(([name, value]) => [name.toLowerCase(), value])),
    };
    const total = setTimeout(
      () => bounds.cut(timeout(first, "the whole was not there", bounds.totalMs)),
      bounds.totalMs,
    );
    const abort = (): void => bounds.cut(asked.signal?.reason as Error);
    asked.signal?.addEventListener("abort", abort, { once: true });
    const over = (): void => {
      clearTimeout(total);
      asked.signal?.removeEventListener("abort", abort);
    };
    try {
      for (let hops = 0; ; hops++) {
        asked.signal?.throwIfAborted();
        checkScheme(url);
        const response = await requests.send(url, headers, bounds, content).catch((error: unknown) => {
          throw unanswered(error, url, asked.signal);
        });
        const location = content === undefined ? locationIn(response) : undefined;
        if (location === undefined) {
          const body = bodyOf(response, url, asked, bounds);
          body.once("close", over);
          return { status: response.statusCode ?? 0, headers: response.headers, body, finalUrl: url.href };
        }
        response.destroy();
        if (hops >= MAX_REDIRECTS) throw unavailable(first, `more than ${MAX_REDIRECTS} redirects`);
        url = redirected(url, location, headers);
      }
    } catch (error) {
      over();
      throw told(error, url, asked.signal);
    }
  };
  return {
    get: (url, asked) => ask(url, asked),
    post: (url, body, asked) => ask(url, asked, body),
    async addressesOf(text) {
      const url = new URL(text);
      try {
        checkScheme(url);
        return (await requests.admitted(url)).map(({ address }) => address);
      } catch (error) {
        throw told(error, url, undefined);
      }
    },
    close: () => requests.close(),
  };
}

function checkScheme(url: URL): void {
  if (url.protocol !== "http:" && url.protocol !== "https:")
    throw unavailable(url, `${url.protocol} is neither http nor https`);
}

/** Where an answer sends us; undefined if it is none of those that do. */
function locationIn({ statusCode = 0, headers }: IncomingMessage): string | undefined {
  return [301, 302, 303, 307, 308].includes(statusCode) ? headers.location : undefined;
}

/** Where a redirect leads. Takes the credentials out of the headers when that is another host. */
function redirected(url: URL, location: string, headers: Record<string, string>): URL {
  const next = URL.canParse(location, url.href) ? new URL(location, url) : undefined;
  if (!next) throw unavailable(url, "a redirect to something that is no URL");
  if (url.protocol === "https:" && next.protocol === "http:")
    throw unavailable(url, "a redirect from https to http, which is refused");
  next.username = "";
  next.password = "";
  if (next.host !== url.host || next.protocol !== url.protocol) {
    delete headers.authorization;
    delete headers.cookie;
  }
  return next;
}
