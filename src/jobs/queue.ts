// Work that a request leaves behind, on pg-boss in the same database: a job exists if and only if the transaction that
// causes it commits, survives a crash, and is tried again when it fails. What each job means stands in its own file; what
// it does is given to `work` by app.ts.
import { setTimeout as delay } from "node:timers/promises";
import type { PgBoss, SendOptions } from "pg-boss";
import { createSingleFlight } from "../concurrency/single-flight.ts";
import type { Transaction } from "../database/client.ts";
import { type Connections, openConnections } from "../database/connections.ts";
import type { Log } from "../telemetry/log.ts";
import type { Metrics } from "../telemetry/metrics.ts";
import { inSpan } from "../telemetry/tracing.ts";
import { type BuildZipsPayload, buildZips } from "./build-zips.ts";
import { type DescribeModulePayload, describeModule } from "./describe-module.ts";
import { type DocumentModulePayload, documentModule } from "./document-module.ts";
import { type IndexRefsPayload, indexRefs } from "./index-refs.ts";
import type { JobDefinition } from "./job-definition.ts";
import { type JudgeStoredPayload, judgeStored } from "./judge-stored.ts";
import { type LogSumsPayload, logSums } from "./log-sums.ts";
import { type VerifyStoredPayload, verifyStored } from "./verify-stored.ts";

/** Where pg-boss keeps its tables. */
export const JOB_SCHEMA = "pgboss";

/** What the jobs of a walk have as their key. */
const WALK = "walk";
const CONNECTIONS = 4;
const STOP_PATIENCE_MS = 20_000;
/** A run whose process has not been heard of for so long is lost, and tried again by another. */
const HEARTBEAT_SECONDS = 30;
/** How long versions are gathered for one job, and how many at the most. */
const GATHER_MS = 1_000;
const MAX_GATHERED = 200;
/** How often a job is looked for of which no notice comes: one that failed and is to be tried again. */
const LOOK_SECONDS = 5;
/** How often the queue looks for lost runs. */
const SUPERVISE_SECONDS = 30;

export interface JobPayloads {
  "index-refs": IndexRefsPayload;
  "build-zips": BuildZipsPayload;
  "describe-module": DescribeModulePayload;
  "document-module": DocumentModulePayload;
  "judge-stored": JudgeStoredPayload;
  "log-sums": LogSumsPayload;
  "verify-stored": VerifyStoredPayload;
}

export type JobName = keyof JobPayloads;

/** Told how much of a job is done, of how much. */
export type TellProgress = (done: number, total: number) => Promise<void>;

const DEFINITIONS: readonly (JobDefinition & { readonly name: JobName })[] = [
  indexRefs,
  buildZips,
  describeModule,
  documentModule,
  judgeStored,
  logSums,
  verifyStored,
];

export interface Jobs {
  /** Leaves a job behind, in the transaction that causes it. */
  send<N extends JobName>(tx: Transaction, name: N, payload: JobPayloads[N]): Promise<void>;
  /** Leaves a job behind that no transaction causes. It needs no Prisma, whose engine a start does not load. */
  sendAlone<N extends JobName>(name: N, payload: JobPayloads[N]): Promise<void>;
  /**
   * Leaves the first job of a walk behind: each job of a walk takes some of what there is and leaves the next one (continueWalk).
   * Where a walk of that kind is under way, from an earlier start too, nothing is left: it comes to the rest.
   */
  beginWalk<N extends JobName>(name: N, first: JobPayloads[N]): Promise<void>;
  /** Leaves the next job of a walk behind. */
  continueWalk<N extends JobName>(name: N, next: JobPayloads[N]): Promise<void>;
  /** Leaves a job behind in the transaction that causes it, unless an equal one was left in the last `seconds`. */
  sendOnceIn<N extends JobName>(seconds: number, tx: Transaction, name: N, payload: JobPayloads[N]): Promise<void>;
  /**
   * Leaves one job behind for all versions that are named within a second. They are forgotten if the process is killed
   * meanwhile: for work that may be made up for later. Nothing waits for it, nor fails.
   */
  gather(name: "describe-module", versionId: number): void;
  /**
   * Begins to do jobs of a kind. Jobs with equal payloads that wait together are done once. `tell` writes down how far one is,
   * for people who look at it.
   */
  work<N extends JobName>(name: N, run: (payload: JobPayloads[N], tell: TellProgress) => Promise<void>): Promise<void>;
  /** Does no more jobs, of any kind, after those under way; one that takes longer than `patienceMs` is waited for no more. */
  rest(patienceMs?: number): Promise<void>;
  /** Makes sure that the tables of the queue are there. */
  ready(): Promise<void>;
  /** Has a job that failed for good tried once more. */
  retry(name: JobName, id: string): Promise<void>;
  /** Lets running jobs finish (bounded), then lets go of the database. */
  stop(): Promise<void>;
}

