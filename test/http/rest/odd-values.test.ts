// Every parameter of every call that the document names, given what the layers below do not agree about: half a surrogate
// pair, NUL, moments outside the years 1 to 9999 in UTC, numbers beyond 32 bits. A fuzzer seldom comes upon these. Whatever
// the answer is, it is never a defect, and it is one that the document names.
import { beforeAll, expect, test } from "vitest";
import { createGroup } from "../../../src/registry/forge/groups.ts";
import { createProject } from "../../../src/registry/forge/projects.ts";
import { OPERATOR } from "../../../src/registry/principal.ts";
import { ask } from "../../support/http.ts";
import { type Rest, restClient } from "../../support/rest.ts";
import { ADMIN_TOKEN, type TestServer, testServer } from "../../support/server.ts";

const ODD = [
  "\ud800",
  "a\0b",
  "0000-01-01",
  "0001-01-01T00:00:00+23:59",
  "9999-12-31T23:59:59-23:59",
  2_147_483_648,
  Number.MAX_SAFE_INTEGER,
  ["\ud800", 2_147_483_648],
  "__proto__",
];

interface Schema {
  readonly properties?: Record<string, unknown>;
  readonly required?: readonly string[];
}
interface Operation {
  readonly parameters?: readonly { readonly name: string; readonly in: string }[];
  readonly requestBody?: { readonly content: Record<string, { readonly schema: Schema }> };
}

let server: TestServer;
let rest: Rest;
let operations: { readonly method: string; readonly path: string; readonly operation: Operation }[];

beforeAll(async () => {
  server = await testServer();
  rest = await restClient(server.url, ADMIN_TOKEN);
  await createGroup(server.registry, OPERATOR, { fullPath: "team" });
  await createProject(server.registry, OPERATOR, { fullPath: "team/lib" });
  const { paths }: { paths: Record<string, Record<string, Operation>> } = JSON.parse(
    (await ask(server.url, "/api/v4/openapi.json")).text,
  );
  operations = Object.entries(paths).flatMap(([path, calls]) =>
    Object.entries(calls).map(([method, operation]) => ({ method: method.toUpperCase(), path, operation })),
  );
});

/** The address of something that is there, with some other value for one of its parameters. */
function filled(path: string, odd: Readonly<Record<string, string>> = {}): string {
  const id = path.startsWith("/projects") ? "team%2Flib" : /^\/(groups|namespaces)/.test(path) ? "team" : "1";
  return path.replace(/\{(\w+)\}/g, (_, name: string) => odd[name] ?? (name === "id" ? id : "1"));
}

const inAddress = (value: unknown): string => encodeURIComponent(String(value).toWellFormed());

test("in addresses and queries", async () => {
  let asked = 0;
  for (const { method, path, operation } of operations)
    for (const parameter of operation.parameters ?? [])
      for (const odd of ODD) {
        if (parameter.in === "query" && method !== "GET") continue;
        const query = parameter.in === "query" ? `?${parameter.name}=${inAddress(odd)}` : "";
        const address = filled(path, parameter.in === "path" ? { [parameter.name]: inAddress(odd) } : {});
        expect((await rest(method, address + query)).status, `${method} ${address}${query}`).toBeLessThan(500);
        asked++;
      }
  expect(asked).toBeGreaterThan(1_000);
});

test("in bodies", async () => {
  let asked = 0;
  for (const { method, path, operation } of operations) {
    // What ends the token that asks is asked by rest-tokens.test.ts.
    if (path === "/users/{id}" || path === "/users/{id}/block" || path.endsWith("/rotate")) continue;
    const { properties = {}, required = [] } = operation.requestBody?.content["application/json"]?.schema ?? {};
    for (const name of Object.keys(properties))
      for (const odd of ODD) {
        const scopes = [path.includes("deploy") ? "read_repository" : "api"];
        const good = {
          name: "n",
          path: "p",
          scopes,
          value: true,
          username: "u",
          email: "u@example.com",
          access_level: 30,
        };
        const body = {
          ...Object.fromEntries(Object.entries(good).filter(([one]) => required.includes(one))),
          [name]: odd,
        };
        const { status } = await rest(method, filled(path), body);
        expect(status, `${method} ${path} ${JSON.stringify(body)}`).toBeLessThan(500);
        asked++;
      }
  }
  expect(asked).toBeGreaterThan(300);
  expect(server.logged.filter((line) => /"level":(50|60)/.test(line))).toEqual([]);
});
