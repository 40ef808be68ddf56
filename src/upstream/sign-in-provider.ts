// The provider of OpenID Connect that signs people in: found by its discovery document, asked by `openid-client` (certified by
// the OpenID Foundation), with every request through the guarded client. Authorization code with PKCE; `state` ties the answer
// to the browser that asked, `nonce` the ID token to the question; the issuer of the answer is compared (RFC 9207), and the
// signature of the ID token is verified with the provider's keys, although it comes over TLS.
// Sources: OpenID Connect Core 1.0, 3.1; Discovery 1.0; RP-Initiated Logout 1.0; RFC 7636, RFC 9207, RFC 9700.
import type * as OpenId from "openid-client";
import { createSingleFlight } from "../concurrency/single-flight.ts";
import { Failure, isFailure } from "../errors.ts";
import type { Claims } from "../registry/access/claim-patterns.ts";
import type { Vouched } from "../registry/forge/provider-sign-in.ts";
import type { Log } from "../telemetry/log.ts";
import { logSeldom } from "../telemetry/seldom.ts";
import { bytesOf } from "./bounded-body.ts";
import type { GuardedHttp } from "./guarded-http.ts";
import type { GuardedHttpOptions } from "./guarded-request.ts";

/** The discovery document is read again after so long. */
const FRESH_MS = 3_600_000;
const TIMEOUT_MS = 10_000;
const MAX_ANSWER_BYTES = 1024 * 1024;
/** How far the clocks of the provider and of this machine may differ. */
const CLOCK_TOLERANCE_SECONDS = 30;

/** Which provider, and who we are there. */
export interface ProviderClient {
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret: string | undefined;
  readonly name: string;
  readonly scopes: string;
}

/** What a browser keeps between the question and the answer; secret from everybody else. */
export interface PendingSignIn {
  readonly state: string;
  readonly nonce: string;
  readonly verifier: string;
}

/** Somebody whom the provider vouches for, and the ID token by which it does. */
export interface SignedInThere extends Vouched {
  readonly idToken: string;
}

export interface SignInProvider {
  /** What people call it. */
  readonly name: string;
  /** Where a browser asks the provider, which sends it to `redirectUri`. Throws unavailable when the provider is away. */
  begin(redirectUri: string): Promise<{ readonly url: string; readonly pending: PendingSignIn }>;
  /**
   * Who somebody is, by the address to which the provider sent the browser. Throws invalid (sign_in_unfinished) for an answer to
   * another question, or one that was used; forbidden (sign_in_refused) when the provider refused; unauthenticated
   * (provider_answer_wrong) for an answer that proves nothing; unavailable when it is away.
   */
  finish(answered: URL, pending: PendingSignIn): Promise<SignedInThere>;
  /** Where a browser ends its session at the provider, and comes back to `returnTo`; undefined: the provider has no such place. */
  endSessionUrl(idToken: string, returnTo: string): Promise<string | undefined>;
  close(): void;
}

/** Opens the way to a provider. Nothing is asked, or loaded, before somebody signs in. */
export function openSignInProvider(
  client: ProviderClient,
  options: Pick<GuardedHttpOptions, "allowNetworks" | "caFile">,
  log: Log,
): SignInProvider {
  let http: GuardedHttp | undefined;
  let known: { readonly config: OpenId.Configuration; readonly until: number } | undefined;
  const flights = createSingleFlight<string, OpenId.Configuration>();

  const discover = async (openid: typeof OpenId): Promise<OpenId.Configuration> => {
    if (http === undefined) {
      const { openHttp } = await import("./guarded-http.ts");
      http = openHttp({ ...options, trustedHosts: new Set([new URL(client.issuer).host]) });
    }
    const config = await openid.discovery(
      new URL(client.issuer),
      client.clientId,
      { [openid.clockTolerance]: CLOCK_TOLERANCE_SECONDS },
      authenticationOf(openid, client.clientSecret),
      {
        [openid.customFetch]: guardedFetch(http),
        execute: [
          openid.enableNonRepudiationChecks,
          ...(client.issuer.startsWith("http:") ? [openid.allowInsecureRequests] : []),
        ],
        timeout: TIMEOUT_MS / 1000,
      },
    );
    known = { config, until: Date.now() + FRESH_MS };
    return config;
  };
  const open = async (): Promise<{ openid: typeof OpenId; config: OpenId.Configuration }> => {
    const openid = await import("openid-client");
    if (known && known.until > Date.now()) return { openid, config: known.config };
    return { openid, config: await flights.run("discovery", () => discover(openid)) };
  };
  const asking = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      const failure = toldOf(client.name, error);
      if (failure.reason !== "sign_in_unfinished" && failure.reason !== "sign_in_refused")
        logSeldom(log, "warn", "the sign-in provider did not answer as it should", { err: error });
      throw failure;
    }
  };

  return {
    name: client.name,
    begin: (redirectUri) =>
      asking(async () => {
        const { openid, config } = await open();
        const pending = {
          state: openid.randomState(),
          nonce: openid.randomNonce(),
          verifier: openid.randomPKCECodeVerifier(),
        };
        const url = openid.buildAuthorizationUrl(config, {
          redirect_uri: redirectUri,
          scope: client.scopes,
          ...{ state: pending.state, nonce: pending.nonce },
          code_challenge: await openid.calculatePKCECodeChallenge(pending.verifier),
          code_challenge_method: "S256",
        });
        return { url: url.href, pending };
      }),
    finish: (answered, { state, nonce, verifier }) =>
      asking(async () => {
        if (answered.searchParams.get("state") !== state) throw unfinishedSignIn();
        const { openid, config } = await open();
        const tokens = await openid.authorizationCodeGrant(config, answered, {
          ...{ expectedState: state, expectedNonce: nonce, pkceCodeVerifier: verifier, idTokenExpected: true },
        });
        const claims = tokens.claims()!;
        const more: Claims = config.serverMetadata().userinfo_endpoint
          ? await openid.fetchUserInfo(config, tokens.access_token, claims.sub)
          : {};
        const { iss: issuer, sub: subject } = claims;
        return { ...{ issuer, subject, idToken: tokens.id_token! }, claims: { ...more, ...claims } };
      }),
    endSessionUrl: (idToken, returnTo) =>
      asking(async () => {
        const { openid, config } = await open();
        if (config.serverMetadata().end_session_endpoint === undefined) return undefined;
        const url = openid.buildEndSessionUrl(config, { id_token_hint: idToken, post_logout_redirect_uri: returnTo });
        return url.href;
      }),
    close: () => http?.close(),
  };
}

