// Versions as the Go endpoint needs them: whole, by path and version, in plain SQL, because a request waits for them.
import type { Registry } from "../registry.ts";
import type { MadeZip } from "./version-zip.ts";

/** What the Go endpoint needs of a version. */
export interface ServedVersion {
  readonly id: number;
  readonly modulePath: string;
  readonly version: string;
  readonly time: Date;
  /** Null for an uploaded version, which has its zip from the beginning. */
  readonly commit: string | null;
  /** The tag that made it (refs/tags/…); null for a pseudo-version and an uploaded one. */
  readonly ref: string | null;
  readonly directory: string;
  readonly goMod: Buffer;
  readonly retracted: boolean;
  /** undefined until the zip has been made. */
  readonly zip: MadeZip | undefined;
}

interface ServedRow {
  id: number;
  version: string;
  time: Date;
  commit: string | null;
  ref: string | null;
  directory: string;
  go_mod: Buffer;
  retracted: boolean;
  h1: string | null;
  zip_key: string | null;
  zip_size: string | null;
}

const SERVED =
  "v.id, v.version, v.time, v.commit, v.ref, v.directory, v.go_mod, v.retracted, v.h1, v.zip_key, v.zip_size";

/** A version of a module of a project; undefined when it has not been published. */
export async function findVersion(
  registry: Registry,
  projectId: number,
  modulePath: string,
  version: string,
): Promise<ServedVersion | undefined> {
  const { rows } = await registry.database.pool.query<ServedRow>({
    name: "version-by-name",
    text: `SELECT ${SERVED} FROM module_version v JOIN module m ON m.id = v.module_id
      WHERE m.path = $1 AND m.project_id = $2 AND v.version = $3`,
    values: [modulePath, projectId, version],
  });
  return rows[0] && served(rows[0], modulePath);
}

/** A version by its number. */
export async function findVersionById(
  registry: Registry,
  id: number,
): Promise<(ServedVersion & { projectId: number }) | undefined> {
  const { rows } = await registry.database.pool.query<ServedRow & { path: string; project_id: number }>(
    `SELECT ${SERVED}, m.path, m.project_id FROM module_version v JOIN module m ON m.id = v.module_id WHERE v.id = $1`,
    [id],
  );
  return rows[0] && { ...served(rows[0], rows[0].path), projectId: rows[0].project_id };
}

function served(row: ServedRow, modulePath: string): ServedVersion {
  const { h1, zip_key: sha256, zip_size: size } = row;
  return {
    id: row.id,
    modulePath,
    version: row.version,
    time: row.time,
    commit: row.commit,
    ref: row.ref,
    directory: row.directory,
    goMod: row.go_mod,
    retracted: row.retracted,
    zip: h1 !== null && sha256 !== null && size !== null ? { h1, sha256, size: Number(size) } : undefined,
  };
}
