// Bytes that are written once and never changed, as files below one directory. A blob appears under its key whole or not
// at all: it is written to a scratch file on the same file system, synced, and renamed. What a crash leaves behind is a
// scratch file, which the next start removes.
import { randomUUID } from "node:crypto";
import { createReadStream } from "node:fs";
import * as fs from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Readable } from "node:stream";
import { Failure } from "../errors.ts";

/** Scratch files older than this belong to nobody: no zip takes that long. */
const ABANDONED_AFTER_MS = 24 * 3600 * 1000;

export interface DiskBlobs {
  /** A path for a new scratch file, on the file system of the blobs. Whoever asks removes it or gives it to `adopt`. */
  scratch(): string;
  /** Makes a finished scratch file the blob of a key; the scratch file is gone afterwards. Same key, same bytes: no-op. */
  adopt(scratch: string, key: string): Promise<void>;
  /** The bytes from `start` to `end` (inclusive) or all of them. Throws not-found when there is no such blob. */
  open(key: string, range?: { start: number; end: number }): Promise<Readable>;
}

/** Opens the blob store below a directory, which is made if need be. Throws unavailable when it cannot be written. */
export async function openDiskBlobs(directory: string): Promise<DiskBlobs> {
  const scratchDirectory = join(directory, "scratch");
  await makeWritable(scratchDirectory);
  await sweep(scratchDirectory);
  return {
    scratch: () => join(scratchDirectory, randomUUID()),
    async adopt(scratch, key) {
      const path = join(directory, key);
      await storing(async () => {
        await sync(scratch);
        await fs.mkdir(dirname(path), { recursive: true });
        await fs.rename(scratch, path);
        await sync(dirname(path));
      });
    },
    async open(key, range) {
      const file = await fs.open(join(directory, key)).catch((cause: NodeJS.ErrnoException) => {
        if (cause.code === "ENOENT") throw new Failure("not-found", `blob ${key} is not stored`, { cause });
        throw cause;
      });
      return createReadStream("", { fd: file, ...range });
    },
  };
}

/** Runs something that writes to the disk and turns "no space" into a Failure that says so. */
export async function storing<T>(write: () => Promise<T>): Promise<T> {
  try {
    return await write();
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code;
    if (code === "ENOSPC" || code === "EDQUOT")
      throw new Failure("unavailable", "the server's disk is full: nothing was stored; ask its administrator", {
        cause,
      });
    throw cause;
  }
}

async function sync(path: string): Promise<void> {
  const handle = await fs.open(path);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function makeWritable(directory: string): Promise<void> {
  try {
    await fs.mkdir(directory, { recursive: true });
    await fs.access(directory, fs.constants.W_OK | fs.constants.X_OK);
  } catch (cause) {
    throw new Failure("unavailable", `blobs cannot be stored in ${directory}: ${(cause as Error).message}`, { cause });
  }
}

async function sweep(scratchDirectory: string): Promise<void> {
  for (const name of await fs.readdir(scratchDirectory)) {
    const path = join(scratchDirectory, name);
    // Of a running server's files some are adopted between the list and the look: these are no longer there.
    const found = await fs.stat(path).catch(() => undefined);
    if (found && Date.now() - found.mtimeMs > ABANDONED_AFTER_MS) await fs.rm(path, { force: true });
  }
}
