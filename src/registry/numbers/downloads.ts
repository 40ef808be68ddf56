// How often zips were downloaded, read: all in all from totals, within days from counts by day. Who may see a module may
// see how often it was downloaded. What is counted stands in traffic.ts.
import { invalid } from "../../errors.ts";
import type { Registry } from "../registry.ts";

/** The most days of one history; of a longer period the last ones. */
export const HISTORY_DAYS = 366;

/** Days, UTC, both included; without an end on that side if not given. */
export interface Period {
  readonly from?: Date | null | undefined;
  readonly to?: Date | null | undefined;
}

/** A day with what was counted in it. Days in which nothing was are not there. */
export interface CountedDay {
  readonly day: Date;
  readonly count: bigint;
}

/** Throws invalid for a period that ends before it begins. */
export function checkPeriod(period: Period): Period {
  if (period.from && period.to && period.from > period.to) throw invalid("the period ends before it begins");
  return period;
}

const TABLES = {
  module: { totals: "module_downloads", days: "module_download_day", key: "module_id" },
  version: { totals: "version_downloads", days: "version_download_day", key: "version_id" },
} as const;

/** What is counted. */
export type DownloadSubject = keyof typeof TABLES;

/** Downloads of modules or versions, by their numbers; those never downloaded are not there. Throws as checkPeriod. */
export async function downloadsOf(
  registry: Registry,
  what: DownloadSubject,
  ids: readonly number[],
  period: Period,
): Promise<Map<number, bigint>> {
  const { totals, days, key } = TABLES[what];
  const [from, to] = daysOf(period);
  const { rows } = await registry.database.pool.query<{ id: number; count: string }>(
    from === null && to === null
      ? { text: `SELECT ${key} AS id, total AS count FROM ${totals} WHERE ${key} = ANY($1)`, values: [ids] }
      : {
          text: `SELECT ${key} AS id, sum(count) AS count FROM ${days}
            WHERE ${key} = ANY($1) AND day BETWEEN COALESCE($2::date, '-infinity') AND COALESCE($3::date, 'infinity')
            GROUP BY ${key}`,
          values: [ids, from, to],
        },
  );
  return new Map(rows.map((row) => [row.id, BigInt(row.count)]));
}

/** Downloads of versions or modules day by day, ascending, by their number. */
export async function downloadDaysOf(
  registry: Registry,
  what: DownloadSubject,
  ids: readonly number[],
  period: Period,
): Promise<Map<number, CountedDay[]>> {
  const { days, key } = TABLES[what];
  const { rows } = await registry.database.pool.query<{ id: number; day: string; count: string }>(
    `SELECT list.id, d.day::text, d.count FROM unnest($1::int[]) AS list (id) CROSS JOIN LATERAL (
        SELECT day, count FROM ${days} WHERE ${key} = list.id
          AND day BETWEEN COALESCE($2::date, '-infinity') AND COALESCE($3::date, 'infinity')
        ORDER BY day DESC LIMIT ${HISTORY_DAYS}) AS d
      ORDER BY list.id, d.day`,
    [ids, ...daysOf(period)],
  );
  const found = Map.groupBy(rows, (row) => row.id);
  return new Map([...found].map(([id, list]) => [id, list.map(countedDay)]));
}

/** The most downloaded versions of modules, at most `take` of each, by the module's number. */
export async function downloadedVersions(
  registry: Registry,
  moduleIds: readonly number[],
  period: Period,
  take: number,
): Promise<Map<number, { versionId: number; count: bigint }[]>> {
  const [from, to] = daysOf(period);
  const ever = from === null && to === null;
  const most = ever
    ? "SELECT version_id, total AS count FROM version_downloads WHERE module_id = list.id ORDER BY total DESC, version_id LIMIT $2"
    : `SELECT version_id, sum(count) AS count FROM version_download_day WHERE module_id = list.id
        AND day BETWEEN COALESCE($3::date, '-infinity') AND COALESCE($4::date, 'infinity')
        GROUP BY version_id ORDER BY count DESC, version_id LIMIT $2`;
  const { rows } = await registry.database.pool.query<{ id: number; version_id: number; count: string }>(
    `SELECT list.id, v.version_id, v.count FROM unnest($1::int[]) AS list (id) CROSS JOIN LATERAL (${most}) AS v
      ORDER BY list.id, v.count DESC, v.version_id`,
    [moduleIds, take, ...(ever ? [] : [from, to])],
  );
  const found = Map.groupBy(rows, (row) => row.id);
  const counted = ({ version_id: versionId, count }: (typeof rows)[number]) => ({ versionId, count: BigInt(count) });
  return new Map([...found].map(([id, list]) => [id, list.map(counted)]));
}

/** When versions were last downloaded, to some seconds, by their numbers; those never downloaded are not there. */
export async function lastDownloadsOf(registry: Registry, versionIds: readonly number[]): Promise<Map<number, Date>> {
  const { rows } = await registry.database.pool.query<{ version_id: number; last_at: Date }>(
    "SELECT version_id, last_at FROM version_downloads WHERE version_id = ANY($1)",
    [versionIds],
  );
  return new Map(rows.map((row) => [row.version_id, row.last_at]));
}

/** Days as the database takes them. */
export function daysOf(period: Period): [from: string | null, to: string | null] {
  const { from, to } = checkPeriod(period);
  return [from?.toISOString().slice(0, 10) ?? null, to?.toISOString().slice(0, 10) ?? null];
}

/** A row of the database with a day as text and a count. */
export function countedDay(row: { readonly day: string; readonly count: string }): CountedDay {
  return { day: new Date(`${row.day}T00:00:00Z`), count: BigInt(row.count) };
}
