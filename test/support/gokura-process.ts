// The `gokura` command as a user starts it: bin/gokura.js in a process of its own, with nothing of this machine's settings.
// Whatever a test forgets to stop is stopped after the test file, its embedded PostgreSQL too.
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { isAlive, isServing, readPostmasterPid } from "../../src/database/postmaster-pid.ts";
import { postgresDirectory } from "../../src/database/running-database.ts";
import { atEnd } from "./at-end.ts";
import { eventually } from "./eventually.ts";

const BIN = join(process.cwd(), "bin/gokura.js");

export type Environment = Readonly<Record<string, string>>;

export interface Account {
  readonly uid?: number;
  readonly gid?: number;
}

/** Whether the tests run as root. */
export const isRoot = process.getuid?.() === 0;

/** An account without any right, for tests that run as root. */
export const NOBODY = { uid: 65534, gid: 65534 } as const;

/** Whether that account can run this checkout: not when the tests do not run as root, nor below a private home. */
export const canBeNobody =
  isRoot &&
  spawnSync(process.execPath, [BIN, "version"], { ...NOBODY, cwd: process.cwd(), env: baseEnvironment() }).status === 0;

export interface Ended {
  /** 128 and the number of the signal, as a shell has it, when a signal ended it. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface GokuraProcess {
  readonly child: ChildProcess;
  /** What it wrote so far. */
  readonly stdout: () => string;
  readonly stderr: () => string;
  /** Resolves when it is gone and all that it wrote is here. */
  readonly ended: Promise<Ended>;
}

/** What every process gets: where programs are, and the compile cache of the checkout. */
export function baseEnvironment(): Record<string, string> {
  return { PATH: process.env.PATH ?? "", HOME: "/nonexistent", TZ: "UTC" };
}

/** Starts the command and lets it run. `before` are words in front of node, such as those of unshare. */
export function spawnGokura(
  words: readonly string[],
  environment: Environment = {},
  options: Account & { before?: readonly string[] } = {},
): GokuraProcess {
  const { before = [], ...account } = options;
  const [program, ...rest] = [...before, process.execPath, BIN, ...words] as [string, ...string[]];
  const child = spawn(program, rest, {
    cwd: process.cwd(),
    env: { ...baseEnvironment(), ...environment },
    stdio: ["ignore", "pipe", "pipe"],
    ...account,
  });
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  const ended = new Promise<Ended>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) => {
      resolve({ code: code ?? 128 + SIGNALS[signal as keyof typeof SIGNALS], stdout, stderr });
    });
  });
  atEnd(async () => {
    child.kill("SIGKILL");
    await ended.catch(() => {});
    if (environment.GOKURA_DATA_DIR !== undefined) await abandonEmbedded(environment.GOKURA_DATA_DIR);
  });
  return { child, stdout: () => stdout, stderr: () => stderr, ended };
}

const SIGNALS = { SIGINT: 2, SIGKILL: 9, SIGTERM: 15 } as const;

/** Runs the command to its end. */
export function gokura(words: readonly string[], environment: Environment = {}, account: Account = {}): Promise<Ended> {
  return spawnGokura(words, environment, account).ended;
}

export interface ServingProcess extends GokuraProcess {
  readonly url: string;
  readonly port: number;
  /** Sends a signal and waits for the end. */
  stop(signal?: NodeJS.Signals): Promise<Ended>;
}

/** `gokura serve` on a free port; resolves when it says where it is. Throws with its words when it ends instead. */
export async function serveGokura(
  environment: Environment,
  options: Account & { before?: readonly string[] } = {},
): Promise<ServingProcess> {
  const running = spawnGokura(["serve"], { GOKURA_LISTEN: "127.0.0.1:0", ...environment }, options);
  const url = await new Promise<string>((resolve, reject) => {
    running.child.stdout?.on("data", () => {
      const said = /^Gokura is at (\S+)$/m.exec(running.stdout());
      if (said) resolve(said[1]!);
    });
    running.ended.then(
      ({ code, stderr }) => reject(new Error(`gokura serve ended with ${code} before it served: ${stderr}`)),
      reject,
    );
  });
  return {
    ...running,
    url,
    port: Number(new URL(url).port),
    stop(signal = "SIGTERM") {
      running.child.kill(signal);
      return running.ended;
    },
  };
}

/** The pid of the embedded PostgreSQL of a data directory while it lives. */
export function embeddedPid(dataDirectory: string): number | undefined {
  const cluster = join(postgresDirectory(dataDirectory), "cluster");
  return isServing(cluster) ? readPostmasterPid(cluster)?.pid : undefined; // never a stranger's, whatever the file says
}

/** The command lines of the processes of this machine that hold a text, such as a data directory. */
export function processesOf(text: string): string[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " "); // empty once it is dead
      } catch {
        return "";
      }
    })
    .filter((command) => command.includes(text));
}

/** Ends the embedded PostgreSQL of a data directory that nobody will use again. */
export async function abandonEmbedded(dataDirectory: string): Promise<void> {
  const pid = existsSync(dataDirectory) ? embeddedPid(dataDirectory) : undefined;
  if (pid === undefined) return;
  process.kill(pid, "SIGQUIT"); // at once, without a checkpoint
  await eventually(
    async () => isAlive(pid),
    (alive) => !alive,
    10_000,
  );
}
