// What this server cannot do, because another one has the repositories, that one does: the request goes there as it came, with
// the client's credentials, in a stream, and its answer comes back the same way. A request that was passed on already ends
// here, so that two servers which take each other for the leader send it round no circle. When nobody leads, or the leader
// does not answer, the client hears 503 and when to try again. What may be asked twice is asked of the next leader where one took
// over before there was an answer.
// Source: RFC 9110, 7.6 (intermediaries; fields of one connection, Via), 10.1.1 (Expect).
import http, { type IncomingMessage, type OutgoingHttpHeaders, type ServerResponse } from "node:http";
import https from "node:https";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { TLSSocket } from "node:tls";
import type { Context } from "koa";
import { type Leader, type Lease, leaderAbsent } from "../database/lease.ts";
import type { Log } from "../telemetry/log.ts";
import { ownTraceHeaders } from "../telemetry/tracing.ts";
import { PASSED_ON_HEADER, type PassedOn, passedOn, saysPassedOn, signPassedOn } from "./passed-on.ts";
import type { FirstProcess } from "./shared-port.ts";

/** Shorter than a server of ours keeps a connection (server.ts). */
const KEEP_ALIVE_MS = 15_000;
const CONNECT_MS = 3_000;
/** How often is looked whether the leader of a request still leads: one that stands still would keep the client waiting. */
const WATCH_MS = 1_000;
/** A request on which nothing moves for so long is over. */
const IDLE_MS = 180_000;
const VIA = "1.1 gokura";

