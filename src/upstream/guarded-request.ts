// One request to a server that others chose, without redirects. The address is checked when the connection is made, on what
// the name resolved to then: a check before would let the name change in between (DNS rebinding).
// Source: OWASP, "Server Side Request Forgery Prevention Cheat Sheet".
import { type LookupAddress, lookup as lookUp } from "node:dns";
import http, { type IncomingMessage, type RequestOptions } from "node:http";
import https from "node:https";
import { isIP, type LookupFunction } from "node:net";
import { createSingleFlight } from "../concurrency/single-flight.ts";
import { trustedCertificates } from "../network/trusted-certificates.ts";
import { inSpan, traceHeaders } from "../telemetry/tracing.ts";
import type { HttpBounds } from "./http-bounds.ts";
import { RefusedAddress, timeout } from "./http-trouble.ts";
import { reachableAddresses } from "./reachable-address.ts";

export interface GuardedHttpOptions {
  /** Addresses and CIDRs that may be reached although they are private. */
  readonly allowNetworks: readonly string[];
  /** Hosts as `URL.host` says them (`go.corp`, `10.0.0.7:8081`) that may have any address: the administrator named them. */
  readonly trustedHosts: ReadonlySet<string>;
  /** PEM certificates that are trusted besides Node's own. */
  readonly caFile?: string | undefined;
}

/** How long a connection waits for the next request. */
const KEEP_ALIVE_MS = 15_000;

/** Makes single requests, on connections that are kept. */
export interface GuardedRequests {
  /**
   * The head of the answer to a GET or, with a body, a POST. Rejects with what went wrong, in whatever form (http-trouble.ts
   * `told`). A POST may be sent twice, when a connection that was kept breaks under it.
   */
  send(url: URL, headers: Record<string, string>, bounds: HttpBounds, body?: Buffer): Promise<IncomingMessage>;
  /** The addresses behind a URL's name that may be reached; rejects with RefusedAddress when there is none. */
  admitted(url: URL): Promise<LookupAddress[]>;
  /** Drops the connections that wait. */
  close(): void;
}

/** Opens the way out. */
export function openRequests({ allowNetworks, trustedHosts, caFile }: GuardedHttpOptions): GuardedRequests {
  const mayReach = reachableAddresses(allowNetworks);
  const ca = trustedCertificates(caFile);
  const agentSettings = { keepAlive: true, timeout: KEEP_ALIVE_MS };
  const agents = { "http:": new http.Agent(agentSettings), "https:": new https.Agent(agentSettings) };
  const resolve = sharedLookups();

  const admitted = async (url: URL): Promise<LookupAddress[]> => {
    const hostname = nameIn(url);
    const family = isIP(hostname);
    const found = family === 0 ? await resolve(hostname) : [{ address: hostname, family }];
    if (trustedHosts.has(url.host)) return found;
    const good = found.filter(({ address }) => mayReach(address));
    if (good.length === 0)
      throw new RefusedAddress(`${hostname} is at ${found.map(({ address }) => address).join(", ")}`);
    return good;
  };
  const lookupOf =
    (url: URL): LookupFunction =>
    (_, how, callback) => {
      admitted(url).then(
        (found) => (how.all ? callback(null, found) : callback(null, found[0]!.address, found[0]!.family)),
        (error: NodeJS.ErrnoException) => callback(error, []),
      );
    };

  return {
    admitted,
    send: (url, headers, bounds, body) =>
      inSpan(
        "upstream",
        "client",
        () => aboutRequest(url, body),
        async (span) => {
          if (isIP(nameIn(url)) !== 0) await admitted(url); // is connected to without a look-up
          const options = {
            headers: { ...headers, ...traceHeaders(url.host) },
            lookup: lookupOf(url),
            ...(ca ? { ca } : {}),
          };
          const agent = agents[url.protocol as keyof typeof agents];
          const answer = await headOf(url, { ...options, agent }, bounds, body).catch((error: unknown) => {
            // A connection that was kept may have been closed just when we took it up again.
            if (error instanceof StaleConnection) return headOf(url, { ...options, agent: false }, bounds, body);
            throw error;
          });
          span?.setAttribute("http.response.status_code", answer.statusCode ?? 0);
          return answer;
        },
      ),
    close() {
      for (const agent of Object.values(agents)) agent.destroy();
    },
  };
}

/** What a trace says of a request: no query, which may hold a signature, and no credentials. */
function aboutRequest(url: URL, body: Buffer | undefined): Record<string, string | number> {
  const { origin, protocol, pathname } = url;
  return {
    "http.request.method": body === undefined ? "GET" : "POST",
    "server.address": nameIn(url),
    "server.port": Number(url.port || (protocol === "https:" ? 443 : 80)),
    "url.full": origin + pathname,
  };
}

/** A connection that was kept broke as soon as it was used again. */
class StaleConnection extends Error {}

/** The head of the answer to one request. */
function headOf(url: URL, options: RequestOptions, bounds: HttpBounds, body?: Buffer): Promise<IncomingMessage> {
  return new Promise((done, fail) => {
    const method = body === undefined ? "GET" : "POST";
    const request = (url.protocol === "https:" ? https : http).request(url, { ...options, method });
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
      const isStale = request.reusedSocket && /^(ECONNRESET|EPIPE)$/.test(error.code ?? "");
      fail(isStale ? new StaleConnection("", { cause: error }) : error);
    });
    // Node closes a request without an error when the answer is that the protocol changes (101): nothing else would end it.
    request.once("close", () => {
      clearTimeout(timer);
      forget();
      fail(Object.assign(new Error("closed without an answer"), { code: "ECONNRESET" }));
    });
    request.end(body);
  });
}

/** Looks names up; one that hangs must not take one of Node's few threads for each request. */
function sharedLookups(): (hostname: string) => Promise<LookupAddress[]> {
  const lookups = createSingleFlight<string>();
  return (hostname) =>
    lookups.run(
      hostname,
      () =>
        new Promise<LookupAddress[]>((done, fail) =>
          lookUp(hostname, { all: true }, (error, found) => (error ? fail(error) : done(found))),
        ),
    );
}

function nameIn(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, "");
}
