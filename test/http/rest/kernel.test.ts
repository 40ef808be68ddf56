// What holds for every call of the REST API (src/http/rest/call.ts): addresses, credentials, scopes, bodies, the document.
import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, test } from "vitest";
import { ask, basic, bearer } from "../../support/http.ts";
import { ADMIN_TOKEN, type TestServer, testServer } from "../../support/server.ts";

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
    expect([none.status, none.json]).toEqual([404, { error: "404 Not Found", reason: "no_such_address" }]);
    const method = await get("/api/v4/version", admin, "DELETE");
    expect([method.status, method.json, method.headers.allow]).toEqual([
      405,
      { error: "405 Not Allowed", reason: "method_not_allowed" },
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
    expect([none.status, none.text]).toEqual([401, '{"message":"401 Unauthorized","reason":"token_required"}']);
    const bad = await get("/api/v4/version", bearer("nonsense"));
    expect([bad.status, bad.json]).toEqual([
      401,
      { error: "invalid_token", error_description: expect.any(String), reason: "token_unknown" },
    ]);
  });

  test("a good token without the scope", async () => {
    const narrow = await get("/api/v4/version", bearer(await server.token("alice", "read_repository")));
    expect([narrow.status, narrow.json]).toEqual([
      403,
      {
        error: "insufficient_scope",
        error_description: expect.any(String),
        scope: "read_user read_api api",
        reason: "insufficient_scope",
      },
    ]);
    expect((await get("/api/v4/version", bearer(await server.token("alice", "read_user")))).status).toBe(200);
  });
});

describe("bodies", () => {
  const json = { "content-type": "application/json" };
  const form = { "content-type": "application/x-www-form-urlencoded" };
  const send = async (method: string, path: string, body: string, headers: Record<string, string>) => {
    const answer = await ask(server.url, `/api/v4${path}`, { method, headers: { ...admin, ...headers }, body });
    return [answer.status, answer.text === "" ? undefined : JSON.parse(answer.text)];
  };
  const missing = { error: "name is missing, path is missing", reason: "invalid_request" };

  test("python-gitlab says JSON where there is nothing, the Go client sends null: nothing was given", async () => {
    expect((await send("GET", "/version", "", json))[0]).toBe(200);
    expect((await send("DELETE", "/users/999", "", json))[0]).toBe(404);
    expect((await send("DELETE", "/users/999", "null", json))[0]).toBe(404);
    for (const body of ["", "null", " ", "{}", '{"name":null,"path":""}'])
      expect(await send("POST", "/groups", body, json), body).toEqual([400, missing]);
  });

  test("JSON, a form, the query: the same; the body goes before the query", async () => {
    const name = (answer: unknown[]) => (answer[1] as { name: string }).name;
    expect(name(await send("POST", "/groups?path=b1&name=query", '{"name":"json","more":{"a":[1]}}', json))).toBe(
      "json",
    );
    expect(name(await send("POST", "/groups?path=b2", "name=first&name=form+%C3%A9", form))).toBe("form é");
    expect(name(await send("POST", "/groups?path=b3&name=query", "", {}))).toBe("query");
    expect(name(await send("POST", "/groups", '{"path":"b4","name":7}', json))).toBe("7");
  });

  test.each([
    ["no JSON", "{", json],
    ["a list", "[]", json],
    ["text", '"x"', json],
    ["parts of a form", "--x\r\n\r\n--x--", { "content-type": "multipart/form-data; boundary=x" }],
  ])("refused: %s", async (_, body, headers) => {
    expect(await send("POST", "/groups", body, headers)).toEqual([
      400,
      { message: "400 Bad request - the body is neither a JSON object nor a form", reason: "invalid_request" },
    ]);
  });

  test("names that mean something to JavaScript mean nothing here", async () => {
    const body = '{"__proto__":{"name":"x","path":"x"},"constructor":1,"toString":2}';
    expect(await send("POST", "/groups", body, json)).toEqual([400, missing]);
    expect(await send("POST", "/groups", "__proto__=1&__proto__[]=2&constructor[]=1", form)).toEqual([400, missing]);
    expect(await send("POST", "/groups", '{"name":"a\\u0000b","path":"x"}', json)).toEqual([
      400,
      { error: "name is invalid", reason: "invalid_request" },
    ]);
  });

  test("too large", async () => {
    const pad = JSON.stringify({ name: "x", path: "x", pad: "x".repeat(300_000) });
    const answer = await ask(server.url, "/api/v4/groups", {
      method: "POST",
      headers: { ...admin, ...json },
      body: pad,
    });
    expect([answer.status, JSON.parse(answer.text).message]).toEqual([413, expect.stringContaining("bytes")]);
  });
});

test("the document of the API", async () => {
  const { status, json } = await get("/api/v4/openapi.json", {});
  expect([status, json.openapi]).toEqual([200, "3.1.1"]);
  expect(json.paths["/version"].get.responses["200"].content["application/json"].schema.required).toEqual([
    "version",
    "revision",
  ]);
  // docs/rest.md has every call of it in its table.
  const [, table] = readFileSync("docs/rest.md", "utf8").split("\n## What there is\n");
  const named = new Set(table!.split("\n\nA project is deleted")[0]!.match(/\/\w+/g));
  const last = (path: string): string => path.match(/\/\w+(?!.*\/\w)/)![0];
  expect(Object.keys(json.paths).filter((path) => !named.has(last(path)))).toEqual([]);
});
