// Zips from the disk into a bucket, or back, beside a server that serves. What is there already is left alone, so that a copy
// that was interrupted goes on where it was, and a second one takes what is new.
import { basename } from "node:path";
import { isFailure } from "../../errors.ts";
import type { Blobs } from "../blobs.ts";
import type { Bucket } from "./bucket.ts";
import { bodyOfFile } from "./requests.ts";
import { fetchObject } from "./transfer.ts";

export interface CopiedZips {
  readonly copied: number;
  /** Of those that were copied. */
  readonly bytes: number;
  /** Those that were there already. */
  readonly present: number;
}

export interface CopyOptions {
  /** Hears how far it is after each zip. */
  readonly told: (soFar: CopiedZips) => void;
  /** Ends it between two. */
  readonly signal: AbortSignal;
}

/** Copies all zips, and packs of repositories, that are on the disk and not in the bucket. */
export function copyToBucket(disk: Blobs, bucket: Bucket, options: CopyOptions): Promise<CopiedZips> {
  return copyEach(zipsAndPacks(disk), options, async (key) => {
    if ((await bucket.head(key)) !== undefined) return undefined;
    const file = await disk.openFile(key);
    try {
      const { size } = await file.stat();
      await bucket.put(key, { sha256: basename(key), size, onlyNew: true, body: bodyOfFile(file, size) });
      return size;
    } finally {
      await file.close();
    }
  });
}

/** Copies all zips that are in the bucket and not on the disk. */
export function copyToDisk(bucket: Bucket, disk: Blobs, options: CopyOptions): Promise<CopiedZips> {
  return copyEach(bucket.list("zip"), options, async (key, size) => {
    if (await disk.has(key)) return undefined;
    const scratch = disk.scratch();
    if (await fetchObject(bucket, key, scratch)) await disk.adopt(scratch, key);
    return size;
  });
}

async function* zipsAndPacks(disk: Blobs): AsyncGenerator<{ readonly key: string }> {
  yield* disk.list("zip");
  yield* disk.list("pack");
}

/** `copy` tells how many bytes it copied; undefined: it is there. */
async function copyEach(
  keys: AsyncIterable<{ readonly key: string; readonly size?: number }>,
  { told, signal }: CopyOptions,
  copy: (key: string, size: number) => Promise<number | undefined>,
): Promise<CopiedZips> {
  let [copied, bytes, present] = [0, 0, 0];
  for await (const { key, size = 0 } of keys) {
    signal.throwIfAborted();
    try {
      const took = await copy(key, size);
      if (took === undefined) present++;
      else [copied, bytes] = [copied + 1, bytes + took];
    } catch (error) {
      if (!isFailure(error, "not-found")) throw error; // taken away meanwhile
    }
    told({ copied, bytes, present });
  }
  return { copied, bytes, present };
}
