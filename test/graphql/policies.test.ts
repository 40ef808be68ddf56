// Rules by GraphQL, REST and the command line: one and the same, and only for those who may.
import { beforeAll, expect, test } from "vitest";
import { createGroup } from "../../src/registry/forge/groups.ts";
import { addMember } from "../../src/registry/forge/members.ts";
import { createProject } from "../../src/registry/forge/projects.ts";
import { OPERATOR } from "../../src/registry/principal.ts";
import { ask, bearer } from "../support/http.ts";
import { type Rest, restClient } from "../support/rest.ts";
import { ADMIN_TOKEN, type TestServer, testServer } from "../support/server.ts";
import { leftOut } from "./schema-parts.ts";

let server: TestServer & { readonly sent: readonly string[] };
let rest: Rest;
const sent: string[] = [];
const secret = { owner: "", reporter: "", stranger: "" };

// biome-ignore lint/suspicious/noExplicitAny: answers have the shape of whatever was asked
async function graphql(query: string, token: string): Promise<any> {
  sent.push(query);
  const headers = { "content-type": "application/json", ...bearer(token) };
  const { text } = await ask(server.url, "/api/graphql", { method: "POST", headers, body: JSON.stringify({ query }) });
  return JSON.parse(text);
}

beforeAll(async () => {
  server = { ...(await testServer({ environment: { GOKURA_UPSTREAM: "http://127.0.0.1:1" } })), sent };
  const { registry } = server;
  for (const name of ["owner", "reporter", "stranger"] as const) secret[name] = await server.token(name, "api");
  await createGroup(registry, OPERATOR, { fullPath: "acme", visibility: "PRIVATE" });
  await createProject(registry, OPERATOR, { fullPath: "acme/lib", visibility: "PRIVATE" });
  for (const [username, accessLevel] of [
    ["owner", 50],
    ["reporter", 20],
  ] as const)
    await addMember(registry, OPERATOR, { groupPath: "acme" }, { username, accessLevel });
  rest = await restClient(server.url, ADMIN_TOKEN);
});

const RULE = `pattern: "example.com/bad", versions: "v1.3.0", action: DENY, reason: "stolen token"`;

test("made by one door, seen by the others, removed by a third", async () => {
  const { data } = await graphql(`mutation { policyCreate(input: { ${RULE} }) { policy { id } errors } }`, ADMIN_TOKEN);
  const { id } = data.policyCreate.policy;
  const number = Number(id.split("/").at(-1));
  const listed = await rest("GET", "/policies");
  expect(listed.json).toMatchObject([
    { id: number, action: "deny", versions: "v1.3.0", created_by: "root", group_path: null },
  ]);
  const seen = await graphql("{ policies { nodes { id pattern reason dryRun expiresAt } } }", ADMIN_TOKEN);
  expect(seen.data.policies.nodes).toEqual([
    { id, pattern: "example.com/bad", reason: "stolen token", dryRun: false, expiresAt: null },
  ]);
  const told = `example.com/bad@v1.3.0 is denied by rule ${number}: stolen token; ask an administrator of this registry`;
  const verdict = await graphql(
    `{ policyVerdict(path: "example.com/bad", version: "v1.3.0") { action told change policy { id } dryRuns { id } } }`,
    secret.stranger,
  );
  expect(verdict.data.policyVerdict).toMatchObject({ action: "DENY", told, policy: { id }, dryRuns: [] });
  const said = await rest("GET", "/policy_verdict?module=example.com/bad&version=v1.3.0", undefined, secret.stranger);
  expect(said.json).toMatchObject({
    action: "deny",
    told,
    policy: { id: number },
    change: verdict.data.policyVerdict.change,
  });
  expect((await rest("DELETE", `/policies/${number}`)).status).toBe(204);
  expect((await rest("GET", "/policies")).json).toEqual([]);
  const events = await server.registry.prisma.auditEvent.findMany({ where: { action: { startsWith: "policy." } } });
  expect(events.map(({ action, actor, subject }) => [action, actor, subject])).toEqual([
    ["policy.create", "root", "instance"],
    ["policy.delete", "root", "instance"],
  ]);
});

