// How a change reaches every process: triggers in the database send NOTIFY (migration "guards"), and each process holds
// one connection that LISTENs. While that connection is down nobody tells us of changes, so whoever remembers something
// must ask `live` first, and is told to forget everything when it comes back. A connection that only listens does not
// notice that the network forgot it (a NAT, a load balancer), and a token revoked meanwhile would stay good: so it is asked
// for a sign of life every few seconds.
import net from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import pg from "pg";
import type { Log } from "../telemetry/log.ts";

const RECONNECT_AFTER_MS = 250;
const CONNECT_TIMEOUT_MS = 5_000;
/** How often the connection is asked whether it lives, and how long it may take to say so. */
const HEARTBEAT_MS = 5_000;

/** The name of the connection on which a server listens, in pg_stat_activity. */
export const LISTENER_NAME = "gokura notices";

/**
 * gokura_access: who may do what. gokura_content: what a project publishes (payload: its id). gokura_policies: which versions
 * may be had. gokura_mirror: a look of a mirror is wanted sooner. gokura_hooks: something waits to be delivered.
 */
export type Channel = (typeof CHANNELS)[number];

const CHANNELS = ["gokura_access", "gokura_content", "gokura_policies", "gokura_mirror", "gokura_hooks"] as const;

export interface Notices {
  /** Whether every change made from now on will be heard. */
  readonly live: boolean;
  close(): Promise<void>;
}

export interface NoticeHandlers {
  /** A change; the payload is the channel's. */
  changed(channel: Channel, payload: string): void;
  /** Changes may have been missed, or are about to be: forget everything. */
  forget(): void;
}

/** Begins to listen; resolves when the first connection stands. */
export async function listenForNotices(
  url: string,
  handlers: NoticeHandlers,
  log: Log,
  heartbeatMs: number = HEARTBEAT_MS,
): Promise<Notices> {
  let client: pg.Client | undefined;
  let live = false;
  let closed = false;

  const connect = async (): Promise<void> => {
    const socket = new net.Socket();
    const next = new pg.Client({
      connectionString: url,
      application_name: LISTENER_NAME,
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      stream: () => socket,
    });
    let heart: NodeJS.Timeout | undefined;
    const lost = () => {
      clearInterval(heart);
      if (client !== next) return;
      client = undefined;
      live = false;
      handlers.forget();
      if (!closed) void reconnect();
    };
    const beat = async (): Promise<void> => {
      const answered = next.query("SELECT 1").then(
        () => true,
        () => false,
      );
      if (!(await Promise.race([answered, delay(heartbeatMs, false, { ref: false })]))) socket.destroy();
    };
    next.on("error", lost);
    next.on("end", lost);
    next.on("notification", (notice) => handlers.changed(notice.channel as Channel, notice.payload ?? ""));
    try {
      await next.connect();
      await next.query(CHANNELS.map((channel) => `LISTEN ${channel}`).join("; "));
    } catch (error) {
      socket.destroy();
      throw error;
    }
    client = next;
    handlers.forget();
    live = true;
    heart = setInterval(() => void beat(), heartbeatMs).unref();
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
    async close() {
      closed = true;
      live = false;
      await client?.end().catch(() => {});
    },
  };
}
