// The settings: environment variables -> one frozen Config. Every mistake is found at once, before anything starts, and a
// name that we do not know is a mistake too, because a setting with a slip in its name is a setting that does nothing.
// docs/settings.md documents each; a test compares that page with SETTINGS.

import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { isIP } from "node:net";
import { resolve } from "node:path";
import { createSecureContext } from "node:tls";
import { closest, distance } from "fastest-levenshtein";
import { Failure } from "./errors.ts";
import { isAddressOrNetwork } from "./network/ip-address.ts";
import { checkDatabaseName, PUBLIC_DATABASE, parseSumDatabases, type SumDatabase } from "./sumdb/database-name.ts";
import { parseSignerKey } from "./sumdb/note.ts";
import { holdsCredentials, OFF, parseUpstreams, type UpstreamList } from "./upstream/policy.ts";

const DEFAULT_LISTEN = "127.0.0.1:8080";
const FALLBACK_MODULE_HOST = "gokura.localhost";
const DEFAULT_MAX_PUSH_BYTES = 2 * 1024 ** 3;
const DEFAULT_HOT_CACHE_BYTES = 64 * 1024 ** 2;
const DEFAULT_UPSTREAM_TTL_SECONDS = 60;
/** Where the import path itself leads (cmd/go, "Remote import paths"). */
const DEFAULT_MODULE_PAGES = "https://{path}";
const MAX_UPSTREAM_TTL_SECONDS = 7 * 24 * 3600;
/** What the go command takes as the first element of a module path (golang.org/x/mod/module, checkPath). */
const MODULE_HOST = /^(?!-)[a-z0-9-]+(\.[a-z0-9-]+)+$/;
/** What may stand behind the host of GOKURA_URL: it is compared with what clients send, and has one spelling. */
const URL_PATH = /^(?:\/[A-Za-z0-9._~-]+)*$/;
const PEM_CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;
/** The version of gokura, as package.json says. */
export const PRODUCT_VERSION: string = JSON.parse(
  readFileSync(new URL("../package.json", import.meta.url), "utf8"),
).version;
const LOG_LEVELS = ["silent", "fatal", "error", "warn", "info", "debug", "trace"] as const;

export type LogLevel = (typeof LOG_LEVELS)[number];

export type TlsConfig =
  | { readonly kind: "off" }
  | { readonly kind: "self-signed" }
  | { readonly kind: "files"; readonly certFile: string; readonly keyFile: string };

export interface Config {
  readonly listen: { readonly host: string; readonly port: number };
  /** The URL that clients use, without a slash at the end; undefined: that of the listener, known once it listens. */
  readonly url: string | undefined;
  /** First element of hosted module paths. */
  readonly moduleHost: string;
  /** Absolute. */
  readonly dataDirectory: string;
  /** undefined: the embedded PostgreSQL. */
  readonly databaseUrl: string | undefined;
  readonly adminToken: string | undefined;
  readonly tls: TlsConfig;
  /** Addresses and CIDRs of reverse proxies. */
  readonly trustProxy: readonly string[];
  readonly maxPushBytes: number;
  readonly hotCacheBytes: number;
  readonly logLevel: LogLevel;
  /** Which part of the requests is logged, from 0 to 1; failed ones and pushes always are. */
  readonly loggedRequests: number;
  /** Whom to ask for modules that are not ours; holds credentials. */
  readonly upstream: UpstreamList;
  /** PEM certificates that are trusted besides Node's own when others are asked. */
  readonly upstreamCaFile: string | undefined;
  /** How long lists and @latest of other registries stay fresh. */
  readonly upstreamTtlSeconds: number;
  /** Whether modules from upstream are there for those who send no token. */
  readonly anonymousUpstream: boolean;
  /** Patterns as GOPRIVATE's: modules that are never asked upstream. */
  readonly privatePatterns: string;
  /** Checksum databases that are proxied. */
  readonly sumDatabases: readonly SumDatabase[];
  /** The name of our own checksum database; undefined: the one that it has, or the default for a new one. */
  readonly sumdbName: string | undefined;
  /** Its signing keys, the current one first; undefined: those of the data directory. */
  readonly sumdbKeys: readonly string[] | undefined;
  /** Addresses and CIDRs of private networks that redirects and `direct` may reach. */
  readonly allowPrivateNetworks: readonly string[];
  /** Where people read about modules that are not stored here: a URL with {path} and perhaps {version}. */
  readonly modulePages: string;
  /** NODE_ENV=production: no GraphQL landing page, no introspection for the anonymous. */
  readonly production: boolean;
  /** npm (or npx) started us: when it is gone, nobody is left who could tell us to stop. */
  readonly underNpm: boolean;
  /** What is not as it was probably meant, and no reason to stop: to be told once, by whoever starts the server. */
  readonly warnings: readonly string[];
}

