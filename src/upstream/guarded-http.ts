// Asking servers that others chose. Upstreams redirect, and import paths name any host, so every request that we make for
// somebody goes through here: http and https only; the address is checked when the connection is made, on what the name
// resolved to then (a check before would let the name change in between: DNS rebinding); each redirect is checked again, and
// loses the credentials when it leads to another host. And nothing is endless: connecting, waiting for the first byte,
// waiting between bytes, the whole, and the bytes themselves, compressed or not, are bounded.
// Sources: OWASP, "Server Side Request Forgery Prevention Cheat Sheet"; RFC 9110, 15.4 (redirection), 8.4 (gzip); the go
// command's rules for redirects (cmd/go/internal/web/http.go).
import { type LookupAddress, lookup as lookUp } from "node:dns";
import { readFileSync } from "node:fs";
import http, { type IncomingHttpHeaders, type IncomingMessage } from "node:http";
import https from "node:https";
import { isIP, type LookupFunction } from "node:net";
import { pipeline, type Readable, Transform } from "node:stream";
import tls from "node:tls";
import { createGunzip } from "node:zlib";
import { Failure, isFailure } from "../errors.ts";
import { reachableAddresses } from "./reachable-address.ts";

/** From the request to a connection (with TLS), the look-up of the name included. */
const CONNECT_TIMEOUT_MS = 10_000;
/** From the connection to the head of the answer: a proxy that has not got the thing yet fetches it meanwhile. */
const FIRST_BYTE_TIMEOUT_MS = 60_000;
/** Between two pieces of a body. */
const IDLE_TIMEOUT_MS = 30_000;
/** For everything, redirects and body included; for small things less, see `totalOf`. */
const TOTAL_TIMEOUT_MS = 15 * 60_000;
/** The slowest body that is waited for: one that drips must not be held for minutes when it can only be small. */
const MIN_BYTES_PER_MS = 64;
/** As many as the go command follows. */
const MAX_REDIRECTS = 10;
/** What may be read of an answer that gives a reason instead of the thing, however small the thing may be. */
const REASON_BYTES = 64 * 1024;
/** What gzip may add to bytes that cannot be compressed, and its own frame. */
const GZIP_OVERHEAD_BYTES = 64 * 1024;
/** How long a connection waits for the next request. */
const KEEP_ALIVE_MS = 15_000;
const USER_AGENT = "Gokura";

export interface GuardedHttpOptions {
  /** Addresses and CIDRs that may be reached although they are private. */
  readonly allowNetworks: readonly string[];
  /** Hosts as `URL.host` says them (`go.corp`, `10.0.0.7:8081`) that may have any address: the administrator named them. */
  readonly trustedHosts: ReadonlySet<string>;
  /** PEM certificates that are trusted besides Node's own. */
  readonly caFile?: string | undefined;
}

export interface GetOptions {
  /** Authorization and Cookie go to the host of the URL only. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly signal?: AbortSignal | undefined;
  /** The most bytes of the decoded body, if the status is 200; other bodies are bounded by REASON_BYTES at least. */
  readonly maxBytes: number;
  readonly connectTimeoutMs?: number | undefined;
  readonly firstByteTimeoutMs?: number | undefined;
  readonly idleTimeoutMs?: number | undefined;
  readonly totalTimeoutMs?: number | undefined;
}

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
   * The answer to a GET, whatever its status. Throws Failure("unavailable") that names the host when there is none, when the
   * address or a redirect is refused, or when a bound is hit; the signal's reason when that is aborted.
   */
  get(url: string, options: GetOptions): Promise<HttpAnswer>;
  /** Whether a host that is not an administrator's may be reached; throws Failure("unavailable") and returns where it is. */
  addressesOf(url: string): Promise<string[]>;
  /** Drops the connections that wait. */
  close(): void;
}

/** Says no to an address; its text is for the log. */
class RefusedAddress extends Error {}

