// Users (src/http/rest/user-calls.ts), in the shapes of GitLab's doc/api/users.md.
import { beforeAll, describe, expect, test } from "vitest";
import { type Rest, restOf } from "../../support/rest-document.ts";
import { ADMIN_TOKEN, type TestServer, testServer } from "../../support/server.ts";

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

let server: TestServer;
let rest: Rest;
let alice: string;
let aliceId: number;

beforeAll(async () => {
  server = await testServer();
  rest = await restOf(server.url);
  alice = await server.token("alice");
  aliceId = (await rest("GET", "/user", alice)).json.id;
});

const make = (body: object, token = ADMIN_TOKEN) => rest("POST", "/users", token, { body });

test("whom the token acts as", async () => {
  const { status, json } = await rest("GET", "/user", alice);
  expect([status, json]).toEqual([
    200,
    {
      id: expect.any(Number),
      username: "alice",
      name: "alice",
      state: "active",
      web_url: `${server.url}/alice`,
      avatar_url: null,
      created_at: expect.stringMatching(TIME),
      bot: false,
      email: null,
      can_create_group: true,
      can_create_project: true,
    },
  ]);
  expect((await rest("GET", "/user", ADMIN_TOKEN)).json).toMatchObject({ username: "root", is_admin: true });
  const narrow = await server.token("alice", "read_user");
  expect((await rest("GET", "/user", narrow)).status).toBe(200);
  expect((await rest("GET", "/groups", narrow)).status).toBe(403);
  expect((await rest("GET", "/user")).text).toBe('{"message":"401 Unauthorized","reason":"token_required"}');
});

describe("making a user", () => {
  test("as GitLab's programs ask for it: the password is taken and forgotten", async () => {
    const body = {
      username: "bob",
      name: "Bob B.",
      email: "bob@example.com",
      password: "not kept anywhere 7",
      skip_confirmation: true,
      reset_password: null,
    };
    const { status, json } = await make(body);
    expect([status, json]).toEqual([
      201,
      expect.objectContaining({ username: "bob", name: "Bob B.", email: "bob@example.com", is_admin: false }),
    ]);
    expect(JSON.stringify(json)).not.toContain("not kept");
    expect(server.logged.join("")).not.toContain("not kept");
    const shown = await rest("GET", `/users/${json.id}`, alice);
    expect([shown.status, "email" in shown.json, "is_admin" in shown.json]).toEqual([200, false, false]);
  });

  test.each([
    [
      "no name",
      { username: "x", email: "x@example.com" },
      400,
      { error: "name is missing", reason: "invalid_request" },
    ],
    [
      "nothing",
      {},
      400,
      { error: "username is missing, name is missing, email is missing", reason: "invalid_request" },
    ],
    [
      "an empty name",
      { username: "x", name: "", email: "x@example.com" },
      400,
      { error: "name is missing", reason: "invalid_request" },
    ],
    [
      "a number too many",
      { username: ["x"], name: "X", email: "x@e.com" },
      400,
      { error: "username is invalid", reason: "invalid_request" },
    ],
    [
      "no word",
      { username: "x", name: "X", email: "x@e.com", admin: "maybe" },
      400,
      { error: "admin is invalid", reason: "invalid_request" },
    ],
    [
      "no address",
      { username: "x", name: "X", email: "x" },
      400,
      { message: { email: [expect.any(String)] }, reason: "invalid_request" },
    ],
    [
      "the same name",
      { username: "Alice", name: "A", email: "a@e.com" },
      409,
      { message: "Username has already been taken", reason: "already_exists" },
    ],
    [
      "the same address",
      { username: "bo", name: "B", email: "bob@example.com" },
      409,
      { message: "Email has already been taken", reason: "already_exists" },
    ],
  ])("refused: %s", async (_, body, status, json) => {
    const answer = await make(body);
    expect([answer.status, answer.json]).toEqual([status, json]);
  });

  test("only administrators, with the scope api", async () => {
    const body = { username: "eve", name: "Eve", email: "eve@example.com" };
    const user = await make(body, alice);
    expect([user.status, user.json.reason]).toEqual([403, "administrators_only"]);
    const narrow = await make(body, await server.token("root", "read_api"));
    expect([narrow.status, narrow.json.error, narrow.json.scope]).toEqual([403, "insufficient_scope", "api"]);
    expect((await rest("POST", "/users", undefined, { body })).text).toBe(
      '{"message":"401 Unauthorized","reason":"token_required"}',
    );
    expect((await rest("GET", "/users?username=eve", alice)).json).toEqual([]);
  });
});

