// A registry of any size, written in SQL: groups, projects, modules of both origins, versions with go.mod files and
// requirements, licences, readmes and downloads. Rows go past publish(), which would take an hour for a million versions;
// the database's own triggers see them all. Everything follows from numbers, so two seeds of a size are the same.
//
// Names are those of names.ts. Of ten groups 6 are public, 3 internal and 1 private. Every version requires five modules, and the lower a
// module's number, the more require it: the first is required by nearly everybody.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import pg from "pg";
import { openDocumentationThreads } from "../../src/godoc/thread/documentation-threads.ts";
import { h1OfGoMod } from "../../src/gomod/dir-hash.ts";
import { versionSortKey } from "../../src/gomod/version-sort-key.ts";
import { FORMAT } from "../../src/registry/documentation/documented-versions.ts";
import { TOKENS } from "./askers.ts";
import { groupsFor, NAMES_IN_SQL } from "./names.ts";

/** Versions of each module, whatever the size. */
const VERSIONS_PER_MODULE = 50;
/** Modules written by one transaction. */
const MODULES_AT_ONCE = 200;
const REQUIREMENTS = 5;
const DAYS_OF_DOWNLOADS = 30;

/** The size of a registry. */
export interface Size {
  readonly modules: number;
  readonly versions: number;
}

/** A size by its versions. */
export function sizeOf(versions: number): Size {
  return { modules: Math.ceil(versions / VERSIONS_PER_MODULE), versions };
}

/** Fills a registry unless it is full already; `progress` is told how many of the versions are there. */
export async function seed(url: string, size: Size, progress: (done: number) => void): Promise<void> {
  const client = new pg.Client(url);
  await client.connect();
  try {
    const { rows } = await client.query<{ count: string }>("SELECT count(*) FROM module_version");
    if (rows[0]!.count !== "0") return await documented(client); // kept from another run
    await client.query("SET synchronous_commit = off");
    await client.query(NAMES_IN_SQL + REQUIRED_IN_SQL);
    await namespaces(client, size);
    await people(client);
    for (let from = 0; from < size.modules; from += MODULES_AT_ONCE) {
      const to = Math.min(from + MODULES_AT_ONCE, size.modules);
      await client.query("BEGIN");
      await modules(client, size, from, to);
      await client.query("COMMIT");
      progress(Math.min(to * VERSIONS_PER_MODULE, size.versions));
    }
    await documented(client);
    await client.query("VACUUM ANALYZE");
  } finally {
    await client.end();
  }
}

/**
 * The latest version of each module is described and documented, as it is soon after it came: all have the one package
 * container/list of Go itself. Otherwise each start would look for zips that are not there.
 */
async function documented(client: pg.Client): Promise<void> {
  const directory = join(execFileSync("go", ["env", "GOROOT"], { encoding: "utf8" }).trim(), "src/container/list");
  const names = readdirSync(directory).filter((name) => name.endsWith(".go"));
  const files = names.map((name) => ({ name, bytes: readFileSync(join(directory, name)) }));
  const threads = openDocumentationThreads();
  const found = await threads.document({ files, problems: [] }, true);
  await threads.close();
  if (!found) throw new Error(`${directory} holds no package`);
  await client.query(
    `UPDATE module_document d SET version_id = latest.id
     FROM (SELECT id AS module_id, newest_version(id, 0) AS id FROM module OFFSET 0) latest
     WHERE d.module_id = latest.module_id AND d.version_id <> latest.id`,
  );
  await client.query(
    `WITH version AS (
       INSERT INTO documented_version (version_id, format, whole) SELECT version_id, $1, true FROM module_document
       ON CONFLICT DO NOTHING RETURNING version_id)
     INSERT INTO documented_package (version_id, directory, name, synopsis, imports, words, content)
     SELECT version_id, '', $2, $3, $4, $5, $6 FROM version`,
    [FORMAT, found.name, found.synopsis, found.imports, found.words, found.content],
  );
}

/** Which modules one requires: low numbers far more often than high ones. */
const REQUIRED_IN_SQL = `
  CREATE FUNCTION pg_temp.required(n int, which int, modules int) RETURNS int IMMUTABLE LANGUAGE sql AS
    $$ SELECT floor(modules * power(abs(hashint4(n * 31 + which)::bigint) / 2147483649.0, 4))::int $$;`;

