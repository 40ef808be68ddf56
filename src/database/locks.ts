// Locks that all processes of one database share: PostgreSQL's advisory locks (documentation, 13.3.5), held by a session.
// All locks of a process are held by one connection of their own, so that holding many for long costs the pool nothing, and
// whatever becomes of the process its locks are free the moment its connection is gone. Nobody ever waits inside the
// database: a lock is had at once or not at all, and who wants to wait asks again.
//
// A session may take its own lock twice; so whoever uses these must see to it that the process asks once a name at a time.
import { createHash } from "node:crypto";
import pg from "pg";
import { Failure } from "../errors.ts";
import type { Log } from "../telemetry/log.ts";

const CONNECT_TIMEOUT_MS = 5_000;

export interface Locks {
  /** Takes a lock, if nobody has it: returns what gives it back, else undefined. */
  tryLock(name: string): Promise<(() => Promise<void>) | undefined>;
  close(): Promise<void>;
}

/** Opens the locks of a process. Connects when the first lock is wanted. */
export function openLocks(url: string, log: Log): Locks {
  let connection: Promise<pg.Client> | undefined;
  let closed = false;

  const connect = (): Promise<pg.Client> => {
    if (connection) return connection;
    const client = new pg.Client({
      connectionString: url,
      application_name: "gokura locks",
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      keepAlive: true,
    });
    const made = client.connect().then(() => client);
    const lost = (): void => {
      if (connection === made) connection = undefined;
    };
    client.on("error", (error) => {
      log.warn({ err: error }, "lost the database connection that holds locks");
      lost();
    });
    client.on("end", lost);
    made.catch(lost);
    connection = made;
    return made;
  };

  // One statement at a time: a connection does no more.
  let last: Promise<unknown> = Promise.resolve();
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const done = last.then(work, work);
    last = done.catch(() => {});
    return done;
  };

  return {
    async tryLock(name) {
      if (closed) throw new Failure("unavailable", "the server is stopping", { reason: "server_stopping" });
      const key = keyOf(name);
      const client = await connect();
      const { rows } = await inTurn(() =>
        client.query<{ had: boolean }>("SELECT pg_try_advisory_lock($1) AS had", [key]),
      );
      if (!rows[0]!.had) return undefined;
      return async () => {
        // A connection that is gone has given its locks back already.
        await inTurn(() => client.query("SELECT pg_advisory_unlock($1)", [key])).catch(() => {});
      };
    },
    async close() {
      closed = true;
      const client = await connection?.catch(() => undefined);
      await last;
      await client?.end().catch(() => {});
    },
  };
}

/** PostgreSQL's locks are known by 64 bits: the first of the name's SHA-256. */
function keyOf(name: string): string {
  return createHash("sha256").update(name).digest().readBigInt64BE(0).toString();
}
