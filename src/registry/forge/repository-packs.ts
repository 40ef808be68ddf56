// Which packs a repository is made of, where they are kept beside its directory too (git/hosting/stored-repositories.ts): a row
// for each, written in the transaction that records the refs which need them. A generation names every such record, so that a
// directory which was left behind can be told from the one that is up to date. It is the time of the record, in milliseconds
// since 1970: a count would be the same again for something else in a database that failed over (docs/scale.md).
import { inTransaction, type Sql } from "../../database/sql.ts";
import type { Registry, StoredPack } from "../registry.ts";

/** What is stored of a repository. */
export interface StoredRepository {
  /** 0: nothing yet. */
  readonly generation: number;
  readonly packs: readonly StoredPack[];
  /** Whether a push is under way, or one was cut off. */
  readonly isPushed: boolean;
}

/** What is stored of a project's repository; undefined: there is no such project. */
export async function storedRepository(registry: Registry, projectId: number): Promise<StoredRepository | undefined> {
  const { rows } = await registry.database.pool.query<{
    generation: string | null;
    pushed: boolean;
    packs: StoredPack[] | null;
  }>({
    name: "stored-repository",
    text: `SELECT s.generation, p.push_started_at IS NOT NULL AS pushed,
        (SELECT json_agg(json_strip_nulls(json_build_object('digest', digest, 'name', name, 'size', size, 'index', index_digest)))
          FROM repository_pack WHERE project_id = p.id) AS packs
      FROM project p LEFT JOIN stored_repository s ON s.project_id = p.id WHERE p.id = $1`,
    values: [projectId],
  });
  const row = rows[0];
  return row && { generation: Number(row.generation ?? 0), packs: row.packs ?? [], isPushed: row.pushed };
}

/** Which generation is stored of each repository, those that were pushed to last first. */
export async function storedGenerations(
  registry: Registry,
): Promise<{ readonly projectId: number; readonly generation: number }[]> {
  const { rows } = await registry.database.pool.query<{ id: number; generation: string }>(
    "SELECT project_id AS id, generation FROM stored_repository WHERE generation > 0 ORDER BY generation DESC, id",
  );
  return rows.map(({ id, generation }) => ({ projectId: id, generation: Number(generation) }));
}

/**
 * Writes down in a transaction which packs a repository has now, in the place of those before. Returns the generation, which
 * is a new one if the packs or, as `refsChanged` says, the refs are other than before.
 */
export async function recordPacks(
  tx: Sql,
  projectId: number,
  packs: readonly StoredPack[],
  refsChanged: boolean,
): Promise<number> {
  const digests = packs.map(({ digest }) => digest);
  const gone = await tx.$executeRaw`
    DELETE FROM repository_pack WHERE project_id = ${projectId} AND NOT digest = ANY(${digests}::text[])`;
  const come = await tx.$executeRaw`
    INSERT INTO repository_pack (project_id, digest, name, size, index_digest)
    SELECT ${projectId}::int, * FROM unnest(${digests}::text[], ${packs.map(({ name }) => name)}::text[],
      ${packs.map(({ size }) => size)}::bigint[], ${packs.map(({ index }) => index ?? null)}::text[])
    ON CONFLICT DO NOTHING`;
  const now = gone + come > 0 || refsChanged ? Date.now() : 0;
  const [row] = await tx.$queryRaw<{ generation: bigint | string }[]>`
    INSERT INTO stored_repository AS known (project_id, generation) VALUES (${projectId}::int, ${now}::bigint)
    ON CONFLICT (project_id) DO UPDATE
      SET generation = CASE ${now}::bigint WHEN 0 THEN known.generation ELSE GREATEST(known.generation + 1, ${now}::bigint) END
    RETURNING generation`;
  return Number(row!.generation);
}

/**
 * Writes down which packs a repository has now without a push, as recordPacks does; undefined: not while a push is under way,
 * nor for a project that is gone. `packs` is asked while no push can begin.
 */
export async function recordPacksAlone(
  registry: Registry,
  projectId: number,
  packs: () => Promise<readonly StoredPack[]>,
): Promise<number | undefined> {
  return inTransaction(registry.database.pool, async (tx) => {
    await registry.leadership.fence(tx);
    const [project] = await tx.$queryRaw<{ pushing: boolean }[]>`
      SELECT push_started_at IS NOT NULL AS pushing FROM project WHERE id = ${projectId} FOR NO KEY UPDATE`;
    if (!project || project.pushing) return undefined;
    return recordPacks(tx, projectId, await packs(), false);
  });
}

/** Forgets of all repositories what is stored beside their directories. The blobs go by and by, as those that nobody names. */
export async function forgetStored(registry: Registry): Promise<void> {
  await inTransaction(registry.database.pool, async (tx) => {
    await tx.$executeRaw`DELETE FROM repository_pack`;
    await tx.$executeRaw`DELETE FROM stored_repository`;
  });
}

/** Which of some packs and indexes, by the SHA-256 of their bytes, are of no repository. */
export async function unreferencedPacks(registry: Registry, digests: readonly string[]): Promise<string[]> {
  const { rows } = await registry.database.pool.query<{ digest: string }>(
    `SELECT digest FROM unnest($1::text[]) AS pack (digest)
      WHERE NOT EXISTS (SELECT FROM repository_pack p WHERE p.digest = pack.digest)
        AND NOT EXISTS (SELECT FROM repository_pack p WHERE p.index_digest = pack.digest)`,
    [digests],
  );
  return rows.map(({ digest }) => digest);
}
