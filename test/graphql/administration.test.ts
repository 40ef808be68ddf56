// What administrators see and do through GraphQL, and that nobody else sees any of it.
import { beforeAll, describe, expect, test } from "vitest";
import { openJobs } from "../../src/jobs/queue.ts";
import { keepProvedSums } from "../../src/registry/checksums/proved-sums.ts";
import { createGroup } from "../../src/registry/forge/groups.ts";
import { createProject, updateProject } from "../../src/registry/forge/projects.ts";
import { OPERATOR } from "../../src/registry/principal.ts";
import type { Registry } from "../../src/registry/registry.ts";
import { createLog } from "../../src/telemetry/log.ts";
import { createMetrics } from "../../src/telemetry/prometheus.ts";
import { parseUpstreams } from "../../src/upstream/policy.ts";
import { createUpstreamHealth, FAILURES_UNTIL_DOWN } from "../../src/upstream/upstream-health.ts";
import { upstreamStatus } from "../../src/upstream/upstream-status.ts";
import { atEnd } from "../support/at-end.ts";
import { testRegistry } from "../support/registry.ts";
import { type Asker, type GraphqlServer, publishVersions, serveGraphql, signUp } from "./graphql-server.ts";
import { leftOut } from "./schema-parts.ts";

let registry: Registry;
let server: GraphqlServer;
let root: Asker;
let alice: Asker;

const health = createUpstreamHealth(createLog("silent"));
const upstreams = parseUpstreams("https://user:secret@go.corp.example/path|https://mirror.example.com,direct");

beforeAll(async () => {
  registry = await testRegistry();
  server = await serveGraphql(registry, { upstreams: () => upstreamStatus(upstreams, health) });
  root = server.as(await signUp(registry, { username: "root", admin: true }));
  alice = server.as(await signUp(registry, { username: "alice" }));
  await createGroup(registry, OPERATOR, { fullPath: "acme", visibility: "PUBLIC" });
  for (const path of ["a", "b", "c"]) await createProject(registry, OPERATOR, { fullPath: `acme/${path}` });
});

const EVERYTHING = `{ administration {
  auditEvents { nodes { id } } jobs { nodes { id } } upstreams { name } modulePrefixes { nodes { prefix } }
  rejectedTags { nodes { name } } checksumMisbehaviours { database } quarantinedVersions { version } } }`;

test("nobody but administrators sees any of it", async () => {
  for (const [asker, code] of [
    [alice, "FORBIDDEN"],
    [server.as(), "UNAUTHENTICATED"],
  ] as const) {
    const { data, errors } = await asker(EVERYTHING);
    expect(data).toEqual({ administration: null });
    expect(errors).toMatchObject([{ path: ["administration"], extensions: { code } }]);
  }
  const { errors } = await alice(`mutation { jobRetry(input: { id: "x" }) { errors }
    featureFlagDelete(input: { name: "x" }) { errors } }`);
  expect(errors).toBeUndefined();
});