async function namespaces(client: pg.Client, { modules }: Size): Promise<void> {
  const projects = Math.ceil(modules / 4);
  await client.query(
    `INSERT INTO "group" (id, traversal_ids, name, path, full_path, visibility, description)
     SELECT id, ARRAY[id], 'Team ' || n, pg_temp.group_path(n), pg_temp.group_path(n), CASE
       WHEN mod(n, 10) < 6 THEN 'PUBLIC' WHEN mod(n, 10) < 9 THEN 'INTERNAL' ELSE 'PRIVATE' END::"Visibility",
       'The group of team ' || n
     FROM (SELECT n, nextval('group_id_seq')::int AS id FROM generate_series(0, $1::int - 1) n) AS new`,
    [groupsFor(projects)],
  );
  await client.query(
    `INSERT INTO project (name, path, full_path, group_id, visibility, description, created_at)
     SELECT split_part(p.full_path, '/', 2), split_part(p.full_path, '/', 2), p.full_path, g.id,
       g.visibility, 'A ' || pg_temp.word(n) || ' ' || pg_temp.word(n + 3) || ' for the ' || pg_temp.word(n / 20) || ' of all',
       now() - (n || ' minutes')::interval
     FROM generate_series(0, $1::int - 1) n CROSS JOIN LATERAL (SELECT pg_temp.project_path(n) AS full_path) p
     JOIN "group" g ON g.full_path = pg_temp.group_path(pg_temp.group_of(n))`,
    [projects],
  );
}

/** Two users with tokens (askers.ts): one is in the private group team-9, one in none. */
async function people(client: pg.Client): Promise<void> {
  for (const [username, token] of Object.entries(TOKENS)) {
    const { rows } = await client.query<{ id: number }>(
      `INSERT INTO "user" (username, name) VALUES ($1, $1) RETURNING id`,
      [username],
    );
    await client.query(
      `INSERT INTO token (kind, name, user_id, scopes, digest) VALUES ('PERSONAL', 'bench', $1, '{read_api}', $2)`,
      [rows[0]!.id, createHash("sha256").update(token).digest("hex")],
    );
  }
  await client.query(`INSERT INTO member (user_id, group_id, access_level)
    SELECT u.id, g.id, 30 FROM "user" u JOIN "group" g ON g.full_path = 'team-9' WHERE u.username = 'insider'`);
}

/** The same versions for every module, ascending: releases, and a pre-release before every tenth. */
function versionNames(): string[] {
  return Array.from({ length: VERSIONS_PER_MODULE }, (_, n) => (n % 10 === 9 ? `v1.${n + 1}.0-rc.1` : `v1.${n}.0`));
}

