// The composition root of the server: builds every part once, in the order in which they need each other, and takes them
// down in the opposite one. What a server shares with commands is built by open-registry.ts, what only one of several servers
// does by leader.ts.

import { setTimeout as delay } from "node:timers/promises";
import { onDemand } from "./concurrency/on-demand.ts";
import type { Config } from "./config.ts";
import { type Lease, openLease } from "./database/lease.ts";
import {
  LISTENER_NAME,
  listenForNotices,
  type NoticeOptions,
  type Notices,
  WORKER_LISTENER_NAME,
} from "./database/notify.ts";
import { openStoredRepositories } from "./git/hosting/stored-repositories.ts";
import { type ModuleArchives, openModuleArchives } from "./git/indexing/module-archives.ts";
import { openTagIndexer } from "./git/indexing/tag-indexer.ts";
import { Repositories } from "./git/objects/repositories.ts";
import { checkGitVersion } from "./git/process/git-environment.ts";
import type { ModulePath } from "./gomod/module-path.ts";
import type { GraphqlDoor, GraphqlOptions } from "./graphql/endpoint/endpoint.ts";
import { warmCache } from "./http/go/cache-warming.ts";
import { HotCache } from "./http/go/hot-cache.ts";
import { setGauges } from "./http/health.ts";
import { type RunningServer, startServer } from "./http/server.ts";
import { type Leading, openLeading } from "./leader.ts";
import { openRemotes } from "./mirrors/remotes.ts";
import { type Closer, closeAll, type OpenOptions, openRegistry, openSigners } from "./open-registry.ts";
import { openUpstream, verificationOf } from "./open-upstream.ts";
import { openChecksumLog } from "./registry/checksums/checksum-log.ts";
import { type ChecksumLog, readCommittedTree } from "./registry/checksums/log-state.ts";
import { noteModuleHost } from "./registry/forge/module-hosts.ts";
import { type FirstSetup, setUp } from "./registry/forge/setup.ts";
import type { Registry } from "./registry/registry.ts";
import { nameOfDataDirectory } from "./storage/data-directory.ts";
import type { Log } from "./telemetry/log.ts";
import type { Measured } from "./telemetry/metrics.ts";
import { startTracing } from "./telemetry/tracing.ts";
import { isOff, knowsWorld } from "./upstream/policy.ts";
import type { PublicSums } from "./upstream/public-sums.ts";
import { openSignInProvider } from "./upstream/sign-in-provider.ts";
import { toldNames } from "./upstream/told-names.ts";
import { webOnDemand } from "./web/for-people.ts";
import type { WebProvider } from "./web/html/visit.ts";
import { startWorkers, type Workers } from "./workers.ts";

