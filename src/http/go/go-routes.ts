// The addresses of the Go endpoints: of the instance, of a group and of a project, each with its feed of versions (/index), and
// the checksum databases. GitLab's addresses of its Go proxy, and the same shape for groups and the instance.
import type Router from "@koa/router";
import type { Context } from "koa";
import { instanceGoProxy } from "../../registry/forge/client-settings.ts";
import { type GoProxy, serveGoProxy, serveSumdb } from "./go-proxy.ts";
import type { GoView } from "./go-view.ts";
import { serveIndex } from "./index-feed.ts";
import { servePrefetch } from "./prefetch.ts";

/** Where the instance's endpoint is, which has the modules of all. */
export const INSTANCE_ENDPOINT = instanceGoProxy("");

/** Adds the routes of all Go endpoints to the router. */
export function addGoRoutes(router: Router, goProxy: GoProxy): void {
  const go = (ctx: Context, view: GoView): Promise<void> => serveGoProxy(goProxy, ctx, view, restOf(ctx));
  const index = (ctx: Context, view: GoView): Promise<void> => serveIndex(goProxy.hosted.registry, ctx, view);
  router.get("/index", (ctx) => index(ctx, { kind: "instance" }));
  router.get(`${INSTANCE_ENDPOINT}/index`, (ctx) => index(ctx, { kind: "instance" }));
  router.get("/api/v4/groups/:id/-/packages/go/index", (ctx) => index(ctx, { kind: "group", id: ctx.params.id! }));
  router.get("/api/v4/projects/:id/packages/go/index", (ctx) => index(ctx, { kind: "project", id: ctx.params.id! }));
  router.post(`${INSTANCE_ENDPOINT}/prefetch`, (ctx) => servePrefetch(goProxy, ctx));
  router.all("/api/v4/projects/:id/packages/go/{*rest}", (ctx) => go(ctx, { kind: "project", id: ctx.params.id! }));
  router.all("/api/v4/groups/:id/-/packages/go/{*rest}", (ctx) => go(ctx, { kind: "group", id: ctx.params.id! }));
  router.all(`${INSTANCE_ENDPOINT}/{*rest}`, (ctx) => go(ctx, { kind: "instance" }));
  router.get("/sumdb/{*rest}", (ctx) => serveSumdb(goProxy, ctx));
}

/** What stands behind /packages/go/, as it was sent: decoding twice would make two things of one URL. */
function restOf(ctx: Context): string {
  const marker = "/packages/go/";
  return ctx.path.slice(ctx.path.indexOf(marker) + marker.length);
}