/** Modules number `from` to `to` with all that belongs to them. */
async function modules(client: pg.Client, { modules: count, versions }: Size, from: number, to: number): Promise<void> {
  await client.query(
    `INSERT INTO module (path, origin, project_id, deprecated)
     SELECT pg_temp.module_path(n), CASE WHEN p.id IS NULL THEN 'UPSTREAM' ELSE 'HOSTED' END::"ModuleOrigin", p.id,
       CASE WHEN mod(n, 97) = 5 THEN 'use another' END
     FROM generate_series($1::int, $2::int - 1) n
     LEFT JOIN project p ON mod(n, 2) = 0 AND p.full_path = pg_temp.project_path(n / 4)`,
    [from, to],
  );
  const names = versionNames();
  // What one go.mod says is the same in all versions of a module but for the versions that it requires.
  await client.query(
    `CREATE TEMP TABLE new_version ON COMMIT DROP AS
     SELECT n, m.id AS module_id, m.project_id, m.path, name, sort_key, i::int - 1 AS i
     FROM generate_series($1::int, $2::int - 1) n JOIN module m ON m.path = pg_temp.module_path(n)
     CROSS JOIN unnest($3::text[], $4::text[]) WITH ORDINALITY AS version (name, sort_key, i)
     WHERE n * ${VERSIONS_PER_MODULE} + i <= $5`,
    [from, to, names, names.map(versionSortKey), versions],
  );
  await client.query("ANALYZE new_version"); // without it each join below is planned for a few rows
  await client.query(
    `INSERT INTO module_version (module_id, version, sort_key, kind, "time", "commit", ref, go_mod, go_mod_h1, info,
       h1, zip_key, zip_size, retracted, created_at)
     SELECT module_id, name, sort_key, CASE WHEN name LIKE '%-%' THEN 'PRERELEASE' ELSE 'RELEASE' END::"VersionKind",
       date_trunc('second', now()) - (($1::int - i) || ' hours')::interval, CASE WHEN project_id IS NOT NULL THEN md5(path || i) || '00000000' END,
       CASE WHEN project_id IS NOT NULL THEN 'refs/tags/' || name END,
       convert_to('module ' || path || E'\n\ngo 1.2' || mod(n, 5) || E'\n', 'UTF8'), $2,
       CASE WHEN project_id IS NULL THEN convert_to('{"Version":"' || name || '"}', 'UTF8') END,
       $2, encode(sha256(convert_to(path || i, 'UTF8')), 'hex'), 1000 + mod(n * 17 + i, 90000), i = 7,
       now() - ((($1::int - i) * ${MODULES_AT_ONCE} + mod(n, ${MODULES_AT_ONCE})) || ' seconds')::interval
     FROM new_version`,
    [VERSIONS_PER_MODULE, h1OfGoMod(Buffer.from("module m\n"))],
  );
  // Of a requirement the database proves the foreign key alone, row by row, which the join has proved.
  await client.query("SET LOCAL session_replication_role = replica");
  await client.query(
    `INSERT INTO requirement (version_id, path, version, indirect)
     SELECT v.id, needed.path, 'v1.' || greatest(i - mod(i, 10) - which, 0) || '.0', which > 3
     FROM (SELECT DISTINCT ON (n, to_n) n, which, pg_temp.module_path(to_n) AS path
       FROM generate_series($2::int, $3::int - 1) n CROSS JOIN generate_series(1, ${REQUIREMENTS}) which
       CROSS JOIN LATERAL (SELECT pg_temp.required(n, which, $1) AS to_n OFFSET 0) one
       WHERE to_n <> n ORDER BY n, to_n, which) needed
     JOIN new_version w USING (n) JOIN module_version v ON v.module_id = w.module_id AND v.version = w.name`,
    [count, from, to],
  );
  await client.query("SET LOCAL session_replication_role = origin");
  await client.query(
    `INSERT INTO module_document (module_id, version_id, readme_path, readme, licenses, go_version)
     SELECT w.module_id, max(v.id), 'README.md', '# ' || w.path || E'\n\nA ' || pg_temp.word(w.n) || ' for ' || pg_temp.word(w.n / 3)
         || repeat(' and more about ' || pg_temp.word(w.n / 5), 20),
       ARRAY[(ARRAY['MIT', 'Apache-2.0', 'BSD-3-Clause', 'MPL-2.0'])[1 + mod(w.n / 2, 4)]], '1.2' || mod(w.n, 5)
     FROM new_version w JOIN module_version v ON v.module_id = w.module_id AND v.version = w.name
     GROUP BY w.module_id, w.path, w.n`,
  );
  await client.query(
    `INSERT INTO module_dependency (module_id, path, version_id, version_key, required_version, indirect, current)
     SELECT DISTINCT ON (v.module_id, r.path) v.module_id, r.path, v.id,
       CASE v.kind WHEN 'RELEASE' THEN '3' ELSE '2' END || v.sort_key AS key, r.version, r.indirect,
       v.id = newest.id
     FROM (SELECT module_id, newest_version(module_id, 0) AS id FROM (SELECT DISTINCT module_id FROM new_version) m OFFSET 0) newest
     JOIN new_version w USING (module_id) JOIN module_version v ON v.module_id = w.module_id AND v.version = w.name
     JOIN requirement r ON r.version_id = v.id
     ORDER BY v.module_id, r.path, key DESC`,
  );
  // As registry/numbers/downloads.ts writes them: the newest release of every module on each of the last days, the more the lower its number.
  await client.query(
    `CREATE TEMP TABLE new_download ON COMMIT DROP AS
     SELECT newest.id AS version_id, newest.module_id, current_date - day AS day, 1 + ($1 / (n + 1)) + mod(n + day, 7) AS count
     FROM (SELECT DISTINCT ON (v.module_id) v.id, v.module_id, n FROM new_version w JOIN module_version v USING (module_id)
       WHERE v.kind = 'RELEASE' ORDER BY v.module_id, v.sort_key DESC) newest
     CROSS JOIN generate_series(0, ${DAYS_OF_DOWNLOADS - 1}) day`,
    [count],
  );
  await client.query(`
    INSERT INTO version_download_day (version_id, day, module_id, count) SELECT version_id, day, module_id, count FROM new_download;
    INSERT INTO module_download_day (module_id, day, count) SELECT module_id, day, count FROM new_download;
    INSERT INTO version_downloads (version_id, module_id, total, last_at)
      SELECT version_id, module_id, sum(count), now() FROM new_download GROUP BY 1, 2;
    INSERT INTO module_downloads (module_id, total) SELECT module_id, sum(count) FROM new_download GROUP BY 1`);
  await client.query(
    `INSERT INTO index_entry ("timestamp", path, version, project_id, upstream)
     SELECT '2026-01-01'::timestamptz + (n * ${VERSIONS_PER_MODULE} + i) * interval '1 millisecond', path, name, project_id,
       project_id IS NULL
     FROM new_version`,
  );
}
