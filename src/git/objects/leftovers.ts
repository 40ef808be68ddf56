// What a git that was killed leaves in a repository: the quarantine of a push (objects/tmp_objdir-incoming-…), unfinished
// packs and objects, and lock files, which would refuse every later push to that ref. git itself removes the former only in
// `git gc`, which never runs here by itself, and locks never.

import { readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";

/** No git holds a lock of a ref for so long: it takes the time to write some files. */
const LOCK_ABANDONED_AFTER_MS = 10 * 60_000;
/** A push writes to its quarantine as long as it comes, and then for as long as its deltas are resolved. */
const OBJECTS_ABANDONED_AFTER_MS = 6 * 60 * 60_000;

/** Times in milliseconds since 1970: what was touched last before them has no owner any more. */
export interface DeadBefore {
  readonly locks: number;
  readonly objects: number;
}

/** What is dead while a server runs: by its age alone. */
export function deadByAge(now: number = Date.now()): DeadBefore {
  return { locks: now - LOCK_ABANDONED_AFTER_MS, objects: now - OBJECTS_ABANDONED_AFTER_MS };
}

/** Removes the leftovers of a bare repository; returns their paths. */
export async function removeLeftovers(directory: string, dead: DeadBefore): Promise<string[]> {
  const objects = join(directory, "objects");
  const fans = await namesIn(objects, /^[0-9a-f]{2}$/);
  const locks = [
    ...(await namesIn(directory, /^(?:HEAD|config|packed-refs|shallow)\.lock$|^packed-refs\.new$/)),
    ...(await namesIn(join(directory, "refs"), /\.lock$/, true)),
    ...(await namesIn(join(objects, "pack"), /\.lock$/)),
    ...(await namesIn(join(objects, "info"), /\.lock$/)),
  ];
  const unfinished = [
    ...(await namesIn(objects, /^tmp_objdir-/)),
    ...(await namesIn(join(objects, "pack"), /^(?:tmp_|\.tmp-).+/)),
    ...(await Promise.all(fans.map((fan) => namesIn(fan, /^tmp_obj_/)))).flat(),
  ];
  const removed = [...(await removeDead(locks, dead.locks)), ...(await removeDead(unfinished, dead.objects))];
  return removed;
}

/** Removes those of some files and directories in which nothing was touched since; returns their paths. */
export async function removeDead(paths: readonly string[], before: number): Promise<string[]> {
  const removed: string[] = [];
  for (const path of paths) {
    const touched = await lastTouched(path);
    if (touched === undefined || touched >= before) continue;
    await rm(path, { recursive: true, force: true });
    removed.push(path);
  }
  return removed;
}

/** When anything below a path was written last; undefined: it is gone. */
async function lastTouched(path: string): Promise<number | undefined> {
  const found = await stat(path).catch(() => undefined);
  if (!found?.isDirectory()) return found?.mtimeMs;
  const inside = await readdir(path, { recursive: true }).catch(() => []);
  const times = await Promise.all(inside.map((name) => stat(join(path, name)).catch(() => undefined)));
  return Math.max(found.mtimeMs, ...times.map((one) => one?.mtimeMs ?? 0));
}

/** The paths of what has such a name in a directory; none if there is no directory. */
export async function namesIn(directory: string, pattern: RegExp, recursive = false): Promise<string[]> {
  const names = await readdir(directory, { recursive }).catch(() => []);
  return names.filter((name) => pattern.test(name)).map((name) => join(directory, name));
}
