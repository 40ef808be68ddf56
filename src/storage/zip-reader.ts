// Reading a zip that a stranger made. The directory at its end names the entries, and everything that it says is checked
// before it is believed: no size is taken on trust, nothing is unpacked beyond what the directory declared, and what is
// unpacked leaves only its sum behind. Zips within the module limits (500 MiB, x/mod/zip) need no Zip64, but the directory's
// end may say so. Sources: PKWARE APPNOTE 4.3 and 4.4; Go's archive/zip, which is the reader that clients use.
import { createHash, hash } from "node:crypto";
import type { FileHandle } from "node:fs/promises";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { promisify } from "node:util";
import { crc32, createInflateRaw, inflateRaw, inflateRawSync } from "node:zlib";
import { noteStreamed } from "../concurrency/streamed-garbage.ts";
import { everybodysTurn } from "../concurrency/turns.ts";

const END = 0x06054b50;
const END64_LOCATOR = 0x07064b50;
const END64 = 0x06064b50;
const CENTRAL = 0x02014b50;
const LOCAL = 0x04034b50;
const END_BYTES = 22;
const MAX_COMMENT = 0xffff;
/** A directory of more bytes belongs to no module: 65,535 files with names of a kilobyte each have less. */
const MAX_DIRECTORY_BYTES = 128 * 1024 * 1024;
/** Entries up to this size are unpacked in one piece. */
const SMALL_BYTES = 1024 * 1024;
/** Entries up to this size are unpacked at once: to give them to another thread would take longer. */
const TINY_BYTES = 64 * 1024;
/** What is read of a file at once for the tiny entries in it. */
const WINDOW_BYTES = 512 * 1024;

/** What is kept is a go.mod, of 16 MiB at most; packing makes nothing much larger. */
const MAX_KEPT_BYTES = 17 * 1024 * 1024;
const LOCAL_BYTES = 30;
/** Go writes none, other programs times and the like. */
const MAX_LIKELY_EXTRA = 64;
const CHUNK_BYTES = 256 * 1024;
/** The least that zlib unpacks into. */
const MIN_CHUNK_BYTES = 64;

/** So many entries of a directory are read without a pause: some milliseconds' work. */
const ENTRIES_AT_ONCE = 2_000;

const inflate = promisify(inflateRaw);

/** What is wrong with a zip, as Go's reader says it. */
export class BadZip extends Error {}

/** Where the bytes of a zip are. */
export type ZipSource = FileHandle | Buffer;

export interface ZipFileEntry {
  readonly name: string;
  /** Bytes when unpacked. */
  readonly size: number;
  readonly packedSize: number;
  readonly method: number;
  readonly crc: number;
  readonly offset: number;
}

/** The entries of a zip in the order of its directory. Throws BadZip. */
export async function readZipDirectory(file: ZipSource, zipSize: number): Promise<ZipFileEntry[]> {
  const tailSize = Math.min(zipSize, END_BYTES + MAX_COMMENT);
  const tail = await read(file, zipSize - tailSize, tailSize);
  let at = tailSize - END_BYTES;
  while (at >= 0 && !(tail.readUInt32LE(at) === END && at + END_BYTES + tail.readUInt16LE(at + 20) <= tailSize)) at--;
  if (at < 0) throw new BadZip("zip: not a valid zip file");
  let count = tail.readUInt16LE(at + 10);
  let size = tail.readUInt32LE(at + 12);
  let start = tail.readUInt32LE(at + 16);
  const endAt = zipSize - tailSize + at;
  let directoryEnd = endAt;
  if (count === 0xffff || size === 0xffffffff || start === 0xffffffff) {
    const locator = endAt >= 20 ? await read(file, endAt - 20, 20) : undefined;
    if (locator?.readUInt32LE(0) === END64_LOCATOR) {
      directoryEnd = Number(locator.readBigUInt64LE(8));
      if (directoryEnd + 56 > zipSize) throw new BadZip("zip: not a valid zip file");
      const end64 = await read(file, directoryEnd, 56);
      if (end64.readUInt32LE(0) !== END64) throw new BadZip("zip: not a valid zip file");
      count = Number(end64.readBigUInt64LE(32));
      size = Number(end64.readBigUInt64LE(40));
      start = Number(end64.readBigUInt64LE(48));
    }
  }
  if (size > MAX_DIRECTORY_BYTES || start + size > directoryEnd) throw new BadZip("zip: not a valid zip file");
  // Bytes in front of the zip would shift every offset; a module zip has none.
  return entriesIn(await read(file, start, size), count, start);
}

