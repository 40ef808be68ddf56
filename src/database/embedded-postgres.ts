// A real PostgreSQL that lives in the data directory, so that one command is enough to run Gokura.
//
// Any number of our processes (server, CLI, Studio, tests) may use one cluster: each holds a shared advisory lock for as
// long as it is connected (cluster-use.ts), and whoever can take the lock alone is the last one and stops the server. A
// process that was killed lets go of its lock with its connection; the next start finds the server running and simply uses
// it. The other way round, a process whose connection breaks looks after the server: it waits for one that recovers from a
// crash, starts one that is gone, at the same port, and takes its lock again. What does not come back in time is lost, and
// the process is told.
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import * as fs from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { Failure } from "../errors.ts";
import { embeddedDirectory, initialise, readableByOthers, removeHalfMade, settle } from "./cluster-files.ts";
import { type ClusterUse, useCluster } from "./cluster-use.ts";
import { installBinaries, POSTGRES_VERSION, type ServerOwner, serverOwner } from "./postgres-binaries.ts";
import { dropStalePostmasterPid, isAlive, isServing, readPostmasterPid } from "./postmaster-pid.ts";
import { localUrl } from "./running-database.ts";

const START_TIMEOUT_MS = 60_000;
/** How long a server that broke down may take to come back. */
const RECOVERY_TIMEOUT_MS = 20_000;
const STOP_TIMEOUT_MS = 30_000; // a checkpoint on a slow disk; what takes longer ends without us
const MAX_LAUNCHES = 10; // others may start and stop it in between
const PAUSE_MS = 50;

// Small, durable (fsync stays on) and without processes that a single-node server does not need.
const SETTINGS: Record<string, string> = {
  listen_addresses: "127.0.0.1",
  unix_socket_directories: "",
  shared_buffers: "64MB",
  max_connections: "60",
  max_wal_senders: "2", // gokura backup reads the cluster while it runs
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
  /** Aborted, with a Failure as its reason, when the server broke down and did not come back. */
  readonly lost: AbortSignal;
  /** Stops using it, and stops the server unless others use it. */
  stop(): Promise<Departure>;
}

/** Whether the server runs no more; if it does, the processes that use it, in words. */
export interface Departure {
  readonly stopped: boolean;
  readonly usedBy: readonly string[];
}

/** What is needed to start the server of a cluster. */
interface Cluster {
  readonly path: string;
  readonly password: string;
  launch(lastPort: number | undefined): Promise<void>;
}

interface JoinedCluster {
  readonly url: string;
  readonly port: number;
  readonly launched: boolean;
  readonly use: ClusterUse;
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
  removeHalfMade(directory);
  const binaries = join(directory, `postgresql-${POSTGRES_VERSION}`);
  const path = join(directory, "cluster");
  const passwordFile = join(directory, "password");
  if (!fs.existsSync(binaries)) settle(binaries, installBinaries);
  if (!fs.existsSync(passwordFile))
    settle(passwordFile, (to) =>
      fs.writeFileSync(to, randomBytes(24).toString("base64url"), { mode: 0o600, flush: true }),
    );
  const password = fs.readFileSync(passwordFile, "utf8").trim();
  if (!fs.existsSync(join(path, "PG_VERSION"))) settle(path, (to) => initialise(binaries, to, password, owner));
  const cluster: Cluster = {
    path,
    password,
    launch: (lastPort) => launch(binaries, directory, path, owner, extraSettings, lastPort),
  };
  const joined = await joinOrLaunch(cluster, START_TIMEOUT_MS);
  if (joined === undefined)
    throw new Failure("unavailable", `the embedded PostgreSQL did not start: see ${join(directory, "postgres.log")}`);
  return lookAfter(cluster, directory, joined);
}

/** Undefined when the server neither runs nor starts in time, or `stopping` says that it is not wanted any more. */
async function joinOrLaunch(
  cluster: Cluster,
  patienceMs: number,
  lastPort?: number,
  stopping: () => boolean = () => false,
): Promise<JoinedCluster | undefined> {
  let launches = 0;
  for (const end = Date.now() + patienceMs; Date.now() < end && !stopping(); await delay(PAUSE_MS * (1 + launches))) {
    const running = await joinRunning(cluster);
    if (running) return { ...running, launched: launches > 0 };
    if (!isServing(cluster.path)) {
      if (++launches > MAX_LAUNCHES) return undefined;
      await cluster.launch(lastPort);
    }
  }
  return undefined;
}

