// What lies on the disk for the embedded PostgreSQL: in the data directory or, where its account cannot enter that, in a
// directory elsewhere, beside each other the cluster, the programs, the password and the log. Each appears whole or not at
// all: it is made under another name, which ends in the number of the process that makes it, and then renamed; what a
// process that was killed left under such a name is taken away by the next start.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import * as fs from "node:fs";
import { dirname, join, resolve } from "node:path";
import { Failure } from "../errors.ts";
import { canEnter, type ServerOwner } from "./postgres-binaries.ts";
import { isAlive, isServing } from "./postmaster-pid.ts";
import { ELSEWHERE_FILE, postgresDirectory, SUPERUSER } from "./running-database.ts";

/** cluster.123, cluster.123.pw, password.123, postgresql-18.4.123: what process 123 makes. */
const IN_THE_MAKING = /^(?:cluster|password|postgresql-\d+\.\d+)\.(\d+)(?:\.pw)?$/;
/** A number that is somebody else's by now says nothing; making a cluster takes seconds. */
const ABANDONED_AFTER_MS = 3_600_000;

/** Takes away what starts that were killed left half made; returns the names. */
export function removeHalfMade(directory: string): string[] {
  const removed = fs.readdirSync(directory).filter((name) => {
    const pid = Number(IN_THE_MAKING.exec(name)?.[1] ?? Number.NaN);
    if (Number.isNaN(pid)) return false;
    if (!isAlive(pid) || pid === process.pid) return true;
    const found = fs.statSync(join(directory, name), { throwIfNoEntry: false });
    return found !== undefined && Date.now() - found.mtimeMs > ABANDONED_AFTER_MS;
  });
  for (const name of removed) fs.rmSync(join(directory, name), { recursive: true, force: true });
  return removed;
}

/**
 * Inside the data directory if the server's account can enter it. Root in a private home is the case where it cannot:
 * then the cluster goes below /var/lib/gokura, and a file in the data directory says where.
 */
export function embeddedDirectory(dataDirectory: string, owner: ServerOwner | undefined): string {
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
  // Never a second cluster while there is one: it would look as if all data were gone. Where its server runs, it could enter.
  if (owner && !isServing(join(directory, "cluster")) && !canEnter(directory, owner))
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
  fs.writeFileSync(join(data, ELSEWHERE_FILE), `${elsewhere}\n`, { flush: true });
  return elsewhere;
}

/** Makes files and directories that the server's account may read, however careful the umask of our own is. */
export function readableByOthers<T>(make: () => T): T {
  const before = process.umask(0o022);
  try {
    return make();
  } finally {
    process.umask(before);
  }
}

/** Without it a power cut could leave a cluster, and not the password to it. */
function sync(directory: string): void {
  const descriptor = fs.openSync(directory, "r");
  try {
    fs.fsyncSync(descriptor);
  } finally {
    fs.closeSync(descriptor);
  }
}

/** Several processes may get here at once: each makes its own, the first rename wins, the others throw theirs away. */
export function settle(path: string, make: (temporary: string) => void): void {
  const temporary = `${path}.${process.pid}`;
  try {
    readableByOthers(() => make(temporary));
    if (fs.statSync(temporary).isDirectory()) fs.renameSync(temporary, path);
    else fs.linkSync(temporary, path);
    sync(dirname(path));
  } catch (error) {
    if (!fs.existsSync(path)) throw error;
  } finally {
    fs.rmSync(temporary, { recursive: true, force: true });
  }
}

export function initialise(binaries: string, cluster: string, password: string, owner: ServerOwner | undefined): void {
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
