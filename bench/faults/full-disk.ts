// A disk that fills up under a running server and its database, in the middle of pushes, and has space again: what was
// acknowledged is there, a server that gave up is started again, and no full disk looks like a defect. The disk is a small
// tmpfs in a mount namespace of its own, which a process of its own keeps while servers come and go (needs root).
import { spawn } from "node:child_process";
import { closeSync, existsSync, mkdirSync, openSync, rmSync, statfsSync, writeSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { Figures } from "./figures.ts";
import { litterIn } from "./litter.ts";
import { type FaultyServer, startServer } from "./server.ts";
import { beginWriting, compare } from "./writers.ts";

const DISK_MB = 260;
const WRITERS = 2;
const BYTES = 100_000;
const FULL_MS = 4_000;
const PIECE = Buffer.alloc(64 * 1024);

/** Fills the disk so many times. */
export async function fillDisk(directory: string, times: number, port: number): Promise<Figures> {
  const disk = join(directory, "disk");
  const data = join(disk, "data");
  mkdirSync(disk, { recursive: true });
  const mount = `mount -t tmpfs -o size=${DISK_MB}m,mode=755 tmpfs "$0" && touch "$0/mounted" && exec sleep 3600`;
  const keeper = spawn("unshare", ["--mount", "sh", "-c", mount, disk], { stdio: "ignore" });
  const root = `/proc/${keeper.pid}/root`;
  const seen = join(root, disk);
  for (let patience = 100; !existsSync(join(seen, "mounted")) && patience > 0; patience--) await delay(50);
  const start = (): Promise<FaultyServer> => startServer(data, port, ["nsenter", `--mount=/proc/${keeper.pid}/ns/mnt`]);
  let server = await start();
  let ends = 0;
  const writing = await beginWriting(directory, server.url, WRITERS, BYTES);
  try {
    for (let time = 0; time < times; time++) {
      await delay(2_000);
      const filler = join(seen, "filler");
      fill(filler);
      await delay(FULL_MS);
      rmSync(filler);
      if (server.ended()) {
        ends++;
        server = await start();
      }
    }
    await delay(2_000);
    await writing.stop();
    if (server.ended()) {
      ends++;
      server = await start();
    }
    const truth = await compare(server.url, writing.writers);
    return { fault: "full disk", faults: times, ...truth, litter: litterIn(join(root, data)), ends };
  } finally {
    await writing.stop();
    await server.stop("SIGTERM");
    keeper.kill("SIGKILL");
  }
}

/** Takes all the space that there is, and goes on taking what is given back. */
function fill(path: string): void {
  const file = openSync(path, "w");
  try {
    while (statfsSync(path).bavail > 0) writeSync(file, PIECE);
  } catch {
    // full
  } finally {
    closeSync(file);
  }
}
