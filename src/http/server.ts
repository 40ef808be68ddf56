// All doors of one listener, in one place and in order: what is in memory is answered before anything else; then comes
// what every request gets (an id, a line in the log, one place where failures become answers), then git, ?go-get=1, and the
// routes.
import http from "node:http";
import https from "node:https";
import net from "node:net";
import Router from "@koa/router";
import Koa from "koa";
import type { Config } from "../config.ts";
import { type InternalAddress, isLeaderAbsent, type Lease } from "../database/lease.ts";
import { notFound, type Reason } from "../errors.ts";
import type { HostedModules } from "../git/indexing/hosted-modules.ts";
import type { ModuleArchives } from "../git/indexing/module-archives.ts";
import type { TagIndexer } from "../git/indexing/tag-indexer.ts";
import type { Repositories } from "../git/objects/repositories.ts";
import { openPushes } from "../git/push/project-push.ts";
import type { GraphqlDoor } from "../graphql/endpoint/endpoint.ts";
import { openUploads } from "../intake/uploads.ts";
import type { Remotes } from "../mirrors/remotes.ts";
import { authenticate, type SeenCredentials, seenCredentials } from "../registry/access/authentication.ts";
import type { ChecksumLog } from "../registry/checksums/log-state.ts";
import type { Registry } from "../registry/registry.ts";
import type { DependencyProxy } from "../upstream/dependency-proxy.ts";
import { knowsWorld } from "../upstream/policy.ts";
import type { PublicSums } from "../upstream/public-sums.ts";
import type { SumdbProxy } from "../upstream/sumdb-proxy.ts";
import type { WebDoor } from "../web/door.ts";
import { wantsPage } from "../web/wants-page.ts";
import { audienceOf } from "./audience.ts";
import { belowPrefix } from "./below-prefix.ts";
import { answerPlainHttp, readCertificate, stateOfCertificate, watchCertificate } from "./certificate.ts";
import { clientAddress } from "./client-address.ts";
import { observe } from "./every-request.ts";
import { type GitDoor, parseGitPath, serveGit } from "./git-door.ts";
import { parseForeignUpload, serveForeignUpload } from "./go/foreign-uploads.ts";
import { serveGoGet } from "./go/go-get.ts";
import { type GoProxy, serveGoProxy } from "./go/go-proxy.ts";
import { addGoRoutes } from "./go/go-routes.ts";
import { answerFromMemory, type HotCache, readyAnswer } from "./go/hot-cache.ts";
import { addHealth, type Stage } from "./health.ts";
import { serveHook } from "./hooks-in.ts";
import { internalAddress } from "./internal-address.ts";
import { ownAddress } from "./own-address.ts";
import { passedOn, saysPassedOn } from "./passed-on.ts";
import { openPassingOn, type PassingOn } from "./passing-on.ts";
import { PKGSITE_BASE } from "./pkgsite/api-page.ts";
import { NO_PAGE, namesTwoHosts } from "./protocol/conditions.ts";
import { credentialsOf } from "./protocol/credentials.ts";
import { explain } from "./protocol/problem.ts";
import { repeatedRequests } from "./protocol/repeated-requests.ts";
import { restOnDemand, tidyApiPath } from "./rest-on-demand.ts";
import { isRootGoPath, redirectGit, refuseLfs, rightAddress, rightGoEndpoint } from "./right-address.ts";
import { demandFreePort, listen, listenNear, nearAddress, type OtherProcess } from "./shared-port.ts";
import { silentConnections } from "./silent-connections.ts";
import { serveVulnerabilityDatabase } from "./vulnerability-database.ts";

const HEADERS_TIMEOUT_MS = 20_000;
const KEEP_ALIVE_MS = 65_000; // longer than the reverse proxies in front of us
/** A connection on which nothing moves for so long, in the middle of a request, is closed. git sends signs of life. */
const IDLE_TIMEOUT_MS = 180_000;
/** How long requests under way may take when the server stops. */
const DRAIN_MS = 20_000;
/** How often connections that have become idle meanwhile are closed. */
const SWEEP_MS = 50;

