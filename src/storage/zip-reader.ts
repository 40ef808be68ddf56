// Reading a zip that a stranger made. The directory at its end names the entries, and everything that it says is checked
// before it is believed: no size is taken on trust, nothing is unpacked beyond what the directory declared, and what is
// unpacked leaves only its sum behind. Zips within the module limits (500 MiB, x/mod/zip) need no Zip64, but there are programs
// that write it all the same. Which zips are good, and what is in them, is what Go's archive/zip says, for that is the reader of
// those who get them (test/conformance/x-mod/zip.test.ts). Sources: PKWARE APPNOTE 4.3 to 4.5; Go's archive/zip/reader.go.
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
const DESCRIPTOR = 0x08074b50;
const END_BYTES = 22;
const CENTRAL_BYTES = 46;
/** What stands behind the content of an entry that says so: a signature perhaps, a sum, and sizes. */
const DESCRIPTOR_BYTES = 16;
/** The directory's end is looked for within so many bytes. */
const SEARCHED_BYTES = 65 * 1024;
/** The field of a central header that has what does not fit into 32 bits, and what stands in its place there. */
const ZIP64_FIELD = 1;
const IN_ZIP64 = 0xffffffff;
/** A general purpose flag: sum and sizes stand behind the content. */
const HAS_DESCRIPTOR = 8;
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
  readonly hasDescriptor: boolean;
  readonly offset: number;
}

const notValid = (): BadZip => new BadZip("zip: not a valid zip file");

/** The entries of a zip in the order of its directory. Throws BadZip. */
export async function readZipDirectory(file: ZipSource, zipSize: number): Promise<ZipFileEntry[]> {
  const tailSize = Math.min(zipSize, SEARCHED_BYTES);
  const tail = await read(file, zipSize - tailSize, tailSize);
  let at = tailSize - END_BYTES;
  while (at >= 0 && tail.readUInt32LE(at) !== END) at--;
  // The last one counts, and if its comment is cut off, none does.
  if (at < 0 || at + END_BYTES + tail.readUInt16LE(at + 20) > tailSize) throw notValid();
  let count = tail.readUInt16LE(at + 10);
  let size = tail.readUInt32LE(at + 12);
  let start = tail.readUInt32LE(at + 16);
  let end = zipSize - tailSize + at;
  // 0xffff for the size is Go's; nobody has a directory of four gigabytes.
  if (count === 0xffff || size === 0xffff || start === IN_ZIP64) {
    const locator = end >= 20 ? await read(file, end - 20, 20) : undefined;
    const isLocator = locator?.readUInt32LE(0) === END64_LOCATOR && locator.readUInt32LE(4) === 0;
    if (isLocator && locator.readUInt32LE(16) === 1) {
      end = Number(locator.readBigUInt64LE(8));
      if (end + 56 > zipSize) throw notValid();
      const end64 = await read(file, end, 56);
      if (end64.readUInt32LE(0) !== END64) throw notValid();
      count = Number(end64.readBigUInt64LE(32));
      size = Number(end64.readBigUInt64LE(40));
      start = Number(end64.readBigUInt64LE(48));
    }
  }
  // What stands in front of a zip shifts every offset, unless those were written with it in mind.
  let shift = end - size - start;
  if (!(shift + start >= 0 && shift + start < zipSize)) throw notValid();
  if (shift > 0 && (await isHeaderAt(file, start))) shift = 0;
  const directorySize = zipSize - (shift + start);
  if (Math.min(size, directorySize) > MAX_DIRECTORY_BYTES) throw notValid();
  // Its size may be wrong: it goes on until what follows is no header.
  const directory = await read(file, shift + start, Math.min(directorySize, MAX_DIRECTORY_BYTES));
  return entriesIn(directory, count, shift);
}

async function isHeaderAt(file: ZipSource, position: number): Promise<boolean> {
  const header = await readSome(file, position, CENTRAL_BYTES);
  if (header.length < CENTRAL_BYTES || header.readUInt32LE(0) !== CENTRAL) return false;
  const more = [28, 30, 32].reduce((sum, field) => sum + header.readUInt16LE(field), 0);
  const whole = await readSome(file, position, CENTRAL_BYTES + more);
  return whole.length === CENTRAL_BYTES + more && placeIn(whole, 0) !== undefined;
}

