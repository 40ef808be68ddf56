// GraphQL over HTTP: methods, bodies, forged requests from browsers, what is shown in production, and what becomes of our
// own defects.

import { connect } from "node:net";
import { gzipSync } from "node:zlib";
import { getIntrospectionQuery } from "graphql";
import { beforeAll, describe, expect, test } from "vitest";
import { openModuleArchives } from "../../../src/git/indexing/module-archives.ts";
import { Repositories } from "../../../src/git/objects/repositories.ts";
import { createGraphqlEndpoint } from "../../../src/graphql/endpoint/endpoint.ts";
import { openRemotes } from "../../../src/mirrors/remotes.ts";
import { openChecksumLog } from "../../../src/registry/checksums/checksum-log.ts";
import { ANONYMOUS } from "../../../src/registry/principal.ts";
import type { Registry } from "../../../src/registry/registry.ts";
import { createLog } from "../../../src/telemetry/log.ts";
import { testRegistry } from "../../support/registry.ts";
import { type GraphqlServer, serveGraphql, signUp } from "../graphql-server.ts";

const QUERY = "{ currentUser { username } }";
const JSON_TYPE = { "content-type": "application/json" };

let registry: Registry;
let production: GraphqlServer;
let development: GraphqlServer;
let token: string;
const logged: Record<string, unknown>[] = [];

beforeAll(async () => {
  const real = await testRegistry();
  registry = { ...real, log: createLog("info", { write: (line: string) => void logged.push(JSON.parse(line)) }) };
  production = await serveGraphql(registry);
  development = await serveGraphql(registry, { production: false });
  token = await signUp(registry, { username: "user" });
});

interface Reply {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: whatever came
  readonly json: any;
}

async function send(init: RequestInit, server = production, search = ""): Promise<Reply> {
  const response = await fetch(server.url + search, init);
  const text = await response.text();
  const isJson = response.headers.get("content-type")?.includes("json");
  return { status: response.status, headers: response.headers, text, json: isJson ? JSON.parse(text) : undefined };
}

const post = (body: string | Buffer, headers: Record<string, string> = {}) =>
  send({ method: "POST", headers: { ...JSON_TYPE, ...headers }, body: body as NonNullable<RequestInit["body"]> });

test("an answer is JSON that nobody keeps", async () => {
  const { status, headers, json } = await post(JSON.stringify({ query: QUERY }));
  expect([status, json]).toEqual([200, { data: { currentUser: null } }]);
  expect(headers.get("content-type")).toMatch(/^application\/json; charset=utf-8/);
  expect(headers.get("cache-control")).toBe("no-store");
  const modern = await post(JSON.stringify({ query: QUERY }), { accept: "application/graphql-response+json" });
  expect(modern.headers.get("content-type")).toMatch(/^application\/graphql-response\+json/);
});

describe("what a browser could send across sites", () => {
  const forms = [
    "text/plain",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "application/jsonx",
  ];
  test.each(forms)("POST of %s is refused", async (type) => {
    const body = JSON.stringify({ query: QUERY });
    const { status, json } = await send({ method: "POST", headers: { "content-type": type }, body });
    expect(status).toBe(400);
    expect(json.errors[0].message).toBeTruthy();
  });

  test("a GET is refused, and answered when it brings a header that no form can", async () => {
    const search = `?query=${encodeURIComponent(QUERY)}`;
    expect((await send({}, production, search)).status).toBe(400);
    const { status, json } = await send({ headers: { "apollo-require-preflight": "1" } }, production, search);
    expect([status, json]).toEqual([200, { data: { currentUser: null } }]);
    const me = await send({ headers: { "apollo-require-preflight": "1", "private-token": token } }, production, search);
    expect(me.json).toEqual({ data: { currentUser: { username: "user" } } });
  });

  test("a mutation by GET is refused", async () => {
    const search = `?query=${encodeURIComponent('mutation { groupCreate(input: {fullPath: "byget"}) { errors } }')}`;
    const headers = { "apollo-require-preflight": "1", "private-token": token };
    expect((await send({ headers }, production, search)).status).toBe(405);
    expect(await registry.prisma.group.count({ where: { path: "byget" } })).toBe(0);
  });

  test.each(["PUT", "DELETE", "PATCH", "OPTIONS"])("%s is refused", async (method) => {
    const { status } = await send({ method, headers: JSON_TYPE });
    expect(status).toBe(405);
  });
});

