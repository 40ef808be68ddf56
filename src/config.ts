// The settings: environment variables -> one frozen Config. Every mistake is found at once, before anything starts, and a
// name that we do not know is a mistake too, because a setting with a slip in its name is a setting that does nothing.
// What a value may be is decided in
// settings/; docs/settings.md documents each; a test compares that page with SETTINGS.

import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { Failure } from "./errors.ts";
import { type ProviderRules, parseGroupGrants } from "./registry/forge/provider-rules.ts";
import type { LimitSettings } from "./registry/limited.ts";
import { parseAge } from "./registry/policies/age.ts";
import {
  DEFAULT_LISTEN,
  DEFAULT_MODULE_PAGES,
  defaultModuleHost,
  type Listen,
  parseAddresses,
  parseListen,
  parseModuleHost,
  parseModulePages,
  parseRole,
  parseSendfileHeader,
  parseUrl,
  type Role,
} from "./settings/addresses.ts";
import {
  type LogLevel,
  parseBytes,
  parseCount,
  parseLogLevel,
  parsePart,
  parsePartBytes,
  parsePushLimit,
  parseSwitch,
  parseTtl,
  parseWorkers,
} from "./settings/amounts.ts";
import { type BackupServer, type BucketSettings, backupServerOf, bucketOf } from "./settings/bucket.ts";
import { parseCaFile, type TlsConfig, tlsOf } from "./settings/certificates.ts";
import { type Environment, findUnknown, settingOf } from "./settings/environment.ts";
import { parseAdminToken, parseDatabaseUrl, parseSecretKey, parseSigningKeys } from "./settings/secrets.ts";
import { type ProviderSettings, parseClaim, parseNames, providerOf } from "./settings/sign-in-provider.ts";
import { ownHosts, upstreamOf, verifyModeOf } from "./settings/upstream-setting.ts";
import {
  parseHookFailure,
  parseHookSecret,
  parseHookUrl,
  type ValidationSettings,
} from "./settings/validation-setting.ts";
import type { SendfileHeader } from "./storage/sendfile.ts";
import { parseWitnesses, type Witness } from "./sumdb/cosignature.ts";
import { checkDatabaseName, PUBLIC_DATABASE, parseSumDatabases, type SumDatabase } from "./sumdb/database-name.ts";
import type { TraceSettings } from "./telemetry/trace-settings.ts";
import { holdsCredentials, type UpstreamList, type VerifyMode } from "./upstream/policy.ts";

const DEFAULT_MAX_PUSH_BYTES = 2 * 1024 ** 3;
const DEFAULT_HOT_CACHE_BYTES = 64 * 1024 ** 2;
const DEFAULT_PART_BYTES = 256 * 1024 ** 2;
const DEFAULT_BLOB_CACHE_BYTES = 10 * 1024 ** 3;
const DEFAULT_UPSTREAM_TTL_SECONDS = 60;
/** The version of gokura, as package.json says. */
export const PRODUCT_VERSION: string = JSON.parse(
  readFileSync(new URL("../package.json", import.meta.url), "utf8"),
).version;

