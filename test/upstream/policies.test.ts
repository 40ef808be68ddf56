// Rules about which versions may be had, at every door that serves one, and what the real go command makes of a refusal.
import { beforeAll, beforeEach, describe, expect, test } from "vitest";
import { setFlag } from "../../src/registry/forge/feature-flags.ts";
import { createGroup } from "../../src/registry/forge/groups.ts";
import { createProject } from "../../src/registry/forge/projects.ts";
import { createPolicy, deletePolicy, type NewPolicy } from "../../src/registry/policies/rules.ts";
import { OPERATOR } from "../../src/registry/principal.ts";
import type { PolicyRow } from "../../src/registry/rows.ts";
import { type FakeUpstream, fakeUpstream } from "../support/fake-upstream.ts";
import { goCommand } from "../support/go.ts";
import { type Answer, ask, bearer } from "../support/http.ts";
import { pushRecipe, remoteOf } from "../support/push.ts";
import { ADMIN_TOKEN, type TestServer, testServer } from "../support/server.ts";

const INSTANCE = "packages/go";
const GROUP = "groups/strict/-/packages/go";
const FILES = ["info", "mod", "zip"];

let upstream: FakeUpstream;
let server: TestServer;
let made: PolicyRow[] = [];

const get = (path: string, view = INSTANCE): Promise<Answer> =>
  ask(server.url, `/api/v4/${view}/${path}`, { headers: bearer(ADMIN_TOKEN) });
const statuses = (path: string, version: string, view = INSTANCE): Promise<number[]> =>
  Promise.all(FILES.map(async (file) => (await get(`${path}/@v/${version}.${file}`, view)).status));
const listed = async (path: string, view = INSTANCE): Promise<string> =>
  (await get(`${path}/@v/list`, view)).text.trim().split("\n").join(" ");
const latest = async (path: string, view = INSTANCE): Promise<string | number> => {
  const { status, text } = await get(`${path}/@latest`, view);
  return status === 200 ? JSON.parse(text).Version : status;
};
const rule = async (one: NewPolicy): Promise<PolicyRow> => {
  const row = await createPolicy(server.registry, OPERATOR, one);
  made.push(row);
  return row;
};

beforeAll(async () => {
  upstream = await fakeUpstream();
  server = await testServer({ environment: { GOKURA_UPSTREAM: upstream.url, GOKURA_UPSTREAM_TTL: "0" } });
  const { registry } = server;
  await createGroup(registry, OPERATOR, { fullPath: "strict", visibility: "PUBLIC" });
  await createProject(registry, OPERATOR, { fullPath: "strict/lib", visibility: "PUBLIC" });
  await setFlag(registry, OPERATOR, "dependency_proxy", true, { groups: ["strict"] });
  for (const version of ["v1.0.0", "v1.1.0", "v1.2.0"]) await upstream.version("example.com/m", version);
});

beforeEach(async () => {
  for (const { id } of made) await deletePolicy(server.registry, OPERATOR, id);
  made = [];
});

