// The `gokura` command: bin/gokura.js loads this file, which hands its words over to cli/.
import { run } from "./cli/run.ts";

process.exitCode = await run(process.argv.slice(2));
