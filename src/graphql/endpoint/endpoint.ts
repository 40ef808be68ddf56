// The GraphQL door: POST /api/graphql. On its way a request passes
//
//   scope     a token that opens no API gets 403 before anything of the request is read
//   body      JSON of limited size, in limited time
//   Apollo    refuses what a browser could send across sites (CSRF), reads and validates, with the limits of limits.ts
//   operation mutations need the scope api; the anonymous do not introspect a production server; the cost is checked
//   resolvers ask the registry with the principal
//
// What can be said in GraphQL is HTTP 200, as GitLab has it (doc/api/graphql); only what concerns the request as a whole has
// another status. Resolver types are generated from schema.graphql, which is the contract.
import { readFileSync } from "node:fs";
import { ApolloServer, type ApolloServerPlugin } from "@apollo/server";
import {
  ApolloServerPluginCacheControlDisabled,
  ApolloServerPluginInlineTraceDisabled,
  ApolloServerPluginLandingPageDisabled,
  ApolloServerPluginSchemaReportingDisabled,
  ApolloServerPluginUsageReportingDisabled,
} from "@apollo/server/plugin/disabled";
import { koaMiddleware } from "@as-integrations/koa";
import { bodyParser } from "@koa/bodyparser";
import { BREAK, type DocumentNode, type OperationDefinitionNode, visit } from "graphql";
import type { Context, Middleware } from "koa";
import { createSlots } from "../../concurrency/slots.ts";
import { leaderAbsent } from "../../database/lease.ts";
import { Failure, invalid, isFailure } from "../../errors.ts";
import type { ModuleArchives } from "../../git/indexing/module-archives.ts";
import type { Remotes } from "../../mirrors/remotes.ts";
import { requireScope } from "../../registry/access/access.ts";
import { callerOf } from "../../registry/access/caller.ts";
import type { ChecksumLog } from "../../registry/checksums/log-state.ts";
import type { Principal } from "../../registry/principal.ts";
import type { Registry } from "../../registry/registry.ts";
import type { UpstreamStatus } from "../../upstream/upstream-status.ts";
import { createContext, type GraphqlContext } from "../context.ts";
import { errorOf } from "../failure-error.ts";
import { resolvers } from "../resolvers/all.ts";
import { formatError, refusal } from "./error-codes.ts";
import { LANDING_PAGE, LANDING_PAGE_POLICY } from "./landing-page.ts";
import { limitFields } from "./limited-fields.ts";
import { BODY_LIMIT_BYTES, checkCost, extentRule, FIELD_LIMIT, TIME_LIMIT_MS, TOKEN_LIMIT } from "./limits.ts";
import { rememberQueries } from "./persisted-queries.ts";
import { type Prices, readPrices } from "./query-cost.ts";

const SCHEMA = new URL("../../../schema.graphql", import.meta.url);

/** How many queries are answered at once, and how many of one caller: the others wait, and nobody else does for them. */
const AT_ONCE = 16;
const AT_ONCE_OF_ONE = 4;
/** How long a client may take to send its body. */
const BODY_PATIENCE_MS = 30_000;

export interface GraphqlDoor {
  /** To be mounted at /api/graphql, behind something that sets `ctx.state.principal` and, behind proxies, the address `ctx.state.from`. Answers everything itself. */
  readonly middleware: Middleware;
}

export interface GraphqlEndpoint extends GraphqlDoor {
  start(): Promise<void>;
  stop(): Promise<void>;
}

export interface GraphqlOptions {
  readonly registry: Registry;
  /** Where clients reach us, without a slash at the end; asked at each request. */
  readonly url: () => string;
  /** No introspection for the anonymous. */
  readonly production: boolean;
  /** Where people read about modules that are not stored here: config.ts. */
  readonly modulePages: string;
  /** Whether the instance's Go endpoint has modules that are not ours. */
  readonly hasWorld: boolean;
  /** Our checksum database as GOSUMDB holds it, if it knows the sums of those, too. */
  readonly gosumdb: string | undefined;
  readonly checksums: ChecksumLog;
  /** How those are doing whom we ask for the modules of others; nobody if absent. */
  readonly upstreams?: () => readonly UpstreamStatus[];
  /** The repositories of projects; makes the zips of hosted versions that have none yet. */
  readonly archives: ModuleArchives;
  readonly remotes: Remotes;
  readonly bodyPatienceMs?: number;
}

