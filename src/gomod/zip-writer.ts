// Writes a module's zip as a stream, hashing each file on the way, so that a module of half a gigabyte needs a few hundred
// kilobytes of memory and one of many files little more than their names. Entries are named `path@version/file`; there are
// none for directories, as go hashes those as empty files. The same files give the same bytes: every entry has the same
// date. node's zlib deflates: tiny files on the spot, a few small ones at once in its threads, a large one by itself in
// pieces. The container around them is zip-records.ts. Sources: Go Modules Reference, "Module zip files";
// golang.org/x/mod/zip Create.

import { createHash, hash } from "node:crypto";
import type { Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { promisify } from "node:util";
import { crc32, createDeflateRaw, deflateRaw, deflateRawSync } from "node:zlib";
import { everybodysTurn } from "../concurrency/turns.ts";
import { Failure, invalid } from "../errors.ts";
import { createFileHashes, type H1Hash } from "./dir-hash.ts";
import { MAX_ZIP_FILE } from "./module-zip.ts";
import { createZipDirectory, dataDescriptor, type EntryContent, localHeader } from "./zip-records.ts";

/** A file to go into the zip: its path relative to the module's root and its bytes. */
export type FileToZip = { name: string; content: Uint8Array | AsyncIterable<Uint8Array> };

export type WrittenZip = {
  h1: H1Hash;
  /** The length of the zip in bytes. */
  size: number;
  /** How many files are in it. */
  entries: number;
};

/** Files up to this many bytes are deflated whole, several at once. */
const SMALL_FILE_BYTES = 256 * 1024;

/** Files up to this many bytes are deflated on the spot: handing one to a thread costs more than its 0.2 ms. */
const TINY_FILE_BYTES = 8 * 1024;

/**
 * Deflated bytes are at most so many more than those of a tiny file. Node gives each result a buffer of 16 KiB otherwise,
 * which for 100,000 tiny files is gigabytes of garbage.
 */
const DEFLATE_OVERHEAD_BYTES = 64;

/** How many small files are deflated at once; libuv has four threads. */
const DEFLATES_IN_FLIGHT = 4;

/** Output is handed to the sink in pieces of about this many bytes, not header by header. */
const WRITE_BYTES = 64 * 1024;

/** Or in this many pieces, three for each tiny file: some milliseconds' work. */
const PIECES_AT_ONCE = 600;

const MAX_ENTRY_NAME_BYTES = 0xffff;

const deflateWhole = promisify<Uint8Array, Buffer<ArrayBuffer>>(deflateRaw);

type DeflatedFile = { path: string; sha256: Buffer; crc: number; size: number; deflated: Uint8Array };

/**
 * Writes the zip with every entry below `prefix` ("path@version"), in the order of the files, and answers its h1 hash and
 * size. Waits for the sink when that is full, and does not end it. The files' bytes are read one file after another, each
 * to its end before the next is asked for. Throws Failure "too-large" if the files together or the zip exceed `maxBytes`;
 * whatever the sink has received by then is no zip.
 */
export async function writeModuleZip(
  prefix: string,
  files: AsyncIterable<FileToZip> | Iterable<FileToZip>,
  sink: Writable,
  { maxBytes = MAX_ZIP_FILE }: { maxBytes?: number } = {},
): Promise<WrittenZip> {
  const output = zipOutput(sink, maxBytes);
  const hashes = createFileHashes(prefix);
  const inFlight: Promise<DeflatedFile>[] = [];
  let contentBytes = 0;

  function count(bytes: number): void {
    contentBytes += bytes;
    if (contentBytes > maxBytes) {
      throw new Failure("too-large", `module source tree too large (max size is ${maxBytes} bytes)`);
    }
  }

  async function finishOldest(): Promise<void> {
    const file = await inFlight.shift();
    if (!file) return;
    hashes.add(file.path, file.sha256);
    output.beginEntry(`${prefix}/${file.path}`);
    output.add(file.deflated);
    output.endEntry({ crc: file.crc, size: file.size });
    await output.flush();
  }

  try {
    for await (const { name: path, content } of files) {
      const name = `${prefix}/${path}`;
      if (Buffer.byteLength(name) > MAX_ENTRY_NAME_BYTES) throw invalid(`file name too long: ${name.slice(0, 200)}…`);
      const { whole, pieces } = await readSmall(content);
      if (whole) {
        count(whole.length);
        const file = deflateSmall(path, whole);
        file.catch(() => {}); // told when its turn comes, unless something fails before
        inFlight.push(file);
        if (inFlight.length >= DEFLATES_IN_FLIGHT) await finishOldest();
        continue;
      }
      while (inFlight.length > 0) await finishOldest();
      hashes.add(path, await deflateLarge(output, name, pieces, count));
    }
    while (inFlight.length > 0) await finishOldest();
    const size = await output.end();
    return { h1: await hashes.h1(), size, entries: hashes.count() };
  } finally {
    output.release();
  }
}

/** The whole content if it is small, or else its pieces, of which the first have been read already. */
async function readSmall(
  content: Uint8Array | AsyncIterable<Uint8Array>,
): Promise<{ whole: Uint8Array; pieces?: undefined } | { whole?: undefined; pieces: AsyncIterable<Uint8Array> }> {
  if (content instanceof Uint8Array) {
    return content.length <= SMALL_FILE_BYTES ? { whole: content } : { pieces: slices(content) };
  }
  const iterator = content[Symbol.asyncIterator]();
  const read: Uint8Array[] = [];
  let length = 0;
  while (length <= SMALL_FILE_BYTES) {
    const { value, done } = await iterator.next();
    if (done) return { whole: Buffer.concat(read) };
    read.push(value);
    length += value.length;
  }
  return { pieces: resume(read, iterator) };
}

async function* slices(content: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < content.length; at += WRITE_BYTES) yield content.subarray(at, at + WRITE_BYTES);
}