test("lists: by name in any case, by part, active, in order", async () => {
  const names = async (query: string) =>
    (await rest("GET", `/users?${query}`, alice)).json.map((user: { username: string }) => user.username);
  expect(await names("username=ALICE")).toEqual(["alice"]);
  expect(await names("username=ali")).toEqual([]);
  expect(await names("search=ob%20b")).toEqual(["bob"]);
  expect(await names("search=bob@example")).toEqual([]); // the address is not for all
  expect(await names("search=%25")).toEqual([]);
  expect(await names("order_by=username&sort=asc")).toEqual(["alice", "bob", "root"]);
  expect(await names("active=True&per_page=1&order_by=id&sort=asc")).toEqual(["root"]);
  expect((await rest("GET", "/users")).status).toBe(401);
  expect((await rest("GET", "/users?order_by=email", alice)).json).toEqual({
    error: "order_by does not have a valid value",
    reason: "invalid_request",
  });
});

test("a user that is not there", async () => {
  for (const id of ["999", "4294967296", "99999999999999"])
    expect((await rest("GET", `/users/${id}`, alice)).text).toBe(
      '{"message":"404 User Not Found","reason":"not_found"}',
    );
  expect((await rest("GET", "/users/alice", alice)).json).toEqual({
    error: "id is invalid",
    reason: "invalid_request",
  });
  expect((await rest("GET", "/users/%ff", alice)).json).toEqual({ error: "id is invalid", reason: "invalid_request" });
});

test("blocked and unblocked: the tokens are refused at once", async () => {
  const { json: carol } = await make({ username: "carol", name: "Carol", email: "carol@example.com" });
  const token = await server.token("carol");
  expect((await rest("GET", "/user", token)).status).toBe(200);
  const blocked = await rest("POST", `/users/${carol.id}/block`, ADMIN_TOKEN, { body: "null" });
  expect([blocked.status, blocked.json]).toEqual([201, true]);
  expect((await rest("GET", "/user", token)).json).toMatchObject({ error: "invalid_token", reason: "user_blocked" });
  expect((await rest("GET", `/users/${carol.id}`, alice)).json.state).toBe("blocked");
  expect((await rest("GET", "/users?active=1&username=carol", alice)).json).toEqual([]);
  expect((await rest("POST", `/users/${carol.id}/unblock`, ADMIN_TOKEN)).status).toBe(201);
  expect((await rest("GET", "/user", token)).status).toBe(200);
  expect((await rest("POST", `/users/${carol.id}/block`, alice)).status).toBe(403);
  expect((await rest("POST", "/users/999/block", ADMIN_TOKEN)).status).toBe(404);
});

test("changed and deleted", async () => {
  const { json: dave } = await make({ username: "dave", name: "Dave", email: "dave@example.com" });
  const put = (body: object, token = ADMIN_TOKEN) => rest("PUT", `/users/${dave.id}`, token, { body });
  expect((await put({ name: "David", email: "d@example.com", username: "dave" })).json).toMatchObject({
    name: "David",
    email: "d@example.com",
  });
  expect((await put({ username: "david" })).json).toEqual({
    message: { username: [expect.any(String)] },
    reason: "invalid_request",
  });
  expect((await put({ email: "bob@example.com" })).status).toBe(409);
  expect((await put({ name: "X" }, alice)).status).toBe(403);
  await rest("POST", "/projects", await server.token("dave"), { body: { name: "own" } });
  expect((await rest("DELETE", `/users/${dave.id}`, alice)).status).toBe(403);
  expect((await rest("DELETE", `/users/${dave.id}`, ADMIN_TOKEN)).status).toBe(204);
  expect((await rest("DELETE", `/users/${dave.id}`, ADMIN_TOKEN)).status).toBe(404);
  expect((await rest("GET", "/projects/dave%2Fown", ADMIN_TOKEN)).status).toBe(404);
  expect((await make({ username: "dave", name: "Dave", email: "d@example.com" })).status).toBe(201);
  const { json: root } = await rest("GET", "/user", ADMIN_TOKEN);
  expect((await rest("DELETE", `/users/${root.id}`, ADMIN_TOKEN)).status).toBe(403);
  expect((await rest("PUT", `/users/${root.id}`, ADMIN_TOKEN, { body: { admin: false } })).status).toBe(403);
  expect((await rest("POST", `/users/${root.id}/block`, ADMIN_TOKEN)).status).toBe(403);
});

test("pages by position", async () => {
  const seen: number[] = [];
  let path = "/users?pagination=keyset&per_page=2&order_by=id&sort=asc";
  for (;;) {
    const { json, headers } = await rest("GET", path, alice);
    seen.push(...json.map((user: { id: number }) => user.id));
    expect(Object.keys(headers).filter((name) => /^x-(total|page|next|prev)/.test(name))).toEqual([]);
    const link = /^<([^>]+)>; rel="next"$/.exec(String(headers.link ?? ""));
    if (!link) break;
    path = link[1]!.slice(`${server.url}/api/v4`.length);
  }
  expect(seen).toContain(aliceId);
  expect(seen).toEqual([...new Set(seen)].sort((a, b) => a - b));
});

test("the first administrator has an address, as GitLab's programs expect", async () => {
  expect((await rest("GET", "/user", ADMIN_TOKEN)).json).toMatchObject({ username: "root", email: "root@gokura.test" });
});
