// The versions that were published last, of those that somebody may read: for a first page and for feeds. The index of all
// versions is walked from its end, and no further than a bounded number of entries: whoever may read none of so many sees
// none, and asks for a group or a project instead.

import { readableProjectsInSql } from "../access/access-conditions.ts";
import type { Principal } from "../principal.ts";
import type { Registry } from "../registry.ts";

/** So many entries are looked at. */
const LOOKED_AT = 2_000;

/** A version that was published, and when. */
export interface NewestVersion {
  readonly path: string;
  readonly version: string;
  /** When it entered the index. */
  readonly at: Date;
}

/** The newest versions of projects, newest first: at most `take`, and among the last 2,000 entries of the index only. */
export function newestVersions(registry: Registry, principal: Principal, take: number): Promise<NewestVersion[]> {
  return registry.prisma.$queryRaw<NewestVersion[]>`
    SELECT e.path, e.version, e."timestamp" AS at FROM (
      SELECT path, version, "timestamp", project_id, gone_at FROM index_entry
      ORDER BY "timestamp" DESC LIMIT ${LOOKED_AT}) AS e
    JOIN project p ON p.id = e.project_id JOIN "group" g ON g.id = p.group_id
    WHERE e.gone_at IS NULL AND ${readableProjectsInSql(principal)}
    ORDER BY e."timestamp" DESC LIMIT ${take}`;
}