describe("a denied version", () => {
  test("is 403 in words, also where it is in memory and on the disk; lists and @latest leave it out; it comes back", async () => {
    for (let round = 0; round < 2; round++) expect(await statuses("example.com/m", "v1.2.0")).toEqual([200, 200, 200]);
    expect([await listed("example.com/m"), await latest("example.com/m")]).toEqual(["v1.0.0 v1.1.0 v1.2.0", "v1.2.0"]);
    const { id } = await rule({ pattern: "example.com/m", versions: "v1.2.0", action: "DENY", reason: "stolen token" });
    const { status, headers, text } = await get("example.com/m/@v/v1.2.0.zip");
    expect([status, headers["content-type"], headers["gokura-reason"], text]).toEqual([
      403,
      "text/plain; charset=utf-8",
      "policy_denied",
      `example.com/m@v1.2.0 is denied by rule ${id}: stolen token; ask an administrator of this registry\n`,
    ]);
    expect(await statuses("example.com/m", "v1.2.0")).toEqual([403, 403, 403]);
    expect(await statuses("example.com/m", "v1.1.0")).toEqual([200, 200, 200]);
    expect([await listed("example.com/m"), await latest("example.com/m")]).toEqual(["v1.0.0 v1.1.0", "v1.1.0"]);
    const asked = upstream.count("example.com/m/@v/v1.2.0.zip");
    await deletePolicy(server.registry, OPERATOR, id);
    made = [];
    expect(await statuses("example.com/m", "v1.2.0")).toEqual([200, 200, 200]);
    expect(upstream.count("example.com/m/@v/v1.2.0.zip")).toBe(asked);
  });

  test("is not fetched", async () => {
    await upstream.version("example.com/unseen", "v1.0.0");
    await rule({ pattern: "example.com/unseen", action: "DENY" });
    expect(await statuses("example.com/unseen", "v1.0.0")).toEqual([403, 403, 403]);
    expect(upstream.asked.filter((path) => path.startsWith("example.com/unseen/@v/v1"))).toEqual([]);
    expect([await listed("example.com/unseen"), await latest("example.com/unseen")]).toEqual(["", 403]);
  });

  test("is not had by the name of a branch or a commit either", async () => {
    const pseudo = "v0.0.0-20210101000000-abcdefabcdef";
    await upstream.version("example.com/branchy", pseudo);
    upstream.on("example.com/branchy/@v/main.info", `{"Version":"${pseudo}","Time":"2021-01-01T00:00:00Z"}`);
    expect((await get("example.com/branchy/@v/main.info")).status).toBe(200);
    await rule({ pattern: "example.com/branchy", action: "DENY" });
    expect((await get("example.com/branchy/@v/main.info")).status).toBe(403);
  });
});

test("what a held release retracts is left out with it, unless nothing were left; what a denied one says counts for nothing", async () => {
  await upstream.version("example.com/r", "v1.0.0");
  await upstream.version("example.com/r", "v1.1.0");
  await upstream.version("example.com/r", "v1.2.0", { "go.mod": "module example.com/r\n\nretract v1.1.0\n" });
  await rule({ pattern: "example.com/r", versions: "v1.2.0", action: "HOLD" });
  expect([await listed("example.com/r"), await latest("example.com/r")]).toEqual(["v1.0.0", "v1.0.0"]);
  await upstream.version("example.com/evil", "v1.0.0");
  await upstream.version("example.com/evil", "v1.9.0", {
    "go.mod": "module example.com/evil\n\nretract [v0.0.0, v1.9.0]\n",
  });
  await rule({ pattern: "example.com/evil", versions: "v1.9.0", action: "HOLD" });
  expect([await listed("example.com/evil"), await latest("example.com/evil")]).toEqual(["v1.0.0", "v1.0.0"]);
  await rule({ pattern: "example.com/r", versions: "v1.2.0", action: "DENY" });
  expect([await listed("example.com/r"), await latest("example.com/r")]).toEqual(["v1.0.0 v1.1.0", "v1.1.0"]);
});

test("a group's rule is for its endpoint alone, and its hosted modules everywhere", async () => {
  await pushRecipe(remoteOf(server.url, "strict/lib", ADMIN_TOKEN), (r) => {
    for (const version of ["v1.0.0", "v1.1.0"])
      r.tag(version, r.commit({ "go.mod": "module gokura.test/strict/lib\n", "v.txt": version }));
  });
  const own = "gokura.test/strict/lib";
  for (let round = 0; round < 2; round++) expect(await statuses(own, "v1.1.0")).toEqual([200, 200, 200]);
  await rule({ groupPath: "strict", pattern: "example.com/m", versions: ">=v1.1.0", action: "DENY" });
  await rule({ groupPath: "strict", pattern: "*", kind: "HOSTED", versions: "v1.1.0", action: "HOLD" });
  expect([await listed("example.com/m", GROUP), await listed("example.com/m")]).toEqual([
    "v1.0.0",
    "v1.0.0 v1.1.0 v1.2.0",
  ]);
  expect([await statuses("example.com/m", "v1.1.0", GROUP), await statuses("example.com/m", "v1.1.0")]).toEqual([
    [403, 403, 403],
    [200, 200, 200],
  ]);
  await expect.poll(() => statuses(own, "v1.1.0")).toEqual([403, 403, 403]);
  for (const view of [INSTANCE, GROUP, "projects/strict%2Flib/packages/go"])
    expect([await listed(own, view), await latest(own, view)]).toEqual(["v1.0.0", "v1.0.0"]);
  expect((await get(`${own}/@v/v1.1.0.mod`)).text).toContain("ask an Owner of the group strict");
});

