// Who uses an embedded cluster. Each process holds a shared advisory lock (PostgreSQL documentation, 13.3.5) on a connection
// of its own, under a name that tells the process. Whoever can have the lock alone is the last one.
import { readFileSync } from "node:fs";
import pg from "pg";

const IN_USE_LOCK = 7_166_801; // any constant: "somebody uses this cluster"
const CONNECT_TIMEOUT_MS = 5_000;
const LONGEST_COMMAND = 100;

export interface ClusterUse {
  /** Aborted when the connection broke, and the lock with it. */
  readonly broken: AbortSignal;
  /** Gives the lock back; true: nobody else has it, and nobody can have it from now on. */
  leaveAsLast(): Promise<boolean>;
  /** The other processes that have it, in words. */
  others(): Promise<string[]>;
  end(): Promise<void>;
}

/**
 * Begins to use the cluster of a directory; undefined where the server at the URL serves another one, which may have its port
 * by now. Waits while its last user stops it, and then fails.
 */
export async function useCluster(url: string, directory: string): Promise<ClusterUse | undefined> {
  const broken = new AbortController();
  let ending = false;
  const client = new pg.Client({
    connectionString: url,
    application_name: `gokura ${process.pid} in use`,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    keepAlive: true,
  });
  const tell = (): void => {
    if (!ending) broken.abort();
  };
  client.on("error", tell).on("end", tell);
  try {
    await client.connect();
    const { rows } = await client.query<{ at: string }>("select current_setting('data_directory') as at");
    if (rows[0]!.at !== directory) {
      await client.end();
      return undefined;
    }
    await client.query(`select pg_advisory_lock_shared(${IN_USE_LOCK})`);
  } catch (error) {
    await client.end().catch(() => {});
    throw error;
  }
  return {
    broken: broken.signal,
    async leaveAsLast() {
      await client.query(`select pg_advisory_unlock_shared(${IN_USE_LOCK})`);
      const { rows } = await client.query<{ alone: boolean }>(`select pg_try_advisory_lock(${IN_USE_LOCK}) as alone`);
      return rows[0]!.alone;
    },
    async others() {
      const { rows } = await client.query<{ name: string }>(
        `select activity.application_name as name from pg_locks lock join pg_stat_activity activity using (pid)
         where lock.locktype = 'advisory' and lock.objid = ${IN_USE_LOCK} and lock.mode = 'ShareLock' and lock.granted
           and lock.pid <> pg_backend_pid()`,
      );
      return rows.map(({ name }) => inWords(name));
    },
    async end() {
      ending = true;
      await client.end().catch(() => {});
    },
  };
}

/** "process 123 (node scripts/studio.ts)" */
function inWords(applicationName: string): string {
  const pid = /^gokura (\d+) in use$/.exec(applicationName)?.[1];
  if (pid === undefined) return applicationName;
  try {
    const command = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0").join(" ").trim();
    return `process ${pid} (${command.slice(0, LONGEST_COMMAND)})`;
  } catch {
    return `process ${pid}`; // it is gone by now, or this is no Linux
  }
}
