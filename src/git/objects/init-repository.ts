// Making a bare repository such that it is there whole or not at all: it is built under another name beside its place,
// written through to the disk, and then renamed.
//
// info/attributes is what makes archives equal the go command's: it switches export-subst and export-ignore off for every
// file, as cmd/go/internal/modfetch/codehost does (ensureGitAttributes, golang.org/issue/27153).

import { randomBytes } from "node:crypto";
import { mkdir, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { makeDirectory, renameDurably, syncDirectory, syncTree } from "../../storage/durable-files.ts";
import { runGit } from "../process/git-process.ts";
import { ARCHIVE_ATTRIBUTES } from "../process/repository-guard.ts";

/** The branch that HEAD names before there is any. */
const INITIAL_BRANCH = "main";

/**
 * Makes an empty bare repository at an absolute path, with its parent directories; does nothing if there is one already.
 * No template and no hooks; HEAD names refs/heads/main. Two callers at once end up with one repository.
 */
export async function initRepository(
  directory: string,
  options: { objectFormat?: "sha1" | "sha256" } = {},
): Promise<void> {
  if (await isRepository(directory)) return;
  const parent = dirname(directory);
  await makeDirectory(parent);
  const building = `${directory}.new-${randomBytes(6).toString("hex")}`;
  try {
    await runGit(undefined, [
      "init",
      "--quiet",
      "--bare",
      "--template=",
      `--object-format=${options.objectFormat ?? "sha1"}`,
      `--initial-branch=${INITIAL_BRANCH}`,
      building,
    ]);
    await mkdir(join(building, "info"));
    await writeFile(join(building, "info", "attributes"), ARCHIVE_ATTRIBUTES);
    await syncTree(building);
    try {
      await renameDurably(building, directory);
    } catch (error) {
      if (!(await isRepository(directory))) throw error; // else another caller was first
      await syncDirectory(parent);
    }
  } finally {
    await rm(building, { recursive: true, force: true });
  }
}

/**
 * Makes the directories that git looks for in a repository where they are missing: one whose refs are all in packed-refs, or that
 * is empty, has no file in them, and comes without them out of what copies files.
 */
export async function completeRepository(directory: string): Promise<void> {
  for (const name of ["objects", "refs"]) await makeDirectory(join(directory, name));
}

async function isRepository(directory: string): Promise<boolean> {
  return await stat(join(directory, "HEAD")).then(
    (found) => found.isFile(),
    () => false,
  );
}
