// The promises that the database itself keeps, whoever writes: everything here is plain SQL, as Prisma Studio or psql
// sends it (migration "guards").
import { describe, expect, test } from "vitest";
import { guardedDatabase } from "./guarded-rows.ts";

const RESTRICT = "23001";
const CHECK = "23514";
const UNIQUE = "23505";

const { client, ids, one, refused } = await guardedDatabase();

describe("what was published is pinned", () => {
  test.each([
    ["module_version", `"commit" = 'beef'`],
    ["module_version", `version = 'v9.9.9'`],
    ["module_version", `module_id = module_id + 1`],
    ["module_version", `sort_key = 'x'`],
    ["module_version", `kind = 'PSEUDO'`],
    ["module_version", `time = time + interval '1 second'`],
    ["module_version", `ref = null`],
    ["module_version", `directory = 'sub'`],
    ["module_version", `go_mod = 'module y'`],
    ["module_version", `go_mod_h1 = 'h1:other'`],
    ["module_version", `legacy = true`],
    ["module_version", `created_at = now()`],
    ["module_version", `package_of = package_of + 1`],
    ["module_version", `package_name = 'go.test/other'`],
    ["module", `path = 'go.test/other'`],
    ["module", `project_id = project_id + 1`],
    ["requirement", `version = 'v2.0.0'`],
    ["tag_event", `tag = 'x'`],
    ["pushed_tag", `actor = 'nobody'`],
    ["tombstone", `"commit" = 'beef'`],
    ["tombstone", `at = now()`],
    ["audit_event", `actor = 'nobody'`],
    ["index_entry", `timestamp = timestamp + interval '1 hour'`],
    ["index_entry", `version = 'v9.9.9'`],
    ["index_entry", `project_id = project_id + 1`],
    ["package_file", `sha256 = reverse(sha256)`],
  ])("UPDATE %s SET %s", async (table, set) => {
    expect(await refused(`update ${table} set ${set}`)).toEqual({
      code: RESTRICT,
      message: `${table} is pinned: what was published or logged stays as it is`,
    });
  });

  test.each([
    ...["module_version", "module", "requirement", "tag_event", "tombstone", "audit_event", "index_entry"],
    ...["package_file", "pushed_tag"],
  ])("DELETE FROM and TRUNCATE %s, also with everything that hangs on it", async (table) => {
    const count = `select count(*)::int as n from ${table}`;
    const before = await one(count);
    expect(before.n).toBeGreaterThan(0);
    expect((await refused(`delete from ${table}`)).code).toBe(RESTRICT);
    expect((await refused(`truncate ${table} cascade`)).code).toBe(RESTRICT);
    expect(await one(count)).toEqual(before);
  });

  test.each(["project", `"group"`])("not by deleting the %s around it either", async (table) => {
    const { code, message } = await refused(`delete from ${table} where full_path in ('acme/lib', 'acme')`);
    expect([RESTRICT, "23503"]).toContain(code); // PostgreSQL before 18 says "foreign key violation"
    expect(message).toMatch(/violates RESTRICT setting of foreign key|violates foreign key/);
  });

  test.each([`project`, `"group"`, `"user"`])("nor by truncating %s with all that refers to it", async (table) => {
    expect((await refused(`truncate ${table} cascade`)).code).toBe(RESTRICT);
  });

  test("an upsert is an update", async () => {
    const again = `insert into module (path, project_id) values ('go.test/acme/lib', $1)
      on conflict (path, origin) do update set project_id = $1 + 1`;
    expect((await refused(again, [ids.lib])).code).toBe(RESTRICT);
  });

  test("an update that changes nothing, and what may change, is let through", async () => {
    const update = (set: string) => client.query(`update module_version set ${set} where id = $1`, [ids.zipped]);
    await update(`"commit" = "commit", version = version`);
    await update(`retracted = true, retract_rationale = 'broken'`);
    await client.query(`update module set deprecated = 'use v2' where id = $1`, [ids.module]);
    expect(await one(`select retracted, retract_rationale from module_version where id = $1`, [ids.zipped])).toEqual({
      retracted: true,
      retract_rationale: "broken",
    });
  });

  test("a place in the index feed learns once that its version is gone, and that its project is", async () => {
    const at = "where version = 'v1.1.0'";
    await client.query(`update index_entry set gone_at = now() ${at}`);
    for (const set of ["gone_at = null", "gone_at = now() + interval '1 day'"])
      expect((await refused(`update index_entry set ${set} ${at}`)).code, set).toBe(RESTRICT);
    await client.query(`update index_entry set project_id = null ${at}`);
    expect((await refused(`update index_entry set project_id = ${ids.lib} ${at}`)).code).toBe(RESTRICT);
  });

  test("taking away on purpose is a word said in the same transaction, and good for no more than that", async () => {
    await client.query("begin");
    await client.query("select set_config('gokura.deliberate', 'on', true)");
    await client.query("savepoint s");
    expect((await refused(`update module_version set "commit" = 'beef'`)).code).toBe(RESTRICT);
    await client.query("rollback to s");
    for (const table of ["audit_event", "tombstone", "tag_event"]) {
      expect((await refused(`delete from ${table}`)).code).toBe(RESTRICT);
      await client.query("rollback to s");
    }
    expect((await refused("truncate module_version cascade")).code).toBe(RESTRICT);
    await client.query("rollback to s");
    await client.query("delete from module_version where id = $1", [ids.bare]);
    await client.query("rollback");
    expect((await refused("delete from module_version where id = $1", [ids.bare])).code).toBe(RESTRICT);
  });
});