test("a group's are for its Owners to make and its Reporters to see; the instance's for administrators", async () => {
  const add = (token: string, place = "/groups/acme/policies") =>
    rest("POST", place, { pattern: "*", action: "hold", kind: "hosted", reason: "review" }, token);
  expect((await add(secret.owner, "/policies")).status).toBe(403);
  expect([(await add(secret.stranger)).status, (await add(secret.reporter)).status]).toEqual([404, 403]);
  const made = await add(secret.owner);
  expect([made.status, made.json.group_path]).toEqual([201, "acme"]);
  expect((await rest("GET", "/groups/acme/policies", undefined, secret.reporter)).json).toHaveLength(1);
  const hosted = (token: string) =>
    graphql(`{ policyVerdict(path: "gokura.test/acme/lib", version: "v1.0.0") { action told } }`, token);
  expect((await hosted(secret.reporter)).data.policyVerdict.told).toContain("ask an Owner of the group acme");
  expect((await hosted(secret.stranger)).data.policyVerdict).toBeNull();
  expect((await rest("DELETE", `/policies/${made.json.id}`, undefined, secret.reporter)).status).toBe(403);
  expect((await rest("DELETE", `/policies/${made.json.id}`, undefined, secret.stranger)).status).toBe(404);
  expect((await rest("DELETE", `/policies/${made.json.id}`, undefined, secret.owner)).status).toBe(204);
});

test.each([
  [`pattern: "", action: DENY`, "must be module paths"],
  [`pattern: "a b", action: DENY`, "must be module paths"],
  [`pattern: "[", action: DENY`, "must be module paths"],
  [`pattern: "*a*a*/x", action: DENY`, "stars"],
  [`pattern: "*", action: DENY, versions: "newest"`, "must be version queries"],
  [`pattern: "*", action: DENY, versions: "<=v1"`, "ambiguous semantic version"],
  [`pattern: "*", action: ALLOW, dryRun: true`, "a dry run is of a rule that refuses"],
  [`pattern: "*", action: DENY, reason: "two\\nlines"`, "one line"],
  [`pattern: "*", action: DENY, minimumAge: 3600`, "an age is of a rule that holds"],
  [`pattern: "*", action: HOLD, kind: HOSTED, minimumAge: 3600`, "an age is of a rule that holds"],
  [`pattern: "*", action: HOLD, minimumAge: 90`, "whole hours"],
  [`pattern: "*", action: HOLD, strict: true`, "strict is of a rule with an age"],
  [`pattern: "*", action: DENY, expiresAt: "2001-01-01T00:00:00Z"`, "must be in the future"],
])("a rule that cannot be: %s", async (input, why) => {
  const { data } = await graphql(
    `mutation { policyCreate(input: { ${input} }) { policy { id } errors } }`,
    ADMIN_TOKEN,
  );
  expect(data.policyCreate).toEqual({ policy: null, errors: [expect.stringContaining(why)] });
});

test("rules by licences and by vulnerabilities say the same at every door", async () => {
  const made = await graphql(
    `mutation { policyCreate(input: { pattern: "*", action: HOLD, licensesOtherThan: ["mit", "Apache-2.0"], reason: "list" }) { policy { id licenses licensesOtherThan vulnerable } errors } }`,
    ADMIN_TOKEN,
  );
  const { id, ...conditions } = made.data.policyCreate.policy;
  expect(conditions).toEqual({ licenses: [], licensesOtherThan: ["Apache-2.0", "MIT"], vulnerable: null });
  const second = await graphql(
    `mutation { policyCreate(input: { pattern: "*", action: DENY, licenses: ["GPL-3.0-only"], vulnerable: ANY }) { policy { id } } }`,
    ADMIN_TOKEN,
  );
  const third = await rest("POST", "/policies", { pattern: "*", action: "warn", vulnerable: "fixable" });
  expect([third.status, third.json]).toMatchObject([201, { vulnerable: "fixable", licenses: [] }]);
  const viaRest = { pattern: "*", action: "deny", licenses: "UNKNOWN,NONE" };
  const fourth = await rest("POST", "/policies", viaRest);
  expect((await rest("GET", "/policies")).json).toMatchObject([
    { licenses: [], licenses_other_than: ["Apache-2.0", "MIT"], vulnerable: null },
    { licenses: ["GPL-3.0"], vulnerable: "any" },
    { id: third.json.id },
    { id: fourth.json.id, licenses: ["NONE", "UNKNOWN"] },
  ]);
  expect((await rest("POST", "/policies", { ...viaRest, licenses: "MIT-like" })).status).toBe(400);
  for (const one of [id, second.data.policyCreate.policy.id, third.json.id, fourth.json.id])
    await rest("DELETE", `/policies/${String(one).split("/").at(-1)}`);
});

