// What a git that was killed leaves in a repository: the quarantine of a push (objects/tmp_objdir-incoming-…), unfinished
// packs, and lock files, which would refuse every later push to that ref. git itself removes them only in `git gc`, which
// never runs here by itself, and locks never.

import { readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";

/** No git command of ours runs for so long; what is older has no owner any more. */
const ABANDONED_AFTER_MS = 24 * 60 * 60_000;

/** Removes the leftovers of a bare repository that nobody has touched for a day; returns their paths. */
export async function removeLeftovers(directory: string, olderThanMs: number = ABANDONED_AFTER_MS): Promise<string[]> {
  const candidates = [
    ...(await namesIn(join(directory, "objects"), /^tmp_objdir-/)),
    ...(await namesIn(join(directory, "objects", "pack"), /^(?:tmp_|\.tmp-).+/)),
    ...(await namesIn(directory, /^(?:HEAD|config|packed-refs|shallow)\.lock$/)),
    ...(await namesIn(join(directory, "refs"), /\.lock$/, true)),
  ];
  const removed: string[] = [];
  for (const path of candidates) {
    const found = await stat(path).catch(() => undefined);
    if (found === undefined || Date.now() - found.mtimeMs < olderThanMs) continue;
    await rm(path, { recursive: true, force: true });
    removed.push(path);
  }
  return removed;
}

async function namesIn(directory: string, pattern: RegExp, recursive = false): Promise<string[]> {
  const names = await readdir(directory, { recursive }).catch(() => []);
  return names.filter((name) => pattern.test(name)).map((name) => join(directory, name));
}
