// Whether the repositories are as the rows say: there, with the refs that were recorded, and where they are read whole, sound
// by git's own judgement.
import {
  type Repositories,
  repositoryDirectory,
  repositoryIsHere,
  repositoryOf,
} from "../git/hosting/repositories-of-projects.ts";
import { isStoredNewer, missingPacks } from "../git/hosting/stored-repositories.ts";
import { refsUnlikeRecorded } from "../git/hosting/unlike-recorded.ts";
import { GitError, runGit } from "../git/process/git-process.ts";
import type { Registry } from "../registry/registry.ts";
import { whileNoPush } from "../registry/versions/needed-objects.ts";
import { recordedRefs } from "../registry/versions/stored-versions.ts";
import type { Problem } from "./problem.ts";

const GIT_FSCK_TIMEOUT_MS = 60 * 60_000;
const MAX_SHOWN = 20;
/** Of what git says of a damaged repository. */
const MAX_WORDS = 500;

/** Examines the repository of one project; `deep` has git read every object. */
export async function examineRepository(
  registry: Registry,
  repositories: Repositories,
  projectId: number,
  about: string,
  deep: boolean,
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
    const refs = await refsUnlikeRecorded(registry, await repositoryOf(registry, repositories, projectId), projectId);
    for (const { name, there, recorded } of refs.slice(0, MAX_SHOWN))
      problems.push(
        problem(
          "ref_differs",
          `${name} is ${there ?? "not there"} in the repository and ${recorded ?? "not recorded"} in the database`,
        ),
      );
    if (refs.length > MAX_SHOWN) problems.push(problem("ref_differs", `${refs.length - MAX_SHOWN} more refs differ`));
  });
  if (deep && repositoryIsHere(registry, projectId)) {
    const words = await complaintsOf(repositoryDirectory(registry, projectId));
    if (words !== undefined) problems.push(problem("repository_damaged", words));
  }
  return problems;
}

/** What `git fsck` says of a repository; undefined: nothing. Oddities of old histories are none. */
async function complaintsOf(directory: string): Promise<string | undefined> {
  try {
    await runGit(directory, ["fsck", "--full", "--no-dangling", "--no-progress", "--connectivity-only"], {
      timeoutMs: GIT_FSCK_TIMEOUT_MS,
    });
    return undefined;
  } catch (error) {
    if (!(error instanceof GitError)) throw error;
    return error.stderr.replaceAll(directory, "the repository").trim().slice(0, MAX_WORDS) || error.message;
  }
}