/** Of one connection (RFC 9110, 7.6.1), and what we say ourselves. */
const NOT_PASSED = new Set([
  ...["connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "te", "trailer"],
  ...["transfer-encoding", "upgrade", PASSED_ON_HEADER],
]);

export interface PassingOn {
  /** Has the leader answer a request. Throws unavailable, leader_absent, when it cannot, with nothing sent. */
  pass(ctx: Context, said: PassedOn): Promise<void>;
  close(): void;
}

export interface PassingOnParts {
  readonly lease: () => Lease | undefined;
  /** Whether a client waits to be told to send its body. */
  readonly awaitsContinue: (req: IncomingMessage) => boolean;
  /** The path of GOKURA_URL, which is not in the addresses of requests any more. */
  readonly prefix: string;
  readonly log: Log;
  /** The process whose port this one shares, if it does. */
  readonly first: FirstProcess | undefined;
}

/** Opens the way to the leader. */
export function openPassingOn({ lease, awaitsContinue, prefix, log, first }: PassingOnParts): PassingOn {
  const agents = {
    "http:": new http.Agent({ keepAlive: true, timeout: KEEP_ALIVE_MS }),
    "https:": new https.Agent({ keepAlive: true, timeout: KEEP_ALIVE_MS }),
  };

  const ask = (
    leader: Leader,
    ctx: Context,
    said: PassedOn,
    agent: boolean,
    over: AbortSignal,
  ): Promise<IncomingMessage> =>
    new Promise((done, fail) => {
      const { req, res } = ctx;
      const target = ctx.originalUrl;
      const method = req.method ?? "GET";
      const url = new URL(leader.url);
      const secure = url.protocol === "https:";
      const waits = awaitsContinue(req);
      const headers: OutgoingHttpHeaders = {
        ...passed(req.headers),
        ...ownTraceHeaders(),
        [PASSED_ON_HEADER]: req.headers[PASSED_ON_HEADER] ?? signPassedOn(leader.key, method, target, said),
        via: [req.headers.via, VIA].flat().filter(Boolean).join(", "),
      };
      if (!waits) delete headers.expect;
      const body = bodyOf(ctx);
      if (Buffer.isBuffer(body) && body.length > 0) {
        headers["content-length"] = body.length;
        delete headers["content-encoding"];
      }
      // A certificate is made for the name that clients use: that of the lease is the right one, whatever it says.
      const trust = secure ? { rejectUnauthorized: false } : {};
      const sent = (secure ? https : http).request({
        ...{ host: url.hostname.replace(/^\[|\]$/g, ""), port: url.port || (secure ? 443 : 80) },
        ...{ method, path: prefix + target, headers, ...trust, setHost: false },
        agent: agent ? agents[url.protocol as keyof typeof agents] : false,
        timeout: IDLE_MS,
      });
      const slow = setTimeout(() => sent.destroy(new Error("no connection")), CONNECT_MS);
      const send = (): void => {
        if (Buffer.isBuffer(body)) sent.end(body);
        else void pipeline(body, sent).catch((error: Error) => sent.destroy(error));
      };
      const ready = (): void => {
        clearTimeout(slow);
        const { certificate } = leader;
        const shown = secure ? (sent.socket as TLSSocket).getPeerCertificate().fingerprint256 : undefined;
        if (secure && shown !== certificate) sent.destroy(new Error("another certificate than that of the lease"));
        else if (waits) sent.flushHeaders();
        else send();
      };
      sent.once("socket", (socket) => {
        if (!socket.connecting) ready();
        else socket.once(secure ? "secureConnect" : "connect", ready);
      });
      sent.once("continue", () => {
        res.writeContinue();
        send();
      });
      over.addEventListener("abort", () => sent.destroy(over.reason as Error), { once: true });
      sent.once("timeout", () => sent.destroy(new Error("nothing moved")));
      sent.once("response", done);
      sent.once("error", (error) => {
        clearTimeout(slow);
        fail(Object.assign(error, { stale: sent.reusedSocket }));
      });
      res.once("close", () => sent.destroy());
    });

  const pass = async (ctx: Context, said: PassedOn): Promise<void> => {
    const own = lease();
    const led = await own?.leader();
    const leader = led && first?.url === led.url ? { ...led, ...first.near } : led;
    // One that was passed on goes no further than to the process that it was meant for.
    if (saysPassedOn(ctx.req) && (leader === led || !passedOn(led?.key, ctx.req)))
      throw leaderAbsent("this server was taken for the one with the repositories, and is not");
    if (!leader || own?.key()?.equals(leader.key))
      throw leaderAbsent("no server has the repositories now, which is so for some seconds after one has died");
    const over = new AbortController();
    const watch = setInterval(async () => {
      const now = await own?.leader().catch(() => leader);
      if (now && now.term !== leader.term) over.abort(new Error("another server leads now"));
    }, WATCH_MS);
    const repeatable = (ctx.method === "GET" || ctx.method === "HEAD") && Buffer.isBuffer(bodyOf(ctx));
    // A connection that was kept may be closed just when it is taken up again. What cannot be sent twice has one of its own.
    const answer = await ask(leader, ctx, said, repeatable, over.signal)
      .catch((error: Error & { stale?: boolean }) => {
        if (!error.stale || over.signal.aborted) throw error;
        return ask(leader, ctx, said, false, over.signal);
      })
      .catch((error: Error) => {
        clearInterval(watch);
        if (ctx.res.destroyed) throw error;
        if (repeatable && over.signal.aborted) return undefined;
        log.warn({ leader: leader.url, reason: error.message }, "the server with the repositories did not answer");
        throw leaderAbsent("the server with the repositories does not answer");
      });
    if (!answer) return pass(ctx, said);
    ctx.respond = false;
    await relay(answer, ctx.res).finally(() => clearInterval(watch));
  };

  return {
    pass,
    close() {
      for (const agent of Object.values(agents)) agent.destroy();
    },
  };
}

/** What is left of the body: what was read of it before, or the request itself. */
function bodyOf(ctx: Context): Buffer | Readable {
  const { rawBody } = ctx.request as { rawBody?: string };
  if (rawBody !== undefined) return Buffer.from(rawBody);
  const { headers } = ctx.req;
  const hasNone = headers["content-length"] === undefined && headers["transfer-encoding"] === undefined;
  return hasNone ? Buffer.alloc(0) : ctx.req;
}

async function relay(answer: IncomingMessage, res: ServerResponse): Promise<void> {
  // What this server has set meanwhile, the other one has set better.
  for (const name of res.getHeaderNames()) if (name !== "connection") res.removeHeader(name);
  res.writeHead(answer.statusCode ?? 502, answer.statusMessage, passed(answer.headers));
  res.flushHeaders();
  // A client that is gone, or an answer that broke off: either way the connection ends, and the client sees that.
  await pipeline(answer, res).catch(() => res.destroy());
}

function passed(headers: http.IncomingHttpHeaders): OutgoingHttpHeaders {
  const named = String(headers.connection ?? "")
    .split(",")
    .map((name) => name.trim().toLowerCase());
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !NOT_PASSED.has(name) && !named.includes(name)));
}
