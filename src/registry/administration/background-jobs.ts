// The work that requests left behind, for administrators to look at: what waits, what runs, what failed and why; and how to
// have it tried again. Done jobs are kept for a week (pg-boss's deleteAfterSeconds), failed ones too.

import { invalid, notFound } from "../../errors.ts";
import { JOB_SCHEMA, type JobName } from "../../jobs/queue.ts";
import { demandAdministrator } from "../access/access.ts";
import { audit } from "../audit.ts";
import { change } from "../change.ts";
import { type KeysetPage, keysetPage, type PageRequest } from "../lists/keyset-page.ts";
import type { Principal } from "../principal.ts";
import type { Registry } from "../registry.ts";
import { isKeepable } from "../text.ts";

/** The states of pg-boss, in its words. */
export type JobState = "created" | "retry" | "active" | "completed" | "cancelled" | "failed";

export interface JobRow {
  /** A UUID. */
  readonly id: string;
  readonly name: string;
  readonly state: JobState;
  readonly data: object;
  /** How often it was tried again. */
  readonly retries: number;
  /** What the last run failed with. */
  readonly error: string | null;
  /** How far it is, or was at its end: so much of so much; null where it does not say. */
  readonly done: number | null;
  readonly total: number | null;
  readonly createdAt: Date;
  readonly startedAt: Date | null;
  readonly endedAt: Date | null;
  /** Sorts as createdAt, and is unique. */
  readonly key: string;
}

export interface JobFilter {
  readonly name?: string | null | undefined;
  readonly state?: JobState | null | undefined;
}

const COLUMNS = `id::text, name, state::text, data, retry_count AS retries, output->>'message' AS error,
  (output->>'done')::int AS done, (output->>'total')::int AS total,
  created_on AS "createdAt", started_on AS "startedAt", completed_on AS "endedAt"`;
const KEY = `(to_char(created_on AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US ') || id) COLLATE "C"`;
/** Queues of pg-boss itself. */
const OURS = "name NOT LIKE '\\_\\_pgboss%'";

/** Jobs, the last one first. Administrators. */
export async function listJobs(
  registry: Registry,
  principal: Principal,
  { name, state }: JobFilter,
  request: PageRequest,
): Promise<KeysetPage<JobRow>> {
  demandAdministrator(principal);
  if (name != null && !isKeepable(name)) throw invalid("the name of a job must be Unicode, without NUL");
  await registry.jobs.ready();
  return keysetPage<JobRow, string>(request, {
    keyType: "string",
    order: "desc",
    key: (job) => job.key,
    async read({ gt, lt }, order, take) {
      const { rows } = await registry.database.pool.query<JobRow>(
        `SELECT ${COLUMNS}, ${KEY} AS key FROM ${JOB_SCHEMA}.job
         WHERE ${OURS} AND ($1::text IS NULL OR name = $1) AND ($2::text IS NULL OR state::text = $2)
           AND ($3::text IS NULL OR ${KEY} > $3) AND ($4::text IS NULL OR ${KEY} < $4)
         ORDER BY ${KEY} ${order} LIMIT $5`,
        [name ?? null, state ?? null, gt ?? null, lt ?? null, take],
      );
      return rows;
    },
  });
}

/** Has a job that failed for good tried once more. Throws not-found for any other. Administrators. */
export async function retryJob(registry: Registry, principal: Principal, id: string): Promise<JobRow> {
  demandAdministrator(principal);
  await registry.jobs.ready();
  const job = await findJob(registry, id);
  if (job?.state !== "failed") throw notFound(`there is no failed job ${id.slice(0, 60)}; list them by state FAILED`);
  await registry.jobs.retry(job.name as JobName, job.id);
  await change(registry, "", (tx) => audit(tx, principal, "job.retry", job.name, { job: job.id }));
  return (await findJob(registry, id)) ?? job;
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

async function findJob(registry: Registry, id: string): Promise<JobRow | undefined> {
  if (!UUID.test(id)) return undefined;
  const { rows } = await registry.database.pool.query<JobRow>(
    `SELECT ${COLUMNS}, ${KEY} AS key FROM ${JOB_SCHEMA}.job WHERE id = $1::uuid AND ${OURS}`,
    [id],
  );
  return rows[0];
}
