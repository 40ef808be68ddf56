// What checksum databases of others were proved to say about versions, one row each. What is stored under such a name with
// other sums is not what everybody else has: it stays where it is, as evidence, and nobody is served it (upstream-modules.ts).
import type { ModulePath } from "../../gomod/module-path.ts";
import type { VersionSums } from "../../sumdb/record.ts";
import { CONTRADICTED } from "../contradicted.ts";
import type { Registry } from "../registry.ts";
import { sumBytes, sumText } from "./logged-record.ts";

/** The proved sums of a version. */
export interface ProvedSums extends VersionSums {
  /** The name of the database. */
  readonly database: string;
  /** The number of its record there. */
  readonly id: number;
}

/** What was proved of a version before; undefined: nothing. */
export async function findProvedSums(
  { database }: Registry,
  modulePath: string,
  version: string,
): Promise<ProvedSums | undefined> {
  const { rows } = await database.pool.query<{ h1: Buffer; go_mod_h1: Buffer; database: string; record_id: string }>({
    name: "proved-sum",
    text: "SELECT h1, go_mod_h1, database, record_id FROM proved_sum WHERE path = $1 AND version = $2",
    values: [modulePath, version],
  });
  const [row] = rows;
  return (
    row && {
      ...{ h1: sumText(row.h1), goModH1: sumText(row.go_mod_h1) },
      ...{ database: row.database, id: Number(row.record_id) },
    }
  );
}

/** Keeps what was proved; whoever comes first decides. */
export async function keepProvedSums(
  { database }: Registry,
  modulePath: string,
  version: string,
  sums: ProvedSums,
): Promise<void> {
  await database.pool.query({
    name: "keep-proved-sum",
    text: `INSERT INTO proved_sum (path, version, h1, go_mod_h1, database, record_id) VALUES ($1, $2, $3, $4, $5, $6)
      ON CONFLICT DO NOTHING`,
    values: [modulePath, version, sumBytes(sums.h1), sumBytes(sums.goModH1), sums.database, sums.id],
  });
}

/** A version from upstream of which nothing was proved yet. */
export interface UnprovedVersion {
  readonly id: number;
  readonly modulePath: ModulePath;
  readonly version: string;
}

/** Versions from upstream with files that were never compared, by their number after one; at most so many. */
export async function unprovedVersions(
  { database }: Registry,
  after: number,
  limit: number,
): Promise<UnprovedVersion[]> {
  const { rows } = await database.pool.query<{ id: number; path: string; version: string }>(
    `SELECT v.id, m.path, v.version FROM module_version v JOIN module m ON m.id = v.module_id
      WHERE v.id > $1 AND m.origin = 'UPSTREAM' AND v.go_mod IS NOT NULL
        AND NOT EXISTS (SELECT FROM proved_sum p WHERE p.path = m.path AND p.version = v.version)
      ORDER BY v.id LIMIT $2`,
    [after, limit],
  );
  return rows.map(({ id, path, version }) => ({ id, modulePath: path as ModulePath, version }));
}

/** A version that is stored with other sums than were proved. */
export interface QuarantinedVersion extends ProvedSums {
  readonly modulePath: string;
  readonly version: string;
  /** What is stored. */
  readonly stored: { readonly h1: string | undefined; readonly goModH1: string | undefined };
}

/** All versions that are not served because they are not what was proved; of one module, or of all. */
export async function quarantinedVersions(
  { database }: Registry,
  modulePath?: string,
  version?: string,
): Promise<QuarantinedVersion[]> {
  const { rows } = await database.pool.query<{
    path: string;
    version: string;
    h1: Buffer;
    go_mod_h1: Buffer;
    database: string;
    record_id: string;
    stored_h1: string | null;
    stored_go_mod_h1: string | null;
  }>(
    `SELECT p.path, p.version, p.h1, p.go_mod_h1, p.database, p.record_id, v.h1 AS stored_h1, v.go_mod_h1 AS stored_go_mod_h1
      FROM proved_sum p JOIN module m ON m.path = p.path AND m.origin = 'UPSTREAM'
      JOIN module_version v ON v.module_id = m.id AND v.version = p.version
      WHERE ($1::text IS NULL OR p.path = $1) AND ($2::text IS NULL OR p.version = $2)
        AND (${CONTRADICTED})
      ORDER BY p.path, p.version`,
    [modulePath ?? null, version ?? null],
  );
  return rows.map((row) => ({
    ...{ modulePath: row.path, version: row.version, database: row.database, id: Number(row.record_id) },
    ...{ h1: sumText(row.h1), goModH1: sumText(row.go_mod_h1) },
    stored: { h1: row.stored_h1 ?? undefined, goModH1: row.stored_go_mod_h1 ?? undefined },
  }));
}
