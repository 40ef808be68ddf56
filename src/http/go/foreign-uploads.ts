// Uploads in the forms of other registries, so that a pipeline which publishes there needs another host name and no more:
//
//   PUT /api/packages/GROUP/go/upload                      Gitea and Forgejo: the zip says itself which version it is
//   PUT /api/go/REPOSITORY/MODULE/@v/VERSION.zip;…         Artifactory, as its own client sends a version: the zip publishes,
//   PUT /api/go/REPOSITORY/MODULE/@v/VERSION.mod;… .info;…   and these two are compared with what it published
//   GET /api/system/version                                what that client asks first
//
// Artifactory's stand below /artifactory too, where its installations have them. REPOSITORY is a project, by its number or full
// path, or a group, in which the module says which project. Module paths come as they are or escaped.
// Sources: Gitea's documentation, "Go package registry"; jfrog-client-go, artifactory/services/go.
import { readFile, rename } from "node:fs/promises";
import type { Context } from "koa";
import { Failure, notFound } from "../../errors.ts";
import { h1OfGoMod } from "../../gomod/dir-hash.ts";
import { MAX_GO_MOD } from "../../gomod/module-zip.ts";
import { parseGoPath } from "../../gomod/proxy-path.ts";
import { parseVersionInfo } from "../../gomod/version-info.ts";
import { maxBytesOf, nameInZip, publishUpload, type UploadName, type Uploads } from "../../intake/uploads.ts";
import { demandGroupSeen, demandPublish } from "../../registry/access/access.ts";
import { findGroup } from "../../registry/forge/groups.ts";
import { ownerOf } from "../../registry/forge/module-owner.ts";
import { findProject } from "../../registry/forge/projects.ts";
import type { Principal } from "../../registry/principal.ts";
import type { Registry } from "../../registry/registry.ts";
import type { ProjectRow } from "../../registry/rows.ts";
import { findVersion } from "../../registry/versions/served-versions.ts";
import { idOf } from "./go-view.ts";
import { takeBody, takeUpload, uploadAnswer, uploader } from "./uploads.ts";

/** The version of Artifactory whose way of uploading is spoken here: since 6.10 its client sends all three files. */
const SPOKEN_VERSION = "7.0.0";

/** An upload in the form of another registry; `group` and `repository` as they were sent. */
export type ForeignUpload =
  | { readonly kind: "version" }
  | { readonly kind: "gitea"; readonly group: string }
  | { readonly kind: "jfrog"; readonly repository: string; readonly file: string };

/** Recognises one by its path, as it was sent. Throws nothing: it is asked before there is anybody to tell (http/server.ts). */
export function parseForeignUpload(method: string, path: string): ForeignUpload | undefined {
  const below = path.replace(/^\/artifactory(?=\/api\/)/, "");
  if (method === "GET") return below === "/api/system/version" ? { kind: "version" } : undefined;
  if (method !== "PUT") return undefined;
  const [, group] = /^\/api\/packages\/(.+)\/go\/upload$/.exec(path) ?? [];
  if (group !== undefined) return { kind: "gitea", group };
  const [, repository, file] = /^\/api\/go\/([^/]+)\/(.+)$/.exec(below) ?? [];
  if (repository === undefined || file === undefined) return undefined;
  return { kind: "jfrog", repository, file: file.replace(/;.*$/s, "") };
}

/** Answers one. */
export async function serveForeignUpload(uploads: Uploads, ctx: Context, asked: ForeignUpload): Promise<void> {
  if (asked.kind === "version") {
    ctx.body = { version: SPOKEN_VERSION, revision: "gokura", addons: [] };
    return;
  }
  const principal = await uploader(uploads.archives.registry, ctx);
  if (asked.kind === "gitea") await serveGitea(uploads, ctx, principal, decoded(asked.group));
  else await serveJfrog(uploads, ctx, principal, decoded(asked.repository), asked.file);
}

