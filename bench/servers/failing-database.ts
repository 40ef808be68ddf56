// The PostgreSQL of the instance with a standby, and the ways in which one takes the other's place: the primary dies, is stopped,
// is made read-only, or lives on and keeps whoever is connected. The servers know an address, which moves.
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { startEmbeddedPostgres } from "../../src/database/embedded-postgres.ts";
import { POSTGRES_VERSION } from "../../src/database/postgres-binaries.ts";
import {
  leaveBehind,
  movableAddress,
  type PostgresServer,
  replicatedPostgres,
} from "../../test/support/replicated-postgres.ts";

/** What becomes of the primary when its standby is promoted. */
export const WAYS = ["killed", "stopped", "made read-only", "left alive"] as const;
export type Way = (typeof WAYS)[number];

export interface FailingDatabase {
  /** At the address. */
  readonly url: string;
  /** Makes a standby; synchronous: what it has not got is acknowledged to nobody. */
  addStandby(synchronous: boolean): Promise<void>;
  /** Has the standby get nothing more. */
  leaveBehind(): Promise<void>;
  /** Has the standby take the primary's place. */
  failOver(way: Way): Promise<void>;
  close(): Promise<void>;
}

/** Starts the database of a directory for an embedded PostgreSQL, which is made if need be. */
export async function openFailingDatabase(directory: string): Promise<FailingDatabase> {
  const made = await startEmbeddedPostgres(directory);
  await made.stop();
  const replicated = replicatedPostgres(made.directory, join(made.directory, `postgresql-${POSTGRES_VERSION}`));
  const running: PostgresServer[] = [];
  const begun = (server: PostgresServer): PostgresServer => {
    running.push(server);
    return server;
  };
  let primary = begun(await replicated.primary());
  let standby: PostgresServer | undefined;
  let standbys = 0;
  const address = await movableAddress(primary.port);
  const url = new URL(primary.url);
  url.port = String(address.port);
  const set = async (server: PostgresServer, setting: string): Promise<void> => {
    await server.query(`ALTER SYSTEM SET ${setting}`);
    await server.query("SELECT pg_reload_conf()");
  };
  const kill = (server: PostgresServer): Promise<void> => server.stop("SIGKILL");
  return {
    url: url.href,
    async addStandby(synchronous) {
      for (const left of running) if (left !== primary) await kill(left);
      const name = `standby${++standbys}`;
      standby = begun(await replicated.standby(primary, name));
      if (!synchronous) return;
      await set(primary, `synchronous_standby_names = '${name}'`);
      for (;;) {
        const rows = await primary.query("SELECT FROM pg_stat_replication WHERE sync_state = 'sync'");
        if (rows.length > 0) return;
        await delay(20);
      }
    },
    async leaveBehind() {
      await leaveBehind(standby!);
    },
    async failOver(way) {
      if (way === "killed") await kill(primary);
      if (way === "stopped") await primary.stop("SIGINT");
      if (way === "made read-only") await set(primary, "default_transaction_read_only = on");
      await standby!.query("SELECT pg_promote()");
      primary = standby!;
      standby = undefined;
      // What the one before was told about its standby came along with its settings.
      await set(primary, "synchronous_standby_names = ''");
      await set(primary, "default_transaction_read_only = off");
      address.moveTo(primary.port);
    },
    async close() {
      address.close();
      await replicated.close();
    },
  };
}
