// Zips and packs in a bucket, everything else on the local disk (what is small, of this server alone, or changes). A zip is read
// through a copy on the local disk, which is compared with the SHA-256 that is its name before anybody gets a byte of it: a
// bucket that gives other bytes, or less of them, gives nothing. A zip that is on the local disk as it was before there was a
// bucket is found there too, until it has been copied (cli/storage.ts).
import * as fs from "node:fs/promises";
import { createSingleFlight } from "../../concurrency/single-flight.ts";
import { Failure } from "../../errors.ts";
import type { BlobCache } from "../blob-cache.ts";
import type { Blobs } from "../blobs.ts";
import { copyFile } from "../disk-blobs.ts";
import type { Bucket } from "./bucket.ts";
import { ABANDONED_UPLOAD_MS } from "./multipart.ts";
import { fetchObject, sendFile } from "./transfer.ts";

const ZIPS = "zip/";
const PACKS = "pack/";
/** An object that has been there for longer is written once more when it is stored again: see adopt. */
const FRESH_MS = 60_000;
/** How long a client has to follow a link. */
const LINK_SECONDS = 300;

export interface BucketBlobsParts {
  readonly bucket: Bucket;
  /** The store on the local disk, which has the scratch files too. */
  readonly disk: Blobs;
  readonly cache: BlobCache;
  /** Whether clients may be sent to the bucket. */
  readonly redirect: boolean;
  readonly now?: () => number;
}

/** Whether what has a key is in the bucket. */
const isThere = (key: string): boolean => key.startsWith(ZIPS) || key.startsWith(PACKS);

/** A store whose zips are in a bucket. What it cannot do there fails as Failure("unavailable"). */
export function createBucketBlobs({ bucket, disk, cache, redirect, now = Date.now }: BucketBlobsParts): Blobs {
  const send = (file: string, key: string, onlyNew: boolean): Promise<"stored" | "there"> =>
    sendFile(bucket, file, key, onlyNew);
  /** A scratch file with the bytes of an object; undefined if there is no such object. */
  const fetchedInto = async (key: string): Promise<string | undefined> => {
    const scratch = disk.scratch();
    return (await fetchObject(bucket, key, scratch)) ? scratch : undefined;
  };
  const fetches = createSingleFlight<string, boolean>();

  /** Fetches an object and opens it, kept as a copy if there is room for it; undefined if there is no such object. */
  const fetchedAndOpened = async (key: string): Promise<fs.FileHandle | undefined> => {
    const scratch = await fetchedInto(key);
    if (scratch === undefined) return undefined;
    const file = await fs.open(scratch); // one that is too large to be kept is read from here
    try {
      const { size } = await file.stat();
      await cache.take(scratch, key, size);
      return file;
    } catch (error) {
      await file.close();
      throw error;
    }
  };

  /** Opens the local copy of a zip, after it was fetched if need be. Throws not-found when it is nowhere. */
  const opened = async (key: string): Promise<fs.FileHandle> => {
    const kept = await cache.open(key);
    if (kept) return kept;
    let own: fs.FileHandle | undefined;
    const isHere = await fetches.run(key, async () => {
      own = await fetchedAndOpened(key);
      return own !== undefined;
    });
    // Another fetched it. If there was no room to keep it, each fetches its own, and nobody waits for the others.
    if (isHere) own ??= (await cache.open(key)) ?? (await fetchedAndOpened(key));
    return own ?? disk.openFile(key);
  };

  /** Opens a zip without keeping a copy of it: what is fetched is gone when it is closed. */
  const openedOnce = async (key: string): Promise<fs.FileHandle> => {
    const kept = await cache.open(key);
    if (kept) return kept;
    const scratch = await fetchedInto(key);
    if (scratch === undefined) return disk.openFile(key);
    try {
      return await fs.open(scratch);
    } finally {
      await fs.rm(scratch, { force: true });
    }
  };

  return {
    tidy() {
      disk.tidy();
      bucket.abandonUploads(now() - ABANDONED_UPLOAD_MS).catch(() => {}); // the next one tries again
    },
    scratch: () => disk.scratch(),
    async adopt(scratch, key) {
      if (!isThere(key)) return disk.adopt(scratch, key);
      const { size } = await fs.stat(scratch);
      if ((await send(scratch, key, true)) === "there") {
        const found = await bucket.head(key);
        if (found && found.size !== size)
          throw new Failure("unavailable", `${bucket.name} has ${key} with ${found.size} bytes and not ${size}`, {
            reason: "storage_unavailable",
            mustAct: true,
          });
        // The clean-up spares what was written lately. What it is just about to remove is written again.
        if (!found || now() - found.writtenAt > FRESH_MS) await send(scratch, key, false);
      }
      // Packs are read once, by whoever makes a repository of them.
      if (key.startsWith(PACKS)) await fs.rm(scratch, { force: true });
      else await cache.take(scratch, key, size);
    },
    async has(key) {
      if (!isThere(key)) return disk.has(key);
      return (await bucket.head(key)) !== undefined || disk.has(key);
    },
    async *list(prefix) {
      yield* disk.list(prefix);
      if (isThere(`${prefix}/`)) yield* bucket.list(prefix);
    },
    async setAside(key) {
      if (!isThere(key)) return disk.setAside(key);
      const found = await bucket.head(key);
      const local = await disk.setAside(key);
      if (!found) return local;
      const copy = await fetchedInto(key);
      await bucket.remove(key);
      await cache.drop(key);
      const clear = async (): Promise<void> => {
        if (copy !== undefined) await fs.rm(copy, { force: true });
      };
      return {
        writtenAt: Math.max(found.writtenAt, local?.writtenAt ?? 0),
        async putBack() {
          if (copy !== undefined) await send(copy, key, true);
          await local?.putBack();
          await clear();
        },
        async remove() {
          await local?.remove();
          await clear();
        },
      };
    },
    async read(key) {
      if (!isThere(key)) return disk.read(key);
      const file = await opened(key);
      try {
        return await file.readFile();
      } finally {
        await file.close();
      }
    },
    openFile: (key, { isOnce } = { isOnce: false }) => {
      if (!isThere(key)) return disk.openFile(key);
      return isOnce ? openedOnce(key) : opened(key);
    },
    async copyInto(key, file) {
      if (!isThere(key) || !(await fetchObject(bucket, key, file))) await disk.copyInto(key, file);
    },
    async open(key) {
      if (!isThere(key)) return disk.open(key);
      const file = await opened(key);
      return { copyTo: (sink, range) => copyFile(file, sink, range).finally(() => file.close()) };
    },
    ...(redirect ? { linkTo: (key) => (key.startsWith(ZIPS) ? bucket.link(key, LINK_SECONDS) : undefined) } : {}),
  };
}
