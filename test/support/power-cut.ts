// What a power cut would leave, told by what was synced: a name is on the disk if the directory that holds it was synced while it
// held it, and so on upwards; the bytes of a file are if it was synced when it was as long as it is now. The file system is the
// real one, and every sync is done; they are looked at on their way.
import { fstatSync, readdirSync, readlinkSync, statSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { basename, dirname, join, relative, sep } from "node:path";

export interface Syncs {
  /** The paths below a directory, files and directories, that a power cut now would take or shorten. */
  lostIn(directory: string): string[];
  /** Those that it would take; for files that other processes wrote. */
  takenFrom(directory: string): string[];
  /** How often a directory was synced. */
  count(directory: string): number;
  stop(): void;
}

/** Looks at all syncs from now on. What was there before counts as kept. */
export async function watchSyncs(): Promise<Syncs> {
  const names = new Set<string>();
  const sizes = new Map<string, number>();
  const counts = new Map<string, number>();
  const handle = await open("/dev/null");
  const prototype = Object.getPrototypeOf(handle) as FileHandle;
  await handle.close();
  const { sync } = prototype;
  prototype.sync = async function (this: FileHandle) {
    await sync.call(this);
    const found = fstatSync(this.fd);
    if (found.isFile()) sizes.set(`${found.dev}:${found.ino}`, found.size);
    const path = readlinkSync(`/proc/self/fd/${this.fd}`);
    if (!found.isDirectory()) return;
    counts.set(path, (counts.get(path) ?? 0) + 1);
    for (const name of readdirSync(path)) names.add(entryOf(join(path, name)));
  };
  const isKept = (path: string, root: string): boolean =>
    path === root || (names.has(entryOf(path)) && isKept(dirname(path), root));
  const isShort = (path: string): boolean => {
    const found = statSync(path);
    return found.isFile() && sizes.get(`${found.dev}:${found.ino}`) !== found.size;
  };
  const pathsIn = (root: string, isOne: (path: string) => boolean): string[] =>
    readdirSync(root, { recursive: true, withFileTypes: true })
      .map((entry) => join(entry.parentPath, entry.name))
      .filter(isOne)
      .map((path) => relative(root, path).replaceAll(sep, "/"))
      .sort();
  return {
    lostIn: (root) => pathsIn(root, (path) => !isKept(path, root) || isShort(path)),
    count: (directory) => counts.get(directory) ?? 0,
    takenFrom: (root) => pathsIn(root, (path) => !isKept(path, root)),
    stop() {
      prototype.sync = sync;
    },
  };
}

/** A name in its directory with what it names: that stays when a directory above is renamed, and another file of the name is another. */
function entryOf(path: string): string {
  const inodeOf = (one: string): number | undefined => statSync(one, { throwIfNoEntry: false })?.ino;
  return `${inodeOf(dirname(path))} ${basename(path)} ${inodeOf(path)}`;
}
