// Bodies that are read within bounds. Whatever a server says about its length or its encoding: no more bytes are taken than
// may be, compressed or not, none are waited for without end, and fewer than were promised are trouble, not an answer.
import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import { pipeline, type Readable, Transform } from "node:stream";
import { createGunzip } from "node:zlib";
import { noteStreamed } from "../concurrency/streamed-garbage.ts";
import { Failure, isFailure } from "../errors.ts";
import { Refused } from "./admission.ts";
import type { GetOptions, HttpBounds } from "./http-bounds.ts";
import { timeout, told, unavailable } from "./http-trouble.ts";

/** What may be read of an answer that gives a reason instead of the thing, however small the thing may be. */
const REASON_BYTES = 64 * 1024;
/** What gzip may add to bytes that cannot be compressed, and its own frame. */
const GZIP_OVERHEAD_BYTES = 64 * 1024;

/** The body of an answer, decoded and counted. Throws at once if its head already says that it is none. */
export function bodyOf(
  response: IncomingMessage,
  url: URL,
  { maxBytes, signal }: GetOptions,
  bounds: HttpBounds,
): Readable {
  // Of an answer that is not the thing itself the status is enough; its body may be long or unreadable.
  const isThing = response.statusCode === 200;
  const most = isThing ? maxBytes : Math.max(maxBytes, REASON_BYTES);
  const tooLarge = (): Failure => new Failure("too-large", `${url.host} sends more than the ${most} bytes allowed`);
  const encoding = response.headers["content-encoding"]?.toLowerCase() ?? "identity";
  const zipped = encoding === "gzip" || encoding === "x-gzip";
  const refusal =
    !zipped && encoding !== "identity"
      ? unavailable(url, "an answer in an encoding that nobody asked for")
      : isThing && !zipped && Number(response.headers["content-length"] ?? 0) > most
        ? tooLarge()
        : undefined;
  if (refusal !== undefined && isThing) {
    response.destroy();
    throw refusal;
  }

  let sent = 0;
  let decoded = 0;
  let idle: NodeJS.Timeout;
  const meter = new Transform({
    transform(chunk: Buffer, _, callback) {
      idle.refresh();
      decoded += chunk.length;
      callback(decoded > most ? tooLarge() : null, chunk);
    },
    destroy(error, callback) {
      callback(error && told(error, url, signal));
    },
  });
  idle = setTimeout(() => {
    // Somebody who does not take what is there is no fault of the upstream's.
    if (meter.readableLength > 0) idle.refresh();
    else meter.destroy(timeout(url, "nothing more", bounds.idleMs));
  }, bounds.idleMs);
  response.on("data", (chunk: Buffer) => {
    sent += chunk.length;
    noteStreamed(chunk.length);
    if (sent > most + GZIP_OVERHEAD_BYTES) meter.destroy(tooLarge());
  });
  const forget = bounds.onCut((reason) => meter.destroy(reason));
  meter.once("close", () => {
    clearTimeout(idle);
    forget();
  });
  meter.on("error", () => {}); // whoever reads learns of it; if nobody does, nobody needs to
  const done = (): void => {};
  if (refusal !== undefined) {
    response.destroy();
    meter.destroy(refusal);
  } else if (zipped) pipeline(response, createGunzip(), meter, done);
  else pour(response, meter);
  return meter;
}

/** Has everything of an answer flow into its meter. What stream.pipeline does, without its cost of a tenth of a small request. */
function pour(response: IncomingMessage, meter: Transform): void {
  const broken = (error?: Error): void => {
    if (!meter.writableEnded) meter.destroy(error ?? Object.assign(new Error("aborted"), { code: "ECONNRESET" }));
  };
  response.on("error", broken).once("close", () => broken());
  meter.once("close", () => {
    if (!response.readableEnded) response.destroy();
  });
  response.pipe(meter);
}

/** All bytes of a body. */
export async function bytesOf(body: Readable): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of body) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** The first bytes of a body, at most so many, or as many as came before it broke off; the rest is not read. */
export async function firstBytesOf(body: Readable, most: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of body as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      size += chunk.length;
      if (size >= most) break;
    }
  } catch {
    // what came is told
  }
  return Buffer.concat(chunks).subarray(0, most);
}

/** A body that an upstream began to send. */
interface SentBody {
  readonly body: Readable;
  readonly headers: IncomingHttpHeaders;
  /** Whose it is, for messages. */
  readonly upstream: string;
}

/** The chunks of an answer; throws Refused beyond `maxBytes`, unavailable when they are not as many as was said. */
export async function* chunksOf(
  { body, headers, upstream }: SentBody,
  maxBytes: number,
): AsyncGenerator<Buffer, void, undefined> {
  let size = 0;
  try {
    for await (const chunk of body as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > maxBytes) throw new Refused(`upstream sent more than ${maxBytes} bytes`);
      yield chunk;
    }
  } catch (cause) {
    if (isFailure(cause, "too-large")) throw new Refused(cause.message);
    if (cause instanceof Refused || isFailure(cause)) throw cause;
    throw new Failure("unavailable", `${upstream} broke off its answer; try again`, {
      reason: "upstream_unavailable",
      cause,
    });
  } finally {
    body.destroy();
  }
  const length = lengthOf(headers["content-length"], headers["content-encoding"]);
  if (length !== undefined && size !== length)
    throw new Failure("unavailable", `${upstream} sent ${size} bytes where it had promised ${length}; try again`, {
      reason: "upstream_unavailable",
    });
}

/** The length that was promised; undefined if none was, or one of something else than what we read. */
export function lengthOf(length: string | undefined, encoding: string | undefined): number | undefined {
  return encoding === undefined && length !== undefined && /^\d{1,15}$/.test(length) ? Number(length) : undefined;
}