type Place = Pick<ZipFileEntry, "size" | "packedSize" | "offset">;

/** Sizes and offset in a whole central header; undefined if they are said to be elsewhere, and are not. */
function placeIn(directory: Buffer, header: number): Place | undefined {
  const size = directory.readUInt32LE(header + 24);
  const packedSize = directory.readUInt32LE(header + 20);
  const offset = directory.readUInt32LE(header + 42);
  const isElsewhere = size === IN_ZIP64 || packedSize === IN_ZIP64 || offset === IN_ZIP64;
  return isElsewhere ? zip64Place({ size, packedSize, offset }, directory, header) : { size, packedSize, offset };
}

function zip64Place(place: Place, directory: Buffer, header: number): Place | undefined {
  const found: { -readonly [key in keyof Place]: number } = { ...place };
  const wanted = (["size", "packedSize", "offset"] as const).filter((name) => place[name] === IN_ZIP64);
  const extraStart = header + CENTRAL_BYTES + directory.readUInt16LE(header + 28);
  const extraEnd = extraStart + directory.readUInt16LE(header + 30);
  for (let at = extraStart; at + 4 <= extraEnd; ) {
    const [field, size] = [directory.readUInt16LE(at), directory.readUInt16LE(at + 2)];
    at += 4;
    if (at + size > extraEnd) break;
    if (field === ZIP64_FIELD)
      for (let from = at; wanted.length > 0; from += 8) {
        if (from + 8 > at + size) return undefined;
        found[wanted.shift()!] = Number(directory.readBigUInt64LE(from));
      }
    at += size;
  }
  return wanted.every((name) => name === "size") ? found : undefined;
}

