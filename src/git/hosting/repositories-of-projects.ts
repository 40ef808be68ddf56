// Where the repository of a project is: below the data directory of the server that leads. Every way to a repository passes
// here, and on a server that does not lead ends here (database/lease.ts); the doors pass such a request on.
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Registry } from "../../registry/registry.ts";
import type { ProjectRow } from "../../registry/rows.ts";
import { repositoryKey } from "../../storage/object-keys.ts";
import { initRepository } from "../objects/init-repository.ts";
import type { Repositories } from "../objects/repositories.ts";
import type { Repository } from "../objects/repository.ts";

export type { Repositories } from "../objects/repositories.ts";

type ObjectFormat = ProjectRow["objectFormat"];

export type { Repository } from "../objects/repository.ts";

/** The repository of a project, which need not exist yet. Throws unavailable, leader_absent, where this server does not lead. */
export async function repositoryOf(
  registry: Registry,
  repositories: Repositories,
  projectId: number,
): Promise<Repository> {
  await registry.leadership.demand();
  return repositories.at(repositoryDirectory(registry, projectId));
}

export function repositoryDirectory(registry: Registry, projectId: number): string {
  return join(registry.dataDirectory, repositoryKey(projectId));
}

/** Whether anything was ever pushed, or about to be. Throws as repositoryOf does. */
export async function repositoryExists(registry: Registry, projectId: number): Promise<boolean> {
  await registry.leadership.demand();
  return existsSync(repositoryDirectory(registry, projectId));
}

/** Makes the repository, of the project's object format, if there is none. */
export async function ensureRepository(
  registry: Registry,
  project: Pick<ProjectRow, "id" | "objectFormat">,
): Promise<void> {
  if (await repositoryExists(registry, project.id)) return;
  await initRepository(repositoryDirectory(registry, project.id), { objectFormat: formatWord(project.objectFormat) });
}

/** One empty repository of a format that stands in for all that do not exist yet; nothing is ever written to it. */
export async function emptyRepository(registry: Registry, objectFormat: ObjectFormat): Promise<string> {
  const name = objectFormat === "SHA1" ? "empty.git" : "empty-sha256.git";
  const directory = join(registry.dataDirectory, "repositories", name);
  if (!existsSync(directory)) await initRepository(directory, { objectFormat: formatWord(objectFormat) });
  return directory;
}

function formatWord(objectFormat: ObjectFormat): "sha1" | "sha256" {
  return objectFormat === "SHA1" ? "sha1" : "sha256";
}
