// Copies of blobs on the local disk, the least lately used of which make room for others. What is here is elsewhere too, so
// it may go at any time: who opens a copy keeps it, because a file that is removed can be read by those who have it open.
// Processes of one server (GOKURA_WORKERS) have one directory; each makes room for what it took itself, and serves all.
import * as fs from "node:fs/promises";
import { dirname, join, relative, sep } from "node:path";
import { LRUCache } from "lru-cache";
import { unlessMissing } from "./missing-file.ts";

export interface BlobCache {
  /** Opens the copy of a blob; undefined if there is none. */
  open(key: string): Promise<fs.FileHandle | undefined>;
  /** Takes a file as the copy of a blob, if there is room for one so large; the file is gone either way. */
  take(file: string, key: string, size: number): Promise<void>;
  drop(key: string): Promise<void>;
  /** How many bytes there are. */
  size(): number;
}

/** Opens the copies below a directory, which is made if need be; those of an earlier process count, the newest last. */
export async function openBlobCache(directory: string, maxBytes: number): Promise<BlobCache> {
  const entries = new LRUCache<string, number>({
    maxSize: Math.max(maxBytes, 1),
    sizeCalculation: (size) => Math.max(size, 1),
    dispose: (_size, key, reason) => {
      if (reason === "evict") void fs.rm(join(directory, key), { force: true });
    },
  });
  await fs.mkdir(directory, { recursive: true });
  for (const { key, size } of await copiesIn(directory)) entries.set(key, size);

  return {
    async open(key) {
      try {
        const file = await fs.open(join(directory, key));
        entries.get(key); // the lately used
        return file;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
        entries.delete(key);
        return undefined;
      }
    },
    async take(file, key, size) {
      if (size > maxBytes) return fs.rm(file, { force: true });
      const path = join(directory, key);
      await fs.mkdir(dirname(path), { recursive: true });
      await fs.rename(file, path);
      entries.set(key, size);
    },
    async drop(key) {
      entries.delete(key);
      await fs.rm(join(directory, key), { force: true });
    },
    size: () => entries.calculatedSize,
  };
}

/** The copies that are there, the oldest first. */
async function copiesIn(directory: string): Promise<{ key: string; size: number }[]> {
  const found: { key: string; size: number; at: number }[] = [];
  for await (const entry of await fs.opendir(directory, { recursive: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    const stat = await fs.stat(path).catch(unlessMissing); // another process of this server has just made room
    if (!stat) continue;
    const { size, mtimeMs } = stat;
    found.push({ key: relative(directory, path).replaceAll(sep, "/"), size, at: mtimeMs });
  }
  return found.sort((a, b) => a.at - b.at);
}
