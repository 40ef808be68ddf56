// A Go endpoint, of a project, a group or the instance: the whole GOPROXY protocol in one table (Go Modules Reference, "GOPROXY protocol").
//
//   MODULE/@v/list          versions, one a line, ascending; empty for a module without tags, 404 for no module
//   MODULE/@v/QUERY.info    {"Version","Time"} of a version, a branch, a commit
//   MODULE/@v/VERSION.mod   go.mod, byte for byte
//   MODULE/@v/VERSION.zip   the module zip
//   MODULE/@latest          .info of the newest release
//
// Who may ask is decided first, in the order of registry/access.ts; only then is the path looked at. Everything but zips is
// kept ready in memory (hot-cache.ts). Errors are text/plain, because that is what the go command shows to its user.
import { hash } from "node:crypto";
import type { Context } from "koa";
import { isFailure, notFound } from "../errors.ts";
import {
  type HostedModules,
  isServable,
  latestOf,
  listOf,
  type Resolved,
  resolveQuery,
} from "../git/hosted-modules.ts";
import { type ModuleArchives, zipOf } from "../git/module-archives.ts";
import { requireScope } from "../registry/access.ts";
import { authenticate } from "../registry/authentication.ts";
import type { ServedVersion } from "../registry/modules.ts";
import type { ProjectRow } from "../registry/projects.ts";
import { zipKeyOf } from "../registry/publish.ts";
import type { Registry } from "../registry/registry.ts";
import { credentialsOf } from "./credentials.ts";
import { type GoRequest, parseGoPath, type VersionRequest } from "./go-path.ts";
import { type GoView, projectInView } from "./go-view.ts";
import { type HotAnswer, type HotCache, type TextAnswer, writeAnswer } from "./hot-cache.ts";
import { ABSENCE_SECONDS } from "./problem.ts";
import { type BlobAnswer, sendBlob } from "./send-blob.ts";

/** How long clients may keep what can change: lists, @latest, branches. */
const MUTABLE_SECONDS = 60;
/** How long clients may keep what cannot: a week, as the public mirror says. */
const IMMUTABLE_SECONDS = 7 * 24 * 3600;

/** Characters of a message: the go command shows 648 bytes (cmd/go/internal/web). */
const MAX_TOLD = 500;

// "private", because a cache in between does not know that PRIVATE-TOKEN is a credential.
const MUTABLE = `private, max-age=${MUTABLE_SECONDS}`;
const IMMUTABLE = `private, max-age=${IMMUTABLE_SECONDS}, immutable`;

export interface GoProxy {
  readonly hosted: HostedModules;
  readonly archives: ModuleArchives;
  readonly hotCache: HotCache;
}

/** Answers a request to a Go endpoint; `rest` is what stands behind the endpoint's own path, as it was sent. */
export async function serveGoProxy(proxy: GoProxy, ctx: Context, view: GoView, rest: string): Promise<void> {
  const { registry } = proxy.hosted;
  if (ctx.method !== "GET" && ctx.method !== "HEAD") {
    ctx.status = 405;
    ctx.set("Allow", "GET, HEAD");
    ctx.type = "text/plain; charset=utf-8";
    ctx.body = "a Go endpoint is only read: publish by pushing a tag with git\n";
    return;
  }
  const principal = await authenticate(registry, credentialsOf(ctx.headers));
  ctx.state.principal = principal;
  requireScope(principal, "go endpoint");
  const project = await projectInView(registry, principal, view, rest);

  const url = ctx.req.url!;
  const kept = proxy.hotCache.get(url);
  if (kept?.projectId === project.id) return write(registry, ctx, kept.answer);
  const begun = proxy.hotCache.moment(project.id);
  const keep = (answer: HotAnswer, pinned: boolean): Promise<void> => {
    if (registry.memory.live) proxy.hotCache.set(url, project.id, begun, pinned, answer);
    return write(registry, ctx, answer);
  };
  try {
    const { answer, pinned } = await answerTo(proxy, project, parseGoPath(rest));
    await keep(answer, pinned);
  } catch (error) {
    // What is not there is asked for again and again: the go command looks for a module under every parent path.
    // Nor is what no repository can have; 400 would make it give up (Go Modules Reference, "GOPROXY protocol").
    if (!isFailure(error, "not-found", "invalid", "too-large")) throw error;
    await keep(absence(error.message), false);
  }
}

