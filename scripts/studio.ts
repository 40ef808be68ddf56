// npm run studio: Prisma Studio on the same data as Gokura, beside a running server or without one. The database is that of
// DATABASE_URL, or the embedded PostgreSQL of GOKURA_DATA_DIR (default ./data), which is joined, or started for as long as
// Studio runs. What is changed there takes effect in a running server within a second, and what is pinned refuses to be
// changed (prisma/migrations, "guards"). Other arguments are Prisma's: npm run studio -- --port 5600 --browser firefox.
import { type ChildProcess, spawn } from "node:child_process";
import { type AddressInfo, createServer } from "node:net";
import { parseArgs } from "node:util";
import { readConfig } from "../src/config.ts";
import { awaitDatabase } from "../src/database/client.ts";
import { type EmbeddedPostgres, startEmbeddedPostgres } from "../src/database/embedded-postgres.ts";
import { migrate } from "../src/database/migrate.ts";
import { Failure, isFailure } from "../src/errors.ts";
import { createLog } from "../src/telemetry/log.ts";

const DEFAULT_PORT = 5555;
const DATABASE_PATIENCE_MS = 10_000;
const PRISMA = new URL("../node_modules/prisma/build/index.js", import.meta.url).pathname;

/** Runs Studio until it ends or a signal comes; returns the exit code. */
async function studio(words: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...words],
    options: {
      port: { type: "string", short: "p" },
      browser: { type: "string", short: "b" },
      help: { type: "boolean", short: "h" },
    },
    strict: false,
  });
  if (values.help) return ended(prisma(words, {}));

  const stop = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => stop.abort());
  const config = readConfig();
  let embedded: EmbeddedPostgres | undefined;
  try {
    if (config.databaseUrl === undefined) embedded = await startEmbeddedPostgres(config.dataDirectory);
    const url = embedded?.url ?? config.databaseUrl!;
    await awaitDatabase(url, createLog("warn"), DATABASE_PATIENCE_MS, stop.signal);
    await migrate(url);
    if (stop.signal.aborted) return 0;

    const more = [
      ...(values.browser === undefined ? ["--browser", "none"] : []),
      ...(values.port === undefined ? ["--port", String(await freePort())] : []),
    ];
    // Prisma says itself where it listens, on this machine alone. The URL goes by the environment (prisma.config.ts), not
    // by --url: command lines are there for everybody to read.
    const child = prisma([...words, ...more], { DATABASE_URL: url });
    stop.signal.addEventListener("abort", () => child.kill("SIGTERM"));
    const code = await ended(child);
    return stop.signal.aborted ? 0 : code;
  } catch (error) {
    if (stop.signal.aborted) return 0;
    throw error;
  } finally {
    await embedded?.stop();
  }
}

/** Prisma's usual port, or another when that is taken. */
async function freePort(): Promise<number> {
  for (const port of [DEFAULT_PORT, 0]) {
    const server = createServer();
    const free = await new Promise<boolean>((resolve) =>
      server.once("error", () => resolve(false)).listen(port, "127.0.0.1", () => resolve(true)),
    );
    if (!free) continue;
    const { port: found } = server.address() as AddressInfo;
    await new Promise((closed) => server.close(closed));
    return found;
  }
  throw new Failure("unavailable", "no port is free on 127.0.0.1");
}

function prisma(words: readonly string[], environment: Readonly<Record<string, string>>): ChildProcess {
  return spawn(process.execPath, [PRISMA, "studio", ...words], {
    cwd: new URL("..", import.meta.url).pathname, // where prisma.config.ts is
    env: { ...process.env, PRISMA_HIDE_UPDATE_MESSAGE: "1", ...environment },
    stdio: ["ignore", "inherit", "inherit"],
  });
}

function ended(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code) => resolve(code ?? 1));
  });
}

try {
  process.exitCode = await studio(process.argv.slice(2));
} catch (error) {
  if (!isFailure(error)) throw error;
  console.error(`studio: ${error.message}`);
  process.exitCode = 1;
}
