// The composition root of the server: builds every part once, in the order in which they need each other, and takes them
// down in the opposite one. What a server shares with commands is built by open-registry.ts.
import { join } from "node:path";
import type { Config } from "./config.ts";
import { listenForNotices, type Notices } from "./database/notify.ts";
import { keepPurged } from "./git/hosting/purge.ts";
import { recordOpenPushes } from "./git/hosting/recorded-push.ts";
import { keepTidy } from "./git/hosting/tidying.ts";
import { ensureBuiltZips, type ModuleArchives, openModuleArchives } from "./git/indexing/module-archives.ts";
import { openTagIndexer } from "./git/indexing/tag-indexer.ts";
import { Repositories } from "./git/objects/repositories.ts";
import { checkGitVersion } from "./git/process/git-environment.ts";
import type { ModulePath } from "./gomod/module-path.ts";
import type { GraphqlDoor, GraphqlOptions } from "./graphql/endpoint/endpoint.ts";
import { HotCache } from "./http/go/hot-cache.ts";
import { type RunningServer, startServer } from "./http/server.ts";
import { type FollowedMirrors, followMirrors } from "./mirrors/follower.ts";
import { openRemotes, type Remotes } from "./mirrors/remotes.ts";
import { type Closer, closeAll, type OpenOptions, openRegistry, openSigners } from "./open-registry.ts";
import { openUpstream, verificationOf } from "./open-upstream.ts";
import { openChecksumLog } from "./registry/checksums/checksum-log.ts";
import { type ChecksumLog, readTree } from "./registry/checksums/log-state.ts";
import { logPinnedZips } from "./registry/checksums/pinned-zips.ts";
import { documentModules, resumeDocumenting } from "./registry/documentation/module-documentation.ts";
import { type FirstSetup, setUp } from "./registry/forge/setup.ts";
import { resumeIndexing } from "./registry/forge/waiting-tags.ts";
import { describe, resumeDescribing } from "./registry/modules/module-document.ts";
import type { Registry } from "./registry/registry.ts";
import type { Log } from "./telemetry/log.ts";
import { keepEvicted } from "./upstream/eviction.ts";
import { writeCaBundle } from "./upstream/git-fetch.ts";
import { openHttp } from "./upstream/guarded-http.ts";
import { type HookSender, startHookSender } from "./upstream/hook-sender.ts";
import { keepHeads } from "./upstream/log-heads.ts";
import { isOff, knowsWorld } from "./upstream/policy.ts";
import type { PublicSums } from "./upstream/public-sums.ts";
import { openSignInProvider } from "./upstream/sign-in-provider.ts";
import type { SumdbProxy } from "./upstream/sumdb-proxy.ts";
import { toldNames } from "./upstream/told-names.ts";
import { keepVerified, verifyStoredVersions } from "./upstream/verify-stored.ts";
import { databaseAt, keepMirrored } from "./upstream/vulndb-mirror.ts";
import { keepWitnessed } from "./upstream/witnesses.ts";
import { webOnDemand } from "./web/for-people.ts";
import type { WebProvider } from "./web/html/visit.ts";

export interface RunningApp {
  /** Where clients reach it, without a slash at the end. */
  readonly url: string;
  readonly port: number;
  /** The certificate to trust (SSL_CERT_FILE), when it is our own. */
  readonly certificateFile: string | undefined;
  /** What the first start made; undefined on every other. */
  readonly firstSetup: FirstSetup | undefined;
  readonly registry: Registry;
  /** Our own checksum database. */
  readonly checksums: ChecksumLog;
  /** As in OpenedRegistry. */
  readonly lost: AbortSignal | undefined;
  /** Refuses new requests, lets those under way finish (bounded), and lets go of everything. */
  stop(): Promise<void>;
}

