// Where the repository of a project is.
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Registry } from "../../registry/registry.ts";
import { repositoryKey } from "../../storage/object-keys.ts";
import { initRepository } from "../objects/init-repository.ts";
import type { Repositories } from "../objects/repositories.ts";
import type { Repository } from "../objects/repository.ts";

export type { Repositories } from "../objects/repositories.ts";
export type { Repository } from "../objects/repository.ts";

/** The repository of a project, which need not exist yet. */
export function repositoryOf(registry: Registry, repositories: Repositories, projectId: number): Repository {
  return repositories.at(repositoryDirectory(registry, projectId));
}

export function repositoryDirectory(registry: Registry, projectId: number): string {
  return join(registry.dataDirectory, repositoryKey(projectId));
}

/** Whether anything was ever pushed, or about to be. */
export function repositoryExists(registry: Registry, projectId: number): boolean {
  return existsSync(repositoryDirectory(registry, projectId));
}

/** Makes the repository if there is none. */
export async function ensureRepository(registry: Registry, projectId: number): Promise<void> {
  if (!repositoryExists(registry, projectId)) await initRepository(repositoryDirectory(registry, projectId));
}
