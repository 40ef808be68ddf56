// What git says to people while it gives objects out: progress and errors (channels 2 and 3 of the side-band) and `ERR`
// packets. They are passed on without the server's own paths (process/repository-words.ts). All the rest of the answer, which
// may be gigabytes of pack, goes through as it comes: of each packet only the first five bytes are looked at. A client that
// speaks no side-band gets its pack bare, which is the end of packets.

import { repositoryWords } from "../process/repository-words.ts";
import { LENGTH_DIGITS, packet, packetLength } from "./pkt-line.ts";
import { onChannel } from "./push-report.ts";

/** The length of a packet, and the first byte of what is in it. */
const HEAD_BYTES = LENGTH_DIGITS + 1;
const FIRST_OF_ERR = 0x45;

export interface FetchWords {
  /** What of git's output can be passed on by now. */
  take(chunk: Buffer): Buffer;
  /** The rest, when git has ended. */
  end(): Buffer;
}

/** The words in what upload-pack writes about the repository in this directory. */
export function fetchWords(directory: string): FetchWords {
  const words = repositoryWords(directory);
  let rest: Buffer = Buffer.alloc(0);
  /** So many bytes of the packet are still to be passed on; without end once there are no more packets. */
  let passing = 0;
  /** The beginning of a line of progress: packets cut lines anywhere. */
  let line = "";

  function tell(channel: 2 | 3, text: string): Buffer[] {
    if (text === "") return [];
    // Small enough for clients of either side-band.
    return onChannel(channel, Buffer.from(words.ofLatin1(text), "latin1"), "side-band");
  }

  function takeLine(): string {
    const taken = line;
    line = "";
    return taken;
  }

  /** A packet for people, without paths. */
  function said(whole: Buffer): Buffer[] {
    const payload = whole.subarray(LENGTH_DIGITS).toString("latin1");
    const channel = payload.charCodeAt(0);
    if (channel !== 2 && channel !== 3)
      return [payload.startsWith("ERR ") ? packet(Buffer.from(words.ofLatin1(payload), "latin1")) : whole];
    // An error is the last that is said, and need not be a line.
    if (channel === 3) return [...tell(2, takeLine()), ...tell(3, payload.slice(1))];
    const text = line + payload.slice(1);
    const complete = Math.max(text.lastIndexOf("\n"), text.lastIndexOf("\r")) + 1;
    line = text.slice(complete);
    return tell(2, text.slice(0, complete));
  }

  return {
    take(chunk) {
      rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      const out: Buffer[] = [];
      while (rest.length > 0) {
        if (passing === 0) {
          const length = rest.length < LENGTH_DIGITS ? 0 : packetLength(rest);
          if (length === 0) break;
          if (length === undefined) passing = Number.POSITIVE_INFINITY;
          else if (length === LENGTH_DIGITS) passing = length;
          else if (rest.length < HEAD_BYTES) break;
          else if (isForPeople(rest[LENGTH_DIGITS]!)) {
            if (rest.length < length) break;
            out.push(...said(rest.subarray(0, length)));
            rest = rest.subarray(length);
            continue;
          } else passing = length;
        }
        const part = rest.subarray(0, passing);
        out.push(part);
        passing -= part.length;
        rest = rest.subarray(part.length);
      }
      return out.length === 1 ? out[0]! : Buffer.concat(out);
    },
    end: () => Buffer.concat([...tell(2, takeLine()), rest]),
  };
}

const isForPeople = (first: number): boolean => first === 2 || first === 3 || first === FIRST_OF_ERR;
