// Where the embedded database of a data directory is to be found while it runs: its password is in a file of ours, its
// port in PostgreSQL's own postmaster.pid. Prisma's command line (prisma.config.ts) and Studio find it this way.
// Nothing but node:fs may be imported here, because Prisma loads this file with its own loader.
import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { readPostmasterPid } from "./postmaster-pid.ts";

export const SUPERUSER = "gokura";

/** The file in the data directory that names the cluster's place when it cannot be inside (see embeddedDirectory). */
export const ELSEWHERE_FILE = "postgres-elsewhere";

/** The directory of the embedded PostgreSQL that belongs to a data directory: cluster, binaries, password, log. */
export function postgresDirectory(dataDirectory: string): string {
  const pointer = join(resolve(dataDirectory), ELSEWHERE_FILE);
  return existsSync(pointer) ? readFileSync(pointer, "utf8").trim() : join(resolve(dataDirectory), "postgres");
}

/** The URL of a server on 127.0.0.1 with the cluster's password. */
export function localUrl(password: string, port: number): string {
  return `postgresql://${SUPERUSER}:${password}@127.0.0.1:${port}/postgres`;
}

/** The URL of the embedded database if its server runs now. */
export function runningDatabaseUrl(dataDirectory: string): string | undefined {
  const directory = postgresDirectory(dataDirectory);
  const running = readPostmasterPid(join(directory, "cluster"));
  if (!running?.ready) return undefined;
  return localUrl(readFileSync(join(directory, "password"), "utf8").trim(), running.port);
}
