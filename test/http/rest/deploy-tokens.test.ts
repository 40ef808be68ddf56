// Deploy tokens of projects and groups by REST (doc/api/deploy_tokens.md): shapes, who may, what they open, and that a deleted
// one opens nothing any more.
import { beforeAll, describe, expect, test } from "vitest";
import { createGroup, deleteGroup } from "../../../src/registry/forge/groups.ts";
import { addMember } from "../../../src/registry/forge/members.ts";
import { createProject } from "../../../src/registry/forge/projects.ts";
import { OPERATOR } from "../../../src/registry/principal.ts";
import { ask, basic } from "../../support/http.ts";
import { pushRecipe, remoteOf } from "../../support/push.ts";
import { type Rest, restClient } from "../../support/rest.ts";
import { ADMIN_TOKEN, MODULE_HOST, type TestServer, testServer } from "../../support/server.ts";

let server: TestServer;
let rest: Rest;
const secret = { alice: "", dev: "", stranger: "" };
const TOKENS = "/projects/alice%2Flib/deploy_tokens";

beforeAll(async () => {
  server = await testServer();
  for (const name of ["alice", "dev", "stranger"] as const) secret[name] = await server.token(name, "api");
  rest = await restClient(server.url, secret.alice);
  for (const fullPath of ["alice/lib", "alice/other"]) await createProject(server.registry, OPERATOR, { fullPath });
  await addMember(server.registry, OPERATOR, { projectPath: "alice/lib" }, { username: "dev", accessLevel: 30 });
});

const make = async (input: object, path = TOKENS) => {
  const made = await rest("POST", path, { name: "ci", scopes: ["read_package_registry"], ...input });
  expect(made.status).toBe(201);
  return made.json;
};

test("a user name that no client could send is refused, as GitLab does", async () => {
  for (const username of ["ci:bot", "ci bot", "ci@bot", "bötchen"]) {
    const made = await rest("POST", TOKENS, { name: "ci", scopes: ["read_repository"], username });
    expect([made.status, made.json.message.username]).toEqual([400, [expect.stringContaining("letters")]]);
  }
});

test("made, shown, listed, deleted", async () => {
  const made = await make({
    scopes: ["read_repository", "read_package_registry"],
    expires_at: "2099-01-31T12:30:00+02:00",
  });
  expect(made).toEqual({
    id: expect.any(Number),
    name: "ci",
    username: expect.stringMatching(/^gokura\+deploy-token-\w+$/),
    scopes: ["read_repository", "read_package_registry"],
    revoked: false,
    expired: false,
    expires_at: "2099-01-31T10:30:00.000Z",
    token: expect.stringMatching(/^gkdt_\w{36}$/),
  });
  const { token, ...shown } = made;
  expect((await rest("GET", `${TOKENS}/${made.id}`)).json).toEqual(shown);
  const old = await make({ name: "old", username: "robot", expires_at: "2001-02-03" });
  expect([old.username, old.expired, old.expires_at]).toEqual(["robot", true, "2001-02-03T00:00:00.000Z"]);
  const list = async (query: string, as?: string, path = TOKENS) => {
    const { json, headers } = await rest("GET", `${path}${query}`, undefined, as);
    return [json.map((one: { name: string }) => one.name), headers["x-total"]];
  };
  expect(await list("")).toEqual([["ci", "old"], "2"]);
  expect(await list("?active=true")).toEqual([["ci"], "1"]);
  expect(await list("?per_page=1&page=2")).toEqual([["old"], "2"]);
  await make({ name: "elsewhere" }, "/projects/alice%2Fother/deploy_tokens");
  expect(await list("", ADMIN_TOKEN, "/deploy_tokens")).toEqual([["ci", "old", "elsewhere"], "3"]);
  expect(await list("?active=True", ADMIN_TOKEN, "/deploy_tokens")).toEqual([["ci", "elsewhere"], "2"]);

  expect((await rest("DELETE", `${TOKENS}/${old.id}`)).status).toBe(204);
  for (const method of ["GET", "DELETE"]) {
    const { status, json } = await rest(method, `${TOKENS}/${old.id}`);
    expect([status, json]).toEqual([404, { message: "404 Not Found", reason: "not_found" }]);
  }
  expect(await list("")).toEqual([["ci"], "1"]);
  const other = `/projects/alice%2Fother/deploy_tokens/${made.id}`;
  expect((await rest("GET", other)).status).toBe(404);
  expect((await rest("DELETE", other)).status).toBe(404);
});

