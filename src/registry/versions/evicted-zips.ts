// Zips of versions from upstream that make room. The row of such a version stays as it was: its .info, its .mod and its sums
// are served, and when somebody asks for the zip it is fetched again and must have the h1 that it had. A zip is evictable when
// it is of upstream, was not asked for lately, and no module here requires it.
import { audit } from "../audit.ts";
import type { Registry } from "../registry.ts";
import type { MadeZip } from "./version-zip.ts";

/** What may go, with when it was asked for last, or else stored. */
export interface EvictableZip {
  readonly versionId: number;
  readonly modulePath: string;
  readonly version: string;
  /** SHA-256 of its bytes, hex. */
  readonly sha256: string;
  /** Bytes. */
  readonly size: number;
  readonly lastUsed: Date;
}

/** How many bytes the zips of upstream have that are not evicted. */
export async function upstreamZipBytes({ database }: Registry): Promise<number> {
  const { rows } = await database.pool.query<{ bytes: string | null }>(
    `SELECT sum(v.zip_size) AS bytes FROM module_version v JOIN module m ON m.id = v.module_id
      WHERE m.origin = 'UPSTREAM' AND v.zip_key IS NOT NULL
        AND NOT EXISTS (SELECT FROM evicted_zip e WHERE e.version_id = v.id)`,
  );
  return Number(rows[0]!.bytes ?? 0);
}

/**
 * Zips of upstream that nobody has asked for since `before` and that no version here requires by its go.mod, those first that
 * were asked for longest ago; at most `limit`, behind the one that is given.
 */
export async function evictableZips(
  { database }: Registry,
  before: Date,
  limit: number,
  behind?: EvictableZip,
): Promise<EvictableZip[]> {
  const { rows } = await database.pool.query<EvictableZip & { readonly size: unknown }>(
    `SELECT * FROM (
      SELECT v.id AS "versionId", m.path AS "modulePath", v.version, v.zip_key AS "sha256", v.zip_size AS "size",
          COALESCE(d.last_at, v.created_at) AS "lastUsed"
        FROM module_version v JOIN module m ON m.id = v.module_id
        LEFT JOIN version_downloads d ON d.version_id = v.id
        WHERE m.origin = 'UPSTREAM' AND v.zip_key IS NOT NULL
          AND NOT EXISTS (SELECT FROM evicted_zip e WHERE e.version_id = v.id)
          AND NOT EXISTS (SELECT FROM requirement r JOIN module_version own ON own.id = r.version_id
            JOIN module hosted ON hosted.id = own.module_id
            WHERE r.path = m.path AND r.version = v.version AND hosted.origin = 'HOSTED')
          -- another version may have the same bytes
          AND NOT EXISTS (SELECT FROM module_version o WHERE o.zip_key = v.zip_key AND o.id <> v.id)
      ) AS zip
      WHERE "lastUsed" < $1 AND ("lastUsed", "versionId") > ($2, $3)
      ORDER BY "lastUsed", "versionId" LIMIT $4`,
    [before, behind?.lastUsed ?? new Date(0), behind?.versionId ?? 0, limit],
  );
  return rows.map((row) => ({ ...row, size: Number(row.size) }));
}

/** From now on the bytes are not promised. */
export async function markEvicted({ database }: Registry, versionId: number): Promise<void> {
  await database.pool.query("INSERT INTO evicted_zip (version_id) VALUES ($1) ON CONFLICT DO NOTHING", [versionId]);
}

/**
 * The zip of a version is there again, as the bytes that are given: of an evicted one they may be others than before, with the
 * same h1. Returns what is promised from now on.
 */
export async function zipIsBack({ prisma }: Registry, versionId: number, zip: MadeZip): Promise<MadeZip> {
  return prisma.$transaction(async (tx) => {
    const [evicted] = await tx.$queryRaw<unknown[]>`
      SELECT FROM evicted_zip WHERE version_id = ${versionId} FOR UPDATE`;
    if (evicted)
      await tx.$executeRaw`
        UPDATE module_version SET zip_key = ${zip.sha256}, zip_size = ${zip.size} WHERE id = ${versionId} AND h1 = ${zip.h1}`;
    const [row] = await tx.$queryRaw<{ h1: string; zip_key: string; zip_size: bigint }[]>`
      SELECT h1, zip_key, zip_size FROM module_version WHERE id = ${versionId}`;
    if (row!.zip_key === zip.sha256) await tx.$executeRaw`DELETE FROM evicted_zip WHERE version_id = ${versionId}`;
    return { h1: row!.h1, sha256: row!.zip_key, size: Number(row!.zip_size) };
  });
}

/** Writes down what made room: how many zips, their bytes, and what all of upstream's had before. */
export async function recordEviction(
  { prisma }: Registry,
  detail: { readonly zips: number; readonly bytes: number; readonly before: number },
): Promise<void> {
  await prisma.$transaction((tx) => audit(tx, "gokura", "upstream.evicted", "zips", detail));
}
