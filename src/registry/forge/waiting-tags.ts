// Tags that wait to become versions: a tag that was recorded waits until somebody has looked at the value it has now
// (git/indexing/tag-indexer.ts). What they wait for is a job in the queue, and a server that starts leaves it again.
import type { Transaction } from "../../database/client.ts";
import type { Sql } from "../../database/sql.ts";
import type { Registry } from "../registry.ts";
import { TAGS } from "./ref-names.ts";

/** Has all tags looked at again: what they mean has changed. */
export async function reindexAllTags(registry: Registry, tx: Transaction, projectId: number): Promise<void> {
  await tx.ref.updateMany({ where: { projectId, name: { startsWith: TAGS } }, data: { indexed: false } });
  await registry.jobs.send(tx, "index-refs", { projectId });
}

/**
 * Leaves the job again wherever tags wait: a server that died in the middle of them took the job with it, and the queue
 * learns of that only by the clock. Done once too often it finds nothing to do.
 */
export async function resumeIndexing(registry: Registry): Promise<void> {
  const { rows } = await registry.database.pool.query<{ id: number }>(
    "SELECT DISTINCT project_id AS id FROM ref WHERE NOT indexed AND name LIKE 'refs/tags/%'",
  );
  for (const { id } of rows) await registry.jobs.sendAlone("index-refs", { projectId: id });
}

/** A tag that waits to be looked at. */
export interface WaitingTag {
  /** Without refs/tags/. */
  readonly tag: string;
  readonly oid: string;
  readonly peeled: string;
  readonly updatedAt: Date;
}

/** Some tags that wait, in order of their names, after one. */
export async function waitingTags(
  registry: Registry,
  projectId: number,
  after: string,
  limit: number,
): Promise<WaitingTag[]> {
  const rows = await registry.prisma.ref.findMany({
    where: { projectId, indexed: false, name: { startsWith: TAGS, gt: TAGS + after } },
    orderBy: { name: "asc" },
    take: limit,
  });
  return rows.map(({ name, oid, peeled, updatedAt }) => ({ tag: name.slice(TAGS.length), oid, peeled, updatedAt }));
}

/** Notes that these values of these tags were looked at, in the transaction that holds what came of it. */
export async function markIndexed(tx: Sql, projectId: number, tags: readonly WaitingTag[]): Promise<void> {
  const names = tags.map(({ tag }) => TAGS + tag);
  const oids = tags.map(({ oid }) => oid);
  await tx.$executeRaw`UPDATE ref SET indexed = true FROM unnest(${names}::text[], ${oids}::text[]) AS seen (name, oid)
    WHERE ref.project_id = ${projectId} AND ref.name = seen.name AND ref.oid = seen.oid`;
}
