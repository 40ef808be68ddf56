// A directory copied into another one, beside somebody who writes to it. What is there already, of the same size and time, is
// not copied again, so that a second backup takes what is new. Files that vanish meanwhile are no mistake, but are told: who
// needs the whole of what was there at one moment goes on.
import { createWriteStream, type Dirent } from "node:fs";
import { copyFile, mkdir, open, readdir, rename, rm, stat, utimes } from "node:fs/promises";
import { dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { isFailure } from "../errors.ts";
import type { Blobs } from "../storage/blobs.ts";
import { unlessMissing } from "../storage/missing-file.ts";

/** Of times: what a copy is given is rounded by some file systems. */
const SAME_TIME_MS = 2;
/** Ends the names of files that are on their way. */
export const PART = ".gokura-part";

export interface Copied {
  /** Files that were copied by this pass, and their bytes. */
  readonly files: number;
  readonly bytes: number;
  /** All files that are there, by their path below the directory. */
  readonly there: ReadonlySet<string>;
  /** Files that were there when it began with them, and then not any more. */
  readonly vanished: number;
}

/** One pass. `skips` says which paths below the directory are left out. `told` hears of each file that is copied. */
export async function copyFiles(
  from: string,
  to: string,
  skips: (path: string) => boolean = () => false,
  told: (bytes: number) => void = () => {},
): Promise<Copied> {
  const there = new Set<string>();
  let [files, bytes, vanished] = [0, 0, 0];
  for await (const path of filesIn(from, "", skips)) {
    const source = await stat(join(from, path)).catch(unlessMissing);
    if (!source) {
      vanished++;
      continue;
    }
    there.add(path);
    const target = await stat(join(to, path)).catch(unlessMissing);
    if (target?.size === source.size && Math.abs(target.mtimeMs - source.mtimeMs) < SAME_TIME_MS) continue;
    if (!(await copyOne(join(from, path), join(to, path), source))) {
      there.delete(path);
      vanished++;
      continue;
    }
    files++;
    bytes += source.size;
    told(source.size);
  }
  return { files, bytes, there, vanished };
}

/** Removes what is in a copy and not in the original any more. */
export async function removeOthers(directory: string, there: ReadonlySet<string>): Promise<void> {
  for await (const path of filesIn(directory, "", () => false))
    if (!there.has(path)) await rm(join(directory, path), { force: true });
}

/** The files below a directory, by their path below it. */
export async function* filesIn(root: string, below: string, skips: (path: string) => boolean): AsyncGenerator<string> {
  const entries: Dirent[] = (await readdir(join(root, below), { withFileTypes: true }).catch(unlessMissing)) ?? [];
  for (const entry of entries) {
    const path = below === "" ? entry.name : `${below}/${entry.name}`;
    if (skips(path)) continue;
    if (entry.isDirectory()) yield* filesIn(root, path, skips);
    else if (entry.isFile()) yield path;
  }
}

/** Copies a file such that it is there whole or not at all; false: it is gone. */
async function copyOne(
  from: string,
  to: string,
  { atime, mtime, mode }: { atime: Date; mtime: Date; mode: number },
): Promise<boolean> {
  await mkdir(dirname(to), { recursive: true, mode: 0o700 });
  const part = to + PART;
  try {
    await copyFile(from, part);
    const handle = await open(part, "r+");
    try {
      await handle.chmod(mode & 0o777);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await utimes(part, atime, mtime);
    await rename(part, to);
    return true;
  } catch (error) {
    await rm(part, { force: true });
    return unlessMissing(error as NodeJS.ErrnoException) ?? false;
  }
}

/** Copies a blob into a file such that it is there whole or not at all, and tells its size; undefined: there is none. */
export async function copyBlob(blobs: Blobs, key: string, to: string): Promise<number | undefined> {
  const source = await blobs.openFile(key, { isOnce: true }).catch((error: unknown) => {
    if (isFailure(error, "not-found")) return undefined;
    throw error;
  });
  if (!source) return undefined;
  await mkdir(dirname(to), { recursive: true, mode: 0o700 });
  const part = to + PART;
  try {
    const { size } = await source.stat();
    await pipeline(source.createReadStream(), createWriteStream(part, { mode: 0o600, flush: true }));
    await rename(part, to);
    return size;
  } finally {
    await source.close().catch(() => {}); // the stream has closed it
    await rm(part, { force: true });
  }
}