describe("the zip of a version", () => {
  const zip = (h1: string | null, key: string | null, size: number | null) =>
    [
      `update module_version set h1 = $2, zip_key = $3, zip_size = $4 where id = $1`,
      [ids.bare, h1, key, size],
    ] as const;

  test("is whole or not there, is written once, and stays", async () => {
    expect((await refused(...zip("h1:x", null, null))).code).toBe(CHECK);
    expect((await refused(...zip("h1:x", "cd".repeat(32), null))).code).toBe(CHECK);
    await client.query(zip("h1:x", "cd".repeat(32), 99)[0], [...zip("h1:x", "cd".repeat(32), 99)[1]]);
    expect((await refused(...zip("h1:y", "cd".repeat(32), 99))).code).toBe(RESTRICT);
    expect((await refused(...zip("h1:x", "ef".repeat(32), 99))).code).toBe(RESTRICT);
    expect((await refused(...zip("h1:x", "cd".repeat(32), 100))).code).toBe(RESTRICT);
    expect((await refused(...zip(null, null, null))).code).toBe(RESTRICT);
    expect(await one("select h1, zip_size from module_version where id = $1", [ids.bare])).toEqual({
      h1: "h1:x",
      zip_size: "99",
    });
  });
});

describe("a version from upstream", async () => {
  const { id: module } = await one(
    `insert into module (path, origin) values ('example.com/moved', 'UPSTREAM') returning id`,
  );
  const { id } = await one(
    `insert into module_version (module_id, version, sort_key, kind, info, time)
       values ($1, 'v1.0.0', 'x', 'RELEASE', '{}', now()) returning id`,
    [module],
  );
  const update = (set: string): [string, unknown[]] => [`update module_version set ${set} where id = $1`, [id]];

  test("comes in parts, and each part stays", async () => {
    for (const [set, other] of [
      ["go_mod = 'module x', go_mod_h1 = 'h1:a'", "go_mod = 'module y'"],
      ["h1 = 'h1:x', zip_key = 'ab', zip_size = 1", "zip_key = 'cd'"],
      ["retracted = true", "info = '[]'"],
      ["retracted = false", "time = null"],
      ["retracted = false", "go_mod = null, go_mod_h1 = null"],
    ] as const) {
      await client.query(...update(set));
      expect((await refused(...update(other))).code).toBe(RESTRICT);
    }
  });

  test("has a zip that may make room, and come back as other bytes with the same sum; one of ours may not", async () => {
    const evict = "insert into evicted_zip (version_id) values ($1)";
    expect((await refused(evict, [ids.zipped])).code).toBe(RESTRICT);
    await client.query(evict, [id]);
    expect((await refused("update evicted_zip set version_id = $1", [ids.zipped])).code).toBe(RESTRICT);
    for (const set of ["h1 = 'h1:y'", "h1 = 'h1:y', zip_key = 'cd'", "zip_key = null, zip_size = null, h1 = null"])
      expect((await refused(...update(set))).code, set).toBe(RESTRICT);
    await client.query(...update("zip_key = 'cd', zip_size = 2"));
    await client.query("delete from evicted_zip where version_id = $1", [id]);
    expect((await refused(...update("zip_key = 'ab', zip_size = 1"))).code).toBe(RESTRICT);
  });

  test("has no project, and only such a one may come in parts", async () => {
    expect((await refused("insert into module (path) values ('example.com/b')")).code).toBe(CHECK);
    const owned = "insert into module (path, origin, project_id) values ('example.com/b', 'UPSTREAM', $1)";
    expect((await refused(owned, [ids.lib])).code).toBe(CHECK);
    const part = `insert into module_version (module_id, version, sort_key, kind, info) values ($1, 'v8.0.0', 'x', 'RELEASE', '{}')`;
    expect((await refused(part, [ids.module])).code).toBe(CHECK);
    const empty = `insert into module_version (module_id, version, sort_key, kind) values ($1, 'v8.0.0', 'x', 'RELEASE')`;
    expect((await refused(empty, [module])).code).toBe(CHECK);
  });
});

