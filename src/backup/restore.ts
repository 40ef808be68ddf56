// A registry out of a backup, in a new data directory. The files of a backup are younger than its database: refs that were
// pushed after the moment that the backup names are set to what the database recorded, so that both tell of one moment.
import { copyFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import { embeddedDirectory, readableByOthers } from "../database/cluster-files.ts";
import { serverOwner } from "../database/postgres-binaries.ts";
import { restoreCluster } from "../database/restored-cluster.ts";
import { Failure } from "../errors.ts";
import { type Repositories, repositoryIsHere, repositoryOf } from "../git/hosting/repositories-of-projects.ts";
import { refsUnlikeRecorded } from "../git/hosting/unlike-recorded.ts";
import { runGit } from "../git/process/git-process.ts";
import type { Registry } from "../registry/registry.ts";
import { projectIds } from "../registry/versions/needed-objects.ts";
import { BASE, DATA, MANIFEST, PASSWORD } from "./backup.ts";
import { copyFiles } from "./copied-files.ts";
import { type Description, descriptionOf } from "./description.ts";

/** Puts files and, where it is embedded, the database of a backup into a directory that is empty or not there. */
export async function restoreFiles(backup: string, dataDirectory: string): Promise<Description> {
  const description = await descriptionOf(backup);
  if (!description) throw new Failure("not-found", `${backup} holds no finished backup: there is no backup.json in it`);
  const names = await readdir(dataDirectory).catch(() => []);
  if (names.length > 0)
    throw new Failure(
      "conflict",
      `${dataDirectory} is not empty: nothing is ever restored over what is there; give another directory`,
    );
  if (description.cluster !== null) await restoreDatabase(join(backup, description.cluster), dataDirectory);
  await copyFiles(join(backup, DATA), dataDirectory);
  return description;
}

async function restoreDatabase(database: string, dataDirectory: string): Promise<void> {
  const owner = serverOwner();
  const directory = readableByOthers(() => embeddedDirectory(dataDirectory, owner));
  await restoreCluster(join(database, BASE), join(database, MANIFEST), join(directory, "cluster"), owner);
  await copyFile(join(database, PASSWORD), join(directory, PASSWORD));
}

/** Sets the refs of all repositories to what the database recorded; returns how many were other. */
export async function alignRefs(registry: Registry, repositories: Repositories): Promise<number> {
  let aligned = 0;
  for (const id of await projectIds(registry)) {
    if (!repositoryIsHere(registry, id)) continue;
    const repository = await repositoryOf(registry, repositories, id);
    const commands = (await refsUnlikeRecorded(registry, repository, id)).map(({ name, recorded }) =>
      recorded === undefined ? `delete ${name}\n` : `update ${name} ${recorded}\n`,
    );
    if (commands.length > 0)
      await runGit(repository.directory, ["update-ref", "--stdin"], { input: commands.join("") });
    aligned += commands.length;
  }
  return aligned;
}
