// Starts cluster-holder.ts processes, as this account or another, and lets none of them live on.
import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import pg from "pg";
import { isAlive } from "../../src/database/postmaster-pid.ts";
import { atEnd } from "../support/at-end.ts";
import { eventually } from "../support/eventually.ts";
import { type Account, abandonEmbedded, embeddedPid } from "../support/gokura-process.ts";

export interface Holder {
  readonly child: ChildProcess;
  readonly url: string;
  readonly adopted: boolean;
  readonly directory: string;
  /** What it said instead of holding the cluster. */
  readonly failure: string | undefined;
  /** Lets it stop using the cluster; returns what came of it. */
  stop(): Promise<"stopped" | "still in use">;
  /** Who it said still uses the cluster, after stop(). */
  usedBy(): readonly string[];
  /** kill -9. */
  kill(): Promise<void>;
}

/** A process that uses the cluster of a data directory; resolves when it does, or when it said why it cannot. */
export async function holdCluster(dataDirectory: string, account: Account = {}, umask = 0o022): Promise<Holder> {
  const before = process.umask(umask); // children begin with ours
  const child = spawn(process.execPath, ["test/database/cluster-holder.ts", dataDirectory], {
    env: { PATH: process.env.PATH ?? "", HOME: "/nonexistent" },
    stdio: ["ignore", "pipe", "inherit"],
    ...account,
  });
  process.umask(before);
  atEnd(async () => {
    child.kill("SIGKILL");
    await abandonEmbedded(dataDirectory);
  });
  const gone = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
  const next = async (): Promise<Record<string, string | boolean | undefined>> => {
    const { value, done } = await lines.next();
    if (done) throw new Error("the holder ended without a word");
    return JSON.parse(value);
  };
  const said = await next();
  let users: readonly string[] = [];
  return {
    child,
    url: String(said.url),
    adopted: said.adopted === true,
    directory: String(said.directory),
    failure: said.failure as string | undefined,
    async stop() {
      child.kill("SIGTERM");
      const { stopped, usedBy } = await next();
      await gone;
      users = usedBy as unknown as string[];
      return stopped ? "stopped" : "still in use";
    },
    usedBy: () => users,
    async kill() {
      child.kill("SIGKILL");
      await gone;
    },
  };
}

/** Runs one statement in a cluster and returns its rows. */
export async function query(url: string, sql: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client(url);
  client.on("error", () => {});
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

/** kill -9 of a PostgreSQL, as a crash of the machine would: nothing is written any more. */
export async function crash(dataDirectory: string): Promise<void> {
  const pid = embeddedPid(dataDirectory)!;
  process.kill(pid, "SIGKILL");
  await eventually(
    async () => isAlive(pid),
    (alive) => !alive,
    10_000,
  );
}