/**
 * Opens the queue. A server works on it and supervises it; other processes (the CLI) only leave jobs behind, and touch
 * the queue, and load what it is made of, first when they do.
 */
export function openJobs(
  url: string,
  role: "worker" | "sender",
  log: Log,
  metrics: Metrics,
  { stream }: Connections = openConnections(),
): Jobs {
  let stopping = false;
  /** Whether a job that is under way was waited for already. */
  let isOverdue = false;
  let started: Promise<PgBoss> | undefined;
  const start = async (): Promise<PgBoss> => {
    const { PgBoss } = await import("pg-boss");
    const connection = { connectionString: url, stream }; // pg-boss hands on to pg what is said of connections
    const boss = new PgBoss({
      ...connection,
      schema: JOB_SCHEMA,
      application_name: "gokura jobs",
      max: role === "worker" ? CONNECTIONS : 1,
      useListenNotify: role === "worker",
      supervise: role === "worker",
      superviseIntervalSeconds: SUPERVISE_SECONDS,
      monitorIntervalSeconds: SUPERVISE_SECONDS,
      schedule: false,
    });
    boss.on("error", (error) => {
      if (!stopping) log.warn({ err: error }, "the job queue lost the database for a moment");
    });
    try {
      await boss.start();
      for (const { name, expireInSeconds } of DEFINITIONS)
        await boss.createQueue(name, {
          notify: true,
          retryLimit: 5,
          retryDelay: 1,
          retryBackoff: true,
          retryDelayMax: 300,
          expireInSeconds,
          heartbeatSeconds: HEARTBEAT_SECONDS,
        });
      return boss;
    } catch (error) {
      await boss.stop({ graceful: false }).catch(() => {});
      throw error;
    }
  };
  /** Who comes after a start that failed begins another: the database may be back. */
  const running = (): Promise<PgBoss> => {
    started ??= start().catch((error: unknown) => {
      started = undefined;
      throw error;
    });
    return started;
  };
  const leave = async (tx: Transaction, name: JobName, payload: object, options: SendOptions = {}): Promise<void> => {
    const boss = await running();
    const { fromPrisma } = await import("pg-boss");
    await boss.send(name, payload, { db: fromPrisma(tx), ...options });
  };
  const leaveAlone = async <N extends JobName>(name: N, payload: JobPayloads[N]): Promise<void> => {
    const boss = await running();
    await boss.send(name, payload);
  };
  const gathered = new Set<number>();
  let gathering: NodeJS.Timeout | undefined;
  const leaveGathered = async (): Promise<void> => {
    clearTimeout(gathering);
    gathering = undefined;
    const versionIds = [...gathered];
    gathered.clear();
    if (versionIds.length === 0) return;
    await leaveAlone("describe-module", { versionIds });
  };
  const leaveGatheredSoon = (): void => {
    leaveGathered().catch((error: unknown) =>
      log.warn({ err: error }, "some modules are not described yet; the next start will see to it"),
    );
  };
  return {
    gather(_, versionId) {
      gathered.add(versionId);
      if (gathered.size >= MAX_GATHERED) leaveGatheredSoon();
      else gathering ??= setTimeout(leaveGatheredSoon, GATHER_MS);
    },
    async ready() {
      await running();
    },
    send: (tx, name, payload) => leave(tx, name, payload),
    sendAlone: leaveAlone,
    async beginWalk(name, first) {
      const boss = await running();
      if (!(await isWalking(boss, name))) await boss.send(name, first, { singletonKey: WALK });
    },
    async continueWalk(name, next) {
      const boss = await running();
      await boss.send(name, next, { singletonKey: WALK });
    },
    sendOnceIn: (seconds, tx, name, payload) =>
      leave(tx, name, payload, { singletonKey: JSON.stringify(payload), singletonSeconds: seconds }),
    async work(name, run) {
      const boss = await running();
      const { batchSize } = DEFINITIONS.find((definition) => definition.name === name)!;
      // A batch size of 1 would stall: wake-ups coalesce, and the rest of a burst would wait for the next poll.
      const options = {
        batchSize,
        burstWhenBatchFull: true,
        pollingIntervalSeconds: 0.5,
        notifyPollingIntervalSeconds: LOOK_SECONDS,
      };
      await boss.work<JobPayloads[typeof name]>(name, { ...options, perJobResults: true }, async (jobs) => {
        const runs = createSingleFlight<string, JobProgress | undefined>();
        const running = Map.groupBy(jobs, ({ data }) => JSON.stringify(data));
        return Promise.all(
          jobs.map(async ({ id, data }) => {
            const key = JSON.stringify(data);
            try {
              const output = await runs.run(key, async () => {
                let progress: JobProgress | undefined;
                const tell = async (done: number, total: number): Promise<void> => {
                  progress = { done, total };
                  await writeProgress(
                    boss,
                    running.get(key)!.map((job) => job.id),
                    progress,
                  );
                };
                const nothing = (): Record<string, never> => ({});
                await inSpan(`job ${name}`, "internal", nothing, () => run(data, tell));
                return progress;
              });
              return { id, status: "completed" as const, ...(output ? { output } : {}) };
            } catch (error) {
              metrics.jobsFailed.inc({ job: name });
              log.error(
                { err: error, job: name, payload: data as object },
                "a job failed; it is tried again up to five times",
              );
              return { id, status: "failed" as const, output: { message: String(error) } };
            }
          }),
        );
      });
    },
    async rest(patienceMs = STOP_PATIENCE_MS) {
      const boss = await started;
      isOverdue = true;
      const resting = Promise.all(DEFINITIONS.map(({ name }) => boss?.offWork(name, { wait: true }))).then(() => {
        isOverdue = false;
      });
      const patience = new AbortController();
      const late = delay(patienceMs, undefined, { signal: patience.signal }).catch(() => {});
      await Promise.race([resting, late]).finally(() => patience.abort());
    },
    async retry(name, id) {
      const boss = await running();
      await boss.retry(name, id);
    },
    async stop() {
      if (stopping) return;
      await leaveGathered().catch(() => {}); // the next start will see to it
      if (started === undefined) return;
      const boss = await started.catch(() => undefined);
      stopping = true;
      await boss?.stop({ graceful: true, timeout: isOverdue ? 0 : STOP_PATIENCE_MS });
    },
  };
}

/** Whether a job of a walk waits or runs. The server that leads asks, one at a time. */
async function isWalking(boss: PgBoss, name: JobName): Promise<boolean> {
  const { rows } = await boss
    .getDb()
    .executeSql(`SELECT FROM ${JOB_SCHEMA}.job WHERE name = $1 AND singleton_key = $2 AND state <= 'active' LIMIT 1`, [
      name,
      WALK,
    ]);
  return rows.length > 0;
}

interface JobProgress {
  readonly done: number;
  readonly total: number;
}

/** Where the output of a job that is done stands: until then nothing else is there. */
async function writeProgress(boss: PgBoss, ids: readonly string[], progress: JobProgress): Promise<void> {
  await boss
    .getDb()
    .executeSql(`UPDATE ${JOB_SCHEMA}.job SET output = $2::jsonb WHERE id = ANY($1::uuid[]) AND state = 'active'`, [
      ids,
      JSON.stringify(progress),
    ]);
}