async function entriesIn(directory: Buffer, count: number, directoryStart: number): Promise<ZipFileEntry[]> {
  const entries: ZipFileEntry[] = [];
  let at = 0;
  while (at + 46 <= directory.length && directory.readUInt32LE(at) === CENTRAL) {
    const [nameSize, extraSize, commentSize] = [28, 30, 32].map((field) => directory.readUInt16LE(at + field));
    const end = at + 46 + nameSize! + extraSize! + commentSize!;
    if (end > directory.length) throw new BadZip("zip: not a valid zip file");
    const nameBytes = directory.subarray(at + 46, at + 46 + nameSize!);
    const name = nameBytes.toString("utf8");
    if (!Buffer.from(name, "utf8").equals(nameBytes)) throw new BadZip("zip: a file name is not UTF-8");
    const entry = {
      name,
      size: directory.readUInt32LE(at + 24),
      packedSize: directory.readUInt32LE(at + 20),
      method: directory.readUInt16LE(at + 10),
      crc: directory.readUInt32LE(at + 16),
      offset: directory.readUInt32LE(at + 42),
    };
    // Sizes that do not fit stand as 0xffffffff; such a file is over every limit.
    if (entry.offset + entry.packedSize > directoryStart) throw new BadZip("zip: not a valid zip file");
    if (entry.method !== 0 && entry.method !== 8) throw new BadZip(`${name}: zip: unsupported compression algorithm`);
    entries.push(entry);
    if (entries.length % ENTRIES_AT_ONCE === 0) await everybodysTurn();
    at = end;
  }
  if (entries.length % 65536 !== count % 65536 || at !== directory.length)
    throw new BadZip("zip: not a valid zip file");
  return entries;
}

/** What is left of an entry that was read. */
export interface ReadEntry {
  readonly sha256: Buffer;
  /** If it was wanted. */
  readonly content: Buffer | undefined;
}

/**
 * Reads tiny entries, best in the order of their places: what lies side by side in a file comes by one read, and each is
 * unpacked at once. Undefined for an entry that is not tiny. Throws BadZip if one is not as declared.
 */
export function createTinyEntryReader(
  source: ZipSource,
): (entry: ZipFileEntry, keep: boolean) => ReadEntry | Promise<ReadEntry> | undefined {
  let window = Buffer.isBuffer(source) ? source : Buffer.alloc(0);
  let windowStart = 0;
  const unpacked = (entry: ZipFileEntry, keep: boolean): ReadEntry | undefined => {
    const at = entry.offset - windowStart;
    if (at < 0 || at + LOCAL_BYTES > window.length) return undefined;
    const skip = skipIn(entry, window.subarray(at, at + LOCAL_BYTES));
    const packed = window.subarray(at + skip, at + skip + entry.packedSize);
    if (packed.length < entry.packedSize) return undefined;
    return checking(entry, () =>
      whatIsLeft(entry, entry.method === 0 ? packed : inflateRawSync(packed, inOnePiece(entry)), keep),
    );
  };
  return (entry, keep) => {
    if (entry.size > TINY_BYTES || entry.packedSize > TINY_BYTES) return undefined;
    const found = unpacked(entry, keep);
    if (found !== undefined) return found;
    if (Buffer.isBuffer(source)) throw new BadZip(`${entry.name}: zip: not a valid zip file`);
    return readSome(source, entry.offset, WINDOW_BYTES).then((bytes) => {
      [window, windowStart] = [bytes, entry.offset];
      const read = unpacked(entry, keep);
      if (read === undefined) throw new BadZip(`${entry.name}: zip: not a valid zip file`);
      return read;
    });
  };
}

/**
 * Options to unpack an entry that is not large into one piece, and no further than it declares. zlib's own pieces have 16 kB,
 * and each costs a way to another thread and back.
 */
function inOnePiece({ size }: ZipFileEntry): { chunkSize: number; maxOutputLength: number } {
  const chunkSize = Math.min(Math.max(size + 1, MIN_CHUNK_BYTES), SMALL_BYTES + 1);
  return { chunkSize, maxOutputLength: Math.max(size, 1) };
}

/** How far from the start of an entry its content is, by its own header. Throws BadZip. */
function skipIn({ name }: ZipFileEntry, header: Buffer): number {
  if (header.length < LOCAL_BYTES || header.readUInt32LE(0) !== LOCAL)
    throw new BadZip(`${name}: zip: not a valid zip file`);
  return LOCAL_BYTES + header.readUInt16LE(26) + header.readUInt16LE(28);
}

/** Unpacks an entry; whatever is wrong with its bytes is a BadZip that names it. */
function checking<T>({ name, method, size, packedSize }: ZipFileEntry, work: () => T): T {
  if (method === 0 && size !== packedSize) throw new BadZip(`${name}: zip: checksum error`);
  try {
    return work();
  } catch (cause) {
    throw asBadZip(name, cause);
  }
}

/** What an error while an entry was read means: trouble with our own disk, or with the bytes. */
function asBadZip(name: string, cause: unknown): unknown {
  if (isSystemError(cause)) return cause;
  return new BadZip(`${name}: ${cause instanceof BadZip ? cause.message : "zip: checksum error"}`, { cause });
}

function whatIsLeft(entry: ZipFileEntry, content: Buffer, keep: boolean): ReadEntry {
  if (content.length !== entry.size || crc32(content) !== entry.crc) throw new BadZip("zip: checksum error");
  return { sha256: hash("sha256", content, "buffer"), content: keep ? content : undefined };
}