export interface ServerParts {
  readonly config: Config;
  readonly registry: Registry;
  readonly repositories: Repositories;
  readonly indexer: TagIndexer;
  readonly archives: ModuleArchives;
  readonly hotCache: HotCache;
  readonly graphql: GraphqlDoor;
  readonly remotes: Remotes;
  readonly web: WebDoor;
  readonly dependencies: DependencyProxy;
  readonly sumDatabases: SumdbProxy;
  readonly checksums: ChecksumLog;
  readonly publicSums: PublicSums | undefined;
  /** Which of several servers leads; undefined until that is asked. */
  readonly lease: () => Lease | undefined;
  /** What has been counted, as text for Prometheus. */
  readonly metrics: () => Promise<string>;
  /** This process shares the port of another one, which came first. */
  readonly other: OtherProcess | undefined;
}

export interface RunningServer {
  readonly url: string;
  /** The port that it listens on, whatever the URL says. */
  readonly port: number;
  readonly certificateFile: string | undefined;
  /** Where other servers of the database reach it. */
  readonly internal: InternalAddress;
  /** Where processes that share its port reach it; undefined where none may. */
  readonly near: InternalAddress | undefined;
  /**
   * Begins to answer: until then every request but those of operators is 503, and a process that shares a port leaves all to
   * those that came before.
   */
  open(): Promise<void>;
  /** Takes nothing new, and lets what is under way finish. `others`: what it passes on is still answered until they ended. */
  stop(others?: Promise<void>): Promise<void>;
}

/** Listens, and resolves when it does, or could. Throws a Failure that says what to do when the address cannot be had. */
export async function startServer(parts: ServerParts): Promise<RunningServer> {
  const { config, registry, hotCache, other } = parts;
  let stopping = false;
  const address = { url: "" };
  let opened = false;
  const tls = await readCertificate(config);
  const stage: Stage = {
    stopping: () => stopping,
    opened: () => opened,
    leads: () => parts.lease()?.leads() ?? false,
    certificate: () => tls && stateOfCertificate(tls.cert),
  };
  const passing = openPassingOn({
    ...{ lease: parts.lease, log: registry.log, first: other?.first },
    awaitsContinue: (req) => req.headers.expect !== undefined && asksItself(req),
    prefix: config.url === undefined ? "" : new URL(config.url).pathname.replace(/\/$/, ""),
  });
  const callback = createApp(parts, address, stage, passing).callback();
  const answer = (req: http.IncomingMessage, res: http.ServerResponse): void => {
    const longWay = (): void => void callback(req, res);
    if (namesTwoHosts(req)) answerTwoHosts(res);
    else if (answerFromMemory(hotCache, registry, req, res, longWay))
      repeated.remember(req, () => seenCredentials(credentialsOf(req.headers)));
    else longWay();
  };
  const handle = belowPrefix(config.url, answer);
  const settings = {
    optimizeEmptyRequests: true,
    headersTimeout: HEADERS_TIMEOUT_MS,
    // A push may take as long as it makes progress: git/protocol/smart-http.ts watches that, request-body.ts the small bodies.
    requestTimeout: 0,
    keepAliveTimeout: KEEP_ALIVE_MS,
  };
  const server = tls
    ? https.createServer({ ...settings, cert: tls.cert, key: tls.key, minVersion: "TLSv1.2" }, handle)
    : http.createServer(settings, handle);
  const beforeOpen = belowPrefix(config.url, (req, res) =>
    req.url?.startsWith("/-/") ? void callback(req, res) : answerStarting(req, res),
  );
  server.off("request", handle).on("request", beforeOpen);
  // An upload asks for its body when nothing is against it (http/go/uploads.ts); all others take theirs at once. Where nobody
  // has asked, nobody knows whether the next bytes are that body or another request: so the connection ends with the answer.
  server.on("checkContinue", (req: http.IncomingMessage, res: http.ServerResponse) => {
    if (asksItself(req)) res.setHeader("Connection", "close");
    else res.writeContinue();
    server.emit("request", req, res);
  });
  server.setTimeout(IDLE_TIMEOUT_MS);
  const repeated = repeatedRequests<SeenCredentials | undefined>(server, (url, credentials) =>
    readyAnswer(hotCache, registry, url, credentials),
  );
  const silent = silentConnections(server);
  if (tls) answerPlainHttp(server, () => address.url);
  const unwatch = tls ? watchCertificate(tls.cert, registry.log, registry.metrics) : () => {};
  const shared = other !== undefined || config.workers > 0;
  if (!other) {
    if (shared) await demandFreePort(config);
    await listen(server, config, { shared });
  }
  const port = other?.port ?? (server.address() as net.AddressInfo).port;
  const near = config.workers > 0 ? await listenNear(server) : undefined;
  const internal = internalAddress(config, port, tls?.cert);
  const { host } = config.listen;
  const shown = host === "0.0.0.0" || host === "::" ? "localhost" : host.includes(":") ? `[${host}]` : host;
  address.url = config.url ?? `${tls ? "https" : "http"}://${shown}:${port}`;
  return {
    url: address.url,
    port,
    certificateFile: tls?.file,
    internal,
    near: near && nearAddress(near.port, internal),
    async open() {
      opened = true;
      server.off("request", beforeOpen).on("request", handle);
      if (other) await listen(server, config, { port, shared });
    },
    async stop(others) {
      stopping = true;
      unwatch();
      // What server.close() of http does beside this is done below: it would cut off an answer that Node does not know of.
      const closed = new Promise<void>((done) => net.Server.prototype.close.call(server, () => done()));
      silent.close();
      // A connection that becomes idle only now, with the answer to its last request, must not keep us either.
      const sweep = setInterval(() => {
        if (!repeated.underWay && !silent.haveUnsent()) server.closeIdleConnections();
      }, SWEEP_MS);
      const timer = setTimeout(() => {
        server.closeAllConnections();
        silent.closeAll();
      }, DRAIN_MS);
      await Promise.all([closed, others?.then(() => near?.close())]);
      clearInterval(sweep);
      clearTimeout(timer);
      server.close(); // now that nothing is under way: Node's own look at connections, every 30 s, would keep it in memory
      passing.close();
    },
  };
}

