// What rules hit among the stored versions: found out in the background after each change and on demand, with progress, and
// told to those alone who may list the rules.
import licenses from "spdx-license-list/full.js";
import { beforeAll, expect, test } from "vitest";
import { createGroup } from "../../../src/registry/forge/groups.ts";
import { addMember } from "../../../src/registry/forge/members.ts";
import { createProject } from "../../../src/registry/forge/projects.ts";
import { impactsOf, writeImpact } from "../../../src/registry/policies/impact.ts";
import { createPolicy, deletePolicy, type NewPolicy } from "../../../src/registry/policies/rules.ts";
import { OPERATOR } from "../../../src/registry/principal.ts";
import type { PolicyRow } from "../../../src/registry/rows.ts";
import { runHere } from "../../cli/run-here.ts";
import { testDatabase } from "../../support/database.ts";
import { fakeUpstream } from "../../support/fake-upstream.ts";
import { ask, bearer } from "../../support/http.ts";
import { pushRecipe, remoteOf } from "../../support/push.ts";
import { ADMIN_TOKEN, type TestServer, testServer } from "../../support/server.ts";

const LIB = "gokura.test/acme/lib";
const DAY = 86_400_000;
let database: string;
let server: TestServer;
let now = Date.now();
const secret = { owner: "", stranger: "" };

// biome-ignore lint/suspicious/noExplicitAny: answers have the shape of whatever was asked
async function graphql(query: string, token = ADMIN_TOKEN): Promise<any> {
  const headers = { "content-type": "application/json", ...bearer(token) };
  const { text } = await ask(server.url, "/api/graphql", { method: "POST", headers, body: JSON.stringify({ query }) });
  return JSON.parse(text);
}

async function rule(made: NewPolicy): Promise<PolicyRow> {
  return createPolicy(server.registry, OPERATOR, made);
}

/** What each of some rules hits, once they are found out by the rules as they are. */
async function hits(rules: readonly PolicyRow[]): Promise<string[][]> {
  const found = () => impactsOf(server.registry, OPERATOR, rules);
  await expect
    .poll(async () => [...(await found()).values()].filter(({ current }) => current), { timeout: 10_000 })
    .toHaveLength(rules.length);
  const impacts = await found();
  return rules.map(({ id }) => [...impacts.get(id)!.names]);
}

async function without(rules: readonly PolicyRow[]): Promise<void> {
  for (const { id } of rules) await deletePolicy(server.registry, OPERATOR, id);
}

beforeAll(async () => {
  const upstream = await fakeUpstream();
  database = await testDatabase();
  const environment = { DATABASE_URL: database, GOKURA_UPSTREAM: upstream.url, GOKURA_SUMDB: "off" };
  server = await testServer({ environment, now: () => now });
  const { registry } = server;
  for (const name of ["owner", "stranger"] as const) secret[name] = await server.token(name, "api");
  await createGroup(registry, OPERATOR, { fullPath: "acme", visibility: "PRIVATE" });
  await createProject(registry, OPERATOR, { fullPath: "acme/lib", visibility: "PRIVATE" });
  await addMember(registry, OPERATOR, { groupPath: "acme" }, { username: "owner", accessLevel: 50 });
  await pushRecipe(remoteOf(server.url, "acme/lib", ADMIN_TOKEN), (r) =>
    r.tag("v1.0.0", r.commit({ "go.mod": `module ${LIB}\n` })),
  );
  const text = (of: "MIT" | "GPL-3.0-only"): string => licenses[of]!.licenseText;
  await upstream.version("example.com/a", "v1.0.0", { LICENSE: text("MIT") });
  await upstream.version("example.com/a", "v1.10.0", { LICENSE: text("GPL-3.0-only") });
  await upstream.version("example.com/a", "v1.9.0");
  await upstream.version("example.com/b", "v0.1.0", { LICENSE: text("GPL-3.0-only") });
  for (const [path, version] of [
    ["example.com/a", "v1.0.0"],
    ["example.com/a", "v1.10.0"],
    ["example.com/a", "v1.9.0"],
    ["example.com/b", "v0.1.0"],
  ] as const)
    expect((await ask(server.url, `/api/v4/packages/go/${path}/@v/${version}.zip`)).status).toBe(200);
});

