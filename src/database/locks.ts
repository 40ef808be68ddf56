// Locks that all processes of one database share: PostgreSQL's advisory locks (documentation, 13.3.5), held by a session.
// All locks of a process are held by one connection of their own, so that holding many for long costs the pool nothing, and
// whatever becomes of the process its locks are free the moment its connection is gone. Nobody ever waits inside the
// database: a lock is had at once or not at all, and who wants to wait asks again.
//
// A connection does one statement at a time, and a statement costs more than a lock. So all that is wanted while one is on
// its way goes into the next, together with what is to be given back, which waits a moment for company.
//
// A session may take its own lock twice; so whoever uses these must see to it that the process asks once a name at a time.
import { createHash } from "node:crypto";
import pg from "pg";
import { Failure } from "../errors.ts";
import type { Log } from "../telemetry/log.ts";
import { type Connections, openConnections } from "./connections.ts";

const CONNECT_TIMEOUT_MS = 5_000;
/** How long a lock that is given back waits for a statement that goes anyway. */
const GIVE_BACK_MS = 10;

/** What was given back is free before anything is taken: the left side of the join is made first, and even if it is alone. */
const STATEMENT = `WITH given AS MATERIALIZED (SELECT count(pg_advisory_unlock(key)) FROM unnest($1::bigint[]) AS key)
  SELECT place, pg_try_advisory_lock(key) AS had
  FROM given LEFT JOIN unnest($2::bigint[]) WITH ORDINALITY AS wanted (key, place) ON true`;

export interface Locks {
  /** Takes a lock, if nobody has it: returns what gives it back, in a moment, else undefined. */
  tryLock(name: string): Promise<(() => Promise<void>) | undefined>;
  close(): Promise<void>;
}

interface Wanted {
  readonly key: string;
  /** `holder`: the connection that has the lock now; undefined: somebody else has it. */
  readonly answer: (holder: pg.Client | undefined) => void;
  readonly fail: (error: unknown) => void;
}

interface Given {
  readonly key: string;
  readonly holder: pg.Client;
  readonly done: () => void;
}

/** Opens the locks of a process. Connects when the first lock is wanted. */
export function openLocks(url: string, log: Log, { stream }: Connections = openConnections()): Locks {
  let connection: Promise<pg.Client> | undefined;
  let closed = false;

  const connect = (): Promise<pg.Client> => {
    if (connection) return connection;
    const client = new pg.Client({
      connectionString: url,
      stream,
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

  let wanted: Wanted[] = [];
  let given: Given[] = [];
  let working: Promise<void> | undefined;

  const ask = async (taking: readonly Wanted[], giving: readonly Given[]): Promise<void> => {
    try {
      const client = await connect();
      // A connection that is gone has given its locks back already.
      const keys = giving.filter(({ holder }) => holder === client).map(({ key }) => key);
      const { rows } = await client.query<{ place: string | null; had: boolean | null }>({
        name: "locks",
        text: STATEMENT,
        values: [keys, taking.map(({ key }) => key)],
      });
      for (const { place, had } of rows)
        if (place !== null) taking[Number(place) - 1]!.answer(had ? client : undefined);
    } catch (error) {
      for (const { fail } of taking) fail(error);
    } finally {
      for (const { done } of giving) done();
    }
  };
  const work = async (): Promise<void> => {
    try {
      while (wanted.length > 0 || given.length > 0) {
        const [taking, giving] = [wanted, given];
        [wanted, given] = [[], []];
        await ask(taking, giving);
      }
    } finally {
      working = undefined;
    }
  };
  const begin = (): void => {
    if (closed) return; // what ends with the connection need not be given back, and no new one may be made
    if (wanted.length > 0 || given.length > 0) working ??= work();
  };

  return {
    async tryLock(name) {
      if (closed) throw new Failure("unavailable", "the server is stopping", { reason: "server_stopping" });
      const key = keyOf(name);
      const holder = await new Promise<pg.Client | undefined>((answer, fail) => {
        wanted.push({ key, answer, fail });
        begin();
      });
      if (!holder) return undefined;
      return () =>
        new Promise<void>((done) => {
          if (closed) return done();
          given.push({ key, holder, done });
          setTimeout(begin, GIVE_BACK_MS);
        });
    },
    async close() {
      closed = true;
      await working;
      const client = await connection?.catch(() => undefined);
      await client?.end().catch(() => {});
      for (const { done } of given) done();
    },
  };
}

/** PostgreSQL's locks are known by 64 bits: the first of the name's SHA-256. */
function keyOf(name: string): string {
  return createHash("sha256").update(name).digest().readBigInt64BE(0).toString();
}
