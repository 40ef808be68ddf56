// The way to the database: one pool of connections that Prisma and plain SQL share. Hot reads that miss memory use plain
// SQL (a prepared statement costs a tenth of a Prisma query); everything else uses Prisma.
import { createRequire } from "node:module";
import { setTimeout as delay } from "node:timers/promises";
import pg from "pg";
import { Failure } from "../errors.ts";
import type { Log } from "../telemetry/log.ts";
import { type Connections, leadsToStandby, openConnections, trustPrimary } from "./connections.ts";
import type { Prisma, PrismaClient } from "./generated/client.ts";
import { traceQueries } from "./traced-queries.ts";

const POOL_SIZE = 12;
const CONNECT_TIMEOUT_MS = 5_000;
/** How long a connection waits for the next statement. On a new one the first of each takes ten times as long, until it is planned. */
const IDLE_MS = 60_000;
/** Longer than the pool lets anybody wait for a connection: there is one line to stand in, and it is the pool's. */
const TRANSACTION_WAIT_MS = 2 * CONNECT_TIMEOUT_MS;
const OLDEST_SERVER = 150_000; // server_version_num of PostgreSQL 15

const require = createRequire(import.meta.url);

export interface Database {
  /** Loaded and made when it is first asked for: a command that needs no more than plain SQL does not wait for it. */
  readonly prisma: PrismaClient;
  readonly pool: pg.Pool;
  /** All of this process, those of the pool among them. */
  readonly connections: Connections;
  readonly url: string;
  close(): Promise<void>;
}

/** What works on a transaction as well as on the client. */
export type Transaction = Prisma.TransactionClient;

/**
 * A server that stands still in the middle of a transaction keeps its locks, and nobody else can write. Longer than any of ours
 * thinks between two statements.
 */
const IDLE_IN_TRANSACTION = "60s";

/** What connections to the database are called (pg_stat_activity), by the name of the server's data directory. */
export const applicationName = (server: string): string => `gokura ${server}`;

/** Opens the pool. Nothing is connected until the first query. `server`: the name of the data directory of a server. */
export function openDatabase(url: string, log: Log, server?: string): Database {
  const connections = openConnections();
  const pool = new pg.Pool({
    connectionString: url,
    stream: connections.stream,
    max: POOL_SIZE,
    application_name: server === undefined ? "gokura" : applicationName(server),
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    idleTimeoutMillis: IDLE_MS,
    keepAlive: true,
    // Compiling pays for statements of seconds, and ours take milliseconds; but a statement whose cost is overestimated
    // would be compiled each time, for a tenth of a second (PostgreSQL documentation, "When to JIT?"). A transaction sees
    // what was committed before each of its statements, which is what locks are taken for; pg reads times as ISO writes them;
    // and Prisma's adapter sends moments as UTC without saying so, and reads whatever offset is said as +00 (adapter-pg,
    // formatDateTime and normalize_timestamptz). Of each a database or a role may have another default.
    // What a standby has is older than what was acknowledged.
    async onConnect(client) {
      const results = (await client.query(
        `SET jit = off; SET idle_in_transaction_session_timeout = '${IDLE_IN_TRANSACTION}';
        SET default_transaction_isolation = 'read committed'; SET DateStyle = 'ISO'; SET TimeZone = 'UTC';
        SELECT pg_is_in_recovery() AS standby`,
      )) as unknown as pg.QueryResult<{ standby: boolean }>[];
      if (results.at(-1)!.rows[0]!.standby) throw leadsToStandby();
    },
  });
  trustPrimary(pool);
  let closing = false;
  // A connection that dies while idle is replaced by the pool; unheard, its error would end the process.
  pool.on("error", (error) => {
    if (!closing) log.warn({ err: error }, "lost an idle database connection");
  });
  // The pool hears the idle ones only; one that dies while somebody works with it is told of by the statement that fails.
  pool.on("connect", (client) => {
    client.on("error", () => {});
    traceQueries(client);
  });
  let prisma: PrismaClient | undefined;
  return {
    get prisma() {
      prisma ??= prismaOn(pool);
      return prisma;
    },
    pool,
    connections,
    url,
    async close() {
      closing = true;
      await prisma?.$disconnect();
      await pool.end();
    },
  };
}

