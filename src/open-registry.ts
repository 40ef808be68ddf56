// The composition root of what a command and a server share: a registry without doors, on its database. Whoever opens one
// says whether it will work on jobs (a server) or only leaves them behind (a command); a command shall be quick, so nothing
// is imported here that only a server needs.
import { join } from "node:path";
import { ExpiringMemory } from "./concurrency/expiring-memory.ts";
import { onDemand } from "./concurrency/on-demand.ts";
import { type Config, defaultSumdbName } from "./config.ts";
import { awaitDatabase, openDatabase } from "./database/client.ts";
import { startEmbeddedPostgres } from "./database/embedded-postgres.ts";
import { ALONE, type LeaseTimes } from "./database/lease.ts";
import { isMigrated, migrate } from "./database/migrate.ts";
import { demandUsableConnections } from "./database/pooled.ts";
import { serverOwner } from "./database/postgres-binaries.ts";
import type { OtherProcess } from "./http/shared-port.ts";
import { openJobs } from "./jobs/queue.ts";
import { AccessMemory } from "./registry/access/access-memory.ts";
import { createLimits } from "./registry/access/limits.ts";
import { TokenUse } from "./registry/access/token-use.ts";
import { loadSigners } from "./registry/checksums/signing-keys.ts";
import { closeDocumentationWork, openDocumentationWork } from "./registry/documentation/documentation-work.ts";
import { openPrivateModules } from "./registry/forge/private-modules.ts";
import { createRequirementMemory } from "./registry/modules/requirement-memory.ts";
import { Traffic } from "./registry/numbers/traffic.ts";
import { createPolicyState } from "./registry/policies/noted-verdicts.ts";
import type { Registry } from "./registry/registry.ts";
import { openSecretBox } from "./registry/secret-box.ts";
import type { Blobs } from "./storage/blobs.ts";
import {
  claimDataDirectory,
  demandSameAccount,
  nameOfDataDirectory,
  openDataDirectory,
} from "./storage/data-directory.ts";
import { openDiskBlobs } from "./storage/disk-blobs.ts";
import { sentByProxy } from "./storage/sendfile.ts";
import type { Signer } from "./sumdb/note.ts";
import type { Log } from "./telemetry/log.ts";
import { UNCOUNTED } from "./telemetry/metrics.ts";
import { openIdTokens } from "./upstream/id-tokens.ts";

/** How long a start waits for a PostgreSQL that does not answer yet. */
const DATABASE_PATIENCE_MS = 30_000;
/** No standby is behind for longer that is fit to take a primary's place. */
const RECORDED_LATELY_MS = 60 * 60_000;
const MOST_RECORDED_LATELY = 10_000;
/** Connections that the embedded database takes, for one process and the commands beside it. */
const CONNECTIONS = 60;
/** Connections that a process of a shared port takes: its pool, its notices, its locks, and what leaves jobs behind. */
const CONNECTIONS_OF_WORKER = 25;

/** A registry and what must be let go of after it. */
export interface OpenedRegistry {
  readonly registry: Registry;
  /** Connections to it keep their session. */
  readonly databaseUrl: string;
  /** Aborted, with a Failure as its reason, when the embedded database is gone for good; undefined: there is none. */
  readonly lost: AbortSignal | undefined;
  close(): Promise<void>;
}

/** How a registry is opened. */
export interface OpenOptions {
  /** Ends an opening that is under way. */
  readonly stopSignal?: AbortSignal | undefined;
  /** The clock that policies go by, in milliseconds since 1970; the machine's if not given. */
  readonly now?: (() => number) | undefined;
  /** Of the lease by which one of several servers leads. */
  readonly leaseTimes?: LeaseTimes | undefined;
  /** How often it is looked whether notices arrive, and where the address of the database leads. */
  readonly heartbeatMs?: number | undefined;
  /** This is not the first process of a server, but one that shares its port, its data directory and its database. */
  readonly other?: OtherProcess | undefined;
}

/**
 * Opens the database (starting the embedded one if need be), brings it to the newest migration and builds the registry on
 * it. A `sender` only leaves jobs behind; a `worker` is a server. Throws a Failure that says what to do, or the reason of
 * `stopSignal` when that is aborted meanwhile.
 */
