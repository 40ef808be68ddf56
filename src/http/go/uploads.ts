// Uploads at the Go endpoints: a version is sent to the address at which it will be read.
//
//   PUT MODULE/@v/VERSION.zip   a finished module zip, kept as it is
//   PUT MODULE/@v/VERSION.tar   a tree, as `git archive` writes it
//
// 201 for a new version, 200 for one that is published with the same content already. Who may is decided first, then what can
// be said of the name; only then is the body asked for, so that with `Expect: 100-continue` a refusal costs no upload.
import { rm } from "node:fs/promises";
import type { Context } from "koa";
import { Failure, notFound } from "../../errors.ts";
import { linger } from "../../git/protocol/git-request.ts";
import { parseGoPath } from "../../gomod/proxy-path.ts";
import { type ReceivedBody, receiveBody, tooLarge } from "../../intake/received-body.ts";
import {
  maxBytesOf,
  publishUpload,
  type Upload,
  type UploadName,
  type UploadOutcome,
  type Uploads,
} from "../../intake/uploads.ts";
import { demandPublish, requireScope } from "../../registry/access/access.ts";
import { authenticate } from "../../registry/access/authentication.ts";
import { callerOf } from "../../registry/access/caller.ts";
import { ownerOf } from "../../registry/forge/module-owner.ts";
import { findProject } from "../../registry/forge/projects.ts";
import type { Principal } from "../../registry/principal.ts";
import type { Registry } from "../../registry/registry.ts";
import type { ProjectRow } from "../../registry/rows.ts";
import { credentialsOf } from "../protocol/credentials.ts";
import { type GoView, groupOf, idOf } from "./go-view.ts";

/** What an upload says of itself: the h1 that its zip has. */
const H1_HEADER = "Gokura-H1";
const H1 = /^h1:[A-Za-z0-9+/]{43}=$/;

/** Answers a PUT to a Go endpoint; `path` is what stands behind the endpoint's own path, as it was sent. */
export async function serveUpload(uploads: Uploads, ctx: Context, view: GoView, path: string): Promise<void> {
  const { registry } = uploads.archives;
  const principal = await uploader(registry, ctx);
  const { modulePath, version, format } = uploadAddress(path);
  const project = demandPublish(principal, await projectIn(registry, principal, view, modulePath));
  await answerUpload(uploads, ctx, { principal, project, modulePath, version, format });
}

/** Who uploads, if the token is one for that. */
export async function uploader(registry: Registry, ctx: Context): Promise<Principal> {
  const principal = await authenticate(registry, credentialsOf(ctx.headers));
  ctx.state.principal = principal;
  requireScope(principal, "package upload");
  await registry.limits.take("uploads", callerOf(principal, ctx.state.from as string));
  return principal;
}

/** Takes the body of an upload and answers it. */
async function answerUpload(uploads: Uploads, ctx: Context, upload: Omit<Upload, "claimed">): Promise<void> {
  const outcome = await takeUpload(uploads, ctx, upload);
  ctx.status = outcome.isNew ? 201 : 200;
  ctx.set("Cache-Control", "no-store");
  ctx.body = uploadAnswer(upload, outcome);
}

/** Publishes an upload, whose body is asked for when nothing else is against it. */
export async function takeUpload(
  uploads: Uploads,
  ctx: Context,
  upload: Omit<Upload, "claimed">,
): Promise<UploadOutcome> {
  const maxBytes = maxBytesOf(uploads, upload.format);
  return withBody(ctx, maxBytes, (receive) => publishUpload(uploads, { ...upload, claimed: claimedIn(ctx) }, receive));
}

/** Takes a body into a scratch file, which is gone when the work with it is done. */
export async function takeBody<T>(
  ctx: Context,
  registry: Registry,
  maxBytes: number,
  work: (file: string, received: ReceivedBody) => Promise<T>,
): Promise<T> {
  const scratch = registry.blobs.scratch();
  try {
    return await work(scratch, await withBody(ctx, maxBytes, (receive) => receive(scratch)));
  } finally {
    await rm(scratch, { force: true });
  }
}

/**
 * Does some work that may ask for the request's body, to be written to a path. What a refused client still sends is read and
 * thrown away, lest it lose the answer.
 */
async function withBody<T>(
  ctx: Context,
  maxBytes: number,
  work: (receive: (path: string) => Promise<ReceivedBody>) => Promise<T>,
): Promise<T> {
  const { req, res } = ctx;
  let asked = false;
  try {
    if (Number(req.headers["content-length"] ?? 0) > maxBytes) throw tooLarge(maxBytes);
    return await work(async (path) => {
      asked = true;
      if (expectsContinue(ctx)) res.writeContinue();
      const received = await receiveBody(req, path, maxBytes);
      demandDigest(ctx, received.sha256);
      return received;
    });
  } finally {
    if (asked || !expectsContinue(ctx)) linger(req);
  }
}

/** Compares what came with the SHA-256 of its bytes that clients of Artifactory send along. */
function demandDigest(ctx: Context, sha256: string): void {
  const claimed = ctx.get("X-Checksum-Sha256");
  if (claimed !== "" && claimed.toLowerCase() !== sha256)
    throw new Failure("unprocessable", `the body has the SHA-256 ${sha256}, and X-Checksum-Sha256 says ${claimed}`);
}

/** Whether the client sends its body only when it is asked for it (RFC 9110, 10.1.1). */
function expectsContinue(ctx: Context): boolean {
  return ctx.get("Expect").toLowerCase() === "100-continue";
}

function claimedIn(ctx: Context): string | undefined {
  const claimed = ctx.get(H1_HEADER);
  if (claimed === "") return undefined;
  if (!H1.test(claimed)) throw new Failure("invalid", `${H1_HEADER} must be h1: and 44 characters of base64`);
  return claimed;
}

/** What is told of an upload that is published. */
export function uploadAnswer({ modulePath, version }: UploadName, outcome: UploadOutcome) {
  const { h1, goModH1, size } = outcome;
  return {
    ...{ module: modulePath, version, h1, go_mod_h1: goModH1, size },
    go_get: `go get ${modulePath}@${version}`,
  };
}

/** Whether versions are uploaded to a path; what is uploaded there is another question. */
export function isUploadPath(path: string): boolean {
  return /\.(?:zip|tar)$/.test(path);
}

function uploadAddress(path: string): UploadName & Pick<Upload, "format"> {
  const format = path.endsWith(".tar") ? "tar" : "zip";
  const request = parseGoPath(path.replace(/\.tar$/, ".zip"));
  if (request.kind !== "zip")
    throw notFound("uploads go to MODULE/@v/VERSION.zip or MODULE/@v/VERSION.tar", "no_such_address");
  return { modulePath: request.modulePath, version: request.version, format };
}

/** The project that an upload to an endpoint is for; undefined: there is none, or not in that endpoint. */
async function projectIn(
  registry: Registry,
  principal: Principal,
  view: GoView,
  modulePath: string,
): Promise<ProjectRow | undefined> {
  if (view.kind === "project") return findProject(registry, idOf(view.id));
  const owner = await ownerOf(registry, modulePath);
  if (view.kind === "instance") return owner;
  const group = await groupOf(registry, principal, view.id);
  return owner?.group.traversalIds.includes(group.id) ? owner : undefined;
}
