// A registry out of a backup, in a new data directory. The files of a backup are younger than its database: refs that were
// pushed after the moment that the backup names are set to what the database recorded, so that both tell of one moment.
import { chmod, copyFile, mkdir, mkdtemp, readdir, readFile, rm, utimes } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { embeddedDirectory, readableByOthers } from "../database/cluster-files.ts";
import { serverOwner } from "../database/postgres-binaries.ts";
import { restoreCluster } from "../database/restored-cluster.ts";
import { Failure } from "../errors.ts";
import { type Repositories, repositoryIsHere, repositoryOf } from "../git/hosting/repositories-of-projects.ts";
import { refsUnlikeRecorded } from "../git/hosting/unlike-recorded.ts";
import { completeRepository } from "../git/objects/init-repository.ts";
import { GitError, runGit } from "../git/process/git-process.ts";
import type { Registry } from "../registry/registry.ts";
import { projectIds } from "../registry/versions/needed-objects.ts";
import { syncTree } from "../storage/durable-files.ts";
import { unlessMissing } from "../storage/missing-file.ts";
import type { Bucket } from "../storage/s3/bucket.ts";
import { fetchObject } from "../storage/s3/transfer.ts";
import { CLUSTER, DATA, MANIFEST, PASSWORD } from "./backup.ts";
import { backupsIn, objectOf, readBackup, type SavedBackup } from "./bucket-backup.ts";
import { type Pieces, restorableEntries, type SavedCluster } from "./cluster-pieces.ts";
import { copyFiles } from "./copied-files.ts";
import { type Description, descriptionOf } from "./description.ts";
import { piecesInBucket, piecesInDirectory } from "./piece-places.ts";

/** Puts files and, where it is embedded, the database of a backup into a directory that is empty or not there. */
export async function restoreFiles(backup: string, dataDirectory: string): Promise<Description> {
  const description = await descriptionOf(backup);
  if (!description) throw new Failure("not-found", `${backup} holds no finished backup: there is no backup.json in it`);
  await demandEmpty(dataDirectory);
  if (description.cluster !== null)
    await restoreDatabase(join(backup, description.cluster), piecesInDirectory(backup), dataDirectory);
  await copyFiles(join(backup, DATA), dataDirectory);
  await completeRepositories(dataDirectory);
  await syncTree(dataDirectory);
  return description;
}

/** Puts files and, where it is embedded, the database of a backup in a bucket, the one of a moment or the newest, into a directory that is empty or not there. Each file is compared with its SHA-256 on the way. */
export async function restoreFromBucket(
  bucket: Bucket,
  moment: string | undefined,
  dataDirectory: string,
): Promise<SavedBackup> {
  const newest = moment ?? (await backupsIn(bucket))[0];
  if (newest === undefined) throw new Failure("not-found", `${bucket.name} holds no finished backup`);
  const saved = await readBackup(bucket, newest);
  await demandEmpty(dataDirectory);
  const scratch = await mkdtemp(join(tmpdir(), "gokura-restore-"));
  try {
    for (const file of saved.files) {
      const [, root, path] = /^(data|database)\/(.+)$/.exec(file.path) ?? [];
      if (root === undefined || path === undefined || path.split("/").includes(".."))
        throw new Failure("conflict", `${newest} lists a file that no backup has: ${file.path}`);
      const to = join(root === "data" ? dataDirectory : scratch, path);
      await mkdir(dirname(to), { recursive: true, mode: 0o700 });
      if (!(await fetchObject(bucket, objectOf(file), to)))
        throw new Failure("not-found", `${bucket.name} has no ${objectOf(file)}, which is ${file.path} of ${newest}`);
      await chmod(to, file.mode);
      await utimes(to, file.modified / 1000, file.modified / 1000);
    }
    if (saved.hasDatabase) await restoreDatabase(scratch, await piecesInBucket(bucket), dataDirectory);
    await completeRepositories(dataDirectory);
    await syncTree(dataDirectory);
    return saved;
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** A backup has files and no directories, of which git needs two in each repository. */
async function completeRepositories(dataDirectory: string): Promise<void> {
  const parent = join(dataDirectory, "repositories");
  const names = (await readdir(parent).catch(unlessMissing)) ?? [];
  for (const name of names) if (name.endsWith(".git")) await completeRepository(join(parent, name));
}

async function demandEmpty(dataDirectory: string): Promise<void> {
  const names = await readdir(dataDirectory).catch(() => []);
  if (names.length > 0)
    throw new Failure(
      "conflict",
      `${dataDirectory} is not empty: nothing is ever restored over what is there; give another directory`,
    );
}

async function restoreDatabase(database: string, pieces: Pieces, dataDirectory: string): Promise<void> {
  const text = await readFile(join(database, CLUSTER), "utf8").catch((cause: unknown) => {
    if ((cause as NodeJS.ErrnoException).code !== "ENOENT") throw cause;
    const why = `the backup has no ${CLUSTER}: an earlier Gokura has written it, or it is not whole`;
    throw new Failure("conflict", `${why}; restore it with the program that has written it, and start this one there`);
  });
  const cluster = JSON.parse(text) as SavedCluster;
  const owner = serverOwner();
  const directory = readableByOthers(() => embeddedDirectory(dataDirectory, owner));
  const entries = restorableEntries(cluster, pieces);
  await restoreCluster(entries, join(database, MANIFEST), join(directory, "cluster"), owner);
  await copyFile(join(database, PASSWORD), join(directory, PASSWORD));
}

/**
 * Sets the refs of all repositories to what the database recorded, where git can; returns how many were other. What cannot be
 * set the examination finds.
 */
export async function alignRefs(registry: Registry, repositories: Repositories): Promise<number> {
  let aligned = 0;
  for (const id of await projectIds(registry)) {
    if (!repositoryIsHere(registry, id)) continue;
    const repository = await repositoryOf(registry, repositories, id);
    try {
      const commands = (await refsUnlikeRecorded(registry, repository, id)).map(({ name, recorded }) =>
        recorded === undefined ? `delete ${name}\n` : `update ${name} ${recorded}\n`,
      );
      if (commands.length > 0)
        await runGit(repository.directory, ["update-ref", "--stdin"], { input: commands.join("") });
      aligned += commands.length;
    } catch (error) {
      if (!(error instanceof GitError)) throw error;
    }
  }
  return aligned;
}