test("a warning stands beside the answer, in memory too; a dry run refuses nothing; both are written down", async () => {
  const warning = await rule({ pattern: "example.com/m", versions: "v1.0.0", action: "WARN", reason: 'old "one"' });
  const dry = await rule({ pattern: "example.com/m", versions: "v1.0.0", action: "DENY", dryRun: true });
  for (let round = 0; round < 2; round++)
    for (const file of FILES) {
      const { status, headers } = await get(`example.com/m/@v/v1.0.0.${file}`);
      expect([status, headers["gokura-policy"]]).toEqual([200, `warn; rule=${warning.id}; reason="old \\"one\\""`]);
    }
  const noted = async () =>
    (await server.registry.prisma.auditEvent.findMany({ where: { subject: "example.com/m@v1.0.0" } }))
      .map(({ action, actor, detail }) => `${actor} ${action} ${JSON.stringify(detail)}`)
      .toSorted();
  await expect
    .poll(noted)
    .toEqual([`root policy.warned {"rule":${warning.id}}`, `root policy.would_refuse {"rule":${dry.id}}`]);
});

test("a rule that matches everything leaves toolchains and what is ours alone", async () => {
  const at = "golang.org/toolchain/@v/v0.0.1-go1.26.0.linux-amd64";
  upstream.on(`${at}.info`, '{"Version":"v0.0.1-go1.26.0.linux-amd64"}');
  await rule({ pattern: "*", action: "DENY" });
  expect(await statuses("example.com/m", "v1.0.0")).toEqual([403, 403, 403]);
  expect((await get(`${at}.info`)).status).toBe(200);
  expect((await get("gokura.test/strict/lib/@v/v1.0.0.info")).status).toBe(200);
  await rule({ pattern: "golang.org/toolchain", kind: "TOOLCHAIN", action: "DENY" });
  expect((await get(`${at}.info`)).status).toBe(403);
});

test("rules that change under 1,000 requests: each is answered by one state or the other, and the last state holds", async () => {
  const path = "example.com/m/@v/v1.1.0.info";
  const changing = (async () => {
    for (let round = 0; round < 8; round++) {
      const { id } = await createPolicy(server.registry, OPERATOR, { pattern: "example.com/m", action: "DENY" });
      await deletePolicy(server.registry, OPERATOR, id);
    }
  })();
  const seen = new Set<number>();
  for (let batch = 0; batch < 40; batch++)
    for (const { status } of await Promise.all(Array.from({ length: 25 }, () => get(path)))) seen.add(status);
  await changing;
  expect([200, 403]).toEqual(expect.arrayContaining([...seen]));
  expect((await get(path)).status).toBe(200);
  await rule({ pattern: "example.com/m", action: "DENY" });
  expect((await get(path)).status).toBe(403);
});

describe("the go command", () => {
  const proxies = (): string => `${server.url}/api/v4/packages/go,${upstream.url}`;

  test("stops at 403 and shows the reason, although the next proxy has it", async () => {
    await rule({ pattern: "example.com/m", versions: "v1.2.0", action: "DENY", reason: "stolen token" });
    const go = goCommand({ GOPROXY: proxies(), GONOSUMDB: "*", GOFLAGS: "-mod=mod -modcacherw" });
    const { status, output } = await go.run("get", "example.com/m@v1.2.0");
    expect([status === 0, output]).toEqual([false, expect.stringContaining("is denied by rule")]);
    expect(output).toContain("stolen token");
    expect(await go.must("list", "-m", "example.com/m@latest")).toContain("v1.1.0");
    expect(await go.must("list", "-m", "-versions", "example.com/m")).toBe("example.com/m v1.0.0 v1.1.0\n");
  });

  test("stops too where nothing is left", async () => {
    await rule({ pattern: "example.com/m", action: "HOLD", reason: "until we have looked" });
    const go = goCommand({ GOPROXY: proxies(), GONOSUMDB: "*" });
    const { status, output } = await go.run("list", "-m", "example.com/m@latest");
    expect([status === 0, output]).toEqual([false, expect.stringContaining("until we have looked")]);
  });
});
