// Projects (src/http/rest/project-calls.ts), in the shapes of GitLab's doc/api/projects.md.
import { beforeAll, describe, expect, test } from "vitest";
import { createProject } from "../../../src/registry/forge/projects.ts";
import { OPERATOR } from "../../../src/registry/principal.ts";
import { basic } from "../../support/http.ts";
import { pushRecipe, remoteOf, tryGit } from "../../support/push.ts";
import { type Rest, restOf } from "../../support/rest-document.ts";
import { ADMIN_TOKEN, type TestServer, testServer } from "../../support/server.ts";

const TIME = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);

let server: TestServer;
let rest: Rest;
let alice: string;
let bob: string;
let team: { id: number };
// biome-ignore lint/suspicious/noExplicitAny: answers
let lib: any;

const make = (body: object, token = alice) => rest("POST", "/projects", token, { body });
const put = (body: object, token = alice, id: string | number = lib.id) =>
  rest("PUT", `/projects/${id}`, token, { body });
const names = (json: { path: string }[]) => json.map((project) => project.path);

beforeAll(async () => {
  server = await testServer();
  rest = await restOf(server.url);
  [alice, bob] = [await server.token("alice"), await server.token("bob")];
  team = (await rest("POST", "/groups", alice, { body: { name: "The Team", path: "team", visibility: "public" } }))
    .json;
  lib = (await make({ name: "Lib.Go", namespace_id: team.id, description: "of use", topics: ["go", "lib"] })).json;
});

test("a new project, with every field", async () => {
  const self = `${server.url}/api/v4/projects/${lib.id}`;
  expect(lib).toEqual({
    id: expect.any(Number),
    name: "Lib.Go",
    path: "lib.go",
    description: "of use",
    path_with_namespace: "team/lib.go",
    name_with_namespace: "The Team / Lib.Go",
    visibility: "private",
    archived: false,
    mirror: false,
    empty_repo: true,
    created_at: TIME,
    last_activity_at: TIME,
    updated_at: TIME,
    default_branch: null,
    web_url: `${server.url}/team/lib.go`,
    http_url_to_repo: `${server.url}/team/lib.go.git`,
    ssh_url_to_repo: null,
    readme_url: null,
    packages_enabled: true,
    package_registry_access_level: "enabled",
    creator_id: expect.any(Number),
    topics: ["go", "lib"],
    tag_list: ["go", "lib"],
    list_refused: false,
    repository_object_format: "sha1",
    shared_with_groups: [],
    namespace: {
      id: team.id,
      name: "The Team",
      path: "team",
      kind: "group",
      full_path: "team",
      parent_id: null,
      avatar_url: null,
      web_url: `${server.url}/groups/team`,
    },
    permissions: { project_access: null, group_access: { access_level: 50, notification_level: 3 } },
    _links: { self, members: `${self}/members` },
  });
});

test("by number, and by path as both clients write it", async () => {
  for (const id of [lib.id, "team%2Flib.go", "team%2flib%2Ego", "TEAM%2FLib%2ego"])
    expect((await rest("GET", `/projects/${id}?license=true`, alice)).json).toEqual(lib);
  expect((await rest("GET", `/projects/${lib.id}/?statistics=True`, alice)).json.statistics).toEqual({
    packages_size: 0,
  });
  for (const id of ["lib.go", "team", "999999", "99999999999999999999", "team%2Flib%00go"])
    expect((await rest("GET", `/projects/${id}`, alice)).text).toBe(
      '{"message":"404 Project Not Found","reason":"not_found"}',
    );
  expect((await rest("GET", "/projects/team/lib.go", alice)).json).toEqual({
    error: "404 Not Found",
    reason: "no_such_address",
  });
});

