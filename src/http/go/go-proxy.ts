// A Go endpoint, of a project, a group or the instance: the whole GOPROXY protocol in one table (Go Modules Reference, "GOPROXY protocol").
//
//   MODULE/@v/list          versions, one a line, ascending; empty for a module without tags, 404 for no module
//   MODULE/@v/QUERY.info    {"Version","Time"} of a version, a branch, a commit
//   MODULE/@v/VERSION.mod   go.mod, byte for byte
//   MODULE/@v/VERSION.zip   the module zip
//   MODULE/@latest          .info of the newest release
//   sumdb/NAME/…            our own checksum database, or one that is proxied
//
// A PUT to the address of a .zip publishes it (uploads.ts).
//
// With `cooldown/7d/` in front of it, versions from upstream must be so old. With `cached-only/`, or the header "Disable-Module-Fetch: true", only what is stored is served.
//
// Who may ask is decided first, in the order of registry/access/access.ts; only then is the path looked at. Everything but zips is
// kept ready in memory (hot-cache.ts). Errors are text/plain, because that is what the go command shows to its user.
import type { Context } from "koa";
import { isFailure, notFound } from "../../errors.ts";
import type { HostedModules } from "../../git/indexing/hosted-modules.ts";
import type { ModuleArchives } from "../../git/indexing/module-archives.ts";
import { parseGoPath } from "../../gomod/proxy-path.ts";
import type { Uploads } from "../../intake/uploads.ts";
import { requireScope } from "../../registry/access/access.ts";
import { authenticate } from "../../registry/access/authentication.ts";
import type { ChecksumLog } from "../../registry/checksums/log-state.ts";
import { parseAge } from "../../registry/policies/age.ts";
import type { Principal } from "../../registry/principal.ts";
import { withPromisedZip } from "../../registry/versions/version-zip.ts";
import type { DependencyProxy } from "../../upstream/dependency-proxy.ts";
import type { PublicSums } from "../../upstream/public-sums.ts";
import type { SumdbAnswer, SumdbProxy } from "../../upstream/sumdb-proxy.ts";
import { credentialsOf } from "../protocol/credentials.ts";
import { ownDatabaseAt, ownDatabaseIn, serveChecksumDatabase } from "./checksum-database.ts";
import { beginColdFetch } from "./cold-fetch.ts";
import { absence, absenceInWords } from "./go-answers.ts";
import { answererInView, demandView, type GoView } from "./go-view.ts";
import { freshMsOf, hostedAnswer } from "./hosted-answers.ts";
import { type HotAnswer, type HotCache, writeHotAnswer } from "./hot-cache.ts";
import { isUploadPath, serveUpload } from "./uploads.ts";
import { serveFromUpstream } from "./upstream-answers.ts";

export interface GoProxy {
  readonly hosted: HostedModules;
  readonly archives: ModuleArchives;
  /** Where versions come in without git. */
  readonly uploads: Uploads;
  readonly hotCache: HotCache;
  /** What answers for modules that are nobody's here. */
  readonly dependencies: DependencyProxy;
  readonly sumDatabases: SumdbProxy;
  /** Our own checksum database. */
  readonly checksums: ChecksumLog;
  readonly publicSums: PublicSums | undefined;
}

/** The prefix of paths that are answered from store alone, as the public mirror has it. */
export const CACHED_ONLY = "cached-only/";
/** What is in front of an age that versions must have. */
export const COOLDOWN = "cooldown/";
/** What is in front of a checksum database's name. */
const SUMDB = "sumdb/";

