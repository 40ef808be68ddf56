// How many bytes the repository of a project takes on the disk, as quotas count them: all its files, by their lengths. It is
// measured after each push and look of a mirror, and for all when what is not needed is removed; a few packs are a few files.
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { noteRepositorySize, unmeasuredProjects } from "../../registry/forge/quotas.ts";
import type { Registry } from "../../registry/registry.ts";
import { repositoryDirectory, repositoryExists } from "./repositories-of-projects.ts";

/** Measures the repository of a project and writes it down. */
export async function measureRepository(registry: Registry, projectId: number): Promise<void> {
  await noteRepositorySize(registry, projectId, await bytesBelow(repositoryDirectory(registry, projectId)));
}

/** Measures, once, those that were there before anybody measured. */
export function keepMeasured(registry: Registry): { close(): Promise<void> } {
  let over = false;
  const measure = async (): Promise<void> => {
    for (const projectId of await unmeasuredProjects(registry)) {
      if (over) return;
      if (await repositoryExists(registry, projectId)) await measureRepository(registry, projectId);
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

async function bytesBelow(directory: string): Promise<number> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true }).catch(gone([]));
  let bytes = 0;
  for (const entry of entries)
    if (entry.isFile()) bytes += await stat(join(entry.parentPath, entry.name)).then(({ size }) => size, gone(0));
  return bytes;
}

/** Somebody may remove what was there a moment ago. */
function gone<T>(instead: T): (error: NodeJS.ErrnoException) => T {
  return (error) => {
    if (error.code === "ENOENT" || error.code === "ENOTDIR") return instead;
    throw error;
  };
}