async function* resume(read: Uint8Array[], iterator: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    for (const piece of read.splice(0)) yield piece;
    for (let next = await iterator.next(); !next.done; next = await iterator.next()) yield next.value;
  } finally {
    await iterator.return?.();
  }
}

async function deflateSmall(path: string, content: Uint8Array): Promise<DeflatedFile> {
  const sha256 = hash("sha256", content, "buffer");
  const deflated =
    content.length <= TINY_FILE_BYTES
      ? deflateRawSync(content, { chunkSize: content.length + DEFLATE_OVERHEAD_BYTES })
      : await deflateWhole(content);
  return { path, sha256, crc: crc32(content), size: content.length, deflated };
}

/** Deflates and writes a file in pieces; answers its SHA-256. */
async function deflateLarge(
  output: ZipOutput,
  name: string,
  pieces: AsyncIterable<Uint8Array>,
  count: (bytes: number) => void,
): Promise<Buffer> {
  output.beginEntry(name);
  const digest = createHash("sha256");
  let crc = 0;
  let size = 0;
  async function* measured(): AsyncGenerator<Uint8Array> {
    for await (const piece of pieces) {
      count(piece.length);
      digest.update(piece);
      crc = crc32(piece, crc);
      size += piece.length;
      yield piece;
    }
  }
  const deflate = createDeflateRaw();
  const reading = pipeline(measured(), deflate);
  reading.catch(() => {}); // the loop below throws the same error
  for await (const piece of deflate) {
    output.add(piece as Buffer);
    await output.flush();
  }
  await reading;
  output.endEntry({ crc, size });
  await output.flush();
  return digest.digest();
}

/** The container on its way into the sink. */
type ZipOutput = {
  /** Begins the next entry. */
  beginEntry(name: string): void;
  /** Adds deflated bytes to the entry. */
  add(deflated: Uint8Array): void;
  /** Ends the entry, with what is known of its content only now. */
  endEntry(content: EntryContent): void;
  /** Hands over what has gathered, if it is enough to be worth it, and waits while the sink is full. */
  flush(): Promise<void>;
  /** Writes the directory; answers the length of the zip. */
  end(): Promise<number>;
  /** Takes our listeners off the sink. */
  release(): void;
};

function zipOutput(sink: Writable, maxBytes: number): ZipOutput {
  const directory = createZipDirectory();
  let gathered: Uint8Array[] = [];
  let gatheredBytes = 0;
  let size = 0;
  let entry = { name: Buffer.alloc(0), offset: 0, deflatedSize: 0 };
  let broken: Error | undefined;

  function gather(bytes: Uint8Array): void {
    gathered.push(bytes);
    gatheredBytes += bytes.length;
    size += bytes.length;
  }

  const onError = (error: Error): void => {
    broken ??= error;
  };
  sink.on("error", onError);

  async function write(): Promise<void> {
    if (size > maxBytes) {
      const message = `module zip file is too large (${size} bytes; limit is ${maxBytes} bytes)`;
      throw new Failure("too-large", message);
    }
    if (broken) throw broken;
    const bytes = gathered.length === 1 ? gathered[0] : Buffer.concat(gathered, gatheredBytes);
    gathered = [];
    gatheredBytes = 0;
    if (bytes === undefined || bytes.length === 0) return;
    if (!sink.write(bytes)) await drained(sink);
    // Tiny files out of memory, into a sink that is never full, would keep everybody else waiting until the end.
    else await everybodysTurn();
  }

  return {
    beginEntry(name) {
      entry = { name: Buffer.from(name), offset: size, deflatedSize: 0 };
      gather(localHeader(entry.name));
    },
    add(deflated) {
      entry.deflatedSize += deflated.length;
      gather(deflated);
    },
    endEntry(content) {
      const { name, offset, deflatedSize } = entry;
      gather(dataDescriptor(content, deflatedSize));
      directory.add(name, offset, content, deflatedSize);
    },
    async flush() {
      if (gatheredBytes >= WRITE_BYTES || gathered.length >= PIECES_AT_ONCE) await write();
    },
    async end() {
      for (const bytes of directory.end(size)) {
        gather(bytes);
        await write();
      }
      return size;
    },
    release() {
      sink.off("error", onError);
    },
  };
}

/** Settles when the sink takes more, or when it never will. */
function drained(sink: Writable): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (error?: Error): void => {
      sink.off("drain", onDrain).off("error", settle).off("close", onClose);
      if (error) reject(error);
      else resolve();
    };
    const onDrain = (): void => settle();
    const onClose = (): void => settle(sink.errored ?? new Error("the zip's destination was closed"));
    sink.on("drain", onDrain).on("error", settle).on("close", onClose);
    if (sink.destroyed) onClose();
  });
}
