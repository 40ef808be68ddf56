// The closed set of failures that Gokura can tell a client about. Code below the doors throws a Failure; each door maps
// its kind once: http/protocol/problem.ts to a status, graphql/endpoint/error-codes.ts to an error code, cli/run.ts to an exit code.
// Beside the sentence for people a Failure has a reason: a code that stays the same when the sentence is put better, for
// programs and tests. Anything that is not a Failure is a defect of ours: it is logged whole and the client learns only that it happened.

/** What went wrong, as the one who asked must understand it. The HTTP status of each stands beside it. */
export type FailureKind =
  | "invalid" // 400: the request says something that cannot be; repeating it cannot help
  | "unauthenticated" // 401: credentials are missing where some are needed, or those given are not good
  | "insufficient-scope" // 403: a good token whose scopes do not open this
  | "forbidden" // 403: may see it, may not do this
  | "not-found" // 404: does not exist, or may not be seen (never tell which)
  | "conflict" // 409: exists already, or another change came first
  | "gone" // 410: was published once and was taken back
  | "precondition" // 412: If-Match asks for another state than the present one
  | "too-large" // 413: over a limit that the message names
  | "unprocessable" // 422: what was sent breaks the rules of what it is to be; the message names all that it breaks
  | "too-many" // 429: asked too often; after the seconds that it names it may be asked again
  | "unavailable"; // 503: a part that we need does not answer now; try again later

/**
 * Every reason with the kind that it belongs to. A reason stands here when a program may want to do something else about it
 * than about others of its kind. docs/errors.md lists them all with what to do; test/errors.test.ts compares. A reason that
 * was released is never renamed: people script against it.
 */
export const REASONS = {
  invalid_request: "invalid",
  invalid_page: "invalid",
  invalid_go_mod: "invalid",
  query_unreadable: "invalid",
  query_invalid: "invalid",
  query_too_costly: "invalid",
  persisted_query_unknown: "invalid",
  introspection_disabled: "invalid",
  cross_site_request: "invalid",
  sign_in_unfinished: "invalid",

  token_required: "unauthenticated",
  credentials_unreadable: "unauthenticated",
  token_unknown: "unauthenticated",
  token_revoked: "unauthenticated",
  token_expired: "unauthenticated",
  user_blocked: "unauthenticated",
  deploy_token_username_wrong: "unauthenticated",
  token_of_another: "unauthenticated",
  hook_unproved: "unauthenticated",
  id_token_unreadable: "unauthenticated",
  id_token_algorithm_refused: "unauthenticated",
  id_token_issuer_untrusted: "unauthenticated",
  id_token_key_unknown: "unauthenticated",
  id_token_signature_wrong: "unauthenticated",
  id_token_expired: "unauthenticated",
  id_token_not_yet_valid: "unauthenticated",
  id_token_audience_wrong: "unauthenticated",
  id_token_claims_mismatch: "unauthenticated",
  provider_answer_wrong: "unauthenticated",

  insufficient_scope: "insufficient-scope",

  forbidden: "forbidden",
  access_level_too_low: "forbidden",
  administrators_only: "forbidden",
  users_only: "forbidden",
  last_owner: "forbidden",
  token_would_outlive: "forbidden",
  sign_in_refused: "forbidden",
  sign_in_user_absent: "forbidden",
  sign_in_by_provider_only: "forbidden",
  project_archived: "forbidden",
  project_mirrored: "forbidden",
  module_path_foreign: "forbidden",
  package_registry_disabled: "forbidden",
  upstream_forbids: "forbidden",
  policy_denied: "forbidden",
  policy_held: "forbidden",
  validation_refused: "forbidden",
  quota_exceeded: "forbidden",
  version_quarantined: "forbidden",

  not_found: "not-found",
  no_such_address: "not-found",
  method_not_allowed: "not-found",
  go_proxy_disabled: "not-found",
  dependency_proxy_disabled: "not-found",
  module_private: "not-found",
  not_fetched: "not-found",
  checksum_unknown: "not-found",
  nothing_pushed: "not-found",
  version_invalid: "not-found",
  vulndb_absent: "not-found",

  conflict: "conflict",
  already_exists: "conflict",
  path_taken: "conflict",
  recorded_otherwise: "conflict",
  version_differs: "conflict",

  version_deleted: "gone",

  precondition_failed: "precondition",

  too_large: "too-large",
  answer_too_large: "too-large",

  module_zip_invalid: "unprocessable",

  rate_limited: "too-many",
  too_many_wrong_credentials: "too-many",

  unavailable: "unavailable",
  internal_error: "unavailable",
  database_unavailable: "unavailable",
  disk_full: "unavailable",
  storage_unavailable: "unavailable",
  zip_missing: "unavailable",
  upstream_unavailable: "unavailable",
  issuer_unavailable: "unavailable",
  provider_unavailable: "unavailable",
  checksum_mismatch: "unavailable",
  checksum_unverified: "unavailable",
  checksum_database_unproved: "unavailable",
  checksum_database_distrusted: "unavailable",
  validation_unavailable: "unavailable",
  server_busy: "unavailable",
  server_stopping: "unavailable",
  leader_absent: "unavailable",
  took_too_long: "unavailable",
} as const satisfies Record<string, FailureKind>;

