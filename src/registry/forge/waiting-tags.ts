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
  /** Of its row: another one when the tag was moved, or when all tags were to be looked at again, since it was read. */
  readonly rowVersion: string;
}

/** Some tags that wait, in order of their names, after one. */
export async function waitingTags(
  registry: Registry,
  projectId: number,
  after: string,
  limit: number,
): Promise<WaitingTag[]> {
  // xmin: the transaction that wrote the row (PostgreSQL documentation, "System Columns").
  const { rows } = await registry.database.pool.query<Omit<WaitingTag, "tag"> & { readonly name: string }>({
    name: "waiting-tags",
    text: `SELECT name, oid, peeled, updated_at AS "updatedAt", xmin::text AS "rowVersion" FROM ref
      WHERE project_id = $1 AND NOT indexed AND name LIKE 'refs/tags/%' AND name > $2 ORDER BY name LIMIT $3`,
    values: [projectId, TAGS + after, limit],
  });
  return rows.map(({ name, ...rest }) => ({ tag: name.slice(TAGS.length), ...rest }));
}

/**
 * Notes that these tags were looked at, in the transaction that holds what came of it. Those of which something has changed
 * since they were read go on waiting: whoever changed it has left a job for them.
 */
export async function markIndexed(tx: Sql, projectId: number, tags: readonly WaitingTag[]): Promise<void> {
  const names = tags.map(({ tag }) => TAGS + tag);
  const versions = tags.map(({ rowVersion }) => rowVersion);
  await tx.$executeRaw`UPDATE ref SET indexed = true FROM unnest(${names}::text[], ${versions}::text[]) AS seen (name, version)
    WHERE ref.project_id = ${projectId} AND ref.name = seen.name AND ref.xmin::text = seen.version`;
}