interface Setting {
  readonly name: string;
  /** May also come from the file that NAME_FILE names. */
  readonly secret?: true;
  /** Known, but of a part that this release does not have yet: setting it is a mistake. */
  readonly reserved?: "refused";
}

/** Every setting that there is. `GOKURA_S3_` stands for all that begin so. */
export const SETTINGS: readonly Setting[] = [
  { name: "GOKURA_LISTEN" },
  { name: "GOKURA_URL" },
  { name: "GOKURA_MODULE_HOST" },
  { name: "GOKURA_DATA_DIR" },
  { name: "DATABASE_URL", secret: true },
  { name: "GOKURA_ADMIN_TOKEN", secret: true },
  { name: "GOKURA_TLS_CERT_FILE" },
  { name: "GOKURA_TLS_KEY_FILE" },
  { name: "GOKURA_TLS" },
  { name: "GOKURA_TRUST_PROXY" },
  { name: "GOKURA_MAX_PUSH_BYTES" },
  { name: "GOKURA_HOT_CACHE_BYTES" },
  { name: "GOKURA_LOG_LEVEL" },
  { name: "GOKURA_LOG_REQUESTS" },
  { name: "GOKURA_UPSTREAM", secret: true },
  { name: "GOKURA_ANONYMOUS_UPSTREAM" },
  { name: "GOKURA_UPSTREAM_CA_FILE" },
  { name: "GOKURA_UPSTREAM_TTL" },
  { name: "GOKURA_PRIVATE" },
  { name: "GOKURA_SUMDB" },
  { name: "GOKURA_SUMDB_NAME" },
  { name: "GOKURA_SUMDB_KEY", secret: true },
  { name: "GOKURA_ALLOW_PRIVATE_NETWORKS" },
  { name: "GOKURA_MODULE_PAGES" },
  { name: "GOKURA_S3_", reserved: "refused" },
];

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * What Kubernetes sets in every pod beside a Service whose name begins with "gokura" (Kubernetes, "Service", environment
 * variables). GOKURA_PORT=8080 is no such thing but a slip of the pen.
 */
const SERVICE_LINK =
  /^GOKURA_(?:\w+_)?(?:SERVICE_(?:HOST|PORT)(?:_\w+)?|PORT_\d+_(?:TCP|UDP|SCTP)(?:_(?:PROTO|PORT|ADDR))?)$/;

