// The address that a client uses for us: scheme, host, port. GOKURA_URL says it once for all; without it the request does,
// and behind a reverse proxy the headers in which the proxy says what it was asked (X-Forwarded-Proto, -Host, -Port,
// -Prefix). Only proxies named in GOKURA_TRUST_PROXY are believed. Clients of the REST API follow addresses as they are,
// and warn when the host is not the one that they were given.
import type { IncomingMessage } from "node:http";
import { trustedPeers } from "./client-address.ts";

const HOST = /^(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?$/;
const PREFIX = /^(?:\/[\w.~-]+)+$/;

interface Addresses {
  /** GOKURA_URL. */
  readonly url: string | undefined;
  readonly trustProxy: readonly string[];
}

/** Returns a function that tells the address, without a slash at the end; `otherwise` for a request that does not say. */
export function ownAddress(config: Addresses, otherwise: () => string): (req: IncomingMessage) => string {
  const trusted = trustedPeers(config.trustProxy);
  return (req) => {
    if (config.url !== undefined) return config.url;
    const said = trusted(req) ? forwarded(req) : {};
    const host = said.host ?? req.headers.host ?? "";
    if (!HOST.test(host)) return otherwise();
    const scheme = said.scheme ?? ("encrypted" in req.socket ? "https" : "http");
    const address = `${scheme}://${host}${said.port !== undefined && !/:\d+$/.test(host) ? `:${said.port}` : ""}`;
    return URL.canParse(address) ? `${new URL(address).origin}${said.prefix ?? ""}` : otherwise();
  };
}

interface Forwarded {
  readonly scheme?: string | undefined;
  readonly host?: string | undefined;
  readonly port?: string | undefined;
  readonly prefix?: string | undefined;
}

function forwarded({ headers }: IncomingMessage): Forwarded {
  const first = (name: string, shape: RegExp): string | undefined => {
    const value = String(headers[name] ?? "")
      .split(",", 1)[0]!
      .trim();
    return shape.test(value) ? value : undefined;
  };
  return {
    scheme: first("x-forwarded-proto", /^https?$/),
    host: first("x-forwarded-host", HOST),
    port: first("x-forwarded-port", /^\d{1,5}$/),
    prefix: first("x-forwarded-prefix", PREFIX),
  };
}