test("a change of rules has found out soon after what each hits, and why no other does", async () => {
  const rules = [
    await rule({ pattern: "example.com", versions: "<v1.0.0", action: "DENY" }),
    await rule({ pattern: "*", licensesOtherThan: ["MIT", "NONE"], action: "HOLD" }),
    await rule({ pattern: "example.com/a", versions: "v1.9.0", action: "WARN" }),
    await rule({ pattern: "*", action: "HOLD", dryRun: true }),
    await rule({ pattern: "*", kind: "HOSTED", action: "DENY", groupPath: "acme" }),
    await rule({ pattern: "*", kind: "TOOLCHAIN", action: "DENY" }),
  ];
  const all = ["example.com/a@v1.0.0", "example.com/a@v1.9.0", "example.com/a@v1.10.0"];
  expect(await hits(rules)).toEqual([
    ["example.com/b@v0.1.0"],
    ["example.com/a@v1.10.0"], // the first that denies wins
    ["example.com/a@v1.9.0"],
    all, // nor does a dry run say anything of what is denied
    [`${LIB}@v1.0.0`],
    [],
  ]);
  const { versions, modules } = (await impactsOf(server.registry, OPERATOR, rules)).get(rules[3]!.id)!;
  expect([versions, modules]).toEqual([3, 1]);
  await without(rules);
});

test("rules of a group are judged in the group, where those of the instance are not counted anew", async () => {
  const rules = [
    await rule({ pattern: "example.com/a", action: "HOLD" }),
    await rule({ pattern: "example.com", action: "DENY", groupPath: "acme" }),
  ];
  const a = ["example.com/a@v1.0.0", "example.com/a@v1.9.0", "example.com/a@v1.10.0"];
  expect(await hits(rules)).toEqual([a, [...a, "example.com/b@v0.1.0"]]);
  await without(rules);
});

test("an age hits what is too young when it is judged, and nothing later", async () => {
  const young = await rule({ pattern: "example.com/b", action: "HOLD", minimumAge: 7 * 24 * 3600 });
  expect(await hits([young])).toEqual([["example.com/b@v0.1.0"]]);
  now += 8 * DAY;
  await writeImpact(server.registry);
  expect(await hits([young])).toEqual([[]]);
  await without([young]);
});

test("progress is told while it lasts, and nothing is written when the rules change meanwhile", async () => {
  const first = await rule({ pattern: "example.com/b", action: "DENY" });
  await hits([first]);
  const told: number[][] = [];
  let second: PolicyRow | undefined;
  await writeImpact(server.registry, async (done, total) => {
    told.push([done, total]);
    if (done === total) second ??= await rule({ pattern: "example.com/a", action: "DENY" });
  });
  expect(told).toEqual([
    [0, 3],
    [3, 3],
  ]);
  expect((await hits([first, second!])).map((names) => names.length)).toEqual([1, 3]);
  const query = `{ administration { jobs(name: "judge-stored", state: COMPLETED, first: 1) { nodes { done total } } } }`;
  await expect.poll(async () => (await graphql(query)).data.administration.jobs.nodes).toEqual([{ done: 3, total: 3 }]);
  await without([first, second!]);
});

test("GraphQL, the page and the command tell it to those who may list the rules; to others a verdict names the rule alone", async () => {
  const ofInstance = await rule({ pattern: "example.com/b", action: "DENY" });
  const ofGroup = await rule({ pattern: LIB, kind: "HOSTED", action: "HOLD", groupPath: "acme" });
  await hits([ofInstance, ofGroup]);
  const impact = "impact { versions modules names(first: 1) current }";
  const one = (name: string) => ({ versions: 1, modules: 1, names: [name], current: true });
  expect((await graphql(`{ policies(groupPath: "acme") { nodes { ${impact} } } }`, secret.owner)).data).toEqual({
    policies: { nodes: [{ impact: one(`${LIB}@v1.0.0`) }] },
  });
  const verdict = `{ policyVerdict(path: "example.com/b", version: "v0.1.0") { policy { ${impact} } } }`;
  expect((await graphql(verdict)).data.policyVerdict.policy).toEqual({ impact: one("example.com/b@v0.1.0") });
  expect((await graphql(verdict, secret.owner)).data.policyVerdict.policy).toEqual({ impact: null });
  const again = (token: string) => graphql(`mutation { policyJudge(input: { groupPath: "acme" }) { errors } }`, token);
  expect((await again(secret.owner)).data.policyJudge.errors).toEqual([]);
  expect((await again(secret.stranger)).data.policyJudge.errors).toHaveLength(1);
  const environment = { DATABASE_URL: database, GOKURA_DATA_DIR: server.dataDirectory };
  const { code, stdout } = await runHere(["policy", "impact", String(ofInstance.id)], environment);
  expect([code, stdout.split("\n").slice(-2)]).toEqual([0, ["example.com/b@v0.1.0", ""]]);
  const last = await runHere(["policy", "impact", "--last", "--group", "acme", "--json"], environment);
  expect(JSON.parse(last.stdout)).toMatchObject([{ id: ofGroup.id, hits: 1, modules: 1, action: "hold" }]);
  expect(await runHere(["policy", "impact", "9999"], environment)).toMatchObject({ code: 1 });
  await without([ofInstance, ofGroup]);
});
