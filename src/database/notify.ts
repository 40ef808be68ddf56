// How a change reaches every process: triggers in the database send NOTIFY (migration "guards"), and each process holds
// one connection that LISTENs. While that connection is down nobody tells us of changes, so whoever remembers something
// must ask `live` first, and is told to forget everything when it comes back. A connection that only listens does not
// notice that the network forgot it (a NAT, a load balancer), and a token revoked meanwhile would stay good: so it is asked
// for a sign of life every few seconds. As often it is looked whether the address of the database leads to the same server
// still, by a new connection: on a primary that lives on after its standby was promoted nothing would ever be heard, and
// whoever is on it, with any connection, reads what is no longer so and writes what will be lost (connections.ts).
//
// By these connections servers know of each other too: each holds one lock that all may hold (PostgreSQL documentation,
// 13.3.5), whoever comes says so, and the sign of life is how many hold it.
import type net from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import pg from "pg";
import type { Log } from "../telemetry/log.ts";
import { type Connections, openConnections, serverAt, serverOf } from "./connections.ts";

const RECONNECT_AFTER_MS = 250;
const CONNECT_TIMEOUT_MS = 5_000;
/** How often the connection is asked whether it lives, and how long it may take to say so. */
const HEARTBEAT_MS = 5_000;
/** Longer than a process stands still that is busy: what has come meanwhile is heard then. */
const GRACE_MS = 250;

/** The name of the connection on which a server listens, in pg_stat_activity. */
export const LISTENER_NAME = "gokura notices";
/** What a connection that listens for notices is called in a process that shares the port of a server, and is no server itself. */
export const WORKER_LISTENER_NAME = "gokura worker notices";

/**
 * gokura_access: who may do what. gokura_content: what a project publishes (payload: its id). gokura_policies: which versions
 * may be had. gokura_mirror: a look of a mirror is wanted sooner. gokura_hooks: something waits to be delivered.
 */
export type Channel = (typeof CHANNELS)[number];

/** The channel of servers that come, and the lock that they hold. */
const SERVERS = "gokura_servers";
const PRESENCE = 7166805;
const COUNT_SERVERS = `SELECT count(*)::int AS servers FROM pg_locks
  WHERE locktype = 'advisory' AND granted AND objsubid = 2 AND classid = ${PRESENCE} AND objid = 0
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`;

const CHANNELS = ["gokura_access", "gokura_content", "gokura_policies", "gokura_mirror", "gokura_hooks"] as const;

export interface Notices {
  /** Whether every change made from now on will be heard. */
  readonly live: boolean;
  /** Whether no other server listens. One that comes is known of in a moment, one that went within seconds. */
  readonly alone: boolean;
  close(): Promise<void>;
}

export interface NoticeHandlers {
  /** A change; the payload is the channel's. */
  changed(channel: Channel, payload: string): void;
  /** Changes may have been missed, or are about to be: forget everything. */
  forget(): void;
  /** The database is another server than before, or was started again: it may lack what was done last. */
  moved?(): void;
}

export interface NoticeOptions {
  readonly heartbeatMs?: number;
  /** By which the connection is known in the database. */
  readonly name?: string;
  /** All connections of the process, which are let go when the database turns out to be elsewhere. */
  readonly connections?: Connections;
  /** Whether the address of the database may come to lead elsewhere. */
  readonly moves?: boolean;
}

