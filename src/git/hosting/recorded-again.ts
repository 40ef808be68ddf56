// After a failover the database may lack pushes that were acknowledged: a standby took the primary's place that had not got
// them (PostgreSQL documentation, "Synchronous Replication"). A leader that goes on leading has them all the same, in its
// directories: nobody else has led in the meantime, as the fence of each record says (database/lease.ts), so that what is there
// is what is recorded and more. So it is recorded again, like a push that was cut off. Who comes to lead anew goes by the rows.
//
// A project may be lost as a whole, and its number be given to another one: numbers come from a sequence that went back with the
// rest. Its directory is put aside under another name, for a person to look at, before somebody else's project finds it.
import { rename } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { isFailure } from "../../errors.ts";
import { projectById } from "../../registry/forge/projects.ts";
import { nobodysPush } from "../../registry/forge/recorded-refs.ts";
import type { Registry } from "../../registry/registry.ts";
import { recordedRefs } from "../../registry/versions/stored-versions.ts";
import { recordPush } from "./recorded-push.ts";
import { type Repositories, repositoryDirectory, repositoryIsHere, repositoryOf } from "./repositories-of-projects.ts";
import { refsUnlikeRecorded } from "./unlike-recorded.ts";

/** How often it is asked whether this server still leads, until that is known. */
const TRIES = 10;
const PAUSE_MS = 1_000;

/** Records again what was pushed lately to a server that leads, and is not recorded now. Where another one leads nothing is done. */
export async function recordAgain(registry: Registry, repositories: Repositories): Promise<void> {
  const { recordedLately, leadership, log, storedRepositories: stored } = registry;
  if (recordedLately.size > 0 && (await isKnownToLead(leadership)))
    for (const [projectId, fullPath] of recordedLately.entries())
      try {
        if (repositoryIsHere(registry, projectId)) await recordIfUnlike(registry, repositories, projectId, fullPath);
      } catch (error) {
        log.error(
          { err: error, project: fullPath },
          "whether the database lacks a push to a project is not known: gokura fsck tells",
        );
      }
  stored?.forget();
}

async function isKnownToLead({ demand }: Registry["leadership"]): Promise<boolean> {
  for (let tries = 0; tries < TRIES; tries++) {
    const leads = await demand().then(
      () => true,
      () => false,
    );
    if (leads) return true;
    await delay(PAUSE_MS, undefined, { ref: false });
  }
  return false;
}

async function recordIfUnlike(
  registry: Registry,
  repositories: Repositories,
  projectId: number,
  fullPath: string,
): Promise<void> {
  const there = await projectById(registry, projectId).catch((error: unknown) => {
    if (isFailure(error, "not-found")) return undefined;
    throw error;
  });
  const isLost = there?.fullPath !== fullPath;
  if (isLost && (await recordedRefs(registry, projectId)).size === 0) {
    const directory = repositoryDirectory(registry, projectId);
    const aside = `${directory}.lost-${Date.now()}`;
    await rename(directory, aside);
    registry.log.error(
      { project: fullPath, directory: aside },
      "the database lost a project; its repository was put aside",
    );
    return;
  }
  const unlike = await refsUnlikeRecorded(registry, await repositoryOf(registry, repositories, projectId), projectId);
  if (unlike.length === 0 || isLost) return;
  registry.log.warn(
    { project: fullPath, refs: unlike.length },
    "the database lost a push that was acknowledged; it is recorded again from the repository",
  );
  // The mark of a push that is under way stays: what it moves is recorded when it ends.
  await recordPush(registry, repositories, { ...nobodysPush(projectId), settled: () => false });
}