describe("a hosted version that was uploaded", () => {
  const uploaded = (name: string, h1: string | null, goModH1 = "h1:m") =>
    [
      `insert into module_version (module_id, version, sort_key, kind, time, go_mod, go_mod_h1, h1, zip_key, zip_size)
         values ($1, $2, $2, 'RELEASE', now(), 'module x', $4, $3, case when $3::text is null then null else 'ab' end,
           case when $3::text is null then null else 1 end)`,
      [ids.module, name, h1, goModH1],
    ] as const;

  test("has a zip instead of a commit, and both stay as they are", async () => {
    expect((await refused(...uploaded("v7.0.0", null))).code).toBe(CHECK);
    const [sql, values] = uploaded("v7.0.0", "h1:z");
    await client.query(sql, [...values]);
    for (const set of ["info = '{}'", `"commit" = 'dead'`, "h1 = 'h1:other'", "time = now() + interval '1 day'"])
      expect([CHECK, RESTRICT], set).toContain(
        (await refused(`update module_version set ${set} where version = 'v7.0.0'`)).code,
      );
  });

  test("comes back after the deletion of its project with the same zip, and no other", async () => {
    await client.query(
      `insert into tombstone (module_path, version, go_mod_h1, h1, reason, returnable)
         values ('go.test/acme/lib', 'v7.1.0', 'h1:m', 'h1:z', 'gone', true)`,
    );
    for (const [h1, goModH1] of [
      ["h1:y", "h1:m"],
      ["h1:z", "h1:n"],
    ] as const)
      expect((await refused(...uploaded("v7.1.0", h1, goModH1))).message).toMatch(/v7\.1\.0 was published before:/);
    const [sql, values] = uploaded("v7.1.0", "h1:z");
    await client.query(sql, [...values]);
  });
});

