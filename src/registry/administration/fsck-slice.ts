// How far fsck has come, a slice a week, so that within a quarter everything is read once: which versions and projects, by their
// numbers, the present slice ends with, and how many of them are done. It stands in the database, so that a server which was
// stopped goes on where it was, and of several servers each knows.
import { audit } from "../audit.ts";
import { change } from "../change.ts";
import type { Registry } from "../registry.ts";

/** So many slices are the whole: a quarter has 13 weeks. */
const SLICES = 13;
const WEEK_MS = 7 * 24 * 3_600_000;

/** Versions, or projects: those with greater numbers than `after`, up to `end`. */
export interface IdRange {
  readonly after: number;
  readonly end: number;
}

export interface FsckSlice {
  readonly versions: IdRange;
  readonly projects: IdRange;
  /** Whether nothing comes behind it: the next one begins at the beginning. */
  readonly isLast: boolean;
}

/** What was found, as it is written down. */
export interface FoundProblem {
  readonly fault: string;
  readonly about: string;
  readonly says: string;
}

interface Row {
  readonly versionAfter: number;
  readonly versionEnd: number;
  readonly projectAfter: number;
  readonly projectEnd: number;
  readonly nextAt: Date;
  readonly finishedAt: Date | null;
}

/** When the last slice came to its end, in milliseconds since 1970; undefined: none has. */
export async function lastSlice(registry: Registry): Promise<number | undefined> {
  return (await sliceRow(registry))?.finishedAt?.getTime();
}

/** The slice that is to be examined now, from where it was left; undefined: none is due. */
export async function dueSlice(registry: Registry, now: number): Promise<FsckSlice | undefined> {
  const row = await sliceRow(registry);
  if (row && row.nextAt.getTime() > now) return undefined;
  const isBegun = row && (row.versionAfter < row.versionEnd || row.projectAfter < row.projectEnd);
  const versions = isBegun
    ? { after: row.versionAfter, end: row.versionEnd }
    : await nextStretch(registry, "module_version", row?.versionEnd ?? 0);
  const projects = isBegun
    ? { after: row.projectAfter, end: row.projectEnd }
    : await nextStretch(registry, "project", row?.projectEnd ?? 0);
  await writeDown(registry, { versions, projects }, new Date(now));
  const isLast = !(await isBehind(registry, "module_version", versions.end));
  return { versions, projects, isLast };
}

/** Notes how far a slice is. */
export function noteProgress(registry: Registry, slice: Omit<FsckSlice, "isLast">, now: number): Promise<void> {
  return writeDown(registry, slice, new Date(now));
}

/** Notes that a slice is done: the next one is due in a week. */
export async function finishSlice(registry: Registry, { versions, projects }: FsckSlice, now: number): Promise<void> {
  const done = {
    versions: { after: versions.end, end: versions.end },
    projects: { after: projects.end, end: projects.end },
  };
  await writeDown(registry, done, new Date(now + WEEK_MS), new Date(now));
}

/** Writes a problem into the audit trail. */
export async function recordProblem(registry: Registry, { fault, about, says }: FoundProblem): Promise<void> {
  await change(registry, "", (tx) => audit(tx, "gokura", "fsck.found", about, { fault, says }));
}

async function sliceRow(registry: Registry): Promise<Row | undefined> {
  const { rows } = await registry.database.pool.query<Row>(
    `SELECT version_after AS "versionAfter", version_end AS "versionEnd", project_after AS "projectAfter",
       project_end AS "projectEnd", next_at AS "nextAt", finished_at AS "finishedAt" FROM fsck_slice`,
  );
  return rows[0];
}

/** A thirteenth of all, behind a number; from the beginning where nothing is left behind it. */
async function nextStretch(registry: Registry, table: "module_version" | "project", behind: number): Promise<IdRange> {
  const after = (await isBehind(registry, table, behind)) ? behind : 0;
  const { rows } = await registry.database.pool.query<{ end: number | null }>(
    `SELECT max(id) AS "end" FROM (SELECT id FROM ${table} WHERE id > $1 ORDER BY id
       LIMIT (SELECT ceil(count(*) / ${SLICES}.0) FROM ${table})) AS slice`,
    [after],
  );
  return { after, end: rows[0]!.end ?? after };
}

async function isBehind(registry: Registry, table: "module_version" | "project", id: number): Promise<boolean> {
  const { rowCount } = await registry.database.pool.query(`SELECT FROM ${table} WHERE id > $1 LIMIT 1`, [id]);
  return rowCount === 1;
}

async function writeDown(
  registry: Registry,
  { versions, projects }: Omit<FsckSlice, "isLast">,
  nextAt: Date,
  finishedAt?: Date,
): Promise<void> {
  await registry.database.pool.query(
    `INSERT INTO fsck_slice (version_after, version_end, project_after, project_end, next_at, finished_at)
     VALUES ($1, $2, $3, $4, $5, $6)
     ON CONFLICT (id) DO UPDATE SET version_after = excluded.version_after, version_end = excluded.version_end,
       project_after = excluded.project_after, project_end = excluded.project_end, next_at = excluded.next_at,
       finished_at = COALESCE(excluded.finished_at, fsck_slice.finished_at)`,
    [versions.after, versions.end, projects.after, projects.end, nextAt, finishedAt ?? null],
  );
}