export interface Config {
  readonly listen: Listen;
  /** The URL that clients use, without a slash at the end; undefined: that of the listener, known once it listens. */
  readonly url: string | undefined;
  /** First element of hosted module paths. */
  readonly moduleHost: string;
  /** Absolute. */
  readonly dataDirectory: string;
  /** `all`: one that may lead; `read`: one that never has the repositories. */
  readonly role: Role;
  /** Where repositories are kept: on the disk of the server that leads, or in the blob store too, where all have them. */
  readonly repositories: "disk" | "blobs";
  /** Where other servers of the database reach this one, without a slash at the end; undefined: at the listener. */
  readonly internalUrl: string | undefined;
  /** How many processes share the port beside the first. */
  readonly workers: number;
  /** undefined: the embedded PostgreSQL. */
  readonly databaseUrl: string | undefined;
  /** The same database for what needs connections that keep their session; undefined: databaseUrl is good for that. */
  readonly databaseListenUrl: string | undefined;
  readonly adminToken: string | undefined;
  readonly tls: TlsConfig;
  /** Addresses and CIDRs of reverse proxies. */
  readonly trustProxy: readonly string[];
  /** The header by which they are told to send a zip themselves; undefined: they are not. */
  readonly sendfile: SendfileHeader | undefined;
  readonly maxPushBytes: number;
  readonly hotCacheBytes: number;
  /** How much a client may ask for in a minute. */
  readonly limits: LimitSettings;
  /** Where zips are kept; undefined: in the data directory. */
  readonly bucket: BucketSettings | undefined;
  /** Where buckets for backups are; undefined: nowhere. */
  readonly backupServer: BackupServer | undefined;
  readonly logLevel: LogLevel;
  /** Which part of the requests is logged, from 0 to 1; failed ones and pushes always are. */
  readonly loggedRequests: number;
  /** Whom to ask for modules that are not ours; holds credentials. */
  readonly upstream: UpstreamList;
  /** PEM certificates that are trusted besides Node's own when others are asked. */
  readonly upstreamCaFile: string | undefined;
  /** How long lists and @latest of other registries stay fresh. */
  readonly upstreamTtlSeconds: number;
  /** How many bytes the zips from upstream may have together, and the patterns of those that stay; undefined: no end. */
  readonly eviction: { readonly maxBytes: number; readonly keep: string } | undefined;
  /** Whether modules from upstream are there for those who send no token. */
  readonly anonymousUpstream: boolean;
  /** The URL of the vulnerability database that is mirrored: http, https or file; undefined: none. */
  readonly vulnerabilityDatabase: string | undefined;
  /** The age that versions from upstream must have, and whether exact ones are refused too; undefined: none. */
  readonly cooldown: { readonly seconds: number; readonly strict: boolean } | undefined;
  /** Who is asked whether a version from upstream may be had; undefined: nobody. */
  readonly validation: ValidationSettings | undefined;
  /** Patterns as GOPRIVATE's: modules that are never asked upstream. */
  readonly privatePatterns: string;
  /** Checksum databases that are proxied. What comes from upstream is compared with the first. */
  readonly sumDatabases: readonly SumDatabase[];
  /** What becomes of modules from upstream that cannot be compared with it. */
  readonly upstreamVerify: VerifyMode;
  /** Patterns as GONOSUMDB's: modules from upstream that no checksum database knows or may hear of. */
  readonly noSumdbPatterns: string;
  /** The name of our own checksum database; undefined: the one that it has, or the default for a new one. */
  readonly sumdbName: string | undefined;
  /** Its signing keys, the current one first; undefined: those of the data directory. */
  readonly sumdbKeys: readonly string[] | undefined;
  /** Who signs its heads with it. */
  readonly sumdbWitnesses: readonly Witness[];
  /** What secrets of others are sealed with; undefined: the key of the data directory. */
  readonly secretKey: string | undefined;
  /** Addresses and CIDRs of private networks that redirects, `direct` and mirrors may reach. */
  readonly allowPrivateNetworks: readonly string[];
  /** Where people read about modules that are not stored here: a URL with {path} and perhaps {version}. */
  readonly modulePages: string;
  /** Whether search engines may keep the pages that everybody may see. */
  readonly searchEngines: boolean;
  /** The provider of OpenID Connect that signs people in to the pages, and what follows from what it says; undefined: none. */
  readonly signInProvider: (ProviderSettings & { readonly rules: ProviderRules }) | undefined;
  /** With what commands ask other registries (gokura publish). */
  readonly token: string | undefined;
  /** Whether a slice of what is stored is examined each week. */
  readonly examines: boolean;
  /** What is traced; undefined: nothing. */
  readonly tracing: TraceSettings | undefined;
  /** NODE_ENV=production: no GraphQL landing page, no introspection for the anonymous. */
  readonly production: boolean;
  /** npm (or npx) started us: when it is gone, nobody is left who could tell us to stop. */
  readonly underNpm: boolean;
  /** What is not as it was probably meant, and no reason to stop: to be told once, by whoever starts the server. */
  readonly warnings: readonly string[];
}

