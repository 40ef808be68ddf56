// Blobs as files below one directory. A blob appears under its key whole or not at all: it is written to a scratch file on the
// same file system, synced, and renamed. What a crash leaves behind is a
// scratch file, which is removed when nobody has written to it for an hour.
import { randomUUID } from "node:crypto";
import * as fs from "node:fs/promises";
import { dirname, join, relative, sep } from "node:path";
import type { Writable } from "node:stream";
import { Failure } from "../errors.ts";
import type { Blobs, ByteRange } from "./blobs.ts";
import { makeDirectory, renameDurably, sync } from "./durable-files.ts";
import { unlessMissing } from "./missing-file.ts";

/** A scratch file that was last written to so long ago belongs to nobody: a download that rests for a minute is given up. */
const ABANDONED_AFTER_MS = 3_600_000;
/** How often they are looked for, as long as new ones are made. */
const SWEEP_EVERY_MS = 3_600_000;

/** A blob is copied in pieces of this size: large enough that a megabyte costs little, small enough for many at once. */
const COPY_BYTES = 256 * 1024;
/** Into a file that is not there, and with the same blocks where the file system can. */
const COPY_NEW = fs.constants.COPYFILE_EXCL | fs.constants.COPYFILE_FICLONE;
/** Buffers of that size that are kept for the next copy: fresh ones would cost more than the copying. */
const KEPT_BUFFERS = 32;

/**
 * Opens the blob store below a directory, which is made if need be. Throws unavailable when it cannot be written. `now` is
 * the clock, in milliseconds.
 */
export async function openDiskBlobs(directory: string, now: () => number = Date.now): Promise<Blobs> {
  const scratchDirectory = join(directory, "scratch");
  await makeWritable(scratchDirectory);
  let sweptAt = now();
  await sweep(scratchDirectory, sweptAt);
  const tidy = (): void => {
    sweptAt = now();
    sweep(scratchDirectory, sweptAt).catch(() => {}); // the next one tries again
  };
  return {
    tidy,
    scratch() {
      if (now() - sweptAt > SWEEP_EVERY_MS) tidy();
      return join(scratchDirectory, randomUUID());
    },
    async adopt(scratch, key, { isSynced } = { isSynced: false }) {
      const path = join(directory, key);
      await storing(async () => {
        if (!isSynced) await sync(scratch);
        await renameDurably(scratch, path).catch(async (error: NodeJS.ErrnoException) => {
          if (error.code !== "ENOENT") throw error;
          await makeDirectory(dirname(path));
          await renameDurably(scratch, path);
        });
      });
    },
    has: (key) =>
      fs.access(join(directory, key)).then(
        () => true,
        () => false,
      ),
    async *list(prefix) {
      const entries = await fs.opendir(join(directory, prefix), { recursive: true }).catch(unlessMissing);
      for await (const entry of entries ?? []) {
        if (!entry.isFile()) continue;
        const path = join(entry.parentPath, entry.name);
        const found = await fs.stat(path).catch(unlessMissing);
        if (found) yield { key: relative(directory, path).replaceAll(sep, "/"), writtenAt: found.mtimeMs };
      }
    },
    async setAside(key) {
      const [path, aside] = [join(directory, key), join(scratchDirectory, randomUUID())];
      const found = await fs.stat(path).catch(unlessMissing);
      if (!found) return undefined;
      const { atime, mtime, mtimeMs } = found;
      // As a scratch file that somebody has: an old one would be swept away before it can be put back.
      const touched = new Date();
      await fs.utimes(path, touched, touched).catch(unlessMissing);
      const moved = await fs.rename(path, aside).then(() => true, unlessMissing);
      if (!moved) return undefined;
      return {
        writtenAt: mtimeMs,
        async putBack() {
          await fs.utimes(aside, atime, mtime);
          await fs.rename(aside, path);
        },
        remove: () => fs.rm(aside, { force: true }),
      };
    },
    read: (key) => fs.readFile(join(directory, key)).catch((cause) => missing(key, cause)),
    openFile: (key) => fs.open(join(directory, key)).catch((cause) => missing(key, cause)),
    copyInto: (key, file) =>
      storing(() => fs.copyFile(join(directory, key), file, COPY_NEW)).catch((cause) => missing(key, cause)),
    async open(key) {
      const file = await fs.open(join(directory, key)).catch((cause) => missing(key, cause));
      return { copyTo: (sink, range) => copyFile(file, sink, range).finally(() => file.close()) };
    },
  };
}

function missing(key: string, cause: NodeJS.ErrnoException): never {
  if (cause.code === "ENOENT") throw new Failure("not-found", `blob ${key} is not stored`, { cause });
  throw cause;
}

const buffers: Buffer[] = [];

/** Copies a range of an open file into a sink, as Blobs.open promises. */
export async function copyFile(file: fs.FileHandle, sink: Writable, { start, end }: ByteRange): Promise<void> {
  const buffer = buffers.pop() ?? Buffer.allocUnsafeSlow(COPY_BYTES);
  // A response that waits behind another on its connection forgets its callbacks when the connection closes.
  const closed = Promise.withResolvers<never>();
  closed.promise.catch(() => {});
  const close = (): void =>
    closed.reject(Object.assign(new Error("the sink was closed"), { code: "ERR_STREAM_PREMATURE_CLOSE" }));
  const ignore = (): void => {}; // told by the callback of the write
  sink.once("close", close).on("error", ignore);
  try {
    for (let at = start; at <= end; ) {
      const { bytesRead } = await file.read(buffer, 0, Math.min(COPY_BYTES, end - at + 1), at);
      if (bytesRead === 0) throw new Error("a blob is shorter than was recorded");
      at += bytesRead;
      const written = new Promise<void>((done, fail) => {
        sink.write(buffer.subarray(0, bytesRead), (error) => (error ? fail(error) : done()));
      });
      await Promise.race([written, closed.promise]);
    }
    // Not after an error: somebody may still be reading from it.
    if (buffers.length < KEPT_BUFFERS) buffers.push(buffer);
  } finally {
    sink.off("close", close);
    setImmediate(() => sink.off("error", ignore));
  }
}

/** Runs something that writes to the disk and turns "no space" into a Failure that says so. */
export async function storing<T>(write: () => Promise<T>): Promise<T> {
  try {
    return await write();
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code;
    if (code === "ENOSPC" || code === "EDQUOT")
      throw new Failure("unavailable", "the server's disk is full: nothing was stored; ask its administrator", {
        reason: "disk_full",
        cause,
      });
    throw cause;
  }
}

async function makeWritable(directory: string): Promise<void> {
  try {
    await makeDirectory(directory);
    await fs.access(directory, fs.constants.W_OK | fs.constants.X_OK);
  } catch (cause) {
    throw new Failure("unavailable", `blobs cannot be stored in ${directory}: ${(cause as Error).message}`, {
      cause,
      mustAct: true,
    });
  }
}

async function sweep(scratchDirectory: string, now: number): Promise<void> {
  for (const name of await fs.readdir(scratchDirectory)) {
    const path = join(scratchDirectory, name);
    // Of a running server's files some are adopted between the list and the look: these are no longer there.
    const found = await fs.stat(path).catch(() => undefined);
    if (found && now - found.mtimeMs > ABANDONED_AFTER_MS) await fs.rm(path, { force: true });
  }
}
