// The way back: repositories that are in the blob store (stored-repositories.ts) become directories in a data directory, all of
// them, so that a server can go on with GOKURA_REPOSITORIES=disk. What is as it was recorded is left alone, so that a run that
// was interrupted goes on where it was. As long as servers push, a later run brings what is new; the last one, when none
// runs, forgets what is stored elsewhere: from then on the directories are the repositories.
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { forgetStored } from "../../registry/forge/repository-packs.ts";
import type { Registry } from "../../registry/registry.ts";
import { projectIds } from "../../registry/versions/needed-objects.ts";
import type { Repositories } from "../objects/repositories.ts";
import { repositoryDirectory } from "./repositories-of-projects.ts";
import { isStoredNewer, MARK, openStoredRepositories } from "./stored-repositories.ts";

/** How far it is, or was. */
export interface BroughtRepositories {
  readonly brought: number;
  /** Those that were as they shall be. */
  readonly present: number;
  /** Why some could not be brought. */
  readonly failures: readonly string[];
}

/** Brings all of them into the data directory of a registry, which no server uses. `told` hears of each; the signal ends it between two. */
export async function bringRepositories(
  registry: Registry,
  repositories: Repositories,
  told: (soFar: BroughtRepositories) => void,
  signal: AbortSignal,
): Promise<BroughtRepositories> {
  const stored = openStoredRepositories(registry, repositories);
  const failures: string[] = [];
  let [brought, present] = [0, 0];
  for (const projectId of await projectIds(registry)) {
    signal.throwIfAborted();
    try {
      const isNewer = await isStoredNewer(registry, projectId);
      await stored.ensure(projectId);
      if (isNewer) brought++;
      else present++;
    } catch (error) {
      failures.push((error as Error).message);
    }
    told({ brought, present, failures });
  }
  return { brought, present, failures };
}

/** Forgets what is stored elsewhere of the repositories, all of which are in the data directory. No server may run. */
export async function leaveBlobs(registry: Registry): Promise<void> {
  // Without its mark a directory is made anew by the next run, should this one end here.
  for (const projectId of await projectIds(registry))
    await rm(join(repositoryDirectory(registry, projectId), MARK), { force: true });
  await forgetStored(registry);
}
