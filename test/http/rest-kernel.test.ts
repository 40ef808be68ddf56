// What holds for every call of the REST API (src/http/rest/call.ts): addresses, credentials, scopes, bodies, the document.
import { beforeAll, describe, expect, test } from "vitest";
import { ask, basic, bearer } from "../support/http.ts";
import { ADMIN_TOKEN, type TestServer, testServer } from "../support/server.ts";

let server: TestServer;
const admin = bearer(ADMIN_TOKEN);

beforeAll(async () => {
  server = await testServer();
});

const get = async (path: string, headers: Record<string, string> = admin, method = "GET") => {
  const answer = await ask(server.url, path, { method, headers });
  return { ...answer, json: answer.text === "" ? undefined : JSON.parse(answer.text) };
};

describe("addresses", () => {
  test.each(["/api/v4/version", "/api/v4//version", "/api/v4/version/", "/api/v4///version//"])(
    "%s is the same call",
    async (path) => {
      const { status, json, headers } = await get(path);
      expect([status, json.version, headers["content-type"]]).toEqual([
        200,
        expect.stringMatching(/^18\.0\.0-gokura/),
        expect.stringMatching(/^application\/json/),
      ]);
      expect(json.revision).toMatch(/./);
    },
  );

  test("HEAD has the headers of GET and no body", async () => {
    const [head, whole] = [await get("/api/v4/version", admin, "HEAD"), await get("/api/v4/version")];
    expect([head.status, head.text, head.headers["content-length"], head.headers["content-type"]]).toEqual([
      200,
      "",
      whole.headers["content-length"],
      whole.headers["content-type"],
    ]);
  });

  test("no such route, and no such method", async () => {
    const none = await get("/api/v4/nothing/here");
    expect([none.status, none.json]).toEqual([404, { error: "404 Not Found" }]);
    const method = await get("/api/v4/version", admin, "DELETE");
    expect([method.status, method.json, method.headers.allow]).toEqual([
      405,
      { error: "405 Not Allowed" },
      "GET, HEAD",
    ]);
  });
});

describe("credentials", () => {
  test.each<[string, Record<string, string>]>([
    ["PRIVATE-TOKEN", { "PRIVATE-TOKEN": ADMIN_TOKEN }],
    ["Private-Token", { "Private-Token": ADMIN_TOKEN }],
    ["Bearer", admin],
    ["Basic", basic("anything", ADMIN_TOKEN)],
  ])("%s", async (_, headers) => {
    expect((await get("/api/v4/version", headers)).status).toBe(200);
  });

  test("none, and bad ones", async () => {
    const none = await get("/api/v4/version", {});
    expect([none.status, none.text]).toEqual([401, '{"message":"401 Unauthorized"}']);
    const bad = await get("/api/v4/version", bearer("nonsense"));
    expect([bad.status, bad.json]).toEqual([401, { error: "invalid_token", error_description: expect.any(String) }]);
  });

  test("a good token without the scope", async () => {
    const narrow = await get("/api/v4/version", bearer(await server.token("alice", "read_repository")));
    expect([narrow.status, narrow.json]).toEqual([
      403,
      {
        error: "insufficient_scope",
        error_description: expect.any(String),
        scope: "read_user read_api api",
      },
    ]);
    expect((await get("/api/v4/version", bearer(await server.token("alice", "read_user")))).status).toBe(200);
  });
});

test("the document of the API", async () => {
  const { status, json } = await get("/api/v4/openapi.json", {});
  expect([status, json.openapi]).toEqual([200, "3.1.1"]);
  expect(json.paths["/version"].get.responses["200"].content["application/json"].schema.required).toEqual([
    "version",
    "revision",
  ]);
});
