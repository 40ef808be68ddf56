// Taken back is taken back: what was published and then taken away, by deleting a version or its project, does not lie on the
// disk for ever. Objects of a repository that neither a branch nor a tag nor a version needs, and zips of no version, are
// removed: by a look round twice a day, and at once by `gokura project purge`. Until then no door gives them out
// (objects/served-objects.ts). Who had them before has them: a secret that was pushed is to be revoked.
import { rm } from "node:fs/promises";
import { basename, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { keepRounds } from "../../concurrency/rounds.ts";
import { Failure } from "../../errors.ts";
import { unreferencedPacks } from "../../registry/forge/repository-packs.ts";
import type { Principal } from "../../registry/principal.ts";
import type { Registry } from "../../registry/registry.ts";
import {
  demandPurge,
  projectIds,
  publishedCommits,
  unreferencedZips,
  whileNoPush,
} from "../../registry/versions/needed-objects.ts";
import { packObjectKey, zipObjectKey } from "../../storage/object-keys.ts";
import { namesIn } from "../objects/leftovers.ts";
import { keepsAny, removeUnneeded } from "../objects/unneeded-objects.ts";
import { type Repositories, repositoryExists, repositoryOf } from "./repositories-of-projects.ts";
import { measureRepository } from "./repository-size.ts";

/** The first look round comes so long after the start, others follow as often as EVERY_MS. */
const FIRST_AFTER_MS = 10 * 60_000;
const EVERY_MS = 12 * 60 * 60_000;
/** A zip that is younger may be one whose row is being written. */
const ZIPS_OLDER_THAN_MS = 60 * 60_000;
/** So long is waited for such a row where zips of any age are removed. */
const ROW_PATIENCE_MS = 2_000;
const BLOBS_AT_ONCE = 1_000;

/** Begins to look round. */
export function keepPurged(registry: Registry, repositories: Repositories): { close(): Promise<void> } {
  return keepRounds((over) => purgeRemains(registry, repositories, { over }), {
    firstAfterMs: FIRST_AFTER_MS,
    everyMs: EVERY_MS,
    failed: (error) => registry.log.warn({ err: error }, "what was taken back could not be removed yet"),
  });
}

/**
 * Removes what a project's versions do not need, and zips of no version, at once. Maintainers; of a deleted project, which
 * has left zips only, administrators. Throws conflict while a push to the project is under way.
 */
export async function purgeProject(
  registry: Registry,
  repositories: Repositories,
  principal: Principal,
  fullPath: string,
): Promise<{ readonly zips: number }> {
  const project = await demandPurge(registry, principal, fullPath);
  if (project && !(await purgeRepository(registry, repositories, project.id)))
    throw new Failure("conflict", `somebody is pushing to ${project.fullPath}: try again in a moment`);
  await purgeBlobs(registry, PACKS, 0);
  return { zips: await purgeBlobs(registry, ZIPS, 0) };
}

/** Removes what no branch, tag or version needs, of all projects, and repositories whose project is gone. */
export async function purgeRemains(
  registry: Registry,
  repositories: Repositories,
  {
    zipsOlderThanMs = ZIPS_OLDER_THAN_MS,
    over = () => false,
  }: { readonly zipsOlderThanMs?: number; readonly over?: () => boolean } = {},
): Promise<void> {
  const parent = join(registry.dataDirectory, "repositories");
  const there = await namesIn(parent, /^\d+\.git$/);
  const known = new Set(await projectIds(registry));
  for (const directory of there) {
    if (over()) return;
    const id = Number.parseInt(basename(directory), 10);
    if (!known.has(id)) await rm(directory, { recursive: true, force: true });
    else
      await purgeRepository(registry, repositories, id).catch((error: unknown) => {
        registry.log.warn({ err: error, project: id }, "a repository could not be purged");
      });
  }
  for (const kind of [ZIPS, PACKS]) if (!over()) await purgeBlobs(registry, kind, zipsOlderThanMs);
}

async function purgeRepository(registry: Registry, repositories: Repositories, projectId: number): Promise<boolean> {
  if (!(await repositoryExists(registry, projectId))) return true;
  const repository = await repositoryOf(registry, repositories, projectId);
  if (!(await keepsAny(repository))) return true; // then everything is served
  let packedAnew = false;
  const done = await whileNoPush(registry, projectId, async () => {
    if (await removeUnneeded(repository, await publishedCommits(registry, projectId))) {
      packedAnew = true;
      registry.log.info({ project: projectId }, "objects that nothing served needs were removed");
      await measureRepository(registry, projectId);
    }
  });
  if (packedAnew) await registry.storedRepositories?.record(projectId);
  return done;
}

/** What lies in the blob store for rows, and which of it, by its SHA-256, no row needs. */
interface Kind {
  readonly prefix: string;
  readonly keyOf: (digest: string) => string;
  readonly unneeded: (registry: Registry, digests: readonly string[]) => Promise<string[]>;
}

const ZIPS: Kind = { prefix: "zip", keyOf: zipObjectKey, unneeded: unreferencedZips };
const PACKS: Kind = { prefix: "pack", keyOf: packObjectKey, unneeded: unreferencedPacks };

/** Removes the blobs of a kind that no row needs and that were written so long ago; returns how many. */
async function purgeBlobs(registry: Registry, kind: Kind, olderThanMs: number): Promise<number> {
  const before = Date.now() - olderThanMs;
  let removed = 0;
  let digests: string[] = [];
  const purge = async (): Promise<void> => {
    removed += await removeBlobs(registry, kind, await kind.unneeded(registry, digests), before, olderThanMs);
    digests = [];
  };
  for await (const { key, writtenAt } of registry.blobs.list(kind.prefix)) {
    if (writtenAt <= before) digests.push(basename(key));
    if (digests.length >= BLOBS_AT_ONCE) await purge();
  }
  await purge();
  return removed;
}

async function removeBlobs(
  registry: Registry,
  { keyOf, unneeded: unneededOf }: Kind,
  digests: readonly string[],
  before: number,
  olderThanMs: number,
): Promise<number> {
  if (digests.length === 0) return 0;
  const aside = new Map<string, NonNullable<Awaited<ReturnType<Registry["blobs"]["setAside"]>>>>();
  for (const digest of digests) {
    const taken = await registry.blobs.setAside(keyOf(digest));
    if (taken) aside.set(digest, taken);
  }
  if (olderThanMs < ROW_PATIENCE_MS) await delay(ROW_PATIENCE_MS);
  const unneeded = new Set(await unneededOf(registry, [...aside.keys()]));
  let removed = 0;
  for (const [digest, blob] of aside) {
    // Meanwhile it may have been written anew, or come into use.
    if (!unneeded.has(digest) || blob.writtenAt > before) await blob.putBack();
    else {
      await blob.remove();
      removed++;
    }
  }
  return removed;
}