function lookAfter(cluster: Cluster, directory: string, joined: JoinedCluster): EmbeddedPostgres {
  const { url, port } = joined;
  const lost = new AbortController();
  let stopping = false;
  let use: ClusterUse | undefined;
  let recovering: Promise<void> | undefined;

  const recover = async (): Promise<void> => {
    const again = await joinOrLaunch(cluster, RECOVERY_TIMEOUT_MS, port, () => stopping).catch(() => undefined);
    if (again?.port === port) hold(again.use);
    else if (!stopping) {
      await again?.use.end();
      const what = again ? "broke down and came back at another port" : "broke down and does not come back";
      const log = join(directory, "postgres.log");
      lost.abort(new Failure("unavailable", `the embedded PostgreSQL ${what}: see ${log}, then start again`));
    } else await again?.use.end();
  };
  const hold = (next: ClusterUse): void => {
    use = next;
    next.broken.addEventListener("abort", () => {
      use = undefined;
      if (!stopping) recovering = recover();
    });
    if (next.broken.aborted && !stopping) recovering = recover();
  };
  hold(joined.use);

  return {
    url,
    directory,
    adopted: !joined.launched,
    lost: lost.signal,
    async stop() {
      stopping = true;
      await recovering;
      return leave(cluster, use);
    },
  };
}

/** Decides anew who is the last one: what was true before a crash of the server need not be any more. */
async function leave(cluster: Cluster, held: ClusterUse | undefined): Promise<Departure> {
  let use = held;
  let usedBy: readonly string[] = [];
  for (const end = Date.now() + STOP_TIMEOUT_MS; Date.now() < end; await delay(PAUSE_MS)) {
    if (!isServing(cluster.path)) return { stopped: true, usedBy: [] };
    try {
      use ??= (await joinRunning(cluster))?.use;
      if (use === undefined) continue; // it comes, or goes
      const pid = readPostmasterPid(cluster.path)?.pid;
      if (await use.leaveAsLast()) {
        if (pid !== undefined) await shutDown(pid);
        continue;
      }
      usedBy = await use.others();
      if (usedBy.length === 0) continue; // another one was the last, and is stopping it
      return { stopped: false, usedBy };
    } catch {
      use = undefined; // it broke down just now
    } finally {
      await use?.end();
      use = undefined;
    }
  }
  return { stopped: false, usedBy };
}

async function launch(
  binaries: string,
  directory: string,
  cluster: string,
  owner: ServerOwner | undefined,
  extraSettings: Record<string, string>,
  lastPort: number | undefined,
): Promise<void> {
  // Whoever used the one before has its port in a URL, and gets on as if nothing had been.
  const port = (await freePort(lastPort ?? readPostmasterPid(cluster)?.port)) ?? (await freePort(0));
  dropStalePostmasterPid(cluster);
  const settings = { ...SETTINGS, ...extraSettings, port: String(port) };
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

/**
 * Joins the server that runs for a cluster: only one that accepts our password and says that it serves this directory is ours.
 * Undefined where there is none, or it is stopping right now.
 */
async function joinRunning({ path, password }: Cluster): Promise<Omit<JoinedCluster, "launched"> | undefined> {
  const running = readPostmasterPid(path);
  if (!running?.ready || !isAlive(running.pid)) return undefined;
  const { port } = running;
  const url = localUrl(password, port);
  const use = await useCluster(url, path).catch(() => undefined);
  return use && { url, port, use };
}

/** Fast shutdown: roll back, checkpoint, end. Two that leave together may both be the last; one of them comes too late. */
async function shutDown(pid: number): Promise<void> {
  try {
    process.kill(pid, "SIGINT");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
  for (const end = Date.now() + STOP_TIMEOUT_MS; Date.now() < end && isAlive(pid); ) await delay(20);
}

/** A port of this machine that nobody listens at, or the given one if that is so of it; undefined: it is taken. */
async function freePort(wanted: number | undefined): Promise<number | undefined> {
  if (wanted === undefined || Number.isNaN(wanted)) return undefined;
  const server = createServer();
  const free = await new Promise<boolean>((done) =>
    server.once("error", () => done(false)).listen(wanted, "127.0.0.1", () => done(true)),
  );
  if (!free) return undefined;
  const { port } = server.address() as { port: number };
  await new Promise((done) => server.close(done));
  return port;
}