function isServiceLink(name: string, value: string | undefined): boolean {
  return SERVICE_LINK.test(name) || (/_PORT$/.test(name) && /^(?:tcp|udp|sctp):\/\//.test(value ?? ""));
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
  const sumdbName = parsed("GOKURA_SUMDB_NAME", undefined, checkDatabaseName);
  const config: Config = {
    listen,
    url,
    moduleHost: parsed("GOKURA_MODULE_HOST", defaultModuleHost(url, listen.host), parseModuleHost),
    dataDirectory: resolve(get("GOKURA_DATA_DIR") ?? "./data"),
    databaseUrl: parsed("DATABASE_URL", undefined, parseDatabaseUrl),
    adminToken: parsed("GOKURA_ADMIN_TOKEN", undefined, parseAdminToken),
    tls: tlsOf(get("GOKURA_TLS"), get("GOKURA_TLS_CERT_FILE"), get("GOKURA_TLS_KEY_FILE"), mistakes),
    trustProxy: parsed("GOKURA_TRUST_PROXY", [], parseAddresses),
    maxPushBytes: parsed("GOKURA_MAX_PUSH_BYTES", DEFAULT_MAX_PUSH_BYTES, parsePushLimit),
    hotCacheBytes: parsed("GOKURA_HOT_CACHE_BYTES", DEFAULT_HOT_CACHE_BYTES, parseBytes),
    logLevel: parsed("GOKURA_LOG_LEVEL", "info", parseLogLevel),
    loggedRequests: parsed("GOKURA_LOG_REQUESTS", 1, parsePart),
    upstream,
    anonymousUpstream: parsed("GOKURA_ANONYMOUS_UPSTREAM", !holdsCredentials(upstream), parseSwitch),
    upstreamCaFile: parsed("GOKURA_UPSTREAM_CA_FILE", undefined, parseCaFile),
    upstreamTtlSeconds: parsed("GOKURA_UPSTREAM_TTL", DEFAULT_UPSTREAM_TTL_SECONDS, parseTtl),
    privatePatterns: get("GOKURA_PRIVATE") ?? "",
    sumDatabases: parsed("GOKURA_SUMDB", [PUBLIC_DATABASE], parseSumDatabases),
    sumdbName,
    sumdbKeys: parsed("GOKURA_SUMDB_KEY", undefined, (text) => parseSigningKeys(text, sumdbName)),
    allowPrivateNetworks: parsed("GOKURA_ALLOW_PRIVATE_NETWORKS", [], parseAddresses),
    modulePages: parsed("GOKURA_MODULE_PAGES", DEFAULT_MODULE_PAGES, parseModulePages),
    production: environment.NODE_ENV === "production",
    underNpm: environment.npm_command !== undefined,
    warnings,
  };
  if (mistakes.length > 0)
    throw new Failure("invalid", `the settings cannot be used:\n${mistakes.map((line) => `  - ${line}`).join("\n")}`);
  return Object.freeze(config);
}

function settingOf(environment: Environment, name: string, mistakes: string[]): string | undefined {
  const direct = environment[name] || undefined;
  const file = SETTINGS.some((s) => s.name === name && s.secret) ? environment[`${name}_FILE`] || undefined : undefined;
  if (file === undefined) return direct;
  if (direct !== undefined) {
    mistakes.push(`${name} and ${name}_FILE are both set: give one of them`);
    return direct;
  }
  try {
    return readFileSync(file, "utf8").trim() || undefined;
  } catch (error) {
    mistakes.push(`${name}_FILE: ${(error as Error).message}`);
    return undefined;
  }
}

function findUnknown(environment: Environment, mistakes: string[]): void {
  const known = SETTINGS.flatMap((s) => (s.secret ? [s.name, `${s.name}_FILE`] : [s.name]));
  for (const name of Object.keys(environment)) {
    if (!name.startsWith("GOKURA_") || environment[name] === "" || known.includes(name)) continue;
    if (isServiceLink(name, environment[name])) continue;
    if (SETTINGS.some((s) => s.reserved === "refused" && name.startsWith(s.name))) {
      mistakes.push(`${name}: this release keeps its data on disk only; object storage comes with a later one`);
      continue;
    }
    const near = closest(name, known);
    const hint = distance(name, near) <= Math.max(3, name.length / 3) ? `; did you mean ${near}?` : "";
    mistakes.push(`${name} is no setting of gokura${hint}`);
  }
}

function parseListen(text: string): { host: string; port: number } {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]\s]*)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  if (!match || port > 65_535)
    throw new Error(`"${text}" is not address:port, such as 127.0.0.1:8080, [::1]:8080 or 0.0.0.0:443`);
  return { host: match[1] ?? (match[2] || "0.0.0.0"), port };
}

function parseUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !/^https?:$/.test(url.protocol) || url.username || url.password || url.search || url.hash)
    throw new Error(`"${text}" is not an http(s) URL such as https://go.example.com`);
  const path = url.pathname.replace(/\/$/, "");
  if (!URL_PATH.test(path)) throw new Error(`"${text}" has a path with more than letters, digits and . _ ~ - in it`);
  return url.origin + path;
}

function defaultModuleHost(url: string | undefined, listenHost: string): string {
  const host = (url === undefined ? listenHost : new URL(url).hostname).toLowerCase();
  return MODULE_HOST.test(host) && isIP(host) === 0 ? host : FALLBACK_MODULE_HOST;
}

