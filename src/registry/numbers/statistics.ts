// What the whole instance holds and does, in numbers that are kept as things happen (traffic.ts; triggers), so that asking
// costs the same however many versions there are. For administrators; but which modules are downloaded most anybody may ask,
// and is told of those whose modules may be listed.
import { isAdministrator } from "../access/access.ts";
import { checkPageSize } from "../lists/keyset-page.ts";
import { findableBy, isFindable } from "../modules/module-visibility.ts";
import type { Principal } from "../principal.ts";
import type { Registry } from "../registry.ts";
import { downloadSpans, type Span } from "./download-spans.ts";
import { type CountedDay, countedDay, daysOf, HISTORY_DAYS, type Period } from "./downloads.ts";

/** What is stored of one origin. */
export interface StorageRow {
  readonly origin: "HOSTED" | "UPSTREAM";
  readonly modules: bigint;
  /** Pseudo-versions too, and of modules from upstream also those of which only the .info or go.mod was asked for. */
  readonly versions: bigint;
  /** Bytes of zips. */
  readonly bytes: bigint;
}

/** Where answers to Go requests came from, in a day. */
export interface AnswerDay {
  readonly day: Date;
  readonly memory: bigint;
  readonly stored: bigint;
  readonly upstream: bigint;
}

/**
 * The modules that were downloaded most, of those that the principal may list. Within a period not all that were downloaded
 * are added up but those that lead in one of its spans (the threshold algorithm: Fagin, Lotem and Naor, "Optimal aggregation
 * algorithms for middleware"). Whatever leads in none was downloaded no more often than the last leaders of all spans
 * together, so who is above that is certain; only if these are too few, everything is added up.
 */
export async function topModules(
  registry: Registry,
  principal: Principal,
  period: Period,
  take: number,
): Promise<{ moduleId: number; count: bigint }[]> {
  const [from, to] = daysOf(period);
  const { visibilities, projectIds, hidden } = await findableBy(registry, principal);
  const most = async (counts: string, values: readonly unknown[] = []) => {
    const { rows } = await registry.database.pool.query<{ module_id: number; total: string }>(
      `SELECT d.module_id, d.total FROM ${counts} AS d JOIN module_search s ON s.module_id = d.module_id
        WHERE ${isFindable("$2", "$3", "$4")} ORDER BY d.total DESC, d.module_id LIMIT $1`,
      [checkPageSize(take), visibilities, projectIds, hidden, ...values],
    );
    return rows.map((row) => ({ moduleId: row.module_id, count: BigInt(row.total) }));
  };
  if (from === null && to === null) return most("module_downloads");
  const spans = await spansWithin(registry, from, to);
  const whole = spans.filter(({ days }) => days > 1);
  const single = spans.filter(({ days }) => days === 1);
  const within = [single.map(({ start }) => start), whole.map(({ days }) => days), whole.map(({ start }) => start)];
  const certain = await most(SUMS_OF_LEADERS, [...within, take * LEADERS_PER_ROW]);
  return certain.length === take ? certain : most(SUMS_OF_ALL, within);
}

/** How many leaders of each span are looked at for each module asked for: some lead in one span only, some are hidden. */
const LEADERS_PER_ROW = 5;

const COUNTED_IN_DAYS = "unnest($5::date[]) AS single (day) JOIN module_download_day USING (day)";
const COUNTED_IN_SPANS =
  "unnest($6::smallint[], $7::date[]) AS span (days, start) JOIN module_download_span USING (days, start)";

/** Sorted before it is asked who may see them: that is then asked of no more than are needed. */
const SUMS_OF_ALL = `(
  SELECT module_id, sum(count) AS total
  FROM (SELECT module_id, count FROM ${COUNTED_IN_DAYS} UNION ALL SELECT module_id, count FROM ${COUNTED_IN_SPANS}) AS counted
  GROUP BY module_id ORDER BY total DESC, module_id)`;

