// A real PostgreSQL that lives in the data directory, so that one command is enough to run Gokura.
//
// Any number of our processes (server, CLI, Studio, tests) may use one cluster: each holds a shared advisory lock for as
// long as it is connected, and whoever can take the lock alone is the last one and stops the server. A process that was
// killed lets go of its lock with its connection; the next start finds the server running and simply uses it.
import { spawn, spawnSync } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import * as fs from "node:fs";
import { createServer } from "node:net";
import { join, resolve } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import pg from "pg";
import { Failure } from "../errors.ts";
import { canEnter, installBinaries, POSTGRES_VERSION, type ServerOwner, serverOwner } from "./postgres-binaries.ts";
import { dropStalePostmasterPid, isAlive, isServing, readPostmasterPid } from "./postmaster-pid.ts";
import { ELSEWHERE_FILE, localUrl, postgresDirectory, SUPERUSER } from "./running-database.ts";

const IN_USE_LOCK = 7_166_801; // any constant: "somebody uses this cluster"
const START_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 30_000; // a checkpoint on a slow disk; what takes longer ends without us
const MAX_LAUNCHES = 10; // others may start and stop it in between

// Small, durable (fsync stays on) and without processes that a single-node server does not need.
const SETTINGS: Record<string, string> = {
  listen_addresses: "127.0.0.1",
  unix_socket_directories: "",
  shared_buffers: "64MB",
  max_connections: "60",
  wal_level: "minimal",
  max_wal_senders: "0",
  max_wal_size: "256MB",
  min_wal_size: "32MB",
  io_method: "sync",
  jit: "off",
  max_parallel_workers_per_gather: "0",
  max_logical_replication_workers: "0",
  log_timezone: "UTC",
  timezone: "UTC",
  logging_collector: "off",
};

export interface EmbeddedPostgres {
  readonly url: string;
  /** Where cluster, binaries, password and log are. */
  readonly directory: string;
  /** The server ran already, for another of our processes or after one was killed. */
  readonly adopted: boolean;
  stop(): Promise<"stopped" | "still in use">;
}

/**
 * Starts the PostgreSQL of a data directory, or joins the one that runs there. The first start makes the cluster
 * (3-5 s). Throws a Failure that says what to do when it cannot.
 */
export async function startEmbeddedPostgres(
  dataDirectory: string,
  extraSettings: Record<string, string> = {},
): Promise<EmbeddedPostgres> {
  const owner = serverOwner();
  const directory = readableByOthers(() => embeddedDirectory(dataDirectory, owner));
  const binaries = join(directory, `postgresql-${POSTGRES_VERSION}`);
  const cluster = join(directory, "cluster");
  const passwordFile = join(directory, "password");
  if (!fs.existsSync(binaries)) settle(binaries, installBinaries);
  if (!fs.existsSync(passwordFile))
    settle(passwordFile, (to) => fs.writeFileSync(to, randomBytes(24).toString("base64url"), { mode: 0o600 }));
  const password = fs.readFileSync(passwordFile, "utf8").trim();
  if (!fs.existsSync(join(cluster, "PG_VERSION"))) settle(cluster, (to) => initialise(binaries, to, password, owner));

  let launches = 0;
  for (const end = Date.now() + START_TIMEOUT_MS; Date.now() < end; await delay(50)) {
    const running = await findRunning(cluster, password);
    if (running) {
      const held = await hold(running.url).catch(() => undefined); // it may be stopping right now
      if (held) return handle(running.url, directory, launches === 0, held, running.pid);
    } else if (!isServing(cluster)) {
      if (++launches > MAX_LAUNCHES) break;
      await launch(binaries, directory, cluster, owner, extraSettings);
    }
  }
  throw new Failure("unavailable", `the embedded PostgreSQL did not start: see ${join(directory, "postgres.log")}`);
}

/**
 * Inside the data directory if the server's account can enter it. Root in a private home is the case where it cannot:
 * then the cluster goes below /var/lib/gokura, and a file in the data directory says where.
 */
function embeddedDirectory(dataDirectory: string, owner: ServerOwner | undefined): string {
  let data = resolve(dataDirectory);
  let directory: string;
  try {
    fs.mkdirSync(data, { recursive: true });
    data = fs.realpathSync(data); // by one name for all, whatever links lead there: PostgreSQL is known by it
    directory = postgresDirectory(data);
    if (owner && !fs.existsSync(directory) && !canEnter(data, owner)) return directoryElsewhere(data, owner);
    fs.mkdirSync(directory, { recursive: true });
  } catch (cause) {
    if (cause instanceof Failure) throw cause;
    throw new Failure(
      "unavailable",
      `the data directory ${data} cannot be written (${(cause as Error).message}): set GOKURA_DATA_DIR to a directory of yours`,
      { cause },
    );
  }
  if (fs.statSync(directory).uid !== process.getuid?.())
    throw new Failure(
      "unavailable",
      `${directory} belongs to another user: start gokura as that user, or set GOKURA_DATA_DIR to a directory of yours`,
    );
  // Never a second cluster while there is one: it would look as if all data were gone.
  if (owner && !canEnter(directory, owner))
    throw new Failure(
      "unavailable",
      `PostgreSQL does not run as root, and uid ${owner.uid} cannot enter ${directory}: let it pass through the directories above (chmod o+x)`,
    );
  return directory;
}