/** In the body where the provider says that it takes that, else by Basic, which every provider has to take. */
function authenticationOf(openid: typeof OpenId, secret: string | undefined): OpenId.ClientAuth {
  if (secret === undefined) return openid.None();
  const [inBody, basic] = [openid.ClientSecretPost(secret), openid.ClientSecretBasic(secret)];
  return (server, ...others) =>
    (server.token_endpoint_auth_methods_supported?.includes("client_secret_post") ? inBody : basic)(server, ...others);
}

/** `fetch` as openid-client needs it, by the guarded client. */
function guardedFetch(http: GuardedHttp): OpenId.CustomFetch {
  return async (url, { method, headers, body, signal }) => {
    const options = {
      headers,
      ...(signal ? { signal } : {}),
      ...{ maxBytes: MAX_ANSWER_BYTES, connectTimeoutMs: TIMEOUT_MS, firstByteTimeoutMs: TIMEOUT_MS },
      totalTimeoutMs: TIMEOUT_MS,
    };
    const answer =
      method === "POST" ? await http.post(url, Buffer.from(String(body ?? "")), options) : await http.get(url, options);
    const bytes = await bytesOf(answer.body);
    const told = Object.entries(answer.headers).filter(
      (entry): entry is [string, string] => typeof entry[1] === "string" && entry[0] !== "content-encoding",
    );
    const hasBody = answer.status !== 204 && answer.status !== 304;
    return new Response(hasBody ? new Uint8Array(bytes) : null, { status: answer.status, headers: told });
  };
}

/** That an answer belongs to no sign-in that is under way in this browser. */
export function unfinishedSignIn(cause?: unknown): Failure {
  return new Failure(
    "invalid",
    "this sign-in was begun in another browser or too long ago, or was finished already: begin it again",
    { reason: "sign_in_unfinished", cause },
  );
}

/** What openid-client throws, as far as we go by it. */
interface OpenIdError extends Error {
  readonly code?: string;
  readonly error?: string;
  readonly error_description?: string;
  readonly cause?: unknown;
}

function toldOf(name: string, thrown: unknown): Failure {
  const failure = failureIn(thrown);
  if (failure?.reason === "sign_in_unfinished") return failure;
  const away = (why: string, mustAct = false): Failure =>
    new Failure("unavailable", `${name} cannot be asked who you are: ${why}; try again in a minute`, {
      ...{ reason: "provider_unavailable", cause: thrown, mustAct },
    });
  if (failure) return away(failure.message);
  const { code, error, error_description: words, cause } = thrown as OpenIdError;
  // openid-client wraps what says more than itself.
  const message = cause instanceof Error ? cause.message : (thrown as Error).message;
  if (code === "OAUTH_AUTHORIZATION_RESPONSE_ERROR")
    return new Failure("forbidden", `${name} did not sign you in: ${shown(words ?? error ?? "it does not say why")}`, {
      ...{ reason: "sign_in_refused", cause: thrown },
    });
  if (code === "OAUTH_RESPONSE_BODY_ERROR" && error === "invalid_grant") return unfinishedSignIn(thrown);
  if (code === "OAUTH_RESPONSE_BODY_ERROR" || code === "OAUTH_WWW_AUTHENTICATE_CHALLENGE")
    return away(
      `it refuses this server (${shown(error ?? message)}): an administrator looks at GOKURA_OIDC_CLIENT_ID and GOKURA_OIDC_CLIENT_SECRET`,
      true,
    );
  if (code === "OAUTH_TIMEOUT" || code === "OAUTH_ABORT" || code === "OAUTH_RESPONSE_IS_NOT_CONFORM")
    return away(shown(message));
  if (code === undefined || !code.startsWith("OAUTH_")) return away(shown(message));
  return new Failure(
    "unauthenticated",
    `what ${name} answered does not prove who you are (${shown(message)}): begin the sign-in again; if that does not help, an administrator looks at GOKURA_OIDC_ISSUER and the clocks of both machines`,
    { reason: "provider_answer_wrong", cause: thrown },
  );
}

/** A failure of ours within what openid-client made of it. */
function failureIn(thrown: unknown): Failure | undefined {
  for (let error = thrown; error instanceof Error; error = error.cause) if (isFailure(error)) return error as Failure;
  return undefined;
}

/** A text of others, short enough for a sentence. */
function shown(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, "?").slice(0, 200);
}