describe("a name that was published and taken away", () => {
  const version = (commit: string, goModH1: string, name = "v0.1.0") =>
    [
      `insert into module_version (module_id, version, sort_key, kind, time, "commit", go_mod, go_mod_h1)
         values ($1, $4, $4, 'RELEASE', now(), $2, 'module x', $3)`,
      [ids.module, commit, goModH1, name],
    ] as const;

  test("is never given to other content, and may come back as it was", async () => {
    expect(await refused(...version("beef", "h1:old"))).toEqual({
      code: RESTRICT,
      message:
        "go.test/acme/lib v0.1.0 was published before from commit dead: its name is never given to other content",
    });
    expect((await refused(...version("dead", "h1:new"))).code).toBe(RESTRICT);
    const [sql, values] = version("dead", "h1:old");
    await client.query(sql, [...values]);
    expect((await refused(...version("dead", "h1:old"))).code).toBe(UNIQUE);
  });

  test("never comes back when it was taken back itself, and nobody can make it so again", async () => {
    expect((await refused(...version("dead", "h1:old", "v0.2.0"))).code).toBe(RESTRICT);
    for (const set of ["returnable = true", "reason = ''", `"commit" = 'beef'`])
      expect((await refused(`update tombstone set ${set} where version = 'v0.2.0'`)).code, set).toBe(RESTRICT);
    await client.query("update tombstone set returnable = false, reason = 'taken back' where version = 'v0.1.0'");
    expect((await refused("update tombstone set returnable = true where version = 'v0.1.0'")).code).toBe(RESTRICT);
  });
});

describe("paths", () => {
  const insertGroup = (path: string, fullPath: string) =>
    [
      `insert into "group" (name, path, full_path, traversal_ids, updated_at) values ($1, $1, $2, '{1}', now())`,
      [path, fullPath],
    ] as const;
  const insertProject = (path: string, fullPath: string) =>
    [
      `insert into project (name, path, full_path, group_id, updated_at) values ($1, $1, $2, $3, now())`,
      [path, fullPath, ids.acme],
    ] as const;

  test("users, groups and projects share one space, in any case", async () => {
    for (const name of ["alice", "ALICE", "acme", "Acme"])
      expect((await refused(...insertGroup(name, name))).code, name).toBe(UNIQUE);
    expect((await refused(...insertGroup("lib", "ACME/lib"))).code).toBe(UNIQUE); // a project has it
    for (const name of ["lib", "LIB"])
      expect((await refused(...insertProject(name, `acme/${name}`))).code).toBe(UNIQUE);
    expect((await refused(...insertProject("Sub", "acme/Sub"))).code).toBe(UNIQUE); // a group has it
    const [sql, values] = insertProject("lib2", "acme/lib2");
    await client.query(sql, [...values]);
  });

  test.each([
    [`"group"`, `full_path = 'other'`],
    [`"group"`, `path = 'other'`],
    [`"group"`, `parent_id = null`],
    [`"group"`, `traversal_ids = '{}'`],
    [`"group"`, `user_id = (select id from "user" where username = 'alice')`],
    [`project`, `full_path = 'acme/other'`],
    [`project`, `path = 'other'`],
    [`project`, `group_id = (select id from "group" where full_path = 'alice')`],
  ])("UPDATE %s SET %s is refused: module paths are made of it", async (table, set) => {
    const said = await refused(`update ${table} set ${set} where full_path in ('acme/sub', 'acme/lib')`);
    expect(said).toEqual({
      code: RESTRICT,
      message: `the path of a ${table.replaceAll('"', "")} is pinned: module paths are made of it`,
    });
  });

  test("the object format of a project is pinned", async () => {
    expect((await refused(`update project set object_format = 'SHA256' where full_path = 'acme/lib'`)).code).toBe(
      RESTRICT,
    );
  });

  test("a path is looked up by its route, which nobody bends, takes or adds", async () => {
    for (const statement of [
      `update route set key = 'other/lib' where key = 'acme/lib'`,
      `update route set project_id = null, group_id = ${ids.sub} where key = 'acme/lib'`,
      `delete from route where key = 'acme/lib'`,
      `delete from route`,
      `truncate route`,
    ])
      expect((await refused(statement)).code, statement).toBe(RESTRICT);
    expect((await refused(`insert into route (key, project_id) values ('alias', ${ids.lib})`)).code).toBe(UNIQUE);
    expect((await refused(`insert into route (key) values ('nothing')`)).code).toBe(CHECK);
    expect(
      (await refused(`insert into route (key, project_id, group_id) values ('both', ${ids.lib}, ${ids.acme})`)).code,
    ).toBe(CHECK);
  });

  test("a path is free again when its project is gone", async () => {
    await client.query(insertProject("gone", "acme/gone")[0], [...insertProject("gone", "acme/gone")[1]]);
    await client.query(`delete from project where full_path = 'acme/gone'`);
    expect(await one(`select count(*)::int as n from route where key = 'acme/gone'`)).toEqual({ n: 0 });
    await client.query(insertProject("Gone", "acme/Gone")[0], [...insertProject("Gone", "acme/Gone")[1]]);
  });

  test("what may change of a project and a group changes", async () => {
    await client.query(
      `update project set visibility = 'PUBLIC', name = 'Library', module_prefix = 'github.com/acme/lib' where id = $1`,
      [ids.lib],
    );
    await client.query(`update "group" set visibility = 'PUBLIC', description = 'x' where id = $1`, [ids.acme]);
    expect(
      (await refused(`update project set module_prefix = 'github.com/acme/lib' where full_path = 'acme/lib2'`)).code,
    ).toBe(UNIQUE);
  });
});