function parseModuleHost(text: string): string {
  if (!MODULE_HOST.test(text))
    throw new Error(`"${text}" cannot begin a module path: it must be a lower-case name with a dot and without a port`);
  return text;
}

/** Signing keys, white space between them; the first is the one of the name. Nothing that this throws holds a key. */
function parseSigningKeys(text: string, name: string | undefined): string[] {
  const keys = text.trim().split(/\s+/);
  const names = keys.map((key) => checkDatabaseName(parseSignerKey(key).name));
  if (name !== undefined && names[0] !== name)
    throw new Error(`its first key is of the name ${names[0]}, and GOKURA_SUMDB_NAME is ${name}`);
  return keys;
}

/** The name of our own checksum database unless another was set: where it is, as clients reach it. */
export function defaultSumdbName({ url, listen }: Pick<Config, "url" | "listen">): string {
  if (url !== undefined) return `${new URL(url).host}/sumdb`;
  const { host, port } = listen;
  const shown = host === "0.0.0.0" || host === "::" ? "localhost" : host.includes(":") ? `[${host}]` : host;
  return port === 0 || port === 443 ? `${shown}/sumdb` : `${shown}:${port}/sumdb`;
}

function parseDatabaseUrl(text: string): string {
  if (!URL.canParse(text) || !/^postgres(ql)?:$/.test(new URL(text).protocol))
    throw new Error("not a PostgreSQL URL such as postgresql://user:password@host:5432/gokura");
  return text;
}

function parseAdminToken(text: string): string {
  if (!/^[\x21-\x7e]{20,}$/.test(text)) throw new Error("must be at least 20 printable characters without spaces");
  return text;
}

function tlsOf(
  mode: string | undefined,
  cert: string | undefined,
  key: string | undefined,
  mistakes: string[],
): TlsConfig {
  if ((cert === undefined) !== (key === undefined))
    mistakes.push("GOKURA_TLS_CERT_FILE and GOKURA_TLS_KEY_FILE go together: set both or none");
  if (mode !== undefined && mode !== "off" && mode !== "self-signed")
    mistakes.push(`GOKURA_TLS: "${mode}" is neither off nor self-signed`);
  if (cert !== undefined && key !== undefined) {
    if (mode === "self-signed") mistakes.push("GOKURA_TLS=self-signed and GOKURA_TLS_CERT_FILE exclude each other");
    checkCertificate(cert, key, mistakes);
    return { kind: "files", certFile: cert, keyFile: key };
  }
  return mode === "self-signed" ? { kind: "self-signed" } : { kind: "off" };
}

/** Both files can be read, and are a certificate and its key. */
function checkCertificate(certFile: string, keyFile: string, mistakes: string[]): void {
  const read = (name: string, file: string): Buffer | undefined => {
    try {
      return readFileSync(file);
    } catch (error) {
      mistakes.push(`${name}: ${(error as Error).message}`);
      return undefined;
    }
  };
  const cert = read("GOKURA_TLS_CERT_FILE", certFile);
  const key = read("GOKURA_TLS_KEY_FILE", keyFile);
  if (!cert || !key) return;
  try {
    createSecureContext({ cert, key });
  } catch (error) {
    mistakes.push(`GOKURA_TLS_CERT_FILE and GOKURA_TLS_KEY_FILE cannot be used: ${(error as Error).message}`);
  }
}

function parseAddresses(text: string): string[] {
  return text
    .split(",")
    .map((word) => word.trim())
    .filter((word) => word !== "")
    .map((word) => {
      if (!isAddressOrNetwork(word)) throw new Error(`"${word}" is neither an address nor a CIDR such as 10.0.0.0/8`);
      return word;
    });
}

function parseBytes(text: string): number {
  const match = /^(\d+)([KMG]?)$/.exec(text);
  const bytes = match ? Number(match[1]) * 1024 ** ["", "K", "M", "G"].indexOf(match[2]!) : Number.NaN;
  if (!Number.isSafeInteger(bytes)) throw new Error(`"${text}" is not a number of bytes, such as 500M or 2G`);
  return bytes;
}

