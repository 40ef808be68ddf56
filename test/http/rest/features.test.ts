// /api/v4/features in GitLab's shape (doc/api/features.md), with the odd addresses of its client libraries.
import { beforeAll, describe, expect, test } from "vitest";
import { createGroup } from "../../../src/registry/forge/groups.ts";
import { createProject } from "../../../src/registry/forge/projects.ts";
import { OPERATOR } from "../../../src/registry/principal.ts";
import { ask, bearer } from "../../support/http.ts";
import { ADMIN_TOKEN, type TestServer, testServer } from "../../support/server.ts";

let server: TestServer;
let ids: { project: number; group: number };
const admin = bearer(ADMIN_TOKEN);

beforeAll(async () => {
  server = await testServer();
  await server.token("alice");
  const project = await createProject(server.registry, OPERATOR, { fullPath: "alice/lib" });
  const group = await createGroup(server.registry, OPERATOR, { fullPath: "team" });
  ids = { project: project.id, group: group.id };
});

const call = async (method: string, path: string, body?: unknown, headers: Record<string, string> = admin) => {
  const text = typeof body === "string" ? body : body === undefined ? "" : JSON.stringify(body);
  const type = { "content-type": "application/json" };
  const answer = await ask(server.url, `/api/v4/features${path}`, {
    method,
    headers: { ...type, ...headers },
    body: text,
  });
  return { status: answer.status, json: answer.text === "" ? undefined : JSON.parse(answer.text) };
};

const feature = (name: string, state: string, boolean: boolean, ...actors: string[]) => ({
  name,
  state,
  gates: [{ key: "boolean", value: boolean }, ...(actors.length > 0 ? [{ key: "actors", value: actors }] : [])],
  definition: null,
});

test("the first start switched go_proxy on for everybody", async () => {
  expect(await call("GET", "")).toEqual({ status: 200, json: [feature("go_proxy", "on", true)] });
  expect((await call("GET", "/definitions")).json).toEqual([]);
});

test("on and off for everybody, a project, a group, a user; off takes everything back", async () => {
  const post = (body: unknown) => call("POST", "/trial", body);
  expect(await post({ value: true })).toEqual({ status: 201, json: feature("trial", "on", true) });
  expect((await post({ value: "false" })).json).toEqual(feature("trial", "off", false));
  const { project, group } = ids;
  expect((await post({ value: "true", project: "alice/lib" })).json).toEqual(
    feature("trial", "conditional", false, `Project:${project}`),
  );
  expect((await post({ value: 100, group: "team", user: "alice" })).json.gates[1].value).toEqual(
    expect.arrayContaining([`Project:${project}`, `Group:${group}`, expect.stringMatching(/^User:\d+$/)]),
  );
  expect((await post({ value: 0, project: "alice/lib" })).json.gates[1].value).not.toContain(`Project:${project}`);
  expect((await post({ value: false })).json).toEqual(feature("trial", "off", false));
  expect(await call("DELETE", "/trial")).toEqual({ status: 204, json: undefined });
  expect((await call("DELETE", "/trial")).status).toBe(204);
});

test("as the client libraries write it: slashes, empty strings, forms, null bodies", async () => {
  expect((await call("GET", "/")).status).toBe(200);
  const noise = {
    key: "",
    feature_group: "",
    user: "",
    group: "",
    namespace: "",
    project: "",
    repository: "",
    force: false,
  };
  expect(await call("POST", "//odd", { value: true, ...noise })).toEqual({
    status: 201,
    json: feature("odd", "on", true),
  });
  const form = { ...admin, "content-type": "application/x-www-form-urlencoded" };
  expect((await call("POST", "/odd", "value=false", form)).json.state).toBe("off");
  expect((await call("POST", "/odd?value=true", "")).json.state).toBe("on");
  expect((await call("DELETE", "//odd", "null")).status).toBe(204);
});

describe("refusals", () => {
  test.each([
    ["nobody", {}, 401],
    ["a bad token", bearer("no-such-token"), 401],
  ])("%s", async (_, headers, status) => {
    for (const method of ["GET", "POST"]) {
      const { json, status: got } = await call(method, method === "GET" ? "" : "/x", { value: true }, headers);
      expect(got).toBe(status);
      expect(json).toEqual(
        Object.keys(headers).length === 0
          ? { message: "401 Unauthorized", reason: "token_required" }
          : { error: "invalid_token", error_description: expect.any(String), reason: "token_unknown" },
      );
    }
  });

  test("a user is no administrator; an administrator's token needs the scope", async () => {
    const user = await call("GET", "", undefined, bearer(await server.token("alice")));
    expect([user.status, user.json.message]).toEqual([403, expect.stringContaining("403 Forbidden")]);
    const narrow = await call("POST", "/x", { value: true }, bearer(await server.token("root", "read_api")));
    expect([narrow.status, narrow.json]).toEqual([
      403,
      expect.objectContaining({ error: "insufficient_scope", scope: "api" }),
    ]);
    expect((await call("GET", "", undefined, bearer(await server.token("root", "read_api")))).status).toBe(200);
  });

  test.each([
    ["no value", "/x", {}, "value is missing"],
    ["another value", "/x", { value: "maybe" }, "value is invalid"],
    ["a list of values", "/x", { value: [true] }, "value is invalid"],
    ["a percentage", "/x", { value: 50 }, "value is invalid"],
    ["a gate of percentages", "/x", { value: true, key: "percentage_of_time" }, "400 Bad request - key is"],
    ["a feature group", "/x", { value: true, feature_group: "staff" }, "400 Bad request - feature_group is"],
    ["an unknown project", "/x", { value: true, project: "alice/lib,no/such" }, "400 Bad request - there is"],
    ["an unknown group", "/x", { value: true, group: "nowhere" }, "400 Bad request - there is"],
    ["an unknown namespace", "/x", { value: true, namespace: "nowhere" }, "400 Bad request - there is"],
    ["an unknown user", "/x", { value: true, user: "alice,nobody" }, "400 Bad request - there is"],
    ["a name that is none", "/Not%20A%20Name", { value: true }, "400 Bad request - "],
    ["a body that is no JSON", "/x", "{", "400 Bad request - the body"],
    ["a list", "/x", "[]", "400 Bad request - the body"],
  ])("400: %s, and nothing changes", async (_, path, body, why) => {
    const { status, json } = await call("POST", path, body);
    expect([status, json.message ?? json.error]).toEqual([400, expect.stringContaining(why)]);
    expect((await call("GET", "")).json.map((flag: { name: string }) => flag.name)).toEqual(["go_proxy"]);
  });

  test("a body over the limit", async () => {
    const { status } = await call("POST", "/x", JSON.stringify({ value: true, pad: "x".repeat(300_000) }));
    expect(status).toBe(413);
  });

  test("a route that is not there", async () => {
    const answer = await ask(server.url, "/api/v4/nothing", { headers: admin });
    expect([answer.status, JSON.parse(answer.text)]).toEqual([
      404,
      { error: "404 Not Found", reason: "no_such_address" },
    ]);
  });
});