describe("making one", () => {
  test("without a group it goes into one's own namespace; name and path make each other", async () => {
    const { json } = await make({ name: "My  Tool!", visibility: "public", packages_enabled: false });
    expect(json).toMatchObject({
      path_with_namespace: "alice/my-tool",
      namespace: { kind: "user", web_url: `${server.url}/alice` },
      package_registry_access_level: "disabled",
      packages_enabled: false,
    });
    expect((await make({ path: "Other" })).json).toMatchObject({ name: "Other", path: "Other" });
    const form = { "content-type": "application/x-www-form-urlencoded" };
    const formed = await rest("POST", "/projects?visibility=internal", alice, {
      body: "name=formed&topics[]=a&topics[]=b&package_registry_access_level=public&namespace_id=",
      headers: form,
    });
    expect([formed.status, formed.json]).toEqual([
      201,
      expect.objectContaining({ topics: ["a", "b"], package_registry_access_level: "public", visibility: "internal" }),
    ]);
  });

  test("with the object format of its repository to come, and the go command's own list", async () => {
    const made = await make({ path: "sha256", repository_object_format: "sha256", list_refused: true });
    expect(made.json).toMatchObject({ repository_object_format: "sha256", list_refused: true });
    expect((await rest("GET", `/projects/${made.json.id}`, alice)).json).toEqual(made.json);
    expect((await make({ path: "sha512", repository_object_format: "sha512" })).status).toBe(400);
    expect((await rest("DELETE", `/projects/${made.json.id}`, alice)).status).toBe(202);
  });

  test.each([
    [
      "nothing",
      {},
      400,
      { error: "name, path are missing, at least one parameter must be provided", reason: "invalid_request" },
    ],
    [
      "a body of null",
      "null",
      400,
      { error: "name, path are missing, at least one parameter must be provided", reason: "invalid_request" },
    ],
    [
      "another level",
      { name: "x", package_registry_access_level: "on" },
      400,
      { error: "package_registry_access_level does not have a valid value", reason: "invalid_request" },
    ],
    ["a list for a name", { name: [1] }, 400, { error: "name is invalid", reason: "invalid_request" }],
    [
      "a taken path",
      { name: "x", path: "LIB.go", in: "team" },
      400,
      { message: { path: ["has already been taken"] }, reason: "path_taken" },
    ],
    [
      "a path that cannot be",
      { path: "x.git" },
      400,
      { message: { path: [expect.any(String)] }, reason: "invalid_request" },
    ],
    [
      "a missing group",
      { name: "x", namespace_id: 999_999 },
      404,
      { message: "404 Namespace Not Found", reason: "not_found" },
    ],
    [
      "a body that is no JSON",
      "{",
      400,
      { message: expect.stringMatching(/^400 Bad request - /), reason: "invalid_request" },
    ],
    [
      "a branch that cannot be",
      { name: "x", default_branch: "a..b" },
      400,
      { message: { default_branch: [expect.any(String)] }, reason: "invalid_request" },
    ],
  ])("refused: %s", async (_, body, status, json) => {
    const sent = typeof body === "object" && "in" in body ? { ...body, namespace_id: team.id } : body;
    const answer = await rest("POST", "/projects", alice, { body: sent });
    expect([answer.status, answer.json]).toEqual([status, json]);
  });

  test("refused: more visible than the group, and whoever is no Developer", async () => {
    const { json: inner } = await rest("POST", "/groups", alice, { body: { name: "p", path: "priv" } });
    const visible = await make({ name: "x", namespace_id: inner.id, visibility: "public" });
    expect([visible.status, visible.json]).toEqual([
      400,
      { message: { visibility: [expect.any(String)] }, reason: "invalid_request" },
    ]);
    expect((await make({ name: "x", namespace_id: team.id }, bob)).status).toBe(403);
    expect((await make({ name: "x", namespace_id: inner.id }, bob)).text).toBe(
      '{"message":"404 Namespace Not Found","reason":"not_found"}',
    );
    expect((await rest("POST", "/projects", undefined, { body: { name: "x" } })).status).toBe(401);
    expect((await make({ name: "x" }, await server.token("alice", "read_api"))).json.scope).toBe("api");
  });
});

test("what is hidden is what is missing, on every call", async () => {
  const calls: [string, string, object?][] = [
    ["GET", ""],
    ["PUT", "", { name: "x" }],
    ["DELETE", ""],
    ["POST", "/archive"],
    ["GET", "/members"],
    ["GET", "/members/all/1"],
    ["POST", "/members", { user_id: 1, access_level: 30 }],
    ["POST", "/members", { user_id: 99, access_level: 30 }],
    ["PUT", "/members/1", { access_level: 30 }],
    ["DELETE", "/members/1"],
    ["GET", "/repository/tags"],
    ["GET", "/repository/branches/main"],
    ["GET", "/repository/commits"],
  ];
  for (const [method, path, body] of calls)
    for (const token of [bob, undefined]) {
      const ask = (id: string | number) => rest(method, `/projects/${id}${path}`, token, body ? { body } : {});
      const missing = await ask("team%2Fnope");
      expect([missing.status, missing.text]).toEqual(
        token
          ? [404, '{"message":"404 Project Not Found","reason":"not_found"}']
          : [401, '{"message":"401 Unauthorized","reason":"token_required"}'],
      );
      const headers = ({ date: _, "x-request-id": __, ...others }: Record<string, unknown>) => others;
      for (const id of [lib.id, "team%2Flib.go"]) {
        const hidden = await ask(id);
        expect([hidden.status, hidden.text, headers(hidden.headers)]).toEqual([
          missing.status,
          missing.text,
          headers(missing.headers),
        ]);
      }
    }
});

