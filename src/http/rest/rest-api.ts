// The REST API in GitLab's shape: all of its calls, and the way of a request through them. The questions come in the order
// of every door: are there credentials, and are they good (401)? do their scopes open this (403)? can the parameters be
// read (400)? The rest the registry's functions decide.
import type { Context, Middleware } from "koa";
import { Failure, type Reason } from "../../errors.ts";
import { requireScope } from "../../registry/access/access.ts";
import { authenticate } from "../../registry/access/authentication.ts";
import type { Principal } from "../../registry/principal.ts";
import { credentialsOf } from "../protocol/credentials.ts";
import type { Call, CallRequest, RestParts } from "./call.ts";
import { checksumCalls } from "./checksum-calls.ts";
import { deployTokenCalls } from "./deploy-token-calls.ts";
import { featureCalls } from "./feature-calls.ts";
import { groupCalls } from "./group-calls.ts";
import { hookCalls } from "./hook-calls.ts";
import { memberCalls } from "./member-calls.ts";
import { mirrorCalls } from "./mirror-calls.ts";
import { describeApi } from "./openapi.ts";
import { packageCalls } from "./package-calls.ts";
import { PAGE_PARAMETERS, pageOf, setPageHeaders } from "./pages.ts";
import { policyCalls } from "./policy-calls.ts";
import { projectCalls } from "./project-calls.ts";
import { protectedTagCalls } from "./protected-tag-calls.ts";
import { provenanceCalls } from "./provenance-calls.ts";
import { parametersReader, type Read } from "./read-parameters.ts";
import { repositoryCalls } from "./repository-calls.ts";
import { type Given, readGiven } from "./request-body.ts";
import { routeTable } from "./route.ts";
import { serverCalls } from "./server-calls.ts";
import { tokenCalls } from "./token-calls.ts";
import { trustCalls } from "./trust-calls.ts";
import { userCalls } from "./user-calls.ts";
import { vulnerabilityCalls } from "./vulnerability-calls.ts";

const ROOT = "/api/v4";

/** Every call that there is. */
const CALLS: readonly Call[] = [
  ...serverCalls,
  ...userCalls,
  ...tokenCalls,
  ...groupCalls,
  ...projectCalls,
  ...memberCalls,
  ...repositoryCalls,
  ...deployTokenCalls,
  ...trustCalls,
  ...hookCalls,
  ...protectedTagCalls,
  ...mirrorCalls,
  ...packageCalls,
  ...featureCalls,
  ...policyCalls,
  ...vulnerabilityCalls,
  ...provenanceCalls,
  ...checksumCalls,
];

/** Answers the calls of the API; what is none of them is left to the next. */
export function serveRestApi(parts: RestParts): Middleware {
  const find = routeTable(CALLS);
  const readers = new Map(CALLS.map((call) => [call, readerOf(call)]));
  let document: unknown;
  return async (ctx, next) => {
    if (!ctx.path.startsWith(`${ROOT}/`)) return next();
    const path = ctx.path.slice(ROOT.length);
    ctx.set("Cache-Control", "no-store");
    if (path === "/openapi.json" && (ctx.method === "GET" || ctx.method === "HEAD")) {
      document ??= describeApi(CALLS);
      ctx.body = document;
      return;
    }
    const found = find(ctx.method, path);
    if (found === undefined) {
      ctx.remove("Cache-Control");
      return next();
    }
    if (Array.isArray(found)) {
      const methods = found.includes("GET") ? [...found, "HEAD"] : found;
      ctx.set("Allow", [...new Set(methods)].join(", "));
      return answerFormError(ctx, 405, "405 Not Allowed", "method_not_allowed");
    }
    const { call } = found;
    const principal = await admit(parts, call, ctx);
    const given = await readGiven(ctx);
    const placed: Record<string, unknown> = { ...given };
    for (const [name, value] of found.parameters) {
      if (value === undefined) return answerFormError(ctx, 400, `${name} is invalid`);
      placed[name] = value;
    }
    const read = readers.get(call)!(placed);
    if ("error" in read) return answerFormError(ctx, 400, read.error);
    const { registry } = parts;
    const asked: CallRequest = { parts, registry, principal, parameters: read.values, base: parts.addressOf(ctx), ctx };
    if (call.pages === "none") await answer(call, asked);
    else await answerPage(call, asked, read.values, placed);
  };
}

function readerOf(call: Call): (given: Given) => Read {
  return parametersReader({ ...call, parameters: { ...PAGE_PARAMETERS[call.pages], ...call.parameters } });
}

async function admit({ registry }: RestParts, call: Call, ctx: Context): Promise<Principal> {
  const principal = await authenticate(registry, credentialsOf(ctx.headers));
  ctx.state.principal = principal;
  if (principal.kind === "anonymous" && !call.anonymous) throw new Failure("unauthenticated", "send a token");
  if (call.scope !== "none") requireScope(principal, call.scope);
  return principal;
}

async function answer(call: Call, asked: CallRequest): Promise<void> {
  const { ctx } = asked;
  const body = await call.handle(asked);
  if (ctx.body !== undefined && body === undefined && call.answer === undefined) return;
  ctx.status = call.status;
  if (call.status === 204) ctx.body = null;
  else ctx.body = call.status === 202 ? { message: "202 Accepted" } : body;
  ctx.status = call.status;
}

async function answerPage(
  call: Call,
  asked: CallRequest,
  values: Record<string, unknown>,
  given: Given,
): Promise<void> {
  const { ctx, base } = asked;
  const page = pageOf(values, given.order_by !== undefined && given.order_by !== "" && given.order_by !== null);
  if ("error" in page) return answerFormError(ctx, 400, page.error);
  const found = await call.read(asked, page.numbered);
  setPageHeaders(ctx, base, page, found);
  ctx.body = found.rows;
}

/** Answers a request in GitLab's words for what is wrong with its form. */
function answerFormError(ctx: Context, status: 400 | 405, error: string, reason: Reason = "invalid_request"): void {
  ctx.status = status;
  ctx.body = { error, reason };
  ctx.state.reason = reason;
}
