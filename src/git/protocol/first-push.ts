// The first push into a repository decides, in git, by which hash its objects are named; afterwards nobody can change it.
// A server says in its announcement which formats it takes, and a client says in its first command which one it has
// (gitprotocol-capabilities(5), "object-format"). An empty repository is announced to take both: so a push to create can
// make a repository of the client's kind, and a push to an empty project of the other kind can be told what to do.
//
// git announces an empty repository by a line of zeros named capabilities^{}, and a client of the other format dies of
// that line, without a word that helps ("protocol error: unexpected capabilities^{}"). What carries the capabilities here
// is therefore a `.have` line, which says that the server has some object, and is skipped by who does not know it.
import type { IncomingMessage } from "node:http";
import type { Readable } from "node:stream";
import { LENGTH_DIGITS, packet, packetLength } from "./pkt-line.ts";

export type PushedFormat = "sha1" | "sha256";

/** The id of an object that nobody has. */
const NO_OBJECT = "6e6f20737563682067697420".padEnd(64, "0");
/** How long the first packet of a push is waited for. */
const PATIENCE_MS = 60_000;

/** What git announces of a repository for a push; an empty one is announced to take both formats. */
export function announceBothFormats(announced: Buffer): Buffer {
  const first = firstPacketOf(announced);
  const said = first && /^[0-9a-f]{4}(0{40,64}) capabilities\^\{\}\0(.*)\n?$/.exec(first.toString("latin1"));
  if (!first || !said) return announced;
  const [, zeros = "", capabilities = ""] = said;
  const [format, other] = zeros.length === 64 ? ["sha256", "sha1"] : ["sha1", "sha256"];
  // The format that comes first is that of the announcement itself.
  const both = `object-format=${format} object-format=${other}`;
  const rest = capabilities.split(" ").filter((each) => each !== "" && !each.startsWith("object-format="));
  const line = packet(`${NO_OBJECT.slice(0, zeros.length)} .have\0${[...rest, both].join(" ")}\n`);
  return Buffer.concat([line, announced.subarray(first.length)]);
}

/**
 * The object format that a push says it has, out of its first packet, which goes back into the request. Undefined for a
 * request that brings no commands: git sends one to try its credentials before a large push. A body that is compressed,
 * which no git sends here, or that is no push at all, counts as SHA-1; git refuses what is none.
 */
export async function pushedFormat(req: IncomingMessage): Promise<PushedFormat | undefined> {
  if ((req.headers["content-encoding"] ?? "identity") !== "identity") return "sha1";
  const begun = await beginningOf(req);
  const command = firstPacketOf(begun)?.toString("latin1") ?? "";
  if (command === "0000") return undefined;
  return / object-format=sha256(?:[ \n]|$)/.test(command.slice(command.indexOf("\0") + 1)) ? "sha256" : "sha1";
}

/** The packet that begins here, its length included; undefined if it is not whole, or none. What follows may be a pack. */
function firstPacketOf(bytes: Buffer): Buffer | undefined {
  const length = packetLength(bytes);
  return length === undefined || bytes.length < length ? undefined : bytes.subarray(0, length);
}

/** Reads as much as the first packet and puts it back. Less if the stream ends, fails or keeps one waiting too long. */
async function beginningOf(stream: Readable): Promise<Buffer> {
  const chunks: Buffer[] = [];
  const begun = (): Buffer => Buffer.concat(chunks);
  const isEnough = (bytes: Buffer): boolean => bytes.length >= (packetLength(bytes) ?? LENGTH_DIGITS);
  await new Promise<void>((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      stream.off("readable", take).off("end", done).off("close", done).off("error", done);
      resolve();
    };
    const take = (): void => {
      for (let chunk: Buffer | null = stream.read(); chunk !== null; chunk = stream.read()) {
        chunks.push(chunk);
        if (isEnough(begun())) {
          done();
          return;
        }
      }
    };
    const timer = setTimeout(done, PATIENCE_MS);
    stream.on("readable", take).on("end", done).on("close", done).on("error", done);
    take();
  });
  const bytes = begun();
  if (bytes.length > 0 && !stream.readableEnded && !stream.destroyed) stream.unshift(bytes);
  return bytes;
}
