// Where tests put what they make. What lives as long as a test file does (databases, repositories, module caches: some hundred
// thousand files in all) lies in memory, on /dev/shm, where there is enough of it: a disk's file system looks long for a free inode
// among those that were removed just now, and waits for every fsync. Tests kill processes and never the machine, so to them
// both are the same. What is kept between runs stays on the disk.
import { accessSync, chmodSync, constants, mkdtempSync, readdirSync, readFileSync, rmSync, statfsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isAlive } from "../../src/database/postmaster-pid.ts";

const MEMORY = "/dev/shm";
/** A whole run of two files at a time has up to half of this at once, and needs the rest for its processes. */
const ENOUGH_BYTES = 8 * 1024 ** 3;
const NAME = /^gokura-tests-(\d+)-/;

/** The temporary directory that stays when the tests have ended, for what is made once and used by later runs. */
export const KEPT = process.env.KEPT_TMPDIR ?? tmpdir();

/**
 * Has this process and those that it starts make their temporary files in memory, and removes them when it ends. Does nothing
 * where there is no tmpfs that is large enough and may run programs, and where TMPDIR says what somebody wants.
 */
export function putTemporaryFilesIntoMemory(): void {
  if (process.env.TMPDIR !== undefined || !isMemoryThere()) return;
  for (const name of readdirSync(MEMORY)) {
    const run = NAME.exec(name)?.[1];
    if (run !== undefined && !isAlive(Number(run))) rmSync(join(MEMORY, name), { recursive: true, force: true });
  }
  const directory = mkdtempSync(join(MEMORY, `gokura-tests-${process.pid}-`));
  chmodSync(directory, 0o755); // PostgreSQL does not run as root
  process.once("exit", () => rmSync(directory, { recursive: true, force: true }));
  process.env.KEPT_TMPDIR = KEPT;
  process.env.TMPDIR = directory;
}

function isMemoryThere(): boolean {
  try {
    const mounts = readFileSync("/proc/self/mounts", "utf8").split("\n");
    const [, , type, options = ""] = mounts.findLast((line) => line.split(" ")[1] === MEMORY)?.split(" ") ?? [];
    if (type !== "tmpfs" || options.split(",").includes("noexec")) return false;
    accessSync(MEMORY, constants.W_OK);
    const { bavail, bsize } = statfsSync(MEMORY);
    return Math.min(bavail * bsize, process.availableMemory()) >= ENOUGH_BYTES;
  } catch {
    return false; // not Linux
  }
}
