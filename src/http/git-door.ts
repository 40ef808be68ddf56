// git over HTTP at /full/path.git: fetching for whoever may read the code, pushing for Developers, and push to create: a
// push to a project that does not exist, in a group where the principal may make one, makes it (GitLab, "Create a new
// project with Git push"). The protocol itself is git/protocol/smart-http.ts.
import type { Context } from "koa";
import { Failure } from "../errors.ts";
import {
  emptyRepository,
  ensureRepository,
  type Repositories,
  repositoryDirectory,
  repositoryExists,
  repositoryOf,
} from "../git/hosting/repositories-of-projects.ts";
import { firstUnserved } from "../git/objects/served-objects.ts";
import { pushedFormat } from "../git/protocol/first-push.ts";
import type { SmartHttpOutcome } from "../git/protocol/git-request.ts";
import { refusePush, serveReceivePack } from "../git/protocol/receive-pack.ts";
import { advertiseRefs, type GitService, serveUploadPack } from "../git/protocol/smart-http.ts";
import type { Pushes } from "../git/push/project-push.ts";
import { demandCode, demandPush, hidden, maySeeProject, requireScope } from "../registry/access/access.ts";
import { authenticate } from "../registry/access/authentication.ts";
import { callerOf } from "../registry/access/caller.ts";
import { createProject, demandProjectCreation, findProject } from "../registry/forge/projects.ts";
import type { Principal } from "../registry/principal.ts";
import type { Registry } from "../registry/registry.ts";
import type { ProjectRow } from "../registry/rows.ts";
import { credentialsOf } from "./protocol/credentials.ts";

export interface GitDoor {
  readonly registry: Registry;
  readonly repositories: Repositories;
  /** Bytes. */
  readonly maxPushBytes: number;
  readonly pushes: Pushes;
}

/** What a URL asks git for; undefined when it is no URL of git's. */
export interface GitRequest {
  readonly fullPath: string;
  readonly action: "info/refs" | GitService;
}

/** Recognises /full/path.git/info/refs and the two services. */
export function parseGitPath(path: string): GitRequest | undefined {
  const match = /^\/(.+)\.git\/(info\/refs|git-upload-pack|git-receive-pack)$/.exec(path);
  if (!match) return undefined;
  try {
    return { fullPath: decodeURIComponent(match[1]!), action: match[2] as GitRequest["action"] };
  } catch {
    return undefined;
  }
}

/** Answers a request of git. */
export async function serveGit(door: GitDoor, ctx: Context, request: GitRequest): Promise<void> {
  const { registry } = door;
  const advertising = request.action === "info/refs";
  const service = advertising ? serviceOf(ctx) : (request.action as GitService);
  if (ctx.method !== (advertising ? "GET" : "POST")) {
    ctx.status = 405;
    ctx.set("Allow", advertising ? "GET" : "POST");
    ctx.type = "text/plain; charset=utf-8";
    ctx.body = "this is git's smart HTTP protocol: use git\n";
    return;
  }
  const pushes = service === "git-receive-pack";
  const principal = await authenticate(registry, credentialsOf(ctx.headers));
  ctx.state.principal = principal;
  requireScope(principal, pushes ? "git push" : "git fetch");
  const found = await findProject(registry, request.fullPath);
  const project = pushes ? await admitPush(registry, principal, found, request.fullPath) : demandCode(principal, found);

  const protocol = ctx.get("Git-Protocol") || undefined;
  const caller = callerOf(principal, ctx.state.from);
  const { req, res } = ctx;
  if (!advertising && pushes) {
    const format = await pushedFormat(req);
    const objectFormat = format === "sha256" ? "SHA256" : "SHA1";
    const made = project ?? (format && (await createForPush(registry, principal, request.fullPath, objectFormat)));
    ctx.respond = false;
    if (!made) {
      // Only to try the credentials: the project is made by the push that follows.
      await serveReceivePack({ directory: await emptyRepository(registry, "SHA1"), req, res, caller, maxBytes: 0 });
      return;
    }
    if (format && made.objectFormat !== objectFormat) refusePush(req, res, otherFormat(made));
    else await push(door, ctx, made, principal, caller);
    return;
  }
  ctx.respond = false;
  const served = await fetch();
  if (served.outcome === "refused")
    registry.log.warn({ project: request.fullPath, err: served.error }, "a fetch was refused");

  async function fetch(): Promise<SmartHttpOutcome> {
    if (!project || !(await repositoryExists(registry, project.id))) {
      const directory = await emptyRepository(registry, project?.objectFormat ?? "SHA1");
      if (advertising) return advertiseRefs({ directory, service, protocol, res, caller });
      return serveUploadPack({ directory, req, res, protocol, caller });
    }
    const directory = repositoryDirectory(registry, project.id);
    if (advertising) return advertiseRefs({ directory, service, protocol, res, caller });
    const repository = await repositoryOf(registry, door.repositories, project.id);
    const unserved = (oids: readonly string[]) => firstUnserved(repository, oids);
    return serveUploadPack({ directory, req, res, protocol, caller, firstUnserved: unserved });
  }
}