describe("bodies", () => {
  test("that are no JSON object", async () => {
    for (const body of [
      "",
      "{",
      "null",
      "3",
      '"x"',
      "[]",
      "{}",
      '{"query":3}',
      '{"__proto__":{}}',
      '{"query":"{a}","variables":"{}"}',
      "\u0000",
      '[{"query":"{currentUser{id}}"}]',
    ]) {
      const { status, json } = await post(body);
      expect([body, status]).toEqual([body, 400]);
      expect(json.errors[0].message).toBeTruthy();
    }
    const broken = await post('{"query": "{ currentUser');
    expect(broken.json).toEqual({
      errors: [
        {
          message: expect.stringMatching(/no JSON object/),
          extensions: { code: "BAD_USER_INPUT", reason: "invalid_request" },
        },
      ],
    });
  });

  test("that are too large, also after unpacking", async () => {
    const large = JSON.stringify({ query: QUERY, extra: "x".repeat(256 * 1024) });
    const { status, json, headers } = await post(large);
    expect(status).toBe(413);
    expect(json).toEqual({
      errors: [
        { message: "a request body may have 262144 bytes", extensions: { code: "TOO_LARGE", reason: "too_large" } },
      ],
    });
    expect(headers.get("cache-control")).toBe("no-store");
    const fits = JSON.stringify({ query: QUERY, extra: "x".repeat(255 * 1024) });
    expect((await post(fits)).status).toBe(200);
    expect((await post(gzipSync(fits), { "content-encoding": "gzip" })).status).toBe(200);
    const bomb = gzipSync(JSON.stringify({ query: QUERY, extra: "x".repeat(50_000_000) }));
    expect((await post(bomb, { "content-encoding": "gzip" })).status).toBe(413);
    expect((await post(gzipSync(fits).subarray(0, 100), { "content-encoding": "gzip" })).status).toBe(400);
    expect((await post(fits, { "content-encoding": "secret" })).status).toBe(400);
  });

  test("that do not come to an end are not waited for", async () => {
    const hurried = await serveGraphql(registry, { bodyPatienceMs: 200 });
    const { port } = new URL(hurried.url);
    const socket = connect(Number(port), "127.0.0.1");
    socket.on("error", () => {});
    socket.write(
      "POST /api/graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{",
    );
    await new Promise((done) => socket.once("close", done));
    expect((await hurried.as()(QUERY)).status).toBe(200);
  });

  test("with variables that are deep or of the wrong kind", async () => {
    const query = 'mutation ($s: [TokenScope!]!) { tokenCreate(input: {name: "x", scopes: $s}) { errors } }';
    const deep = `{"query": ${JSON.stringify(query)}, "variables": {"s": ${"[".repeat(50_000)}${"]".repeat(50_000)}}}`;
    expect((await post(deep)).status).toBe(400);
    const many = JSON.stringify({ query, variables: { s: Array(20_000).fill("NOPE") } });
    expect((await post(many)).status).toBe(400);
    const { status, json } = await post(JSON.stringify({ query, variables: { s: { __proto__: 1, toString: 2 } } }));
    expect([status, json.errors[0].extensions.code]).toEqual([400, "BAD_USER_INPUT"]);
  });
});

describe("production and development", () => {
  test("the page for browsers is there in both", async () => {
    for (const server of [production, development]) {
      const page = await send({ headers: { accept: "text/html" } }, server);
      expect([page.status, page.headers.get("content-type")]).toEqual([200, expect.stringMatching("text/html")]);
    }
  });

  test("the anonymous do not see the schema of a production server; others do", async () => {
    const query = getIntrospectionQuery({ descriptions: true, inputValueDeprecation: true });
    for (const hidden of [
      query,
      '{ __type(name: "Query") { name } }',
      "query { ...F } fragment F on Query { __schema { types { name } } }",
    ]) {
      const { status, errors, data } = await production.as()(hidden);
      expect([status, data]).toEqual([400, undefined]);
      expect(errors?.[0]?.extensions?.code).toBe("INTROSPECTION_DISABLED");
    }
    expect((await production.as().data("{ __typename }")).__typename).toBe("Query");
    for (const asker of [production.as(token), development.as(), development.as(token)])
      expect((await asker.data(query)).__schema.queryType.name).toBe("Query");
  });
});

describe("defects of ours", () => {
  test("are logged, and the client learns only that there was one", async () => {
    const broken = {
      ...registry,
      prisma: new Proxy(registry.prisma, {
        get: () => {
          throw new TypeError("secret detail");
        },
      }),
    };
    const server = await serveGraphql(broken);
    logged.length = 0;
    const { status, data, errors } = await server.as(token)(
      "query Q($search: String) { projects(search: $search) { nodes { id } } }",
      { search: "gkpt_variable" },
    );
    expect([status, data]).toEqual([200, null]);
    expect(errors).toEqual([
      {
        message: "internal error: the server's log says more",
        locations: expect.anything(),
        path: ["projects"],
        extensions: { code: "INTERNAL_SERVER_ERROR", reason: "internal_error" },
      },
    ]);
    expect(logged).toMatchObject([
      { level: "error", path: "projects", err: { type: "TypeError", message: "secret detail" } },
    ]);
    expect(JSON.stringify(logged)).not.toContain("variable");
    const mutation = await server.as(token)('mutation { groupCreate(input: {fullPath: "broken"}) { errors } }');
    expect(mutation.errors?.[0]?.message).toBe("internal error: the server's log says more");
  });

  test("refusals are not", async () => {
    logged.length = 0;
    await production.as()("{ nonsense }");
    await production.as()('mutation { groupCreate(input: {fullPath: "x"}) { errors } }');
    await production.as()("{ projects(first: 1000) { nodes { id } } }");
    await post("{");
    expect(logged).toEqual([]);
  });
});

test("an endpoint that is not started, or stopped, says to come back", async () => {
  const endpoint = createGraphqlEndpoint({
    ...{
      registry,
      url: () => "",
      production: true,
      modulePages: "https://{path}",
      hasWorld: false,
      gosumdb: undefined,
    },
    checksums: await openChecksumLog(registry, []),
    remotes: openRemotes({ allowPrivateNetworks: [], upstreamCaFile: undefined }),
    archives: openModuleArchives(registry, new Repositories()),
  });
  const ask = async () => {
    const ctx = { state: { principal: ANONYMOUS }, req: { complete: true }, set: () => {}, status: 0, body: undefined };
    await endpoint.middleware(ctx as never, async () => {});
    return ctx;
  };
  const closed = { status: 503, body: { errors: [{ extensions: { code: "UNAVAILABLE" } }] } };
  expect(await ask()).toMatchObject(closed);
  await endpoint.start();
  await endpoint.stop();
  expect(await ask()).toMatchObject(closed);
  await endpoint.stop();
});
