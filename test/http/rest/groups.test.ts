// Groups and namespaces (src/http/rest/group-calls.ts), in the shapes of GitLab's doc/api/groups.md.
import { beforeAll, describe, expect, test } from "vitest";
import { type Rest, restOf } from "../../support/rest-document.ts";
import { ADMIN_TOKEN, type TestServer, testServer } from "../../support/server.ts";

let server: TestServer;
let rest: Rest;
let alice: string;
let bob: string;
// biome-ignore lint/suspicious/noExplicitAny: answers
let top: any;
// biome-ignore lint/suspicious/noExplicitAny: answers
let sub: any;

const make = (body: object, token = alice) => rest("POST", "/groups", token, { body });
const paths = (json: { full_path: string }[]) => json.map((group) => group.full_path);

beforeAll(async () => {
  server = await testServer();
  rest = await restOf(server.url);
  [alice, bob] = [await server.token("alice"), await server.token("bob")];
  top = (await make({ name: "The Top", path: "top", description: "first" })).json;
  sub = (await make({ name: "Sub", path: "sub.x", parent_id: top.id })).json;
  await make({ name: "Deep", path: "deep", parent_id: sub.id });
  await make({ name: "Open", path: "open", visibility: "public" });
  await make({ name: "Inside", path: "inside", visibility: "internal" }, bob);
});

test("a new group: private unless said otherwise, and its maker is Owner", async () => {
  expect(top).toEqual({
    id: expect.any(Number),
    name: "The Top",
    path: "top",
    full_path: "top",
    full_name: "The Top",
    parent_id: null,
    description: "first",
    visibility: "private",
    web_url: `${server.url}/groups/top`,
    avatar_url: null,
    created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
  });
  expect(sub).toMatchObject({ full_path: "top/sub.x", full_name: "The Top / Sub", parent_id: top.id });
  const { json } = await rest("GET", `/groups/${top.id}/members`, alice);
  expect(json).toEqual([expect.objectContaining({ username: "alice", access_level: 50 })]);
});

test("by number, and by path as both clients write it", async () => {
  for (const id of [sub.id, "top%2Fsub.x", "top%2fsub%2Ex", "TOP%2FSub%2ex"])
    expect((await rest("GET", `/groups/${id}?with_projects=false`, alice)).json).toEqual(sub);
});

describe("refused", () => {
  test.each([
    ["no path", { name: "x" }, 400, { error: "path is missing", reason: "invalid_request" }],
    ["no name", { path: "x" }, 400, { error: "name is missing", reason: "invalid_request" }],
    [
      "a taken path",
      { name: "x", path: "Top" },
      400,
      { message: { path: ["has already been taken"] }, reason: "path_taken" },
    ],
    [
      "the path of a user",
      { name: "x", path: "BOB" },
      400,
      { message: { path: ["has already been taken"] }, reason: "path_taken" },
    ],
    [
      "a path that cannot be",
      { name: "x", path: "-x" },
      400,
      { message: { path: [expect.any(String)] }, reason: "invalid_request" },
    ],
    [
      "slashes",
      { name: "x", path: "a/b" },
      400,
      { message: { path: [expect.any(String)] }, reason: "invalid_request" },
    ],
    [
      "another visibility",
      { name: "x", path: "x", visibility: "hidden" },
      400,
      { error: "visibility does not have a valid value", reason: "invalid_request" },
    ],
    [
      "a parent that is no number",
      { name: "x", path: "x", parent_id: "top" },
      400,
      { error: "parent_id is invalid", reason: "invalid_request" },
    ],
    [
      "a missing parent",
      { name: "x", path: "x", parent_id: 999_999 },
      404,
      { message: "404 Group Not Found", reason: "not_found" },
    ],
  ])("%s", async (_, body, status, json) => {
    const answer = await make(body);
    expect([answer.status, answer.json]).toEqual([status, json]);
  });

  test("more visible than the parent, and less visible than what is inside", async () => {
    const more = await make({ name: "x", path: "x", parent_id: top.id, visibility: "public" });
    expect([more.status, more.json]).toEqual([
      400,
      { message: { visibility: [expect.any(String)] }, reason: "invalid_request" },
    ]);
    const { json: pub } = await make({ name: "P", path: "pub", visibility: "public" });
    await make({ name: "Q", path: "q", parent_id: pub.id, visibility: "public" });
    const less = await rest("PUT", `/groups/${pub.id}`, alice, { body: { visibility: "private" } });
    expect([less.status, less.json]).toEqual([
      400,
      { message: { visibility: [expect.stringContaining("pub/q")] }, reason: "invalid_request" },
    ]);
    expect((await rest("DELETE", `/groups/${pub.id}`, alice)).status).toBe(202);
  });

  test("a parent that is hidden is one that is missing, and so is a group, on every call", async () => {
    const body = { name: "x", path: "x", parent_id: top.id };
    expect((await make(body, bob)).text).toBe('{"message":"404 Group Not Found","reason":"not_found"}');
    const calls: [string, string, object?][] = [
      ["GET", ""],
      ["PUT", "", { name: "mine" }],
      ["DELETE", ""],
      ["GET", "/subgroups"],
      ["GET", "/descendant_groups"],
      ["GET", "/projects"],
      ["GET", "/members"],
      ["GET", "/members/all"],
      ["GET", "/members/1"],
      ["POST", "/members", { user_id: 1, access_level: 30 }],
      ["DELETE", "/members/1"],
    ];
    for (const [method, path, sent] of calls)
      for (const token of [bob, undefined]) {
        const ask = (id: string | number) => rest(method, `/groups/${id}${path}`, token, sent ? { body: sent } : {});
        const [hidden, missing] = [await ask("top%2Fsub.x"), await ask("top%2Fnope")];
        expect([hidden.status, hidden.text]).toEqual([missing.status, missing.text]);
        expect([hidden.status, hidden.text]).toEqual(
          token
            ? [404, '{"message":"404 Group Not Found","reason":"not_found"}']
            : [401, '{"message":"401 Unauthorized","reason":"token_required"}'],
        );
        expect((await ask(sub.id)).text).toBe(hidden.text);
      }
    expect((await rest("GET", "/groups/alice", ADMIN_TOKEN)).status).toBe(404); // a user's namespace is no group
  });

  test("who may see it and may not do it: 403", async () => {
    const { json: open } = await rest("GET", "/groups/open", bob);
    for (const method of ["PUT", "DELETE"]) {
      const answer = await rest(method, `/groups/${open.id}`, bob, { body: { name: "mine" } });
      expect([answer.status, answer.json.message]).toEqual([403, expect.stringMatching(/^403 Forbidden - /)]);
    }
    expect((await make({ name: "x", path: "x", parent_id: open.id }, bob)).status).toBe(403);
    expect((await rest("PUT", "/groups/open", undefined, { body: { name: "x" } })).status).toBe(401);
  });
});

