// Where the repository of a project is: below the data directory of the server that leads. Every way to a repository passes
// here, and on a server that does not lead ends here (database/lease.ts); the doors pass such a request on.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { Failure } from "../../errors.ts";
import type { Registry } from "../../registry/registry.ts";
import type { ProjectRow } from "../../registry/rows.ts";
import { recordedRefs } from "../../registry/versions/stored-versions.ts";
import { repositoryKey } from "../../storage/object-keys.ts";
import { completeRepository, initRepository } from "../objects/init-repository.ts";
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
  await demandHere(registry, projectId);
  return repositories.at(repositoryDirectory(registry, projectId));
}

export function repositoryDirectory(registry: Registry, projectId: number): string {
  return join(registry.dataDirectory, repositoryKey(projectId));
}

/** Whether anything was ever pushed, or about to be. Throws as repositoryOf does. */
export async function repositoryExists(registry: Registry, projectId: number): Promise<boolean> {
  await demandHere(registry, projectId);
  if (repositoryIsHere(registry, projectId)) return true;
  // One that is lost, or on another server, is not an empty one: what is recorded of it would be taken for deleted.
  if ((await recordedRefs(registry, projectId)).size === 0) return false;
  throw new Failure(
    "unavailable",
    `the repository of project ${projectId} is not in ${repositoryDirectory(registry, projectId)}: bring it back (docs/scale.md, docs/operations.md)`,
    { mustAct: true },
  );
}

/** Whether there is a directory for it here, whoever leads. */
export function repositoryIsHere(registry: Registry, projectId: number): boolean {
  return existsSync(repositoryDirectory(registry, projectId));
}

async function demandHere(registry: Registry, projectId: number): Promise<void> {
  await registry.leadership.demand();
  await registry.storedRepositories?.ensure(projectId);
}

/** Makes the repository, of the project's object format, if there is none. */
export async function ensureRepository(
  registry: Registry,
  project: Pick<ProjectRow, "id" | "objectFormat">,
): Promise<void> {
  if (await repositoryExists(registry, project.id)) return;
  await initRepository(repositoryDirectory(registry, project.id), { objectFormat: formatWord(project.objectFormat) });
  await registry.storedRepositories?.agreed(project.id, 0);
}

/** One empty repository of a format that stands in for all that do not exist yet; nothing is ever written to it. */
export async function emptyRepository(registry: Registry, objectFormat: ObjectFormat): Promise<string> {
  const name = objectFormat === "SHA1" ? "empty.git" : "empty-sha256.git";
  const directory = join(registry.dataDirectory, "repositories", name);
  if (!existsSync(directory)) await initRepository(directory, { objectFormat: formatWord(objectFormat) });
  // A restore by an earlier release left its directories out.
  else if (!existsSync(join(directory, "refs"))) await completeRepository(directory);
  return directory;
}

/** The object format in git's words. */
export function formatWord(objectFormat: ObjectFormat): "sha1" | "sha256" {
  return objectFormat === "SHA1" ? "sha1" : "sha256";
}