/** Starts the server with all its doors; resolves when it answers. */
export async function startApp(config: Config, log: Log, options: OpenOptions = {}): Promise<RunningApp> {
  const gitVersion = await checkGitVersion();
  const startedAt = Date.now();
  const opened = await openRegistry(config, log, "worker", options);
  const { registry } = opened;
  const closers: Closer[] = [() => opened.close()];
  const stop = (): Promise<void> => closeAll(closers);
  try {
    const repositories = new Repositories();
    closers.push(() => repositories.close());
    const archives: ModuleArchives = openModuleArchives(registry, repositories);
    const hotCache = new HotCache(config.hotCacheBytes);
    const hooks = startHooks(config, registry);
    closers.push(() => hooks.close());
    let mirrors: FollowedMirrors | undefined;
    const wakers = { gokura_mirror: () => mirrors?.wake(), gokura_hooks: () => hooks.wake() };
    const notices = await listenForChanges(opened.databaseUrl, registry, hotCache, wakers);
    closers.push(() => notices.close());

    const upstream = await openUpstream(config, opened, repositories);
    closers.push(() => upstream.close());

    const checksums = await openChecksumLog(registry, await openSigners(config));
    closers.push(() => checksums.queue.idle());

    const indexer = openTagIndexer(registry, repositories);
    await registry.jobs.work("index-refs", ({ projectId }) => indexer.index(projectId));
    await registry.jobs.work("build-zips", ({ versionIds }) => ensureBuiltZips(archives, versionIds));
    await registry.jobs.work("describe-module", (payload) => describe(registry, payload));
    await registry.jobs.work("document-module", (payload) => documentModules(registry, payload));
    await registry.jobs.work("log-sums", (payload) => logPinnedZips(checksums, payload));
    await registry.jobs.work("verify-stored", (payload) =>
      verifyStoredVersions(registry, upstream.verification, upstream.publicSums, payload),
    );
    closers.push(() => registry.jobs.stop());
    await recordOpenPushes(registry, repositories);
    const tidying = keepTidy(registry, startedAt);
    closers.push(() => tidying.close());
    const purging = keepPurged(registry, repositories);
    closers.push(() => purging.close());
    await resumeIndexing(registry);
    const remotes = openRemotes(config);
    closers.push(async () => remotes.close());
    const following = await openMirrors(config, registry, repositories, remotes);
    mirrors = following;
    closers.push(() => following.close());
    await resumeDescribing(registry);
    await resumeDocumenting(registry);
    await registry.jobs.sendAlone("log-sums", { after: 0 });
    const verifying = await keepVerified(registry, upstream.verification);
    closers.push(() => verifying.close());

    const vulnerabilities = keepVulnerabilities(config, registry);
    closers.push(() => vulnerabilities.close());
    const evicting = keepEvicted(registry, upstream.client, config.eviction);
    closers.push(() => evicting.close());
    const heads = keepAges(config, registry, upstream.publicSums, upstream.sumDatabases);
    closers.push(async () => heads.close());

    const witnessed = keepWitnessed(checksums, config.sumdbWitnesses);
    closers.push(async () => witnessed.close());

    let server: RunningServer | undefined;
    const url = (): string => server?.url ?? config.url ?? "";
    const graphql = graphqlOnDemand({
      ...{ registry, url, archives, production: config.production, upstreams: upstream.status },
      ...{ modulePages: config.modulePages, remotes },
      hasWorld: !isOff(config.upstream),
      checksums,
      gosumdb: knowsWorld(config) ? checksums.signers[0]!.verifierKey : undefined,
    });
    closers.push(() => graphql.stop());
    const hasWorld = !isOff(config.upstream);
    const provider = providerOf(config, log);
    closers.push(async () => provider?.ask.close());
    const web = webOnDemand({
      ...{ provider, remotes, isIndexed: config.searchEngines },
      ...{ registry, archives, upstreams: upstream.status, modulePages: config.modulePages, hasWorld },
      // As gokura client-config: our database stands for all others only where it has all modules.
      gosumdb: () => (knowsWorld(config) ? checksums.signers[0]!.verifierKey : undefined),
      checksumDatabase: async () => {
        const { name, verifierKey: key } = checksums.signers[0]!;
        return { name, key, records: (await readTree(checksums)).size, closed: checksums.state.closed };
      },
    });
    server = await startServer({
      ...{ config, registry, repositories, indexer, archives, hotCache, graphql, remotes },
      ...{ web },
      dependencies: upstream.proxy,
      sumDatabases: upstream.sumDatabases,
      ...{ checksums, publicSums: upstream.publicSums },
    });
    closers.push(() => server.stop());
    // The first token is shown once, so it is made when nothing is left that could keep us from showing it.
    const firstSetup = await setUp(registry, config.adminToken);
    server.open();
    for (const warning of config.warnings) log.warn(warning);
    void toldNames(config.upstream, verificationOf(config)).then((warnings) => {
      for (const warning of warnings) log.warn(warning);
    });
    log.info({ url: server.url, port: server.port, git: gitVersion, moduleHost: config.moduleHost }, "gokura is up");
    const { url: clientUrl, port, certificateFile } = server;
    return { url: clientUrl, port, certificateFile, firstSetup, registry, checksums, lost: opened.lost, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** The GraphQL door, which is loaded when somebody knocks: many servers are never asked there, and it takes 20 MB. */
function graphqlOnDemand(options: GraphqlOptions): GraphqlDoor & { stop(): Promise<void> } {
  let opened: Promise<GraphqlDoor & { stop(): Promise<void> }> | undefined;
  const open = async (): Promise<GraphqlDoor & { stop(): Promise<void> }> => {
    const { createGraphqlEndpoint } = await import("./graphql/endpoint/endpoint.ts");
    const endpoint = createGraphqlEndpoint(options);
    await endpoint.start();
    return endpoint;
  };
  return {
    async middleware(ctx, next) {
      opened ??= open();
      await (await opened).middleware(ctx, next);
    },
    async stop() {
      await (await opened)?.stop();
    },
  };
}

/** Who signs people in to the pages, where one is named. */
function providerOf(config: Config, log: Log): WebProvider | undefined {
  const { signInProvider: named, allowPrivateNetworks: allowNetworks, upstreamCaFile: caFile } = config;
  if (named === undefined) return undefined;
  const { rules, only } = named;
  return { ask: openSignInProvider(named, { allowNetworks, caFile }, log), rules, only };
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

/** Has the ages of versions worked out of the first checksum database, where there is one and somebody to ask. */
function keepAges(
  config: Config,
  registry: Registry,
  publicSums: PublicSums | undefined,
  sumDatabases: SumdbProxy,
): { close(): void } {
  const [database] = config.sumDatabases;
  if (publicSums === undefined || database === undefined || isOff(config.upstream)) return { close() {} };
  registry.policies.askRecord = async (modulePath, version) => {
    const found = await publicSums.find(modulePath as ModulePath, version);
    return found.kind === "proved" ? found.id : undefined;
  };
  return keepHeads(registry, database, sumDatabases);
}

/** Begins to follow the remotes of mirrors. */
function openMirrors(
  { upstreamCaFile, dataDirectory, maxPushBytes }: Config,
  registry: Registry,
  repositories: Repositories,
  remotes: Remotes,
): Promise<FollowedMirrors> {
  let caBundle: Promise<string> | undefined;
  return followMirrors({
    ...{ registry, repositories, ...remotes, maxFetchBytes: maxPushBytes },
    caBundle() {
      caBundle ??= writeCaBundle(join(dataDirectory, "mirrors"), upstreamCaFile);
      return caBundle;
    },
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

/** Everything that is remembered is forgotten when the database says that it changed. */
async function listenForChanges(
  url: string,
  registry: Registry,
  hotCache: HotCache,
  wakers: { readonly gokura_mirror: () => void; readonly gokura_hooks: () => void },
): Promise<Notices> {
  const notices = await listenForNotices(
    url,
    {
      changed(channel, payload) {
        if (channel === "gokura_mirror" || channel === "gokura_hooks") {
          wakers[channel]();
          return;
        }
        if (channel !== "gokura_content") registry.memory.forget();
        if (channel === "gokura_policies") hotCache.policiesChanged();
        if (channel === "gokura_content") {
          // A project's number and perhaps "deleted", or "upstream", a module path and perhaps "deleted".
          const [content, more, gone] = payload.split(" ");
          if (content === "upstream" && more !== undefined) hotCache.contentChanged(more, gone !== undefined);
          else hotCache.contentChanged(Number(content), more !== undefined);
        }
      },
      forget() {
        registry.memory.forget();
        hotCache.clear();
        for (const wake of Object.values(wakers)) wake();
      },
    },
    registry.log,
  );
  registry.memory.trust(() => notices.live);
  registry.isAlone = () => notices.alone;
  registry.metrics.listening.set(1);
  return notices;
}
