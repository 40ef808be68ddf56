// Deploy tokens by REST (doc/api/deploy_tokens.md): shapes, who may, and that a deleted one opens nothing any more.
import { beforeAll, expect, test } from "vitest";
import { addMember } from "../../../src/registry/forge/members.ts";
import { createProject } from "../../../src/registry/forge/projects.ts";
import { OPERATOR } from "../../../src/registry/principal.ts";
import { ask, basic } from "../../support/http.ts";
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
  ["an odd user name", { name: "x", scopes: ["read_repository"], username: "a\nb" }, "control characters"],
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
