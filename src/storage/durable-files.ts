// What was promised must survive a power cut: a push that was acknowledged, a key that signed something, a backup that said that
// it is complete. The bytes of a file are on the disk once it was synced; its name only once the directory that holds the name
// was, and so on upwards for directories that are new (fsync(2), open(2) under "Durability"; a rename is in the same case).
import { randomUUID } from "node:crypto";
import * as fs from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { unlessMissing } from "./missing-file.ts";

/**
 * What is said of directories that cannot be synced, by some file systems of networks and where a directory may not be read. Others
 * who promise as much pass over it too (PostgreSQL, src/backend/storage/file/fd.c, fsync_fname_ext).
 */
const NOT_SYNCED = new Set(["EACCES", "EPERM", "EINVAL", "EBADF", "EISDIR"]);

/** Writes the names in a directory through to the disk, where that can be. */
export async function syncDirectory(directory: string): Promise<void> {
  await sync(directory).catch((error: NodeJS.ErrnoException) => {
    if (!NOT_SYNCED.has(error.code ?? "")) throw error;
  });
}

/** Writes the bytes of a file through to the disk. */
export async function sync(path: string): Promise<void> {
  const handle = await fs.open(path);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/**
 * Writes a directory and all in it through to the disk, but for what somebody takes away meanwhile. `only`: directories alone, where
 * the files were synced one by one.
 */
export async function syncTree(directory: string, only?: "directories"): Promise<void> {
  for (const entry of (await fs.readdir(directory, { withFileTypes: true }).catch(unlessMissing)) ?? []) {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) await syncTree(path, only);
    else if (entry.isFile() && only === undefined) await sync(path).catch(unlessMissing);
  }
  await syncDirectory(directory).catch(unlessMissing);
}

/** Settles when the names of all directories that were asked for before are on the disk. */
let names: Promise<unknown> = Promise.resolve();

/**
 * Makes a directory and those above it, if need be, whose names are then on the disk. One after the other: whoever finds a
 * directory that another call has just made waits for its name as well.
 */
export function makeDirectory(directory: string, mode?: number): Promise<void> {
  const make = async (): Promise<void> => {
    let made = resolve(directory);
    const first = await fs.mkdir(made, { recursive: true, mode });
    for (; first !== undefined; made = dirname(made)) {
      await syncDirectory(dirname(made));
      if (made === first) return;
    }
  };
  const made = names.then(make);
  names = made.catch(() => {});
  return made;
}

/** Gives a file or a directory, which was synced, another name, in place of a file that may have it. The new name is on the disk then. */
export async function renameDurably(from: string, to: string): Promise<void> {
  await fs.rename(from, to);
  await syncDirectory(dirname(to));
  await names;
}

/** How a file is written. */
interface Writing {
  readonly mode?: number;
  /** A file that is there stays as it is, and this is no error: of several processes that are first, one is. */
  readonly ifNew?: boolean;
}

/** Writes a file, which is there whole, or as it was before, whatever happens; then it is on the disk, name and bytes. */
export async function writeDurably(
  file: string,
  content: string | Buffer,
  { mode, ifNew = false }: Writing = {},
): Promise<void> {
  const temporary = `${file}.${randomUUID()}`;
  try {
    await fs.writeFile(temporary, content, { mode, flag: "wx", flush: true });
    if (ifNew) {
      await fs.link(temporary, file).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== "EEXIST") throw error;
      });
      await syncDirectory(dirname(file));
    } else await renameDurably(temporary, file);
  } finally {
    await fs.rm(temporary, { force: true });
  }
}