describe("rows that make no sense are refused", () => {
  test.each([
    ["a member of nothing", "member (user_id, access_level) values ($alice, 30)"],
    ["a member of two", "member (user_id, group_id, project_id, access_level) values ($alice, $acme, $lib, 30)"],
    ["an access level that there is not", "member (user_id, group_id, access_level) values ($alice, $acme, 31)"],
    ["a gate for nobody", "feature_gate (flag_name) values ('go_proxy')"],
    ["a gate for two", "feature_gate (flag_name, project_id, group_id) values ('go_proxy', $lib, $acme)"],
    ["a token of nobody", "token (kind, name, scopes, digest) values ('PERSONAL', 'x', '{api}', 'd1')"],
    [
      "a deploy token of a user",
      "token (kind, name, scopes, digest, user_id, username) values ('DEPLOY', 'x', '{read_repository}', 'd2', $alice, 'u')",
    ],
    [
      "a deploy token without a user name",
      "token (kind, name, scopes, digest, project_id) values ('DEPLOY', 'x', '{read_repository}', 'd3', $lib)",
    ],
    [
      "a token of two",
      "token (kind, name, scopes, digest, user_id, project_id) values ('PERSONAL', 'x', '{api}', 'd4', $alice, $lib)",
    ],
    [
      "a deploy token of a project and a group",
      "token (kind, name, scopes, digest, project_id, group_id, username) values ('DEPLOY', 'x', '{read_repository}', 'd6', $lib, $acme, 'u')",
    ],
    [
      "a deploy token of a group without a user name",
      "token (kind, name, scopes, digest, group_id) values ('DEPLOY', 'x', '{read_repository}', 'd7', $acme)",
    ],
    [
      "a personal token of a group",
      "token (kind, name, scopes, digest, user_id, group_id) values ('PERSONAL', 'x', '{api}', 'd8', $alice, $acme)",
    ],
    [
      "a token that opens nothing",
      "token (kind, name, scopes, digest, user_id) values ('PERSONAL', 'x', '{}', 'd5', $alice)",
    ],
  ])("%s", async (_, row) => {
    await client.query("insert into feature_flag (name) values ('go_proxy') on conflict do nothing");
    const sql = row.replace(/\$(\w+)/g, (_match, name) => String(ids[name as keyof typeof ids]));
    expect((await refused(`insert into ${sql}`)).code).toBe(CHECK);
  });

  test("the same membership, gate or token twice", async () => {
    const twice = async (sql: string, values: unknown[]) => {
      await client.query(sql, values);
      expect((await refused(sql, values)).code).toBe(UNIQUE);
    };
    await client.query("insert into feature_flag (name) values ('go_proxy') on conflict do nothing");
    await twice("insert into member (user_id, group_id, access_level) values ($1, $2, 30)", [ids.alice, ids.acme]);
    await twice("insert into member (user_id, project_id, access_level) values ($1, $2, 30)", [ids.alice, ids.lib]);
    await twice("insert into feature_gate (flag_name, project_id) values ('go_proxy', $1)", [ids.lib]);
    await twice("insert into feature_gate (flag_name, group_id) values ('go_proxy', $1)", [ids.acme]);
    await twice(
      "insert into token (kind, name, scopes, digest, user_id) values ('PERSONAL', 'x', '{api}', 'same', $1)",
      [ids.alice],
    );
  });
});