describe("the audit trail", () => {
  const trail = `query ($actor: String, $action: String, $subject: String, $from: DateTime, $to: DateTime, $first: Int, $after: String, $last: Int, $before: String) {
    administration { auditEvents(actor: $actor, action: $action, subject: $subject, from: $from, to: $to, first: $first, after: $after, last: $last, before: $before) {
      nodes { id at actor action subject details { name value } }
      edges { cursor node { action } }
      pageInfo { startCursor endCursor hasNextPage hasPreviousPage } } } }`;
  const events = async (variables: Record<string, unknown>) =>
    (await root.data(trail, variables)).administration.auditEvents;

  test("says who did what, the last act first", async () => {
    await root.data(`mutation { projectUpdate(input: { fullPath: "acme/a", visibility: PUBLIC }) { errors } }`);
    const { nodes } = await events({ first: 2 });
    expect(nodes[0]).toEqual({
      id: expect.stringMatching(/^gid:\/\/gokura\/AuditEvent\/\d+$/),
      at: expect.any(String),
      actor: "root",
      action: "project.update",
      subject: "acme/a",
      details: [{ name: "visibility", value: "PUBLIC" }],
    });
  });

  test("can be asked for an actor, an act, a kind of act, a thing, a time", async () => {
    const what = async (variables: Record<string, unknown>) =>
      (await events(variables)).nodes.map((event: { action: string; subject: string }) => event);
    for (const event of await what({ actor: "cli" })) expect(event.actor).toBe("cli");
    expect(await what({ action: "project.create" })).toHaveLength(3);
    expect((await what({ action: "project." })).length).toBeGreaterThan(3);
    expect(await what({ action: "project" })).toEqual([]);
    expect((await what({ subject: "acme/b" })).map((event: { action: string }) => event.action)).toEqual([
      "project.create",
    ]);
    const all = await what({ first: 100 });
    const { at } = all[2];
    const until = await what({ to: at, first: 100 });
    const since = await what({ from: at, first: 100 });
    expect(since.length + until.length).toBe(all.length);
    expect(until.every((event: { at: string }) => event.at < at)).toBe(true);
    expect(await what({ actor: "%" })).toEqual([]);
  });

  test("comes in pages, both ways", async () => {
    const first = await events({ first: 2 });
    const next = await events({ first: 2, after: first.pageInfo.endCursor });
    expect(first.pageInfo).toMatchObject({ hasNextPage: true, hasPreviousPage: false });
    const back = await events({ last: 2, before: next.pageInfo.startCursor });
    expect(back.nodes).toEqual(first.nodes);
  });
});

describe("jobs", () => {
  const list = `query ($name: String, $state: JobState, $first: Int, $after: String, $last: Int, $before: String) { administration {
    jobs(name: $name, state: $state, first: $first, after: $after, last: $last, before: $before) {
      nodes { id name state payload retries error done total createdAt startedAt endedAt }
      edges { cursor node { id } } pageInfo { startCursor endCursor hasNextPage hasPreviousPage } } } }`;
  const jobs = async (variables: Record<string, unknown> = {}) =>
    (await root.data(list, variables)).administration.jobs;

  test("are listed with their state and what went wrong, and are tried again when asked", async () => {
    for (const projectId of [901, 902, 903])
      await registry.prisma.$transaction((tx) => registry.jobs.send(tx, "index-refs", { projectId }));
    const waiting = await jobs({ name: "index-refs", state: "WAITING" });
    expect(waiting.nodes.map((job: { payload: string }) => JSON.parse(job.payload).projectId)).toEqual([903, 902, 901]);
    expect(waiting.nodes[0]).toMatchObject({ retries: 0, error: null, startedAt: null, endedAt: null });
    const page = await jobs({ name: "index-refs", first: 1 });
    const next = await jobs({ name: "index-refs", first: 1, after: page.pageInfo.endCursor });
    expect(JSON.parse(next.nodes[0].payload)).toEqual({ projectId: 902 });
    expect((await jobs({ last: 1, before: next.pageInfo.startCursor })).nodes).toEqual(page.nodes);
    expect((await jobs({ name: "build-zips" })).nodes).toEqual([]);

    const [{ id }] = waiting.nodes;
    const uuid = id.replace("gid://gokura/Job/", "");
    await registry.database.pool.query(
      `UPDATE pgboss.job SET state = 'failed', output = '{"message": "no space left"}', completed_on = now() WHERE id = $1`,
      [uuid],
    );
    expect((await jobs({ state: "FAILED" })).nodes).toMatchObject([{ id, error: "no space left" }]);

    const done: number[] = [];
    const again = await root.data(`mutation ($id: ID!) { jobRetry(input: { id: $id }) { errors job { id state } } }`, {
      id,
    });
    expect(again.jobRetry).toEqual({ errors: [], job: { id, state: "RETRY" } });
    const worker = openJobs(
      (registry.database.pool.options as { connectionString: string }).connectionString,
      "worker",
      createLog("silent"),
      createMetrics("."),
    );
    atEnd(() => worker.stop());
    await worker.work("index-refs", async ({ projectId }) => void done.push(projectId));
    await expect.poll(() => done.toSorted(), { timeout: 20_000 }).toEqual([901, 902, 903]);
    await expect.poll(async () => (await jobs({ state: "COMPLETED" })).nodes.length, { timeout: 20_000 }).toBe(3);
    const refused = await root.data(
      `mutation ($id: ID!) { jobRetry(input: { id: $id }) { errors reasons job { id } } }`,
      {
        id: uuid,
      },
    );
    expect(refused.jobRetry).toEqual({
      errors: [expect.stringContaining("there is no failed job")],
      reasons: ["not_found"],
      job: null,
    });
    const { nodes } = (await root.data(`{ administration { auditEvents(action: "job.retry") { nodes { subject } } } }`))
      .administration.auditEvents;
    expect(nodes).toEqual([{ subject: "index-refs" }]);
  });
});

