// A mount namespace for one process, in which a tiny file system can lie somewhere and nothing of it stays behind.
import { spawnSync } from "node:child_process";
import { isRoot } from "./gokura-process.ts";

/** root may mount in a namespace of its own; others first become root of a user namespace, where the machine lets them. */
const unshare = isRoot ? ["unshare", "--mount"] : ["unshare", "--user", "--map-root-user", "--mount"];

/** Whether this machine lets the tests mount. */
export const canMount =
  spawnSync(unshare[0]!, [...unshare.slice(1), "mount", "-t", "tmpfs", "tmpfs", "/mnt"]).status === 0;

/**
 * Words in front of a command for which a megabyte of memory lies over a directory. `run` is what a shell does there, with the
 * directory as $0 and the command as "$@".
 */
export function withTinyDisk(directory: string, run = `exec "$@"`): readonly string[] {
  return [...unshare, "sh", "-c", `mount -t tmpfs -o size=1m tmpfs "$0" && ${run}`, directory];
}
