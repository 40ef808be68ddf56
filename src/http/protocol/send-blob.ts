// A stored blob as an answer: streamed with backpressure, never whole in memory unless it is small and wanted often; HEAD,
// conditional requests and single ranges as RFC 9110 has them (13 and 14). A blob never changes, so its own sum is a strong
// validator. Works on Node's own request and response, so that a hit need not enter Koa.
import type { IncomingMessage, ServerResponse } from "node:http";
import type { TLSSocket } from "node:tls";
import { Failure } from "../../errors.ts";
import type { DownloadCount } from "../../registry/registry.ts";
import type { Blobs, ByteRange } from "../../storage/blobs.ts";
import { failsIfMatch, writeFailedCondition } from "./conditions.ts";
import { matchesEtag, writeNotModified } from "./etag.ts";

export interface BlobAnswer {
  readonly key: string;
  readonly size: number;
  readonly etag: string;
  /** What says what it is: name, value, name, value… */
  readonly headers: readonly string[];
  /** All of it, when it is kept in memory. */
  readonly bytes: Buffer | undefined;
  /** Counts who gets it, from the beginning on: not HEAD, not 304, and of a download in ranges only the first. */
  readonly downloads: DownloadCount;
}

/** Answers with a blob. Resolves when all is sent or the client is gone; rejects with nothing sent when it is not there. */
export async function sendBlob(
  req: IncomingMessage,
  res: ServerResponse,
  blobs: Blobs,
  blob: BlobAnswer,
): Promise<void> {
  const { size, etag, bytes } = blob;
  if (failsIfMatch(req, etag)) {
    writeFailedCondition(res);
    return;
  }
  const condition = req.headers["if-none-match"];
  if (condition !== undefined && matchesEtag(condition, etag)) {
    writeNotModified(res, etag, blob.headers);
    return;
  }
  const range = rangeOf(req, size, etag);
  const isSmall = bytes !== undefined && bytes.length <= SMALL_BYTES;
  const toProxy =
    req.method === "HEAD" || isSmall ? undefined : blobs.handOver?.(blob.key, req.socket.remoteAddress ?? "");
  if (toProxy) {
    // The range is the proxy's affair too, once it has the file.
    if (!(await blobs.has(blob.key))) throw new Failure("not-found", `blob ${blob.key} is not stored`);
    if (range === undefined || (range !== "unsatisfiable" && range.start === 0)) blob.downloads.add();
    res.writeHead(200, [...blob.headers, "ETag", etag, "Content-Length", "0", ...toProxy]);
    res.end();
    return;
  }
  if (range === "unsatisfiable") {
    res.writeHead(416, ["Content-Range", `bytes */${size}`, "Content-Length", "0"]);
    res.end();
    return;
  }
  const { start, end } = range ?? { start: 0, end: size - 1 };
  // HEAD is answered here: a link is signed for GET alone.
  const link = bytes || req.method === "HEAD" ? undefined : blobs.linkTo?.(blob.key);
  if (link !== undefined) {
    if (start === 0) blob.downloads.add();
    res.writeHead(302, ["Location", link, "Cache-Control", "no-store", "Content-Length", "0"]);
    res.end();
    return;
  }
  const file = bytes || req.method === "HEAD" ? undefined : await blobs.open(blob.key);
  if (range)
    res.writeHead(206, [...headersOf(blob, end - start + 1), "Content-Range", `bytes ${start}-${end}/${size}`]);
  else res.writeHead(200, headersOfWhole(blob));
  if (req.method === "HEAD") {
    res.end();
    return;
  }
  if (start === 0) blob.downloads.add();
  if (bytes) sendBytes(req, res, range ? bytes.subarray(start, end + 1) : bytes);
  else if (file) {
    await file.copyTo(res, { start, end }).catch(unlessClientLeft);
    res.end();
  }
}

/** The headers of an answer with all of a blob. */
export function headersOfWhole(blob: BlobAnswer): string[] {
  return headersOf(blob, blob.size);
}

function headersOf({ headers, etag }: BlobAnswer, length: number): string[] {
  return [...headers, "ETag", etag, "Accept-Ranges", "bytes", "Content-Length", String(length)];
}

/** So few bytes, when they are in memory, are quickly sent: beyond, what is around them is nothing beside copying them. */
export const SMALL_BYTES = 128 * 1024;

/** What is encrypted at once, in bytes: of a larger piece Node copies what it has encrypted once more (15 % for 5 MB). */
const TLS_PIECE = 128 * 1024;

/** Ends an answer with bytes that are in memory. */
function sendBytes(req: IncomingMessage, res: ServerResponse, bytes: Buffer): void {
  if (!(req.socket as TLSSocket).encrypted || bytes.length <= TLS_PIECE) {
    res.end(bytes);
    return;
  }
  let at = 0;
  const writeOn = (): void => {
    while (at + TLS_PIECE < bytes.length) {
      const piece = bytes.subarray(at, at + TLS_PIECE);
      at += TLS_PIECE;
      if (!res.write(piece)) return;
    }
    res.off("drain", writeOn);
    res.end(bytes.subarray(at));
  };
  res.on("drain", writeOn);
  writeOn();
}

/** ECANCELED: a write that waited for a client which then reset the connection. */
const CLIENT_LEFT = new Set(["ERR_STREAM_DESTROYED", "ERR_STREAM_PREMATURE_CLOSE", "ECONNRESET", "EPIPE", "ECANCELED"]);

/** Whether writing failed because nobody is there any more to read. */
export function hasClientLeft(error: NodeJS.ErrnoException): boolean {
  return CLIENT_LEFT.has(error.code ?? "");
}

function unlessClientLeft(error: NodeJS.ErrnoException): void {
  if (!hasClientLeft(error)) throw error;
}

/**
 * The one range that is asked for; undefined for the whole, also when several are asked for or If-Range does not fit. Of HEAD
 * none is: Range means something for GET alone (RFC 9110, 14.2).
 */
function rangeOf(req: IncomingMessage, size: number, etag: string): ByteRange | "unsatisfiable" | undefined {
  if (req.method !== "GET") return undefined;
  const { range, "if-range": ifRange } = req.headers;
  const match = range === undefined ? null : /^bytes=(\d*)-(\d*)$/.exec(range);
  if (!match || (match[1] === "" && match[2] === "") || (ifRange !== undefined && ifRange !== etag)) return undefined;
  const [, first = "", last = ""] = match;
  const start = first === "" ? Math.max(size - Number(last), 0) : Number(first);
  const end = first === "" || last === "" ? size - 1 : Math.min(Number(last), size - 1);
  return start > end || start >= size || (first === "" && Number(last) === 0) ? "unsatisfiable" : { start, end };
}
