// git writes its files through to the disk where core.fsync says so, and then gives them their names; it never syncs the
// directory that holds a name (seen with git 2.39 and core.fsync=all). So the pack and the refs of a push could be gone after
// a power cut although all their bytes are there. Whoever acknowledges a push has the names synced first.
import { join } from "node:path";
import { dirname } from "node:path/posix";
import { syncDirectory, syncTree } from "../../storage/durable-files.ts";
import { unlessMissing } from "../../storage/missing-file.ts";

/** Directories, each of which takes a file descriptor. */
const SYNCED_AT_ONCE = 16;

/** The names of packs and of refs of a repository; `refs`: of these alone, by their full names; undefined: of all. */
export async function syncNames(directory: string, refs: Iterable<string> | undefined): Promise<void> {
  if (refs === undefined) await syncTree(join(directory, "refs"), "directories");
  // Where the refs are, and upwards: a directory that was left empty is gone, and so is its name. "": packed-refs.
  const paths = ["objects/pack", ...(refs === undefined ? [] : directoriesOf(refs)), ""];
  // The disk does many at the price of one.
  for (let at = 0; at < paths.length; at += SYNCED_AT_ONCE)
    await Promise.all(
      paths.slice(at, at + SYNCED_AT_ONCE).map((path) => syncDirectory(join(directory, path)).catch(unlessMissing)),
    );
}

/** The names of loose objects. */
export async function syncObjectNames(directory: string): Promise<void> {
  await syncTree(join(directory, "objects"), "directories");
}

function directoriesOf(refs: Iterable<string>): Set<string> {
  const found = new Set<string>();
  for (const ref of refs)
    for (let path = dirname(ref); path !== "." && path !== "/" && !found.has(path); path = dirname(path))
      found.add(path);
  return found;
}
