// Loaded into a server by --import: at SIGUSR2 it collects all garbage and writes what is still in use, as process.memoryUsage()
// says it, into the file that MEMORY_IN_USE names. Written beside it and renamed, so that nobody reads half of it.
import { renameSync, writeFileSync } from "node:fs";

const file = process.env.MEMORY_IN_USE!;
process.on("SIGUSR2", () => {
  globalThis.gc!();
  globalThis.gc!(); // what finalisers let go by the first
  writeFileSync(`${file}.new`, JSON.stringify(process.memoryUsage()));
  renameSync(`${file}.new`, file);
});
