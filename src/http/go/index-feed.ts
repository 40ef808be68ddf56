// GET /index, and /index of every Go endpoint: the feed of new versions, one JSON object a line, as the public index answers
// it. The query: since (RFC 3339, inclusive), limit (default and most 2000), include=all (also what was taken away).
import type { Context } from "koa";
import { demandPackages, requireScope } from "../../registry/access/access.ts";
import { authenticate } from "../../registry/access/authentication.ts";
import {
  DEPENDENCY_PROXY,
  GO_PROXY,
  isFlagOn,
  isFlagOnForGroup,
  loadFlags,
} from "../../registry/forge/feature-flags.ts";
import { findProject } from "../../registry/forge/projects.ts";
import type { Principal } from "../../registry/principal.ts";
import type { Registry } from "../../registry/registry.ts";
import { type IndexScope, readIndex } from "../../registry/versions/index-feed.ts";
import { credentialsOf } from "../protocol/credentials.ts";
import { type GoView, groupOf, idOf } from "./go-view.ts";

/** Answers a request for the feed of a view. */
export async function serveIndex(registry: Registry, ctx: Context, view: GoView): Promise<void> {
  const principal = await authenticate(registry, credentialsOf(ctx.headers));
  ctx.state.principal = principal;
  requireScope(principal, "go endpoint");
  const scope = await scopeOf(registry, principal, view);
  const one = (name: string): string | undefined => {
    const value = ctx.query[name];
    return Array.isArray(value) ? value[0] : value;
  };
  const lines = await readIndex(registry, principal, scope, {
    since: one("since"),
    limit: one("limit"),
    include: one("include"),
  });
  ctx.type = "application/json";
  ctx.set("Cache-Control", "no-store");
  ctx.body = lines.map((line) => `${JSON.stringify(line)}\n`).join("");
}

async function scopeOf(registry: Registry, principal: Principal, view: GoView): Promise<IndexScope> {
  if (view.kind === "instance") return "instance";
  const flags = await loadFlags(registry);
  if (view.kind === "group") {
    const group = await groupOf(registry, principal, view.id);
    return { groupId: group.id, upstream: isFlagOnForGroup(flags, DEPENDENCY_PROXY, group) };
  }
  const found = await findProject(registry, idOf(view.id));
  const project = demandPackages(principal, found, (one) => isFlagOn(flags, GO_PROXY, one));
  return { projectId: project.id };
}
