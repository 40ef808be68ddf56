// Whether the zip of a version is where its row says, and as it says: there, of its size, and where it is read whole, with the
// SHA-256 that is its name and the h1 that clients have in their go.sum.
import { createHash } from "node:crypto";
import type { FileHandle } from "node:fs/promises";
import { rm } from "node:fs/promises";
import { withoutYoungGrowth } from "../concurrency/young-generation.ts";
import { isFailure } from "../errors.ts";
import { type Repositories, repositoryOf } from "../git/hosting/repositories-of-projects.ts";
import { archiveModule } from "../git/objects/archive.ts";
import { GitError } from "../git/process/git-process.ts";
import type { Registry } from "../registry/registry.ts";
import { readModuleZip } from "../registry/versions/module-zip-content.ts";
import type { VersionWithBytes } from "../registry/versions/stored-versions.ts";
import { storing } from "../storage/disk-blobs.ts";
import { zipObjectKey } from "../storage/object-keys.ts";
import { readZipDirectory } from "../storage/zip-reader.ts";

/** What is wrong with a zip. */
export interface StoredZipFault {
  readonly fault: "zip_missing" | "zip_damaged";
  readonly says: string;
}

/** Compares the zip of a version with its row; `deep` reads it whole. Undefined: it is as promised, or none was made yet. */
export async function examineZip(
  { blobs }: Registry,
  { zipKey, zipSize, h1, modulePath, version }: VersionWithBytes,
  deep: boolean,
): Promise<StoredZipFault | undefined> {
  if (zipKey === null) return undefined;
  let file: FileHandle;
  try {
    file = await blobs.openFile(zipObjectKey(zipKey), { isOnce: true });
  } catch (error) {
    if (isFailure(error, "not-found")) return { fault: "zip_missing", says: "its zip is not stored" };
    throw error;
  }
  const damaged = (says: string): StoredZipFault => ({ fault: "zip_damaged", says });
  try {
    const { size } = await file.stat();
    if (size !== zipSize) return damaged(`its zip has ${size} bytes and not ${zipSize}`);
    if (!deep) return undefined;
    const found = await sha256Of(file);
    if (found !== zipKey) return damaged(`its zip has the SHA-256 ${found} and not ${zipKey}`);
    const content = await withoutYoungGrowth(async () =>
      readModuleZip(`${modulePath}@${version}`, file, await readZipDirectory(file, size)),
    );
    return content.h1 === h1 ? undefined : damaged(`its zip has ${content.h1} and not ${h1}`);
  } catch (error) {
    return damaged(`its zip cannot be read: ${(error as Error).message}`);
  } finally {
    await file.close();
  }
}

async function sha256Of(file: FileHandle): Promise<string> {
  const hash = createHash("sha256");
  for await (const piece of file.createReadStream({ start: 0, autoClose: false })) hash.update(piece);
  return hash.digest("hex");
}

/** Makes the zip of a hosted version again and puts it in its place. Returns whether it is, byte for byte, the one that was. */
export async function repairZip(
  registry: Registry,
  repositories: Repositories,
  { projectId, commit, directory, modulePath, version, zipKey }: VersionWithBytes,
): Promise<boolean> {
  if (projectId === null || commit === null || zipKey === null) return false;
  const scratch = registry.blobs.scratch();
  try {
    const repository = await repositoryOf(registry, repositories, projectId);
    const made = await storing(() =>
      archiveModule({ repository, commit, subdir: directory, modulePath, version, file: scratch }),
    );
    if (made.sha256 !== zipKey) return false;
    await registry.blobs.adopt(scratch, zipObjectKey(zipKey));
    return true;
  } catch (error) {
    // Why git cannot read the repository is told once, for its project.
    if (isFailure(error) || error instanceof GitError) return false;
    throw error;
  } finally {
    await rm(scratch, { force: true });
  }
}