/** Makes the endpoint. It answers once it has been started. */
export function createGraphqlEndpoint(options: GraphqlOptions): GraphqlEndpoint {
  const {
    registry,
    url,
    production,
    upstreams,
    modulePages,
    hasWorld,
    gosumdb,
    checksums,
    remotes,
    archives,
    bodyPatienceMs = BODY_PATIENCE_MS,
  } = options;
  const apollo = createApollo(registry, production);
  const readBody = bodyParser({ enableTypes: ["json"], jsonLimit: String(BODY_LIMIT_BYTES) });
  const places = createSlots(AT_ONCE, { perCaller: AT_ONCE_OF_ONE, what: "queries" });
  let answer: Middleware | undefined;
  return {
    async middleware(ctx) {
      ctx.set("Cache-Control", "no-store");
      if (wantsPage(ctx)) {
        ctx.type = "text/html; charset=utf-8";
        ctx.set("Content-Security-Policy", LANDING_PAGE_POLICY);
        ctx.body = LANDING_PAGE;
        return;
      }
      try {
        const principal = ctx.state.principal as Principal;
        requireScope(principal, "api read");
        if (!answer)
          throw new Failure("unavailable", "the server is starting or stopping; try again in a moment", {
            reason: "server_stopping",
          });
        await readInTime(ctx, readBody, bodyPatienceMs);
        const leave = await places.take();
        try {
          await answer(ctx, async () => {});
        } finally {
          leave();
        }
      } catch (error) {
        answerWithErrors(ctx, error);
      }
      // Not answered at all, then, but by the server that has the repositories: whoever called us sees to it.
      if (ctx.state.leaderAbsent) throw leaderAbsent("what this asks for is known to another server");
    },
    async start() {
      await apollo.start();
      answer = koaMiddleware(apollo, {
        context: async ({ ctx }) =>
          createContext(
            registry,
            {
              principal: ctx.state.principal as Principal,
              caller: callerOf(ctx.state.principal as Principal, (ctx.state.from as string | undefined) ?? ctx.ip),
            },
            { url: url(), modulePages, hasWorld, gosumdb },
            archives,
            checksums,
            remotes,
            TIME_LIMIT_MS,
            upstreams,
            (errors) => {
              ctx.state.reason = errors?.[0]?.extensions?.reason;
              ctx.state.leaderAbsent = errors?.some(({ extensions }) => extensions?.reason === "leader_absent");
            },
          ),
      });
    },
    async stop() {
      if (!answer) return;
      answer = undefined;
      await apollo.stop();
    },
  };
}

function createApollo(registry: Registry, production: boolean): ApolloServer<GraphqlContext> {
  return new ApolloServer<GraphqlContext>({
    typeDefs: readFileSync(SCHEMA, "utf8"),
    resolvers,
    nodeEnv: production ? "production" : "development",
    logger: registry.log,
    formatError: formatError(registry.log),
    introspection: true,
    hideSchemaDetailsFromClientErrors: production,
    includeStacktraceInErrorResponses: false,
    csrfPrevention: true,
    allowBatchedHttpRequests: false,
    persistedQueries: { cache: rememberQueries() },
    stopOnTerminationSignals: false, // app.ts ends the process
    parseOptions: { maxTokens: TOKEN_LIMIT },
    maxRecursiveSelections: FIELD_LIMIT,
    validationRules: [extentRule],
    plugins: [
      admission(registry, production),
      ApolloServerPluginLandingPageDisabled(), // theirs comes from the internet
      // Apollo would turn these on by itself, some when it finds variables of its own in the environment.
      ApolloServerPluginUsageReportingDisabled(),
      ApolloServerPluginSchemaReportingDisabled(),
      ApolloServerPluginInlineTraceDisabled(),
      ApolloServerPluginCacheControlDisabled(),
    ],
  });
}

