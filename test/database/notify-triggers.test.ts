// Which changes are told to the servers, and which are not: each is made by plain SQL, and a sentence of our own sent after
// it marks where its notices end.
import pg from "pg";
import { beforeAll, describe, expect, test } from "vitest";
import { atEnd } from "../support/at-end.ts";
import { guardedDatabase } from "./guarded-rows.ts";

const { url, client, ids, one } = await guardedDatabase();

const listener = new pg.Client(url);
await listener.connect();
atEnd(() => listener.end());
await listener.query(
  "LISTEN gokura_access; LISTEN gokura_content; LISTEN gokura_mirror; LISTEN gokura_policies; LISTEN gokura_hooks; LISTEN end_of_change",
);

/** Makes a change and returns the notices of it, each once, in order: "gokura_access" or "gokura_content ID". */
async function noticesOf(sql: string, values: unknown[] = []): Promise<string[]> {
  const heard: string[] = [];
  const ended = new Promise<void>((resolve) => {
    const hear = ({ channel, payload }: pg.Notification): void => {
      if (channel !== "end_of_change") {
        heard.push(`${channel} ${payload ?? ""}`.trim());
        return;
      }
      listener.off("notification", hear);
      resolve();
    };
    listener.on("notification", hear);
  });
  await client.query(sql, values);
  await client.query("NOTIFY end_of_change");
  await ended;
  return [...new Set(heard)];
}

const ACCESS = "gokura_access";
const CONTENT = `gokura_content ${ids.lib}`;

let token: number;
beforeAll(async () => {
  token = Number(
    (
      await one(
        `insert into token (kind, name, scopes, digest, user_id) values ('PERSONAL', 'x', '{api}', 'd', $1) returning id`,
        [ids.alice],
      )
    ).id,
  );
});

describe("who may do what", () => {
  test.each([
    ["a flag appears", "insert into feature_flag (name, enabled) values ('go_proxy', false)"],
    ["a flag is switched", "update feature_flag set enabled = true"],
    ["a gate is added", `insert into feature_gate (flag_name, project_id) values ('go_proxy', ${ids.lib})`],
    ["a gate goes", "delete from feature_gate"],
    ["a flag goes", "delete from feature_flag"],
    ["a member comes", `insert into member (user_id, project_id, access_level) values (${ids.alice}, ${ids.lib}, 30)`],
    ["a member's level changes", "update member set access_level = 40"],
    ["a membership gets an end", "update member set expires_at = '2030-01-01'"],
    ["a member goes", "delete from member"],
    ["all members go", "truncate member"],
    ["a project becomes visible", "update project set visibility = 'INTERNAL'"],
    ["a project's registry is switched off", "update project set packages_enabled = false"],
    ["a project's prefix changes", "update project set module_prefix = 'github.com/acme/lib'"],
    ["a project's tag scheme changes", "update project set tag_scheme = 'GITLAB'"],
    ["a project is renamed", "update project set name = 'other'"],
    ["a group becomes visible", `update "group" set visibility = 'PUBLIC'`],
    ["a user is blocked", `update "user" set blocked_at = now()`],
    ["a user becomes an administrator", `update "user" set admin = true`],
    [
      "a token comes",
      `insert into token (kind, name, scopes, digest, user_id) values ('PERSONAL', 'y', '{api}', 'e', ${ids.alice})`,
    ],
    ["a token is revoked", "update token set revoked_at = now()"],
    ["a token gets an end", "update token set expires_at = now()"],
    ["a token's scopes change", "update token set scopes = '{read_api}'"],
    ["a token goes", "delete from token where name = 'y'"],
    [
      "a deploy token of a group comes",
      `insert into token (kind, name, scopes, digest, group_id, username)
         values ('DEPLOY', 'of acme', '{read_repository}', 'f', ${ids.acme}, 'ci')`,
    ],
    ["it becomes one of another group", `update token set group_id = ${ids.sub} where name = 'of acme'`],
    [
      "an issuer is trusted",
      `insert into trust (project_id, issuer, audience, claims, scopes)
         values (${ids.lib}, 'https://ci.test', 'here', '{"sub": "job"}', '{read_api}')`,
    ],
    ["a trust gets an end", "update trust set expires_at = now()"],
    ["a trust goes", "delete from trust"],
    ["it goes with that group", `delete from "group" where id = ${ids.sub}`],
  ])("%s", async (_, sql) => {
    expect(await noticesOf(sql)).toEqual([ACCESS]);
  });

  test.each([
    ["that a token was used", "update token set last_used_at = now()"],
    ["how a token is called", "update token set name = 'z', description = 'y'"],
    ["that a push began", "update project set push_started_at = now()"],
    ["that a push ended", "update project set push_started_at = null, last_activity_at = now()"],
    ["what the audit trail gets", "insert into audit_event (actor, action, subject) values ('a', 'b', 'c')"],
    [
      "that nothing came of a transaction",
      "begin; update feature_flag set enabled = false; update token set revoked_at = null; rollback",
    ],
  ])("but not %s: it happens all the time and decides nothing", async (_, sql) => {
    expect(await noticesOf(sql)).toEqual([]);
  });

  test("a new token is told before anybody can have been refused with it for long", async () => {
    expect(token).toBeGreaterThan(0);
    expect(await noticesOf("update token set revoked_at = now() where id = $1", [token])).toEqual([ACCESS]);
  });
});