test("upstreams are listed in their order, without credentials, with what was seen of them", async () => {
  const query = `{ administration { upstreams { name kind anyError state answered failed running lastAnsweredAt lastFailedAt triedAgainAt } } }`;
  const ask = async () => (await root.data(query)).administration.upstreams;
  const untouched = {
    answered: 0,
    failed: 0,
    running: 0,
    lastAnsweredAt: null,
    lastFailedAt: null,
    triedAgainAt: null,
  };
  const nothing = { ...untouched, answered: null, failed: null, running: null, state: null };
  const direct = { name: "direct", kind: "DIRECT", anyError: false, ...nothing };
  const corp = { name: "go.corp.example/path", kind: "PROXY", anyError: true, state: "UP", ...untouched };
  const mirror = { name: "mirror.example.com", kind: "PROXY", anyError: false, state: "UP", ...untouched };
  expect(await ask()).toEqual([corp, mirror, direct]);

  const turn = await health.turn("mirror.example.com");
  expect((await ask())[1]).toEqual({ ...mirror, running: 1 });
  turn.succeeded();
  turn.over();
  for (let n = 0; n < FAILURES_UNTIL_DOWN; n++) {
    expect((await ask())[0].state).toBe(n === 0 ? "UP" : "FAILING");
    const failing = await health.turn("go.corp.example");
    failing.failed();
    failing.over();
  }
  const moment = expect.stringMatching(/^\d{4}-.*Z$/);
  expect(await ask()).toEqual([
    { ...corp, state: "DOWN", failed: FAILURES_UNTIL_DOWN, lastFailedAt: moment, triedAgainAt: moment },
    { ...mirror, answered: 1, lastAnsweredAt: moment },
    direct,
  ]);
});

test("checksum databases that were caught lying, and what is in quarantine", async () => {
  const { pool } = registry.database;
  await pool.query(
    `INSERT INTO sum_misbehaviour (verifier_key, reason, older, newer, decided_at, decided_by)
      VALUES ('sum.example.test+0123abcd+AbC', 'two histories', NULL, 'newer', '2026-11-01T00:00:00Z', 'root')`,
  );
  const sum = (letter: string): string => `h1:${letter.repeat(42)}A=`;
  const { rows } = await pool.query("INSERT INTO module (path, origin) VALUES ('up.test/a', 'UPSTREAM') RETURNING id");
  await pool.query(
    `INSERT INTO module_version (module_id, version, kind, sort_key, go_mod, go_mod_h1, time)
      VALUES ($1, 'v1.0.0', 'RELEASE', '1', 'module up.test/a', $2, now())`,
    [rows[0].id, sum("B")],
  );
  await keepProvedSums(registry, "up.test/a", "v1.0.0", {
    ...{ h1: sum("C"), goModH1: sum("D"), database: "sum.example.test", id: 7 },
  });
  const { administration } = await root.data(`{ administration {
    checksumMisbehaviours { database reason older newer at decidedAt decidedBy }
    quarantinedVersions { modulePath version h1 goModH1 recordedH1 recordedGoModH1 database recordId } } }`);
  expect(administration).toEqual({
    checksumMisbehaviours: [
      {
        ...{ database: "sum.example.test", reason: "two histories", older: null, newer: "newer" },
        ...{ at: expect.any(String), decidedAt: "2026-11-01T00:00:00.000Z", decidedBy: "root" },
      },
    ],
    quarantinedVersions: [
      {
        ...{ modulePath: "up.test/a", version: "v1.0.0", h1: null, goModH1: sum("B") },
        ...{ recordedH1: sum("C"), recordedGoModH1: sum("D"), database: "sum.example.test", recordId: "7" },
      },
    ],
  });
});

