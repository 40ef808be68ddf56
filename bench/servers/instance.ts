// One instance of several servers on this machine: a PostgreSQL that fails over, a bucket of versitygw, two servers that may lead and as many
// readers as are wanted, each with a data directory of its own. Real processes, which real signals reach.
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";
import pg from "pg";
import { generateSignerKey } from "../../src/sumdb/note.ts";
import { freePort } from "../../test/support/free-port.ts";
import { type FaultyServer, startServer } from "../faults/server.ts";
import { type FailingDatabase, openFailingDatabase } from "./failing-database.ts";

const SECRET = "secret-of-the-bench";
const BUCKET = "modules";

export interface Instance {
  readonly servers: Map<string, FaultyServer>;
  readonly database: pg.Pool;
  readonly postgres: FailingDatabase;
  /** Starts a server by its name; `anew`: without anything that it had. */
  start(name: string, role: "all" | "read", anew?: boolean): Promise<FaultyServer>;
  /** The name of the server that leads. */
  leader(): Promise<string | undefined>;
  /** Has the whole PostgreSQL begin again, as after a crash: every connection is lost. */
  crashDatabase(): Promise<void>;
  stopBucket(): Promise<void>;
  startBucket(): Promise<void>;
  close(): Promise<void>;
}

/**
 * Makes the instance, with nothing started but its database and its bucket. `versitygw`: the program; `more`: settings;
 * `registry`: the data directory of a server that is stopped, of which the database is copied.
 */
export async function openInstance(
  directory: string,
  versitygw: string,
  more: Readonly<Record<string, string>>,
  registry?: string,
): Promise<Instance> {
  if (registry !== undefined) await copyDatabase(registry, join(directory, "postgres"));
  const postgres = await openFailingDatabase(join(directory, "postgres"));
  const database = new pg.Pool({ connectionString: postgres.url, max: 2 });
  database.on("error", () => {});
  database.on("connect", (client) => client.on("error", () => {}));
  const bucketPort = await freePort();
  const buckets = join(directory, "buckets");
  mkdirSync(join(buckets, BUCKET), { recursive: true });
  const settings = {
    ...more,
    DATABASE_URL: postgres.url,
    GOKURA_SUMDB_KEY:
      registry === undefined
        ? generateSignerKey("gokura.faults/sumdb")
        : readFileSync(join(registry, "sumdb/keys"), "utf8").trim(),
    GOKURA_SECRET_KEY: "s".repeat(43),
    GOKURA_S3_ENDPOINT: `http://127.0.0.1:${bucketPort}`,
    GOKURA_S3_BUCKET: BUCKET,
    // As clients know all of them: it stands in .info.
    GOKURA_URL: "http://gokura.faults",
    GOKURA_S3_ACCESS_KEY_ID: "key",
    GOKURA_S3_SECRET_ACCESS_KEY: SECRET,
  };
  const servers = new Map<string, FaultyServer>();
  const ports = new Map<string, number>();
  let bucket: ChildProcess | undefined;

  const instance: Instance = {
    servers,
    database,
    postgres,
    async start(name, role, anew = false) {
      const data = join(directory, name);
      if (anew) rmSync(data, { recursive: true, force: true });
      const port = ports.get(name) ?? (await freePort());
      ports.set(name, port);
      const started = await startServer(data, port, [], { ...settings, GOKURA_ROLE: role });
      servers.set(name, started);
      return started;
    },
    async leader() {
      const { rows } = await database.query<{ url: string }>(
        "SELECT url FROM server_lease WHERE expires_at > clock_timestamp()",
      );
      return [...servers].find(([, { url }]) => url === rows[0]?.url)?.[0];
    },
    async crashDatabase() {
      const { rows } = await database.query<{ pid: number }>(
        "SELECT pid FROM pg_stat_activity WHERE backend_type = 'background writer'",
      );
      process.kill(rows[0]!.pid, "SIGKILL");
    },
    async stopBucket() {
      bucket?.kill("SIGKILL");
      await once(bucket!, "exit");
    },
    async startBucket() {
      bucket = spawn(versitygw, ["--port", `127.0.0.1:${bucketPort}`, "--quiet", "posix", buckets], {
        env: { ROOT_ACCESS_KEY: "key", ROOT_SECRET_KEY: SECRET, PATH: process.env.PATH ?? "" },
        stdio: "ignore",
      });
      for (;;) {
        const answers = await fetch(settings.GOKURA_S3_ENDPOINT).then(
          () => true,
          () => false,
        );
        if (answers) return;
        await delay(50);
      }
    },
    async close() {
      for (const { stop, child } of servers.values()) {
        child.kill("SIGCONT");
        await stop("SIGTERM");
      }
      bucket?.kill("SIGKILL");
      await database.end();
      await postgres.close();
    },
  };
  await instance.startBucket();
  return instance;
}

/** cp keeps the owner, as whom PostgreSQL runs, and where the file system can shares the blocks. */
async function copyDatabase(registry: string, to: string): Promise<void> {
  mkdirSync(to, { recursive: true });
  await promisify(execFile)("cp", ["--archive", "--reflink=auto", join(registry, "postgres"), to]);
}
