// A server with all its processes, and those of its embedded PostgreSQL, and the memory that they have as proportional set
// size (proc(5): a page that several processes share counts for each in part, so that sums are true).
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { RunningGokura } from "./gokura.ts";

/** The proportional set size of a process, in MB; 0 for one that has ended. */
function pssOf(pid: number): number {
  try {
    return Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, "utf8"))?.[1]) / 1024;
  } catch {
    return 0;
  }
}

/** The fields of /proc/PID/stat behind the name of the program, from its state on; none for a process that has ended. */
function statOf(pid: number): readonly string[] {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  } catch {
    return [];
  }
}

/** Clock ticks a second (sysconf(3), _SC_CLK_TCK), which every Linux that Node runs on has. */
const TICKS = 100;

/** Processor seconds of a process, and of its children that have ended and were waited for (proc(5), utime to cstime). */
export function processorSeconds(pid: number): { readonly own: number; readonly ended: number } {
  const [utime = 0, stime = 0, cutime = 0, cstime = 0] = statOf(pid).slice(11, 15).map(Number);
  return { own: (utime + stime) / TICKS, ended: (cutime + cstime) / TICKS };
}

/** Processor seconds of a process with all its children, those that run and those that have ended. */
export function processorSecondsOfAll(pid: number): number {
  return [pid, ...descendants(pid)].map(processorSeconds).reduce((sum, { own, ended }) => sum + own + ended, 0);
}

/** The process of the embedded PostgreSQL. */
export function postmasterOf(dataDirectory: string): number {
  return Number(readFileSync(join(dataDirectory, "postgres/cluster/postmaster.pid"), "utf8").split("\n")[0]);
}

/** The children of a process, all the way down. */
export function descendants(pid: number): number[] {
  const parents = new Map<number, number>();
  for (const name of readdirSync("/proc"))
    if (/^\d+$/.test(name)) parents.set(Number(name), Number(statOf(Number(name))[1]));
  const found = [pid];
  for (const one of found) for (const [child, parent] of parents) if (parent === one) found.push(child);
  return found.slice(1);
}

/** In MB; and how many processes that are. */
export interface Memory {
  readonly server: number;
  /** Of the server's, that of its children: git, and workers. */
  readonly children: number;
  readonly postgres: number;
  readonly processes: number;
}

/** What a server and its embedded PostgreSQL have, in MB. */
export function memoryOfAll(gokura: RunningGokura, dataDirectory: string): Memory {
  const postmaster = postmasterOf(dataDirectory);
  const { pid } = gokura.target;
  const sum = (pids: readonly number[]): number => pids.reduce((total, one) => total + pssOf(one), 0);
  const database = new Set([postmaster, ...descendants(postmaster)]);
  const own = [pid, ...descendants(pid).filter((one) => !database.has(one))];
  return {
    ...{ server: sum(own), children: sum(own.slice(1)), postgres: sum([...database]) },
    processes: own.length + database.size,
  };
}
