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

/** The children of a process, all the way down. */
function descendants(pid: number): number[] {
  const parents = new Map<number, number>();
  for (const name of readdirSync("/proc"))
    if (/^\d+$/.test(name))
      try {
        const stat = readFileSync(`/proc/${name}/stat`, "utf8");
        parents.set(Number(name), Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]));
      } catch {} // ended meanwhile
  const found = [pid];
  for (const one of found) for (const [child, parent] of parents) if (parent === one) found.push(child);
  return found.slice(1);
}

/** In MB; and how many processes that are. */
export interface Memory {
  readonly server: number;
  readonly postgres: number;
  readonly processes: number;
}

/** What a server and its embedded PostgreSQL have, in MB. */
export function memoryOfAll(gokura: RunningGokura, dataDirectory: string): Memory {
  const postmaster = Number(
    readFileSync(join(dataDirectory, "postgres/cluster/postmaster.pid"), "utf8").split("\n")[0],
  );
  const { pid } = gokura.target;
  const sum = (pids: readonly number[]): number => pids.reduce((total, one) => total + pssOf(one), 0);
  const database = new Set([postmaster, ...descendants(postmaster)]);
  const own = [pid, ...descendants(pid).filter((one) => !database.has(one))];
  return { server: sum(own), postgres: sum([...database]), processes: own.length + database.size };
}