/** Answers a request to a Go endpoint; `path` is what stands behind the endpoint's own path, as it was sent. */
export async function serveGoProxy(proxy: GoProxy, ctx: Context, view: GoView, path: string): Promise<void> {
  const { registry } = proxy.hosted;
  const { rest, cachedOnly, cooldownSeconds } = withoutPrefixes(path);
  const storedOnly = cachedOnly || ctx.get("Disable-Module-Fetch").toLowerCase() === "true";
  if (ctx.method === "PUT" && isUploadPath(rest)) return serveUpload(proxy.uploads, ctx, view, rest);
  if (ctx.method !== "GET" && ctx.method !== "HEAD") {
    ctx.status = 405;
    ctx.set("Allow", "GET, HEAD");
    ctx.type = "text/plain; charset=utf-8";
    ctx.body =
      "a Go endpoint is only read here: publish by pushing a tag with git, or by PUT of MODULE/@v/VERSION.zip\n";
    return;
  }
  const principal = await authenticate(registry, credentialsOf(ctx.headers));
  ctx.state.principal = principal;
  requireScope(principal, rest.startsWith(SUMDB) ? "checksum log" : "go endpoint");
  if (rest.startsWith(SUMDB)) {
    const atRoot = ctx.path.startsWith("/sumdb/");
    const own = atRoot
      ? ownDatabaseAt(proxy.checksums, ctx.path)
      : ownDatabaseIn(proxy.checksums, rest.slice(SUMDB.length));
    if (own) return serveChecksumDatabase(proxy, ctx, view, { ...own, storedOnly });
    requireScope(principal, "go endpoint");
    await demandView(registry, principal, view);
    return serveSumDatabase(proxy, ctx, rest.slice(SUMDB.length), storedOnly);
  }
  const answerer = await answererInView(registry, principal, view, rest);
  if (answerer.kind === "world") {
    const { dependencies, hotCache } = proxy;
    const { group, request } = answerer;
    return serveFromUpstream({ dependencies, hotCache, ctx, storedOnly, group, principal, cooldownSeconds }, request);
  }
  const { project } = answerer;

  const url = ctx.req.url!;
  const kept = proxy.hotCache.get(url);
  const { answers } = registry.traffic;
  if (kept?.of === project.id) {
    answers.memory++;
    return write(proxy, ctx, kept.answer);
  }
  const begun = proxy.hotCache.moment(project.id);
  const keep = (answer: HotAnswer, pinned: boolean, freshMs: number): Promise<void> => {
    answers.stored++;
    if (registry.memory.live) proxy.hotCache.set(url, project.id, begun, pinned, answer, { freshMs });
    return write(proxy, ctx, answer);
  };
  try {
    const request = answerer.request ?? parseGoPath(rest);
    const { answer, pinned, freshMs } = await hostedAnswer(proxy, principal, project, request);
    await keep(answer, pinned, freshMs);
  } catch (error) {
    // What is not there is asked for again and again: the go command looks for a module under every parent path.
    // Nor is what no repository can have; 400 would make it give up (Go Modules Reference, "GOPROXY protocol").
    if (!isFailure(error, "not-found", "invalid", "too-large")) throw error;
    await keep(absence(error), false, freshMsOf(project));
  }
}

/**
 * What stands in front of a module path, in any order: `cached-only/`, `cooldown/7d/`. Throws invalid, which is no 404, for
 * an age that is none: a client that was told of an absence would go on without any.
 */
function withoutPrefixes(path: string): { rest: string; cachedOnly: boolean; cooldownSeconds: number | undefined } {
  let rest = path;
  let cachedOnly = false;
  let cooldownSeconds: number | undefined;
  for (;;) {
    if (rest.startsWith(CACHED_ONLY)) {
      cachedOnly = true;
      rest = rest.slice(CACHED_ONLY.length);
    } else if (rest.startsWith(COOLDOWN)) {
      const [, age = ""] = rest.split("/", 2);
      cooldownSeconds = Math.max(cooldownSeconds ?? 0, parseAge(age));
      rest = rest.slice(COOLDOWN.length + age.length + 1);
    } else return { rest, cachedOnly, cooldownSeconds };
  }
}

/** Answers a request to `/sumdb/…`, where clients find our checksum database that have its name and no GOPROXY. */
export async function serveSumdb(proxy: GoProxy, ctx: Context): Promise<void> {
  const { registry } = proxy.hosted;
  const principal = await authenticate(registry, credentialsOf(ctx.headers));
  ctx.state.principal = principal;
  requireScope(principal, "checksum log");
  const own = ownDatabaseAt(proxy.checksums, ctx.path);
  if (!own) throw notFound("this is no checksum database of this server", "no_such_address");
  return serveChecksumDatabase(proxy, ctx, { kind: "instance" }, own);
}

async function serveSumDatabase(proxy: GoProxy, ctx: Context, nameAndRest: string, storedOnly: boolean): Promise<void> {
  const answer = await askSumDatabase(proxy, ctx, nameAndRest, storedOnly);
  if (answer.kind === "absent") return write(proxy, ctx, absenceInWords(answer.status, answer.text || "not found\n"));
  ctx.status = 200;
  ctx.set("Content-Type", answer.contentType);
  ctx.set("Cache-Control", `private, max-age=${answer.maxAgeSeconds}${answer.immutable ? ", immutable" : ""}`);
  ctx.body = answer.bytes;
}

/** What never changes is looked for in the store first, so that the anonymous are only charged for what is asked outside. */
async function askSumDatabase(
  { hosted, sumDatabases }: GoProxy,
  ctx: Context,
  nameAndRest: string,
  storedOnly: boolean,
): Promise<SumdbAnswer> {
  const principal = ctx.state.principal as Principal;
  if (principal.kind !== "anonymous" || storedOnly || !/\/(?:lookup|tile)\//.test(nameAndRest))
    return sumDatabases.serve(nameAndRest, { storedOnly });
  try {
    return await sumDatabases.serve(nameAndRest, { storedOnly: true });
  } catch (error) {
    if (!isFailure(error, "not-found")) throw error;
  }
  const { refused } = await beginColdFetch(hosted.registry, principal, ctx.state.from as string, false);
  if (refused) throw refused;
  return sumDatabases.serve(nameAndRest);
}

async function write({ hosted, hotCache }: GoProxy, ctx: Context, answer: HotAnswer): Promise<void> {
  const { registry } = hosted;
  const send = (): Promise<void> => writeHotAnswer(hotCache, answer, registry.blobs, ctx.req, ctx.res);
  await ("blob" in answer ? withPromisedZip(registry, answer.blob.key, send) : send());
  ctx.respond = false; // not before: what cannot be sent is told
}
