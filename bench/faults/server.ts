// The server that faults are done to: `gokura serve` on a data directory with its embedded PostgreSQL, looked after as a
// supervisor would, that is, started again whenever it has ended.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { ADMIN_TOKEN } from "../gokura.ts";

export { ADMIN_TOKEN };
export const MODULE_HOST = "gokura.faults";
const BIN = join(import.meta.dirname, "../../bin/gokura.js");
const START_TIMEOUT_MS = 600_000;

export interface FaultyServer {
  readonly url: string;
  readonly child: ChildProcess;
  /** Whether it has ended, by itself or by a fault. */
  ended(): boolean;
  /** What it logged as an error. */
  errors(): string[];
  stop(signal: NodeJS.Signals): Promise<void>;
}

/** Starts a server at a port of its own. `before`: words in front of the command; `settings`: more of them. */
export async function startServer(
  data: string,
  port: number,
  before: readonly string[] = [],
  settings: Readonly<Record<string, string>> = {},
): Promise<FaultyServer> {
  const [program, ...words] = [...before, process.execPath, BIN, "serve"] as unknown as [string, ...string[]];
  const child = spawn(program, words, {
    cwd: join(import.meta.dirname, "../.."),
    env: {
      PATH: process.env.PATH ?? "",
      HOME: "/nonexistent",
      GOKURA_DATA_DIR: data,
      GOKURA_LISTEN: `127.0.0.1:${port}`,
      GOKURA_MODULE_HOST: MODULE_HOST,
      GOKURA_ADMIN_TOKEN: ADMIN_TOKEN,
      GOKURA_LOG_LEVEL: "warn",
      GOKURA_LIMITS: "off", // one client asks for all
      GOKURA_UPSTREAM: "off",
      ...settings,
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let out = "";
  let log = "";
  let ended = false;
  child.once("exit", () => {
    ended = true;
  });
  child.stdout!.on("data", (chunk) => {
    out += chunk;
  });
  child.stderr!.on("data", (chunk) => {
    log += chunk;
  });
  const url = `http://127.0.0.1:${port}`;
  for (const end = Date.now() + START_TIMEOUT_MS; !out.includes("Gokura is at"); await delay(50))
    if (ended || Date.now() > end) throw new Error(`the server did not start: ${log.slice(-2_000)}`);
  return {
    url,
    child,
    ended: () => ended,
    errors: () => log.split("\n").filter((line) => line.includes('"level":"error"')),
    async stop(signal) {
      if (ended) return;
      child.kill(signal);
      await once(child, "exit");
    },
  };
}

/** The pid of the PostgreSQL of a data directory; `root`: where its processes see the file system. */
export function postmasterOf(data: string, root = ""): number | undefined {
  try {
    return Number(readFileSync(join(root, data, "postgres/cluster/postmaster.pid"), "utf8").split("\n")[0]);
  } catch {
    return undefined;
  }
}

/** Kills a process. The database that was killed the last time may not run again yet, and its file names a process that is gone. */
export function killNow(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}
