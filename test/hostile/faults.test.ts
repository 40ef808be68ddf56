// The short form of `npm run bench -- faults`: what clients were told stays true, nothing is there in part and nothing lies
// about after kill -9, after breakdowns of the database, on a full disk, and among hostile clients.
import { spawnSync } from "node:child_process";
import { chmodSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { breakDatabase } from "../../bench/faults/database-restarts.ts";
import { fillDisk } from "../../bench/faults/full-disk.ts";
import { attack } from "../../bench/faults/hostile-clients.ts";
import { killAgainAndAgain } from "../../bench/faults/killed.ts";
import { freePort } from "../support/free-port.ts";
import { isRoot, processesOf } from "../support/gokura-process.ts";
import { temporary } from "../support/temporary.ts";

const TIMEOUT_MS = 180_000;
const NOTHING = { lost: [], halfVisible: [], litter: [], ends: 0 };

function place(): string {
  const directory = temporary("faults");
  chmodSync(directory, 0o755); // as root, PostgreSQL runs as another user
  return directory;
}

test("kill -9 of the server, of its database, and of both", { timeout: TIMEOUT_MS }, async () => {
  const directory = place();
  const figures = await killAgainAndAgain(directory, 3, await freePort());
  expect(figures).toMatchObject(NOTHING);
  expect(figures.acknowledged).toBeGreaterThan(0);
  expect(processesOf(join(directory, "data"))).toEqual([]);
});

test("a database that breaks down in every way", { timeout: TIMEOUT_MS }, async () => {
  const figures = await breakDatabase(place(), 3, await freePort());
  expect(figures).toMatchObject(NOTHING);
  expect(figures.acknowledged).toBeGreaterThan(0);
});

const mayMount = isRoot && spawnSync("unshare", ["--mount", "true"]).status === 0;
test.skipIf(!mayMount)("a disk that fills up (needs root and mount namespaces)", { timeout: TIMEOUT_MS }, async () => {
  const figures = await fillDisk(place(), 1, await freePort());
  // A database that cannot write its log ends, and the server with it, so that somebody is told.
  expect(figures).toMatchObject({ lost: [], halfVisible: [], litter: [] });
  expect(figures.acknowledged).toBeGreaterThan(0);
});

test("hostile clients, while others push", { timeout: TIMEOUT_MS }, async () => {
  const figures = await attack(place(), 2, await freePort());
  expect(figures).toMatchObject(NOTHING);
  expect(figures.acknowledged).toBeGreaterThan(0);
});
