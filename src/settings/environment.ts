// The names that settings have, and how one is read from the environment: directly, or for a secret from the file that
// NAME_FILE names. A name that nobody knows is a mistake, because a setting with a slip in its name does nothing.

import { readFileSync } from "node:fs";
import { closest, distance } from "fastest-levenshtein";

/** One setting by its name in the environment. */
export interface Setting {
  readonly name: string;
  /** May also come from the file that NAME_FILE names. */
  readonly secret?: true;
}

/** Every setting that there is. */
export const SETTINGS: readonly Setting[] = [
  { name: "GOKURA_LISTEN" },
  { name: "GOKURA_URL" },
  { name: "GOKURA_MODULE_HOST" },
  { name: "GOKURA_DATA_DIR" },
  { name: "GOKURA_ROLE" },
  { name: "GOKURA_INTERNAL_URL" },
  { name: "GOKURA_WORKERS" },
  { name: "GOKURA_REPOSITORIES" },
  { name: "DATABASE_URL", secret: true },
  { name: "DATABASE_LISTEN_URL", secret: true },
  { name: "GOKURA_ADMIN_TOKEN", secret: true },
  { name: "GOKURA_TLS_CERT_FILE" },
  { name: "GOKURA_TLS_KEY_FILE" },
  { name: "GOKURA_TLS" },
  { name: "GOKURA_TRUST_PROXY" },
  { name: "GOKURA_SENDFILE_HEADER" },
  { name: "GOKURA_MAX_PUSH_BYTES" },
  { name: "GOKURA_HOT_CACHE_BYTES" },
  { name: "GOKURA_LIMITS" },
  { name: "GOKURA_LIMIT_WRONG_CREDENTIALS" },
  { name: "GOKURA_LIMIT_SIGN_INS" },
  { name: "GOKURA_LIMIT_COLD_FETCHES" },
  { name: "GOKURA_LIMIT_GRAPHQL_COST" },
  { name: "GOKURA_LIMIT_UPLOADS" },
  { name: "GOKURA_LOG_LEVEL" },
  { name: "GOKURA_LOG_REQUESTS" },
  { name: "GOKURA_UPSTREAM", secret: true },
  { name: "GOKURA_ANONYMOUS_UPSTREAM" },
  { name: "GOKURA_UPSTREAM_CA_FILE" },
  { name: "GOKURA_UPSTREAM_TTL" },
  { name: "GOKURA_UPSTREAM_MAX_BYTES" },
  { name: "GOKURA_UPSTREAM_KEEP" },
  { name: "GOKURA_PRIVATE" },
  { name: "GOKURA_COOLDOWN" },
  { name: "GOKURA_VULNDB" },
  { name: "GOKURA_COOLDOWN_MODE" },
  { name: "GOKURA_VALIDATION_HOOK" },
  { name: "GOKURA_VALIDATION_HOOK_SECRET", secret: true },
  { name: "GOKURA_VALIDATION_HOOK_FAILURE" },
  { name: "GOKURA_SUMDB" },
  { name: "GOKURA_UPSTREAM_VERIFY" },
  { name: "GOKURA_UPSTREAM_NOSUMDB" },
  { name: "GOKURA_SUMDB_NAME" },
  { name: "GOKURA_SUMDB_KEY", secret: true },
  { name: "GOKURA_SUMDB_WITNESSES" },
  { name: "GOKURA_SECRET_KEY", secret: true },
  { name: "GOKURA_ALLOW_PRIVATE_NETWORKS" },
  { name: "GOKURA_MODULE_PAGES" },
  { name: "GOKURA_SEARCH_ENGINES" },
  { name: "GOKURA_OIDC_ISSUER" },
  { name: "GOKURA_OIDC_CLIENT_ID" },
  { name: "GOKURA_OIDC_CLIENT_SECRET", secret: true },
  { name: "GOKURA_OIDC_NAME" },
  { name: "GOKURA_OIDC_SCOPES" },
  { name: "GOKURA_OIDC_USERNAME_CLAIM" },
  { name: "GOKURA_OIDC_GROUPS_CLAIM" },
  { name: "GOKURA_OIDC_GROUPS" },
  { name: "GOKURA_OIDC_ADMIN_GROUPS" },
  { name: "GOKURA_OIDC_CREATE_USERS" },
  { name: "GOKURA_OIDC_ONLY" },
  { name: "GOKURA_TOKEN", secret: true },
  { name: "GOKURA_TRACE_HOSTS" },
  { name: "GOKURA_FSCK" },
  { name: "GOKURA_S3_ENDPOINT" },
  { name: "GOKURA_S3_BUCKET" },
  { name: "GOKURA_S3_PREFIX" },
  { name: "GOKURA_S3_REGION" },
  { name: "GOKURA_S3_ACCESS_KEY_ID", secret: true },
  { name: "GOKURA_S3_SECRET_ACCESS_KEY", secret: true },
  { name: "GOKURA_S3_PATH_STYLE" },
  { name: "GOKURA_S3_CA_FILE" },
  { name: "GOKURA_S3_REDIRECT" },
  { name: "GOKURA_S3_PART_BYTES" },
  { name: "GOKURA_BLOB_CACHE_BYTES" },
  { name: "GOKURA_BACKUP_S3_ENDPOINT" },
  { name: "GOKURA_BACKUP_S3_REGION" },
  { name: "GOKURA_BACKUP_S3_ACCESS_KEY_ID", secret: true },
  { name: "GOKURA_BACKUP_S3_SECRET_ACCESS_KEY", secret: true },
];

/** The environment variables of a process by their names. */
export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * What Kubernetes sets in every pod beside a Service whose name begins with "gokura" (Kubernetes, "Service", environment
 * variables). GOKURA_PORT=8080 is no such thing but a slip of the pen.
 */
const SERVICE_LINK =
  /^GOKURA_(?:\w+_)?(?:SERVICE_(?:HOST|PORT)(?:_\w+)?|PORT_\d+_(?:TCP|UDP|SCTP)(?:_(?:PROTO|PORT|ADDR))?)$/;

function isServiceLink(name: string, value: string | undefined): boolean {
  return SERVICE_LINK.test(name) || (/_PORT$/.test(name) && /^(?:tcp|udp|sctp):\/\//.test(value ?? ""));
}

/** The value of a setting, or of the file that NAME_FILE names; undefined: unset or empty. Adds to the mistakes. */
export function settingOf(environment: Environment, name: string, mistakes: string[]): string | undefined {
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

/** Adds to the mistakes each name that begins as ours do and is none, with the one that was probably meant. */
export function findUnknown(environment: Environment, mistakes: string[]): void {
  const known = SETTINGS.flatMap((s) => (s.secret ? [s.name, `${s.name}_FILE`] : [s.name]));
  for (const name of Object.keys(environment)) {
    if (!name.startsWith("GOKURA_") || environment[name] === "" || known.includes(name)) continue;
    if (isServiceLink(name, environment[name])) continue;
    const withoutFile = name.replace(/_FILE$/, "");
    const near = known.includes(withoutFile) ? withoutFile : closest(name, known);
    const hint = distance(name, near) <= Math.max(3, name.length / 3) ? `; did you mean ${near}?` : "";
    mistakes.push(`${name} is no setting of gokura${hint}`);
  }
}
