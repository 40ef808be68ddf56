// Whether somebody stands between us and PostgreSQL who lends a connection for one transaction at a time (PgBouncer's
// pool_mode = transaction). Through such a pooler LISTEN and locks of sessions fail without a word: the LISTEN is carried out
// on a connection that the next transaction of somebody else gets, and two servers hold the same lock, because to PostgreSQL
// they are one. So a server looks before it trusts anything to a connection, and refuses with the way out:
// DATABASE_LISTEN_URL, the way around the pooler, for what needs a session, while all queries may go through the pooler. Those
// are prepared statements by name, which a pooler has to know of (PgBouncer 1.21, max_prepared_statements).
import { randomBytes } from "node:crypto";
import pg from "pg";
import { Failure } from "../errors.ts";

const PATIENCE_MS = 5_000;
/** How long a notice may take that nothing keeps. */
const HEARD_WITHIN_MS = 5_000;
/** Prepared on another connection, or twice on this one (SQLSTATE, "PostgreSQL Error Codes"). */
const LOST_STATEMENT = new Set(["26000", "42P05"]);

/**
 * Throws unavailable with what to do when connections cannot be used as a server must: those of `listenUrl`, or without one
 * those of `url`, keep their session; with one, those of `url` find prepared statements again, and what is notified there is
 * heard on `listenUrl`.
 */
export async function demandUsableConnections(
  url: string,
  listenUrl: string | undefined,
  heardWithinMs: number = HEARD_WITHIN_MS,
): Promise<void> {
  if (await isPooled(listenUrl ?? url))
    throw new Failure(
      "unavailable",
      listenUrl === undefined
        ? "DATABASE_URL leads to a connection pooler that keeps no session, through which changes and locks are lost without a word: set DATABASE_LISTEN_URL to the PostgreSQL behind it, or have it pool by sessions"
        : "DATABASE_LISTEN_URL leads to a connection pooler that keeps no session: it must name the PostgreSQL itself",
    );
  if (listenUrl === undefined) return;
  if (!(await findsStatements(url)))
    throw new Failure(
      "unavailable",
      "DATABASE_URL leads to a connection pooler that does not know prepared statements: use PgBouncer 1.21 or newer with max_prepared_statements above 0, or leave the pooler out",
    );
  if (!(await hears(listenUrl, url, heardWithinMs)))
    throw new Failure(
      "unavailable",
      "what is notified through DATABASE_URL is not heard through DATABASE_LISTEN_URL: both must lead to the same database, and not to a replica of it",
    );
}

/** Whether a connection is another one in the next transaction, when somebody else works meanwhile. */
async function isPooled(url: string): Promise<boolean> {
  return with2(url, async (one, other) => {
    const first = await pidOf(one);
    await other.query("BEGIN");
    const second = await pidOf(other);
    return second === first || (await pidOf(one)) !== first;
  });
}

/** Whether a prepared statement is there in the next transaction too. */
async function findsStatements(url: string): Promise<boolean> {
  const statement = { name: "gokura-look", text: "SELECT 1" };
  return with2(url, async (one, other) => {
    try {
      await one.query(statement);
      await other.query("BEGIN");
      await other.query(statement);
      await one.query(statement);
      return true;
    } catch (error) {
      if (LOST_STATEMENT.has((error as { code?: string }).code ?? "")) return false;
      throw error;
    }
  });
}

async function hears(listenUrl: string, url: string, withinMs: number): Promise<boolean> {
  const channel = `gokura_${randomBytes(8).toString("hex")}`;
  const listener = await connect(listenUrl);
  const speaker = await connect(url);
  try {
    const heard = new Promise<boolean>((done) => {
      listener.once("notification", () => done(true));
      setTimeout(() => done(false), withinMs).unref();
    });
    await listener.query(`LISTEN ${channel}`);
    await speaker.query(`NOTIFY ${channel}`);
    return await heard;
  } finally {
    await Promise.all([listener.end(), speaker.end()]);
  }
}

async function with2<T>(url: string, look: (one: pg.Client, other: pg.Client) => Promise<T>): Promise<T> {
  const one = await connect(url);
  const other = await connect(url);
  try {
    return await look(one, other);
  } finally {
    await Promise.all([one.end(), other.end()].map((ended) => ended.catch(() => {})));
  }
}

async function connect(url: string): Promise<pg.Client> {
  const client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: PATIENCE_MS,
    query_timeout: PATIENCE_MS,
    application_name: "gokura look",
  });
  client.on("error", () => {});
  await client.connect();
  return client;
}

async function pidOf(client: pg.Client): Promise<number> {
  const { rows } = await client.query<{ pid: number }>("SELECT pg_backend_pid() AS pid");
  return rows[0]!.pid;
}