/** Reads the settings; throws one Failure that lists every mistake. An empty value counts as unset. */
export function readConfig(environment: Environment = process.env): Config {
  const mistakes: string[] = [];
  const get = (name: string): string | undefined => settingOf(environment, name, mistakes);
  const parsed = <T>(name: string, fallback: T, parse: (text: string) => T): T => {
    const text = get(name);
    if (text === undefined) return fallback;
    try {
      return parse(text);
    } catch (error) {
      mistakes.push(`${name}: ${(error as Error).message}`);
      return fallback;
    }
  };

  findUnknown(environment, mistakes);
  const listen = parsed("GOKURA_LISTEN", parseListen(DEFAULT_LISTEN), parseListen);
  const url = parsed("GOKURA_URL", undefined, parseUrl);
  const warnings: string[] = [];
  const upstream = upstreamOf(get("GOKURA_UPSTREAM"), environment.GOPROXY, ownHosts(listen, url), mistakes, warnings);
  const sumDatabases = parsed("GOKURA_SUMDB", [PUBLIC_DATABASE], parseSumDatabases);
  const upstreamVerify = verifyModeOf(get("GOKURA_UPSTREAM_VERIFY"), sumDatabases.length > 0, mistakes);
  const provider = providerOf(get, parsed("GOKURA_OIDC_ONLY", false, parseSwitch), mistakes);
  const rules: ProviderRules = {
    usernameClaim: parsed("GOKURA_OIDC_USERNAME_CLAIM", "preferred_username", parseClaim),
    groupsClaim: parsed("GOKURA_OIDC_GROUPS_CLAIM", "groups", parseClaim),
    grants: parsed("GOKURA_OIDC_GROUPS", [], parseGroupGrants),
    administrators: parsed("GOKURA_OIDC_ADMIN_GROUPS", undefined, parseNames),
    createUsers: parsed("GOKURA_OIDC_CREATE_USERS", true, parseSwitch),
  };
  const sumdbName = parsed("GOKURA_SUMDB_NAME", undefined, checkDatabaseName);
  const validationUrl = parsed("GOKURA_VALIDATION_HOOK", undefined, parseHookUrl);
  const validation = {
    key: parsed("GOKURA_VALIDATION_HOOK_SECRET", undefined, parseHookSecret),
    letThrough: parsed("GOKURA_VALIDATION_HOOK_FAILURE", false, parseHookFailure),
  };
  const databaseUrl = parsed("DATABASE_URL", undefined, parseDatabaseUrl);
  const partBytes = parsed("GOKURA_S3_PART_BYTES", DEFAULT_PART_BYTES, parsePartBytes);
  const bucket = bucketOf(
    get,
    {
      partBytes,
      pathStyle: parsed("GOKURA_S3_PATH_STYLE", undefined, parseSwitch),
      caFile: parsed("GOKURA_S3_CA_FILE", undefined, parseCaFile),
      redirect: parsed("GOKURA_S3_REDIRECT", false, parseSwitch),
      cacheBytes: parsed("GOKURA_BLOB_CACHE_BYTES", DEFAULT_BLOB_CACHE_BYTES, parseBytes),
    },
    mistakes,
  );
  const repositories = bucket && databaseUrl !== undefined ? "blobs" : "disk";
  const config: Config = {
    listen,
    url,
    moduleHost: parsed("GOKURA_MODULE_HOST", defaultModuleHost(url, listen.host), parseModuleHost),
    dataDirectory: resolve(get("GOKURA_DATA_DIR") ?? "./data"),
    role: parsed("GOKURA_ROLE", "all", parseRole),
    repositories: parsed("GOKURA_REPOSITORIES", repositories, parseRepositories),
    internalUrl: parsed("GOKURA_INTERNAL_URL", undefined, parseUrl),
    workers: parsed("GOKURA_WORKERS", 0, parseWorkers),
    databaseUrl,
    databaseListenUrl: parsed("DATABASE_LISTEN_URL", undefined, parseDatabaseUrl),
    adminToken: parsed("GOKURA_ADMIN_TOKEN", undefined, parseAdminToken),
    tls: tlsOf(get("GOKURA_TLS"), get("GOKURA_TLS_CERT_FILE"), get("GOKURA_TLS_KEY_FILE"), mistakes),
    trustProxy: parsed("GOKURA_TRUST_PROXY", [], parseAddresses),
    sendfile: parsed("GOKURA_SENDFILE_HEADER", undefined, parseSendfileHeader),
    maxPushBytes: parsed("GOKURA_MAX_PUSH_BYTES", DEFAULT_MAX_PUSH_BYTES, parsePushLimit),
    hotCacheBytes: parsed("GOKURA_HOT_CACHE_BYTES", DEFAULT_HOT_CACHE_BYTES, parseBytes),
    limits: limitsOf(parsed("GOKURA_LIMITS", true, parseSwitch), {
      wrong_credentials: parsed("GOKURA_LIMIT_WRONG_CREDENTIALS", 60, parseCount),
      sign_ins: parsed("GOKURA_LIMIT_SIGN_INS", 10, parseCount),
      cold_fetches: parsed("GOKURA_LIMIT_COLD_FETCHES", 3_000, parseCount),
      graphql_cost: parsed("GOKURA_LIMIT_GRAPHQL_COST", 300_000, parseCount),
      uploads: parsed("GOKURA_LIMIT_UPLOADS", 600, parseCount),
    }),
    bucket,
    backupServer: backupServerOf(get, bucket, partBytes, mistakes),
    logLevel: parsed("GOKURA_LOG_LEVEL", "info", parseLogLevel),
    loggedRequests: parsed("GOKURA_LOG_REQUESTS", 1, parsePart),
    upstream,
    anonymousUpstream: parsed("GOKURA_ANONYMOUS_UPSTREAM", !holdsCredentials(upstream), parseSwitch),
    upstreamCaFile: parsed("GOKURA_UPSTREAM_CA_FILE", undefined, parseCaFile),
    upstreamTtlSeconds: parsed("GOKURA_UPSTREAM_TTL", DEFAULT_UPSTREAM_TTL_SECONDS, parseTtl),
    eviction: evictionOf(parsed("GOKURA_UPSTREAM_MAX_BYTES", undefined, parseBytes), get("GOKURA_UPSTREAM_KEEP") ?? ""),
    vulnerabilityDatabase: parsed("GOKURA_VULNDB", undefined, parseVulnerabilityDatabase),
    cooldown: cooldownOf(
      parsed("GOKURA_COOLDOWN", undefined, parseCooldown),
      parsed("GOKURA_COOLDOWN_MODE", false, parseCooldownMode),
    ),
    validation: validationUrl === undefined ? undefined : { url: validationUrl, ...validation },
    privatePatterns: get("GOKURA_PRIVATE") ?? "",
    ...{ sumDatabases, upstreamVerify },
    noSumdbPatterns: get("GOKURA_UPSTREAM_NOSUMDB") ?? "",
    sumdbName,
    sumdbWitnesses: parsed("GOKURA_SUMDB_WITNESSES", [], parseWitnesses),
    sumdbKeys: parsed("GOKURA_SUMDB_KEY", undefined, (text) => parseSigningKeys(text, sumdbName)),
    secretKey: parsed("GOKURA_SECRET_KEY", undefined, parseSecretKey),
    allowPrivateNetworks: parsed("GOKURA_ALLOW_PRIVATE_NETWORKS", [], parseAddresses),
    modulePages: parsed("GOKURA_MODULE_PAGES", DEFAULT_MODULE_PAGES, parseModulePages),
    searchEngines: parsed("GOKURA_SEARCH_ENGINES", false, parseSwitch),
    signInProvider: provider && { ...provider, rules },
    token: get("GOKURA_TOKEN"),
    examines: parsed("GOKURA_FSCK", true, parseSwitch),
    tracing: tracingOf(environment, parsed("GOKURA_TRACE_HOSTS", [], parseNames)),
    production: environment.NODE_ENV === "production",
    underNpm: environment.npm_command !== undefined,
    warnings,
  };
  if (config.role === "read" && config.databaseUrl === undefined)
    mistakes.push("GOKURA_ROLE: a server that only reads needs DATABASE_URL, the database of the one that leads");
  if (config.databaseListenUrl !== undefined && config.databaseUrl === undefined)
    mistakes.push("DATABASE_LISTEN_URL: DATABASE_URL is not set, which is where queries go");
  if (config.sendfile !== undefined && config.trustProxy.length === 0)
    mistakes.push(
      "GOKURA_SENDFILE_HEADER: only a reverse proxy sends files for us: name its address in GOKURA_TRUST_PROXY",
    );
  if (config.sendfile !== undefined && config.bucket)
    mistakes.push(
      "GOKURA_SENDFILE_HEADER: zips are in a bucket: let clients fetch them there, with GOKURA_S3_REDIRECT",
    );
  if (mistakes.length > 0)
    throw new Failure("invalid", `the settings cannot be used:\n${mistakes.map((line) => `  - ${line}`).join("\n")}`);
  return Object.freeze(config);
}

