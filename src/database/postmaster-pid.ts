// What PostgreSQL writes about itself: postmaster.pid in the data directory of a running cluster says, line by line, pid,
// directory, start time, port, socket directory, listen address, shared memory key and state (PostgreSQL documentation,
// "Database File Layout"). A kill -9 or a restarted container leaves the file behind, so a pid in it proves nothing.
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";

export interface PostmasterPid {
  readonly pid: number;
  readonly port: number;
  /** Whether the server says that it takes connections. */
  readonly ready: boolean;
}

/** What the file in the cluster directory says; undefined when there is none. */
export function readPostmasterPid(cluster: string): PostmasterPid | undefined {
  try {
    const lines = readFileSync(join(cluster, "postmaster.pid"), "utf8").split("\n");
    return { pid: Number(lines[0]), port: Number(lines[3]), ready: lines[7]?.trim() === "ready" };
  } catch {
    return undefined;
  }
}

/** Whether a PostgreSQL of this cluster lives behind the file, ready or not. */
export function isServing(cluster: string): boolean {
  const pid = readPostmasterPid(cluster)?.pid;
  return pid !== undefined && isAlive(pid) && !isSomebodyElse(pid, cluster);
}

/**
 * Removes a file whose pid belongs to a stranger by now; PostgreSQL would refuse to start. (A pid that nobody has it
 * clears by itself, and its shared memory still guards the cluster against a second server, so this can do no harm.)
 */
export function dropStalePostmasterPid(cluster: string): void {
  const pid = readPostmasterPid(cluster)?.pid;
  if (pid !== undefined && isAlive(pid) && isSomebodyElse(pid, cluster) && readPostmasterPid(cluster)?.pid === pid)
    rmSync(join(cluster, "postmaster.pid"));
}

/** Whether a process of this number exists, ours or not. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

function isSomebodyElse(pid: number, cluster: string): boolean {
  try {
    return !readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0").includes(cluster);
  } catch {
    return false; // gone, or not Linux: PostgreSQL decides
  }
}