/** git takes a limit of 0 for none. */
function parsePushLimit(text: string): number {
  const bytes = parseBytes(text);
  if (bytes === 0) throw new Error("0 would let nothing in; give the bytes that a push may have");
  return bytes;
}

/**
 * GOKURA_UPSTREAM, else what the go command would use here, else nobody. Who uses Gokura on the server's own machine has its
 * endpoint in GOPROXY: nobody asks himself, so that entry is passed over. In GOKURA_UPSTREAM it is a mistake. What of GOPROXY
 * is not for us, such as a directory, is left out with a warning: it was written for the go command.
 */
function upstreamOf(
  own: string | undefined,
  goproxy: string | undefined,
  ownHosts: readonly string[],
  mistakes: string[],
  warnings: string[],
): UpstreamList {
  const leaveOut = (why: string): void => void warnings.push(`an entry of GOPROXY is left out: ${why}`);
  const text = own ?? (goproxy?.trim() || undefined);
  if (text === undefined) return OFF;
  try {
    const list = parseUpstreams(text, own === undefined ? leaveOut : undefined);
    const others = list.filter((one) => one.kind !== "proxy" || !isOwnEndpoint(new URL(one.url), ownHosts));
    if (others.length === list.length) return list;
    if (own !== undefined) throw new Error("it names an endpoint of this server; give the registry behind it, or off");
    return others.length === 0 ? OFF : others;
  } catch (error) {
    mistakes.push(`GOKURA_UPSTREAM: ${(error as Error).message}`);
    return OFF;
  }
}

/** Where clients on this machine, and by GOKURA_URL, find this server: hosts with ports. */
function ownHosts(listen: Config["listen"], url: string | undefined): string[] {
  const hosts = [listen.host, "localhost", "127.0.0.1", "::1"].map((host) => (isIP(host) === 6 ? `[${host}]` : host));
  const local = hosts.map((host) => `${host}:${listen.port}`);
  return url === undefined ? local : [...local, hostAndPort(new URL(url))];
}

function isOwnEndpoint(url: URL, hosts: readonly string[]): boolean {
  return hosts.includes(hostAndPort(url)) && /\/api\/v4\/.*packages\/go/.test(url.pathname);
}

function hostAndPort({ hostname, port, protocol }: URL): string {
  return `${hostname}:${port || (protocol === "https:" ? "443" : "80")}`;
}

function parseCaFile(file: string): string {
  const path = resolve(file);
  try {
    for (const pem of readFileSync(path, "utf8").match(PEM_CERTIFICATE) ?? [""]) new X509Certificate(pem);
  } catch (error) {
    throw new Error(`${file} cannot be used as PEM certificates: ${(error as Error).message}`);
  }
  return path;
}

function parseSwitch(text: string): boolean {
  if (text !== "on" && text !== "off") throw new Error(`"${text}" is neither on nor off`);
  return text === "on";
}

function parseTtl(text: string): number {
  const seconds = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (!(seconds <= MAX_UPSTREAM_TTL_SECONDS))
    throw new Error(`"${text}" is not a number of seconds up to ${MAX_UPSTREAM_TTL_SECONDS}, such as 60`);
  return seconds;
}

function parseModulePages(text: string): string {
  const example = text.replaceAll("{path}", "example.com/a").replaceAll("{version}", "v1.0.0");
  const isUrl = URL.canParse(example) && /^https?:$/.test(new URL(example).protocol) && !/[{}\s]/.test(example);
  if (!isUrl || !text.includes("{path}"))
    throw new Error(`"${text}" is no URL with {path} in it, such as https://pkg.example.com/{path}@{version}`);
  return text;
}

function parseLogLevel(text: string): LogLevel {
  const level = LOG_LEVELS.find((known) => known === text);
  if (level === undefined) throw new Error(`"${text}" is none of ${LOG_LEVELS.join(", ")}`);
  return level;
}

/** all, none, or one in so many: 1/100. */
function parsePart(text: string): number {
  if (text === "all") return 1;
  if (text === "none") return 0;
  const of = Number(/^1\/([1-9]\d{0,8})$/.exec(text)?.[1] ?? Number.NaN);
  if (Number.isNaN(of)) throw new Error(`"${text}" is none of all, none, and one in so many, such as 1/100`);
  return 1 / of;
}
