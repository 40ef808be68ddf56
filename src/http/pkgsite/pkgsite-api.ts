// pkg.go.dev's API below /-/pkgsite, so that its clients can ask us about private modules: pkgsite-cli
// -server=https://USER:TOKEN@HOST/-/pkgsite, and others that take an address. Sources: golang.org/x/pkgsite v0.6.0,
// internal/api and internal/frontend/server.go, installHandlers.
//
// What differs: credentials, because there all is public. Who may see a module is asked as everywhere, and what may not be
// seen is not there. Caches may keep what the anonymous got as long as there; what came for credentials is for whoever
// sent them.
import type { Context } from "koa";
import { requireScope } from "../../registry/access/access.ts";
import { authenticate } from "../../registry/access/authentication.ts";
import { credentialsOf } from "../protocol/credentials.ts";
import type { ApiAnswer } from "./answer.ts";
import { answerError, apiErrorOf, badRequest } from "./api-error.ts";
import { apiPage, PKGSITE_BASE } from "./api-page.ts";
import { moduleAnswer, packagesAnswer, searchAnswer, versionsAnswer } from "./module-answers.ts";
import { importedByAnswer, packageAnswer, symbolsAnswer, vulnerabilitiesAnswer } from "./package-answers.ts";
import type { Asking, PkgsiteParts } from "./units.ts";

/** Answers about versions that are named; about everything that changes; that something is wrong with the question. */
const MAX_AGE_SECONDS = { pinned: 3 * 60 * 60, changing: 60 * 60, refused: 10 * 60 };

type Endpoint = (asking: Asking, path: string, query: URLSearchParams) => Promise<ApiAnswer>;

const ENDPOINTS: Readonly<Record<string, Endpoint>> = {
  package: packageAnswer,
  symbols: symbolsAnswer,
  "imported-by": importedByAnswer,
  module: moduleAnswer,
  versions: versionsAnswer,
  packages: packagesAnswer,
  vulns: vulnerabilitiesAnswer,
};

/** Answers a request below PKGSITE_BASE. */
export async function servePkgsite(parts: PkgsiteParts, ctx: Context): Promise<void> {
  ctx.vary("Authorization");
  ctx.vary("Private-Token");
  const below = ctx.path.slice(PKGSITE_BASE.length);
  try {
    if (/^(?:\/|\/api|\/v1|\/v1beta)?$/.test(below)) return redirect(ctx, parts, "/v1/api");
    if (below.startsWith("/v1beta/")) return redirect(ctx, parts, `/v1/${below.slice("/v1beta/".length)}${ctx.search}`);
    const isReading = ctx.method === "GET" || ctx.method === "HEAD";
    if (isReading && below === "/v1/api") {
      ctx.type = "text/plain; charset=utf-8";
      ctx.body = apiPage(parts.addressOf(ctx) + PKGSITE_BASE);
      return;
    }
    const { body, pinned } = await answerTo(parts, ctx, isReading ? below : "");
    ctx.set("Cache-Control", caching(ctx, pinned ? MAX_AGE_SECONDS.pinned : MAX_AGE_SECONDS.changing));
    ctx.type = "application/json";
    ctx.body = `${JSON.stringify(body)}\n`;
  } catch (thrown) {
    const error = apiErrorOf(thrown, parts.registry.log);
    ctx.state.reason = error.reason;
    answerError(ctx, error);
    const passes = error.code === 401 || error.code >= 500;
    ctx.set("Cache-Control", passes ? "no-store" : caching(ctx, MAX_AGE_SECONDS.refused));
  }
}

async function answerTo(parts: PkgsiteParts, ctx: Context, below: string): Promise<ApiAnswer> {
  const [, name = "", rest] = /^\/v1\/([^/]*)(?:\/(.*))?$/s.exec(below) ?? [];
  const endpoint = rest === undefined || !Object.hasOwn(ENDPOINTS, name) ? undefined : ENDPOINTS[name];
  const isSearch = name === "search" && rest === undefined;
  if (!endpoint && !isSearch)
    throw badRequest("unknown API endpoint", "GET /v1/api at this host and port and read the documentation");
  const principal = await authenticate(parts.registry, credentialsOf(ctx.headers));
  ctx.state.principal = principal;
  requireScope(principal, "go endpoint");
  const asking: Asking = { ...parts, principal, url: parts.addressOf(ctx) };
  const query = new URLSearchParams(ctx.querystring);
  if (!endpoint) return searchAnswer(asking, query);
  return endpoint(asking, decoded(rest!).replace(/^\/+|\/+$/g, ""), query);
}

/** For whom a cache may keep the answer, and for how long. */
function caching(ctx: Context, seconds: number): string {
  const isOpen = ctx.state.principal?.kind === "anonymous" || ctx.state.principal === undefined;
  return `${isOpen ? "public" : "private"}, max-age=${seconds}`;
}

function redirect(ctx: Context, parts: PkgsiteParts, to: string): void {
  ctx.status = 301;
  ctx.redirect(new URL(parts.addressOf(ctx)).pathname.replace(/\/$/, "") + PKGSITE_BASE + to);
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    throw badRequest("the path cannot be read", "escape what is no letter, digit or one of - . _ ~ in it by %XX");
  }
}
