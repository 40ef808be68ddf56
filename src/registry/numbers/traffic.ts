// What was answered: how often each zip was downloaded, and from where the Go endpoints' answers came. Counting costs a hit
// two additions and touches nothing but memory: the answer that is kept carries its own count (DownloadCount). The database
// hears of all of it every few seconds and at the end, in one statement; servers that share a database add up. A server that
// is killed loses what it counted since (WRITE_EVERY_MS); a database that is away for a while loses nothing.
import type pg from "pg";
import type { Log } from "../../telemetry/log.ts";
import type { CountedTraffic, DownloadCount } from "../registry.ts";
import { SPANS } from "./download-spans.ts";

const WRITE_EVERY_MS = 5_000;
/** How often the ledger of what is stored is folded (StorageChange in prisma/schema.prisma). */
const FOLD_EVERY_MS = 60_000;
/** Rows of the ledger that one statement folds. */
const FOLD_LIMIT = 10_000;

/** Where answers to Go requests came from, how often. */
type Answers = CountedTraffic["answers"];

/** What was counted in a day and is not written down yet. */
interface Uncounted extends Answers {
  downloads: number;
  readonly byVersion: Map<number, number>;
}

class VersionCount implements DownloadCount {
  readonly versionId: number;
  readonly #counted: VersionCount[];
  count = 0;

  constructor(versionId: number, counted: VersionCount[]) {
    this.versionId = versionId;
    this.#counted = counted;
  }

  add(): void {
    if (this.count++ === 0) this.#counted.push(this);
  }
}

/** Options that only tests need. */
export interface TrafficOptions {
  /** Milliseconds since 1970. */
  readonly now?: () => number;
}

export class Traffic implements CountedTraffic {
  readonly #pool: pg.Pool;
  readonly #log: Log;
  readonly #now: () => number;
  /** Those whose count is not 0. */
  readonly #counted: VersionCount[] = [];
  /** By day. More than one only around midnight, or when the database is away. */
  readonly #unwritten = new Map<string, Uncounted>();
  /** The day in which what is being counted now began. */
  #day: string;
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> = Promise.resolve();
  #foldedAt = 0;

  /** Go requests since the last time that this was written down, by where the answer came from. */
  readonly answers: Answers = { memory: 0, stored: 0, upstream: 0 };

  constructor(pool: pg.Pool, log: Log, { now = Date.now }: TrafficOptions = {}) {
    this.#pool = pool;
    this.#log = log;
    this.#now = now;
    this.#day = dayOf(now());
    this.#wait();
  }

  countOf(versionId: number): DownloadCount {
    return new VersionCount(versionId, this.#counted);
  }

  write(): Promise<void> {
    this.#gather();
    this.#writing = this.#writing.then(() => this.#writeDays());
    return this.#writing;
  }

  async close(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    await this.write();
  }

  /** Until the next time; a day ends on time. */
  #wait(): void {
    const now = this.#now();
    const untilMidnight = 86_400_000 - (now % 86_400_000);
    this.#timer = setTimeout(
      () => {
        const timer = this.#timer;
        void this.write().then(async () => {
          await this.fold();
          if (this.#timer === timer) this.#wait();
        });
      },
      Math.min(WRITE_EVERY_MS, untilMidnight),
    ).unref();
  }

