// Which network addresses may be asked on behalf of others. A registry that follows redirects and import paths can be made
// to ask any address, so everything that is not the open internet is refused: private networks, loopback, link-local (where
// clouds keep their credentials), carrier-grade NAT, multicast; and the same hidden in IPv6, as a mapped, 6to4 or NAT64
// address. An administrator may allow networks. Sources: the IANA special-purpose address registries (RFC 6890); RFC 4291,
// 2.5.5.2 (mapped); RFC 3056 (6to4); RFC 6052 (NAT64).
import { BlockList, isIP, isIPv4 } from "node:net";

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

function networks(cidrs: readonly string[]): BlockList {
  const list = new BlockList();
  for (const cidr of cidrs) {
    const [address = "", bits] = cidr.split("/");
    const family = isIPv4(address) ? "ipv4" : "ipv6";
    list.addSubnet(address, bits === undefined ? (family === "ipv4" ? 32 : 128) : Number(bits), family);
  }
  return list;
}

const refused4 = networks(REFUSED_IPV4);
const global6 = networks(GLOBAL_IPV6);
const refused6 = networks(REFUSED_IPV6);

/** The rule for addresses that may be reached; `allowed` are addresses and CIDRs of an administrator. */
export function reachableAddresses(allowed: readonly string[]): (address: string) => boolean {
  const exceptions = networks(allowed);
  return (address) => {
    const family = isIP(address);
    if (family === 0) return false;
    if (family === 4) return exceptions.check(address) || !refused4.check(address);
    const plain = address.replace(/%.*$/, "");
    const inside = embeddedIPv4(plain);
    if (exceptions.check(plain, "ipv6") || (inside !== undefined && exceptions.check(inside))) return true;
    if (inside !== undefined) return !refused4.check(inside);
    return global6.check(plain, "ipv6") && !refused6.check(plain, "ipv6");
  };
}

/** The IPv4 address that an IPv6 address finally leads to: mapped, NAT64 or 6to4. */
function embeddedIPv4(address: string): string | undefined {
  const groups = groupsOf(address);
  const dotted = (high = 0, low = 0): string => [high >> 8, high & 255, low >> 8, low & 255].join(".");
  const begins = (...wanted: number[]): boolean => wanted.every((group, n) => groups[n] === group);
  if (begins(0, 0, 0, 0, 0, 0xffff) || begins(0x64, 0xff9b, 0, 0, 0, 0)) return dotted(groups[6], groups[7]);
  if (begins(0x2002)) return dotted(groups[1], groups[2]);
  return undefined;
}

/** The eight numbers of an IPv6 address. */
function groupsOf(address: string): number[] {
  const hex = address.replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_, a, b, c, d) =>
    [Number(a) * 256 + Number(b), Number(c) * 256 + Number(d)].map((group) => group.toString(16)).join(":"),
  );
  const [head = "", tail] = hex.split("::");
  const numbers = (text: string): number[] => (text === "" ? [] : text.split(":").map((group) => Number(`0x${group}`)));
  const left = numbers(head);
  if (tail === undefined) return left;
  const right = numbers(tail);
  return [...left, ...Array<number>(8 - left.length - right.length).fill(0), ...right];
}
