// Which kind of client asks, by the address alone: it decides in which form a failure is told, and under which name the
// request is counted.
import type { Context } from "koa";
import { parseGitPath } from "./git-door.ts";
import type { Audience } from "./protocol/problem.ts";
import { isGoLike, isRootGoPath } from "./right-address.ts";

/** Addresses of a Go endpoint; a full path with slashes in it too, a mistake that the go command's user should hear of. */
const GO_ENDPOINT = /^\/api\/v4\/(?:projects\/.+?\/|groups\/.+?\/-\/)?packages\/go\//;

/** The kind of client that a request is for. */
export function audienceOf(ctx: Context): Audience {
  const { path } = ctx;
  if (path === "/api/graphql") return "graphql";
  const isGo = GO_ENDPOINT.test(path) || isRootGoPath(path) || isGoLike(path) || path.startsWith("/sumdb/");
  if (isGo) return "go";
  if (path.startsWith("/api/") || path.startsWith("/-/pkgsite/")) return "api";
  return parseGitPath(path) ? "git" : "browser";
}
