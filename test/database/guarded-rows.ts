// A little of everything that the database guards, put there by plain SQL, as somebody with Prisma Studio or psql would
// meet it: group acme (with acme/sub), user alice, project acme/lib with one module and two versions.
import pg from "pg";
import { expect } from "vitest";
import { atEnd } from "../support/at-end.ts";
import { testDatabase } from "../support/database.ts";

export interface GuardedDatabase {
  readonly url: string;
  readonly client: pg.Client;
  readonly ids: { alice: number; acme: number; sub: number; lib: number; module: number; zipped: number; bare: number };
  /** Runs a statement and returns the first row. */
  one(sql: string, values?: unknown[]): Promise<Record<string, unknown>>;
  /** Runs a statement that the database must refuse; returns what it said. */
  refused(sql: string, values?: readonly unknown[]): Promise<{ code: string; message: string }>;
}

export async function guardedDatabase(): Promise<GuardedDatabase> {
  const url = await testDatabase();
  const client = new pg.Client(url);
  await client.connect();
  atEnd(() => client.end());
  const one = async (sql: string, values: unknown[] = []): Promise<Record<string, unknown>> =>
    (await client.query(sql, values)).rows[0];
  const id = async (sql: string, values: unknown[] = []): Promise<number> => Number((await one(sql, values)).id);

  const alice = await id(`insert into "user" (username, name) values ('alice', 'Alice') returning id`);
  const group = (path: string, fullPath: string, parent: number | null, user: number | null) =>
    id(
      `with next as (select nextval(pg_get_serial_sequence('"group"', 'id'))::int as id)
       insert into "group" (id, name, path, full_path, parent_id, user_id, traversal_ids, updated_at)
       select id, $1, $1, $2, $3::int, $4::int,
         array_append(coalesce((select traversal_ids from "group" where "group".id = $3), '{}'), id), now()
       from next returning id`,
      [path, fullPath, parent, user],
    );
  await group("alice", "alice", null, alice);
  const acme = await group("acme", "acme", null, null);
  const sub = await group("sub", "acme/sub", acme, null);
  const lib = await id(
    `insert into project (name, path, full_path, group_id, updated_at) values ('lib', 'lib', 'acme/lib', $1, now()) returning id`,
    [acme],
  );
  const module = await id(`insert into module (path, project_id) values ('go.test/acme/lib', $1) returning id`, [lib]);
  const version = (name: string, zip: unknown[]) =>
    id(
      `insert into module_version (module_id, version, sort_key, kind, time, "commit", ref, go_mod, go_mod_h1, h1, zip_key, zip_size)
         values ($1, $2, $2, 'RELEASE', now(), 'c0ffee', 'refs/tags/' || $2, 'module x', 'h1:mod', $3, $4, $5) returning id`,
      [module, name, ...zip],
    );
  const zipped = await version("v1.0.0", ["h1:zip", "ab".repeat(32), 1234]);
  const bare = await version("v1.1.0", [null, null, null]);
  await client.query(
    `insert into requirement (version_id, path, version, indirect) values ($1, 'x.test/y', 'v1.0.0', false)`,
    [zipped],
  );
  await client.query(
    `insert into package_file (version_id, kind, size, md5, sha1, sha256)
       values ($1, 'MOD', 8, repeat('ab', 16), repeat('ab', 20), repeat('cd', 32))`,
    [zipped],
  );
  await client.query(
    `insert into tag_event (project_id, tag, kind, old_commit) values ($1, 'v0.9.0', 'DELETED', 'dead')`,
    [lib],
  );
  await client.query(`insert into pushed_tag values ($1, 'v1.0.0', 'c0ffee', 'alice', '{"tokenId": 1}')`, [lib]);
  await client.query(
    `insert into tombstone (module_path, version, "commit", go_mod_h1, reason, returnable)
       values ('go.test/acme/lib', 'v0.1.0', 'dead', 'h1:old', 'the project was deleted', true),
         ('go.test/acme/lib', 'v0.2.0', 'dead', 'h1:old', 'taken back', false)`,
  );
  await client.query(
    `insert into index_entry (timestamp, path, version, project_id) values
       (now(), 'go.test/acme/lib', 'v1.0.0', $1), (now() + interval '1 second', 'go.test/acme/lib', 'v1.1.0', $1)`,
    [lib],
  );
  await client.query(`insert into audit_event (actor, action, subject) values ('cli', 'user.create', 'alice')`);

  return {
    url,
    client,
    ids: { alice, acme, sub, lib, module, zipped, bare },
    one,
    async refused(sql, values = []) {
      const outcome = await client.query(sql, [...values]).then(
        () => undefined,
        (error: { code: string; message: string }) => error,
      );
      expect(outcome, `not refused: ${sql}`).toBeDefined();
      return { code: outcome!.code, message: outcome!.message };
    },
  };
}
