// What is asked of the server of a bucket, and what it answers when it does not do it.
import { hash } from "node:crypto";
import type { FileHandle } from "node:fs/promises";
import type { IncomingMessage } from "node:http";
import { Readable } from "node:stream";
import type { ByteRange } from "../blobs.ts";

/** What is put under a key. */
export interface PutObject {
  /** SHA-256 of the body, hex: the server compares. */
  readonly sha256: string;
  readonly size: number;
  /** The body, or what of it is in a range (both ends inclusive); called anew for each try. */
  readonly body: (range?: ByteRange) => Readable | Buffer;
  /** Refuse the request if there is an object already. */
  readonly onlyNew: boolean;
}

/** What is put of bytes that are in memory. */
export function bytesToPut(bytes: Buffer): Pick<PutObject, "sha256" | "size" | "body"> {
  return {
    ...{ sha256: hash("sha256", bytes), size: bytes.length },
    body: (range) => (range ? bytes.subarray(range.start, range.end + 1) : bytes),
  };
}

const PIECE_BYTES = 64 * 1024;

/**
 * The body that is the first `size` bytes of an open file. One that is given up leaves the file open for the next try and the
 * next part. A stream of the file's own would not: Node closes the file when it is destroyed, whatever autoClose says.
 */
export function bodyOfFile(file: FileHandle, size: number): PutObject["body"] {
  if (size === 0) return () => Buffer.alloc(0);
  return (range = { start: 0, end: size - 1 }) => Readable.from(piecesOf(file, range), { objectMode: false });
}

async function* piecesOf(file: FileHandle, { start, end }: ByteRange): AsyncGenerator<Buffer> {
  for (let at = start; at <= end; ) {
    const length = Math.min(PIECE_BYTES, end - at + 1);
    const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(length), 0, length, at);
    if (bytesRead === 0) throw new Error("a file became shorter while it was sent");
    at += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
}

/** One request. `payload`: the SHA-256 of its body. */
export interface BucketRequest {
  readonly method: "GET" | "HEAD" | "PUT" | "POST" | "DELETE";
  readonly url: URL;
  readonly headers?: Readonly<Record<string, string>>;
  readonly payload?: string;
  readonly body?: () => Readable | Buffer;
}

/** What the server answered when it was not what was asked for. */
export class BucketAnswer extends Error {
  readonly status: number;
  /** Its own word for what is wrong, such as SignatureDoesNotMatch; "" without one. */
  readonly code: string;
  constructor(status: number, code: string, message: string) {
    super(`${status}${code === "" ? "" : ` ${code}`}${message === "" ? "" : `: ${message}`}`);
    this.status = status;
    this.code = code;
  }
}

/** How a bucket asks, for those who make one thing of several requests. */
export interface Requests {
  /** Asks until there is an answer that does not say "later". */
  ask(asked: BucketRequest): Promise<IncomingMessage>;
  /** Reads an answer that is no object; throws what it says if its status is not among the good. */
  textOf(answer: IncomingMessage, ...good: readonly number[]): Promise<string>;
  /** What is thrown for an answer that is none of those. */
  refused(answer: BucketAnswer): Error;
  urlOf(key: string): URL;
  /** Size of the object of a key; undefined: there is none. */
  sizeOf(key: string): Promise<number | undefined>;
}