test("module prefixes and their projects", async () => {
  for (const [path, modulePrefix] of Object.entries({ b: "example.com/zebra", c: "example.com/apple" }))
    await updateProject(registry, OPERATOR, `acme/${path}`, { modulePrefix });
  const query = `query ($search: String, $first: Int, $after: String, $last: Int, $before: String) { administration {
    modulePrefixes(search: $search, first: $first, after: $after, last: $last, before: $before) {
      nodes { prefix project { fullPath } } edges { cursor node { prefix } } pageInfo { endCursor hasNextPage } } } }`;
  const ask = async (variables = {}) => (await root.data(query, variables)).administration.modulePrefixes;
  const apple = { prefix: "example.com/apple", project: { fullPath: "acme/c" } };
  const zebra = { prefix: "example.com/zebra", project: { fullPath: "acme/b" } };
  expect((await ask()).nodes).toEqual([apple, zebra]);
  expect((await ask({ search: "ZEB" })).nodes).toEqual([zebra]);
  const { endCursor } = (await ask({ first: 1 })).pageInfo;
  expect((await ask({ first: 1, after: endCursor })).nodes).toEqual([zebra]);
  expect((await ask({ last: 1, before: endCursor })).nodes).toEqual([]);
});

test("rejected tags of all projects", async () => {
  const { id } = (await registry.prisma.project.findFirst({ where: { fullPath: "acme/a" } }))!;
  await publishVersions(
    registry,
    id,
    [],
    [
      { tag: "v2.0.0", modulePath: "gokura.test/acme/a", reason: "go.mod names no /v2" },
      { tag: "nightly", reason: "no version" },
    ],
  );
  const query = `query ($search: String, $first: Int, $after: String, $last: Int, $before: String) { administration {
    rejectedTags(search: $search, first: $first, after: $after, last: $last, before: $before) {
      nodes { name reason modulePath listed project { fullPath } } edges { cursor node { name } } pageInfo { endCursor } } } }`;
  const ask = async (variables = {}) => (await root.data(query, variables)).administration.rejectedTags;
  const project = { fullPath: "acme/a" };
  const nightly = { name: "nightly", reason: "no version", modulePath: null, listed: false, project };
  expect((await ask()).nodes.map((tag: { name: string }) => tag.name).toSorted()).toEqual(["nightly", "v2.0.0"]);
  expect((await ask({ search: "NO VERS" })).nodes).toEqual([nightly]);
  const { endCursor } = (await ask({ first: 1 })).pageInfo;
  expect((await ask({ first: 5, after: endCursor })).nodes).toHaveLength(1);
  expect((await ask({ last: 5, before: endCursor })).nodes).toEqual([]);
});

test("flags for a user, and forgotten", async () => {
  const setFlag = async (target: string) =>
    (
      await root.data(`mutation { featureFlagSet(input: { name: "trial", enabled: true, ${target} }) {
        errors featureFlag { name enabled users projects groups } } }`)
    ).featureFlagSet;
  expect(await setFlag('username: "alice"')).toEqual({
    errors: [],
    featureFlag: { name: "trial", enabled: false, users: ["alice"], projects: [], groups: [] },
  });
  expect((await setFlag('username: "nobody"')).errors).toEqual(["there is no user nobody"]);
  expect((await setFlag('username: "alice", groupPath: "acme"')).errors).toHaveLength(1);
  const data = await root.data(`mutation { featureFlagDelete(input: { name: "trial" }) { errors reasons } }`);
  expect(data.featureFlagDelete.errors).toEqual([]);
  const { featureFlags } = await root.data("{ featureFlags { name } }");
  expect(featureFlags.map((flag: { name: string }) => flag.name)).not.toContain("trial");
});