describe("changing one", () => {
  test("what is given, and nothing else", async () => {
    const { json } = await put({
      name: "Library",
      topics: "a, b",
      shared_with_groups: [],
      visibility: null,
      unknown: 1,
    });
    expect(json).toMatchObject({ name: "Library", topics: ["a", "b"], visibility: "private", description: "of use" });
    expect((await put({ description: "", topics: [] })).json).toMatchObject({ description: "", topics: [] });
    expect((await put({ list_refused: true })).json).toMatchObject({ list_refused: true, topics: [] });
    expect((await put({ path: "lib.go" })).status).toBe(200);
    expect((await put({ path: "lib" })).json).toEqual({
      message: { path: [expect.stringContaining("cannot be changed")] },
      reason: "invalid_request",
    });
    expect((await put({ default_branch: "dev" })).json).toEqual({
      message: { default_branch: [expect.any(String)] },
      reason: "invalid_request",
    });
  });

  test("the two names of the registry's switch", async () => {
    const shown = async (body: object) => {
      const { json } = await put(body);
      return [json.package_registry_access_level, json.packages_enabled];
    };
    expect(await shown({ packages_enabled: "False" })).toEqual(["disabled", false]);
    expect(await shown({ packages_enabled: 1 })).toEqual(["enabled", true]);
    expect(await shown({ package_registry_access_level: "private" })).toEqual(["private", true]);
    expect(await shown({ name: "Library" })).toEqual(["private", true]);
    expect(await shown({ package_registry_access_level: "disabled", packages_enabled: true })).toEqual([
      "disabled",
      false,
    ]);
    expect(await shown({ packages_enabled: true })).toEqual(["enabled", true]);
    expect(await shown({ package_registry_access_level: "public" })).toEqual(["public", true]);
  });

  test("needs Maintainer", async () => {
    const { json: open } = await make({ name: "seen", visibility: "public" });
    const answer = await put({ name: "mine" }, bob, open.id);
    expect([answer.status, answer.json.message]).toEqual([403, expect.stringMatching(/^403 Forbidden - /)]);
    expect((await rest("DELETE", `/projects/${open.id}`, bob)).status).toBe(403);
    expect((await rest("PUT", `/projects/${open.id}`, undefined, { body: {} })).status).toBe(401);
  });
});

