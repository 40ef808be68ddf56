// How a change reaches every process: triggers in the database send NOTIFY (migration "guards"), and each process holds
// one connection that LISTENs. While that connection is down nobody tells us of changes, so whoever remembers something
// must ask `live` first, and is told to forget everything when it comes back.
import { setTimeout as delay } from "node:timers/promises";
import pg from "pg";
import type { Log } from "../telemetry/log.ts";

const RECONNECT_AFTER_MS = 250;

/**
 * gokura_access: who may do what. gokura_content: what a project publishes (payload: its id, and " deleted" when something
 * pinned was taken away on purpose).
 */
export type Channel = "gokura_access" | "gokura_content";

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
export async function listenForNotices(url: string, handlers: NoticeHandlers, log: Log): Promise<Notices> {
  let client: pg.Client | undefined;
  let live = false;
  let closed = false;

  const connect = async (): Promise<void> => {
    const next = new pg.Client({ connectionString: url, application_name: "gokura notices", keepAlive: true });
    const lost = () => {
      if (client !== next) return;
      client = undefined;
      live = false;
      handlers.forget();
      if (!closed) void reconnect();
    };
    next.on("error", lost);
    next.on("end", lost);
    next.on("notification", (notice) => handlers.changed(notice.channel as Channel, notice.payload ?? ""));
    await next.connect();
    await next.query("LISTEN gokura_access; LISTEN gokura_content");
    client = next;
    handlers.forget();
    live = true;
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
