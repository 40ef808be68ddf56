// GET, POST and DELETE /api/v4/features: feature flags in GitLab's shape (doc/api/features.md). Administrators only.
// A flag is "on" when it is on for everybody, "conditional" when it is on for some, else "off".
import type Router from "@koa/router";
import type { Context } from "koa";
import { invalid } from "../errors.ts";
import { demandAdministrator, requireScope } from "../registry/access.ts";
import { authenticate } from "../registry/authentication.ts";
import { deleteFlag, type FlagRow, listFlags, setFlag } from "../registry/feature-flags.ts";
import type { Principal } from "../registry/principal.ts";
import type { Registry } from "../registry/registry.ts";
import { credentialsOf } from "./credentials.ts";
import { type Given, readGiven } from "./rest/request-body.ts";

/** Adds the calls to the router of the REST API. */
export function addFeaturesApi(router: Router, registry: Registry): void {
  const administrator = async (ctx: Context, door: "api read" | "api write"): Promise<Principal> => {
    const principal = await authenticate(registry, credentialsOf(ctx.headers));
    ctx.state.principal = principal;
    requireScope(principal, door);
    demandAdministrator(principal);
    return principal;
  };
  router.get("/api/v4/features", async (ctx) => {
    const principal = await administrator(ctx, "api read");
    ctx.body = (await listFlags(registry, principal)).map(featureOf);
  });
  router.get("/api/v4/features/definitions", async (ctx) => {
    await administrator(ctx, "api read");
    ctx.body = [];
  });
  router.post("/api/v4/features/:name", async (ctx) => {
    const principal = await administrator(ctx, "api write");
    const parameters = givenOnly(await readGiven(ctx));
    const targets = {
      projects: names(parameters, "project"),
      groups: [...names(parameters, "group"), ...names(parameters, "namespace")],
      users: names(parameters, "user"),
    };
    for (const name of ["feature_group", "repository"])
      if (parameters[name] !== undefined) throw invalid(`${name} is no target here: use project, group or user`);
    const flag = await setFlag(registry, principal, ctx.params.name!, switchOf(parameters.value), targets);
    ctx.status = 201;
    ctx.body = featureOf(flag);
  });
  router.delete("/api/v4/features/:name", async (ctx) => {
    await deleteFlag(registry, await administrator(ctx, "api write"), ctx.params.name!);
    ctx.status = 204;
  });
}

function givenOnly(given: Given): Given {
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== "" && value !== null));
}

function switchOf(value: unknown): boolean {
  if (value === undefined) throw invalid("value is missing");
  const text = String(value).toLowerCase();
  if (text === "true" || text === "100") return true;
  if (text === "false" || text === "0") return false;
  throw invalid("value must be true or false; percentages are not supported");
}

function names(parameters: Given, name: string): string[] {
  const value = parameters[name];
  if (value === undefined) return [];
  if (typeof value !== "string") throw invalid(`${name} is invalid: give names or full paths, with commas in between`);
  return value
    .split(",")
    .map((one) => one.trim())
    .filter((one) => one !== "");
}

function featureOf(flag: FlagRow): unknown {
  const actors = flag.gates.map((gate) => {
    if (gate.projectId !== null) return `Project:${gate.projectId}`;
    return gate.groupId !== null ? `Group:${gate.groupId}` : `User:${gate.userId}`;
  });
  const conditional = actors.length > 0 ? "conditional" : "off";
  return {
    name: flag.name,
    state: flag.enabled ? "on" : conditional,
    gates: [{ key: "boolean", value: flag.enabled }, ...(actors.length > 0 ? [{ key: "actors", value: actors }] : [])],
    definition: null,
  };
}
