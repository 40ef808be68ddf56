// When mirrors look at their remotes. The row of a mirror is its own job: it says when the next look is due, a process takes it
// by saying that a look is under way, and what came of it is written with the time of the next. So a look is never lost and
// never done twice, hundreds of idle mirrors cost one small statement for each look, and whoever wants one sooner (a hook, a
// client, a person) moves the time forward. A look that a crash cut off is taken up by the next start, and one that trouble of
// the database cut off by whoever leads.
import { inTransaction } from "../../database/sql.ts";
import type { Registry } from "../registry.ts";
import { type MirrorRow, WITH_REMOTE } from "../rows.ts";
import { announce } from "./hook-events.ts";

/** A look that is under way for so long belongs to nobody any more. */
const LEASE = "30 minutes";
/** The last error is one sentence. */
const MAX_ERROR = 500;

/** A look that was begun. */
export interface BegunLook {
  readonly mirror: MirrorRow;
  /** Until when it is ours; moved meanwhile, another look is wanted after this one. */
  readonly lease: Date;
}

/**
 * Begins the look that is due the longest, of a mirror whose host (with its port) is none of some; undefined: none is due.
 */
export async function beginDueLook(registry: Registry, busyHosts: readonly string[]): Promise<BegunLook | undefined> {
  const { rows } = await registry.database.pool.query<{ id: number; lease: Date }>(
    `UPDATE mirror SET look_started_at = now(), next_look_at = date_trunc('milliseconds', now()) + interval '${LEASE}'
      WHERE id = (SELECT m.id FROM mirror m JOIN project p ON p.id = m.project_id
        WHERE m.enabled AND NOT p.archived AND m.next_look_at <= now()
          AND (m.look_started_at IS NULL OR m.look_started_at < now() - interval '${LEASE}')
          AND substring(m.url from '^[a-z]+://(?:[^/@]*@)?([^/]+)') <> ALL ($1)
        ORDER BY m.next_look_at LIMIT 1 FOR UPDATE OF m SKIP LOCKED)
      RETURNING id, next_look_at AS lease`,
    [busyHosts],
  );
  const [begun] = rows;
  if (!begun) return undefined;
  const mirror = await registry.prisma.mirror.findUnique({ where: { id: begun.id }, include: WITH_REMOTE });
  return mirror ? { mirror, lease: begun.lease } : undefined;
}

/** Milliseconds until the next look is due; undefined: no mirror is on, of a project that is not archived. */
export async function untilNextLook(registry: Registry): Promise<number | undefined> {
  const { rows } = await registry.database.pool.query<{ ms: string | null }>(
    `SELECT extract(epoch FROM min(m.next_look_at) - now()) * 1000 AS ms FROM mirror m JOIN project p ON p.id = m.project_id
      WHERE m.enabled AND NOT p.archived AND (m.look_started_at IS NULL OR m.look_started_at < now() - interval '${LEASE}')`,
  );
  const ms = rows[0]?.ms;
  return ms == null ? undefined : Math.max(Number(ms), 0);
}

/** What came of a look. */
export interface EndedLook {
  /** Milliseconds until the next one. */
  readonly nextInMs: number;
  /** Undefined: it went well. */
  readonly error?: string | undefined;
  /** Whether something had changed there. */
  readonly changed?: boolean;
  /** Of the refs that are fetched by now. */
  readonly refsDigest?: string | undefined;
}

/**
 * Writes down what came of a look. The next one is when `nextInMs` says, or when somebody wanted it meanwhile. Hooks are told
 * of the first failure after a look that went well.
 */
export async function endLook(registry: Registry, { mirror, lease }: BegunLook, ended: EndedLook): Promise<void> {
  const { nextInMs, changed = false, refsDigest = null } = ended;
  const { url, projectId } = mirror;
  const error = ended.error?.slice(0, MAX_ERROR) ?? null;
  await inTransaction(registry.database.pool, async (tx) => {
    const [row] = await tx.$queryRaw<{ failures: number }[]>`
      UPDATE mirror SET look_started_at = NULL, looked_at = now(),
        next_look_at = CASE WHEN next_look_at = ${lease}
          THEN now() + ${Math.round(nextInMs)} * interval '1 millisecond' ELSE next_look_at END,
        last_error = ${error}, failures = CASE WHEN ${error}::text IS NULL THEN 0 ELSE failures + 1 END,
        succeeded_at = CASE WHEN ${error}::text IS NULL THEN now() ELSE succeeded_at END,
        changed_at = CASE WHEN ${changed} THEN now() ELSE changed_at END,
        refs_digest = CASE WHEN url = ${url} THEN COALESCE(${refsDigest}, refs_digest) ELSE refs_digest END
      WHERE id = ${mirror.id} RETURNING failures`;
    if (row?.failures === 1) await announce(tx, { projectId }, "mirror.failed", [{ url, error }]);
  });
}

/**
 * Looks that nobody makes, because a crash or trouble of the database cut them off, are due at once. For the server that leads:
 * `underWay` are the mirrors that it is looking at itself.
 */
export async function resumeLooks(registry: Registry, underWay: readonly number[]): Promise<void> {
  await registry.database.pool.query(
    "UPDATE mirror SET look_started_at = NULL, next_look_at = now() WHERE look_started_at IS NOT NULL AND id <> ALL ($1)",
    [underWay],
  );
}

/**
 * Moves the next look of a project's mirror forward to now, or to so many milliseconds after the last one ended if that is
 * later: however often it is wanted, no more looks are made. Returns whether the mirror is on.
 */
export async function wantLook(registry: Registry, projectId: number, gapMs: number): Promise<boolean> {
  const { rowCount } = await registry.database.pool.query(
    `UPDATE mirror SET next_look_at = LEAST(next_look_at,
        GREATEST(now(), COALESCE(looked_at, '-infinity') + $2 * interval '1 millisecond'))
      WHERE project_id = $1 AND enabled`,
    [projectId, gapMs],
  );
  return (rowCount ?? 0) > 0;
}

/** How the mirrors that are on are doing, in numbers. */
export interface MirrorCounts {
  readonly following: number;
  /** Whose last look came to nothing. */
  readonly failing: number;
}

export async function countMirrors(registry: Registry): Promise<MirrorCounts> {
  const { rows } = await registry.database.pool.query<MirrorCounts>(
    `SELECT count(*)::int AS following, (count(*) FILTER (WHERE failures > 0))::int AS failing FROM mirror WHERE enabled`,
  );
  return rows[0]!;
}

/**
 * Has the project's default branch be the one of its remote, before its refs are recorded, and, while it has none, its objects
 * be named as those of the remote are.
 */
export async function followRemoteShape(
  registry: Registry,
  projectId: number,
  {
    defaultBranch,
    objectFormat,
  }: { readonly defaultBranch: string | undefined; readonly objectFormat: "SHA1" | "SHA256" },
): Promise<void> {
  const { rowCount } = await registry.database.pool.query(
    `UPDATE project SET default_branch = COALESCE($2, default_branch), object_format = $3::"ObjectFormat"
      WHERE id = $1 AND (default_branch IS DISTINCT FROM COALESCE($2, default_branch) OR object_format::text <> $3)`,
    [projectId, defaultBranch ?? null, objectFormat],
  );
  if ((rowCount ?? 0) > 0) registry.memory.forget();
}