/** The name of our own checksum database unless another was set: where it is, as clients reach it. */
export function defaultSumdbName({ url, listen }: Pick<Config, "url" | "listen">): string {
  if (url !== undefined) return `${new URL(url).host}/sumdb`;
  const { host, port } = listen;
  const shown = host === "0.0.0.0" || host === "::" ? "localhost" : host.includes(":") ? `[${host}]` : host;
  return port === 0 || port === 443 ? `${shown}/sumdb` : `${shown}:${port}/sumdb`;
}

const UNLIMITED: LimitSettings = { wrong_credentials: 0, sign_ins: 0, cold_fetches: 0, graphql_cost: 0, uploads: 0 };

function limitsOf(on: boolean, limits: LimitSettings): LimitSettings {
  return on ? limits : UNLIMITED;
}

/** Whether OpenTelemetry's own variables ask for traces (its specification, "Environment Variables"). */
function tracingOf(environment: Environment, hosts: readonly string[]): TraceSettings | undefined {
  const { OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT, OTEL_TRACES_EXPORTER } = environment;
  const asked = OTEL_EXPORTER_OTLP_ENDPOINT || OTEL_EXPORTER_OTLP_TRACES_ENDPOINT || OTEL_TRACES_EXPORTER;
  if (!asked || OTEL_TRACES_EXPORTER === "none" || environment.OTEL_SDK_DISABLED?.toLowerCase() === "true")
    return undefined;
  const isNamed = environment.OTEL_SERVICE_NAME || /\bservice\.name=/.test(environment.OTEL_RESOURCE_ATTRIBUTES ?? "");
  return { serviceName: isNamed ? undefined : "gokura", version: PRODUCT_VERSION, hosts: new Set(hosts) };
}

function evictionOf(maxBytes: number | undefined, keep: string): Config["eviction"] {
  return maxBytes === undefined ? undefined : { maxBytes, keep };
}

function cooldownOf(seconds: number | undefined, strict: boolean): Config["cooldown"] {
  return seconds === undefined ? undefined : { seconds, strict };
}

function parseCooldown(text: string): number | undefined {
  return text === "off" ? undefined : parseAge(text);
}

/** Whether exact versions are refused too. */
function parseCooldownMode(text: string): boolean {
  if (text !== "soft" && text !== "strict") throw new Error(`"${text}" is neither soft nor strict`);
  return text === "strict";
}

function parseRepositories(text: string): Config["repositories"] {
  if (text !== "disk" && text !== "blobs") throw new Error(`"${text}" is neither disk nor blobs`);
  return text;
}

function parseVulnerabilityDatabase(text: string): string | undefined {
  if (text === "off") return undefined;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !/^(?:https?|file):$/.test(url.protocol) || url.username !== "" || url.search !== "" || url.hash !== "")
    throw new Error(`"${text}" is neither off nor the URL of a vulnerability database, of https, http or file`);
  return text;
}