async function entriesIn(directory: Buffer, count: number, shift: number): Promise<ZipFileEntry[]> {
  const entries: ZipFileEntry[] = [];
  let at = 0;
  while (at + CENTRAL_BYTES <= directory.length && directory.readUInt32LE(at) === CENTRAL) {
    const nameSize = directory.readUInt16LE(at + 28);
    const end = at + CENTRAL_BYTES + nameSize + directory.readUInt16LE(at + 30) + directory.readUInt16LE(at + 32);
    if (end > directory.length) break;
    const place = placeIn(directory, at);
    if (!place) break;
    const nameBytes = directory.subarray(at + CENTRAL_BYTES, at + CENTRAL_BYTES + nameSize);
    const name = nameBytes.toString("utf8");
    if (!Buffer.from(name, "utf8").equals(nameBytes)) throw new BadZip("zip: a file name is not UTF-8");
    const method = directory.readUInt16LE(at + 10);
    if (method !== 0 && method !== 8) throw new BadZip(`${name}: zip: unsupported compression algorithm`);
    if (place.offset + shift < 0) throw notValid();
    entries.push({
      name,
      size: place.size,
      packedSize: place.packedSize,
      method,
      crc: directory.readUInt32LE(at + 16),
      hasDescriptor: (directory.readUInt16LE(at + 8) & HAS_DESCRIPTOR) !== 0,
      offset: place.offset + shift,
    });
    if (entries.length % ENTRIES_AT_ONCE === 0) await everybodysTurn();
    at = end;
  }
  if (entries.length % 65536 !== count % 65536) throw notValid();
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
  /** `isAll`: there is no more of the zip than the window has. Else undefined where the window is not enough. */
  const unpacked = (entry: ZipFileEntry, keep: boolean, isAll: boolean): ReadEntry | undefined => {
    const at = entry.offset - windowStart;
    if (!isAll && (at < 0 || at + LOCAL_BYTES > window.length)) return undefined;
    const skip = skipIn(entry, window.subarray(at, at + LOCAL_BYTES));
    if (isDirectory(entry)) return ofDirectory(entry, keep);
    const end = at + skip + entry.packedSize;
    const packed = window.subarray(at + skip, end);
    const behind = window.subarray(end, end + DESCRIPTOR_BYTES);
    if (!isAll && end + DESCRIPTOR_BYTES > window.length) return undefined;
    return checking(entry, () => {
      const content = entry.method === 0 ? packed : inflateRawSync(packed, inOnePiece(entry));
      return whatIsLeft(entry, content, behind, keep);
    });
  };
  return (entry, keep) => {
    if (entry.size > TINY_BYTES || entry.packedSize > TINY_BYTES) return undefined;
    const found = unpacked(entry, keep, Buffer.isBuffer(source));
    if (found !== undefined || Buffer.isBuffer(source)) return found;
    return readSome(source, entry.offset, WINDOW_BYTES).then((bytes) => {
      [window, windowStart] = [bytes, entry.offset];
      return unpacked(entry, keep, true)!;
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

function whatIsLeft(entry: ZipFileEntry, content: Buffer, behind: Buffer, keep: boolean): ReadEntry {
  checkSums(entry, content.length, crc32(content), behind);
  return { sha256: hash("sha256", content, "buffer"), content: keep ? content : undefined };
}

/** Compares what was unpacked with what was declared of it, in the directory and behind it (`behind`). Throws BadZip. */
function checkSums({ size, crc, hasDescriptor }: ZipFileEntry, unpacked: number, sum: number, behind: Buffer): void {
  if (hasDescriptor) {
    // The signature is not in everybody's, and what follows the sum is of either width: the directory has it as well.
    const at = behind.length >= 4 && behind.readUInt32LE(0) === DESCRIPTOR ? 4 : 0;
    if (behind.length < at + 12 || behind.readUInt32LE(at) !== crc) throw new BadZip("zip: checksum error");
  }
  // A sum that nobody filled in is none.
  const isSum = hasDescriptor || crc !== 0;
  if (unpacked !== size || (isSum && sum !== crc)) throw new BadZip("zip: checksum error");
}

const isDirectory = ({ name }: ZipFileEntry): boolean => name.endsWith("/");

/** What is left of a directory, which has nothing in it, whatever it has packed. */
function ofDirectory({ name, size }: ZipFileEntry, keep: boolean): ReadEntry {
  if (size !== 0) throw new BadZip(`${name}: zip: not a valid zip file`);
  return { sha256: hash("sha256", "", "buffer"), content: keep ? Buffer.alloc(0) : undefined };
}

/** The SHA-256 of an entry's content, and the content itself if it is wanted. Throws BadZip if it is not as declared. */
export async function readZipEntry(file: ZipSource, entry: ZipFileEntry, keep: boolean): Promise<ReadEntry> {
  if (keep && entry.packedSize > MAX_KEPT_BYTES) throw new BadZip(`${entry.name}: zip: checksum error`);
  const isSmall = keep || (entry.size <= SMALL_BYTES && entry.packedSize <= SMALL_BYTES);
  // With the header a small entry's content is read in one go; that its name is as long as in the directory is a guess.
  const more = Buffer.byteLength(entry.name) + MAX_LIKELY_EXTRA + entry.packedSize;
  const header = await readSome(file, entry.offset, LOCAL_BYTES + (isSmall ? more : 0));
  const skip = skipIn(entry, header);
  if (isDirectory(entry)) return ofDirectory(entry, keep);
  const start = entry.offset + skip;
  if (entry.method === 0 && entry.size !== entry.packedSize) throw new BadZip(`${entry.name}: zip: checksum error`);
  try {
    if (isSmall) {
      const whole = skip + entry.packedSize;
      const packed =
        header.length >= whole ? header.subarray(skip, whole) : await readSome(file, start, entry.packedSize);
      const content = entry.method === 0 ? packed : await inflate(packed, inOnePiece(entry));
      return whatIsLeft(entry, content, await behindOf(file, entry, start), keep);
    }
    return { sha256: await hashLarge(file, entry, start), content: undefined };
  } catch (cause) {
    throw asBadZip(entry.name, cause);
  }
}

/** What stands behind the content of an entry, where that says anything. */
async function behindOf(file: ZipSource, { hasDescriptor, packedSize }: ZipFileEntry, start: number): Promise<Buffer> {
  return hasDescriptor ? readSome(file, start + packedSize, DESCRIPTOR_BYTES) : Buffer.alloc(0);
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
  if (size < Math.min(maxBytes, entry.size)) throw new BadZip(`${entry.name}: zip: checksum error`);
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
  checkSums(entry, size, crc, await behindOf(file, entry, start));
  return sum.digest();
}

async function* chunksAt(file: ZipSource, start: number, length: number): AsyncGenerator<Buffer, void, undefined> {
  for (let at = 0; at < length; ) {
    const chunk = await readSome(file, start + at, Math.min(CHUNK_BYTES, length - at));
    if (chunk.length === 0) return;
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
