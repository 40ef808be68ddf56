// Two PostgreSQL servers of one database, as who fails over has them: a standby is a base backup of the primary, and follows it
// over the replication protocol (PostgreSQL documentation, "Log-Shipping Standby Servers"). And the one address at which both
// are reached, which moves when the standby is promoted, as a virtual address, a proxy or a cloud's endpoint does. With the
// server that Gokura embeds, which comes without any other program.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { appendFileSync, chownSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import net from "node:net";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";
import pg from "pg";
import { copyCluster } from "../../src/database/base-backup.ts";
import { type ServerOwner, serverOwner } from "../../src/database/postgres-binaries.ts";
import { localUrl } from "../../src/database/running-database.ts";
import { freePort } from "./free-port.ts";

const UP_WITHIN_MS = 60_000;
const SETTINGS = {
  ...{ listen_addresses: "127.0.0.1", unix_socket_directories: "", max_connections: "200", max_wal_senders: "6" },
  ...{ io_method: "sync", timezone: "UTC", log_timezone: "UTC", hot_standby: "on", wal_keep_size: "64MB" },
};

/** A server of PostgreSQL, of which the test or bench decides how it ends. */
export interface PostgresServer {
  readonly port: number;
  readonly url: string;
  /** Asks on a connection of its own, not over the address. */
  query(text: string, database?: string): Promise<Record<string, unknown>[]>;
  /** SIGKILL: as a machine that dies; SIGINT: a fast shutdown. */
  stop(signal: NodeJS.Signals): Promise<void>;
}

/** Has a standby get nothing more, as if the network between the two were cut. */
export async function leaveBehind(standby: PostgresServer): Promise<void> {
  await standby.query("ALTER SYSTEM SET primary_conninfo = ''");
  await standby.query("SELECT pg_reload_conf()");
  while ((await standby.query("SELECT FROM pg_stat_wal_receiver")).length > 0) await delay(20);
}

/** Where the cluster of a stopped embedded PostgreSQL is (`cluster`, `password`, the programs), and what is put beside it. */
export interface Replicated {
  /** Starts it. `settings`: more of them. */
  primary(settings?: Readonly<Record<string, string>>): Promise<PostgresServer>;
  /** Makes a standby of a server that runs, by a name, and starts it; resolves when it follows. */
  standby(of: PostgresServer, name: string, settings?: Readonly<Record<string, string>>): Promise<PostgresServer>;
  /** Starts the cluster of a server that was stopped again, as a standby of nobody: it can be read, and takes no writes. */
  demoted(stopped: PostgresServer, settings?: Readonly<Record<string, string>>): Promise<PostgresServer>;
  /** Ends all of them. */
  close(): Promise<void>;
}

export function replicatedPostgres(directory: string, programs: string): Replicated {
  const password = readFileSync(join(directory, "password"), "utf8").trim();
  const clusters = new WeakMap<PostgresServer, string>();
  const running = new Set<PostgresServer>();
  const owner = serverOwner();

  const begin = async (cluster: string, settings: Readonly<Record<string, string>>): Promise<PostgresServer> => {
    const port = await freePort();
    const all = { ...SETTINGS, ...settings, port: String(port) };
    const words = ["-D", cluster, ...Object.entries(all).flatMap(([name, value]) => ["-c", `${name}=${value}`])];
    const child: ChildProcess = spawn(join(programs, "bin/postgres"), words, {
      ...owner,
      cwd: "/",
      stdio: ["ignore", "ignore", "pipe"],
      env: { PATH: "/usr/bin:/bin", LC_ALL: "C" },
    });
    let said = "";
    child.stderr!.on("data", (chunk) => {
      said = (said + chunk).slice(-4_000);
    });
    const url = localUrl(password, port);
    const query = async (text: string, database = "postgres"): Promise<Record<string, unknown>[]> => {
      const client = new pg.Client({ connectionString: url.replace(/[^/]*$/, database) });
      client.on("error", () => {});
      try {
        await client.connect();
        return (await client.query(text)).rows;
      } finally {
        await client.end().catch(() => {});
      }
    };
    for (const end = Date.now() + UP_WITHIN_MS; ; await delay(20)) {
      if (await query("SELECT").catch(() => undefined)) break;
      if (child.exitCode !== null || Date.now() > end) throw new Error(`PostgreSQL did not start: ${said}`);
    }
    const server: PostgresServer = {
      ...{ port, url, query },
      async stop(signal) {
        if (child.exitCode !== null || child.signalCode !== null) return;
        child.kill(signal);
        await once(child, "exit");
      },
    };
    clusters.set(server, cluster);
    running.add(server);
    return server;
  };

  return {
    primary: (settings = {}) => begin(join(directory, "cluster"), settings),
    async standby(of, name, settings = {}) {
      const cluster = join(directory, name);
      mkdirSync(cluster, { mode: 0o700 });
      if (owner) chownSync(cluster, owner.uid, owner.gid);
      const manifest = join(directory, `${name}.manifest`);
      await copyCluster(of.url, (tar) => unpack(tar, cluster, owner), manifest);
      rmSync(manifest);
      writeFileSync(join(cluster, "standby.signal"), "");
      const source = new URL(of.url);
      appendFileSync(
        join(cluster, "postgresql.auto.conf"),
        `primary_conninfo = 'host=127.0.0.1 port=${source.port} user=${source.username} password=${password} application_name=${name}'\n`,
      );
      const standby = await begin(cluster, settings);
      while (!(await isStreaming(of, name))) await delay(20);
      return standby;
    },
    async demoted(stopped, settings = {}) {
      const cluster = clusters.get(stopped)!;
      writeFileSync(join(cluster, "standby.signal"), "");
      return begin(cluster, settings);
    },
    async close() {
      await Promise.all([...running].map((server) => server.stop("SIGKILL")));
    },
  };
}

/** tar ends at the mark in the archive, which may be before the end of the stream: that is read all the same. */
async function unpack(tar: Readable, directory: string, owner: ServerOwner | undefined): Promise<void> {
  const unpacking = spawn("tar", ["--extract", "--file=-", `--directory=${directory}`], {
    ...owner,
    stdio: ["pipe", "ignore", "inherit"],
  });
  const input = unpacking.stdin!.on("error", () => {});
  const ended = once(unpacking, "exit");
  for await (const piece of tar)
    if (!input.destroyed && !input.write(piece)) await Promise.race([once(input, "drain").catch(() => {}), ended]);
  input.end();
  const [code] = await ended;
  if (code !== 0) throw new Error(`tar ended with ${code}`);
}

async function isStreaming(primary: PostgresServer, name: string): Promise<boolean> {
  const rows = await primary.query(
    `SELECT FROM pg_stat_replication WHERE application_name = '${name}' AND state = 'streaming'`,
  );
  return rows.length > 0;
}

/** An address at which one of several servers of this machine is reached. */
export interface MovableAddress {
  readonly port: number;
  /** Leads new connections elsewhere. Those that are open stay where they are, as long as that server has them. */
  moveTo(port: number): void;
  close(): void;
}

export async function movableAddress(port: number): Promise<MovableAddress> {
  let target = port;
  const sockets = new Set<net.Socket>();
  const server = net.createServer((client) => {
    const upstream = net.connect(target, "127.0.0.1");
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(socket);
      socket.setNoDelay(true);
      socket
        .on("error", () => {})
        .on("close", () => {
          sockets.delete(socket);
          other.destroy();
        });
      socket.pipe(other);
    }
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  return {
    port: (server.address() as net.AddressInfo).port,
    moveTo(next) {
      target = next;
    },
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
