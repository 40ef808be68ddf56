// Whether the repositories are as the rows say: there, with the refs that were recorded, and where they are read whole, sound
// by git's own judgement.

import { isFailure } from "../errors.ts";
import { recordPush } from "../git/hosting/recorded-push.ts";
import {
  type Repositories,
  repositoryDirectory,
  repositoryIsHere,
  repositoryOf,
} from "../git/hosting/repositories-of-projects.ts";
import { isStoredNewer, missingPacks } from "../git/hosting/stored-repositories.ts";
import { refsUnlikeRecorded } from "../git/hosting/unlike-recorded.ts";
import { GitError, runGit } from "../git/process/git-process.ts";
import { nobodysPush } from "../registry/forge/recorded-refs.ts";
import { storedRepository } from "../registry/forge/repository-packs.ts";
import type { Registry } from "../registry/registry.ts";
import { whileNoPush } from "../registry/versions/needed-objects.ts";
import { recordedRefs } from "../registry/versions/stored-versions.ts";
import type { Problem } from "./problem.ts";

const GIT_FSCK_TIMEOUT_MS = 60 * 60_000;
const MAX_SHOWN = 20;
/** Of what git says of a damaged repository. */
const MAX_WORDS = 500;

/** Examines the repository of one project; `deep` has git read every object, `repair` records refs that it has moved. */
export async function examineRepository(
  registry: Registry,
  repositories: Repositories,
  projectId: number,
  about: string,
  { deep, repair }: { readonly deep: boolean; readonly repair: boolean },
): Promise<Problem[]> {
  const problem = (fault: Problem["fault"], says: string): Problem => ({ fault, about, says, repaired: false });
  const problems: Problem[] = [];
  for (const digest of await missingPacks(registry, projectId))
    problems.push(problem("pack_missing", `pack ${digest} of its repository is not in the blob store`));
  // The directory here is an old copy, or there is none: whoever leads has another, or makes it of the packs.
  if (await isStoredNewer(registry, projectId)) return problems;
  // A push that is under way has refs that are not recorded yet; what it left is recorded when it ends, or at the next start.
  await whileNoPush(registry, projectId, async () => {
    if (!repositoryIsHere(registry, projectId)) {
      if ((await recordedRefs(registry, projectId)).size > 0)
        problems.push(problem("repository_missing", "its repository is gone"));
      return;
    }
    const refs = await unlikeRecorded(registry, repositories, projectId);
    if (typeof refs === "string") {
      problems.push(problem("repository_damaged", refs));
      return;
    }
    for (const { name, there, recorded } of refs.slice(0, MAX_SHOWN))
      problems.push(
        problem(
          "ref_differs",
          `${name} is ${there ?? "not there"} in the repository and ${recorded ?? "not recorded"} in the database`,
        ),
      );
    if (refs.length > MAX_SHOWN) problems.push(problem("ref_differs", `${refs.length - MAX_SHOWN} more refs differ`));
  });
  const differing = problems.filter(({ fault }) => fault === "ref_differs");
  if (repair && differing.length > 0 && (await recordMoved(registry, repositories, projectId)))
    for (const one of differing) problems[problems.indexOf(one)] = { ...one, repaired: true };
  const isTold = problems.some(({ fault }) => fault === "repository_damaged");
  if (deep && !isTold && repositoryIsHere(registry, projectId)) {
    const words = await complaintsOf(repositoryDirectory(registry, projectId));
    if (words !== undefined) problems.push(problem("repository_damaged", words));
  }
  return problems;
}

/**
 * Records the refs of a repository on the disk that is ahead of the database, as after a database was taken back to an earlier
 * moment and the data directory was not: its pushes were acknowledged, and pushing again says that everything is up to date.
 * False, with nothing done, where it lacks what was recorded, and so is the older of the two.
 */
async function recordMoved(registry: Registry, repositories: Repositories, projectId: number): Promise<boolean> {
  // Of those in the blob store the rows are the truth.
  if (((await storedRepository(registry, projectId))?.generation ?? 0) > 0) return false;
  const repository = await repositoryOf(registry, repositories, projectId);
  const refs = await refsUnlikeRecorded(registry, repository, projectId);
  const recorded = [...new Set(refs.flatMap((ref) => ref.recorded ?? []))];
  const { peeled, unreadable } = await repository.peel(recorded);
  if (!recorded.every((oid) => peeled.has(oid) && !unreadable.has(oid))) return false;
  // A push may have come meanwhile: it takes its mark away itself.
  await recordPush(registry, repositories, { ...nobodysPush(projectId), settled: () => false });
  return true;
}

/** The refs that are not as they were recorded; where they cannot be read, why. */
async function unlikeRecorded(registry: Registry, repositories: Repositories, projectId: number) {
  try {
    return await refsUnlikeRecorded(registry, await repositoryOf(registry, repositories, projectId), projectId);
  } catch (error) {
    return whyUnread(error, repositoryDirectory(registry, projectId));
  }
}

/** What `git fsck` says of a repository; undefined: nothing. Oddities of old histories are none. */
async function complaintsOf(directory: string): Promise<string | undefined> {
  try {
    await runGit(directory, ["fsck", "--full", "--no-dangling", "--no-progress", "--connectivity-only"], {
      timeoutMs: GIT_FSCK_TIMEOUT_MS,
    });
    return undefined;
  } catch (error) {
    return whyUnread(error, directory);
  }
}

/**
 * Why git cannot read a repository, or may not (git/process/repository-guard.ts). Throws what is no fault of the repository, such
 * as a git that could not be started.
 */
function whyUnread(error: unknown, directory: string): string {
  const says = error instanceof GitError ? error.stderr || error.message : refusalOf(error);
  if (says === undefined) throw error;
  return says.replaceAll(directory, "the repository").trim().slice(0, MAX_WORDS);
}

function refusalOf(error: unknown): string | undefined {
  if (!isFailure(error) || !error.mustAct) return undefined;
  const cause = error.cause as NodeJS.ErrnoException | undefined;
  return cause?.syscall === undefined ? (cause ?? error).message : undefined;
}
