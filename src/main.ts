// The `gokura` command: bin/gokura.js loads this file, which hands its words over to cli/.
import { run } from "./cli/run.ts";

// Whoever reads us may go away (`| head -1`, a log that is closed): that ends neither a list nor a server. A disk that is
// full must not look like success.
for (const stream of [process.stdout, process.stderr])
  stream.on("error", ({ code }: NodeJS.ErrnoException) => {
    if (code !== "EPIPE") process.exitCode = 1;
  });

process.exitCode = await run(process.argv.slice(2));
