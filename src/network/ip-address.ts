// Addresses and networks of both families, read by one library (ipaddr.js). That library also takes what C programs take for
// an address ("127.1", "0x7f000001", "010.0.0.1"), so Node says first what is one: four decimal numbers, or RFC 4291, 2.2.
// An IPv4 address in IPv6's clothes (::ffff:10.0.0.1; RFC 4291, 2.5.5.2) is the IPv4 address.
import { isIP } from "node:net";
import ipaddr from "ipaddr.js";

type Address = ipaddr.IPv4 | ipaddr.IPv6;
type Network = readonly [Address, number];

/** Bits of the beginning of an IPv4 address in IPv6's clothes. */
const MAPPED_BITS = 96;
/** Of IPv6 a machine has whole networks of this prefix to itself (RFC 6177). */
const GROUPS_OF_ONE = 4;

/**
 * What Node takes for an address as a value, as it is written, an interface behind it ("%eth0") left aside. The library reads
 * ::10.0.0.1 as ::ffff:10.0.0.1, which is another address, but 0::10.0.0.1 as what both say (RFC 4291, 2.5.5.1).
 */
function asValue(text: string): Address {
  return ipaddr.parse(text.replace(/%.*$/, "").replace(/^::(?=\d+\.)/, "0::"));
}

/** An IPv4 address in IPv6's clothes as the IPv4 address, any other as it is. */
function undressed(address: Address): Address {
  return address instanceof ipaddr.IPv6 && address.isIPv4MappedAddress() ? address.toIPv4Address() : address;
}

/** An address as a value, without IPv6's clothes; undefined for what is none. */
function addressIn(text: string): Address | undefined {
  return isIP(text) === 0 ? undefined : undressed(asValue(text));
}

/** A network, or an address as one of its own; undefined for what is neither. */
function networkIn(text: string): Network | undefined {
  const [word = "", digits, ...rest] = text.split("/");
  const family = isIP(word);
  if (family === 0 || rest.length > 0) return undefined;
  const longest = family === 4 ? 32 : 128;
  const bits = digits === undefined ? longest : /^\d{1,3}$/.test(digits) ? Number(digits) : Number.NaN;
  if (!(bits <= longest)) return undefined;
  const address = asValue(word);
  return address instanceof ipaddr.IPv6 && address.isIPv4MappedAddress() && bits >= MAPPED_BITS
    ? [address.toIPv4Address(), bits - MAPPED_BITS]
    : [address, bits];
}

/** Whether a text is an address, or a network such as 10.0.0.0/8 (RFC 4632, 3.1). */
export function isAddressOrNetwork(text: string): boolean {
  return networkIn(text) !== undefined;
}

/**
 * A list of addresses and networks, as a question: whether an address is in it. What is no address is in none. Throws for an
 * entry that is neither.
 */
export function networkList(entries: readonly string[]): (address: string) => boolean {
  const networks = entries.map((entry) => {
    const network = networkIn(entry);
    if (!network) throw new Error(`"${entry}" is neither an address nor a network`);
    return network;
  });
  return (text) => {
    const address = addressIn(text);
    if (!address) return false;
    // ::/0 is everything.
    const forms = address instanceof ipaddr.IPv4 ? [address, address.toIPv4MappedAddress()] : [address];
    return networks.some(([network, bits]) =>
      forms.some((form) => form.kind() === network.kind() && form.match(network, bits)),
    );
  };
}

/** An address without IPv6's clothes; what is none stays as it is. */
export function plainAddress(text: string): string {
  if (!text.includes(":")) return text; // it wears none
  const address = addressIn(text);
  return address instanceof ipaddr.IPv4 ? address.toString() : text;
}

/** What stands for one machine on the net: an IPv4 address, or the network of an IPv6 address, all of which it may have. */
export function machineOf(text: string): string {
  const address = addressIn(text);
  return address instanceof ipaddr.IPv6
    ? address.parts
        .slice(0, GROUPS_OF_ONE)
        .map((group) => group.toString(16))
        .join(":")
    : plainAddress(text);
}

/** The eight numbers of an IPv6 address as it is written, clothes and all; undefined for what is none. */
export function groupsOf(text: string): readonly number[] | undefined {
  const address = isIP(text) === 6 ? asValue(text) : undefined;
  return address instanceof ipaddr.IPv6 ? address.parts : undefined;
}

/** The 4 or 16 bytes of an address as it is written. */
export function bytesOfAddress(text: string): Buffer {
  return Buffer.from(asValue(text).toByteArray());
}
