// Which objects a fetch asks for: the lines `want <object id>` of its request, in every version of the protocol
// (gitprotocol-pack(5), "Packfile Negotiation"; gitprotocol-v2(5), "fetch").
import { LENGTH_DIGITS, packetLength } from "./pkt-line.ts";

/** git reads as many digits as its repository's ids have, in either case, and passes over what follows. */
const WANT = /^want (([0-9a-f]{40})(?:[0-9a-f]{24})?)/i;

/**
 * The ids of the objects that a request wants; of one that could be of either length, both readings. What is no request wants nothing, and git refuses it.
 */
export function wantedObjects(request: Buffer): string[] {
  const wanted: string[] = [];
  for (let at = 0; at < request.length; ) {
    const length = packetLength(request.subarray(at, at + LENGTH_DIGITS));
    if (length === undefined) break;
    const found = WANT.exec(request.toString("latin1", at + LENGTH_DIGITS, Math.min(at + length, at + 80)));
    if (found) wanted.push(...new Set([found[1]!.toLowerCase(), found[2]!.toLowerCase()]));
    at += length;
  }
  return wanted;
}