describe("lists", () => {
  const list = async (query: string, token: string | undefined = alice) =>
    names((await rest("GET", `/projects?${query}`, token)).json);

  test("filters", async () => {
    expect(await list("search=LIBR")).toEqual(["lib.go"]);
    expect(await list("search=team")).toEqual([]);
    expect(await list("search=team&search_namespaces=true")).toEqual(["lib.go"]);
    expect(await list("visibility=internal")).toEqual(["formed"]);
    expect(await list("membership=true", bob)).toEqual([]);
    expect((await list("owned=1")).length).toBe((await list("")).length);
    expect(await list("min_access_level=30", bob)).toEqual([]);
    expect(await list("starred=true")).toEqual([]);
    expect(await list("topic=a,b")).toEqual(["formed"]);
    expect(await list("topic=a,c")).toEqual([]);
    expect(await list("archived=true")).toEqual([]);
    expect(await list("last_activity_after=2999-01-01")).toEqual([]);
    expect((await list("last_activity_before=2999-01-01T00:00:00%2B02:00")).length).toBeGreaterThan(2);
    expect(await list(`id_before=${lib.id + 1}`)).toEqual(["lib.go"]);
    expect(await list("simple=true&search=formed")).toEqual(["formed"]);
    expect((await list("search=%25")).length).toBe(0);
  });

  test("orders", async () => {
    const newest = await list("");
    expect(newest.at(-1)).toBe("lib.go");
    expect(await list("sort=asc")).toEqual([...newest].reverse());
    expect(await list("order_by=id")).toEqual(newest);
    const byName = (await rest("GET", "/projects?order_by=name&sort=asc", alice)).json.map(
      (p: { name: string }) => p.name,
    );
    expect(byName.filter((name: string) => /^[a-z]/.test(name))).toEqual(["formed", "seen"]); // whatever the collation
    for (const by of ["path", "updated_at", "last_activity_at"])
      expect((await list(`order_by=${by}`)).sort()).toEqual([...newest].sort());
  });

  test("only what one may see, and totals of that", async () => {
    expect((await list("", bob)).sort()).toEqual(["formed", "my-tool", "seen"]);
    const anonymous = await rest("GET", "/projects");
    expect([names(anonymous.json).sort(), anonymous.headers["x-total"]]).toEqual([["my-tool", "seen"], "2"]);
    expect((await list("", ADMIN_TOKEN)).length).toBe((await list("")).length);
  });

  test("of a group, with those below, and of a user", async () => {
    const { json: below } = await rest("POST", "/groups", alice, {
      body: { name: "b", path: "b", parent_id: team.id },
    });
    await make({ name: "deep", namespace_id: below.id });
    const of = async (query: string, token = alice) =>
      names((await rest("GET", `/groups/team/projects?${query}`, token)).json);
    expect(await of("")).toEqual(["lib.go"]);
    expect(await of("include_subgroups=true&with_shared=false&order_by=id&sort=asc")).toEqual(["lib.go", "deep"]);
    expect(await of("", bob)).toEqual([]);
    const { json: me } = await rest("GET", "/user", alice);
    expect(names((await rest("GET", `/users/${me.id}/projects?sort=asc`, bob)).json)).toEqual([
      "my-tool",
      "formed",
      "seen",
    ]);
  });
});

test("archived: readable, and takes no pushes until it is taken back", async () => {
  const { json: old } = await make({ name: "old" });
  const remote = remoteOf(server.url, "alice/old", await server.token("alice", "write_repository"));
  const pushed = await pushRecipe(remote, (r) => void r.commit({ "go.mod": "module gokura.test/alice/old\n" }));
  expect((await rest("GET", `/projects/${old.id}`, alice)).json).toMatchObject({
    empty_repo: false,
    default_branch: "main",
  });
  expect((await rest("POST", `/projects/${old.id}/archive`, bob)).status).toBe(404);
  const archived = await rest("POST", `/projects/${old.id}/archive`, alice);
  expect([archived.status, archived.json.archived]).toEqual([201, true]);
  pushed.change((r) => r.tag("v1.0.0", r.commit({ "a.go": "package old\n" })));
  await expect(pushed.push()).rejects.toThrow(/403|archived/);
  expect((await tryGit(["ls-remote", remote])).status).toBe(0);
  expect(names((await rest("GET", "/projects?archived=True", alice)).json)).toEqual(["old"]);
  expect((await rest("POST", `/projects/${old.id}/unarchive`, alice)).json.archived).toBe(false);
  await pushed.push();
  expect((await rest("GET", `/projects/${old.id}/repository/tags/v1%2E0%2E0`, alice)).status).toBe(200);
});

test("deleted: 202 and gone at once, on every door; the path is free, the number is not", async () => {
  const { json: doomed } = await make({ name: "doomed" });
  const answer = await rest("DELETE", `/projects/${doomed.id}?full_path=&permanently_remove=`, alice, { body: "" });
  expect([answer.status, answer.text]).toEqual([202, '{"message":"202 Accepted"}']);
  expect((await rest("GET", `/projects/${doomed.id}`, alice)).status).toBe(404);
  expect((await rest("GET", "/projects/alice%2Fdoomed", alice)).status).toBe(404);
  expect((await rest("DELETE", `/projects/${doomed.id}`, alice)).status).toBe(404);
  const { json: again } = await make({ name: "doomed" });
  expect(again.id).toBeGreaterThan(doomed.id);
});

test("a deploy token is no user of this API", async () => {
  const project = await createProject(server.registry, OPERATOR, { fullPath: "alice/tokened" });
  const { createDeployToken } = await import("../../../src/registry/forge/tokens.ts");
  const { secret, token } = await createDeployToken(server.registry, OPERATOR, "alice/tokened", {
    name: "ci",
    scopes: ["read_package_registry"],
  });
  const answer = await rest("GET", `/projects/${project.id}`, undefined, { headers: basic(token.username!, secret) });
  expect([answer.status, answer.json.error]).toEqual([403, "insufficient_scope"]);
});
