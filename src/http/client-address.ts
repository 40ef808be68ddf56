// Whose request it is, for the log. Behind a reverse proxy the connection is the proxy's, and the client's address is what
// the proxy says in X-Forwarded-For; anybody else could say anything there, so only proxies named in GOKURA_TRUST_PROXY
// are believed, and only up to the first address that is none of them.
import type { IncomingMessage } from "node:http";
import { isIP } from "node:net";
import { networkList, plainAddress } from "../network/ip-address.ts";

/** Returns a function that tells the address of the client of a request. */
export function clientAddress(trustedProxies: readonly string[]): (req: IncomingMessage) => string {
  const trusted = networkList(trustedProxies);
  return (req) => {
    const peer = plainAddress(req.socket.remoteAddress ?? "");
    if (trustedProxies.length === 0 || !trusted(peer)) return peer;
    const said = String(req.headers["x-forwarded-for"] ?? "")
      .split(",")
      .map((one) => plainAddress(one.trim()));
    const stranger = said.reverse().find((address) => !trusted(address));
    return stranger !== undefined && isIP(stranger) ? stranger : peer;
  };
}

/** Returns a function that tells whether a request came by one of these proxies. */
export function trustedPeers(trustedProxies: readonly string[]): (req: IncomingMessage) => boolean {
  const trusted = networkList(trustedProxies);
  return (req) => trustedProxies.length > 0 && trusted(plainAddress(req.socket.remoteAddress ?? ""));
}
