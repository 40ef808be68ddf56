// Under which licences stored versions are: read out of the licence files in the roots of their zips when somebody first needs
// to know, and written down, for a zip stays as it is. Of a version whose zip is not stored nothing can be said, which is
// another thing than that no licence was found.
import type { Registry } from "../registry.ts";
import { describeVersion } from "./module-document.ts";
import { zipPrefix } from "./module-files.ts";

/** That a licence file was not recognised. */
export const UNKNOWN_LICENSE = "UNKNOWN";
/** That there is no licence file. */
export const NO_LICENSE = "NONE";

/** Zips that are read for one question if nothing else is said; of the rest nothing is said this time. */
const READ_FOR_ONE = 16;

interface StoredLicenses {
  readonly id: number;
  readonly path: string;
  readonly version: string;
  readonly h1: string;
  readonly sha256: string;
  readonly size: string;
  /** null: not written down yet. */
  readonly licenses: string[] | null;
}

/**
 * The licences of versions whose zips are stored, by `MODULE@VERSION`: SPDX identifiers, sorted, UNKNOWN and NONE among them.
 * Those of which nothing can be said are left out. Says nothing about who may see the modules. Throws unavailable if a stored
 * zip cannot be read.
 */
export async function licensesOf(
  registry: Registry,
  versions: readonly { readonly path: string; readonly version: string }[],
  readAtMost = READ_FOR_ONE,
): Promise<Map<string, readonly string[]>> {
  if (versions.length === 0) return new Map();
  const { rows } = await registry.database.pool.query<StoredLicenses>({
    name: "stored-licenses",
    text: `SELECT v.id, m.path, v.version, v.h1, v.zip_key AS sha256, v.zip_size AS size, l.licenses
      FROM unnest($1::text[], $2::text[]) AS wanted (path, version)
      JOIN module m ON m.path = wanted.path
      JOIN module_version v ON v.module_id = m.id AND v.version = wanted.version AND v.zip_key IS NOT NULL
      LEFT JOIN version_license l ON l.version_id = v.id`,
    values: [versions.map(({ path }) => path), versions.map(({ version }) => version)],
  });
  const found = new Map<string, readonly string[]>();
  let read = 0;
  for (const row of rows) {
    if (row.licenses === null && ++read > readAtMost) continue;
    const licenses = row.licenses ?? (await readLicenses(registry, row));
    found.set(`${row.path}@${row.version}`, licenses.length === 0 ? [NO_LICENSE] : licenses);
  }
  return found;
}

/** Reads the licences out of a zip and writes them down. */
async function readLicenses(registry: Registry, row: StoredLicenses): Promise<string[]> {
  const { id, path, version, h1, sha256 } = row;
  const zip = { h1, sha256, size: Number(row.size) };
  const { licenses } = await describeVersion(registry, { zip, prefix: zipPrefix(path, version) });
  const identifiers = [...new Set(licenses.map(({ spdxId }) => spdxId))].sort();
  // The version may go meanwhile.
  await registry.database.pool.query(
    `INSERT INTO version_license (version_id, licenses) SELECT id, $2::text[] FROM module_version WHERE id = $1
      ON CONFLICT DO NOTHING`,
    [id, identifiers],
  );
  return identifiers;
}
