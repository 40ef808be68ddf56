// The zip of a version: made or fetched once, stored under its own sum, then pinned in the version's row.
import { Failure, isFailure } from "../../errors.ts";
import { zipObjectKey } from "../../storage/object-keys.ts";
import type { Registry } from "../registry.ts";

/** How many of the newest versions of a push get their zips before anybody asks. */
const ZIPS_AHEAD = 100;

/** The zip of a version, as it was made and stored. */
export interface MadeZip {
  readonly h1: string;
  /** SHA-256 of its bytes, hex: its place among the blobs. */
  readonly sha256: string;
  readonly size: number;
}

/**
 * Pins the zip of a version: whoever comes first decides, and everybody gets what is pinned. Two servers that make the
 * same zip make the same sum; if they ever do not, that is a defect, and the first one stays.
 */
export async function pinZip(registry: Registry, versionId: number, zip: MadeZip): Promise<MadeZip> {
  const { rows } = await registry.database.pool
    .query<{ h1: string; zip_key: string; zip_size: string }>(
      `WITH mine AS (
        UPDATE module_version SET h1 = $2, zip_key = $3, zip_size = $4 WHERE id = $1 AND h1 IS NULL
        RETURNING h1, zip_key, zip_size)
      SELECT * FROM mine UNION ALL SELECT h1, zip_key, zip_size FROM module_version WHERE id = $1 AND h1 IS NOT NULL`,
      [versionId, zip.h1, zip.sha256, zip.size],
    )
    .catch((error: unknown) => {
      throw recordedOtherwise(error) ?? error;
    });
  const pinned = rows[0];
  if (!pinned) throw new Failure("not-found", "the version is gone");
  if (pinned.h1 !== zip.h1)
    registry.log.error(
      { versionId, pinned: pinned.h1, made: zip.h1 },
      "a zip was made twice with different sums; the first stays",
    );
  return { h1: pinned.h1, sha256: pinned.zip_key, size: Number(pinned.zip_size) };
}

/**
 * What is told when the database refused sums because the checksum log has others under the name (trigger record_holds, which
 * says which); undefined for another error.
 */
export function recordedOtherwise(error: unknown): Failure | undefined {
  const { constraint, message } = (error ?? {}) as { constraint?: unknown; message?: string };
  if (constraint !== "record_holds") return undefined;
  return new Failure(
    "conflict",
    `${message}; the content that was logged is the only one that may have it: use another version`,
    { reason: "recorded_otherwise", cause: error },
  );
}

/**
 * Reads or sends the stored zip of a published version, by its key among the blobs. That its bytes are not there is no
 * absence, which a client would look for elsewhere: throws unavailable, and says in the log what is lost.
 */
export async function withPromisedZip<T>(
  { log }: Pick<Registry, "log">,
  key: string,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (!isFailure(cause, "not-found")) throw cause;
    log.error({ err: cause, zip: key }, "the zip of a published version is not stored: gokura fsck finds all such");
    const told = "the zip of this version is not where it was stored; ask the server's administrator";
    throw new Failure("unavailable", told, { reason: "zip_missing", cause });
  }
}

/** Leaves the job that logs the sums of a version whose zip has just been pinned. Nothing waits for it, nor fails. */
export function logSumsSoon(registry: Registry, versionId: number): void {
  registry.jobs
    .sendAlone("log-sums", { after: versionId - 1, upTo: versionId })
    .catch((error: unknown) =>
      registry.log.warn(
        { err: error, versionId },
        "a version is not in the checksum log yet; its first lookup, or the next start, will see to it",
      ),
    );
}

/** Where the bytes of a made zip are. */
export function zipKeyOf(zip: { readonly sha256: string }): string {
  return zipObjectKey(zip.sha256);
}

/** Leaves the job that makes the zips of the newest of some versions before anybody asks. */
export async function buildZipsSoon(
  registry: Registry,
  projectId: number,
  versionIds: readonly number[],
): Promise<void> {
  const newest = await registry.prisma.moduleVersion.findMany({
    where: { id: { in: [...versionIds] } },
    orderBy: { time: "desc" },
    take: ZIPS_AHEAD,
    select: { id: true },
  });
  await registry.jobs.sendAlone("build-zips", { projectId, versionIds: newest.map((row) => row.id) });
}