  #gather(): void {
    const day = this.#day;
    this.#day = dayOf(this.#now());
    const { memory, stored, upstream } = this.answers;
    if (memory + stored + upstream + this.#counted.length === 0) return;
    const gathered = this.#unwritten.get(day) ?? {
      ...{ memory: 0, stored: 0, upstream: 0, downloads: 0 },
      byVersion: new Map(),
    };
    this.#unwritten.set(day, gathered);
    gathered.memory += memory;
    gathered.stored += stored;
    gathered.upstream += upstream;
    this.answers.memory = 0;
    this.answers.stored = 0;
    this.answers.upstream = 0;
    for (const counted of this.#counted.splice(0)) {
      gathered.downloads += counted.count;
      gathered.byVersion.set(counted.versionId, (gathered.byVersion.get(counted.versionId) ?? 0) + counted.count);
      counted.count = 0;
    }
  }

  async #writeDays(): Promise<void> {
    for (const [day, counted] of [...this.#unwritten]) {
      this.#unwritten.delete(day);
      try {
        await this.#pool.query(WRITE, [
          day,
          [...counted.byVersion.keys()],
          [...counted.byVersion.values()],
          ...[counted.downloads, counted.memory, counted.stored, counted.upstream],
        ]);
      } catch (error) {
        this.#log.warn({ err: error }, "could not write down what was downloaded; it is tried again");
        this.#keep(day, counted);
      }
    }
  }

  /** Takes back what could not be written, beside what was counted meanwhile. */
  #keep(day: string, counted: Uncounted): void {
    const since = this.#unwritten.get(day);
    if (since) {
      for (const key of ["downloads", "memory", "stored", "upstream"] as const) counted[key] += since[key];
      for (const [id, count] of since.byVersion) counted.byVersion.set(id, (counted.byVersion.get(id) ?? 0) + count);
    }
    this.#unwritten.set(day, counted);
  }

  /** Folds the ledger of what is stored, if it is time. */
  async fold(): Promise<void> {
    const now = this.#now();
    if (now - this.#foldedAt < FOLD_EVERY_MS) return;
    this.#foldedAt = now;
    await this.#pool
      .query(FOLD, [FOLD_LIMIT])
      .catch((error) => this.#log.warn({ err: error }, "could not fold the ledger of what is stored"));
  }
}

function dayOf(time: number): string {
  return new Date(time).toISOString().slice(0, 10);
}

// A version that is being deleted is passed over, not waited for: its deletion may be waiting for one that we have locked.
// All servers go through the rows in the same order, so none waits for another that waits for it.
const WRITE = `WITH counted AS MATERIALIZED (
    SELECT v.id AS version_id, v.module_id, c.count
    FROM unnest($2::int[], $3::bigint[]) AS c (version_id, count) JOIN module_version v ON v.id = c.version_id
    ORDER BY v.id FOR KEY SHARE OF v SKIP LOCKED),
  of_modules AS (SELECT module_id, sum(count)::bigint AS count FROM counted GROUP BY module_id ORDER BY module_id),
  version_totals AS (
    INSERT INTO version_downloads AS old (version_id, module_id, total, last_at)
      SELECT version_id, module_id, count, now() FROM counted ORDER BY version_id
    ON CONFLICT (version_id) DO UPDATE SET total = old.total + EXCLUDED.total, last_at = EXCLUDED.last_at),
  version_days AS (
    INSERT INTO version_download_day AS old (version_id, day, module_id, count)
      SELECT version_id, $1::date, module_id, count FROM counted ORDER BY version_id
    ON CONFLICT (version_id, day) DO UPDATE SET count = old.count + EXCLUDED.count),
  module_totals AS (
    INSERT INTO module_downloads AS old (module_id, total) SELECT module_id, count FROM of_modules ORDER BY module_id
    ON CONFLICT (module_id) DO UPDATE SET total = old.total + EXCLUDED.total),
  module_days AS (
    INSERT INTO module_download_day AS old (module_id, day, count)
      SELECT module_id, $1::date, count FROM of_modules ORDER BY module_id
    ON CONFLICT (module_id, day) DO UPDATE SET count = old.count + EXCLUDED.count),
  module_spans AS (
    INSERT INTO module_download_span AS old (module_id, days, start, count)
      SELECT module_id, s.days, '1970-01-01'::date + ($1::date - '1970-01-01'::date) / s.days * s.days, count
      FROM of_modules, unnest('{${SPANS.join(",")}}'::smallint[]) AS s (days) ORDER BY module_id, s.days
    ON CONFLICT (module_id, days, start) DO UPDATE SET count = old.count + EXCLUDED.count)
  INSERT INTO traffic_day AS old (day, downloads, memory, stored, upstream) VALUES ($1::date, $4, $5, $6, $7)
  ON CONFLICT (day) DO UPDATE SET downloads = old.downloads + EXCLUDED.downloads, memory = old.memory + EXCLUDED.memory,
    stored = old.stored + EXCLUDED.stored, upstream = old.upstream + EXCLUDED.upstream`;

// Many small rows become one for each origin; their sum, which is what is read, is at every moment the same.
const FOLD = `WITH folded AS (
    DELETE FROM storage_change WHERE id IN (SELECT id FROM storage_change ORDER BY id LIMIT $1 FOR UPDATE SKIP LOCKED)
    RETURNING origin, modules, versions, bytes)
  INSERT INTO storage_change (origin, modules, versions, bytes)
    SELECT origin, sum(modules), sum(versions), sum(bytes) FROM folded GROUP BY origin`;
