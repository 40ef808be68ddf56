// ID tokens verified: by `jose`, against the keys of their issuer (issuer-keys.ts). A signature costs a tenth of a millisecond
// and a build sends the same token a thousand times, so what was verified is remembered by its SHA-256 until it expires.
// Only signatures of key pairs are taken: a token that is not signed, or signed by a secret that both sides know, proves
// nothing about its issuer. Sources: RFC 7519, RFC 7515, RFC 8725 ("JSON Web Token Best Current Practices"), 3.1 and 3.2.
import { hash } from "node:crypto";
import { LRUCache } from "lru-cache";
import { onDemand } from "../concurrency/on-demand.ts";
import type { Claims } from "../registry/access/claim-patterns.ts";
import { refusedIdToken } from "../registry/access/workloads.ts";
import type { VerifiedIdTokens } from "../registry/registry.ts";
import type { Log } from "../telemetry/log.ts";
import type { GuardedHttpOptions } from "./guarded-request.ts";

const ALGORITHMS = [
  ...["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"],
  ...["ES256", "ES384", "ES512", "EdDSA", "Ed25519"],
];
/** How far the clocks of the issuer and of this machine may differ. */
const CLOCK_TOLERANCE_SECONDS = 10;
const MAX_REMEMBERED = 10_000;

/** What verifies ID tokens. Nothing of it is loaded before the first one comes. */
export function openIdTokens(
  options: Pick<GuardedHttpOptions, "allowNetworks" | "caFile">,
  log: Log,
): VerifiedIdTokens & { close(): Promise<void> } {
  const verified = new LRUCache<string, Claims>({ max: MAX_REMEMBERED, ttl: 1, ttlAutopurge: false });
  const parts = onDemand(async () => {
    const [jose, { openHttp }, { openIssuerKeys }] = await Promise.all([
      import("jose"),
      import("./guarded-http.ts"),
      import("./issuer-keys.ts"),
    ]);
    const http = openHttp({ ...options, trustedHosts: new Set() });
    return { jose, http, keys: openIssuerKeys(http, log) };
  });

  return {
    async verify(token, issuer) {
      const digest = hash("sha256", token, "base64url");
      const known = verified.get(digest);
      if (known) return known;
      const { jose, keys } = await parts.get();
      const keyOf: Parameters<typeof jose.jwtVerify>[1] = async (header, jws) =>
        jose.createLocalJWKSet(await keys.of(issuer, header.kid))(header, jws);
      try {
        const { payload } = await jose.jwtVerify(token, keyOf, {
          issuer,
          algorithms: ALGORITHMS,
          clockTolerance: CLOCK_TOLERANCE_SECONDS,
          requiredClaims: ["sub", "aud", "exp"],
        });
        verified.set(digest, payload, { ttl: Math.max(1, payload.exp! * 1000 - Date.now()) });
        return payload;
      } catch (error) {
        throw error instanceof jose.errors.JOSEError ? told(error) : error;
      }
    },
    async close() {
      (await parts.opened()?.catch(() => undefined))?.http.close();
    },
  };
}

/** What to tell of an error of `jose`. */
function told(error: Error & { readonly code: string; readonly claim?: unknown; readonly payload?: Claims }): Error {
  const { code, claim } = error;
  if (code === "ERR_JWT_EXPIRED")
    return refusedIdToken(
      "id_token_expired",
      `the ID token expired${momentOf(error.payload?.exp)}: ask for it right before it is used, they are good for minutes`,
      error,
    );
  if (claim === "nbf")
    return refusedIdToken(
      "id_token_not_yet_valid",
      `the ID token is good only from${momentOf(error.payload?.nbf)} on: is the clock of this server, or of the issuer, right?`,
      error,
    );
  if (code === "ERR_JWT_CLAIM_VALIDATION_FAILED")
    return refusedIdToken(
      "id_token_unreadable",
      `the ID token has no claim ${String(claim)} that is one; sub, aud and exp are needed`,
      error,
    );
  if (code === "ERR_JOSE_ALG_NOT_ALLOWED" || code === "ERR_JOSE_NOT_SUPPORTED")
    return refusedIdToken(
      "id_token_algorithm_refused",
      "the ID token is not signed by a key pair (alg none, HS256 and the like): such a token proves nothing",
      error,
    );
  if (code === "ERR_JWKS_NO_MATCHING_KEY" || code === "ERR_JWKS_MULTIPLE_MATCHING_KEYS")
    return refusedIdToken(
      "id_token_key_unknown",
      "the ID token names a key (kid) that its issuer does not publish; keys are looked for at most every half minute",
      error,
    );
  if (code === "ERR_JWS_SIGNATURE_VERIFICATION_FAILED")
    return refusedIdToken(
      "id_token_signature_wrong",
      "the signature of the ID token is not its issuer's: send it whole, as the CI system gave it",
      error,
    );
  return refusedIdToken("id_token_unreadable", "the token looks like an ID token (a JWT), but is none", error);
}

function momentOf(seconds: unknown): string {
  const ms = Number(seconds) * 1000;
  return Math.abs(ms) < 8.64e15 ? ` ${new Date(ms).toISOString().slice(0, 19).replace("T", " ")} UTC` : "";
}