function directoryElsewhere(data: string, owner: ServerOwner): string {
  const name = createHash("sha256").update(data).digest("hex").slice(0, 12);
  const elsewhere = join("/var/lib/gokura", name);
  fs.mkdirSync(elsewhere, { recursive: true });
  if (!canEnter(elsewhere, owner))
    throw new Failure(
      "unavailable",
      `PostgreSQL does not run as root, and uid ${owner.uid} can enter neither ${data} nor ${elsewhere}: set GOKURA_DATA_DIR to a directory outside private homes`,
    );
  fs.writeFileSync(join(data, ELSEWHERE_FILE), `${elsewhere}\n`);
  return elsewhere;
}

/** Makes files and directories that the server's account may read, however careful the umask of our own is. */
function readableByOthers<T>(make: () => T): T {
  const before = process.umask(0o022);
  try {
    return make();
  } finally {
    process.umask(before);
  }
}

/** Several processes may get here at once: each makes its own, the first rename wins, the others throw theirs away. */
function settle(path: string, make: (temporary: string) => void): void {
  const temporary = `${path}.${process.pid}`;
  try {
    readableByOthers(() => make(temporary));
    if (fs.statSync(temporary).isDirectory()) fs.renameSync(temporary, path);
    else fs.linkSync(temporary, path);
  } catch (error) {
    if (!fs.existsSync(path)) throw error;
  } finally {
    fs.rmSync(temporary, { recursive: true, force: true });
  }
}

function initialise(binaries: string, cluster: string, password: string, owner: ServerOwner | undefined): void {
  const handover = `${cluster}.pw`; // a pipe will not do: node's are sockets, which /dev/stdin cannot reopen
  fs.mkdirSync(cluster, { mode: 0o700 });
  fs.writeFileSync(handover, `${password}\n`, { mode: 0o600 });
  if (owner) for (const path of [cluster, handover]) fs.chownSync(path, owner.uid, owner.gid);
  // Code point order, the same on every machine and release, equal to byte order.
  const locale = ["--locale=C.UTF-8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"];
  const made = spawnSync(
    join(binaries, "bin/initdb"),
    // biome-ignore format: one option a word
    ["-D", cluster, "-U", SUPERUSER, "-A", "scram-sha-256", `--pwfile=${handover}`, "-E", "UTF8", "--no-instructions", "--data-checksums", ...locale],
    { ...owner, cwd: "/", env: { PATH: "/usr/bin:/bin", LC_ALL: "C" }, encoding: "utf8" },
  );
  fs.rmSync(handover);
  if (made.status !== 0)
    throw new Failure("unavailable", `PostgreSQL's initdb failed:\n${made.stdout ?? ""}${made.stderr ?? made.error}`);
}

async function launch(
  binaries: string,
  directory: string,
  cluster: string,
  owner: ServerOwner | undefined,
  extraSettings: Record<string, string>,
): Promise<void> {
  dropStalePostmasterPid(cluster);
  const settings = { ...SETTINGS, ...extraSettings, port: String(await freePort()) };
  const log = fs.openSync(join(directory, "postgres.log"), "a", 0o640);
  // detached: a Ctrl-C in the terminal must reach us first and the database last.
  const child = spawn(
    join(binaries, "bin/postgres"),
    ["-D", cluster, ...Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`])],
    { ...owner, cwd: "/", detached: true, stdio: ["ignore", log, log], env: { PATH: "/usr/bin:/bin", LC_ALL: "C" } },
  );
  fs.closeSync(log);
  child.unref();
  let ended = false;
  const end = () => {
    ended = true; // or another process was faster: the caller looks again
  };
  child.once("exit", end).once("error", end);
  while (!ended && !isServing(cluster)) await delay(10);
}

/** Only a server that accepts our password and says that it serves this directory is ours. */
async function findRunning(cluster: string, password: string): Promise<{ url: string; pid: number } | undefined> {
  const running = readPostmasterPid(cluster);
  if (!running?.ready || !isAlive(running.pid)) return undefined;
  const url = localUrl(password, running.port);
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 2000 });
  client.on("error", () => {}); // it may be stopping
  try {
    await client.connect();
    const { rows } = await client.query("select current_setting('data_directory') as dir");
    return rows[0].dir === cluster ? { url, pid: running.pid } : undefined;
  } catch {
    return undefined;
  } finally {
    await client.end().catch(() => {});
  }
}

async function hold(url: string): Promise<pg.Client> {
  const client = new pg.Client({
    connectionString: url,
    application_name: `gokura ${process.pid} in use`,
    keepAlive: true,
  });
  client.on("error", () => {});
  await client.connect();
  await client.query(`select pg_advisory_lock_shared(${IN_USE_LOCK})`);
  return client;
}

function handle(url: string, directory: string, adopted: boolean, held: pg.Client, pid: number): EmbeddedPostgres {
  return {
    url,
    directory,
    adopted,
    async stop() {
      const alone = await held
        .query(`select pg_advisory_unlock_shared(${IN_USE_LOCK})`)
        .then(() => held.query<{ alone: boolean }>(`select pg_try_advisory_lock(${IN_USE_LOCK}) as alone`))
        .then(({ rows }) => rows[0]!.alone)
        .catch(() => false); // another was the last, and is stopping it
      if (alone) shutDown(pid);
      await held.end().catch(() => {});
      if (!alone) return "still in use";
      for (const end = Date.now() + STOP_TIMEOUT_MS; Date.now() < end; await delay(20))
        if (!isAlive(pid)) return "stopped";
      return "still in use";
    },
  };
}

/** Fast shutdown: roll back, checkpoint, end. Two that leave together may both be the last; one of them comes too late. */
function shutDown(pid: number): void {
  try {
    process.kill(pid, "SIGINT");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done, fail) => server.once("error", fail).listen(0, "127.0.0.1", done));
  const { port } = server.address() as { port: number };
  await new Promise((done) => server.close(done));
  return port;
}
