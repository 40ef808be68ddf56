// What a server that comes to lead does in which order: pushes first, and after a pause all that looks at what is stored.
import { setTimeout as delay } from "node:timers/promises";
import { beforeAll, beforeEach, expect, test, vi } from "vitest";
import { readConfig } from "../src/config.ts";
import { openModuleArchives } from "../src/git/indexing/module-archives.ts";
import { openTagIndexer } from "../src/git/indexing/tag-indexer.ts";
import { Repositories } from "../src/git/objects/repositories.ts";
import { type LeaderParts, openLeading } from "../src/leader.ts";
import { openRemotes } from "../src/mirrors/remotes.ts";
import { openRegistry, openSigners } from "../src/open-registry.ts";
import { openUpstream } from "../src/open-upstream.ts";
import { openChecksumLog } from "../src/registry/checksums/checksum-log.ts";
import { createGroup } from "../src/registry/forge/groups.ts";
import { createProject } from "../src/registry/forge/projects.ts";
import { beginPush } from "../src/registry/forge/recorded-refs.ts";
import { OPERATOR } from "../src/registry/principal.ts";
import { createLog } from "../src/telemetry/log.ts";
import { atEnd } from "./support/at-end.ts";
import { testDatabase } from "./support/database.ts";
import { temporary } from "./support/temporary.ts";

let parts: LeaderParts;
/** What happened, in its order. */
let happened: string[];

beforeAll(async () => {
  const config = readConfig({
    ...{ DATABASE_URL: await testDatabase(), GOKURA_DATA_DIR: temporary("leader"), GOKURA_UPSTREAM: "off" },
    GOKURA_MODULE_HOST: "gokura.test",
  });
  const opened = await openRegistry(config, createLog("silent"), "worker");
  atEnd(() => opened.close());
  const { registry } = opened;
  const repositories = new Repositories();
  atEnd(() => repositories.close());
  const upstream = await openUpstream(config, opened, repositories);
  atEnd(() => upstream.close());
  atEnd(() => registry.jobs.stop());
  const remotes = openRemotes(config);
  atEnd(() => remotes.close());
  parts = {
    ...{ config, registry, repositories, upstream, remotes, hasAges: false },
    archives: openModuleArchives(registry, repositories),
    indexer: openTagIndexer(registry, repositories),
    checksums: await openChecksumLog(registry, await openSigners(config)),
  };
  const { jobs } = registry;
  const walk = jobs.beginWalk.bind(jobs);
  vi.spyOn(jobs, "beginWalk").mockImplementation((name, first) => {
    happened.push(`walk: ${name}`);
    return walk(name, first);
  });
});

beforeEach(() => {
  happened = [];
});

async function openPushes(): Promise<number> {
  const { rows } = await parts.registry.database.pool.query(
    "SELECT count(*)::int AS open FROM project WHERE push_started_at IS NOT NULL",
  );
  return rows[0].open;
}

const ready = (): void => void happened.push("ready");

test("a server that takes over records pushes, and five seconds later begins with all that is stored", async () => {
  const { registry } = parts;
  await createGroup(registry, OPERATOR, { fullPath: "acme" });
  const { id } = await createProject(registry, OPERATOR, { fullPath: "acme/lib" });
  await beginPush(registry, id);
  const leading = openLeading(parts, async (ms) => {
    happened.push(`${ms} ms with ${await openPushes()} open pushes`);
    return undefined as never;
  });
  await leading.begin(ready, true);
  await leading.end();
  expect(happened).toEqual(["ready", "5000 ms with 0 open pushes", "walk: log-sums"]);
});

test("one that is the first does not wait", async () => {
  const leading = openLeading(parts, async () => void happened.push("waited") as never);
  await leading.begin(ready, false);
  await leading.end();
  expect(happened).toEqual(["ready", "walk: log-sums"]);
});

test("one that leads no more when they are over begins with nothing", async () => {
  const waiting = Promise.withResolvers<void>();
  const leading = openLeading(parts, (ms, value, options) => {
    waiting.resolve();
    return delay(1_000 * ms!, value, options);
  });
  const begun = leading.begin(ready, true);
  await waiting.promise;
  await leading.end();
  await begun;
  expect(happened).toEqual(["ready"]);
});
