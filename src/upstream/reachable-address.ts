// Which network addresses may be asked on behalf of others. A registry that follows redirects and import paths can be made
// to ask any address, so everything that is not the open internet is refused: private networks, loopback, link-local (where
// clouds keep their credentials), carrier-grade NAT, multicast; and the same hidden in IPv6, as a mapped, 6to4 or NAT64
// address. An administrator may allow networks. Sources: the IANA special-purpose address registries (RFC 6890); RFC 4291,
// 2.5.5.2 (mapped); RFC 3056 (6to4); RFC 6052 (NAT64).
import { isIP } from "node:net";
import { groupsOf, networkList } from "../network/ip-address.ts";

const REFUSED_IPV4 = [
  "0.0.0.0/8", // this host
  "10.0.0.0/8",
  "100.64.0.0/10", // carrier-grade NAT
  "127.0.0.0/8",
  "169.254.0.0/16", // link-local
  "172.16.0.0/12",
  "192.0.0.0/24", // protocol assignments
  "192.88.99.0/24", // 6to4 relays
  "192.168.0.0/16",
  "198.18.0.0/15", // benchmarks
  "224.0.0.0/4", // multicast
  "240.0.0.0/4", // reserved, broadcast
];

/** Of IPv6 only this is the open internet; what of it is refused again tunnels IPv4 in a way that nobody can check. */
const GLOBAL_IPV6 = ["2000::/3"];
const REFUSED_IPV6 = ["2001::/32"]; // Teredo

const refused4 = networkList(REFUSED_IPV4);
const global6 = networkList(GLOBAL_IPV6);
const refused6 = networkList(REFUSED_IPV6);

/** The rule for addresses that may be reached; `allowed` are addresses and CIDRs of an administrator. */
export function reachableAddresses(allowed: readonly string[]): (address: string) => boolean {
  const exceptions = networkList(allowed);
  return (address) => {
    const family = isIP(address);
    if (family === 0) return false;
    if (exceptions(address)) return true;
    if (family === 4) return !refused4(address);
    const inside = embeddedIPv4(address);
    if (inside !== undefined) return exceptions(inside) || !refused4(inside);
    return global6(address) && !refused6(address);
  };
}

/** The IPv4 address that an IPv6 address finally leads to: mapped, NAT64 or 6to4. */
function embeddedIPv4(address: string): string | undefined {
  const groups = groupsOf(address)!;
  const dotted = (high = 0, low = 0): string => [high >> 8, high & 255, low >> 8, low & 255].join(".");
  const begins = (...wanted: number[]): boolean => wanted.every((group, n) => groups[n] === group);
  if (begins(0, 0, 0, 0, 0, 0xffff) || begins(0x64, 0xff9b, 0, 0, 0, 0)) return dotted(groups[6], groups[7]);
  if (begins(0x2002)) return dotted(groups[1], groups[2]);
  return undefined;
}
