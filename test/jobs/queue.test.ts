// Work that a transaction leaves behind: it exists if and only if the transaction commits, is done once, is tried again when
// it fails, and does not wait for the clock.
import { setImmediate as everybodysTurn } from "node:timers/promises";
import pg from "pg";
import { expect, onTestFinished, test, vi } from "vitest";
import { type Database, openDatabase } from "../../src/database/client.ts";
import { type Jobs, openJobs } from "../../src/jobs/queue.ts";
import { createLog } from "../../src/telemetry/log.ts";
import { createMetrics, type PrometheusMetrics } from "../../src/telemetry/prometheus.ts";
import { atEnd } from "../support/at-end.ts";
import { cuttableLink, over } from "../support/cuttable-link.ts";
import { testDatabase } from "../support/database.ts";
import { eventually } from "../support/eventually.ts";

interface Queue {
  readonly database: Database;
  readonly jobs: Jobs;
  readonly metrics: PrometheusMetrics;
  readonly logged: { level: string; msg: string }[];
  /** Leaves index-refs jobs in one transaction. */
  send(...projectIds: number[]): Promise<void>;
}

async function queue(url: string, role: "worker" | "sender" = "worker"): Promise<Queue> {
  const logged: { level: string; msg: string }[] = [];
  const log = createLog("info", { write: (line: string) => void logged.push(JSON.parse(line)) });
  const database = openDatabase(url, log);
  const metrics = createMetrics(".");
  const jobs = openJobs(url, role, log, metrics);
  atEnd(async () => {
    await jobs.stop();
    await database.close();
  });
  return {
    database,
    jobs,
    metrics,
    logged,
    async send(...projectIds) {
      await database.prisma.$transaction(async (tx) => {
        for (const projectId of projectIds) await jobs.send(tx, "index-refs", { projectId });
      });
    },
  };
}

test("a job that a command leaves is done by the server, at once and not by the clock", async () => {
  const url = await testDatabase();
  const done: number[] = [];
  const worker = await queue(url);
  await worker.jobs.ready();
  // From here on the clock stands: a worker that looked from time to time would never look again.
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval"] });
  onTestFinished(() => void vi.useRealTimers());
  await worker.jobs.work("index-refs", async ({ projectId }) => void done.push(projectId));
  const sender = await queue(url, "sender");
  await sender.send(1); // makes itself ready first
  await eventually(
    async () => done.length,
    (length) => length === 1,
    5_000,
  );
  await sender.send(2);
  await eventually(
    async () => done.length,
    (length) => length === 2,
    5_000,
  );
  expect(done).toEqual([1, 2]);
});

test("it exists if and only if its transaction commits", async () => {
  const { database, jobs, send } = await queue(await testDatabase());
  const done: number[] = [];
  await jobs.work("index-refs", async ({ projectId }) => void done.push(projectId));
  await expect(
    database.prisma.$transaction(async (tx) => {
      await jobs.send(tx, "index-refs", { projectId: 1 });
      throw new Error("taken back");
    }),
  ).rejects.toThrow("taken back");
  await database.prisma.$transaction(async (tx) => {
    await jobs.send(tx, "index-refs", { projectId: 2 });
    await jobs.sendAlone("index-refs", { projectId: 9 });
    await expect.poll(() => done.length, { timeout: 5_000 }).toBeGreaterThan(0);
    expect(done).toEqual([9]); // what was left later, but is committed; not what is not yet
  });
  await expect.poll(() => done, { timeout: 5_000 }).toEqual([9, 2]);
  await send(3);
  await expect.poll(() => done, { timeout: 5_000 }).toEqual([9, 2, 3]);
});

test("a burst does not stall, and what waits together for the same thing is done once", async () => {
  const { jobs, send } = await queue(await testDatabase());
  const done: number[] = [];
  await jobs.work("index-refs", async ({ projectId }) => {
    await everybodysTurn();
    done.push(projectId);
  });
  const projects = Array.from({ length: 100 }, (_, n) => n);
  await send(...projects, 7, 7, 7);
  await eventually(
    async () => new Set(done).size,
    (size) => size === 100,
    10_000,
  );
  expect(new Set(done).size).toBe(100);
  expect(done.filter((id) => id === 7).length).toBeLessThan(4);
});

test("one that fails is told, counted and tried again, and keeps its neighbours from nothing", async () => {
  const { jobs, send, metrics, logged } = await queue(await testDatabase());
  const tries = new Map<number, number>();
  await jobs.work("index-refs", async ({ projectId }) => {
    tries.set(projectId, (tries.get(projectId) ?? 0) + 1);
    if (projectId === 2 && tries.get(2) === 1) throw new Error("not this time");
  });
  await send(1, 2, 3);
  await eventually(
    async () => tries.get(2),
    (count) => count === 2,
    20_000,
  );
  expect(Object.fromEntries(tries)).toEqual({ 1: 1, 2: 2, 3: 1 });
  expect((await metrics.jobsFailed.get()).values).toEqual([{ labels: { job: "index-refs" }, value: 1 }]);
  expect(logged.filter(({ level }) => level === "error")).toMatchObject([
    {
      msg: expect.stringMatching(/^a job failed; it is tried again/),
      payload: { projectId: 2 },
      err: { message: "not this time" },
    },
  ]);
});

