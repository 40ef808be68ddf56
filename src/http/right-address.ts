// Addresses that are nearly right, answered with the one that is: a clone URL without .git, an import path in a browser, a
// GOPROXY that ends too early. What is said is made of the address alone, so that nobody learns from it what there is.
import type { Context } from "koa";
import { instanceGoProxy } from "../registry/forge/client-settings.ts";
import { CACHED_ONLY, COOLDOWN } from "./go/go-proxy.ts";

/** A request of the Go proxy protocol, wherever it was sent. */
const GO_REQUEST = /\/@v\/|\/@latest$/;
/** Our own checksum database has these below /sumdb/; any other name there is that of a database which is passed on. */
const OWN_SUMDB = /^\/sumdb\/(?:supported|latest|lookup|tile|checkpoint)(?:\/|$)/;
const SUMDB = /^\/sumdb\/[^/]+\//;
/** What may stand in front of a module's path at an endpoint. */
const OPTIONS = [CACHED_ONLY, COOLDOWN];
/** The endpoint of a project, a group or everything, also where its path is written with slashes or ends too early. */
const UNDER_API = /^\/api\/v4(?:\/(projects|groups)\/(.+?))?(?:\/-)?(?:\/packages(?:\/go)?)?(?:\/[^/]+\..*)?$/;

/** Whether a path is one of the Go endpoint at the root, so that GOPROXY=https://host is all that one must know. */
export function isRootGoPath(path: string): boolean {
  if (path.startsWith("/api/") || path.startsWith("/-/") || isBelowNoEndpoint(path)) return false;
  return GO_REQUEST.test(path) || (SUMDB.test(path) && !OWN_SUMDB.test(path));
}

/** Whether a module is asked for below an address that is no endpoint, such as that of a project or a group in a browser. */
function isBelowNoEndpoint(path: string): boolean {
  if (!GO_REQUEST.test(path)) return false;
  const [, first = "", ...others] = path.replace(/\/@(?:v\/.*|latest)$/, "").split("/");
  // A module's path begins with a host's name, which has a dot; "" and "." are no beginning of one either.
  return /^[^.]+$/.test(first) && !OPTIONS.includes(`${first}/`) && others.some((segment) => segment.includes("."));
}

/** Whether a path is of the Go proxy protocol, or an address that somebody would set as GOPROXY. */
export function isGoLike(path: string): boolean {
  if (isBelowNoEndpoint(path)) return true;
  return path.startsWith("/api/") && (GO_REQUEST.test(path) || /\/packages\/go\/?$/.test(path));
}

/** What to say of an address that only looks like a Go endpoint. `url`: our own. */
export function rightGoEndpoint(url: string, path: string): string {
  const [, kind, id] = UNDER_API.exec(path.replace(/\/[^/]*\/@.*$/, "").replace(/\/$/, "")) ?? [];
  const encoded = id === undefined ? "" : encodeURIComponent(decoded(id));
  const view =
    kind === "groups"
      ? `groups/${encoded}/-/packages/go`
      : kind === "projects"
        ? `projects/${encoded}/packages/go`
        : "";
  const right = view === "" ? instanceGoProxy(url) : `${url}/api/v4/${view}`;
  return `this is no module of a Go endpoint: set GOPROXY=${right} (the slashes in the path of a project or group are written %2F)`;
}

/** Sends git to the address with .git, for the whole clone or push; true if that was it. `url`: our own. */
export function redirectGit(ctx: Context, url: string): boolean {
  const match = /^(\/[^/].*?)\/?\/info\/refs$/.exec(ctx.path);
  if (!match || ctx.method !== "GET" || !/^git-(?:upload|receive)-pack$/.test(String(ctx.query.service))) return false;
  if (match[1]!.endsWith(".git")) return false;
  ctx.status = 301;
  const prefix = new URL(url).pathname.replace(/\/$/, "");
  ctx.set("Location", `${prefix}${match[1]}.git/info/refs?service=${String(ctx.query.service)}`);
  ctx.type = "text/plain; charset=utf-8";
  ctx.body = `the repository's address ends in .git: ${match[1]}.git\n`;
  return true;
}

/**
 * Tells git-lfs that its objects are not kept here; true if it was that which asked. It shows the message of an answer in its
 * own form alone (Git LFS, docs/api/server-discovery.md and batch.md, "Response Errors"), and else believes that the
 * repository is not there.
 */
export function refuseLfs(ctx: Context): boolean {
  if (!/^\/.+\/info\/lfs\//.test(ctx.path)) return false;
  ctx.status = 501;
  ctx.type = "application/vnd.git-lfs+json";
  ctx.body = JSON.stringify({
    message:
      "objects of Git LFS are not kept here, and versions of modules hold their pointers, not the files: keep files that a module needs in git itself. git push --no-verify pushes the pointers",
  });
  return true;
}

/** What to say to a browser, or to somebody who took an import path for an address. `url`: our own. */
export function rightAddress(url: string, moduleHost: string, path: string): string {
  const segments = decoded(path)
    .replace(/\.git(?:\/.*)?$/, "")
    .split("/")
    .filter((segment) => /^[\w.~-]+$/.test(segment));
  if (segments.length < 2) return "Not Found";
  const fullPath = segments.join("/").slice(0, 200);
  return `there is no page here. If ${fullPath} is a project: git clone ${url}/${fullPath}.git, or go get ${moduleHost}/${fullPath}`;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