describe("tokens", () => {
  const list = `query ($kind: TokenKind, $active: Boolean, $search: String, $username: String, $projectPath: ID, $groupPath: ID, $first: Int, $after: String, $last: Int, $before: String) {
    administration { tokens(kind: $kind, active: $active, search: $search, username: $username, projectPath: $projectPath, groupPath: $groupPath, first: $first, after: $after, last: $last, before: $before) {
      nodes { id kind name description active user { username } project { fullPath } } pageInfo { endCursor } } } }`;
  const tokens = async (variables = {}) => (await root.data(list, variables)).administration.tokens;
  const names = async (variables = {}) => (await tokens(variables)).nodes.map((token: { name: string }) => token.name);

  test("of everybody, personal ones and deploy tokens", async () => {
    const made = await root.data(`mutation {
      deploy: tokenCreate(input: { name: "ci of b", scopes: [READ_REPOSITORY], projectPath: "acme/b" }) { errors }
      personal: tokenCreate(input: { name: "laptop", description: "the old one", scopes: [READ_API], username: "alice" }) { errors token { id } } }`);
    expect([made.deploy.errors, made.personal.errors]).toEqual([[], []]);
    expect((await tokens({ first: 2 })).nodes).toMatchObject([
      { kind: "PERSONAL", name: "laptop", description: "the old one", user: { username: "alice" }, project: null },
      { kind: "DEPLOY", name: "ci of b", description: "", user: null, project: { fullPath: "acme/b" } },
    ]);
    expect(await names({ kind: "DEPLOY" })).toEqual(["ci of b"]);
    expect(await names({ search: "LAP" })).toEqual(["laptop"]);
    expect(await names({ username: "ALICE" })).toEqual(["laptop", "test"]);
    expect(await names({ projectPath: "acme/b" })).toEqual(["ci of b"]);
    expect(await names({ username: "nobody" })).toEqual([]);
    expect(await names({ projectPath: "acme/none" })).toEqual([]);
    expect(await names({ groupPath: "acme" })).toEqual([]);
    expect(await names({ groupPath: "none" })).toEqual([]);
    const { endCursor } = (await tokens({ first: 1 })).pageInfo;
    expect(await names({ first: 1, after: endCursor })).toEqual(["ci of b"]);
    expect(await names({ last: 1, before: endCursor })).toEqual([]);

    await root.data(`mutation { tokenRevoke(input: { id: "${made.personal.token.id}" }) { errors } }`);
    expect(await names({ active: false })).toEqual(["laptop"]);
    expect(await names({ active: true })).not.toContain("laptop");
    expect((await alice(list)).errors).toMatchObject([
      { extensions: { code: "FORBIDDEN", reason: "administrators_only" } },
    ]);
  });

  test("deploy tokens of a group itself, and not of what is in it", async () => {
    const made = await root.data(`mutation {
      tokenCreate(input: { name: "ci of acme", scopes: [READ_REPOSITORY], groupPath: "acme" }) { errors token { id } } }`);
    expect(made.tokenCreate.errors).toEqual([]);
    expect(await names({ groupPath: "ACME" })).toEqual(["ci of acme"]);
    expect(await names({ kind: "DEPLOY" })).toEqual(["ci of acme", "ci of b"]);
  });

  test("are rotated: the old one is refused, the new one has its name and scopes", async () => {
    const { tokenCreate } = await alice.data(
      `mutation { tokenCreate(input: { name: "turning", scopes: [API] }) { secret token { id } } }`,
    );
    const old = server.as(tokenCreate.secret);
    const rotate = `mutation ($id: ID!) { tokenRotate(input: { id: $id, expiresAt: "2099-01-01" }) {
      errors reasons secret token { id name scopes active expiresAt } } }`;
    const { tokenRotate } = await old.data(rotate, { id: tokenCreate.token.id });
    expect(tokenRotate).toMatchObject({
      errors: [],
      reasons: [],
      token: { name: "turning", scopes: ["API"], active: true, expiresAt: "2099-01-01T00:00:00.000Z" },
    });
    expect(tokenRotate.token.id).not.toBe(tokenCreate.token.id);
    expect((await old("{ currentUser { username } }")).status).toBe(401);
    const fresh = server.as(tokenRotate.secret);
    expect(await fresh.data("{ currentUser { username } }")).toEqual({ currentUser: { username: "alice" } });
    const again = await alice(rotate, { id: tokenCreate.token.id });
    expect(again.errors).toMatchObject([{ extensions: { code: "UNAUTHENTICATED" } }]);
  });
});

test("nothing of this part was left out", () => {
  expect(leftOut("administration", server.sent)).toEqual([]);
});