test("lists: what one may see, filtered and sorted", async () => {
  const list = async (query: string, token: string | undefined = alice) =>
    paths((await rest("GET", `/groups?${query}`, token)).json);
  expect(await list("")).toEqual(["top/sub.x/deep", "inside", "open", "top/sub.x", "top"]);
  expect(await list("order_by=path&sort=desc")).toEqual(["top", "top/sub.x", "open", "inside", "top/sub.x/deep"]);
  expect(await list("order_by=id&sort=asc&top_level_only=true")).toEqual(["top", "open", "inside"]);
  expect(await list("search=SU")).toEqual(["top/sub.x"]);
  expect(await list("owned=True&order_by=id")).toEqual(["top", "top/sub.x", "top/sub.x/deep", "open"]);
  expect(await list("all_available=false&order_by=id", bob)).toEqual(["inside"]);
  expect(await list("min_access_level=40", bob)).toEqual(["inside"]);
  expect(await list("visibility=public")).toEqual(["open"]);
  expect(await list(`skip_groups[]=${top.id}&skip_groups[]=${sub.id}&order_by=id`)).toEqual([
    "top/sub.x/deep",
    "open",
    "inside",
  ]);
  expect(await list("order_by=id", bob)).toEqual(["open", "inside"]);
  expect(paths((await rest("GET", "/groups")).json)).toEqual(["open"]);
  expect((await rest("GET", "/groups?min_access_level=7", alice)).json).toEqual({
    error: "min_access_level does not have a valid value",
    reason: "invalid_request",
  });
  const below = async (path: string) => paths((await rest("GET", `/groups/${top.id}/${path}`, alice)).json);
  expect(await below("subgroups")).toEqual(["top/sub.x"]);
  expect(await below("descendant_groups?order_by=id")).toEqual(["top/sub.x", "top/sub.x/deep"]);
});

test("changed: what is given, at once; the path stays", async () => {
  const put = (body: object) => rest("PUT", `/groups/${top.id}`, alice, { body });
  expect((await put({ name: "Higher", path: "top", description: null, visibility: "" })).json).toEqual({
    ...top,
    name: "Higher",
    full_name: "Higher",
    description: "",
  });
  expect((await put({ path: "other" })).json).toEqual({
    message: { path: [expect.stringContaining("cannot be changed")] },
    reason: "invalid_request",
  });
  expect((await put({ name: "" })).json.name).toBe("Higher");
  expect((await rest("GET", "/groups/top%2Fsub.x", alice)).json.full_name).toBe("Higher / Sub");
});

test("namespaces: groups, and the own one", async () => {
  const { json } = await rest("GET", "/namespaces", alice);
  const own = json.find((one: { kind: string }) => one.kind === "user");
  expect(own).toMatchObject({ path: "alice", full_path: "alice", parent_id: null, web_url: `${server.url}/alice` });
  expect(json.filter((one: { kind: string }) => one.kind === "user")).toHaveLength(1);
  expect((await rest("GET", "/namespaces/alice", alice)).json).toEqual(own);
  expect((await rest("GET", `/namespaces/${top.id}`, alice)).json).toMatchObject({ kind: "group", full_path: "top" });
  expect((await rest("GET", "/namespaces/alice", bob)).text).toBe((await rest("GET", "/namespaces/nobody", bob)).text);
});

test("deleted: 202, with everything inside, at once; the path is free again", async () => {
  await rest("POST", "/projects", alice, { body: { name: "lib", namespace_id: sub.id } });
  const answer = await rest("DELETE", "/groups/top?full_path=&permanently_remove=", alice);
  expect([answer.status, answer.text]).toEqual([202, '{"message":"202 Accepted"}']);
  for (const path of ["/groups/top", `/groups/${sub.id}`, "/projects/top%2Fsub%2Ex%2Flib"])
    expect((await rest("GET", path, alice)).status).toBe(404);
  const again = await make({ name: "Again", path: "top" });
  expect([again.status, again.json.id > top.id]).toEqual([201, true]);
});
