// The body of a request of git's: checked by its headers, decompressed, bounded in bytes, and read at a pace that is the
// client's to keep (client-pace.ts). What a fetch asks for is read whole before anything is taken for it that others could
// need, so that whoever drips a request keeps nobody from anything; all such requests together hold a bounded memory.

import type { IncomingMessage } from "node:http";
import type { Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import { Failure, invalid } from "../../errors.ts";
import type { ClientPace } from "./client-pace.ts";

/** What all requests that are read whole hold together, in bytes. */
const MAX_HELD_BYTES = 128 * 1024 * 1024;

/** The client left, or was too slow: there is nobody to answer. */
export class ClientLeft extends Error {}

export interface BodyRules {
  /** The one content type that is taken. */
  readonly type: string;
  /** After decompression. */
  readonly maxBytes: number;
}

/** Chunk by chunk. Throws Failure("invalid") or Failure("too-large"), the signal's reason, or ClientLeft. */
export type Body = AsyncGenerator<Buffer, void, void>;

/** The body of a request. Throws Failure at once for what its headers say. */
export function requestBody(req: IncomingMessage, rules: BodyRules, pace: ClientPace, signal: AbortSignal): Body {
  if (req.headers["content-type"] !== rules.type) {
    // A form or a script of a foreign page cannot send this type without being asked for permission by the browser.
    throw invalid(`the content type must be ${rules.type}`);
  }
  if (Number(req.headers["content-length"] ?? 0) > rules.maxBytes) throw tooLarge(rules);
  return chunksOf(decompressed(req, signal), rules, pace, signal);
}

function decompressed(req: IncomingMessage, signal: AbortSignal): Readable {
  const encoding = req.headers["content-encoding"] ?? "identity";
  if (encoding === "identity") return req;
  if (encoding !== "gzip" && encoding !== "x-gzip") throw invalid(`the content encoding ${encoding} is not supported`);
  const gunzip = createGunzip();
  // Not pipeline(): it would destroy the request, and with it the connection that is to carry our answer.
  const stop = (): void => void gunzip.destroy(new ClientLeft("the request ended early"));
  req.once("error", stop);
  signal.addEventListener("abort", stop, { once: true });
  gunzip.once("close", () => {
    req.off("error", stop);
    signal.removeEventListener("abort", stop);
  });
  gunzip.on("error", () => {});
  return req.pipe(gunzip);
}

async function* chunksOf(readable: Readable, rules: BodyRules, pace: ClientPace, signal: AbortSignal): Body {
  const chunks: AsyncIterator<Buffer, void> = readable.iterator({ destroyOnReturn: false });
  let bytes = 0;
  for (;;) {
    signal.throwIfAborted(); // before anything is asked for whose failure nobody would hear of
    const next = await pace.wait(unlessAborted(chunks.next(), signal), ({ value }) => value?.length ?? 0).catch(told);
    if (next.done) return;
    bytes += next.value.length;
    if (bytes > rules.maxBytes) throw tooLarge(rules);
    yield next.value;
  }
}

function told(error: unknown): never {
  const isGzip = error instanceof Error && "code" in error && String(error.code).startsWith("Z_");
  throw isGzip ? invalid("the request body is not valid gzip") : error;
}

/** What a promise brings, or the signal's reason, whichever is first. */
async function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return await new Promise<T>((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
  });
}

function tooLarge({ maxBytes }: BodyRules): Failure {
  return new Failure("too-large", `the request is larger than ${maxBytes} bytes, the limit of this server`);
}

let heldBytes = 0;

/** A body that was read whole; `release` gives back what it counted for. */
export interface WholeBody {
  readonly bytes: Buffer;
  release(): void;
}

/**
 * Reads a body whole, within `timeMs`. Throws what the body throws, ClientLeft when the time is over, and
 * Failure("unavailable") when all requests together would hold too much.
 */
export async function readWhole(body: Body, timeMs: number): Promise<WholeBody> {
  const end = performance.now() + timeMs;
  const chunks: Buffer[] = [];
  let counted = 0;
  const release = (): void => {
    heldBytes -= counted;
    counted = 0;
  };
  try {
    for await (const chunk of body) {
      if (performance.now() > end) throw new ClientLeft(`the request took longer than ${timeMs} ms`);
      if (heldBytes + chunk.length > MAX_HELD_BYTES)
        throw new Failure("unavailable", "too many large fetches are under way, try again in a minute");
      heldBytes += chunk.length;
      counted += chunk.length;
      chunks.push(chunk);
    }
    return { bytes: Buffer.concat(chunks), release };
  } catch (error) {
    release();
    throw error;
  }
}