test("opens the Go endpoint of its project, with its own name, until it is deleted", async () => {
  const { id, token, username } = await make({ username: "reader" });
  const list = `/api/v4/projects/alice%2Flib/packages/go/${MODULE_HOST}/alice/lib/@v/list`;
  const statusOf = async (name: string) => (await ask(server.url, list, { headers: basic(name, token) })).status;
  const before = await statusOf(username);
  expect([before, await statusOf("another")]).toEqual([404, 401]); // there is no module yet
  expect((await rest("GET", "/personal_access_tokens", undefined, token)).status).toBe(403);
  const self = await rest("GET", "/personal_access_tokens/self", undefined, token);
  expect(self.status).toBe(403);
  expect((await rest("DELETE", `${TOKENS}/${id}`)).status).toBe(204);
  expect(await statusOf(username)).toBe(401);
});

test.each<[string, object, string]>([
  ["no name", { scopes: ["read_repository"] }, "name is missing"],
  ["no scopes", { name: "x" }, "scopes is missing"],
  ["empty scopes", { name: "x", scopes: [] }, "scopes is invalid"],
  ["a user's scope", { name: "x", scopes: ["api"] }, "scopes does not have a valid value"],
  ["no moment", { name: "x", scopes: ["read_repository"], expires_at: "soon" }, "expires_at is invalid"],
  ["an odd user name", { name: "x", scopes: ["read_repository"], username: "a\nb" }, "letters"],
])("400: %s", async (_, input, why) => {
  const { status, json } = await rest("POST", TOKENS, input);
  expect([status, JSON.stringify(json)]).toEqual([400, expect.stringContaining(why)]);
});

test("is for Maintainers; who does not see the project hears that there is none", async () => {
  const one = await make({});
  const calls: [string, string, object?][] = [
    ["GET", TOKENS],
    ["GET", `${TOKENS}/${one.id}`],
    ["GET", `${TOKENS}/999999`],
    ["DELETE", `${TOKENS}/${one.id}`],
    ["POST", TOKENS, { name: "x", scopes: ["read_repository"] }],
  ];
  for (const [method, path, body] of calls) {
    const asked = async (token: string | null) => {
      const { status, json } = await rest(method, path, body, token);
      return [status, json];
    };
    expect((await asked(secret.dev))[0]).toBe(403);
    expect(await asked(secret.stranger)).toEqual([404, { message: "404 Project Not Found", reason: "not_found" }]);
    expect(await asked(null)).toEqual([401, { message: "401 Unauthorized", reason: "token_required" }]);
  }
  expect((await rest("GET", "/deploy_tokens")).status).toBe(403);
  expect((await rest("GET", `${TOKENS}/${one.id}`)).status).toBe(200);
});