test("a version knows by itself in which package list it stands, whatever is said of it", async () => {
  const insert = (name: string, kind: string) =>
    one(
      `insert into module_version (module_id, version, sort_key, kind, time, "commit", go_mod, go_mod_h1, package_of, package_name)
         values ($1, $2, $2, $3::"VersionKind", now(), 'c0ffee', 'module x', 'h1:mod', 7, 'lie') returning package_of, package_name`,
      [ids.module, name, kind],
    );
  expect(await insert("v5.0.0", "RELEASE")).toEqual({ package_of: ids.lib, package_name: "go.test/acme/lib" });
  expect(await insert("v5.0.1-0.x", "PSEUDO")).toEqual({ package_of: null, package_name: null });
});

test("module paths and sort keys are compared by bytes, whatever the database's own order is", async () => {
  const { rows } = await client.query(
    `select c.relname || '.' || a.attname as column, l.collname as collation
       from pg_attribute a join pg_class c on c.oid = a.attrelid join pg_collation l on l.oid = a.attcollation
       where (c.relname, a.attname) in (('module', 'path'), ('module_version', 'sort_key'), ('module_version', 'package_name')) order by 1`,
  );
  expect(rows).toEqual([
    { column: "module.path", collation: "C" },
    { column: "module_version.package_name", collation: "C" },
    { column: "module_version.sort_key", collation: "C" },
  ]);
});

test("a version never gets other sums than those of its record", async () => {
  const sum = (byte: string) => `decode(repeat('${byte}', 32), 'hex')`;
  const inText = (byte: string) => `'h1:' || encode(${sum(byte)}, 'base64')`;
  await client.query(
    `insert into module_version (module_id, version, sort_key, kind, time, "commit", go_mod, go_mod_h1)
      values ($1, 'v8.0.0', 'v8', 'RELEASE', now(), 'c', 'module x', ${inText("22")})`,
    [ids.module],
  );
  await client.query(
    `insert into sum_record (id, path, version, h1, go_mod_h1, basis)
      values (0, 'go.test/acme/lib', 'v8.0.0', ${sum("11")}, ${sum("22")}, 'HOSTED')`,
  );
  const fill = (byte: string) =>
    `update module_version set h1 = ${inText(byte)}, zip_key = repeat('ab', 32), zip_size = 1 where version = 'v8.0.0'`;
  expect(await refused(fill("33"))).toEqual({
    code: RESTRICT,
    message: "go.test/acme/lib v8.0.0 is in the checksum log with other sums: its name is never given to other content",
  });
  await client.query(fill("11"));
  // Of one from upstream the go.mod comes first.
  await client.query(
    `insert into sum_record (id, path, version, h1, go_mod_h1, basis)
      values (1, 'example.com/logged', 'v1.0.0', ${sum("11")}, ${sum("22")}, 'HOSTED')`,
  );
  const { id } = await one("insert into module (path, origin) values ('example.com/logged', 'UPSTREAM') returning id");
  const goMod = (byte: string) => `insert into module_version (module_id, version, sort_key, kind, go_mod, go_mod_h1)
    values (${id}, 'v1.0.0', 'v1', 'RELEASE', 'module y', ${inText(byte)})`;
  expect(await refused(goMod("33"))).toMatchObject({ code: RESTRICT });
  await client.query(goMod("22"));
});

