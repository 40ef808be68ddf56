// Trusted issuers of ID tokens by REST: made, looked at, ended; of projects and of groups.
import { beforeAll, expect, test } from "vitest";
import { createGroup } from "../../../src/registry/forge/groups.ts";
import { addMember } from "../../../src/registry/forge/members.ts";
import { createProject } from "../../../src/registry/forge/projects.ts";
import { OPERATOR } from "../../../src/registry/principal.ts";
import { type Rest, restClient } from "../../support/rest.ts";
import { type TestServer, testServer } from "../../support/server.ts";

let server: TestServer;
let rest: Rest;
let developer: string;

beforeAll(async () => {
  server = await testServer();
  await createGroup(server.registry, OPERATOR, { fullPath: "acme", visibility: "PUBLIC" });
  await createProject(server.registry, OPERATOR, { fullPath: "acme/lib", visibility: "PUBLIC" });
  rest = await restClient(server.url, await server.token("olga"));
  developer = await server.token("dora");
  await addMember(server.registry, OPERATOR, { groupPath: "acme" }, { username: "olga", accessLevel: 50 });
  await addMember(server.registry, OPERATOR, { groupPath: "acme" }, { username: "dora", accessLevel: 30 });
});

const WANTED = {
  issuer: "https://gitlab.example.com",
  claims: { project_path: "acme/lib", ref_protected: true },
  scopes: ["write_repository", "read_api"],
};

test.each(["/projects/acme%2Flib/trusts", "/groups/acme/trusts"])("%s: from making to end", async (path) => {
  const { status, json } = await rest("POST", path, WANTED);
  expect([status, json]).toEqual([
    201,
    {
      id: expect.any(Number),
      issuer: WANTED.issuer,
      audience: server.url,
      claims: { project_path: "acme/lib", ref_protected: "true" },
      scopes: ["read_api", "write_repository"],
      expires_at: null,
      created_at: expect.any(String),
    },
  ]);
  expect((await rest("GET", path)).json).toEqual([json]);
  expect((await rest("GET", `${path}/${json.id}`)).json).toEqual(json);
  for (const [method, one] of [
    ["GET", path],
    ["POST", path],
    ["DELETE", `${path}/${json.id}`],
  ] as const)
    expect((await rest(method, one, method === "POST" ? WANTED : undefined, developer)).status).toBe(403);
  const audit = await server.registry.prisma.auditEvent.findFirst({ orderBy: { id: "desc" } });
  expect(audit).toMatchObject({
    actor: "olga",
    action: "trust.create",
    detail: { trust: json.id, issuer: WANTED.issuer },
  });
  expect((await rest("DELETE", `${path}/${json.id}`)).status).toBe(204);
  expect((await rest("DELETE", `${path}/${json.id}`)).status).toBe(404);
});

test.each([
  ["no issuer", { ...WANTED, issuer: undefined }],
  ["an issuer that is no URL", { ...WANTED, issuer: "gitlab" }],
  ["claims that are a text", { ...WANTED, claims: "x" }],
  ["claims that are a list", { ...WANTED, claims: ["x"] }],
  ["claims of claims", { ...WANTED, claims: { a: { b: "c" } } }],
  ["no claims", { ...WANTED, claims: {} }],
  ["no scopes", { ...WANTED, scopes: [] }],
  ["a scope of users", { ...WANTED, scopes: ["api"] }],
  ["a NUL", { ...WANTED, claims: { "a\0": "b" } }],
])("400: %s", async (_, input) => {
  expect((await rest("POST", "/projects/acme%2Flib/trusts", input)).status).toBe(400);
});
