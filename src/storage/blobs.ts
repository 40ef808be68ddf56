// Bytes that are written once and never changed, by their key. Where they are, on the server's disk (disk-blobs.ts) or in a
// bucket (s3/bucket-blobs.ts), nobody above this room knows. A blob appears under its key whole or not at all: it is written
// to a scratch file on the local disk first, and adopted.
import type * as fs from "node:fs/promises";
import type { Writable } from "node:stream";

/** A range of a blob; both ends inclusive. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

export interface Blobs {
  /** Removes scratch files that belong to nobody any more. */
  tidy(): void;
  /** A path for a new scratch file on the local disk. Whoever asks removes it or gives it to `adopt`. */
  scratch(): string;
  /**
   * Makes a finished scratch file the blob of a key; the scratch file is gone afterwards. Same key, same bytes: no-op.
   * `isSynced`: its bytes are on the disk already.
   */
  adopt(scratch: string, key: string, how?: { readonly isSynced: boolean }): Promise<void>;
  has(key: string): Promise<boolean>;
  /** All blobs below a prefix such as "zip", each with the time of its writing in milliseconds since 1970. */
  list(prefix: string): AsyncIterable<{ readonly key: string; readonly writtenAt: number }>;
  /**
   * Takes a blob from its place, from which on it is not there, and tells when it was written: whoever asks puts it back or
   * removes it. Undefined if there is none.
   */
  setAside(
    key: string,
  ): Promise<{ readonly writtenAt: number; putBack(): Promise<void>; remove(): Promise<void> } | undefined>;
  /**
   * Opens a blob to read here and there in it; whoever asks closes it. Throws not-found when there is none. `isOnce`: nobody will
   * want it soon again, so that what has to be fetched for it takes no room from what is kept.
   */
  openFile(key: string, how?: { readonly isOnce: boolean }): Promise<fs.FileHandle>;
  /** Writes a blob that nobody will want soon again into a new file. Throws not-found, and makes no file, when there is none. */
  copyInto(key: string, file: string): Promise<void>;
  /** All bytes of a small blob. Throws not-found when there is no such blob. */
  read(key: string): Promise<Buffer>;
  /**
   * Opens a blob to be copied once; throws not-found when there is none. The copy goes as fast as the sink takes it, holds
   * one piece in memory, and rejects with the sink's error when that breaks; it does not end the sink. That piece is written
   * over as soon as the sink calls back: it must be one that is done with the bytes by then, as a socket is, and no transform.
   */
  open(key: string): Promise<{ copyTo(sink: Writable, range: ByteRange): Promise<void> }>;
  /** A URL under which anybody gets the blob for some minutes; undefined: it is to be had from us alone. */
  linkTo?(key: string): string | undefined;
  /** The header (name and value) that makes the reverse proxy at an address send a blob itself; undefined: it does not. */
  handOver?(key: string, peer: string): readonly [name: string, value: string] | undefined;
}
