// A server as `npm start` runs it, with its embedded PostgreSQL, for the time of a measurement.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import type { Target } from "./measure.ts";

/** The token of its administrator. */
export const ADMIN_TOKEN = "administrator-token-of-the-bench";

export interface RunningGokura {
  readonly url: string;
  readonly target: Target;
  stop(): Promise<void>;
}

/**
 * Starts one on a data directory; settings may be added. What it complains of is shown. `checkout`: where its code is; `node`:
 * options for its Node.
 */
export async function startGokura(
  dataDirectory: string,
  settings: Readonly<Record<string, string>> = {},
  checkout: string = join(import.meta.dirname, ".."),
  node: readonly string[] = [],
): Promise<RunningGokura> {
  const child = spawn(process.execPath, [...node, "bin/gokura.js", "serve"], {
    cwd: checkout,
    env: {
      PATH: process.env.PATH ?? "",
      ...settingsOfMalloc(),
      HOME: dataDirectory,
      GOKURA_DATA_DIR: dataDirectory,
      GOKURA_LISTEN: "127.0.0.1:0",
      GOKURA_MODULE_HOST: "gokura.bench",
      GOKURA_ADMIN_TOKEN: ADMIN_TOKEN,
      GOKURA_LOG_LEVEL: "warn",
      GOKURA_LIMITS: "off", // one client asks for all
      GOKURA_UPSTREAM: "off",
      ...settings,
    },
    stdio: ["ignore", "pipe", "inherit"],
  });
  let said = "";
  for await (const chunk of child.stdout!.iterator({ destroyOnReturn: false })) {
    said += chunk;
    const url = /^Gokura is at (\S+)$/m.exec(said)?.[1];
    if (url === undefined) continue;
    child.stdout!.resume();
    const target = { pid: child.pid!, port: Number(new URL(url).port) };
    return { url, target, stop: () => stopChild(child) };
  }
  throw new Error("gokura did not start");
}

/** Those of glibc's malloc, which matter for memory, are the bench's own: the image and the unit of systemd have some. */
function settingsOfMalloc(): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(process.env).filter(([name]) => name.startsWith("MALLOC_") || name === "GLIBC_TUNABLES"),
  );
}

/** Ends a process that was started here. */
export async function stopChild(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.kill("SIGTERM")) await once(child, "exit");
}
