// What only one server of a database does: with the default, the one that there is; of several, the one that holds the lease
// (database/lease.ts). It records pushes that were cut off, works on jobs, follows mirrors, tells hooks, makes room, and keeps
// rounds. All of it begins when a server comes to lead and ends when another one does.
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { onDemand } from "./concurrency/on-demand.ts";
import { keepRounds } from "./concurrency/rounds.ts";
import type { Config } from "./config.ts";
import { keepExamined } from "./fsck/slices.ts";
import { keepPurged } from "./git/hosting/purge.ts";
import { recordAgain } from "./git/hosting/recorded-again.ts";
import { recordOpenPushes } from "./git/hosting/recorded-push.ts";
import { keepMeasured } from "./git/hosting/repository-size.ts";
import { keepPrepared } from "./git/hosting/standby-repositories.ts";
import { storeAll } from "./git/hosting/stored-repositories.ts";
import { keepTidy } from "./git/hosting/tidying.ts";
import { ensureBuiltZips, type ModuleArchives } from "./git/indexing/module-archives.ts";
import type { TagIndexer } from "./git/indexing/tag-indexer.ts";
import type { Repositories } from "./git/objects/repositories.ts";
import { type FollowedMirrors, followMirrors } from "./mirrors/follower.ts";
import type { Remotes } from "./mirrors/remotes.ts";
import { type Closer, closeAll } from "./open-registry.ts";
import type { OpenedUpstream } from "./open-upstream.ts";
import type { ChecksumLog } from "./registry/checksums/log-state.ts";
import { logPinnedZips } from "./registry/checksums/pinned-zips.ts";
import { documentModules, resumeDocumenting } from "./registry/documentation/module-documentation.ts";
import { resumeIndexing } from "./registry/forge/waiting-tags.ts";
import { describe, resumeDescribing } from "./registry/modules/module-document.ts";
import { writeImpact } from "./registry/policies/impact.ts";
import type { Registry } from "./registry/registry.ts";
import { keepEvicted } from "./upstream/eviction.ts";
import { writeCaBundle } from "./upstream/git-fetch.ts";
import { openHttp } from "./upstream/guarded-http.ts";
import { type HookSender, startHookSender } from "./upstream/hook-sender.ts";
import { keepHeads } from "./upstream/log-heads.ts";
import { keepVerified, verifyStoredVersions } from "./upstream/verify-stored.ts";
import { databaseAt, keepMirrored } from "./upstream/vulndb-mirror.ts";
import { keepWitnessed } from "./upstream/witnesses.ts";

/** How long rounds and walks wait at a server that takes over: they are many at once, and some look at all that is stored. */
const AFTER_PUSHES_MS = 5_000;

export interface LeaderParts {
  readonly config: Config;
  readonly registry: Registry;
  readonly repositories: Repositories;
  readonly archives: ModuleArchives;
  readonly indexer: TagIndexer;
  readonly upstream: OpenedUpstream;
  readonly checksums: ChecksumLog;
  readonly remotes: Remotes;
  /** Whether ages of versions are worked out of the first checksum database. */
  readonly hasAges: boolean;
}

export interface Leading {
  /** Makes a server that does not lead ready to: it is not to take its time when another has died. */
  standBy(): Promise<void>;
  /**
   * Begins, and calls `ready` when requests may come; what it throws leaves nothing begun. `takesOver`: clients waited for a
   * leader, and what they bring comes first.
   */
  begin(ready: () => void, takesOver: boolean): Promise<void>;
  /** Ends what was begun, after what is under way. */
  end(): Promise<void>;
  /** The database is another server than before: what it lacks of what was pushed here is recorded again. */
  databaseMoved(): Promise<void>;
  /** A notice came that a mirror, or a hook, has something to do. */
  wake(what: "gokura_mirror" | "gokura_hooks"): void;
}