/** The code of a failure: stable, in snake_case. */
export type Reason = keyof typeof REASONS;

/** The reasons of one kind. */
export type ReasonOf<K extends FailureKind> = { [R in Reason]: (typeof REASONS)[R] extends K ? R : never }[Reason];

/** The reason of a failure that does not name a closer one. */
const REASON_OF_KIND = {
  invalid: "invalid_request",
  unauthenticated: "token_required",
  "insufficient-scope": "insufficient_scope",
  forbidden: "forbidden",
  "not-found": "not_found",
  conflict: "conflict",
  gone: "version_deleted",
  precondition: "precondition_failed",
  "too-large": "too_large",
  unprocessable: "module_zip_invalid",
  "too-many": "rate_limited",
  unavailable: "unavailable",
} as const satisfies { [K in FailureKind]: ReasonOf<K> };

interface FailureOptions<K extends FailureKind> {
  readonly reason?: ReasonOf<K>;
  readonly cause?: unknown;
  readonly mustAct?: boolean;
  readonly retryAfterSeconds?: number;
  readonly scopes?: readonly string[];
  readonly fields?: Readonly<Record<string, string>>;
}

/**
 * A failure that is told to the client. The message is one sentence for a person: what is wrong and what to do next; it
 * never holds a secret and never says more than the principal may know.
 */
export class Failure<K extends FailureKind = FailureKind> extends Error {
  readonly kind: FailureKind;
  /** Somebody who looks after the server must do something, and trying again will not help before. */
  readonly mustAct: boolean;
  /** For too-many: after how many seconds it may be asked again. */
  readonly retryAfterSeconds: number | undefined;
  /** What programs match on; that of the kind if none was named. */
  readonly reason: Reason;
  /** For insufficient-scope: the scopes that would do. */
  readonly scopes: readonly string[] | undefined;
  /** For invalid and conflict: what is wrong with which field, in GitLab's words, such as path: "has already been taken". */
  readonly fields: Readonly<Record<string, string>> | undefined;

  constructor(kind: K, message: string, options: FailureOptions<K> = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "Failure";
    this.kind = kind;
    this.mustAct = options.mustAct ?? false;
    this.retryAfterSeconds = options.retryAfterSeconds;
    this.reason = options.reason ?? REASON_OF_KIND[kind];
    this.scopes = options.scopes;
    this.fields = options.fields;
  }
}

/**
 * A failure of the kind invalid. `field`: which field of a form it is about, if it is one; `reason`: invalid_request if none
 * is given.
 */
export const invalid = (message: string, field?: string, reason?: ReasonOf<"invalid">): Failure =>
  new Failure("invalid", message, {
    ...(field === undefined ? {} : { fields: { [field]: message } }),
    ...(reason === undefined ? {} : { reason }),
  });

/** A failure of the kind not-found; the reason is not_found if none is given. */
export const notFound = (message: string, reason?: ReasonOf<"not-found">): Failure =>
  new Failure("not-found", message, reason === undefined ? {} : { reason });

/** Whether a caught value is a Failure, of one of the kinds if some are given. */
export function isFailure(error: unknown, ...kinds: FailureKind[]): error is Failure {
  return error instanceof Failure && (kinds.length === 0 || kinds.includes(error.kind));
}
