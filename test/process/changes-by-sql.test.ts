// What is changed in the database by any hand (Prisma Studio, psql) takes effect in a running server within a second, also
// where the server would have answered from memory.
import pg from "pg";
import { beforeAll, describe, expect, test } from "vitest";
import { createGroup } from "../../src/registry/forge/groups.ts";
import { addMember } from "../../src/registry/forge/members.ts";
import { OPERATOR } from "../../src/registry/principal.ts";
import { atEnd } from "../support/at-end.ts";
import { eventually } from "../support/eventually.ts";
import { ask, bearer } from "../support/http.ts";
import { pushRecipe, remoteOf } from "../support/push.ts";
import { MODULE_HOST, type TestServer, testServer } from "../support/server.ts";

const WITHIN_MS = 1_000;
const LIST = `/api/v4/projects/acme%2Flib/packages/go/${MODULE_HOST}/acme/lib/@v/list`;

let server: TestServer;
let client: pg.Client;
let alice: string;

beforeAll(async () => {
  server = await testServer();
  client = new pg.Client(server.registry.database.url);
  await client.connect();
  atEnd(() => client.end());
  alice = await server.token("alice");
  await createGroup(server.registry, OPERATOR, { fullPath: "acme", visibility: "PUBLIC" });
  const developer = { username: "alice", accessLevel: 30 };
  await addMember(server.registry, OPERATOR, { groupPath: "acme" }, developer);
  await pushRecipe(remoteOf(server.url, "acme/lib", alice), (r) => {
    r.tag("v1.0.0", r.commit({ "go.mod": `module ${MODULE_HOST}/acme/lib\n`, "a.go": "package lib\n" }));
  });
});

const statusOf = async (token?: string): Promise<number> =>
  (await ask(server.url, LIST, token === undefined ? {} : { headers: bearer(token) })).status;

/** Makes sure that an answer is in memory and stays there. */
async function warm(token: string | undefined, status: number): Promise<void> {
  await eventually(
    () => statusOf(token),
    (found) => found === status,
  );
  const hits = async () => (await server.registry.metrics.hotHits.get()).values[0]!.value;
  const before = await hits();
  expect(await statusOf(token)).toBe(status);
  if (status === 200) expect(await hits()).toBe(before + 1);
}

interface Change {
  readonly sql: string;
  readonly undo: string;
  /** Whose answer changes; alice's if not given. */
  readonly anonymous?: boolean;
  readonly before?: number;
  readonly after: number;
}

const CHANGES: Record<string, Change> = {
  "the flag is switched off for everybody": {
    sql: "update feature_flag set enabled = false where name = 'go_proxy'",
    undo: "update feature_flag set enabled = true where name = 'go_proxy'",
    after: 404,
  },
  "the flag goes away": {
    sql: "delete from feature_flag where name = 'go_proxy'",
    undo: "insert into feature_flag (name, enabled) values ('go_proxy', true)",
    after: 404,
  },
  "the member is removed": {
    sql: "delete from member where group_id = (select id from \"group\" where full_path = 'acme')",
    undo: `insert into member (user_id, group_id, access_level)
      select u.id, g.id, 30 from "user" u, "group" g where u.username = 'alice' and g.full_path = 'acme'`,
    after: 404,
  },
  "the member becomes a Guest": {
    sql: "update member set access_level = 10 where access_level = 30",
    undo: "update member set access_level = 30 where access_level = 10",
    after: 403,
  },
  "the membership has ended": {
    sql: "update member set expires_at = '2020-01-01' where access_level = 30",
    undo: "update member set expires_at = null",
    after: 404,
  },
  "the token is revoked": {
    sql: "update token set revoked_at = now() where name = 'test'",
    undo: "update token set revoked_at = null",
    after: 401,
  },
  "the token has expired": {
    sql: "update token set expires_at = now() where name = 'test'",
    undo: "update token set expires_at = null",
    after: 401,
  },
  "the token's scopes are others": {
    sql: "update token set scopes = '{read_user}' where name = 'test'",
    undo: "update token set scopes = '{api,write_repository}' where name = 'test'",
    after: 403,
  },
  "the user is blocked": {
    sql: `update "user" set blocked_at = now() where username = 'alice'`,
    undo: `update "user" set blocked_at = null`,
    after: 401,
  },
  "the registry of the project is off": {
    sql: "update project set packages_enabled = false",
    undo: "update project set packages_enabled = true",
    after: 403,
  },
  "the project becomes public": {
    sql: "update project set visibility = 'PUBLIC'",
    undo: "update project set visibility = 'PRIVATE'",
    anonymous: true,
    before: 401,
    after: 200,
  },
};

describe("by plain SQL", () => {
  test.each(Object.entries(CHANGES))(
    "%s, and back",
    async (_, { sql, undo, anonymous = false, before = 200, after }) => {
      const token = anonymous ? undefined : alice;
      await warm(token, before);
      await client.query(sql);
      expect(
        await eventually(
          () => statusOf(token),
          (status) => status === after,
          WITHIN_MS,
        ),
      ).toBe(after);
      await warm(token, after);
      await client.query(undo);
      expect(
        await eventually(
          () => statusOf(token),
          (status) => status === before,
          WITHIN_MS,
        ),
      ).toBe(before);
    },
  );

  test("a flag for the project alone, and for the group around it", async () => {
    await client.query("update feature_flag set enabled = false");
    await warm(alice, 404);
    for (const column of ["project", "group"]) {
      await client.query(
        `insert into feature_gate (flag_name, ${column}_id) select 'go_proxy', id from "${column}" where full_path in ('acme', 'acme/lib')`,
      );
      expect(
        await eventually(
          () => statusOf(alice),
          (status) => status === 200,
          WITHIN_MS,
        ),
        column,
      ).toBe(200);
      await client.query("delete from feature_gate");
      expect(
        await eventually(
          () => statusOf(alice),
          (status) => status === 404,
          WITHIN_MS,
        ),
        column,
      ).toBe(404);
    }
    await client.query("update feature_flag set enabled = true");
    expect(
      await eventually(
        () => statusOf(alice),
        (status) => status === 200,
        WITHIN_MS,
      ),
    ).toBe(200);
  });

  test("what is published stays: the database refuses, and the answer is the same", async () => {
    const before = await ask(server.url, LIST, { headers: bearer(alice) });
    await expect(client.query("delete from module_version")).rejects.toThrow(/pinned/);
    await expect(client.query("update module_version set version = 'v6.6.6'")).rejects.toThrow(/pinned/);
    expect((await ask(server.url, LIST, { headers: bearer(alice) })).text).toBe(before.text);
    expect(before.text).toBe("v1.0.0\n");
  });
});
