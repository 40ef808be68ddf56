// What comes from upstream, as answers of a Go endpoint. Small things are kept in memory like our own, but belong to no
// project: such an entry is good while nothing has changed in who owns what, and as long as it is fresh. A zip that is still
// arriving is sent as it arrives to those who simply want it; whoever asks about it (HEAD, ranges, conditions) waits until it
// is whole, so that nobody ever sees the length of half a zip.
import { pipeline } from "node:stream/promises";
import type { Context } from "koa";
import { isFailure, notFound } from "../errors.ts";
import { canonicalVersion, isValid } from "../gomod/version.ts";
import { type MadeZip, zipKeyOf } from "../registry/publish.ts";
import { ABSENCE_MS } from "../upstream/absence.ts";
import {
  type Absent,
  type DependencyProxy,
  type Download,
  type Found,
  upstreamGoMod,
  upstreamIndex,
  upstreamInfo,
  upstreamZip,
} from "../upstream/dependency-proxy.ts";
import { absence, absenceInWords, present, zipHeaders } from "./go-answers.ts";
import type { GoRequest, VersionRequest } from "./go-path.ts";
import { type HotCache, isTrusted, type TextAnswer, writeAnswer } from "./hot-cache.ts";
import { sendBlob } from "./send-blob.ts";

export interface UpstreamMode {
  /** Upstream is not asked. */
  readonly storedOnly: boolean;
  /** Where answers are kept ready; undefined: nowhere. */
  readonly hotCache: HotCache | undefined;
}

const TYPES = { list: "text/plain; charset=utf-8", latest: "application/json", info: "application/json" };

/** Answers a request for a module that is nobody's here. */
export async function serveFromUpstream(
  dependencies: DependencyProxy,
  ctx: Context,
  request: GoRequest,
  { storedOnly, hotCache }: UpstreamMode,
): Promise<void> {
  const { registry } = dependencies;
  const { modulePath } = request;
  const url = ctx.req.url!;
  const kept = hotCache?.get(url);
  if (kept?.of === modulePath && isTrusted(kept, registry)) return write(ctx, kept.answer as TextAnswer);
  const begun = hotCache?.moment(modulePath);
  const { generation } = registry.memory;
  try {
    if (request.kind === "zip") return await serveZip(dependencies, ctx, request, storedOnly);
    const answer = await answerTo(dependencies, request, storedOnly);
    const type = request.kind === "mod" ? "text/plain; charset=utf-8" : TYPES[request.kind];
    const ready =
      answer.kind === "found" ? present(answer.body, type, answer.pinned) : absenceInWords(answer.status, answer.text);
    const pinned = answer.kind === "found" && answer.pinned;
    const freshMs = answer.kind === "found" ? answer.freshMs : answer.unasked ? 0 : ABSENCE_MS / 2;
    // What is said because nobody may be asked is true for this request only.
    if (hotCache && begun && registry.memory.live && freshMs > 0 && (pinned || !storedOnly))
      hotCache.set(url, modulePath, begun, pinned, ready, { freshMs, generation });
    write(ctx, ready);
  } catch (error) {
    if (!isFailure(error, "not-found", "invalid", "too-large")) throw error;
    write(ctx, absence(error.message));
  }
}

function answerTo(
  dependencies: DependencyProxy,
  request: Exclude<GoRequest, VersionRequest<"zip">>,
  storedOnly: boolean,
): Promise<Found | Absent> {
  const { modulePath } = request;
  switch (request.kind) {
    case "list":
    case "latest":
      return upstreamIndex(dependencies, modulePath, request.kind, storedOnly);
    case "info":
      return upstreamInfo(dependencies, modulePath, request.version, storedOnly);
    case "mod":
      return upstreamGoMod(dependencies, modulePath, canonical(request), storedOnly);
  }
}

async function serveZip(
  dependencies: DependencyProxy,
  ctx: Context,
  request: VersionRequest<"zip">,
  storedOnly: boolean,
): Promise<void> {
  const { modulePath } = request;
  let found = await upstreamZip(dependencies, modulePath, canonical(request), storedOnly);
  if (found.kind === "stored") {
    try {
      return await sendZip(dependencies, ctx, request, found.zip);
    } catch (error) {
      if (!isFailure(error, "not-found") || ctx.res.headersSent) throw error;
      found = await upstreamZip(dependencies, modulePath, request.version, storedOnly, true);
    }
  }
  if (found.kind === "stored") return sendZip(dependencies, ctx, request, found.zip);
  if (found.kind === "absent") return write(ctx, absenceInWords(found.status, found.text));
  const { download } = found;
  const plain = ctx.method === "GET" && ctx.get("Range") === "" && ctx.get("If-None-Match") === "";
  // Whichever is first: something to send, or the end.
  if (plain) await Promise.race([download.flowing, download.outcome]);
  if (plain && download.readable && !(await isOver(download))) return sendArriving(ctx, request, download);
  const outcome = await download.outcome;
  if (outcome.kind === "absent") return write(ctx, absenceInWords(outcome.status, outcome.text));
  return sendZip(dependencies, ctx, request, outcome.zip);
}

async function isOver(download: Download): Promise<boolean> {
  const still = Symbol();
  return (await Promise.race([download.outcome, Promise.resolve(still)])) !== still;
}

function sendZip(
  dependencies: DependencyProxy,
  ctx: Context,
  request: VersionRequest<"zip">,
  zip: MadeZip,
): Promise<void> {
  const { sha256, size } = zip;
  const headers = zipHeaders(request.version);
  ctx.respond = false;
  const blob = { key: zipKeyOf(zip), size, etag: `"${sha256}"`, headers, bytes: undefined };
  return sendBlob(ctx.req, ctx.res, dependencies.registry.blobs, blob);
}

/** Sends a zip as it arrives; if it turns out to be none that may be had, the connection is cut. */
async function sendArriving(ctx: Context, request: VersionRequest<"zip">, download: Download): Promise<void> {
  ctx.respond = false;
  const length = download.length === undefined ? [] : ["Content-Length", String(download.length)];
  ctx.res.writeHead(200, [...zipHeaders(request.version), ...length]);
  await pipeline(download.bytes(), ctx.res).catch((error: NodeJS.ErrnoException) => {
    ctx.res.destroy();
    const left = ["ERR_STREAM_PREMATURE_CLOSE", "ECONNRESET", "EPIPE"].includes(error.code ?? "");
    if (!left && !isFailure(error)) throw error;
  });
}

/** .mod and .zip are of versions, not of branches. */
function canonical({ modulePath, version, kind }: VersionRequest<"mod" | "zip">): string {
  if (isValid(version) && version === canonicalVersion(version)) return version;
  throw notFound(`${modulePath}@${version}: .${kind} needs a canonical version; ask for .info first to learn it`);
}

function write(ctx: Context, answer: TextAnswer): void {
  ctx.respond = false;
  writeAnswer(answer, ctx.req, ctx.res);
}
