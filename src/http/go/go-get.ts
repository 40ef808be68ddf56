// `?go-get=1`: where the repository of an import path is, for the go command in direct mode (Go Modules Reference, "Finding
// a repository for a module path"). What is told follows GitLab's documentation ("Use a project as a Go package"):
//   no credentials, and no public project: the first two segments are named as the repository, whether or not there is
//     anything, so that nothing is learnt;
//   credentials that are bad, or may not see the project: 404 with a text that helps.
import type { Context } from "koa";
import { type Failure, isFailure, notFound } from "../../errors.ts";
import { repositoryExists } from "../../git/hosting/repositories-of-projects.ts";
import { mayReadCode, requireScope } from "../../registry/access/access.ts";
import { authenticate } from "../../registry/access/authentication.ts";
import { isFormerModuleHost } from "../../registry/forge/module-owner.ts";
import { findProject } from "../../registry/forge/projects.ts";
import { ANONYMOUS, type Principal } from "../../registry/principal.ts";
import type { Registry } from "../../registry/registry.ts";
import type { ProjectRow } from "../../registry/rows.ts";
import { credentialsOf } from "../protocol/credentials.ts";
import { REASON_HEADER } from "../protocol/problem.ts";

/** Projects are looked for this deep; full paths are no deeper. */
const MAX_SEGMENTS = 22;

const DENIED =
  "Go package not found or access denied. Check the import path, and that ~/.netrc holds a token with the scope read_repository or read_api for this host.";

/** Answers a request with ?go-get=1, whatever its path. `url` is our own. */
export async function serveGoGet(registry: Registry, url: string, ctx: Context): Promise<void> {
  const segments = segmentsOf(ctx.path);
  if (segments.length < 2) throw notFound(DENIED);
  let principal: Principal = ANONYMOUS;
  try {
    principal = await authenticate(registry, credentialsOf(ctx.headers));
    requireScope(principal, "git fetch");
  } catch (error) {
    if (isFailure(error, "unauthenticated", "insufficient-scope")) return deny(ctx, error);
    throw error;
  }
  const project = await longestProject(registry, principal, segments);
  if (project && !(await repositoryExists(registry, project.id)))
    throw notFound(`nothing was pushed to ${project.fullPath} yet: push a commit and a tag`, "nothing_pushed");
  if (!project && principal.kind !== "anonymous") throw notFound(DENIED);
  const fullPath = project?.fullPath ?? segments.slice(0, 2).join("/");
  ctx.type = "text/html; charset=utf-8";
  ctx.set("Cache-Control", "no-store");
  // Who asks by the name that the module host had before wants a module of that name.
  const host = (await isFormerModuleHost(registry, ctx.hostname)) ? ctx.hostname : registry.moduleHost;
  const root = `${host}/${fullPath}`;
  const metas = {
    "go-import": `${root} git ${url}/${fullPath}.git`,
    "go-source": goSource(root, `${url}/${fullPath}`),
  };
  const head = Object.entries(metas).map(([name, content]) => `<meta name="${name}" content="${html(content)}">`);
  ctx.body = `<html><head>${head.join("")}</head><body>go get ${html(root)}</body></html>\n`;
}

/**
 * Where people read the source (github.com/golang/gddo/wiki/Source-Code-Links), in the form that GitLab has: by that pkgsite knows
 * that a tag or a commit may stand in the place of HEAD (golang.org/x/pkgsite, internal/source, legacyTemplateMatches).
 */
function goSource(root: string, project: string): string {
  return `${root} ${project} ${project}/-/tree/HEAD{/dir} ${project}/-/blob/HEAD{/dir}/{file}#L{line}`;
}

/** The go command passes over a 401 here; who holds a credential learns what is wrong with it all the same. */
function deny(ctx: Context, { message, reason }: Failure): void {
  ctx.status = 404;
  ctx.set("Cache-Control", "no-store");
  ctx.set(REASON_HEADER, reason);
  ctx.state.reason = reason;
  ctx.type = "text/plain; charset=utf-8";
  ctx.body = `${DENIED} What was sent: ${message}\n`;
}

function segmentsOf(path: string): string[] {
  try {
    return decodeURIComponent(path)
      .split("/")
      .filter((segment) => segment !== "")
      .slice(0, MAX_SEGMENTS);
  } catch {
    throw notFound(DENIED);
  }
}

/** The deepest project that the path lies in and the principal may read. */
async function longestProject(
  registry: Registry,
  principal: Principal,
  segments: readonly string[],
): Promise<ProjectRow | undefined> {
  for (let depth = segments.length; depth >= 2; depth--) {
    const project = await findProject(registry, segments.slice(0, depth).join("/"));
    if (project && mayReadCode(principal, project)) return project;
  }
  return undefined;
}

function html(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
