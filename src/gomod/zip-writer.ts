// Writes a module's zip as a stream, hashing each file on the way, so that a module of half a gigabyte needs a few hundred
// kilobytes of memory. Entries are named `path@version/file`; there are none for directories, as go hashes those as empty
// files. The same files give the same bytes: every entry has the same date. The container is fflate's; node's zlib deflates
// in its threads, a few small files at once, a large one by itself in pieces. fflate counts entries in 16 bits, so that for
// 65,535 and more the end of the directory is rewritten in the zip64 form. Sources: Go Modules Reference, "Module zip
// files"; golang.org/x/mod/zip Create; APPNOTE.TXT 4.3.14 to 4.3.16.

import { createHash } from "node:crypto";
import type { Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { setImmediate } from "node:timers/promises";
import { promisify } from "node:util";
import { crc32, createDeflateRaw, deflateRaw, deflateRawSync } from "node:zlib";
import { Zip, type ZipInputFile } from "fflate";
import { Failure, invalid } from "../errors.ts";
import { type H1Hash, type HashedFile, h1OfFiles } from "./dir-hash.ts";
import { MAX_ZIP_FILE } from "./module-zip.ts";

/** A file to go into the zip: its path relative to the module's root and its bytes. */
export type ZipSource = { name: string; content: Uint8Array | AsyncIterable<Uint8Array> };

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

/** How many small files are deflated at once; libuv has four threads. */
const DEFLATES_IN_FLIGHT = 4;

/** Output is handed to the sink in pieces of about this many bytes, not header by header. */
const WRITE_BYTES = 64 * 1024;

/** The date of every entry. DOS dates have no zone, so it is local; noon exists on that day in every zone. */
const ENTRY_DATE = new Date(1980, 0, 1, 12);

const MAX_ENTRY_NAME_BYTES = 0xffff;

const deflateWhole = promisify<Uint8Array, Buffer<ArrayBuffer>>(deflateRaw);

type DeflatedFile = { name: string; sha256: string; crc: number; size: number; deflated: Uint8Array<ArrayBuffer> };

/**
 * Writes the zip with every entry below `prefix` ("path@version"), in the order of the files, and answers its h1 hash and
 * size. Waits for the sink when that is full, and does not end it. The files' bytes are read one file after another, each
 * to its end before the next is asked for. Throws Failure "too-large" if the files together or the zip exceed `maxBytes`;
 * whatever the sink has received by then is no zip.
 */
export async function writeModuleZip(
  prefix: string,
  files: AsyncIterable<ZipSource> | Iterable<ZipSource>,
  sink: Writable,
  { maxBytes = MAX_ZIP_FILE }: { maxBytes?: number } = {},
): Promise<WrittenZip> {
  const output = zipOutput(sink, maxBytes);
  const hashed: HashedFile[] = [];
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
    hashed.push({ name: file.name, sha256: file.sha256 });
    const entry = output.addEntry(file.name);
    entry.crc = file.crc;
    entry.size = file.size;
    entry.ondata?.(null, file.deflated, true);
    await output.flush();
  }

  try {
    for await (const { name: path, content } of files) {
      const name = `${prefix}/${path}`;
      if (Buffer.byteLength(name) > MAX_ENTRY_NAME_BYTES) throw invalid(`file name too long: ${name.slice(0, 200)}…`);
      const { whole, pieces } = await readSmall(content);
      if (whole) {
        count(whole.length);
        const file = deflateSmall(name, whole);
        file.catch(() => {}); // told when its turn comes, unless something fails before
        inFlight.push(file);
        if (inFlight.length >= DEFLATES_IN_FLIGHT) await finishOldest();
        continue;
      }
      while (inFlight.length > 0) await finishOldest();
      hashed.push({ name, sha256: await deflateLarge(output, name, pieces, count) });
    }
    while (inFlight.length > 0) await finishOldest();
    const size = await output.end();
    return { h1: h1OfFiles(hashed), size, entries: hashed.length };
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

async function deflateSmall(name: string, content: Uint8Array): Promise<DeflatedFile> {
  const sha256 = createHash("sha256").update(content).digest("hex");
  const deflated = content.length <= TINY_FILE_BYTES ? deflateRawSync(content) : await deflateWhole(content);
  return { name, sha256, crc: crc32(content), size: content.length, deflated };
}

/** Deflates and writes a file in pieces; answers its SHA-256 in hexadecimal. */
async function deflateLarge(
  output: ZipOutput,
  name: string,
  pieces: AsyncIterable<Uint8Array>,
  count: (bytes: number) => void,
): Promise<string> {
  const entry = output.addEntry(name);
  const hash = createHash("sha256");
  let crc = 0;
  let size = 0;
  async function* measured(): AsyncGenerator<Uint8Array> {
    for await (const piece of pieces) {
      count(piece.length);
      hash.update(piece);
      crc = crc32(piece, crc);
      size += piece.length;
      yield piece;
    }
  }
  const deflate = createDeflateRaw();
  const reading = pipeline(measured(), deflate);
  reading.catch(() => {}); // the loop below throws the same error
  for await (const piece of deflate) {
    entry.ondata?.(null, piece as Buffer<ArrayBuffer>, false);
    await output.flush();
  }
  await reading;
  entry.crc = crc;
  entry.size = size;
  entry.ondata?.(null, new Uint8Array(0), true);
  await output.flush();
  return hash.digest("hex");
}

/** The container on its way into the sink. */
type ZipOutput = {
  /** Begins the next entry; its bytes, CRC and size follow through fflate's own properties. */
  addEntry(name: string): ZipInputFile;
  /** Hands over what has gathered, if it is enough to be worth it, and waits while the sink is full. */
  flush(): Promise<void>;
  /** Writes the directory; answers the length of the zip. */
  end(): Promise<number>;
  /** Takes our listeners off the sink. */
  release(): void;
};

function zipOutput(sink: Writable, maxBytes: number): ZipOutput {
  let gathered: Uint8Array[] = [];
  let gatheredBytes = 0;
  let size = 0;
  let entries = 0;
  let broken: Error | undefined;

  function gather(bytes: Uint8Array): void {
    gathered.push(bytes);
    gatheredBytes += bytes.length;
    size += bytes.length;
  }

  const zip = new Zip((error, bytes, final) => {
    if (error) broken ??= error;
    else if (final && entries >= 0xffff) gather(withZip64End(bytes, entries, size));
    else gather(bytes);
  });

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
    else await setImmediate();
  }

  return {
    addEntry(name) {
      entries++;
      const entry: ZipInputFile = { filename: name, size: 0, crc: 0, compression: 8, flag: 0, mtime: ENTRY_DATE };
      zip.add(entry);
      return entry;
    },
    async flush() {
      if (gatheredBytes >= WRITE_BYTES) await write();
    },
    async end() {
      zip.end();
      await write();
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

const ZIP_END_BYTES = 22;

/** fflate's last piece, central directory and end record, with the end record in the form for many entries. */
function withZip64End(directoryAndEnd: Uint8Array, entries: number, directoryAt: number): Buffer {
  const directory = directoryAndEnd.subarray(0, -ZIP_END_BYTES);
  const zip64End = Buffer.alloc(56);
  zip64End.writeUInt32LE(0x06064b50, 0);
  zip64End.writeBigUInt64LE(44n, 4); // the length of what follows
  zip64End.writeUInt16LE(45, 12); // made by and
  zip64End.writeUInt16LE(45, 14); // to be read by version 4.5
  zip64End.writeBigUInt64LE(BigInt(entries), 24); // on this disk
  zip64End.writeBigUInt64LE(BigInt(entries), 32); // and altogether
  zip64End.writeBigUInt64LE(BigInt(directory.length), 40);
  zip64End.writeBigUInt64LE(BigInt(directoryAt), 48);

  const locator = Buffer.alloc(20);
  locator.writeUInt32LE(0x07064b50, 0);
  locator.writeBigUInt64LE(BigInt(directoryAt + directory.length), 8);
  locator.writeUInt32LE(1, 16); // disks

  const end = Buffer.from(directoryAndEnd.subarray(-ZIP_END_BYTES));
  end.writeUInt16LE(0xffff, 8);
  end.writeUInt16LE(0xffff, 10);
  return Buffer.concat([directory, zip64End, locator, end]);
}