/** What is asked of a valid operation before it begins. */
function admission(registry: Registry, production: boolean): ApolloServerPlugin<GraphqlContext> {
  let prices: Prices;
  return {
    async serverWillStart({ schema }) {
      prices = readPrices(schema);
      limitFields(schema);
    },
    async requestDidStart() {
      return {
        async didResolveOperation(request) {
          if (!request.operation) return; // a name that the document does not have: Apollo tells
          if (request.operation.operation === "subscription")
            throw refusal("there are no subscriptions here: ask again instead", "BAD_USER_INPUT", 400, "query_invalid");
          checkScope(request.operation, request.contextValue.principal);
          if (request.operation.operation === "mutation") await demandLeader(registry);
          if (production && request.contextValue.principal.kind === "anonymous" && introspects(request.document))
            throw refusal(
              "the schema is shown to those who send a token",
              "INTROSPECTION_DISABLED",
              400,
              "introspection_disabled",
            );
          await checkCost(request, prices);
        },
        async willSendResponse({ contextValue, response }) {
          contextValue.timeLimit.clear();
          if (response.body.kind !== "single") return;
          const { exceeded } = contextValue.answerLimit;
          if (exceeded) response.body.singleResult = { data: null, errors: [errorOf(exceeded)] };
          contextValue.note(response.body.singleResult.errors);
        },
      };
    },
  };
}

function checkScope({ operation }: OperationDefinitionNode, principal: Principal): void {
  if (operation !== "mutation") return;
  try {
    requireScope(principal, "api write");
  } catch (error) {
    if (isFailure(error, "insufficient-scope")) throw refusal(error.message, "INSUFFICIENT_SCOPE", 403, error.reason);
    throw error;
  }
}

/** What changes something is done by the server that leads. */
async function demandLeader(registry: Registry): Promise<void> {
  try {
    await registry.leadership.demand();
  } catch (error) {
    if (isFailure(error)) throw refusal(error.message, "SERVICE_UNAVAILABLE", 503, error.reason);
    throw error;
  }
}

function introspects(document: DocumentNode): boolean {
  let found = false;
  visit(document, {
    Field({ name }) {
      if (name.value !== "__schema" && name.value !== "__type") return undefined;
      found = true;
      return BREAK;
    },
  });
  return found;
}

async function readInTime(ctx: Context, readBody: Middleware, milliseconds: number): Promise<void> {
  const timer = setTimeout(() => ctx.req.destroy(), milliseconds);
  try {
    await readBody(ctx, async () => {});
  } catch (error) {
    throw unreadable(error);
  } finally {
    clearTimeout(timer);
  }
}

/** Why a body could not be read. The error itself knows the body, which may hold secrets, so it goes no further. */
function unreadable(error: unknown): Failure {
  const { status } = error as { status?: number };
  if (status === 413) return new Failure("too-large", `a request body may have ${BODY_LIMIT_BYTES} bytes`);
  return invalid('the request body is no JSON object; send {"query": …, "variables": {…}} as UTF-8');
}

/** Whether somebody only looks at the address, with a browser. */
function wantsPage(ctx: Context): boolean {
  if (ctx.method !== "GET" && ctx.method !== "HEAD") return false;
  return ctx.querystring === "" && ctx.accepts("json", "html") === "html";
}

/** Answers a request that failed before GraphQL saw it. Throws what is no Failure, or one that cannot happen so early. */
function answerWithErrors(ctx: Context, error: unknown): void {
  if (!isFailure(error)) throw error;
  ctx.state.reason = error.reason;
  const status = { invalid: 400, "insufficient-scope": 403, "too-large": 413, unavailable: 503 }[error.kind as string];
  if (status === undefined) throw error;
  if (!ctx.req.complete) ctx.set("Connection", "close"); // the rest of the body is of no interest
  ctx.status = status;
  ctx.body = { errors: [errorOf(error)] };
}