function serviceOf(ctx: Context): GitService {
  const { service } = ctx.query;
  if (service === "git-upload-pack" || service === "git-receive-pack") return service;
  throw new Failure("forbidden", "only git's smart HTTP protocol is spoken here; use git 1.6.6 or newer");
}

/**
 * Who may push to a project; undefined: the project is to be made, and may be. One that may not be seen is one that is not
 * there, and then the namespace alone decides; who may make projects in it sees all that it holds.
 */
async function admitPush(
  registry: Registry,
  principal: Principal,
  project: ProjectRow | undefined,
  fullPath: string,
): Promise<ProjectRow | undefined> {
  if (principal.kind === "anonymous") throw hidden(principal, "Project");
  if (!project || !maySeeProject(principal, project)) {
    await demandProjectCreation(registry, principal, fullPath);
    return undefined;
  }
  demandPush(principal, project);
  return project;
}

/** Of two first pushes at once one makes the project, and both go into it. */
async function createForPush(
  registry: Registry,
  principal: Principal,
  fullPath: string,
  objectFormat: ProjectRow["objectFormat"],
): Promise<ProjectRow> {
  try {
    return await createProject(registry, principal, { fullPath, objectFormat });
  } catch (error) {
    const other = await findProject(registry, fullPath);
    if (!other) throw error;
    demandPush(principal, other);
    return other;
  }
}

/** Why a push of the other object format cannot be taken, and what to do. */
function otherFormat({ fullPath, objectFormat }: ProjectRow): string {
  const [own, pushed] = objectFormat === "SHA1" ? ["SHA-1", "SHA-256"] : ["SHA-256", "SHA-1"];
  const word = objectFormat === "SHA1" ? "sha256" : "sha1";
  return (
    `${fullPath} names its objects by ${own}, the pushed repository by ${pushed}; git cannot change that: push to a ` +
    `project that does not exist yet, or to one made with gokura project create PATH --object-format ${word}`
  );
}

async function push(
  door: GitDoor,
  ctx: Context,
  project: ProjectRow,
  principal: Principal,
  caller: string,
): Promise<void> {
  const { registry, pushes, maxPushBytes } = door;
  await ensureRepository(registry, project);
  let underWay = false;
  const { error } = await serveReceivePack({
    directory: repositoryDirectory(registry, project.id),
    req: ctx.req,
    res: ctx.res,
    caller,
    maxBytes: maxPushBytes,
    async admit(commands) {
      const refused = await pushes.begin(project, principal, commands);
      underWay = true;
      return refused;
    },
    async beforeEnd(done) {
      underWay = false;
      return await pushes.end(project, done);
    },
  });
  if (underWay) await pushes.end(project, undefined); // git was not even started
  if (error !== undefined) registry.log.info({ project: project.fullPath, err: error }, "a push did not go through");
}
