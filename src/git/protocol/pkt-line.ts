// git's wire format: every packet is four hex digits of length (themselves included) and a payload; 0000 is a flush
// (gitprotocol-common(5), "pkt-line Format"). With side-band, the first byte of a payload is its channel: 1 data,
// 2 progress for people ("remote: …"), 3 a fatal error (gitprotocol-pack(5)).

export const LENGTH_DIGITS = 4;
/** The longest packet of the protocol, in bytes. */
const MAX_PACKET_BYTES = 65_520;

export const FLUSH = Buffer.from("0000", "latin1");

/** One packet with this payload. */
export function packet(payload: string | Buffer): Buffer {
  const bytes = Buffer.from(payload as string, "utf8");
  const length = (bytes.length + LENGTH_DIGITS).toString(16).padStart(LENGTH_DIGITS, "0");
  return Buffer.concat([Buffer.from(length, "latin1"), bytes]);
}

/** The packet that ends a conversation with side-band: the client prints the sentence and fails. */
export function fatalPacket(sentence: string): Buffer {
  return packet(`\u0003${sentence.slice(0, 900)}\n`);
}

/** How many bytes the packet that begins here has, its length included; undefined if none begins here, or not yet. */
export function packetLength(bytes: Buffer): number | undefined {
  const digits = bytes.toString("latin1", 0, LENGTH_DIGITS);
  const said = /^[0-9a-f]{4}$/i.test(digits) ? Number.parseInt(digits, 16) : Number.NaN;
  return said <= MAX_PACKET_BYTES ? Math.max(said, LENGTH_DIGITS) : undefined; // 0000, 0001 and 0002 have no payload
}

/**
 * A cutter of a stream into whole packets (with their lengths, special packets included). Feed it chunks as they come; it
 * returns the packets that are complete. Throws if the stream is not pkt-lines.
 */
export function packetCutter(): (chunk: Buffer) => Buffer[] {
  let rest: Buffer = Buffer.alloc(0);
  return (chunk) => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    const packets: Buffer[] = [];
    while (rest.length >= LENGTH_DIGITS) {
      const length = packetLength(rest);
      if (length === undefined) throw new Error("not a pkt-line");
      if (rest.length < length) break;
      packets.push(rest.subarray(0, length));
      rest = rest.subarray(length);
    }
    return packets;
  };
}
