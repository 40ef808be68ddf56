// Loaded into a server by --import: at SIGUSR2 it collects all garbage and writes what is still in use, as process.memoryUsage()
// says it, into the file that MEMORY_IN_USE names. Written beside it and renamed, so that nobody reads half of it.
import { renameSync, writeFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";

/** Code that nothing runs any more is let go after some collections only, and finalisers let go of more between them. */
const COLLECTIONS = 5;

const file = process.env.MEMORY_IN_USE!;
process.on("SIGUSR2", async () => {
  for (let n = 1; n <= COLLECTIONS; n++) {
    globalThis.gc!();
    if (n < COLLECTIONS) await delay(20);
  }
  writeFileSync(`${file}.new`, JSON.stringify(process.memoryUsage()));
  renameSync(`${file}.new`, file);
});
