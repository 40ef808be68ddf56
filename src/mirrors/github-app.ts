// GitHub Apps as credentials: they belong to no person, and their tokens are good for an hour. The app proves itself by a short
// JWT that it signs with its private key, and gets a token for one installation; the token is kept in memory, by the way of
// all mirrors that share it, and a new one is asked for some minutes before its end.
// Sources: GitHub's documentation, "Generating a JSON Web Token (JWT) for a GitHub App" and "Create an installation access
// token for an app"; RFC 7519.
import { createHash, createPrivateKey, type KeyObject } from "node:crypto";
import { SignJWT } from "jose";
import { LRUCache } from "lru-cache";
import { Failure } from "../errors.ts";
import type { GitHubApp } from "../registry/forge/remote-url.ts";
import { bytesOf } from "../upstream/bounded-body.ts";
import type { GuardedHttp } from "../upstream/guarded-http.ts";

const MAX_ANSWER_BYTES = 1024 * 1024;
/** GitHub takes ten minutes at the most, and clocks differ. */
const JWT_SECONDS = 9 * 60;
const CLOCK_DRIFT_SECONDS = 60;
/** A token that ends sooner is not begun with: a fetch takes its time. */
const RENEWED_BEFORE_MS = 12 * 60_000;
const MAX_TOKENS = 1_000;

/** What GitHub answers, as far as it is needed; ISO 8601. */
interface InstallationToken {
  readonly token: string;
  readonly expires_at: string;
}

export interface GitHubApps {
  /** A token of an installation that is good for some minutes at the least. `origin`: of the forge, such as https://github.com. */
  token(origin: string, app: GitHubApp, signal?: AbortSignal): Promise<string>;
}

/** Opens the way to the tokens of apps, which are remembered. */
export function openGitHubApps(http: GuardedHttp, now: () => number = Date.now): GitHubApps {
  const tokens = new LRUCache<string, { readonly token: string; readonly until: number }>({ max: MAX_TOKENS });
  return {
    async token(origin, app, signal) {
      const digest = createHash("sha256").update(app.privateKey).digest("hex");
      const key = [origin, app.appId, app.installationId, digest].join(" ");
      const known = tokens.get(key);
      if (known && known.until - now() > RENEWED_BEFORE_MS) return known.token;
      const { token, expires_at } = await newToken(http, origin, app, now(), signal);
      tokens.set(key, { token, until: Date.parse(expires_at) });
      return token;
    },
  };
}

/** Where the REST API of a GitHub is: of the cloud, or of Enterprise Server. */
export function gitHubApi(origin: string): string {
  return origin === "https://github.com" ? "https://api.github.com" : `${origin}/api/v3`;
}

async function newToken(
  http: GuardedHttp,
  origin: string,
  { appId, installationId, privateKey }: GitHubApp,
  now: number,
  signal: AbortSignal | undefined,
): Promise<InstallationToken> {
  const { host } = new URL(origin);
  const seconds = Math.floor(now / 1000);
  const jwt = await new SignJWT()
    .setProtectedHeader({ alg: "RS256", typ: "JWT" })
    .setIssuer(appId)
    .setIssuedAt(seconds - CLOCK_DRIFT_SECONDS)
    .setExpirationTime(seconds + JWT_SECONDS)
    .sign(keyIn(privateKey));
  const answer = await http.post(
    `${gitHubApi(origin)}/app/installations/${installationId}/access_tokens`,
    Buffer.alloc(0),
    {
      ...{ maxBytes: MAX_ANSWER_BYTES, signal },
      headers: { accept: "application/vnd.github+json", authorization: `Bearer ${jwt}` },
    },
  );
  const text = (await bytesOf(answer.body)).toString("utf8");
  if (answer.status === 401) throw refused(`${host} does not know the app ${appId} by this private key`);
  if (answer.status === 404)
    throw refused(`${host} has no installation ${installationId} of the app ${appId}: it was removed, or never there`);
  if (answer.status === 403) throw refused(`${host} has suspended the installation ${installationId}`);
  const given = answer.status === 201 ? tokenIn(text) : undefined;
  if (!given) throw refused(`${host} gave the app no token (${answer.status})`);
  return given;
}

function tokenIn(text: string): InstallationToken | undefined {
  const { token, expires_at } = (jsonIn(text) ?? {}) as Partial<Record<keyof InstallationToken, unknown>>;
  const isWhole = typeof token === "string" && token !== "" && typeof expires_at === "string";
  return isWhole && !Number.isNaN(Date.parse(expires_at)) ? { token, expires_at } : undefined;
}

/** GitHub hands out PKCS #1, and others convert it to PKCS #8. */
function keyIn(pem: string): KeyObject {
  try {
    return createPrivateKey(pem);
  } catch (cause) {
    throw new Failure("unavailable", "the private key of the app cannot be read: give it anew", { cause });
  }
}

function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function refused(message: string): Failure {
  return new Failure("unavailable", message, { reason: "upstream_unavailable" });
}