/** The SHA-256 of an entry's content, and the content itself if it is wanted. Throws BadZip if it is not as declared. */
export async function readZipEntry(file: ZipSource, entry: ZipFileEntry, keep: boolean): Promise<ReadEntry> {
  if (keep && entry.packedSize > MAX_KEPT_BYTES) throw new BadZip(`${entry.name}: zip: checksum error`);
  const isSmall = keep || (entry.size <= SMALL_BYTES && entry.packedSize <= SMALL_BYTES);
  // With the header a small entry's content is read in one go; that its name is as long as in the directory is a guess.
  const ahead = isSmall ? Buffer.byteLength(entry.name) + MAX_LIKELY_EXTRA + entry.packedSize : 0;
  const header = await readSome(file, entry.offset, LOCAL_BYTES + ahead);
  const skip = skipIn(entry, header);
  const start = entry.offset + skip;
  if (entry.method === 0 && entry.size !== entry.packedSize) throw new BadZip(`${entry.name}: zip: checksum error`);
  try {
    if (isSmall) {
      const whole = skip + entry.packedSize;
      const packed = header.length >= whole ? header.subarray(skip, whole) : await read(file, start, entry.packedSize);
      const content = entry.method === 0 ? packed : await inflate(packed, inOnePiece(entry));
      return whatIsLeft(entry, content, keep);
    }
    return { sha256: await hashLarge(file, entry, start), content: undefined };
  } catch (cause) {
    throw asBadZip(entry.name, cause);
  }
}

/** The first bytes of an entry's content, at most so many. Throws BadZip; a sum cannot be checked before the end. */
export async function readZipEntryHead(file: ZipSource, entry: ZipFileEntry, maxBytes: number): Promise<Buffer> {
  if (entry.size <= maxBytes && entry.packedSize <= MAX_KEPT_BYTES)
    return (await readZipEntry(file, entry, true)).content!;
  const header = await readSome(file, entry.offset, LOCAL_BYTES);
  const start = entry.offset + skipIn(entry, header);
  const packed = Readable.from(chunksAt(file, start, entry.packedSize), { objectMode: false });
  const head: Buffer[] = [];
  let size = 0;
  const take = async (chunks: AsyncIterable<Buffer>): Promise<void> => {
    for await (const chunk of chunks) {
      head.push(chunk);
      size += chunk.length;
      if (size >= maxBytes) return;
    }
  };
  try {
    if (entry.method === 0) await take(packed);
    else await pipeline(packed, createInflateRaw(), take);
  } catch (cause) {
    // whoever has enough leaves the rest
    if (size < maxBytes && isSystemError(cause)) throw cause;
    if (size < maxBytes) throw new BadZip(`${entry.name}: zip: checksum error`, { cause });
  }
  return Buffer.concat(head).subarray(0, maxBytes);
}

async function hashLarge(file: ZipSource, entry: ZipFileEntry, start: number): Promise<Buffer> {
  const sum = createHash("sha256");
  let size = 0;
  let crc = 0;
  const packed = Readable.from(chunksAt(file, start, entry.packedSize), { objectMode: false });
  const count = async (chunks: AsyncIterable<Buffer>): Promise<void> => {
    for await (const chunk of chunks) {
      size += chunk.length;
      if (size > entry.size) throw new BadZip("zip: checksum error");
      crc = crc32(chunk, crc);
      sum.update(chunk);
      if (entry.method !== 0) noteStreamed(chunk.length);
    }
  };
  if (entry.method === 0) await pipeline(packed, count);
  else await pipeline(packed, createInflateRaw({ chunkSize: CHUNK_BYTES }), count);
  if (size !== entry.size || crc !== entry.crc) throw new BadZip("zip: checksum error");
  return sum.digest();
}

async function* chunksAt(file: ZipSource, start: number, length: number): AsyncGenerator<Buffer, void, undefined> {
  for (let at = 0; at < length; ) {
    const chunk = await read(file, start + at, Math.min(CHUNK_BYTES, length - at));
    at += chunk.length;
    noteStreamed(chunk.length);
    yield chunk;
  }
}

/** Trouble with our own disk, unlike zlib's with the bytes. */
function isSystemError(error: unknown): boolean {
  return typeof (error as NodeJS.ErrnoException).syscall === "string";
}

/** So many bytes; throws BadZip at the end of the file. */
async function read(file: ZipSource, position: number, length: number): Promise<Buffer> {
  const buffer = await readSome(file, position, length);
  if (buffer.length !== length) throw new BadZip("zip: not a valid zip file");
  return buffer;
}

/** As many bytes as there are. */
async function readSome(file: ZipSource, position: number, length: number): Promise<Buffer> {
  if (Buffer.isBuffer(file)) return file.subarray(position, position + length);
  const buffer = Buffer.allocUnsafe(length);
  const { bytesRead } = await file.read(buffer, 0, length, position);
  return buffer.subarray(0, bytesRead);
}