export async function openRegistry(
  config: Config,
  log: Log,
  role: "worker" | "sender",
  { stopSignal: stop, now, other }: OpenOptions = {},
): Promise<OpenedRegistry> {
  const closers: Closer[] = [];
  const close = (): Promise<void> => closeAll(closers);
  try {
    const { dataDirectory } = config;
    // The first process of a server has opened the data directory for the others, and claimed it.
    if (!other) {
      // PostgreSQL has an account of its own where we are root.
      await openDataDirectory(dataDirectory, config.databaseUrl === undefined && serverOwner() !== undefined);
      if (role === "worker") closers.push(await claimDataDirectory(dataDirectory, log));
      else await demandSameAccount(dataDirectory);
    }
    let url = config.databaseUrl;
    let lost: AbortSignal | undefined;
    if (url === undefined) {
      const embedded = await startEmbeddedPostgres(config.dataDirectory, connectionsFor(config.workers));
      lost = embedded.lost;
      closers.push(async () => {
        const { stopped, usedBy } = await embedded.stop();
        if (!stopped && role === "worker")
          log.warn(
            { usedBy },
            "the embedded PostgreSQL still runs, because others use it: do not copy the data directory before they end",
          );
      });
      url = embedded.url;
      if (embedded.adopted) log.debug("the embedded PostgreSQL ran already");
    } else {
      await awaitDatabase(url, log, DATABASE_PATIENCE_MS, stop);
      if (role === "worker") await demandUsableConnections(url, config.databaseListenUrl);
    }
    const sessionUrl = config.databaseListenUrl ?? url;
    const server = role === "worker" ? await nameOfDataDirectory(dataDirectory) : undefined;
    const database = openDatabase(url, log, server);
    closers.push(() => database.close());
    if (!(await isMigrated(database.pool))) {
      const applied = await migrate(sessionUrl);
      if (applied.length > 0) log.info({ applied }, "the database was brought up to date");
    }
    const metrics =
      role === "worker" ? (await import("./telemetry/prometheus.ts")).createMetrics(dataDirectory) : UNCOUNTED;
    const tokenUse = new TokenUse(database.pool, log);
    closers.push(() => tokenUse.close());
    const traffic = new Traffic(database.pool, log);
    closers.push(() => traffic.close());
    const idTokens = openIdTokens({ allowNetworks: config.allowPrivateNetworks, caFile: config.upstreamCaFile }, log);
    closers.push(() => idTokens.close());
    // A server that only reads leaves jobs to the one that leads.
    const jobs = openJobs(sessionUrl, config.role === "read" ? "sender" : role, log, metrics, database.connections);
    closers.push(() => jobs.stop());
    const documentation = openDocumentationWork();
    closers.push(() => closeDocumentationWork(documentation));
    const registry: Registry = {
      database,
      get prisma() {
        return database.prisma;
      },
      blobs: await openBlobs(config, role, closers),
      jobs,
      leadership: ALONE,
      storedRepositories: undefined,
      demandCompared() {},
      recordedLately: new ExpiringMemory({ max: MOST_RECORDED_LATELY, ttl: RECORDED_LATELY_MS }),
      memory: new AccessMemory(),
      tokenUse,
      idTokens,
      requirementMemory: createRequirementMemory(),
      policies: createPolicyState({ now, cooldown: config.cooldown, logKey: config.sumDatabases[0]?.verifierKey }),
      traffic,
      limits: createLimits(config.limits, metrics, countsTogether(config) ? database.pool : undefined),
      documentation,
      log,
      metrics,
      moduleHost: config.moduleHost,
      privateModules: await openPrivateModules(database, config.privatePatterns),
      secrets: secretsOnDemand(config),
      anonymousUpstream: config.anonymousUpstream,
      isAlone: () => false,
      dataDirectory: config.dataDirectory,
    };
    return { registry, databaseUrl: sessionUrl, lost, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** What the embedded database must be told so that there are connections for all processes of a server. */
function connectionsFor(workers: number): Record<string, string> {
  return workers === 0 ? {} : { max_connections: String(CONNECTIONS + workers * CONNECTIONS_OF_WORKER) };
}

/** Whether other processes may answer the same clients: workers beside this one, or servers, which have no repositories or share them. */
function countsTogether({ workers, role, repositories }: Config): boolean {
  return workers > 0 || role === "read" || repositories === "blobs";
}

/** A server looks first whether the bucket is fit to hold anything; a command is quick. */
async function openBlobs(
  { dataDirectory, bucket: settings, sendfile, trustProxy }: Config,
  role: "worker" | "sender",
  closers: Closer[],
): Promise<Blobs> {
  const directory = join(dataDirectory, "blobs");
  const disk = await openDiskBlobs(directory);
  if (!settings) return sendfile === undefined ? disk : sentByProxy(disk, directory, sendfile, trustProxy);
  const [{ openBlobCache }, { openBucket }, { createBucketBlobs }, { probeBucket }] = await Promise.all([
    import("./storage/blob-cache.ts"),
    import("./storage/s3/bucket.ts"),
    import("./storage/s3/bucket-blobs.ts"),
    import("./storage/s3/probe.ts"),
  ]);
  const bucket = openBucket(settings);
  closers.push(async () => bucket.close());
  if (role === "worker") await probeBucket(bucket);
  const cache = await openBlobCache(join(dataDirectory, "blob-cache"), settings.cacheBytes);
  return createBucketBlobs({ bucket, disk, cache, redirect: settings.redirect });
}

/** Most commands never need the key. Where it could not be read it is read again: somebody may have put it back. */
function secretsOnDemand({ dataDirectory, secretKey }: Config): Registry["secrets"] {
  return onDemand(() => openSecretBox(dataDirectory, secretKey)).get;
}

/** The keys of the checksum database; the first use makes one. */
export function openSigners(config: Config): Promise<Signer[]> {
  const { dataDirectory, sumdbName: name, sumdbKeys: keys } = config;
  return loadSigners({
    dataDirectory,
    name,
    keys,
    defaultName: defaultSumdbName(config),
    mayMake: config.role === "all",
  });
}

/** What lets go of one thing. */
export type Closer = () => Promise<unknown>;

/** Lets go of everything in the opposite order; what fails on the way keeps nothing else from it. Once is enough. */
export async function closeAll(closers: Closer[]): Promise<void> {
  const failures: unknown[] = [];
  for (const closer of closers.splice(0).reverse()) await closer().catch((error: unknown) => failures.push(error));
  if (failures.length > 0) throw failures[0];
}