async function serveGitea(uploads: Uploads, ctx: Context, principal: Principal, fullPath: string): Promise<void> {
  const { registry } = uploads.archives;
  const group = demandGroupSeen(principal, await findGroup(registry, fullPath));
  // The body comes before anybody knows for which project it is.
  if (principal.kind === "anonymous") throw new Failure("unauthenticated", "send a token that may upload packages");
  await takeBody(ctx, registry, maxBytesOf(uploads, "zip"), async (file, received) => {
    const name = await nameInZip(file, received.size);
    const project = await projectInGroup(registry, principal, group, name);
    const upload = { ...name, principal, project, format: "zip" } as const;
    const outcome = await publishUpload(uploads, upload, async (path) => {
      await rename(file, path);
      return received;
    });
    ctx.status = outcome.isNew ? 201 : 200;
    ctx.body = uploadAnswer(name, outcome);
  });
}

async function serveJfrog(
  uploads: Uploads,
  ctx: Context,
  principal: Principal,
  repository: string,
  file: string,
): Promise<void> {
  const { registry } = uploads.archives;
  const request = parseGoPath(file.includes("!") ? file : escapedFile(file));
  if (request.kind === "list" || request.kind === "latest")
    throw notFound("uploads go to MODULE/@v/VERSION.zip, .mod and .info", "no_such_address");
  const name = { modulePath: request.modulePath, version: request.version };
  const project = await projectInRepository(registry, principal, repository, name);
  if (request.kind === "zip") {
    const { sha256, size } = await takeUpload(uploads, ctx, { ...name, principal, project, format: "zip" });
    ctx.body = jfrogAnswer(repository, file, sha256, size);
  } else {
    const { kind } = request;
    ctx.body = await takeBody(ctx, registry, MAX_GO_MOD, async (path, { sha256, size }) => {
      await demandSame(registry, project, name, kind, await readFile(path));
      return jfrogAnswer(repository, file, sha256, size);
    });
  }
  ctx.status = 201; // also when it was there: the client takes nothing else
  ctx.set("Cache-Control", "no-store");
}

/** Refuses a .mod or .info that is not that of the published version. */
async function demandSame(
  registry: Registry,
  project: ProjectRow,
  { modulePath, version }: UploadName,
  kind: "mod" | "info",
  bytes: Buffer,
): Promise<void> {
  const published = await findVersion(registry, project.id, modulePath, version);
  if (!published) throw notFound(`${modulePath}@${version} is not published: send its .zip first`);
  const isSame =
    kind === "mod"
      ? h1OfGoMod(bytes) === h1OfGoMod(published.goMod)
      : parseVersionInfo(bytes)?.version === published.version;
  if (!isSame)
    throw new Failure("conflict", `this is not the .${kind} of ${modulePath}@${version}, which is published`, {
      reason: "version_differs",
    });
}

/** As Artifactory answers; its client reads the sum. */
function jfrogAnswer(repo: string, path: string, sha256: string, size: number): object {
  return { repo, path: `/${path}`, size: String(size), checksums: { sha256 } };
}

async function projectInRepository(
  registry: Registry,
  principal: Principal,
  repository: string,
  name: UploadName,
): Promise<ProjectRow> {
  const project = await findProject(registry, idOf(repository));
  if (project) return demandPublish(principal, project);
  return projectInGroup(registry, principal, await findGroup(registry, repository), name);
}

async function projectInGroup(
  registry: Registry,
  principal: Principal,
  group: { readonly id: number } | undefined,
  { modulePath }: UploadName,
): Promise<ProjectRow> {
  const owner = await ownerOf(registry, modulePath);
  const inGroup = group !== undefined && owner?.group.traversalIds.includes(group.id);
  return demandPublish(principal, inGroup ? owner : undefined);
}

/** A path of the protocol with its capitals escaped. */
function escapedFile(file: string): string {
  return decoded(file).replace(/[A-Z]/g, (letter) => `!${letter.toLowerCase()}`);
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw notFound("the URL has a broken percent-encoding");
  }
}