/** How often a database that came to be elsewhere is compared, until it can be. */
const COMPARED_TRIES = 30;
const COMPARED_AGAIN_MS = 1_000;

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
  const closers: Closer[] = [await startTracing(config.tracing, log)];
  const stop = (): Promise<void> => closeAll(closers);
  try {
    const opened = await openRegistry(config, log, "worker", options);
    closers.push(() => opened.close());
    const { registry } = opened;
    const repositories = new Repositories();
    closers.push(() => repositories.close());
    if (config.repositories === "blobs") registry.storedRepositories = openStoredRepositories(registry, repositories);
    const archives: ModuleArchives = openModuleArchives(registry, repositories);
    const hotCache = new HotCache(config.hotCacheBytes);
    let leading: Leading | undefined;
    const name = options.other ? WORKER_LISTENER_NAME : LISTENER_NAME;
    let moved = (): void => {};
    const notices = await listenForChanges(registry, hotCache, (what) => leading?.wake(what), {
      ...{ url: opened.databaseUrl, name, moves: config.databaseUrl !== undefined, moved: () => moved() },
      ...(options.heartbeatMs === undefined ? {} : { heartbeatMs: options.heartbeatMs }),
    });
    closers.push(() => notices.close());

    const upstream = await openUpstream(config, opened, repositories);
    closers.push(() => upstream.close());

    const checksums = await openChecksumLog(registry, await openSigners(config));
    closers.push(() => checksums.queue.idle());

    const indexer = openTagIndexer(registry, repositories);
    closers.push(() => registry.jobs.stop());
    const remotes = openRemotes(config);
    closers.push(async () => remotes.close());
    const hasAges = knowsAges(config, registry, upstream.publicSums);
    const duties = openLeading({
      ...{ config, registry, repositories, archives, indexer, upstream, checksums, remotes, hasAges },
    });
    leading = duties;
    const stopping = new AbortController();
    closers.push(async () => stopping.abort());
    moved = () => void databaseMoved(registry, checksums, duties, stopping.signal);
    let lease: Lease | undefined;
    let isUp = false;
    closers.push(async () => lease?.close());
    closers.push(() => duties.end());

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
        return { name, key, records: (await readCommittedTree(checksums)).size, closed: checksums.state.closed };
      },
    });
    const { other } = options;
    const measured = async (): Promise<Measured> => {
      await setGauges(registry, lease?.leads() ?? false, checksums);
      return registry.metrics.registry.getMetricsAsJSON();
    };
    let workers: Workers | undefined;
    other?.measures(measured);
    server = await startServer({
      ...{ config, registry, repositories, indexer, archives, hotCache, graphql, remotes },
      ...{ web, lease: () => lease },
      dependencies: upstream.proxy,
      sumDatabases: upstream.sumDatabases,
      ...{ checksums, publicSums: upstream.publicSums, other },
      async metrics() {
        if (other) return other.metrics();
        if (workers) return workers.metrics();
        await setGauges(registry, lease?.leads() ?? false, checksums);
        return registry.metrics.registry.metrics();
      },
    });
    closers.push(() => server.stop(workers?.stop() ?? Promise.resolve()));
    lease = openLease({
      ...{ pool: registry.database.pool, connections: registry.database.connections },
      ...{ url: opened.databaseUrl, log, times: options.leaseTimes },
      candidate: config.role === "all",
      holder: await nameOfDataDirectory(config.dataDirectory),
      sole: config.databaseUrl === undefined,
      address: server.internal,
      async begin(ready) {
        await duties.begin(ready, isUp);
        // Whoever led before may have ended before it came to that.
        if (isUp && config.adminToken !== undefined) await setUp(registry, config.adminToken);
      },
      end: () => duties.end(),
    });
    registry.leadership = lease;
    await lease.start();
    // The first token is shown once, so it is made when nothing is left that could keep us from showing it.
    const firstSetup = lease.leads() ? await setUp(registry, config.adminToken) : undefined;
    if (other) options.stopSignal?.throwIfAborted();
    await noteModuleHost(registry);
    await server.open();
    isUp = true;
    const warming = warmCache(registry, hotCache).then(
      (answers) => log.debug({ answers }, "what was stored last is ready in memory"),
      (error: unknown) => log.warn({ err: error }, "what was stored last is not in memory: it is read when asked for"),
    );
    closers.push(() => warming);
    if (config.role === "all" && !lease.leads())
      duties.standBy().catch((error: unknown) => log.warn({ err: error }, "this server is not ready to lead yet"));
    for (const warning of config.warnings) log.warn(warning);
    if (!other)
      void toldNames(config.upstream, verificationOf(config)).then((warnings) => {
        for (const warning of warnings) log.warn(warning);
      });
    log.info({ url: server.url, port: server.port, git: gitVersion, moduleHost: config.moduleHost }, "gokura is up");
    const { url: clientUrl, port, certificateFile, near, internal } = server;
    if (near)
      workers = startWorkers({
        ...{ count: config.workers, log, own: measured },
        place: { port, databaseUrl: registry.database.url, first: { url: internal.url, near } },
      });
    return { url: clientUrl, port, certificateFile, firstSetup, registry, checksums, lost: opened.lost, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** The GraphQL door, which is loaded when somebody knocks: many servers are never asked there, and it takes 20 MB. */
function graphqlOnDemand(options: GraphqlOptions): GraphqlDoor & { stop(): Promise<void> } {
  const endpoint = onDemand(async () => {
    const { createGraphqlEndpoint } = await import("./graphql/endpoint/endpoint.ts");
    const created = createGraphqlEndpoint(options);
    await created.start();
    return created;
  });
  return {
    async middleware(ctx, next) {
      await (await endpoint.get()).middleware(ctx, next);
    },
    async stop() {
      await (await endpoint.opened()?.catch(() => undefined))?.stop();
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

/** Has the ages of versions worked out of the first checksum database; false where there is none, or nobody to ask. */
function knowsAges(config: Config, registry: Registry, publicSums: PublicSums | undefined): boolean {
  if (publicSums === undefined || config.sumDatabases[0] === undefined || isOff(config.upstream)) return false;
  registry.policies.askRecord = async (modulePath, version) => {
    const found = await publicSums.find(modulePath as ModulePath, version);
    return found.kind === "proved" ? found.id : undefined;
  };
  return true;
}

/** The database is another server than before, which may lack what was done last: what is kept elsewhere is compared with it. */
async function databaseMoved(
  { log }: Registry,
  checksums: ChecksumLog,
  leading: Leading,
  stopping: AbortSignal,
): Promise<void> {
  for (let tries = 0; tries < COMPARED_TRIES && !stopping.aborted; tries++)
    try {
      await checksums.compare();
      await leading.databaseMoved();
      return;
    } catch (error) {
      if (stopping.aborted) return;
      log.warn({ err: error }, "what the database may have lost is not known yet");
      await delay(COMPARED_AGAIN_MS, undefined, { ref: false, signal: stopping }).catch(() => {});
    }
}

/** Everything that is remembered is forgotten when the database says that it changed. */
async function listenForChanges(
  registry: Registry,
  hotCache: HotCache,
  wake: (what: "gokura_mirror" | "gokura_hooks") => void,
  { url, moved, ...options }: NoticeOptions & { readonly url: string; readonly moved: () => void },
): Promise<Notices> {
  const notices = await listenForNotices(
    url,
    {
      changed(channel, payload) {
        if (channel === "gokura_mirror" || channel === "gokura_hooks") {
          wake(channel);
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
        wake("gokura_mirror");
        wake("gokura_hooks");
      },
      moved,
    },
    registry.log,
    { ...options, connections: registry.database.connections },
  );
  registry.memory.trust(() => notices.live);
  registry.isAlone = () => notices.alone;
  registry.metrics.listening.set(1);
  return notices;
}
