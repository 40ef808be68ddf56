// How many bytes the repository of a project takes on the disk, as quotas count them: all its files, by their lengths. It is
// measured after each push and look of a mirror, and for all when what is not needed is removed; a few packs are a few files.
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { LRUCache } from "lru-cache";
import { noteRepositorySize, unmeasuredProjects } from "../../registry/forge/quotas.ts";
import type { Registry } from "../../registry/registry.ts";
import { repositoryDirectory, repositoryIsHere } from "./repositories-of-projects.ts";

/** A repository of more files is not looked at after each push. */
const MANY_FILES = 1_000;
/** So long after a look at one of many files the next one comes, in milliseconds for each file. */
const REST_MS = 1;

/** Until when repositories of many files are not looked at again, by the number of the project. */
const resting = new WeakMap<Registry, LRUCache<number, number>>();

/** Measures the repository of a project and writes it down, unless it has many files and that was done a moment ago. */
export async function measureRepository(registry: Registry, projectId: number): Promise<void> {
  const rests = resting.get(registry) ?? new LRUCache({ max: 1_000 });
  resting.set(registry, rests);
  if (performance.now() < (rests.get(projectId) ?? 0)) return;
  const { files, bytes } = await sizeOf(repositoryDirectory(registry, projectId));
  if (files > MANY_FILES) rests.set(projectId, performance.now() + files * REST_MS);
  await noteRepositorySize(registry, projectId, bytes);
}

/**
 * Measures, once, those that were there before anybody measured, on this disk: one that is elsewhere is measured after its next
 * push, and is not fetched for that by each server that comes to lead.
 */
export function keepMeasured(registry: Registry): { close(): Promise<void> } {
  let over = false;
  const measure = async (): Promise<void> => {
    for (const projectId of await unmeasuredProjects(registry)) {
      if (over) return;
      if (repositoryIsHere(registry, projectId)) await measureRepository(registry, projectId);
    }
  };
  const measuring = measure().catch((error: unknown) => {
    registry.log.warn({ err: error }, "repositories could not be measured yet");
  });
  return {
    close() {
      over = true;
      return measuring;
    },
  };
}

async function sizeOf(directory: string): Promise<{ readonly files: number; readonly bytes: number }> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true }).catch(gone([]));
  let [files, bytes] = [0, 0];
  for (const entry of entries) {
    if (!entry.isFile()) continue;
    files++;
    bytes += await stat(join(entry.parentPath, entry.name)).then(({ size }) => size, gone(0));
  }
  return { files, bytes };
}

/** Somebody may remove what was there a moment ago. */
function gone<T>(instead: T): (error: NodeJS.ErrnoException) => T {
  return (error) => {
    if (error.code === "ENOENT" || error.code === "ENOTDIR") return instead;
    throw error;
  };
}
