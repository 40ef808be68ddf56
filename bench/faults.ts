// npm run bench -- faults: what a server and its data are like after kill -9, after breakdowns of its database, on a disk that
// fills up, and among hostile clients, while clients push one version after the other. Everything is real: processes, signals,
// the file system, git. test/hostile/faults.test.ts runs a short form of the same.
import { spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { freePort } from "../test/support/free-port.ts";
import { breakDatabase } from "./faults/database-restarts.ts";
import type { Figures } from "./faults/figures.ts";
import { fillDisk } from "./faults/full-disk.ts";
import { attack } from "./faults/hostile-clients.ts";
import { killAgainAndAgain } from "./faults/killed.ts";
import { printTable } from "./table.ts";

const { values } = parseArgs({
  allowPositionals: true,
  options: {
    kills: { type: "string", default: "30" },
    restarts: { type: "string", default: "15" },
    fills: { type: "string", default: "5" },
    seconds: { type: "string", default: "60" },
    help: { type: "boolean", default: false },
  },
});
if (values.help) {
  console.log(`usage: npm run bench -- faults [--kills 30] [--restarts 15] [--fills 5] [--seconds 60]
  --kills N      how often server, database or both are killed
  --restarts N   how often the database breaks down under the server
  --fills N      how often the disk fills up (needs root, unshare and nsenter)
  --seconds N    how long hostile clients are at it`);
  process.exit(0);
}

const directory = mkdtempSync(join(tmpdir(), "gokura-faults-"));
chmodSync(directory, 0o755); // as root, PostgreSQL runs as another user
const mayMount = spawnSync("unshare", ["--mount", "true"]).status === 0 && process.getuid?.() === 0;
const all: Figures[] = [];
try {
  all.push(await killAgainAndAgain(join(directory, "killed"), Number(values.kills), await freePort()));
  all.push(await breakDatabase(join(directory, "database"), Number(values.restarts), await freePort()));
  if (mayMount) all.push(await fillDisk(join(directory, "full"), Number(values.fills), await freePort()));
  all.push(await attack(join(directory, "hostile"), Number(values.seconds), await freePort()));
} finally {
  rmSync(directory, { recursive: true, force: true });
}
const head = ["fault", "times", "pushes acknowledged", "lost", "half visible", "litter", "ends of the server"];
printTable([
  head,
  ...all.map(({ fault, faults, acknowledged, lost, halfVisible, litter, ends }) =>
    [fault, faults, acknowledged, lost.length, halfVisible.length, litter.length, ends].map(String),
  ),
]);
for (const { fault, lost, halfVisible, litter } of all)
  for (const what of [...lost, ...halfVisible, ...litter]) console.log(`${fault}: ${what}`);
process.exitCode = all.some((one) => [one.lost, one.halfVisible, one.litter].flat().length > 0) ? 1 : 0;
