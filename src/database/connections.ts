// Connections that follow the address of the database. An address may lead to another server from one moment to the next: a
// standby is promoted, and a virtual address, a proxy or a cloud's endpoint moves. Connections that are open do not move. The
// old primary may keep them for as long as it lives, takes no writes any more or, worse, takes them; and a machine that is
// gone without a word keeps whoever waits for it until TCP gives up, a quarter of an hour later. So every connection of a
// process goes over a socket from here, and when the database turns out to be elsewhere (notify.ts) those from before are ended.
import net from "node:net";
import pg from "pg";

/** How long a connection is silent until TCP asks whether somebody is there. */
const KEEP_ALIVE_AFTER_MS = 10_000;
const PATIENCE_MS = 5_000;

/** SQLSTATE read_only_sql_transaction: what a standby says of writes, and a server that was made read-only. */
const READ_ONLY = "25006";

export interface Connections {
  /** For pg's `stream`: what a new connection goes over. */
  readonly stream: () => net.Socket;
  /** Ends those that were begun before a moment (performance.now()); returns how many. */
  letGo(before: number): number;
}

/** The connections of a process, none yet. */
export function openConnections(): Connections {
  const begun = new Map<net.Socket, number>();
  return {
    stream() {
      const socket = new net.Socket();
      begun.set(socket, performance.now());
      socket.once("close", () => begun.delete(socket));
      socket.once("connect", () => socket.setKeepAlive(true, KEEP_ALIVE_AFTER_MS));
      return socket;
    },
    letGo(before) {
      const old = [...begun].filter(([, at]) => at < before).map(([socket]) => socket);
      for (const socket of old) socket.destroy();
      return old.length;
    },
  };
}

/** The function of PostgreSQL that waits for synchronous standbys, and warns when it no longer does. */
const SYNCHRONOUS_WAIT = "SyncRepWaitForLSN";

/** The moment when a server was started, to the microsecond, as text: by which it is told from others. */
export const SERVER_SQL = "extract(epoch FROM pg_postmaster_start_time())::text";

/** The server that a connection leads to. */
export interface DatabaseServer {
  /** Another one for each server, and each time that it is started. */
  readonly server: string;
  /** Whether it takes no writes. */
  readonly readonly: boolean;
}

/** Which server a connection leads to, on which `ask` asks. */
export async function serverOf(
  ask: (statement: string) => Promise<pg.QueryResult<DatabaseServer>>,
): Promise<DatabaseServer> {
  const { rows } = await ask(
    `SELECT ${SERVER_SQL} AS server, current_setting('transaction_read_only') = 'on' AS readonly`,
  );
  return rows[0]!;
}

/** Which server the address of a URL leads to now; undefined: none answers. */
export async function serverAt(url: string): Promise<DatabaseServer | undefined> {
  const client = new pg.Client({
    connectionString: url,
    application_name: "gokura look",
    connectionTimeoutMillis: PATIENCE_MS,
    query_timeout: PATIENCE_MS,
  });
  client.on("error", () => {});
  try {
    await client.connect();
    return await serverOf((statement) => client.query<DatabaseServer>(statement));
  } catch {
    return undefined;
  } finally {
    void client.end().catch(() => {});
  }
}

/** What is thrown where the address leads to a standby: a server that takes writes is there in a moment, or nowhere. */
export function leadsToStandby(): Error {
  const message = "the address of the database leads to a standby, which takes no writes";
  return Object.assign(new Error(message), { code: READ_ONLY });
}

/**
 * Has a pool let a connection go whose server has taken no write: whoever comes next gets one to where the address leads now.
 * And what was committed without the synchronous standby, because somebody cancelled the wait for it (pg_cancel_backend), is not
 * said to be: to PostgreSQL that is a success with a warning (src/backend/replication/syncrep.c).
 */
export function trustPrimary(pool: pg.Pool): void {
  const refused = new WeakSet<pg.PoolClient>();
  pool.on("connect", (client) => {
    client.on("notice", ({ routine }) => {
      if (routine === SYNCHRONOUS_WAIT) connectionOf(client).stream.destroy();
    });
    connectionOf(client).on("errorMessage", ({ code }: { readonly code?: string }) => {
      if (code === READ_ONLY) refused.add(client);
    });
  });
  // Not before: its transaction is to be rolled back, and what went wrong is to be told.
  pool.on("release", (_, client) => {
    if (refused.has(client)) void client.end().catch(() => {});
  });
}

/** What pg has beneath a client: messages as they come, and the stream that they come on. */
function connectionOf(client: pg.PoolClient): NodeJS.EventEmitter & { readonly stream: net.Socket } {
  return (client as unknown as { connection: NodeJS.EventEmitter & { readonly stream: net.Socket } }).connection;
}