async function answerTo(
  proxy: GoProxy,
  project: ProjectRow,
  request: GoRequest,
): Promise<{ answer: HotAnswer; pinned: boolean }> {
  const { hosted } = proxy;
  const { modulePath } = request;
  switch (request.kind) {
    case "list": {
      const versions = await listOf(hosted, project, modulePath);
      const lines = versions.map(({ version }) => `${version}\n`).join("");
      return { answer: present(Buffer.from(lines), "text/plain; charset=utf-8", false), pinned: false };
    }
    case "latest": {
      const resolved = await latestOf(hosted, project, modulePath);
      return { answer: present(infoOf(resolved), "application/json", false), pinned: false };
    }
    case "info": {
      const resolved = await resolveQuery(hosted, project, modulePath, request.version);
      return { answer: present(infoOf(resolved), "application/json", resolved.pinned), pinned: resolved.pinned };
    }
    case "mod": {
      const version = await exactVersion(hosted, project, request);
      return { answer: present(version.goMod, "text/plain; charset=utf-8", true), pinned: true };
    }
    case "zip": {
      const version = await exactVersion(hosted, project, request);
      return { answer: await zipAnswer(proxy, project, version), pinned: true };
    }
  }
}

/** The zip of a version: its bytes too if it is small enough to be kept in memory. */
async function zipAnswer(
  { hosted, archives, hotCache }: GoProxy,
  project: ProjectRow,
  version: ServedVersion,
): Promise<{ blob: BlobAnswer }> {
  const zip = await zipOf(archives, project.id, version);
  const key = zipKeyOf(zip);
  const name = `${version.version.replace(/[^\w.+-]/g, "_")}.zip`;
  const headers = [
    ...["Content-Type", "application/zip", "Content-Disposition", `attachment; filename="${name}"`],
    ...["Cache-Control", IMMUTABLE, "X-Content-Type-Options", "nosniff"],
  ];
  const bytes = zip.size <= hotCache.maxAnswerBytes ? await hosted.registry.blobs.read(key) : undefined;
  return { blob: { key, size: zip.size, etag: `"${zip.sha256}"`, headers, bytes } };
}

/** .mod and .zip are of versions, not of branches. */
async function exactVersion(
  hosted: HostedModules,
  project: ProjectRow,
  { modulePath, version, kind }: VersionRequest<"mod" | "zip">,
): Promise<ServedVersion> {
  if (!isServable(version))
    throw notFound(`${modulePath}@${version}: .${kind} needs a canonical version; ask for .info first to learn it`);
  return (await resolveQuery(hosted, project, modulePath, version)).version;
}

/** As the go command writes it: seconds, UTC. */
function infoOf({ version, origin }: Resolved): Buffer {
  const time = `${version.time.toISOString().slice(0, 19)}Z`;
  return Buffer.from(JSON.stringify({ Version: version.version, Time: time, Origin: origin }));
}

function present(bytes: Buffer, type: string, pinned: boolean): TextAnswer {
  const etag = `"${hash("sha256", bytes, "base64url").slice(0, 27)}"`;
  return {
    status: 200,
    etag,
    body: bytes.toString("latin1"),
    headers: [
      ...["Content-Type", type, "Content-Length", String(bytes.length), "ETag", etag],
      ...["Cache-Control", pinned ? IMMUTABLE : MUTABLE, "X-Content-Type-Options", "nosniff"],
    ],
  };
}

function absence(message: string): TextAnswer {
  const told = message.length > MAX_TOLD ? `${message.slice(0, MAX_TOLD)}…` : message;
  const bytes = Buffer.from(`not found: ${told}\n`);
  return {
    status: 404,
    etag: "",
    body: bytes.toString("latin1"),
    headers: [
      ...["Content-Type", "text/plain; charset=utf-8", "Content-Length", String(bytes.length)],
      ...["Cache-Control", `private, max-age=${ABSENCE_SECONDS}`, "X-Content-Type-Options", "nosniff"],
    ],
  };
}

async function write(registry: Registry, ctx: Context, answer: HotAnswer): Promise<void> {
  ctx.respond = false;
  if ("blob" in answer) await sendBlob(ctx.req, ctx.res, registry.blobs, answer.blob);
  else writeAnswer(answer, ctx.req, ctx.res);
}