/** What a server does while it leads, not begun yet. `wait` is how it lets time pass. */
export function openLeading(parts: LeaderParts, wait: typeof delay = delay): Leading {
  const closers: Closer[] = [];
  let hasBegun = false;
  let standingBy: { close(): Promise<void> } | undefined;
  const wakers: { mirrors?: FollowedMirrors | undefined; hooks?: HookSender | undefined } = {};
  const { config, registry, repositories, archives, indexer, upstream, checksums, remotes, hasAges } = parts;
  const keep = (kept: { close(): Promise<void> | void }): void => void closers.push(async () => kept.close());
  // Nobody is asked about checksums where GOKURA_UPSTREAM is off: there is nothing to compare with.
  const mayAsk = upstream.client !== undefined;

  const work = async (): Promise<void> => {
    const { jobs } = registry;
    closers.push(() => jobs.rest());
    await jobs.work("index-refs", ({ projectId }) => indexer.index(projectId));
    await jobs.work("build-zips", ({ versionIds }) => ensureBuiltZips(archives, versionIds));
    await jobs.work("describe-module", (payload) => describe(registry, payload));
    await jobs.work("document-module", (payload) => documentModules(registry, payload));
    await jobs.work("judge-stored", (_, tell) => writeImpact(registry, tell));
    await jobs.work("log-sums", (payload) => logPinnedZips(checksums, payload));
    await jobs.work("verify-stored", (payload) =>
      verifyStoredVersions(registry, upstream.verification, mayAsk ? upstream.publicSums : undefined, payload),
    );
  };
  /** Waits a while; returns whether all that was begun has been ended meanwhile. */
  const isOverAfterPause = async (): Promise<boolean> => {
    const ending = new AbortController();
    closers.push(async () => ending.abort());
    await wait(AFTER_PUSHES_MS, undefined, { signal: ending.signal, ref: false }).catch(() => {});
    return ending.signal.aborted;
  };
  const begin = async (ready: () => void, takesOver: boolean): Promise<void> => {
    const startedAt = Date.now();
    hasBegun = true;
    void standingBy?.close(); // nobody waits for a repository of which nobody wants anything
    registry.storedRepositories?.forget();
    ready(); // nothing of what follows is needed for a push, and some of it takes its time
    wakers.hooks = startHooks(config, registry);
    keep(wakers.hooks);
    await work();
    await recordOpenPushes(registry, repositories, startedAt);
    if (takesOver && (await isOverAfterPause())) return;
    keep(keepTidy(registry, startedAt));
    keep(keepPurged(registry, repositories));
    if (registry.storedRepositories) keep(keepStored(registry));
    keep(keepMeasured(registry));
    if (config.examines) keep(keepExamined(registry, repositories));
    await resumeIndexing(registry);
    wakers.mirrors = await openMirrors(config, registry, repositories, remotes);
    keep(wakers.mirrors);
    await resumeDescribing(registry);
    await resumeDocumenting(registry);
    await registry.jobs.beginWalk("log-sums", { after: 0 });
    if (mayAsk) keep(await keepVerified(registry, upstream.verification));
    keep(keepVulnerabilities(config, registry));
    keep(keepEvicted(registry, upstream.client, config.eviction));
    const [database] = config.sumDatabases;
    if (hasAges && database) keep(keepHeads(registry, database, upstream.sumDatabases));
    keep(keepWitnessed(checksums, config.sumdbWitnesses));
  };
  const end = async (): Promise<void> => {
    wakers.hooks = undefined;
    wakers.mirrors = undefined;
    await standingBy?.close();
    await closeAll(closers);
  };
  return {
    async standBy() {
      if (registry.storedRepositories && !hasBegun) standingBy = keepPrepared(registry);
      await registry.jobs.ready();
      await registry.prisma.$queryRaw`SELECT 1`;
    },
    async begin(ready, takesOver) {
      try {
        await begin(ready, takesOver);
      } catch (error) {
        await end().catch(() => {});
        throw error;
      }
    },
    end,
    databaseMoved: () => recordAgain(registry, repositories),
    wake(what) {
      if (what === "gokura_mirror") wakers.mirrors?.wake();
      else wakers.hooks?.wake();
    },
  };
}

/** Has all repositories in the blob store: those from before they were to be there, and what was packed by commands. */
function keepStored(registry: Registry): { close(): Promise<void> } {
  return keepRounds((over) => storeAll(registry, over), {
    firstAfterMs: 1_000,
    everyMs: 60 * 60_000,
    failed: (error) => registry.log.warn({ err: error }, "repositories could not be stored"),
  });
}

/** Mirrors the vulnerability database, where one is named. */
function keepVulnerabilities(config: Config, registry: Registry): { close(): Promise<void> } {
  const { vulnerabilityDatabase: url, allowPrivateNetworks: allowNetworks, upstreamCaFile: caFile } = config;
  if (url === undefined) return { async close() {} };
  const http = openHttp({ allowNetworks, trustedHosts: new Set([new URL(url).host]), caFile });
  const mirroring = keepMirrored(registry, databaseAt(url, http));
  return {
    async close() {
      http.close();
      await mirroring.close();
    },
  };
}

/** Begins to follow the remotes of mirrors. */
function openMirrors(
  { upstreamCaFile, dataDirectory, maxPushBytes }: Config,
  registry: Registry,
  repositories: Repositories,
  remotes: Remotes,
): Promise<FollowedMirrors> {
  const caBundle = onDemand(() => writeCaBundle(join(dataDirectory, "mirrors"), upstreamCaFile));
  return followMirrors({
    ...{ registry, repositories, ...remotes, maxFetchBytes: maxPushBytes, caBundle: caBundle.get },
  });
}

/** Tells hooks. Whoever may make one chooses its address, so no host is trusted because an administrator named it elsewhere. */
function startHooks(config: Config, registry: Registry): HookSender {
  const { allowPrivateNetworks: allowNetworks, upstreamCaFile: caFile } = config;
  const http = openHttp({ allowNetworks, trustedHosts: new Set(), caFile });
  const sender = startHookSender(registry, http);
  return {
    wake: () => sender.wake(),
    async close() {
      await sender.close();
      http.close();
    },
  };
}