test("an id that is none; pages; an exception with an end, in a group", async () => {
  const until = "2099-01-01T00:00:00.000Z";
  const made = await graphql(
    `mutation { policyCreate(input: { groupPath: "acme", pattern: "*", kind: UPSTREAM, versions: "v1", action: HOLD, dryRun: true, expiresAt: "${until}", reason: "x" }) { policy { id } errors reasons } }`,
    secret.owner,
  );
  const { id } = made.data.policyCreate.policy;
  const { data } = await graphql(
    `{
      policies(groupPath: "acme", first: 1) {
        nodes { id groupPath pattern versions kind action dryRun minimumAge strict reason expiresAt createdBy createdAt }
        edges { cursor node { id } }
        pageInfo { endCursor hasNextPage }
      }
      last: policies(groupPath: "acme", last: 1) { nodes { id } }
      verdict: policyVerdict(path: "example.com/bad", version: "v1.3.0", groupPath: "acme") { action heldUntil dryRuns { id } }
    }`,
    secret.owner,
  );
  expect(data.policies.nodes).toMatchObject([
    { groupPath: "acme", kind: "UPSTREAM", createdBy: "owner", expiresAt: until },
  ]);
  expect([data.last.nodes, data.verdict]).toEqual([[{ id }], { action: "ALLOW", heldUntil: null, dryRuns: [{ id }] }]);
  const cursor = data.policies.pageInfo.endCursor;
  const next = await graphql(
    `{ a: policies(groupPath: "acme", first: 1, after: "${cursor}") { nodes { id } } b: policies(groupPath: "acme", last: 1, before: "${cursor}") { nodes { id } } }`,
    secret.owner,
  );
  expect(next.data).toEqual({ a: { nodes: [] }, b: { nodes: [] } });
  const young = await graphql(
    `mutation { policyCreate(input: { groupPath: "acme", pattern: "*", action: HOLD, minimumAge: 604800, strict: true }) { policy { id minimumAge strict } errors } }`,
    secret.owner,
  );
  expect(young.data.policyCreate.policy).toMatchObject({ minimumAge: 604_800, strict: true });
  await graphql(
    `mutation { policyDelete(input: { id: "${young.data.policyCreate.policy.id}" }) { errors } }`,
    secret.owner,
  );
  const remove = (one: string) =>
    graphql(`mutation { policyDelete(input: { id: "${one}" }) { policy { id } errors reasons } }`, secret.owner);
  expect((await remove("12")).data.policyDelete).toMatchObject({ policy: null, reasons: ["invalid_request"] });
  expect((await remove(id)).data.policyDelete).toEqual({ policy: { id }, errors: [], reasons: [] });
});

test("what a rule hits is found out in the background, again when somebody who may change it asks", async () => {
  const made = await rest("POST", "/groups/acme/policies", { pattern: "*", action: "hold", kind: "hosted" });
  const impact = "impact { versions modules names(first: 10) judgedAt current }";
  const asked = async () =>
    (await graphql(`{ policies(groupPath: "acme") { nodes { ${impact} } } }`, secret.reporter)).data.policies.nodes;
  const none = { versions: 0, modules: 0, names: [], judgedAt: expect.stringContaining("T"), current: true };
  await expect.poll(asked, { timeout: 10_000 }).toEqual([{ impact: none }]);
  const [{ impact: before }] = await asked();
  const again = (token: string) =>
    graphql(`mutation { policyJudge(input: { groupPath: "acme" }) { errors reasons } }`, token);
  expect((await again(secret.reporter)).data.policyJudge.reasons).toEqual(["access_level_too_low"]);
  expect((await again(secret.owner)).data.policyJudge).toEqual({ errors: [], reasons: [] });
  await expect.poll(async () => (await asked())[0].impact.judgedAt, { timeout: 10_000 }).not.toBe(before.judgedAt);
  await rest("DELETE", `/policies/${(made.json as { id: number }).id}`);
});

test("nothing of this part was left out", () => expect(leftOut("policies", server.sent)).toEqual([]));
