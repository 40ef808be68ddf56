// What every request gets that is not answered from memory: an id, a line in the log (or a part of them all), a place in the
// metrics, and one place where what was thrown becomes an answer.
import { randomUUID } from "node:crypto";
import type http from "node:http";
import type { Middleware } from "koa";
import { onBehalfOf } from "../concurrency/caller.ts";
import { Failure, isFailure, type Reason } from "../errors.ts";
import { checkCredentials, credentialsRefused } from "../registry/access/attempts.ts";
import { callerOf } from "../registry/access/caller.ts";
import { ANONYMOUS, nameOfPrincipal, type Principal } from "../registry/principal.ts";
import type { Registry } from "../registry/registry.ts";
import { beginRequest } from "../telemetry/tracing.ts";
import { audienceOf } from "./audience.ts";
import type { Stage } from "./health.ts";
import { failsIfMatch, NO_PAGE, STRICT_TRANSPORT_SECURITY } from "./protocol/conditions.ts";
import { secretIn } from "./protocol/credentials.ts";
import { answerFailure, failureOf } from "./protocol/problem.ts";

const NO_ENTITY_TAGS = "nothing here has an entity tag, so If-Match cannot be met: ask again without it";

export interface Observed {
  readonly registry: Registry;
  /** The address of whoever asks. */
  readonly clientOf: (req: http.IncomingMessage) => string;
  /** Ours, as the client wrote it. */
  readonly addressOf: (req: http.IncomingMessage) => string;
  readonly stage: Stage;
  /** The part of all requests that have a line in the log. */
  readonly logged: number;
}

/** Gives each request an id and, of some part of them, a line in the log (what broke and pushes always have one), and turns what was thrown into an answer. */
export function observe({ registry, clientOf, addressOf, stage, logged }: Observed): Middleware {
  const { log, metrics } = registry;
  const { stopping } = stage;
  const tls = stage.certificate() !== undefined;
  return async (ctx, next) => {
    const id = randomUUID();
    const start = performance.now();
    const audience = audienceOf(ctx);
    const from = clientOf(ctx.req); // now: a closed socket has forgotten it
    ctx.state.from = from;
    ctx.set("X-Request-Id", id);
    ctx.set(NO_PAGE);
    if (tls) ctx.set("Strict-Transport-Security", STRICT_TRANSPORT_SECURITY);
    if (stopping()) ctx.set("Connection", "close");
    const span = beginRequest(`${ctx.method} ${audience}`, ctx.headers, () => ({
      ...{ "http.request.method": ctx.method, "url.path": ctx.path, "client.address": from },
      "url.scheme": addressOf(ctx.req).split(":", 1)[0]!,
      "gokura.request_id": id,
    }));
    const caller = callerIn(ctx.state as Asker);
    const forCaller = (): Promise<unknown> => onBehalfOf(caller, next);
    const work = span ? () => span.run(forCaller) : forCaller;
    ctx.res.once("close", () => {
      const ms = performance.now() - start;
      const status = ctx.res.statusCode;
      metrics.requests.inc({ door: audience, status: String(status) });
      metrics.duration.observe({ door: audience }, ms / 1000);
      const principal = ctx.state.principal as Principal | undefined;
      const broken = status >= 500 || !ctx.res.writableFinished;
      const traced = span?.fields;
      span?.end({ "http.response.status_code": status }, broken);
      if (!broken && !ctx.path.endsWith("/git-receive-pack") && Math.random() >= logged) return;
      log.info(
        {
          id,
          method: ctx.method,
          path: ctx.path,
          status: ctx.res.writableFinished ? status : 499,
          ms: Math.round(ms * 10) / 10,
          from,
          ...(ctx.state.reason === undefined ? {} : { reason: ctx.state.reason as Reason }),
          ...traced,
          ...(principal && principal.kind !== "anonymous" ? { principal: nameOfPrincipal(principal) } : {}),
        },
        "request",
      );
    });
    const secret = secretIn(ctx.headers);
    try {
      if (secret !== undefined) await checkCredentials(registry, from, secret);
      // Only the Go endpoints have entity tags, and look at the condition themselves.
      if (audience !== "go" && failsIfMatch(ctx.req, undefined)) throw new Failure("precondition", NO_ENTITY_TAGS);
      await work();
    } catch (error) {
      const failure = failureOf(error, log);
      if (secret !== undefined && failure.kind === "unauthenticated")
        await credentialsRefused(registry, from, secret, failure.reason);
      if (ctx.res.headersSent || ctx.respond === false) ctx.res.destroy();
      else answerFailure(ctx, audience, failure, () => addressOf(ctx.req));
      if (!isFailure(error)) log.debug({ id }, "the request of the trouble above");
    }
  };
}

/** What becomes known of the one who asks, on the way. */
interface Asker {
  readonly principal?: Principal;
  readonly from: string;
}

/** For whom a request is. It holds on to nothing else of it, because whatever is begun meanwhile holds on to this. */
function callerIn(asker: Asker): () => string {
  return () => callerOf(asker.principal ?? ANONYMOUS, asker.from);
}