export function openHttp(options: GuardedHttpOptions): GuardedHttp {
  const { trustedHosts } = options;
  const mayReach = reachableAddresses(options.allowNetworks);
  const ca =
    options.caFile === undefined
      ? undefined
      : [...tls.getCACertificates("default"), readFileSync(options.caFile, "utf8")];
  const agentSettings = { keepAlive: true, timeout: KEEP_ALIVE_MS };
  const agents = { "http:": new http.Agent(agentSettings), "https:": new https.Agent(agentSettings) };

  /** Look-ups under way: a name that hangs must not take one of Node's few threads for each request. */
  const lookups = new Map<string, Promise<LookupAddress[]>>();
  const resolve = (hostname: string): Promise<LookupAddress[]> => {
    const known = lookups.get(hostname);
    if (known !== undefined) return known;
    const fresh = new Promise<LookupAddress[]>((done, fail) =>
      lookUp(hostname, { all: true }, (error, found) => (error ? fail(error) : done(found))),
    ).finally(() => lookups.delete(hostname));
    lookups.set(hostname, fresh);
    return fresh;
  };

  /** The addresses behind a name that may be reached. */
  const admitted = async (url: URL): Promise<LookupAddress[]> => {
    const hostname = url.hostname.replace(/^\[|\]$/g, "");
    const family = isIP(hostname);
    const found = family === 0 ? await resolve(hostname) : [{ address: hostname, family }];
    if (trustedHosts.has(url.host)) return found;
    const good = found.filter(({ address }) => mayReach(address));
    if (good.length === 0)
      throw new RefusedAddress(`${hostname} is at ${found.map(({ address }) => address).join(", ")}`);
    return good;
  };

  /** One request without redirects: the head of the answer. */
  const send = async (url: URL, headers: Record<string, string>, bounds: Bounds): Promise<IncomingMessage> => {
    if (isIP(url.hostname.replace(/^\[|\]$/g, "")) !== 0) await admitted(url); // is connected to without a look-up
    const lookup: LookupFunction = (_, how, callback) => {
      admitted(url).then(
        (found) => (how.all ? callback(null, found) : callback(null, found[0]!.address, found[0]!.family)),
        (error: NodeJS.ErrnoException) => callback(error, []),
      );
    };
    const attempt = (fresh: boolean): Promise<IncomingMessage> =>
      new Promise((done, fail) => {
        const protocol = url.protocol === "https:" ? https : http;
        const agent = fresh ? false : agents[url.protocol as keyof typeof agents];
        const request = protocol.request(url, { agent, headers, lookup, ...(ca ? { ca } : {}) });
        const tooSlow = (what: string, ms: number): NodeJS.Timeout =>
          setTimeout(() => request.destroy(timeout(url, what, ms)), ms);
        let timer = tooSlow("no connection", bounds.connectMs);
        const connected = (): void => {
          clearTimeout(timer);
          timer = tooSlow("no answer", bounds.firstByteMs);
        };
        const forget = bounds.onCut((reason) => request.destroy(reason));
        request.once("socket", (socket) => {
          if (!socket.connecting) connected();
          else socket.once(url.protocol === "https:" ? "secureConnect" : "connect", connected);
        });
        let answered = false;
        request.once("response", (response) => {
          answered = true;
          clearTimeout(timer);
          forget();
          done(response);
        });
        request.on("error", (error: NodeJS.ErrnoException) => {
          if (answered) return; // then the body tells
          clearTimeout(timer);
          forget();
          // A connection that was kept may have been closed just when we took it up again.
          if (request.reusedSocket && /^(ECONNRESET|EPIPE)$/.test(error.code ?? "")) attempt(true).then(done, fail);
          else fail(error);
        });
        request.end();
      });
    return await attempt(false);
  };

  return {
    async get(text, asked) {
      const bounds = boundsOf(asked);
      let url = new URL(text);
      const first = url;
      const headers: Record<string, string> = {
        "user-agent": USER_AGENT,
        "accept-encoding": "gzip",
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
          const response = await send(url, headers, bounds);
          const location = isRedirect(response.statusCode) ? response.headers.location : undefined;
          if (location === undefined) {
            const body = bodyOf(response, url, asked, bounds);
            body.once("close", over);
            return { status: response.statusCode ?? 0, headers: response.headers, body, finalUrl: url.href };
          }
          response.destroy();
          if (hops >= MAX_REDIRECTS) throw unavailable(first, `more than ${MAX_REDIRECTS} redirects`);
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
          url = next;
        }
      } catch (error) {
        over();
        throw told(error, url, asked.signal);
      }
    },
    async addressesOf(text) {
      const url = new URL(text);
      try {
        checkScheme(url);
        return (await admitted(url)).map(({ address }) => address);
      } catch (error) {
        throw told(error, url, undefined);
      }
    },
    close() {
      for (const agent of Object.values(agents)) agent.destroy();
    },
  };
}