test("a credential has what its kind has, and no more", async () => {
  const add = (columns: string, values: string): string =>
    `insert into credential (origin, username, secret${columns}) values ('https://x', 'git', 'sealed'${values})`;
  for (const [columns, values] of [
    [", public_key", ", 'ssh-ed25519 AA'"],
    [", kind", ", 'DEPLOY_KEY'"],
    [", host_key", ", 'ssh-ed25519 AA'"],
    [", kind, app_id", ", 'GITHUB_APP', '1'"],
    [", kind, public_key, app_id, installation_id", ", 'DEPLOY_KEY', 'ssh-ed25519 AA', '1', '2'"],
  ] as const)
    expect((await refused(add(columns, values))).code, columns).toBe(CHECK);
  for (const [columns, values] of [
    ["", ""],
    [", kind, public_key, host_key", ", 'DEPLOY_KEY', 'ssh-ed25519 AA', 'ssh-rsa BB'"],
    [", kind, app_id, installation_id", ", 'GITHUB_APP', '1', '2'"],
  ] as const)
    await client.query(add(columns, values));
  await client.query("delete from credential");
});

test("a mirror marks its project, stays that of it, and lets an empty one take the hash of what it follows", async () => {
  const mirrored = async (): Promise<unknown> =>
    (await one("select mirrored from project where id = $1", [ids.lib])).mirrored;
  const format = "update project set object_format = 'SHA256' where id = $1";
  expect((await refused(format, [ids.lib])).message).toMatch(/pinned/);
  const add = "insert into mirror (project_id, url, hook_secret) values ($1, $2, 'x')";
  expect((await refused(add, [ids.lib, "https://user:secret@"])).code).toBe(CHECK);
  await client.query(add, [ids.lib, "https://git.test/acme/lib"]);
  expect(await mirrored()).toBe(true);
  await client.query(format, [ids.lib]);
  await client.query("update mirror set enabled = false where project_id = $1", [ids.lib]);
  expect(await mirrored()).toBe(false);
  expect((await refused("update mirror set project_id = 0")).code).toBe(RESTRICT);
  await client.query("update mirror set enabled = true");
  await client.query("delete from mirror");
  expect(await mirrored()).toBe(false);
});

describe("rules, trusts and hooks", () => {
  test.each([
    [
      "a rule about licences of modules here",
      "policy (pattern, kind, action, licenses, reason, created_by) values ('*', 'HOSTED', 'DENY', '{MIT}', '', 'x')",
    ],
    [
      "a rule about licences and about all others",
      `policy (pattern, action, licenses, licenses_other_than, reason, created_by)
       values ('*', 'DENY', '{MIT}', '{ISC}', '', 'x')`,
    ],
    [
      "a rule about the vulnerabilities of toolchains",
      "policy (pattern, kind, action, vulnerable, reason, created_by) values ('*', 'TOOLCHAIN', 'DENY', 'ANY', '', 'x')",
    ],
    [
      "a trust of a project and a group",
      `trust (project_id, group_id, issuer, audience, claims, scopes)
       values (${ids.lib}, ${ids.acme}, 'https://ci.test', 'here', '{"sub": "x"}', '{read_api}')`,
    ],
    [
      "a trust of nothing",
      `trust (issuer, audience, claims, scopes)
       values ('https://ci.test', 'here', '{"sub": "x"}', '{read_api}')`,
    ],
    [
      "a trust that asks for no claim",
      `trust (project_id, issuer, audience, claims, scopes)
       values (${ids.lib}, 'https://ci.test', 'here', '{}', '{read_api}')`,
    ],
    [
      "a trust that asks for a list",
      `trust (project_id, issuer, audience, claims, scopes)
       values (${ids.lib}, 'https://ci.test', 'here', '["sub"]', '{read_api}')`,
    ],
    [
      "a hook of a project and a group",
      `hook (project_id, group_id, url, events, signing_key)
       values (${ids.lib}, ${ids.acme}, 'https://hooks.test', '{tag.moved}', 'x')`,
    ],
    [
      "a second slice of fsck",
      `fsck_slice (id, version_after, version_end, project_after, project_end, next_at) values (false, 0, 0, 0, 0, now())`,
    ],
    ["a quota of less than nothing", `group_quota (group_id, max_bytes) values (${ids.acme}, -1)`],
    [
      "a session of the pages that nobody signed in to",
      `web_session (digest, browser, expires_at) values ('aa', 'b', now())`,
    ],
  ])("%s cannot be", async (_, row) => {
    expect((await refused(`insert into ${row}`)).code).toBe(CHECK);
  });
});

