// The data directory as a whole: made if need be, readable by nobody else, and used by one server at a time.
//
// One server at a time, because pushes under way, half-made files and what is remembered are known to one process only. A
// Unix domain socket in the directory says that a server runs: it ends with the process, whatever ends it, is seen by
// containers that share the volume, and whoever connects to it is told which process it is.
import { randomUUID } from "node:crypto";
import * as fs from "node:fs/promises";
import net from "node:net";
import { join } from "node:path";
import { Failure } from "../errors.ts";
import type { Log } from "../telemetry/log.ts";
import { makeDirectory, writeDurably } from "./durable-files.ts";
import { unlessMissing } from "./missing-file.ts";

const SOCKET = "server.sock";
const NAME = "server-id";
const ANSWER_PATIENCE_MS = 2_000;
/** Nobody but us; and, where the embedded PostgreSQL runs as an account of its own, that account may pass through. */
const PRIVATE = 0o700;
const PASSABLE = 0o711;
const OTHERS = 0o077;
/** What a process that writes to the data directory begins with. */
export const PRIVATE_UMASK = OTHERS;
/** What holds other people's source; the embedded PostgreSQL sees to its own directory. */
const PRIVATE_PARTS = ["repositories", "blobs", "blob-cache", "mirrors", "tls"];

/**
 * Makes a data directory, or takes the rights away that others have to an older one. `passable`: an account that is not ours
 * must reach something inside. Throws a Failure when it cannot be written.
 */
export async function openDataDirectory(directory: string, passable: boolean): Promise<void> {
  const repositories = join(directory, "repositories");
  try {
    await makeDirectory(repositories, PRIVATE);
    for (const path of [directory, repositories]) await fs.access(path, fs.constants.W_OK | fs.constants.X_OK);
  } catch (cause) {
    throw new Failure(
      "unavailable",
      `the data directory ${directory} cannot be written (${(cause as Error).message}): set GOKURA_DATA_DIR to a directory of yours`,
      { cause },
    );
  }
  // A directory that is somebody else's, such as a mounted volume, is that one's to close.
  for (const part of PRIVATE_PARTS) await close(join(directory, part)).catch(() => {});
  await fs.chmod(directory, passable ? PASSABLE : PRIVATE).catch(() => {});
}

/** The name by which other servers of the database know the server of a data directory; the first call makes it up. */
export async function nameOfDataDirectory(directory: string): Promise<string> {
  const file = join(directory, NAME);
  const known = await fs.readFile(file, "utf8").catch(unlessMissing);
  if (known?.trim()) return known.trim();
  // An empty one is what a power cut left of the file, as earlier releases wrote it.
  if (known !== undefined) await fs.rm(file, { force: true });
  await writeDurably(file, `${randomUUID()}\n`, { ifNew: true });
  return (await fs.readFile(file, "utf8")).trim();
}

/**
 * Refuses a command whose account is not that of the server of a data directory, as with sudo: the server could read nothing of
 * what it writes there. Where a file system gives all files to one account there is no difference.
 */
export async function demandSameAccount(directory: string): Promise<void> {
  const servers = await fs.stat(join(directory, NAME)).catch(unlessMissing);
  if (!servers || servers.uid === process.geteuid?.()) return;
  const probe = join(directory, `account-${randomUUID()}`);
  try {
    await fs.writeFile(probe, "", { mode: 0o600 });
    if ((await fs.stat(probe)).uid === servers.uid) return;
  } finally {
    await fs.rm(probe, { force: true });
  }
  throw new Failure(
    "conflict",
    `the server of ${directory} has another account, which could not read what a command of this one writes there: run it as that one, with its environment (sudo -E -u '#${servers.uid}' …)`,
  );
}

/** Closes a directory and all in it. The directory itself comes last: closed, it says that everything in it is. */
async function close(directory: string): Promise<void> {
  const found = await fs.stat(directory).catch(() => undefined);
  if (!found?.isDirectory() || (found.mode & OTHERS) === 0) return;
  for (const entry of await fs.readdir(directory, { withFileTypes: true })) {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) await close(path);
    else if (entry.isFile()) await fs.chmod(path, (await fs.stat(path)).mode & ~OTHERS & 0o777);
  }
  await fs.chmod(directory, PRIVATE);
}

/** Makes the data directory ours until the returned function is called. Throws a Failure when another server has it. */
export async function claimDataDirectory(directory: string, log: Log): Promise<() => Promise<void>> {
  const handle = await fs.open(directory);
  // Names of sockets are short (unix(7): 108 bytes); on Linux there is a short name for any open directory.
  const path = process.platform === "linux" ? `/proc/self/fd/${handle.fd}/${SOCKET}` : join(directory, SOCKET);
  const server = net.createServer((client) => client.on("error", () => {}).end(String(process.pid)));
  const give = async (): Promise<void> => {
    await new Promise<void>((done) => server.close(() => done())); // takes the socket's name away, too
    await handle.close();
  };
  try {
    if (!(await listen(server, path))) {
      await removeDead(path, directory);
      if (!(await listen(server, path))) throw taken(directory, "");
    }
    server.unref();
    return give;
  } catch (error) {
    await handle.close();
    if (error instanceof Failure) throw error;
    log.warn({ reason: (error as Error).message }, "the file system of the data directory knows no sockets");
    return async () => {};
  }
}

/** False: there is a socket of this name. */
function listen(server: net.Server, path: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const failed = (error: NodeJS.ErrnoException): void => {
      if (error.code === "EADDRINUSE") resolve(false);
      else reject(error);
    };
    server.once("error", failed).listen(path, () => {
      server.off("error", failed);
      resolve(true);
    });
  });
}

/** Removes the socket of a server that was killed. Looked at under another name, so that none that is new is removed. */
async function removeDead(path: string, directory: string): Promise<void> {
  const aside = `${path}.${process.pid}`;
  await fs.rename(path, aside).catch(() => {});
  const pid = await ownerOf(aside);
  if (pid === undefined) return fs.rm(aside, { force: true });
  await fs.rename(aside, path);
  throw taken(directory, pid);
}

/** The process that listens, "" if it does not say; undefined: nobody does. */
function ownerOf(path: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    let said = "";
    const client = net.connect(path);
    const timer = setTimeout(() => client.destroy(), ANSWER_PATIENCE_MS);
    client.on("data", (chunk) => {
      said += chunk;
    });
    client.once("error", () => resolve(undefined));
    client.once("close", () => {
      clearTimeout(timer);
      resolve(said);
    });
  });
}

function taken(directory: string, pid: string): Failure {
  const who = pid === "" ? "another server" : `another server (process ${pid})`;
  return new Failure(
    "unavailable",
    `${who} uses the data directory ${directory}: stop it first, or set GOKURA_DATA_DIR to another directory`,
  );
}