/** Of those that lead in a span, $8 of each, the sums that are certain to be above those of all others. */
const SUMS_OF_LEADERS = `(
  WITH leader AS MATERIALIZED (
    SELECT 1 AS days, day AS start, d.* FROM unnest($5::date[]) AS single (day) CROSS JOIN LATERAL (
      SELECT module_id, count FROM module_download_day WHERE day = single.day ORDER BY count DESC LIMIT $8::int) AS d
    UNION ALL
    SELECT span.*, d.* FROM unnest($6::smallint[], $7::date[]) AS span (days, start) CROSS JOIN LATERAL (
      SELECT module_id, count FROM module_download_span WHERE days = span.days AND start = span.start
      ORDER BY count DESC LIMIT $8::int) AS d),
  others AS (
    SELECT sum(most) AS most
    FROM (SELECT CASE count(*) WHEN $8::int THEN min(count) ELSE 0 END AS most FROM leader GROUP BY days, start) AS of_span)
  SELECT module_id, sum(count) AS total FROM (SELECT DISTINCT module_id FROM leader) AS candidate CROSS JOIN LATERAL (
    SELECT count FROM ${COUNTED_IN_DAYS} WHERE module_id = candidate.module_id
    UNION ALL SELECT count FROM ${COUNTED_IN_SPANS} WHERE module_id = candidate.module_id) AS counted
  GROUP BY module_id HAVING sum(count) > (SELECT most FROM others))`;

/** The spans of a period, as far as anything was ever counted in it. */
async function spansWithin(registry: Registry, from: string | null, to: string | null): Promise<Span[]> {
  const { rows } = await registry.database.pool.query<{ first: string | null; last: string }>(
    `SELECT greatest(min(day), $1::date)::text AS first, least(max(day), $2::date)::text AS last FROM module_download_day`,
    [from, to],
  );
  const { first, last } = rows[0]!;
  return first === null || last === null ? [] : downloadSpans(new Date(first), new Date(last));
}

/** Downloads by day, ascending; undefined for all but administrators, as are all below. */
export function downloadDays(
  registry: Registry,
  principal: Principal,
  period: Period,
): Promise<CountedDay[] | undefined> {
  return history(registry, principal, "traffic_day", "downloads", period);
}

/** Versions that entered the index, by day, ascending. */
export function publicationDays(
  registry: Registry,
  principal: Principal,
  period: Period,
): Promise<CountedDay[] | undefined> {
  return history(registry, principal, "index_day", "versions", period);
}

/** Answers to Go requests by day, ascending. */
export async function answerDays(
  registry: Registry,
  principal: Principal,
  period: Period,
): Promise<AnswerDay[] | undefined> {
  if (!isAdministrator(principal)) return undefined;
  const { rows } = await registry.database.pool.query<
    { day: string } & Record<"memory" | "stored" | "upstream", string>
  >(
    `SELECT day::text, memory, stored, upstream FROM traffic_day WHERE ${BETWEEN} ORDER BY traffic_day.day DESC LIMIT ${HISTORY_DAYS}`,
    daysOf(period),
  );
  return rows.reverse().map(({ day, memory, stored, upstream }) => ({
    ...{ day: countedDay({ day, count: "0" }).day, memory: BigInt(memory) },
    ...{ stored: BigInt(stored), upstream: BigInt(upstream) },
  }));
}

/** What is stored, by origin. */
export async function storageByOrigin(registry: Registry, principal: Principal): Promise<StorageRow[] | undefined> {
  if (!isAdministrator(principal)) return undefined;
  const { rows } = await registry.database.pool.query<{ origin: StorageRow["origin"] } & Record<string, string>>(
    `SELECT o.origin, COALESCE(sum(modules), 0) AS modules, COALESCE(sum(versions), 0) AS versions,
        COALESCE(sum(bytes), 0) AS bytes
      FROM unnest(enum_range(NULL::"ModuleOrigin")) AS o (origin) LEFT JOIN storage_change USING (origin)
      GROUP BY o.origin ORDER BY o.origin`,
  );
  return rows.map(({ origin, modules, versions, bytes }) => ({
    ...{ origin, modules: BigInt(modules!), versions: BigInt(versions!), bytes: BigInt(bytes!) },
  }));
}

const BETWEEN = "day BETWEEN COALESCE($1::date, '-infinity') AND COALESCE($2::date, 'infinity')";

async function history(
  registry: Registry,
  principal: Principal,
  table: "traffic_day" | "index_day",
  column: "downloads" | "versions",
  period: Period,
): Promise<CountedDay[] | undefined> {
  if (!isAdministrator(principal)) return undefined;
  const { rows } = await registry.database.pool.query<{ day: string; count: string }>(
    `SELECT day::text, ${column} AS count FROM ${table} WHERE ${BETWEEN} AND ${column} > 0
      ORDER BY ${table}.day DESC LIMIT ${HISTORY_DAYS}`,
    daysOf(period),
  );
  return rows.reverse().map(countedDay);
}
