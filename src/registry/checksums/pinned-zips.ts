// Every hosted version whose zip is pinned gets its record, whether or not anybody asks for it: a name that is logged early
// cannot be given other content later, and its first lookup waits for nothing. A job does it, after each zip that is made and
// at each start for all that have none yet.
import { isFailure } from "../../errors.ts";
import type { LogSumsPayload } from "../../jobs/log-sums.ts";
import type { Registry } from "../registry.ts";
import { ensureRecord } from "./checksum-log.ts";
import type { ChecksumLog } from "./log-state.ts";

/** Versions that get a record in one run; the rest is the next run's. */
const AT_ONCE = 1_000;
/**
 * Numbers of versions that are looked at in one run. Nearly all have their record, and to look at a million takes the database
 * seconds, which whoever has just come to lead needs for pushes.
 */
const LOOKED_AT = 20_000;

/** Logs what is pinned and has no record: versions with numbers greater than `after`, up to `upTo`. Leaves a job for more. */
export async function logPinnedZips(log: ChecksumLog, { after, upTo }: LogSumsPayload): Promise<void> {
  const { registry } = log;
  if (log.state.closed !== undefined) return; // the next start will see to it
  const last = upTo ?? (await lastNumber(registry));
  const until = Math.min(last, after + LOOKED_AT);
  const { rows } = await registry.database.pool.query<{ id: number; path: string; version: string }>(
    `SELECT v.id, m.path, v.version FROM module_version v JOIN module m ON m.id = v.module_id
      WHERE v.id > $1 AND v.id <= $3 AND v.h1 IS NOT NULL AND m.origin = 'HOSTED'
        AND NOT EXISTS (SELECT FROM sum_record r WHERE r.path = m.path AND r.version = v.version)
      ORDER BY v.id LIMIT $2`,
    [after, AT_ONCE, until],
  );
  await Promise.all(
    rows.map(({ path: modulePath, version }) =>
      ensureRecord(log, { modulePath, version }).catch((error: unknown) => {
        if (!isFailure(error, "not-found")) throw error; // it was deleted meanwhile
      }),
    ),
  );
  const seen = rows.length === AT_ONCE ? rows.at(-1)!.id : until;
  if (seen < last)
    await registry.jobs.continueWalk("log-sums", { after: seen, ...(upTo === undefined ? {} : { upTo }) });
}

/** The number of the newest version; 0: there is none. */
async function lastNumber({ database }: Registry): Promise<number> {
  const { rows } = await database.pool.query<{ last: number | null }>("SELECT max(id) AS last FROM module_version");
  return rows[0]?.last ?? 0;
}
