// Queries by their SHA-256: sent once, named afterwards, and no way around what a query may ask for.
import { createHash } from "node:crypto";
import { beforeAll, expect, test } from "vitest";
import { testRegistry } from "../../support/registry.ts";
import { serveGraphql, signUp } from "../graphql-server.ts";

let url: string;
let token: string;

beforeAll(async () => {
  const registry = await testRegistry();
  ({ url } = await serveGraphql(registry));
  token = await signUp(registry, { username: "alice" });
});

const nameOf = (query: string): string => createHash("sha256").update(query).digest("hex");

interface Sent {
  readonly query?: string;
  readonly name: unknown;
  readonly token?: string;
  readonly variables?: object;
}

async function send({ query, name, token: secret, variables }: Sent) {
  const body = JSON.stringify({
    query,
    variables,
    extensions: { persistedQuery: { version: 1, sha256Hash: name } },
  });
  const headers = {
    "content-type": "application/json",
    ...(secret === undefined ? {} : { authorization: `Bearer ${secret}` }),
  };
  const response = await fetch(url, { method: "POST", headers, body });
  // biome-ignore lint/suspicious/noExplicitAny: whatever came
  const { data, errors } = (await response.json()) as any;
  return { status: response.status, data, code: errors?.[0].extensions.code };
}

const WHO = "query Who { currentUser { username } }";

test("a query is known once it was sent, and answered for whoever asks", async () => {
  const name = nameOf(WHO);
  expect(await send({ name })).toEqual({ status: 200, data: undefined, code: "PERSISTED_QUERY_NOT_FOUND" });
  expect((await send({ query: WHO, name, token })).data).toEqual({ currentUser: { username: "alice" } });
  expect((await send({ name, token })).data).toEqual({ currentUser: { username: "alice" } });
  expect((await send({ name })).data).toEqual({ currentUser: null });
});

test("with variables", async () => {
  const query = "query ($path: ID!) { group(fullPath: $path) { fullPath } }";
  const name = nameOf(query);
  await send({ query, name, token, variables: { path: "alice" } });
  const { data } = await send({ name, token, variables: { path: "ALICE" } });
  expect(data).toEqual({ group: { fullPath: "alice" } });
});

test("a name must be that of the text", async () => {
  const other = nameOf(`${WHO} `);
  expect((await send({ query: WHO, name: other })).status).toBe(400);
  expect((await send({ name: other })).code).toBe("PERSISTED_QUERY_NOT_FOUND");
});

test("what is not valid is not kept", async () => {
  const query = "{ currentUser { shoeSize } }";
  expect((await send({ query, name: nameOf(query) })).status).toBe(400);
  expect((await send({ name: nameOf(query) })).code).toBe("PERSISTED_QUERY_NOT_FOUND");
});

test("a known query is refused to those who may not ask it", async () => {
  const schema = "{ __schema { queryType { name } } }";
  await send({ query: schema, name: nameOf(schema), token });
  expect((await send({ name: nameOf(schema) })).code).toBe("INTROSPECTION_DISABLED");
  const costly = `{ projects(first: 45) { nodes { goModules(first: 99) { nodes { path } } } } }`;
  expect((await send({ query: costly, name: nameOf(costly), token })).status).toBe(200);
  expect((await send({ name: nameOf(costly) })).code).toBe("TOO_COSTLY");
});

test("names of every other kind are refused", async () => {
  for (const name of [1, null, {}, [], "", "__proto__", "x".repeat(10_000)])
    expect([200, 400]).toContain((await send({ name })).status);
});
