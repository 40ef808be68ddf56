// After a push: the refs as git has them now are recorded, and git keeps the commits that no ref names any more, because
// versions may have been made of them.

import { setTimeout as delay } from "node:timers/promises";
import { databaseFailure } from "../../database/trouble.ts";
import {
  announceContent,
  type CurrentRef,
  nobodysPush,
  type PushedRepository,
  type RecordedPush,
  recordRefs,
  unrecordedPushes,
} from "../../registry/forge/recorded-refs.ts";
import type { LostCommit } from "../../registry/forge/tag-events.ts";
import type { Registry } from "../../registry/registry.ts";
import { logSeldom } from "../../telemetry/seldom.ts";
import { removeLeftovers } from "../objects/leftovers.ts";
import type { Repository } from "../objects/repository.ts";
import { syncNames, syncObjectNames } from "../objects/synced-names.ts";
import { type Repositories, repositoryDirectory, repositoryExists, repositoryOf } from "./repositories-of-projects.ts";
import { measureRepository } from "./repository-size.ts";

/** Locks of this age at the start of a server belong to a git that died with the one before. */
const DEAD_AFTER_MS = 1_000;
/** So many refs that changed at once have left as many files behind. */
const MANY_REFS = 500;

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5_000;

/**
 * Records a push whose refs git has moved, and so must not fail: while the database is in trouble it tries again, until
 * `over`. The mark of beginPush stands meanwhile, so that the next start records what this process could not ("later").
 */
export async function recordUntilDone(
  registry: Registry,
  repositories: Repositories,
  push: RecordedPush,
  over: () => boolean,
): Promise<"recorded" | "later"> {
  for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(pause * 2, LONGEST_PAUSE_MS)) {
    try {
      await recordPush(registry, repositories, push);
      return "recorded";
    } catch (error) {
      if (databaseFailure(error, registry.log) === undefined)
        logSeldom(registry.log, "error", "a push could not be recorded yet", { err: error, project: push.projectId });
    }
    if (over()) return "later";
    await delay(pause, undefined, { ref: false });
  }
}

/** Records the refs of a project; doing it again changes nothing. */
export async function recordPush(registry: Registry, repositories: Repositories, push: RecordedPush): Promise<void> {
  const { projectId } = push;
  if (!(await repositoryExists(registry, projectId))) {
    await recordRefs(registry, push, NO_REPOSITORY);
    return;
  }
  const repository = await repositoryOf(registry, repositories, projectId);
  const stored = registry.storedRepositories;
  // What is stored elsewhere was synced there, and the database has the refs.
  if (stored)
    await stored.store(projectId); // the most of it before the project is locked
  else await syncNames(repository.directory, push.touched());
  const changed = await recordRefs(registry, push, {
    refs: (names) => (names ? repository.someRefNames(names) : repository.listRefNames()),
    head: (refs, wanted) => headOf(repository, refs, wanted),
    peel: (oids) => repository.peel(oids),
    async keep(lost) {
      const names = await keep(repository, lost);
      if (stored || names.length === 0) return;
      await syncObjectNames(repository.directory);
      await syncNames(repository.directory, names);
    },
    ...(stored && {
      packs: () => stored.store(projectId),
      agreed: (generation: number) => stored.agreed(projectId, generation),
    }),
  });
  await measureRepository(registry, projectId).catch((error: unknown) => {
    registry.log.warn({ err: error, project: projectId }, "a repository could not be measured");
  });
  // Nobody waits for that. Someone else may be at it, or at a ref: then they stay as they are.
  if (changed >= MANY_REFS)
    void repository.packRefs().catch((error: unknown) => {
      registry.log.warn({ err: error, project: projectId }, "refs could not be packed");
    });
}

const NO_REPOSITORY: PushedRepository = {
  refs: async () => [],
  head: async () => undefined,
  peel: async () => ({ peeled: new Map(), unreadable: new Set() }),
  keep: async () => {},
};

async function headOf(
  repository: Repository,
  refs: readonly CurrentRef[],
  wanted: string | null,
): Promise<string | undefined> {
  const head = await repository.setHeadToFirstBranch(refs, wanted ?? undefined);
  return head?.slice("refs/heads/".length);
}

/** Has HEAD of a project's repository name the branch that the project was set to, which @latest may depend on. */
export async function applyDefaultBranch(
  registry: Registry,
  repositories: Repositories,
  project: { readonly id: number; readonly defaultBranch: string | null },
): Promise<void> {
  if (!(await repositoryExists(registry, project.id))) return;
  const repository = await repositoryOf(registry, repositories, project.id);
  await headOf(repository, await repository.listRefNames(), project.defaultBranch);
  await announceContent(registry, project.id);
}

/** A branch that only went on still reaches its old commit; everything else is held by a hidden ref from now on. */
async function keep(repository: Repository, lost: readonly LostCommit[]): Promise<readonly string[]> {
  const moved = lost.filter(({ name, now }) => name.startsWith("refs/heads/") && now !== undefined);
  const others = lost.filter((ref) => !moved.includes(ref));
  const unreached =
    moved.length === 0
      ? []
      : await repository.unreachedFrom(
          moved.flatMap(({ now }) => now ?? []),
          moved.map(({ commit }) => commit),
        );
  return await repository.keepObjects([...unreached, ...others.map(({ commit }) => commit)]);
}

/**
 * Records what pushes before a crash left unrecorded. For a server that begins to lead: others may come meanwhile. `startedAt`:
 * when it began, in milliseconds since 1970; no git of before that is at work any more.
 */
export async function recordOpenPushes(
  registry: Registry,
  repositories: Repositories,
  startedAt: number,
): Promise<void> {
  const dead = startedAt - DEAD_AFTER_MS;
  for (const { projectId, mark } of await unrecordedPushes(registry)) {
    registry.log.info({ project: projectId }, "a push was cut off; recording what it left");
    try {
      await removeLeftovers(repositoryDirectory(registry, projectId), { locks: dead, objects: dead });
      await recordPush(registry, repositories, { ...nobodysPush(projectId), mark });
    } catch (error) {
      // One broken repository keeps no server from starting. The mark stays: the next push or start tries again.
      registry.log.error({ err: error, project: projectId }, "a push that was cut off cannot be recorded");
    }
  }
}