/** Whether what answers a request asks for the body itself: an upload. */
function asksItself({ method, url = "" }: http.IncomingMessage): boolean {
  return method === "PUT" && (url.includes("/@v/") || parseForeignUpload(method, url) !== undefined);
}

/** Before the server is open: an administrator's token does not work yet, and a client must not take that for an answer. */
function answerStarting(req: http.IncomingMessage, res: http.ServerResponse): void {
  res.writeHead(503, { "Content-Type": "text/plain; charset=utf-8", "Retry-After": "1", "Cache-Control": "no-store" });
  res.end("the server is starting; try again in a moment\n");
  req.resume();
}

/** Whether a request is for the server with the repositories, whatever is asked: git, and all that changes something. */
function isForLeader({ method, path }: Koa.Context): boolean {
  if (parseGitPath(path)) return true;
  // What a request of GraphQL does is in its body: the endpoint tells.
  return !["GET", "HEAD", "OPTIONS"].includes(method) && path !== "/api/graphql";
}

function createApp(parts: ServerParts, address: { url: string }, stage: Stage, passing: PassingOn): Koa {
  const { stopping } = stage;
  const { config, registry } = parts;
  const app = new Koa();
  app.silent = true; // failures are logged where they become answers
  const hosted: HostedModules = { registry, repositories: parts.repositories, url: () => address.url };
  const { archives, dependencies, sumDatabases, checksums, publicSums } = parts;
  const sums = { sumDatabases, checksums, publicSums };
  const changed = (projectId: number): void => parts.hotCache.contentChanged(projectId, false);
  const uploads = openUploads({ archives, maxBytes: config.maxPushBytes, changed });
  const goProxy: GoProxy = { hosted, archives, uploads, hotCache: parts.hotCache, dependencies, ...sums };
  const pushes = openPushes(registry, parts.repositories, parts.indexer, { changed, stopping });
  const gitDoor: GitDoor = {
    registry,
    repositories: parts.repositories,
    pushes,
    maxPushBytes: config.maxPushBytes,
  };

  const saidOf = (req: http.IncomingMessage) => (saysPassedOn(req) ? passedOn(parts.lease()?.key(), req) : undefined);
  const addressAsWritten = ownAddress(config, () => address.url);
  const addressOf = (req: http.IncomingMessage): string => saidOf(req)?.url ?? addressAsWritten(req);
  const addressOfClient = clientAddress(config.trustProxy);
  const clientOf = (req: http.IncomingMessage): string => saidOf(req)?.from ?? addressOfClient(req);
  const pkgsite = { registry, hosted, archives, addressOf: (ctx: Koa.Context) => addressOf(ctx.req) };
  const router = new Router();
  addHealth(router, registry, stage, checksums, parts.metrics);
  router.all("/-/hooks/:id", (ctx) => serveHook(registry, ctx));
  addGoRoutes(router, goProxy);
  router.all(`${PKGSITE_BASE}{/*rest}`, async (ctx) =>
    (await import("./pkgsite/pkgsite-api.ts")).servePkgsite(pkgsite, ctx),
  );
  router.get("/vulndb/{*name}", (ctx) => serveVulnerabilityDatabase(registry, ctx, ctx.path.slice("/vulndb/".length)));
  router.all("/api/graphql", async (ctx, next) => {
    ctx.state.principal = await authenticate(registry, credentialsOf(ctx.headers));
    await parts.graphql.middleware(ctx, next);
  });
  router.get("/", async (ctx, next) => {
    if (wantsPage(ctx)) return next(); // the pages have a first page of their own
    // GOAUTH=git has the credential helper keep a token if this answers 200 to it, and forget it otherwise.
    ctx.state.principal = await authenticate(registry, credentialsOf(ctx.headers));
    ctx.type = "text/plain; charset=utf-8";
    const { verifierKey } = parts.checksums.signers[0]!;
    const verifier = knowsWorld(config) ? `GOSUMDB='${verifierKey}'` : `GONOSUMDB=${registry.moduleHost}`;
    ctx.body = welcome(address.url, registry.moduleHost, verifier);
  });

  app.use(observe({ registry, clientOf, addressOf, stage, logged: config.loggedRequests }));
  app.use(async (ctx, next) => {
    const pass = () => passing.pass(ctx, { from: ctx.state.from as string, url: addressOf(ctx.req) });
    // What another server of ours has passed on to the one that leads came to a process that shares its port.
    if (parts.other && saysPassedOn(ctx.req)) return pass();
    const leads = parts.lease()?.leads() ?? true;
    if (!leads && isForLeader(ctx)) return pass();
    try {
      await next();
    } catch (error) {
      if (!isLeaderAbsent(error) || ctx.res.headersSent) throw error;
      await pass();
    }
  });
  app.use(async (ctx, next) => {
    const git = parseGitPath(ctx.path);
    const foreign = parseForeignUpload(ctx.method, ctx.path);
    if (foreign) await serveForeignUpload(uploads, ctx, foreign);
    else if (isRootGoPath(ctx.path)) await serveGoProxy(goProxy, ctx, { kind: "instance" }, ctx.path.slice(1));
    else if (git) await serveGit(gitDoor, ctx, git);
    else if (ctx.query["go-get"] === "1" && audienceOf(ctx) === "browser") await serveGoGet(registry, address.url, ctx);
    else if (!redirectGit(ctx, addressOf(ctx.req)) && !refuseLfs(ctx)) await next();
  });
  app.use(tidyApiPath);
  app.use(
    restOnDemand({
      registry,
      hosted,
      archives,
      checksums,
      remotes: parts.remotes,
      addressOf: (ctx) => addressOf(ctx.req),
    }),
  );
  app.use(router.routes());
  app.use(async (ctx, next) => {
    const asked = {
      url: addressOf(ctx.req),
      from: ctx.state.from as string,
      credentials: () => credentialsOf(ctx.headers),
      explain(error: unknown) {
        if (isLeaderAbsent(error)) throw error;
        return explain(error, registry.log);
      },
    };
    if (audienceOf(ctx) !== "browser" || !(await parts.web.serve(ctx, asked))) await next();
  });
  app.use((ctx) => {
    if (audienceOf(ctx) === "go") throw notFound(rightGoEndpoint(addressOf(ctx.req), ctx.path), "no_such_address");
    if (audienceOf(ctx) !== "api")
      throw notFound(rightAddress(addressOf(ctx.req), registry.moduleHost, ctx.path), "no_such_address");
    ctx.status = 404;
    ctx.body = { error: "404 Not Found", reason: "no_such_address" satisfies Reason };
    ctx.state.reason = "no_such_address";
  });
  return app;
}

function answerTwoHosts(res: http.ServerResponse): void {
  res.writeHead(400, { ...NO_PAGE, "Content-Type": "text/plain; charset=utf-8", Connection: "close" });
  res.end("a request names one host: this one has several Host headers\n");
}

/** `verifier`: the variable that says who verifies. */
function welcome(url: string, moduleHost: string, verifier: string): string {
  return `This is Gokura, a Go module registry.

push    git push ${url}/GROUP/PROJECT.git v1.0.0
fetch   GOPROXY=${url}/api/v4/packages/go ${verifier} go get ${moduleHost}/GROUP/PROJECT@v1.0.0
query   ${url}/api/graphql, ${url}/api/v4 (described by ${url}/api/v4/openapi.json)

"gokura client-config" prints the settings for go, git and ~/.netrc.
`;
}
