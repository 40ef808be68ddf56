// The REST API is loaded when it is first asked, because its calls and their schemas take 15 MB, which an instance that only
// serves go and git should not hold. Its paths are tidied first, as GitLab's are: the Go endpoints' never, since there
// "//" is part of what is asked for.
import type { Middleware } from "koa";
import { onDemand } from "../concurrency/on-demand.ts";
import type { RestParts } from "./rest/call.ts";
import { tidyPath } from "./rest/route.ts";
import { isGoLike } from "./right-address.ts";

/** Takes what GitLab's router ignores, such as doubled slashes, out of the path of a request to the REST API. */
export const tidyApiPath: Middleware = async (ctx, next) => {
  if (ctx.path.startsWith("/api/v4/") && !ctx.path.includes("/packages/go/")) ctx.path = tidyPath(ctx.path);
  await next();
};

/** Answers the addresses of the REST API, and passes all others on. */
export function restOnDemand(parts: RestParts): Middleware {
  const api = onDemand(async () => (await import("./rest/rest-api.ts")).serveRestApi(parts));
  return async (ctx, next) => {
    if (!ctx.path.startsWith("/api/v4/") || ctx.path.includes("/packages/go/") || isGoLike(ctx.path)) return next();
    return (await api.get())(ctx, next);
  };
}
