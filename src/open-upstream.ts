// What answers for the modules and checksum databases of others, put together: for the server, which asks the upstreams of the
// settings, and for commands that take modules from somewhere else. Wherever they come from, they are judged, compared with
// the checksum databases and stored by the same parts.
import { join } from "node:path";
import { createSingleFlight } from "./concurrency/single-flight.ts";
import type { Config } from "./config.ts";
import type { Repositories } from "./git/objects/repositories.ts";
import { type ModulePath, matchPrefixPatterns } from "./gomod/module-path.ts";
import type { OpenedRegistry } from "./open-registry.ts";
import { isOwned } from "./registry/forge/module-owner.ts";
import type { Registry } from "./registry/registry.ts";
import type { ExpectedSums } from "./upstream/admission.ts";
import { createDatabaseSource, type DatabaseSource } from "./upstream/database-source.ts";
import { type OpenedDependencyProxy, openDependencyProxy } from "./upstream/dependency-proxy.ts";
import { createDirect } from "./upstream/direct.ts";
import { openGitMirrors } from "./upstream/git-mirror.ts";
import { openHttp } from "./upstream/guarded-http.ts";
import { hostsNamedIn, isOff, type UpstreamList } from "./upstream/policy.ts";
import { openProvedDatabase } from "./upstream/proved-database.ts";
import { createPublicSums, type PublicSums } from "./upstream/public-sums.ts";
import { createSumdbProxy, type SumdbProxy } from "./upstream/sumdb-proxy.ts";
import { createUpstreamClient, type FetchDirect, type UpstreamClient } from "./upstream/upstream-client.ts";
import { createUpstreamHealth } from "./upstream/upstream-health.ts";
import { type UpstreamStatus, upstreamStatus } from "./upstream/upstream-status.ts";
import {
  createVerification,
  expecting,
  TOOLCHAIN,
  type Verification,
  type VerificationSettings,
} from "./upstream/upstream-verification.ts";
import { validatorAt } from "./upstream/validation-hook.ts";

/** How what comes from upstream is compared with a checksum database. */
export const verificationOf = ({ upstreamVerify, noSumdbPatterns }: Config): VerificationSettings => ({
  mode: upstreamVerify,
  noSumdb: noSumdbPatterns,
});

export interface OpenedUpstream extends OpenedDependencyProxy {
  /** Where modules are asked for; undefined: nowhere. */
  readonly client: UpstreamClient | undefined;
  readonly sumDatabases: SumdbProxy;
  readonly publicSums: PublicSums | undefined;
  readonly verification: Verification;
  readonly status: () => readonly UpstreamStatus[];
}

/** Where modules come from instead of the upstreams of the settings. */
export interface OtherSources {
  /** Other upstreams. */
  readonly upstreams?: UpstreamList;
  /** What is no server. */
  readonly client?: UpstreamClient;
  /** Where checksum databases are asked instead. */
  readonly source?: DatabaseSource;
  /** What is known of the sums of versions besides. */
  readonly expected?: (modulePath: ModulePath, version: string) => Promise<ExpectedSums | undefined>;
}

/**
 * Has versions from upstream validated, where there is a hook (GOKURA_VALIDATION_HOOK): in the server, and in commands that bring
 * versions in or say what policies think of them.
 */
export function openValidator(config: Config, registry: Registry): { close(): void } {
  const { validation, allowPrivateNetworks: allowNetworks, upstreamCaFile: caFile } = config;
  if (validation === undefined) return { close() {} };
  const { url, key, letThrough } = validation;
  const http = openHttp({ allowNetworks, trustedHosts: new Set([new URL(url).host]), caFile });
  registry.policies.validator = { ask: validatorAt(url, key, http), letThrough, underWay: createSingleFlight() };
  return { close: () => http.close() };
}

/** What answers for the modules and checksums of others: from store and, unless GOKURA_UPSTREAM is off, by asking. */
export async function openUpstream(
  config: Config,
  { registry, databaseUrl }: OpenedRegistry,
  repositories: Repositories,
  elsewhere: OtherSources = {},
): Promise<OpenedUpstream> {
  const caFile = config.upstreamCaFile;
  const databases = config.sumDatabases;
  const http = openHttp({
    allowNetworks: config.allowPrivateNetworks,
    trustedHosts: hostsNamedIn(
      [...config.upstream, ...(elsewhere.upstreams ?? [])],
      ...databases.map(({ url }) => url),
    ),
    caFile,
  });
  const asksGit = config.upstream.some(({ kind }) => kind === "direct");
  const directory = join(config.dataDirectory, "mirrors");
  const fetchDirect = asksGit
    ? createDirect({ http, mirrors: await openGitMirrors({ directory, repositories, http, caFile }) })
    : undefined;
  // Mirrors are with the server that leads, as all repositories are.
  const direct: FetchDirect | undefined =
    fetchDirect &&
    (async (request, how) => {
      await registry.leadership.demand();
      return fetchDirect(request, how);
    });
  const health = createUpstreamHealth(registry.log);
  const client = createUpstreamClient(config.upstream, http, registry.log, { direct, health });
  const source = elsewhere.source ?? createDatabaseSource(client);
  const { upstreams } = elsewhere;
  const modules =
    elsewhere.client ??
    (upstreams
      ? createUpstreamClient(upstreams, http, registry.log, { health })
      : isOff(config.upstream)
        ? undefined
        : client);
  const isExempt = (modulePath: string): boolean =>
    modulePath !== TOOLCHAIN && matchPrefixPatterns(config.noSumdbPatterns, modulePath);
  const mayHear = async (modulePath: string): Promise<boolean> =>
    !registry.privateModules.covers(modulePath) && !isExempt(modulePath) && !(await isOwned(registry, modulePath));
  const proved = databases.map((database) => openProvedDatabase(registry, database, source));
  const publicSums = proved[0]
    ? createPublicSums(registry, proved[0], async (path) => !source.off && (await mayHear(path)), isExempt)
    : undefined;
  const compared = createVerification(verificationOf(config), publicSums);
  const verification = elsewhere.expected ? expecting(compared, elsewhere.expected) : compared;
  const opened = openDependencyProxy({
    registry,
    databaseUrl,
    connections: registry.database.connections,
    upstreams: modules,
    verification,
    listTtlMs: config.upstreamTtlSeconds * 1000,
  });
  const validator = openValidator(config, registry);
  return {
    proxy: opened.proxy,
    client: modules,
    ...{ publicSums, verification },
    sumDatabases: createSumdbProxy({ databases: proved, blobs: registry.blobs, source, mayAsk: mayHear }),
    status: () => upstreamStatus(config.upstream, health),
    async close() {
      http.close();
      validator.close();
      await opened.close();
    },
  };
}