describe("of a group", () => {
  const OF_TEAM = "/groups/team/deploy_tokens";
  const PRIVATE = ["team/one", "team/core/two", "team/core/deep/three", "other/four"];
  const of: Record<string, string> = {};

  beforeAll(async () => {
    const { registry } = server;
    for (const fullPath of ["team", "team/core", "team/core/deep", "team/beside", "other"])
      await createGroup(registry, OPERATOR, { fullPath, visibility: "PRIVATE" });
    for (const fullPath of PRIVATE) {
      await createProject(registry, OPERATOR, { fullPath });
      await pushRecipe(remoteOf(server.url, fullPath, ADMIN_TOKEN), (r) => {
        r.tag("v1.0.0", r.commit({ "go.mod": `module ${MODULE_HOST}/${fullPath}\n` }));
      });
    }
    for (const [name, accessLevel] of [
      ["owner", 50],
      ["maintainer", 40],
      ["developer", 30],
    ] as const) {
      of[name] = await server.token(name, "api");
      await addMember(registry, OPERATOR, { groupPath: "team" }, { username: name, accessLevel });
    }
  });

  const makeOf = async (input: object, path = OF_TEAM) => {
    const { status, json } = await rest(
      "POST",
      path,
      { name: "ci", scopes: ["read_package_registry"], ...input },
      of.owner,
    );
    expect([status, json]).toEqual([201, expect.anything()]);
    return json;
  };
  const statusOf = async (path: string, { username, token }: { username: string; token: string }) =>
    (await ask(server.url, path, { headers: basic(username, token) })).status;
  const infoOf = (fullPath: string, view: string) =>
    `/api/v4/${view}packages/go/${MODULE_HOST}/${fullPath}/@v/v1.0.0.info`;
  const endpointsOf = (fullPath: string) => [
    infoOf(fullPath, `projects/${encodeURIComponent(fullPath)}/`),
    infoOf(fullPath, `groups/${encodeURIComponent(fullPath.slice(0, fullPath.lastIndexOf("/")))}/-/`),
    infoOf(fullPath, ""),
  ];

  test("made, shown, listed, deleted, beside those of its projects", async () => {
    const made = await makeOf({ expires_at: "2099-01-31", username: "robot" });
    expect(made).toEqual({
      id: expect.any(Number),
      name: "ci",
      username: "robot",
      scopes: ["read_package_registry"],
      revoked: false,
      expired: false,
      expires_at: "2099-01-31T00:00:00.000Z",
      token: expect.stringMatching(/^gkdt_\w{36}$/),
    });
    const { token, ...shown } = made;
    await makeOf({ name: "of a project" }, "/projects/team%2Fone/deploy_tokens");
    await makeOf({ name: "of a subgroup" }, "/groups/team%2Fcore/deploy_tokens");
    const old = await makeOf({ name: "old", expires_at: "2001-02-03" });
    const list = async (path: string, as = of.maintainer) => {
      const { json } = await rest("GET", path, undefined, as);
      return json.map((one: { name: string }) => one.name);
    };
    expect(await list(OF_TEAM)).toEqual(["ci", "old"]);
    expect(await list(`${OF_TEAM}?active=true`)).toEqual(["ci"]);
    expect(await list("/groups/team%2Fcore/deploy_tokens")).toEqual(["of a subgroup"]);
    expect(await list("/projects/team%2Fone/deploy_tokens")).toEqual(["of a project"]);
    expect(await list("/deploy_tokens?per_page=100", ADMIN_TOKEN)).toEqual(
      expect.arrayContaining(["ci", "of a project", "of a subgroup", "old"]),
    );
    expect((await rest("GET", `${OF_TEAM}/${made.id}`, undefined, of.maintainer)).json).toEqual(shown);
    for (const elsewhere of ["/groups/team%2Fcore", "/projects/team%2Fone"])
      for (const method of ["GET", "DELETE"]) {
        const { status } = await rest(method, `${elsewhere}/deploy_tokens/${made.id}`, undefined, of.owner);
        expect(status).toBe(404);
      }
    expect((await rest("DELETE", `${OF_TEAM}/${old.id}`, undefined, of.owner)).status).toBe(204);
    expect((await rest("GET", `${OF_TEAM}/${old.id}`, undefined, of.owner)).status).toBe(404);
    expect(await list(OF_TEAM)).toEqual(["ci"]);
  });

  test("opens every project at or below it on every endpoint and by git, and no other", async () => {
    const team = await makeOf({ scopes: ["read_package_registry", "read_repository"] });
    const core = await makeOf(
      { scopes: ["read_package_registry", "read_repository"] },
      "/groups/team%2Fcore/deploy_tokens",
    );
    const beside = await makeOf({}, "/groups/team%2Fbeside/deploy_tokens");
    const opened: [token: typeof team, fullPaths: string[]][] = [
      [team, ["team/one", "team/core/two", "team/core/deep/three"]],
      [core, ["team/core/two", "team/core/deep/three"]],
      [beside, []],
    ];
    for (const [token, fullPaths] of opened) {
      for (const fullPath of PRIVATE)
        for (const path of endpointsOf(fullPath))
          expect([path, await statusOf(path, token)]).toEqual([path, fullPaths.includes(fullPath) ? 200 : 404]);
      const { text } = await ask(server.url, "/index", { headers: basic(token.username, token.token) });
      expect(text.match(/"Path":"[^"]+"/g) ?? []).toEqual(fullPaths.map((one) => `"Path":"${MODULE_HOST}/${one}"`));
    }
    const refs = (fullPath: string, service: string) =>
      statusOf(`/${fullPath}.git/info/refs?service=git-${service}`, core);
    expect([await refs("team/core/deep/three", "upload-pack"), await refs("team/one", "upload-pack")]).toEqual([
      200, 404,
    ]);
    expect(await refs("team/core/two", "receive-pack")).toBe(403);
    const feed = (view: string) => statusOf(`/api/v4/groups/${view}/-/packages/go/index`, core);
    // the groups above may be seen, since it is in them
    expect([
      await feed("team"),
      await feed("team%2Fcore%2Fdeep"),
      await feed("team%2Fbeside"),
      await feed("other"),
    ]).toEqual([200, 200, 404, 404]);
    expect((await rest("GET", "/groups/team", undefined, team.token)).status).toBe(403);
  });

  test("opens a project that is made later, packages for members only, and nothing beyond its scopes", async () => {
    const token = await makeOf({ username: "later" });
    await createProject(server.registry, OPERATOR, { fullPath: "team/beside/new" });
    const list = `/api/v4/projects/team%2Fbeside%2Fnew/packages/go/${MODULE_HOST}/team/beside/new/@v/list`;
    const body = { package_registry_access_level: "private" };
    expect((await rest("PUT", "/projects/team%2Fbeside%2Fnew", body, ADMIN_TOKEN)).status).toBe(200);
    const { status, text } = await ask(server.url, list, { headers: basic("later", token.token) });
    // it is seen: only there is no module in it yet
    expect([status, text]).toEqual([404, expect.not.stringContaining("Not Found")]);
    expect((await ask(server.url, list, { headers: basic("other", token.token) })).status).toBe(401);
    expect(await statusOf("/team/one.git/info/refs?service=git-upload-pack", token)).toBe(403);
    const code = await makeOf({ scopes: ["read_repository"] });
    expect(await statusOf(endpointsOf("team/one")[0]!, code)).toBe(403);
  });

  test("is refused at once when it is deleted, and when the group goes", async () => {
    const path = endpointsOf("team/one")[0]!;
    const deleted = await makeOf({});
    expect(await statusOf(path, deleted)).toBe(200);
    expect((await rest("DELETE", `${OF_TEAM}/${deleted.id}`, undefined, of.owner)).status).toBe(204);
    expect(await statusOf(path, deleted)).toBe(401);

    await createGroup(server.registry, OPERATOR, { fullPath: "team/passing", visibility: "PRIVATE" });
    const gone = await makeOf({}, "/groups/team%2Fpassing/deploy_tokens");
    const open = "/api/v4/groups/team%2Fpassing/-/packages/go/index";
    expect(await statusOf(open, gone)).toBe(200);
    await deleteGroup(server.registry, OPERATOR, "team/passing");
    expect(await statusOf(open, gone)).toBe(401);
    expect(await server.registry.prisma.token.count({ where: { id: gone.id } })).toBe(0);
  });

  test("Maintainers look, Owners make and delete; who does not see the group hears that there is none", async () => {
    const one = await makeOf({});
    const body = { name: "x", scopes: ["read_repository"] };
    const calls: [string, string, object | undefined, forMaintainers: boolean][] = [
      ["GET", OF_TEAM, undefined, true],
      ["GET", `${OF_TEAM}/${one.id}`, undefined, true],
      ["DELETE", `${OF_TEAM}/${one.id}`, undefined, false],
      ["POST", OF_TEAM, body, false],
    ];
    for (const [method, path, sent, forMaintainers] of calls) {
      const asked = async (token: string | null | undefined) => {
        const { status, json } = await rest(method, path, sent, token);
        return [status, json.reason ?? "done"];
      };
      expect(await asked(of.maintainer)).toEqual(forMaintainers ? [200, "done"] : [403, "access_level_too_low"]);
      expect(await asked(of.developer)).toEqual([403, "access_level_too_low"]);
      expect(await asked(secret.stranger)).toEqual([404, "not_found"]);
      expect(await asked(null)).toEqual([401, "token_required"]);
      expect(await asked(one.token)).toEqual([403, "insufficient_scope"]);
    }
    expect((await rest("GET", `${OF_TEAM}/${one.id}`, undefined, of.owner)).status).toBe(200);
  });

  test("the namespace of a user is no group, and has none", async () => {
    const { status, json } = await rest("POST", "/groups/alice/deploy_tokens", {
      name: "x",
      scopes: ["read_repository"],
    });
    expect([status, json]).toEqual([404, { message: "404 Group Not Found", reason: "not_found" }]);
  });

  test("what is done with it is in the audit trail", async () => {
    const made = await makeOf({ name: "audited" });
    await rest("DELETE", `${OF_TEAM}/${made.id}`, undefined, of.owner);
    const events = await server.registry.prisma.auditEvent.findMany({ where: { action: { startsWith: "token." } } });
    expect(events.filter(({ detail }) => (detail as { token?: number }).token === made.id)).toMatchObject([
      { actor: "owner", action: "token.create", subject: "team" },
      { actor: "owner", action: "token.revoke", subject: "audited" },
    ]);
  });
});
