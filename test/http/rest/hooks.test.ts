// Hooks from end to end: what happens in a project is told to a real receiver, signed as the library of Standard Webhooks
// verifies it, once and again until it is accepted; and what was told can be read and told again.
import http, { type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { Webhook } from "standardwebhooks";
import { beforeAll, beforeEach, describe, expect, test } from "vitest";
import { inTransaction } from "../../../src/database/sql.ts";
import { setFlag } from "../../../src/registry/forge/feature-flags.ts";
import { createGroup } from "../../../src/registry/forge/groups.ts";
import { announce } from "../../../src/registry/forge/hook-events.ts";
import { addMember } from "../../../src/registry/forge/members.ts";
import { createProject } from "../../../src/registry/forge/projects.ts";
import { createPolicy, deletePolicy } from "../../../src/registry/policies/rules.ts";
import { OPERATOR } from "../../../src/registry/principal.ts";
import { atEnd } from "../../support/at-end.ts";
import { eventually } from "../../support/eventually.ts";
import { type FakeUpstream, fakeUpstream } from "../../support/fake-upstream.ts";
import { ask, bearer } from "../../support/http.ts";
import { pushRecipe, remoteOf } from "../../support/push.ts";
import { type Rest, restClient } from "../../support/rest.ts";
import { ADMIN_TOKEN, MODULE_HOST, type TestServer, testServer } from "../../support/server.ts";

interface Received {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

const LIB = `${MODULE_HOST}/acme/lib`;
const HOOKS = "/projects/acme%2Flib/hooks";
let server: TestServer;
let rest: Rest;
let admin: Rest;
let developer: string;
let receiver: string;
let projectId: number;
let upstream: FakeUpstream;
let received: Received[] = [];
let answer = { status: 200, headers: {} as Record<string, string>, body: "thanks" };

beforeAll(async () => {
  upstream = await fakeUpstream();
  const ask = { GOKURA_UPSTREAM: upstream.url, GOKURA_UPSTREAM_TTL: "0", GOKURA_ALLOW_PRIVATE_NETWORKS: "127.0.0.0/8" };
  server = await testServer({ environment: ask });
  const listener = http.createServer(async (request, response) => {
    let body = "";
    for await (const chunk of request) body += chunk;
    received.push({ path: request.url!, headers: request.headers, body });
    response.writeHead(answer.status, answer.headers).end(answer.body);
  });
  await new Promise<void>((done) => listener.listen(0, "127.0.0.1", done));
  atEnd(async () => void listener.close());
  receiver = `http://127.0.0.1:${(listener.address() as AddressInfo).port}`;
  await createGroup(server.registry, OPERATOR, { fullPath: "acme", visibility: "PUBLIC" });
  projectId = (await createProject(server.registry, OPERATOR, { fullPath: "acme/lib", visibility: "PUBLIC" })).id;
  rest = await restClient(server.url, await server.token("olga"));
  admin = await restClient(server.url, ADMIN_TOKEN);
  developer = await server.token("dora");
  await addMember(server.registry, OPERATOR, { groupPath: "acme" }, { username: "olga", accessLevel: 50 });
  await addMember(server.registry, OPERATOR, { groupPath: "acme" }, { username: "dora", accessLevel: 30 });
});

beforeEach(async () => {
  await server.registry.prisma.hook.deleteMany();
  received = [];
  answer = { status: 200, headers: {}, body: "thanks" };
});

/** What has arrived at a path: of other tests something may be on its way still. */
const at = (path: string) => received.filter((one) => one.path === path);
const hook = async (input: object, path = HOOKS, by = rest) => {
  const made = await by("POST", path, { url: `${receiver}/in`, ...input });
  expect([made.status, made.json]).toEqual([201, expect.anything()]);
  return made.json;
};
/** What has arrived of an event, when it has. */
const arrived = async (type: string, path = "/in") =>
  (
    await eventually(
      async () =>
        received
          .filter((one) => one.path === path)
          .map(({ body }) => JSON.parse(body))
          .filter((one) => one.type === type),
      (found) => found.length > 0,
    )
  )[0];
const groupId = async () => (await rest("GET", "/groups/acme")).json.id;
const deliveries = async (id: number, of = HOOKS, by = rest) => (await by("GET", `${of}/${id}/events`)).json;
const settled = (
  id: number,
  isSettled: (delivery: { attempts: number; response_status: string | null; error: string | null }) => boolean,
) =>
  eventually(
    () => deliveries(id),
    (found) => found.length > 0 && isSettled(found[0]),
  );
/** Has what waits tried at once, as if its time had come. */
const hurry = () =>
  server.registry.database.pool.query(
    "UPDATE hook_delivery SET next_attempt_at = now() WHERE next_attempt_at IS NOT NULL; NOTIFY gokura_hooks",
  );

test("a push, a moved tag, a retraction, a version taken back: each is told, signed, to the hooks around", async () => {
  const made = await hook({ token: "sesame", events: ["version.published", "version.retracted", "version.deleted"] });
  await hook({ url: `${receiver}/group` }, "/groups/acme/hooks");
  await hook({ url: `${receiver}/all`, events: ["tag.moved"] }, "/hooks", admin);
  const remote = remoteOf(server.url, "acme/lib", ADMIN_TOKEN);
  const clone = await pushRecipe(remote, (r) => {
    r.tag("v1.0.0", r.commit({ "go.mod": `module ${LIB}\n\ngo 1.21\n`, "a.go": "package lib\n" }));
    r.tag("v1.1.0", r.commit({ "a.go": "package lib // two\n" }));
    r.tag("v3.0.0", r.commit({ "a.go": "package lib // three\n" }));
  });
  const published = await arrived("version.published");
  expect(published).toEqual({
    type: "version.published",
    timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
    data: {
      project: { id: projectId, path_with_namespace: "acme/lib" },
      versions: ["v1.0.0", "v1.1.0"].map((version) => ({
        ...{ path: LIB, version, time: expect.any(String), commit: expect.stringMatching(/^[0-9a-f]{40}$/) },
        ...{ sum: null, go_mod_sum: expect.stringMatching(/^h1:/) },
      })),
    },
  });
  const { headers, body } = received.find(({ path }) => path === "/in")!;
  expect(headers).toMatchObject({ "x-gitlab-token": "sesame", "gokura-event": "version.published" });
  expect(new Webhook(made.signing_token).verify(body, headers as Record<string, string>)).toEqual(published);
  expect(() => new Webhook(made.signing_token).verify(`${body} `, headers as Record<string, string>)).toThrow();
  const rejected = await arrived("tag.rejected", "/group");
  expect(rejected.data.tags).toEqual([
    { tag: "v3.0.0", path: expect.any(String), version: expect.any(String), reason: expect.any(String) },
  ]);

  clone.change((r) => {
    r.tag("v1.2.0", r.commit({ "go.mod": `module ${LIB}\n\ngo 1.21\n\nretract v1.1.0 // broken\n` }));
    r.tag("v1.0.0", r.commit({ "b.go": "package lib\n" }));
  });
  await clone.push();
  expect((await arrived("version.retracted")).data.versions).toEqual([
    { path: LIB, version: "v1.1.0", rationale: "broken" },
  ]);
  const moved = await arrived("tag.moved", "/all");
  expect(moved.data).toMatchObject({ actor: "root", tags: [{ tag: "v1.0.0", old_commit: expect.any(String) }] });

  const [{ id }] = (await rest("GET", "/projects/acme%2Flib/packages?package_version=v1.1.0")).json;
  expect((await rest("DELETE", `/projects/acme%2Flib/packages/${id}`)).status).toBe(204);
  expect((await arrived("version.deleted")).data).toMatchObject({ actor: "olga", versions: [{ version: "v1.1.0" }] });
});

describe("a delivery", () => {
  const tell = (things: object[]) =>
    inTransaction(server.registry.database.pool, (tx) => announce(tx, { projectId }, "version.published", things));

  test("exists only if what it tells of does", async () => {
    const { id } = await hook({});
    const undone = inTransaction(server.registry.database.pool, async (tx) => {
      await announce(tx, { projectId }, "version.published", [{ version: "v9.9.9" }]);
      throw new Error("undone");
    });
    await expect(undone).rejects.toThrow("undone");
    expect(await deliveries(id)).toEqual([]);
  });

  test("tells of many things in pages", async () => {
    const { id } = await hook({});
    await tell(Array.from({ length: 1_201 }, (_, n) => ({ n })));
    const all = await eventually(
      () => deliveries(id),
      (found) => found.length === 3,
    );
    const sizes = all.map(
      (one: { request_data: { data: { versions: object[] } } }) => one.request_data.data.versions.length,
    );
    expect(sizes.sort()).toEqual([201, 500, 500]);
  });

  test("that is not accepted is tried again with the same id and body, and what came of it can be read", async () => {
    const { id } = await hook({ url: `${receiver}/again` });
    answer = { status: 500, headers: {}, body: "not now" };
    await tell([{ n: 1 }]);
    const [first] = await settled(id, ({ response_status }) => response_status === "500");
    expect(first).toMatchObject({ attempts: 1, response_body: "not now", trigger: "version.published", error: null });
    expect(Date.parse(first.next_attempt_at)).toBeGreaterThan(Date.now());
    answer = { status: 204, headers: {}, body: "" };
    await hurry();
    const [second] = await settled(id, ({ response_status }) => response_status === "204");
    expect(second).toMatchObject({ id: first.id, attempts: 2, next_attempt_at: null });
    const [one, two] = at("/again");
    expect(two!.headers["webhook-id"]).toBe(one!.headers["webhook-id"]);
    expect(two!.body).toBe(one!.body);
  });

  test("is given up after seven attempts", async () => {
    const { id } = await hook({ url: `${receiver}/never` });
    answer = { status: 503, headers: {}, body: "" };
    await tell([{ n: 1 }]);
    let before = new Date(0);
    const attempted = async (n: number) => {
      const row = await eventually(
        () => server.registry.prisma.hookDelivery.findFirstOrThrow(),
        ({ attempts, attemptedAt }) => attempts === n && attemptedAt !== null && attemptedAt > before,
      );
      before = row.attemptedAt!;
      return row;
    };
    for (let n = 1; n < 7; n++) {
      expect((await attempted(n)).nextAttemptAt).not.toBeNull();
      await hurry();
    }
    expect((await attempted(7)).nextAttemptAt).toBeNull();
    expect([(await deliveries(id))[0].attempts, at("/never").length]).toEqual([7, 7]);
  });

  test("to a redirect goes nowhere, to a private network neither", async () => {
    const { id } = await hook({ url: `${receiver}/moved` });
    answer = { status: 302, headers: { location: `${receiver}/elsewhere` }, body: "" };
    await tell([{ n: 1 }]);
    await settled(id, ({ response_status }) => response_status === "302");
    expect([at("/moved").length, at("/elsewhere").length]).toEqual([1, 0]);
    const secret = await hook({ url: "http://169.254.169.254/latest/meta-data" });
    await tell([{ n: 2 }]);
    const [refused] = await settled(secret.id, ({ error }) => error !== null);
    expect(refused).toMatchObject({
      response_status: null,
      error: expect.stringContaining("GOKURA_ALLOW_PRIVATE_NETWORKS"),
    });
  });

  test("of a long answer the beginning is kept", async () => {
    const { id } = await hook({});
    answer = { status: 400, headers: {}, body: "x".repeat(100_000) };
    await tell([{ n: 1 }]);
    const [kept] = await settled(id, ({ response_status }) => response_status === "400");
    expect(kept.response_body).toBe("x".repeat(8 * 1024));
  });

  test.each([{}, { "content-length": "100000" }])(
    "a long answer of 200 accepts as a short one does (%j)",
    async (headers) => {
      const { id } = await hook({});
      answer = { status: 200, headers, body: "x".repeat(100_000) };
      await tell([{ n: 1 }]);
      const [kept] = await settled(id, ({ response_status, error }) => (response_status ?? error) !== null);
      expect(kept).toMatchObject({ response_status: "200", error: null, response_body: "x".repeat(8 * 1024) });
    },
  );

  test("can be told again, and a hook can be tried", async () => {
    const { id } = await hook({ url: `${receiver}/twice` });
    await tell([{ n: 1 }]);
    const [first] = await settled(id, ({ response_status }) => response_status === "200");
    const again = await rest("POST", `${HOOKS}/${id}/events/${first.id}/resend`);
    expect([again.status, again.json.message_id]).toEqual([201, first.message_id]);
    await eventually(
      async () => at("/twice").length,
      (count) => count === 2,
    );
    const tried = await rest("POST", `${HOOKS}/${id}/test/tag.moved`);
    expect([tried.status, tried.json.request_data.data]).toEqual([201, { test: true, tags: [] }]);
    await arrived("tag.moved", "/twice");
  });
});

test("410 switches a hook off, with what waits; changing it switches it on", async () => {
  const { id } = await hook({ url: `${receiver}/twice` });
  answer = { status: 410, headers: {}, body: "" };
  await rest("POST", `${HOOKS}/${id}/test/tag.moved`);
  const off = await eventually(
    () => rest("GET", `${HOOKS}/${id}`),
    ({ json }) => json.alert_status === "disabled",
  );
  expect(off.json.alert_status).toBe("disabled");
  expect((await rest("POST", `${HOOKS}/${id}/test/tag.moved`)).status).toBe(409);
  const on = await rest("PUT", `${HOOKS}/${id}`, { url: `${receiver}/new`, events: ["tag.moved"], token: "new" });
  expect(on.json).toMatchObject({ alert_status: "executable", events: ["tag.moved"], token_present: true });
});

test("a token goes to the server that it was given for, and to no other", async () => {
  const { id } = await hook({ token: "sesame" });
  expect((await rest("PUT", `${HOOKS}/${id}`, { url: `${receiver}/other` })).json.token_present).toBe(true);
  expect((await rest("PUT", `${HOOKS}/${id}`, { url: "https://elsewhere.example.com" })).json.token_present).toBe(
    false,
  );
});

test("a tag that goes away, and a mirror that cannot follow its remote, are told", async () => {
  await hook({ events: ["tag.deleted", "mirror.failed"] }, "/groups/acme/hooks");
  const clone = await pushRecipe(remoteOf(server.url, "acme/short", ADMIN_TOKEN), (r) =>
    r.tag("v1.0.0", r.commit({ "go.mod": `module ${MODULE_HOST}/acme/short\n`, "a.go": "package short\n" })),
  );
  await clone.push(":refs/tags/v1.0.0");
  expect((await arrived("tag.deleted")).data).toMatchObject({
    actor: "root",
    tags: [{ tag: "v1.0.0", new_commit: null }],
  });

  const nobody = await admin("POST", "/projects", { path: "away", namespace_id: await groupId() });
  const url = "https://127.0.0.1:1/away.git";
  expect((await admin("PUT", `/projects/${nobody.json.id}/mirror/pull`, { url })).status).toBe(200);
  expect((await arrived("mirror.failed")).data).toEqual({
    project: { id: nobody.json.id, path_with_namespace: "acme/away" },
    mirrors: [{ url, error: expect.stringContaining("127.0.0.1:1") }],
  });
});

describe("a refusal", () => {
  const get = (view: string, path: string) =>
    ask(server.url, `/api/v4/${view}packages/go/${path}`, { headers: bearer(ADMIN_TOKEN) });

  test("of what an upstream sent is told to hooks of the instance", async () => {
    await hook({ events: ["module.refused"] }, "/hooks", admin);
    const { info, mod } = await upstream.version("example.com/x", "v1.0.0");
    for (const [name, answer] of Object.entries({ info, mod, zip: "no zip" }))
      upstream.on(`example.com/x/@v/v1.0.0.${name}`, answer);
    expect((await get("", "example.com/x/@v/v1.0.0.zip")).status).toBe(404);
    expect((await arrived("module.refused")).data).toEqual({
      modules: [{ path: "example.com/x/@v/v1.0.0.zip", upstream: upstream.host, reason: expect.stringMatching(/zip/) }],
    });
  });

  test("by a rule is told to the hooks around, once an hour, whoever is refused", async () => {
    await upstream.version("example.com/m", "v1.0.0");
    await setFlag(server.registry, OPERATOR, "dependency_proxy", true, { groups: ["acme"] });
    await hook({ events: ["module.refused"], url: `${receiver}/all` }, "/hooks", admin);
    await hook({ events: ["module.refused"], url: `${receiver}/group` }, "/groups/acme/hooks");
    await hook({ events: ["module.refused"], url: `${receiver}/project` });
    const rule = await createPolicy(server.registry, OPERATOR, { pattern: "*", action: "DENY", reason: "stolen" });
    const ofOurs = await createPolicy(server.registry, OPERATOR, {
      ...{ pattern: "*", action: "HOLD", kind: "HOSTED" },
    });
    const toldOf = (path: string, version: string, by: number) => ({
      modules: [{ path, version, rule: by, reason: expect.stringMatching(`^${path}@${version} is .* by rule ${by}`) }],
    });
    for (let round = 0; round < 2; round++)
      for (const name of ["mod", "zip"])
        expect((await get("groups/acme/-/", `example.com/m/@v/v1.0.0.${name}`)).status).toBe(403);
    const toGroup = { actor: "root", group: { id: await groupId(), full_path: "acme" } };
    for (const path of ["/all", "/group"])
      expect((await arrived("module.refused", path)).data).toEqual({
        ...toGroup,
        ...toldOf("example.com/m", "v1.0.0", rule.id),
      });

    received = [];
    expect((await get("", "example.com/m/@v/v1.0.0.zip")).status).toBe(403);
    expect((await arrived("module.refused", "/all")).data).toEqual({
      actor: "root",
      ...toldOf("example.com/m", "v1.0.0", rule.id),
    });

    received = [];
    await pushRecipe(remoteOf(server.url, "acme/lib", ADMIN_TOKEN), (r) =>
      r.tag("v2.5.0-x", r.commit({ "go.mod": `module ${LIB}/v2\n`, "a.go": "package lib\n" })),
    );
    expect((await get("", `${LIB}/v2/@v/v2.5.0-x.mod`)).status).toBe(403);
    const project = { id: projectId, path_with_namespace: "acme/lib" };
    for (const path of ["/all", "/group", "/project"])
      expect((await arrived("module.refused", path)).data).toEqual({
        actor: "root",
        project,
        ...toldOf(`${LIB}/v2`, "v2.5.0-x", ofOurs.id),
      });
    expect([at("/all").length, at("/group").length, at("/project").length]).toEqual([1, 1, 1]);
    for (const { id } of [rule, ofOurs]) await deletePolicy(server.registry, OPERATOR, id);
  });
});

describe("who may, and what is refused", () => {
  test("Maintainers of the project, Owners of the group, administrators", async () => {
    for (const path of [HOOKS, "/groups/acme/hooks", "/hooks"]) {
      expect((await rest("POST", path, { url: receiver }, developer)).status).toBe(403);
      expect((await rest("GET", path, undefined, developer)).status).toBe(403);
    }
    expect((await rest("GET", "/hooks")).status).toBe(403);
    const { id } = await hook({});
    expect((await rest("GET", `/groups/acme/hooks/${id}`)).status).toBe(404);
    expect((await rest("DELETE", `${HOOKS}/${id}`)).status).toBe(204);
    expect((await rest("DELETE", `${HOOKS}/${id}`)).status).toBe(404);
  });

  test.each([
    ["no URL", {}],
    ["another scheme", { url: "ftp://example.com" }],
    ["a password in the URL", { url: "https://a:b@example.com" }],
    ["an unknown event", { url: "https://example.com", events: ["push"] }],
    ["no event", { url: "https://example.com", events: [] }],
    ["a token that is no header", { url: "https://example.com", token: "a\nb" }],
    ["a short key", { url: "https://example.com", signing_token: "whsec_AAAA" }],
    ["certificates that are not looked at", { url: "https://example.com", enable_ssl_verification: false }],
  ])("400: %s", async (_, input) => {
    expect((await rest("POST", HOOKS, input)).status).toBe(400);
  });
});