function prismaOn(pool: pg.Pool): PrismaClient {
  const { PrismaClient: Client } = require("./generated/client.ts") as typeof import("./generated/client.ts");
  const { PrismaPg } = require("@prisma/adapter-pg") as typeof import("@prisma/adapter-pg");
  return new Client({
    adapter: new PrismaPg(pool, { disposeExternalPool: false }),
    transactionOptions: { maxWait: TRANSACTION_WAIT_MS },
  });
}

/**
 * Waits until a PostgreSQL that we can use answers: tries for `patienceMs`, saying so, then throws a Failure with what
 * the server said and what to check. A password never gets into the message. `stop` ends the waiting with its reason.
 */
export async function awaitDatabase(url: string, log: Log, patienceMs: number, stop?: AbortSignal): Promise<void> {
  const { hostname, port, pathname } = new URL(url);
  const where = `PostgreSQL at ${hostname}:${port || 5432}${pathname}`;
  const end = Date.now() + patienceMs;
  for (let attempt = 1; ; attempt++) {
    stop?.throwIfAborted();
    const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: CONNECT_TIMEOUT_MS });
    client.on("error", () => {});
    try {
      await client.connect();
      const { rows } = await client.query<{ number: string; name: string; standby: boolean }>(
        "select current_setting('server_version_num') as number, current_setting('server_version') as name, pg_is_in_recovery() as standby",
      );
      if (Number(rows[0]!.number) < OLDEST_SERVER)
        throw new Failure("unavailable", `${where} is version ${rows[0]!.name}; gokura needs 15 or newer`);
      if (rows[0]!.standby) throw leadsToStandby();
      return;
    } catch (error) {
      if (error instanceof Failure) throw error;
      const { code = "", message } = error as { code?: string; message: string };
      const said = message || code || "no answer";
      if (!mayPass(code, message) || Date.now() >= end)
        throw new Failure(
          "unavailable",
          `${where} cannot be used: ${said}. Check DATABASE_URL and that the server runs.`,
          {
            cause: error,
          },
        );
      if (attempt === 1)
        log.warn(`${where} does not answer yet (${said}); trying for ${Math.round(patienceMs / 1000)} s`);
      // an abort ends the delay early, and the next round with the reason
      await delay(Math.min(250 * attempt, 2_000), undefined, { signal: stop }).catch(() => {});
    } finally {
      await client.end().catch(() => {});
    }
  }
}

/**
 * Whether a failure to connect may be over in a moment: the network's failures, a server that is starting, stopping or full
 * (SQLSTATE classes 08, 53, 57P), or a standby in its place (25006). A wrong password, database or name stays wrong.
 */
function mayPass(code: string, message: string): boolean {
  return (
    /^(ECONN|ETIMEDOUT|EHOST|ENET|EPIPE|EAI_AGAIN|08|53|57P|25006)/.test(code) || /timeout|terminated/.test(message)
  );
}

/** Whether an error of the database says that something unique exists already (SQLSTATE 23505). */
export function isUniqueViolation(error: unknown): boolean {
  return codeOf(error) === "P2002";
}

/** Whether an error of Prisma says that the row to be changed is there no more. */
export function isGone(error: unknown): boolean {
  return codeOf(error) === "P2025";
}

/**
 * Whether an error of Prisma says that what a row belongs to is gone, or that a row that is to go has others that belong to it
 * (SQLSTATE 23503, and 23001 from PostgreSQL 18 on). Guards of ours raise 23001 too, in other words.
 */
export function isForeignKeyViolation(error: unknown): boolean {
  if (codeOf(error) !== "P2003") return false;
  const { meta } = error as { meta?: { driverAdapterError?: { cause?: { originalMessage?: unknown } } } };
  return String(meta?.driverAdapterError?.cause?.originalMessage).includes("foreign key constraint");
}

/** The code of an error of Prisma: a P and four digits ("Error message reference"), which nobody else's errors have. */
function codeOf(error: unknown): unknown {
  return (error as { code?: unknown } | null)?.code;
}

/** Whether an error says that the connection was lost, or the server with it: what was under way may be done, or not. */
export function isLostConnection(error: unknown): boolean {
  const { code = "", message = "" } = (error ?? {}) as { code?: string; message?: string };
  return mayPass(code, message);
}