test("stopping lets the job that runs finish, and what has not begun waits for the next server", async () => {
  const url = await testDatabase();
  const first = await queue(url);
  const happened: string[] = [];
  const work = Promise.withResolvers<void>();
  await first.jobs.work("index-refs", async () => {
    happened.push("begun");
    await work.promise;
    happened.push("finished");
  });
  await first.send(1);
  await expect.poll(() => happened, { timeout: 5_000 }).toEqual(["begun"]);
  const stopping = first.jobs.stop().then(() => happened.push("stopped"));
  for (let n = 0; n < 20; n++) await first.database.pool.query("select"); // longer than stopping takes without it
  work.resolve();
  await stopping;
  expect(happened).toEqual(["begun", "finished", "stopped"]);

  const sender = await queue(url, "sender");
  await sender.send(2);
  const second = await queue(url);
  const done: number[] = [];
  await second.jobs.work("index-refs", async ({ projectId }) => void done.push(projectId));
  await eventually(
    async () => done.length,
    (length) => length > 0,
    5_000,
  );
  expect(done).toEqual([2]);
  for (const { logged } of [first, sender, second]) expect(logged).toEqual([]);
});

test("a walk goes on where it stands however often a server starts, and begins anew when it has ended", async () => {
  const url = await testDatabase();
  const stopped = await queue(url, "sender"); // a server that stopped in the middle of a walk
  await stopped.jobs.continueWalk("verify-stored", { after: 3 });
  const { jobs } = await queue(url);
  const steps: number[] = [];
  const gate = Promise.withResolvers<void>();
  for (let starts = 0; starts < 3; starts++) await jobs.beginWalk("verify-stored", { after: 0 });
  await jobs.beginWalk("document-module", { after: 0 }); // another walk
  await jobs.work("verify-stored", async ({ after }) => {
    steps.push(after);
    await gate.promise;
    if (after < 5) await jobs.continueWalk("verify-stored", { after: after + 1 });
  });
  await expect.poll(() => steps, { timeout: 5_000 }).toEqual([3]);
  await jobs.beginWalk("verify-stored", { after: 0 }); // while a step of it runs
  gate.resolve();
  await expect.poll(() => steps, { timeout: 10_000 }).toEqual([3, 4, 5]);
  await expect
    .poll(
      async () => {
        await jobs.beginWalk("verify-stored", { after: 4 });
        return steps.length;
      },
      { timeout: 10_000 },
    )
    .toBeGreaterThan(3);
  expect(steps[3]).toBe(4);
  const { rows } = await stopped.database.pool.query(
    "select data from pgboss.job where name = 'document-module' order by created_on",
  );
  expect(rows).toEqual([{ data: { after: 0 } }]);
});

test("a run whose process dies is given up after half a minute, not only after the longest that it may take", async () => {
  const { database, jobs } = await queue(await testDatabase());
  await jobs.work("index-refs", async () => {});
  const { rows } = await database.pool.query(
    "select name, heartbeat_seconds, expire_seconds from pgboss.queue where name in ('build-zips', 'index-refs') order by 1",
  );
  expect(rows).toEqual([
    { name: "build-zips", heartbeat_seconds: 30, expire_seconds: 3600 },
    { name: "index-refs", heartbeat_seconds: 30, expire_seconds: 3600 },
  ]);
});

test("a command that leaves no job touches the queue not at all", async () => {
  const url = await testDatabase();
  const { jobs } = await queue(url, "sender");
  await jobs.stop();
  const client = new pg.Client(url);
  await client.connect();
  atEnd(() => client.end());
  expect((await client.query("select to_regnamespace('pgboss') as schema")).rows).toEqual([{ schema: null }]);
});

test("versions that are named within a second are one job, and the last ones are not lost when the process stops", async () => {
  const url = await testDatabase();
  const done: number[][] = [];
  const worker = await queue(url);
  await worker.jobs.work("describe-module", async (payload) => {
    if ("versionIds" in payload) done.push([...payload.versionIds]);
  });
  for (const id of [1, 2, 3, 2]) worker.jobs.gather("describe-module", id);
  await eventually(
    async () => done.length,
    (length) => length > 0,
    10_000,
  );
  expect(done).toEqual([[1, 2, 3]]);
  const stopping = await queue(url, "sender");
  stopping.jobs.gather("describe-module", 4);
  await stopping.jobs.stop();
  await eventually(
    async () => done.length,
    (length) => length > 1,
    10_000,
  );
  expect(done).toEqual([[1, 2, 3], [4]]);
});

test("who rests waits for the job under way, but not longer than it may", async () => {
  const { jobs, send } = await queue(await testDatabase());
  const begun = Promise.withResolvers<void>();
  const finish = Promise.withResolvers<void>();
  await jobs.work("index-refs", () => {
    begun.resolve();
    return finish.promise;
  });
  await send(1);
  await begun.promise;
  await jobs.rest(10); // an upstream that hangs, a push of 100,000 tags
  let rested = false;
  const resting = jobs.rest().then(() => {
    rested = true;
  });
  await everybodysTurn();
  expect(rested).toBe(false);
  finish.resolve();
  await resting;
});

test("a start that failed, because the database was away, is tried again by who comes next, and leaves no connection", async () => {
  const url = await testDatabase();
  const link = await cuttableLink(Number(new URL(url).port), false);
  const { jobs, database } = await queue(over(link, url), "sender");
  await expect(jobs.sendAlone("index-refs", { projectId: 1 })).rejects.toThrow();
  await link.mend();
  await jobs.sendAlone("index-refs", { projectId: 2 });
  const { rows } = await database.pool.query("SELECT data FROM pgboss.job WHERE name = 'index-refs'");
  expect(rows).toEqual([{ data: { projectId: 2 } }]);
  await jobs.stop();
  const connections = async (): Promise<number> =>
    (
      await database.pool.query(
        "SELECT FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'gokura jobs'",
      )
    ).rows.length;
  await expect.poll(connections).toBe(0);
});
