// The public keys of issuers of ID tokens: found by their discovery document, fetched through the guarded client, kept. An
// issuer changes its keys now and then and is sometimes away, so three times decide, and all are in docs/ci-identity.md:
// keys older than ten minutes are fetched again before they are believed; while the issuer does not answer the ones that we
// have count for a day; and it is asked at most once in thirty seconds, whatever tokens come. A token with a key that nobody
// knows is the one reason to ask early: the issuer may have a new one.
// Sources: OpenID Connect Discovery 1.0, 4; RFC 7517.
import type { JSONWebKeySet } from "jose";
import { LRUCache } from "lru-cache";
import { createSingleFlight } from "../concurrency/single-flight.ts";
import { Failure, isFailure } from "../errors.ts";
import type { Log } from "../telemetry/log.ts";
import { logSeldom } from "../telemetry/seldom.ts";
import { bytesOf } from "./bounded-body.ts";
import type { GuardedHttp } from "./guarded-http.ts";

/** Keys younger than this are believed without asking. */
const FRESH_MS = 10 * 60_000;
/** Keys that cannot be fetched again count for so long after they were fetched. */
const STALE_MS = 24 * 3600_000;
/** An issuer is not asked again before. */
const PAUSE_MS = 30_000;
const TIMEOUT_MS = 5_000;
const MAX_DOCUMENT_BYTES = 256 * 1024;
const MAX_ISSUERS = 1_000;

/** Has keys of issuers. */
export interface IssuerKeys {
  /**
   * The keys of an issuer. `kid`: the one that is needed, which is looked for once more if it is not among those that are kept;
   * the answer may lack it all the same. Throws unavailable (reason issuer_unavailable) when there are none that count.
   */
  of(issuer: string, kid: string | undefined): Promise<JSONWebKeySet>;
}

interface Kept {
  readonly keys: JSONWebKeySet | undefined;
  readonly fetchedAt: number;
  readonly askedAt: number;
  /** Why the last question had no answer. */
  readonly trouble: Failure | undefined;
}

/** Opens the keys of issuers. `now`: milliseconds since 1970. */
export function openIssuerKeys(http: GuardedHttp, log: Log, now: () => number = Date.now): IssuerKeys {
  const kept = new LRUCache<string, Kept>({ max: MAX_ISSUERS });
  const flights = createSingleFlight<string>();

  const ask = async (issuer: string): Promise<Kept> => {
    const before = kept.get(issuer);
    const askedAt = now();
    let after: Kept;
    try {
      after = { keys: await keysOf(http, issuer), fetchedAt: askedAt, askedAt, trouble: undefined };
    } catch (error) {
      const trouble = unavailable(issuer, error);
      logSeldom(log, "warn", "the keys of an issuer of ID tokens cannot be fetched", { issuer, err: trouble });
      after = { keys: before?.keys, fetchedAt: before?.fetchedAt ?? 0, askedAt, trouble };
    }
    kept.set(issuer, after);
    return after;
  };

  return {
    async of(issuer, kid) {
      let known = kept.get(issuer);
      const suffices = known?.keys && now() - known.fetchedAt < FRESH_MS && hasKey(known.keys, kid);
      if (!suffices && (!known || now() - known.askedAt >= PAUSE_MS))
        known = await flights.run(issuer, () => ask(issuer));
      if (known?.keys && now() - known.fetchedAt < STALE_MS) return known.keys;
      throw known?.trouble ?? unavailable(issuer, undefined);
    },
  };
}

function hasKey({ keys }: JSONWebKeySet, kid: string | undefined): boolean {
  return kid === undefined || keys.some((key) => key.kid === kid);
}

/** The keys that an issuer publishes. */
async function keysOf(http: GuardedHttp, issuer: string): Promise<JSONWebKeySet> {
  const document = await jsonAt(http, `${issuer.replace(/\/$/, "")}/.well-known/openid-configuration`);
  if (document.issuer !== issuer)
    throw new Error(`its discovery document is of the issuer ${JSON.stringify(document.issuer)}`);
  const { jwks_uri: address } = document;
  if (typeof address !== "string" || !address.startsWith("https://"))
    throw new Error("its discovery document names no jwks_uri with https");
  const { keys } = await jsonAt(http, address);
  if (!Array.isArray(keys) || keys.some((key) => typeof key !== "object" || key === null))
    throw new Error("what is at its jwks_uri is no key set");
  return { keys };
}

async function jsonAt(http: GuardedHttp, url: string): Promise<Record<string, unknown>> {
  const { status, body } = await http.get(url, {
    headers: { accept: "application/json" },
    maxBytes: MAX_DOCUMENT_BYTES,
    connectTimeoutMs: TIMEOUT_MS,
    firstByteTimeoutMs: TIMEOUT_MS,
    totalTimeoutMs: TIMEOUT_MS,
  });
  if (status !== 200) {
    body.destroy();
    throw new Error(`${new URL(url).pathname} answers ${status}`);
  }
  const text = (await bytesOf(body)).toString("utf8");
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null) return value as Record<string, unknown>;
  } catch {
    // told below
  }
  throw new Error(`${new URL(url).pathname} is no JSON object`);
}

function unavailable(issuer: string, error: unknown): Failure {
  const why = isFailure(error) ? error.message : error instanceof Error ? error.message : "it was asked a moment ago";
  return new Failure(
    "unavailable",
    `the keys of the issuer ${issuer} cannot be fetched, so its ID tokens cannot be verified: ${why}; try again in half a minute`,
    { reason: "issuer_unavailable", cause: error },
  );
}
