// The feed of new versions, as the public index has it (index.golang.org, "Go Module Index"): every version once, in the
// order of publication, with a timestamp that names its place. Timestamps are strictly increasing and are given under a lock
// that is held until the version is there, so that nobody who reads on from a timestamp can miss one that came before it.

import type { Transaction } from "../../database/client.ts";
import type { Sql } from "../../database/sql.ts";
import { Failure, invalid } from "../../errors.ts";
import { hasTellableYear, rfc3339Time } from "../../gomod/rfc3339.ts";
import { mayReadUpstream } from "../access/access.ts";
import { readableProjects } from "../access/access-conditions.ts";
import { GO_PROXY, isFlagOn, loadFlags } from "../forge/feature-flags.ts";
import type { Principal } from "../principal.ts";
import type { Registry } from "../registry.ts";

/** Entries of a page: the default and the most, as the public index has it. */
const INDEX_PAGE_LIMIT = 2_000;

/** A line of the feed, in the public index's own words. */
export interface IndexLine {
  readonly Path: string;
  readonly Version: string;
  /** RFC 3339, UTC, microseconds. */
  readonly Timestamp: string;
}

/** Appends versions, in the transaction that publishes them and as the last thing in it. */
export async function appendToIndex(tx: Sql, versionIds: readonly number[]): Promise<void> {
  if (versionIds.length === 0) return;
  await tx.$executeRaw`SELECT append_to_index(${[...versionIds]}::int[])`;
}

/** Marks versions as gone: they leave the feed, but for those who ask for all. */
export async function markGone(tx: Transaction, path: string, version: string): Promise<void> {
  await tx.indexEntry.updateMany({ where: { path, version, goneAt: null }, data: { goneAt: new Date() } });
}

export interface IndexRequest {
  /** RFC 3339 with any offset; inclusive. */
  readonly since?: string | undefined;
  readonly limit?: string | undefined;
  /** "all": also what was taken away since. */
  readonly include?: string | undefined;
}

/** What a feed is of; `upstream`: also of what was fetched from upstream. */
export type IndexScope =
  | { readonly projectId: number }
  | { readonly groupId: number; readonly upstream: boolean }
  | "instance";

/** A page of the feed of what the principal may read. Throws invalid for a request that cannot be read. */
export async function readIndex(
  registry: Registry,
  principal: Principal,
  scope: IndexScope,
  request: IndexRequest,
): Promise<IndexLine[]> {
  const since = sinceOf(request.since);
  const limit = limitOf(request.limit);
  if (request.include !== undefined && request.include !== "all") throw invalid("include can only be all");
  const all = request.include === "all";
  const projectIds = await readableIds(registry, principal, scope);
  const hidden = [...registry.privateModules.fetchedBefore];
  const hasUpstream = scope === "instance" || ("upstream" in scope && scope.upstream);
  const upstream = hasUpstream && mayReadUpstream(principal, registry);
  const lines = await registry.prisma.$queryRaw<IndexLine[]>`
    SELECT path AS "Path", version AS "Version",
      to_char("timestamp" AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS "Timestamp"
    FROM index_entry
    WHERE "timestamp" >= ${since}::timestamptz AND (project_id = ANY(${projectIds}) OR (${upstream} AND upstream AND path <> ALL(${hidden}))) AND (${all} OR gone_at IS NULL)
    ORDER BY "timestamp" LIMIT ${limit}`;
  return lines;
}

/** Versions that came from upstream since a moment (RFC 3339, inclusive), all of them, in the order of the feed. */
export async function* upstreamSince(registry: Registry, since: string): AsyncGenerator<IndexLine> {
  const hidden = [...registry.privateModules.fetchedBefore];
  for (let from = sinceOf(since), behind = false; ; behind = true) {
    const { rows } = await registry.database.pool.query<IndexLine>(
      `SELECT path AS "Path", version AS "Version",
          to_char("timestamp" AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS "Timestamp"
        FROM index_entry WHERE upstream AND gone_at IS NULL AND path <> ALL($2)
          AND ("timestamp" > $1::timestamptz OR ("timestamp" = $1::timestamptz AND NOT $3))
        ORDER BY "timestamp" LIMIT ${INDEX_PAGE_LIMIT}`,
      [from, hidden, behind],
    );
    yield* rows;
    if (rows.length < INDEX_PAGE_LIMIT) return;
    from = rows.at(-1)!.Timestamp;
  }
}

/** The projects whose versions a principal may read, with the registry and the flag on. */
async function readableIds(registry: Registry, principal: Principal, scope: IndexScope): Promise<number[]> {
  const inScope =
    scope === "instance"
      ? {}
      : "projectId" in scope
        ? { id: scope.projectId }
        : { group: { traversalIds: { has: scope.groupId } } };
  const projects = await registry.prisma.project.findMany({
    where: { AND: [readableProjects(principal), inScope] },
    include: { group: true },
  });
  const flags = await loadFlags(registry);
  return projects.filter((project) => isFlagOn(flags, GO_PROXY, project)).map((project) => project.id);
}

/** As PostgreSQL reads it, which knows neither a year 0 nor offsets of 16 hours. */
function sinceOf(text: string | undefined): string {
  if (text === undefined || text === "") return "-infinity";
  // A "+" that was not percent-encoded has become a space.
  const time = rfc3339Time(text.replace(" ", "+"));
  if (!time) throw new Failure("invalid", "since is no RFC 3339 time, such as 2026-01-31T09:08:07.123456Z");
  if (!hasTellableYear(time)) return time.getUTCFullYear() < 1 ? "-infinity" : "infinity";
  const [fraction = ""] = /\.\d{1,9}/.exec(text) ?? [];
  return `${time.toISOString().slice(0, "2026-01-31T09:08:07".length)}${fraction}Z`;
}

function limitOf(text: string | undefined): number {
  if (text === undefined || text === "") return INDEX_PAGE_LIMIT;
  if (!/^\d{1,9}$/.test(text) || Number(text) < 1) throw invalid("limit is no whole number from 1 to 2000");
  return Math.min(Number(text), INDEX_PAGE_LIMIT);
}
