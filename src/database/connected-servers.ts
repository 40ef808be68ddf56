// Whether servers use a database now: each listens for notices on a connection of its own, which is known by its name in
// pg_stat_activity (PostgreSQL documentation, "The Cumulative Statistics System").
import pg from "pg";
import { LISTENER_NAME } from "./notify.ts";

const PATIENCE_MS = 2_000;

/** How many servers are connected to the database of a URL. Throws what the database said, or that it did not answer. */
export async function countConnectedServers(url: string): Promise<number> {
  const client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: PATIENCE_MS,
    query_timeout: PATIENCE_MS,
  });
  client.on("error", () => {});
  try {
    await client.connect();
    const { rows } = await client.query<{ servers: number }>(
      "SELECT count(*)::int AS servers FROM pg_stat_activity WHERE datname = current_database() AND application_name = $1",
      [LISTENER_NAME],
    );
    return rows[0]!.servers;
  } finally {
    await client.end().catch(() => {});
  }
}
