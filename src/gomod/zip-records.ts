// The records of a zip around the deflated files. Each file has a header before it, that does not know yet what will follow,
// and a descriptor behind it, which does; the directory at the end repeats both and says where the header is. That directory
// is why this is not left to a library: those that write zips as streams keep an object for every entry until the end, and
// then make the directory in one piece, which for 200,000 files holds the process for a second. Here it grows as bytes,
// entry by entry, and goes out block by block. From 65,535 entries on, which 16 bits cannot count, its end is in the zip64
// form; sizes and offsets always fit, for a module's zip is no larger than 500 MiB. Source: PKWARE APPNOTE.TXT 4.3.7 to
// 4.3.16, 4.4.4.

/** What is known of a file's content once it was read: its CRC-32, and its bytes before they were deflated. */
export type EntryContent = { readonly crc: number; readonly size: number };

const LOCAL_HEADER = 0x04034b50;
const DATA_DESCRIPTOR = 0x08074b50;
const CENTRAL_HEADER = 0x02014b50;
const ZIP64_END = 0x06064b50;
const ZIP64_LOCATOR = 0x07064b50;
const END = 0x06054b50;

const LOCAL_HEADER_BYTES = 30;
const CENTRAL_HEADER_BYTES = 46;
/** The directory is kept and handed out in blocks of about this many bytes. */
const BLOCK_BYTES = 64 * 1024;

/** Version 2.0 of the format: deflated files. */
const VERSION = 20;
const VERSION_OF_ZIP64 = 45;
const SIZES_FOLLOW = 1 << 3;
const NAME_IS_UTF8 = 1 << 11;
const DEFLATED = 8;
/** Noon of the first day that the format knows, 1 January 1980: hours from bit 11; months and days from 1. */
const TIME = 12 << 11;
const DATE = (1 << 5) | 1;

/** What comes before an entry's bytes. */
export function localHeader(name: Buffer): Buffer {
  const header = Buffer.alloc(LOCAL_HEADER_BYTES + name.length);
  header.writeUInt32LE(LOCAL_HEADER, 0);
  writeKind(header, 4, name);
  header.writeUInt16LE(name.length, 26);
  header.set(name, LOCAL_HEADER_BYTES);
  return header;
}

/** The version to read it, flags, method and date, which header and directory have in common. */
function writeKind(record: Buffer, at: number, name: Buffer): void {
  const isAscii = name.every((byte) => byte < 0x80);
  record.writeUInt16LE(VERSION, at);
  record.writeUInt16LE(SIZES_FOLLOW | (isAscii ? 0 : NAME_IS_UTF8), at + 2);
  record.writeUInt16LE(DEFLATED, at + 4);
  record.writeUInt16LE(TIME, at + 6);
  record.writeUInt16LE(DATE, at + 8);
}

/** What comes behind an entry's bytes. */
export function dataDescriptor({ crc, size }: EntryContent, deflatedSize: number): Buffer {
  const descriptor = Buffer.allocUnsafe(16);
  descriptor.writeUInt32LE(DATA_DESCRIPTOR, 0);
  writeSizes(descriptor, 4, crc, deflatedSize, size);
  return descriptor;
}

function writeSizes(record: Buffer, at: number, crc: number, deflatedSize: number, size: number): void {
  record.writeUInt32LE(crc, at);
  record.writeUInt32LE(deflatedSize, at + 4);
  record.writeUInt32LE(size, at + 8);
}

/** A zip's directory while it grows. */
export type ZipDirectory = {
  /** Adds the entry whose header is `offset` bytes into the zip. */
  add(name: Buffer, offset: number, content: EntryContent, deflatedSize: number): void;
  /** The whole directory, which begins `offset` bytes into the zip, in pieces that are given up as they are taken. */
  end(offset: number): Generator<Buffer, void, undefined>;
};

/** A directory without entries. */
export function createZipDirectory(): ZipDirectory {
  const full: Buffer[] = [];
  let block = Buffer.alloc(0);
  let used = 0;
  let entries = 0;
  let length = 0;

  function room(bytes: number): Buffer {
    if (used + bytes > block.length) {
      if (used > 0) full.push(block.subarray(0, used));
      block = Buffer.alloc(Math.max(BLOCK_BYTES, bytes));
      used = 0;
    }
    used += bytes;
    length += bytes;
    return block.subarray(used - bytes, used);
  }

  return {
    add(name, offset, { crc, size }, deflatedSize) {
      const record = room(CENTRAL_HEADER_BYTES + name.length);
      record.writeUInt32LE(CENTRAL_HEADER, 0);
      record.writeUInt16LE(VERSION, 4);
      writeKind(record, 6, name);
      writeSizes(record, 16, crc, deflatedSize, size);
      record.writeUInt16LE(name.length, 28);
      record.writeUInt32LE(offset, 42);
      record.set(name, CENTRAL_HEADER_BYTES);
      entries++;
    },
    *end(offset) {
      full.push(block.subarray(0, used));
      for (let next = full.shift(); next; next = full.shift()) yield next;
      yield endOfDirectory(entries, length, offset);
    },
  };
}

function endOfDirectory(entries: number, length: number, offset: number): Buffer {
  const end = Buffer.alloc(22);
  const counted = Math.min(entries, 0xffff);
  end.writeUInt32LE(END, 0);
  end.writeUInt16LE(counted, 8); // on this disk
  end.writeUInt16LE(counted, 10); // and altogether
  end.writeUInt32LE(length, 12);
  end.writeUInt32LE(offset, 16);
  if (entries < 0xffff) return end;

  const zip64End = Buffer.alloc(56);
  zip64End.writeUInt32LE(ZIP64_END, 0);
  zip64End.writeBigUInt64LE(44n, 4); // the length of what follows
  zip64End.writeUInt16LE(VERSION_OF_ZIP64, 12); // made by and
  zip64End.writeUInt16LE(VERSION_OF_ZIP64, 14); // to be read by
  zip64End.writeBigUInt64LE(BigInt(entries), 24); // on this disk
  zip64End.writeBigUInt64LE(BigInt(entries), 32); // and altogether
  zip64End.writeBigUInt64LE(BigInt(length), 40);
  zip64End.writeBigUInt64LE(BigInt(offset), 48);

  const locator = Buffer.alloc(20);
  locator.writeUInt32LE(ZIP64_LOCATOR, 0);
  locator.writeBigUInt64LE(BigInt(offset + length), 8);
  locator.writeUInt32LE(1, 16); // disks
  return Buffer.concat([zip64End, locator, end]);
}