/** The time limits of one GET, and what ends it early. */
interface Bounds {
  readonly connectMs: number;
  readonly firstByteMs: number;
  readonly idleMs: number;
  readonly totalMs: number;
  /** Ends whatever is under way with a reason. */
  cut(reason: Error): void;
  /** Has something called by `cut`; returns what undoes that. */
  onCut(action: (reason: Error) => void): () => void;
}

function boundsOf(asked: GetOptions): Bounds {
  const actions = new Set<(reason: Error) => void>();
  return {
    connectMs: asked.connectTimeoutMs ?? CONNECT_TIMEOUT_MS,
    firstByteMs: asked.firstByteTimeoutMs ?? FIRST_BYTE_TIMEOUT_MS,
    idleMs: asked.idleTimeoutMs ?? IDLE_TIMEOUT_MS,
    totalMs: asked.totalTimeoutMs ?? totalOf(asked.maxBytes),
    cut(reason) {
      for (const action of [...actions]) action(reason);
    },
    onCut(action) {
      actions.add(action);
      return () => actions.delete(action);
    },
  };
}

/** As long as the largest body takes at the slowest pace, after the longest wait for it. */
function totalOf(maxBytes: number): number {
  const wait = CONNECT_TIMEOUT_MS + FIRST_BYTE_TIMEOUT_MS;
  return Math.min(TOTAL_TIMEOUT_MS, wait + Math.ceil(maxBytes / MIN_BYTES_PER_MS));
}

function checkScheme(url: URL): void {
  if (url.protocol !== "http:" && url.protocol !== "https:")
    throw unavailable(url, `${url.protocol} is neither http nor https`);
}

function isRedirect(status: number | undefined): boolean {
  return status === 301 || status === 302 || status === 303 || status === 307 || status === 308;
}

/** The body, decoded and counted. */
function bodyOf(response: IncomingMessage, url: URL, { maxBytes, signal }: GetOptions, bounds: Bounds): Readable {
  // Of an answer that is not the thing itself the status is enough; its body may be long or unreadable.
  const isThing = response.statusCode === 200;
  const most = isThing ? maxBytes : Math.max(maxBytes, REASON_BYTES);
  const tooLarge = (): Failure => new Failure("too-large", `${url.host} sends more than the ${most} bytes allowed`);
  const encoding = response.headers["content-encoding"]?.toLowerCase() ?? "identity";
  const zipped = encoding === "gzip" || encoding === "x-gzip";
  const refusal =
    !zipped && encoding !== "identity"
      ? unavailable(url, "an answer in an encoding that nobody asked for")
      : isThing && !zipped && Number(response.headers["content-length"] ?? 0) > most
        ? tooLarge()
        : undefined;
  if (refusal !== undefined && isThing) {
    response.destroy();
    throw refusal;
  }

  let sent = 0;
  let decoded = 0;
  let idle: NodeJS.Timeout;
  const meter = new Transform({
    transform(chunk: Buffer, _, callback) {
      idle.refresh();
      decoded += chunk.length;
      callback(decoded > most ? tooLarge() : null, chunk);
    },
    destroy(error, callback) {
      callback(error && told(error, url, signal));
    },
  });
  idle = setTimeout(() => {
    // Somebody who does not take what is there is no fault of the upstream's.
    if (meter.readableLength > 0) idle.refresh();
    else meter.destroy(timeout(url, "nothing more", bounds.idleMs));
  }, bounds.idleMs);
  response.on("data", (chunk: Buffer) => {
    sent += chunk.length;
    if (sent > most + GZIP_OVERHEAD_BYTES) meter.destroy(tooLarge());
  });
  const forget = bounds.onCut((reason) => meter.destroy(reason));
  meter.once("close", () => {
    clearTimeout(idle);
    forget();
  });
  meter.on("error", () => {}); // whoever reads learns of it; if nobody does, nobody needs to
  const done = (): void => {};
  if (refusal !== undefined) {
    response.destroy();
    meter.destroy(refusal);
  } else if (zipped) pipeline(response, createGunzip(), meter, done);
  else pipeline(response, meter, done);
  return meter;
}

const unavailable = (url: URL, what: string, cause?: unknown): Failure =>
  new Failure("unavailable", `${url.host || url.protocol}: ${what}`, cause === undefined ? {} : { cause });

const timeout = (url: URL, what: string, ms: number): Failure => unavailable(url, `${what} within ${ms / 1000} s`);

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
function told(error: unknown, url: URL, signal: AbortSignal | undefined): Error {
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