test("a look at a mirror that is wanted sooner than before, and not one that was put off", async () => {
  const add = `insert into mirror (project_id, url, hook_secret) values (${ids.lib}, 'https://git.test/a', 'x')`;
  expect((await noticesOf(add)).map((notice) => notice.split(" ")[0]).sort()).toEqual([ACCESS, "gokura_mirror"]);
  const move = (by: string): Promise<string[]> =>
    noticesOf(`update mirror set next_look_at = next_look_at + interval '${by}', looked_at = now()`);
  expect(await move("1 hour")).toEqual([]);
  expect(await move("-1 minute")).toEqual([expect.stringMatching(/^gokura_mirror \d+$/)]);
  expect(await noticesOf("delete from mirror")).toEqual([ACCESS]);
});

describe("what a project publishes, with the number of the project", () => {
  const version = (name: string) =>
    `insert into module_version (module_id, version, sort_key, kind, time, "commit", go_mod, go_mod_h1)
       values (${ids.module}, '${name}', '${name}', 'RELEASE', now(), 'c', 'm', 'h')`;
  test.each([
    [
      "a branch or tag comes",
      `insert into ref (project_id, name, oid, peeled) values (${ids.lib}, 'refs/heads/main', 'a', 'a')`,
    ],
    ["it moves", "update ref set oid = 'b', peeled = 'b'"],
    ["it goes", "delete from ref"],
    ["a version comes", version("v2.0.0")],
    ["a version is retracted", "update module_version set retracted = true where version = 'v2.0.0'"],
    ["a tag is refused", `insert into rejected_tag (project_id, tag, reason) values (${ids.lib}, 'v3', 'x')`],
    ["it is so no more", "delete from rejected_tag"],
    ["a module comes", `insert into module (path, project_id) values ('go.test/acme/lib/v2', ${ids.lib})`],
    ["a module is deprecated", `update module set deprecated = 'x' where id = ${ids.module}`],
  ])("%s", async (_, sql) => {
    expect(await noticesOf(sql)).toEqual([CONTENT]);
  });

  test("its lists hold what is refused, which every server remembers of the project too", async () => {
    const sql = `update project set list_refused = true where id = ${ids.lib}`;
    expect((await noticesOf(sql)).sort()).toEqual([ACCESS, CONTENT]);
  });

  test("a version that is taken away, with the word that what was for ever is so no more", async () => {
    const taken =
      "begin; set local gokura.deliberate = 'on'; delete from module_version where version = 'v2.0.0'; commit";
    expect(await noticesOf(taken)).toEqual([`${CONTENT} deleted`]);
  });

  test("but not that a tag was looked at, nor that a zip was made: nobody sees a difference", async () => {
    const pushed = `insert into ref (project_id, name, oid, peeled) values (${ids.lib}, 'refs/tags/v1', 'a', 'a')`;
    expect(await noticesOf(pushed)).toEqual([CONTENT]);
    expect(await noticesOf("update ref set indexed = true, updated_at = now()")).toEqual([]);
    expect(
      await noticesOf("update module_version set h1 = 'h', zip_key = 'k', zip_size = 1 where id = $1", [ids.bare]),
    ).toEqual([]);
  });

  test("many changes of one project in a transaction are one notice", async () => {
    const many = `insert into ref (project_id, name, oid, peeled) select ${ids.lib}, 'refs/tags/many' || n, 'a', 'a' from generate_series(1, 1000) n`;
    expect(await noticesOf(many)).toEqual([CONTENT]);
  });
});

test.each([
  ["appears", "insert into policy (pattern, action, reason, created_by) values ('example.com', 'DENY', '', 'root')"],
  ["changes", "update policy set versions = 'v1.0.0'"],
  ["goes", "delete from policy"],
])("a rule %s", async (_, sql) => {
  expect(await noticesOf(sql)).toEqual(["gokura_policies"]);
});

test("what waits to be delivered is told, and a statement that writes down nothing is not", async () => {
  const tell = (event: string) => `insert into hook_delivery (hook_id, event, body)
    select id, '${event}', '{}' from hook where '${event}' = any(events)`;
  await client.query(`insert into hook (url, events, signing_key) values ('https://hooks.test', '{tag.moved}', 'x')`);
  expect(await noticesOf(tell("tag.moved"))).toEqual(["gokura_hooks"]);
  expect(await noticesOf(tell("tag.deleted"))).toEqual([]);
  expect(await noticesOf("update hook_delivery set attempts = 1")).toEqual([]);
});