test("no guard was forgotten here: these are all the triggers and checks that there are", async () => {
  const { rows } = await client.query<{ name: string }>(
    `select tgname as name from pg_trigger t join pg_class c on c.oid = t.tgrelid
       where not tgisinternal and c.relnamespace = 'public'::regnamespace
     union all select conname from pg_constraint where contype = 'c' and connamespace = 'public'::regnamespace
     order by 1`,
  );
  expect(rows.map(({ name }) => name).filter((name) => !name.endsWith("_notify"))).toEqual(
    [
      ...["gate_for_one", "member_level", "member_of_one", "route_to_one", "token_of_one", "token_opens_something"],
      ...["zip_whole_or_not", "group_path_pinned", "group_route", "project_path_pinned", "project_route"],
      ...["project_object_format_pinned", "module_version_stays_whole"],
      ...[
        "audit_event",
        "module",
        "module_version",
        "requirement",
        "tag_event",
        "pushed_tag",
        "tombstone",
        "route",
      ].flatMap((table) => [`${table}_not_truncated`, `${table}_pinned`]),
      ...["module_kept", "module_version_kept", "module_version_tombstone", "tombstone_kept", "tombstone_lock"],
      ...["index_entry_kept", "index_entry_not_truncated", "index_entry_pinned", "module_version_whole"],
      ...["hosted_by_project", "go_mod_with_sum", "zip_with_go_mod", "says_something", "known_kind"],
      ...["upstream_answer_changed", "readme_with_path", "readme_bounded"],
      ...["module_version_package", "module_version_package_pinned", "package_with_name"],
      ...["module_added", "module_removed", "module_version_added", "module_version_removed", "module_version_zipped"],
      ...["index_entry_added", "module_search_added", "module_search_removed"],
      ...["project_search_changed", "module_document_search_changed"],
      ...["package_file_pinned", "package_file_not_truncated", "sums_in_hex"],
      ...["sum_record", "sum_tile", "sum_name"].flatMap((table) => [`${table}_not_truncated`, `${table}_pinned`]),
      ...["sum_tree_grows", "sum_tree_kept", "sum_tree_not_truncated", "sum_tree_one", "sum_tree_root"],
      "credential_kind_check",
      ...["mirror_interval", "mirror_marks_project", "mirror_project_pinned", "mirror_url"],
      ...["policy_dry_run_check", "policy_minimum_age_check", "policy_notify_truncate", "policy_pattern_check"],
      ...["policy_licenses_check", "policy_vulnerable_check"],
      ...["proved_sum_notice", "proved_sum_pinned", "proved_sum_sums", "sum_checkpoint_grows", "trusted_head_grows"],
      ...["sum_misbehaviour_kept", "sum_misbehaviour_not_truncated", "sum_misbehaviour_pinned"],
      ...["trust_of_one", "trust_asks_for_claims", "hook_of_one", "web_session_made_with"],
      ...["quota_is_an_amount", "fsck_slice_one"],
      ...["evicted_zip_of_upstream", "module_version_zip_pinned"],
      ...["sum_record_sums", "sum_record_basis", "sum_tile_full", "module_version_record"],
      "module_version_go_mod_record",
    ].sort(),
  );
});
