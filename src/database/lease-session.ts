// The connection of a lease: one of its own, made anew after it broke, because the pool may be busy for longer than a lease is
// good. What it writes need not be durable (lease.ts says why), and is asked one statement after the other.
import pg from "pg";
import { type Connections, openConnections } from "./connections.ts";

const CONNECT_TIMEOUT_MS = 5_000;

export interface LeaseSession {
  /** The process of the database that does what is asked here; undefined before the first. */
  pid(): number | undefined;
  /** Asks after what was asked before: a connection does one statement at a time. */
  query<R extends pg.QueryResultRow>(text: string, values: unknown[]): Promise<R[]>;
  end(): Promise<void>;
}

export interface LeaseSessionOptions {
  /** Of a database whose connections keep their session. */
  readonly url: string;
  readonly connections?: Connections | undefined;
  /** How long a statement may take, in milliseconds: what comes later is of no use. */
  readonly goodMs: number;
  /** Called when a connection that stood, or was to stand, is lost. */
  broke(): void;
}

/** The session of a lease. Connects when something is asked. */
export function openLeaseSession({
  url,
  connections = openConnections(),
  goodMs,
  broke,
}: LeaseSessionOptions): LeaseSession {
  let client: Promise<pg.Client> | undefined;
  let pid: number | undefined;
  let last: Promise<unknown> = Promise.resolve();
  const connect = (): Promise<pg.Client> => {
    const next = new pg.Client({
      connectionString: url,
      stream: connections.stream,
      application_name: "gokura lease",
      connectionTimeoutMillis: Math.min(CONNECT_TIMEOUT_MS, goodMs),
      query_timeout: goodMs,
      keepAlive: true,
    });
    const open = async (): Promise<pg.Client> => {
      try {
        await next.connect();
        await next.query("SET synchronous_commit = off");
      } catch (error) {
        void next.end().catch(() => {});
        throw error;
      }
      pid = (next as unknown as { processID: number }).processID;
      return next;
    };
    const opened = open();
    // One that was given up may end when there is a new one by now.
    const lost = (): void => {
      if (client !== opened) return;
      client = undefined;
      broke();
    };
    next.on("error", lost).on("end", lost);
    return opened;
  };
  const ask = async <R extends pg.QueryResultRow>(text: string, values: unknown[]): Promise<R[]> => {
    client ??= connect();
    const mine = client;
    try {
      return (await (await mine).query<R>(text, values)).rows;
    } catch (error) {
      if (client === mine) {
        client = undefined;
        broke();
      }
      void mine.then((broken) => broken.end()).catch(() => {});
      throw error;
    }
  };
  return {
    pid: () => pid,
    async query<R extends pg.QueryResultRow>(text: string, values: unknown[]): Promise<R[]> {
      const asked = last.then(() => ask<R>(text, values));
      last = asked.catch(() => {});
      return await asked;
    },
    async end() {
      await (await client?.catch(() => undefined))?.end().catch(() => {});
    },
  };
}