/** Begins to listen; resolves when the first connection stands. */
export async function listenForNotices(
  url: string,
  handlers: NoticeHandlers,
  log: Log,
  options: NoticeOptions = {},
): Promise<Notices> {
  const { heartbeatMs = HEARTBEAT_MS, name = LISTENER_NAME, connections = openConnections(), moves = false } = options;
  let client: pg.Client | undefined;
  let live = false;
  let servers = Number.POSITIVE_INFINITY;
  let closed = false;
  let connecting: net.Socket | undefined;
  /** Which server the last connection led to, and whether it fell silent. */
  let lastServer: string | undefined;
  let isSilent = false;

  const connect = async (): Promise<void> => {
    const begun = performance.now();
    const socket = connections.stream();
    connecting = socket;
    const next = new pg.Client({
      connectionString: url,
      application_name: name,
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      stream: () => socket,
    });
    let heart: NodeJS.Timeout | undefined;
    const lost = () => {
      clearInterval(heart);
      if (client !== next) return;
      client = undefined;
      live = false;
      servers = Number.POSITIVE_INFINITY;
      handlers.forget();
      if (!closed) void reconnect();
    };
    // One statement at a time: servers that come together are told of one by one, while we say that we have come.
    let last: Promise<unknown> = Promise.resolve();
    const ask = <R extends pg.QueryResultRow>(statement: string): Promise<pg.QueryResult<R>> => {
      const asked = last.then(() => next.query<R>(statement));
      last = asked.catch(() => {});
      return asked;
    };
    let counting: Promise<void> | undefined;
    /** Counts once for all who want it before it begins. */
    const count = (): Promise<void> => {
      counting ??= last.then(async () => {
        counting = undefined;
        const { rows } = await ask<{ servers: number }>(COUNT_SERVERS);
        if (client === next) servers = rows[0]!.servers;
      });
      return counting;
    };
    const beat = async (): Promise<void> => {
      const answered = count().then(
        () => true,
        () => false,
      );
      const within = (ms: number) => Promise.race([answered, delay(ms, false, { ref: false })]);
      if ((await within(heartbeatMs)) || (await within(GRACE_MS))) return moves ? lookElsewhere() : undefined;
      isSilent = true;
      socket.destroy();
    };
    next.on("error", lost);
    next.on("end", lost);
    next.on("notification", ({ channel, payload = "" }) => {
      if (channel === SERVERS) count().catch(() => {});
      else handlers.changed(channel as Channel, payload);
    });
    try {
      await next.connect();
      await ask([SERVERS, ...CHANNELS].map((channel) => `LISTEN ${channel}`).join("; "));
      await ask(`SELECT pg_advisory_lock_shared(${PRESENCE}, 0)`);
      await ask(`NOTIFY ${SERVERS}`); // of which we are told as well, and count
      arrive((await serverOf(ask)).server, begun);
      if (closed) throw new Error("closed meanwhile");
    } catch (error) {
      socket.destroy();
      throw error;
    } finally {
      connecting = undefined;
    }
    client = next;
    handlers.forget();
    live = true;
    heart = setInterval(() => void beat(), heartbeatMs).unref();
  };
  /** A connection stands that was begun at a moment: those from before lead to where the one before led, or nowhere. */
  const arrive = (server: string, begun: number): void => {
    const isOther = lastServer !== undefined && lastServer !== server;
    lastServer = server;
    if (isOther || isSilent) connections.letGo(begun);
    isSilent = false;
    if (isOther) handlers.moved?.();
  };
  const lookElsewhere = async (): Promise<void> => {
    const now = performance.now();
    const found = await serverAt(url);
    if (closed || found === undefined || found.readonly || found.server === lastServer) return;
    const count = connections.letGo(now);
    log.warn({ connections: count }, "the address of the database leads to another server now: the connections follow");
  };
  const reconnect = async (): Promise<void> => {
    log.warn("lost the connection that notices of changes arrive on; reconnecting");
    while (!closed) {
      await delay(RECONNECT_AFTER_MS);
      try {
        await connect();
        log.info("notices of changes arrive again");
        return;
      } catch {
        // the pool's users say loudly enough that the database is away
      }
    }
  };

  await connect();
  return {
    get live() {
      return live;
    },
    get alone() {
      return live && servers === 1;
    },
    async close() {
      closed = true;
      live = false;
      connecting?.destroy();
      await client?.end().catch(() => {});
    },
  };
}
