// Advisories about modules here by GraphQL and the command line, and what versions are told to have.
import { beforeAll, expect, test } from "vitest";
import { replaceDatabase } from "../../src/registry/advisories/vulnerability-database.ts";
import { createGroup } from "../../src/registry/forge/groups.ts";
import { addMember } from "../../src/registry/forge/members.ts";
import { createProject } from "../../src/registry/forge/projects.ts";
import { OPERATOR } from "../../src/registry/principal.ts";
import { ask, bearer } from "../support/http.ts";
import { pushRecipe, remoteOf } from "../support/push.ts";
import { ADMIN_TOKEN, type TestServer, testServer } from "../support/server.ts";
import { leftOut } from "./schema-parts.ts";

let server: TestServer & { readonly sent: readonly string[] };
const sent: string[] = [];
const secret = { maintainer: "", developer: "" };
const OWN = "gokura.test/acme/lib";

// biome-ignore lint/suspicious/noExplicitAny: answers have the shape of whatever was asked
async function graphql(query: string, token: string): Promise<any> {
  sent.push(query);
  const headers = { "content-type": "application/json", ...bearer(token) };
  const { text } = await ask(server.url, "/api/graphql", { method: "POST", headers, body: JSON.stringify({ query }) });
  return JSON.parse(text);
}

beforeAll(async () => {
  server = { ...(await testServer()), sent };
  const { registry } = server;
  for (const name of ["maintainer", "developer"] as const) secret[name] = await server.token(name, "api");
  await createGroup(registry, OPERATOR, { fullPath: "acme", visibility: "PRIVATE" });
  await createProject(registry, OPERATOR, { fullPath: "acme/lib", visibility: "PRIVATE" });
  await addMember(registry, OPERATOR, { groupPath: "acme" }, { username: "maintainer", accessLevel: 40 });
  await addMember(registry, OPERATOR, { groupPath: "acme" }, { username: "developer", accessLevel: 30 });
  await pushRecipe(remoteOf(server.url, "acme/lib", ADMIN_TOKEN), (r) => {
    for (const version of ["v1.0.0", "v1.1.0"])
      r.tag(version, r.commit({ "go.mod": `module ${OWN}\n`, "v.txt": version }));
  });
});

const CREATE = (input: string) =>
  `mutation { advisoryCreate(input: { ${input} }) { advisory { id modified withdrawnAt osv } errors reasons } }`;
const VERSIONS = `{ goModule(path: "${OWN}") { versions(first: 2) { nodes { version vulnerabilities { id modulePath version reviewed aliases summary fixedIn } buildList { vulnerabilities { id } } } } } }`;

test("a Maintainer tells of a vulnerability; its versions have it, until it is withdrawn", async () => {
  const input = `modulePath: "${OWN}", packagePath: "${OWN}/sub", symbols: ["T.M"], introduced: "v1.0.0", fixed: "v1.1.0", summary: "reads beyond the end", details: "…", aliases: ["CVE-2026-1"]`;
  const refused = await graphql(CREATE(input), secret.developer);
  expect(refused.data.advisoryCreate).toMatchObject({ advisory: null, reasons: ["access_level_too_low"] });
  const { data } = await graphql(CREATE(input), secret.maintainer);
  const { id, osv } = data.advisoryCreate.advisory;
  expect(id).toMatch(/^GOKURA-\d{4}-0001$/);
  expect(JSON.parse(osv).affected).toEqual([
    {
      package: { name: OWN, ecosystem: "Go" },
      ranges: [{ type: "SEMVER", events: [{ introduced: "1.0.0" }, { fixed: "1.1.0" }] }],
      ecosystem_specific: { imports: [{ path: `${OWN}/sub`, symbols: ["T.M"] }] },
    },
  ]);
  const seen = await graphql(VERSIONS, secret.developer);
  const told = { modulePath: OWN, version: "v1.0.0", reviewed: true, aliases: ["CVE-2026-1"] };
  // Of what a build uses nothing is said where no database was ever mirrored.
  const buildList = { vulnerabilities: null };
  expect(seen.data.goModule.versions.nodes).toEqual([
    { version: "v1.1.0", vulnerabilities: [], buildList },
    {
      version: "v1.0.0",
      vulnerabilities: [{ id, ...told, summary: "reads beyond the end", fixedIn: "v1.1.0" }],
      buildList,
    },
  ]);
  const ofProject = await graphql(`{ project(fullPath: "acme/lib") { vulnerabilities { id } } }`, secret.developer);
  expect(ofProject.data.project).toEqual(buildList);
  const withdrawn = await graphql(
    `mutation { advisoryWithdraw(input: { id: "${id}" }) { advisory { id withdrawnAt } errors reasons } }`,
    secret.maintainer,
  );
  expect(withdrawn.data.advisoryWithdraw.advisory).toEqual({ id, withdrawnAt: expect.any(String) });
  const after = await graphql(VERSIONS, secret.developer);
  expect(after.data.goModule.versions.nodes.map((one: { vulnerabilities: unknown[] }) => one.vulnerabilities)).toEqual([
    [],
    [],
  ]);
});

test.each([
  [`summary: " "`, "say in a sentence"],
  [`summary: "x", fixed: "1.2"`, "must be a version"],
  [`summary: "x", introduced: "v1.2.0", fixed: "v1.1.0"`, "must be above"],
  [`summary: "x", packagePath: "example.com/other"`, "or below it"],
  [`summary: "x", symbols: ["A"]`, "name it"],
  [`summary: "x", packagePath: "${OWN}", symbols: ["a b"]`, "must be names such as Parse"],
  [`summary: "x", aliases: ["../.."]`, "must be names such as CVE"],
])("an advisory that cannot be: %s", async (input, why) => {
  const { data } = await graphql(CREATE(`modulePath: "${OWN}", ${input}`), secret.maintainer);
  expect(data.advisoryCreate).toMatchObject({ advisory: null, errors: [expect.stringContaining(why)] });
});

test("which database is mirrored, and how old it is", async () => {
  expect((await graphql("{ vulnerabilityDatabase { modified checkedAt } }", secret.developer)).data).toEqual({
    vulnerabilityDatabase: null,
  });
  const modified = new Date("2026-01-01T00:00:00Z");
  const database = { modified, modules: "[]", vulns: "[]", changed: [], ids: [] };
  await replaceDatabase(server.registry, database, modified);
  expect((await graphql("{ vulnerabilityDatabase { modified checkedAt } }", secret.developer)).data).toEqual({
    vulnerabilityDatabase: { modified: "2026-01-01T00:00:00.000Z", checkedAt: "2026-01-01T00:00:00.000Z" },
  });
});

test("nothing of this part was left out", () => expect(leftOut("advisories", server.sent)).toEqual([]));
