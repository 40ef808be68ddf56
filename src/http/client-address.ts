// Whose request it is, for the log. Behind a reverse proxy the connection is the proxy's, and the client's address is what
// the proxy says in X-Forwarded-For; anybody else could say anything there, so only proxies named in GOKURA_TRUST_PROXY
// are believed, and only up to the first address that is none of them.
import type { IncomingMessage } from "node:http";
import { BlockList, isIP } from "node:net";

/** Returns a function that tells the address of the client of a request. */
export function clientAddress(trustedProxies: readonly string[]): (req: IncomingMessage) => string {
  const trusted = addressList(trustedProxies);
  return (req) => {
    const peer = plain(req.socket.remoteAddress ?? "");
    if (trustedProxies.length === 0 || !trusted(peer)) return peer;
    const said = String(req.headers["x-forwarded-for"] ?? "")
      .split(",")
      .map((one) => plain(one.trim()));
    const stranger = said.reverse().find((address) => !trusted(address));
    return stranger !== undefined && isIP(stranger) ? stranger : peer;
  };
}

/** Returns a function that tells whether a request came by one of these proxies. */
export function trustedPeers(trustedProxies: readonly string[]): (req: IncomingMessage) => boolean {
  const trusted = addressList(trustedProxies);
  return (req) => trustedProxies.length > 0 && trusted(plain(req.socket.remoteAddress ?? ""));
}

/** IPv4 addresses in IPv6 clothes (::ffff:10.0.0.1) undressed. */
function plain(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.)/, "");
}

function addressList(entries: readonly string[]): (address: string) => boolean {
  const list = new BlockList();
  for (const entry of entries) {
    const [address = "", bits] = entry.split("/");
    const family = isIP(address) === 6 ? "ipv6" : "ipv4";
    if (bits === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(bits), family);
  }
  return (address) => isIP(address) !== 0 && list.check(address, isIP(address) === 6 ? "ipv6" : "ipv4");
}
