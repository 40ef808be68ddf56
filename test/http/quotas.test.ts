// Quotas of groups: what does not fit is refused whole and in numbers, on every way in, and what was there stays and is served.
import { randomBytes } from "node:crypto";
import { beforeAll, describe, expect, test } from "vitest";
import { createGroup, findGroup } from "../../src/registry/forge/groups.ts";
import { addMember } from "../../src/registry/forge/members.ts";
import { createProject } from "../../src/registry/forge/projects.ts";
import { quotaOf, setQuota } from "../../src/registry/forge/quotas.ts";
import { OPERATOR } from "../../src/registry/principal.ts";
import { zipOf } from "../support/fake-upstream.ts";
import { ask, bearer } from "../support/http.ts";
import { git, type PushedRepository, pushRecipe, remoteOf, tryGit } from "../support/push.ts";
import { ADMIN_TOKEN, type TestServer, testServer } from "../support/server.ts";

const MB = 1024 * 1024;
const LIB = "gokura.test/acme/team/lib";

let server: TestServer;
let owner: string;
let pushed: PushedRepository;
let remote: string;

const usage = async (path: string) => quotaOf(server.registry, OPERATOR, (await findGroup(server.registry, path))!);
const files = (more: Record<string, string> = {}) => ({ "go.mod": `module ${LIB}\n`, ...more });
/** Text that no compression makes smaller than so many bytes. */
const noise = (bytes: number): string => randomBytes(bytes).toString("latin1").replace(/\r/g, " ");

beforeAll(async () => {
  server = await testServer();
  await createGroup(server.registry, OPERATOR, { fullPath: "acme", visibility: "PUBLIC" });
  await createGroup(server.registry, OPERATOR, { fullPath: "acme/team", visibility: "PUBLIC" });
  owner = await server.token("olga");
  await addMember(server.registry, OPERATOR, { groupPath: "acme" }, { username: "olga", accessLevel: 50 });
  remote = remoteOf(server.url, "acme/team/lib", owner);
  pushed = await pushRecipe(remote, (r) => r.tag("v1.0.0", r.commit(files({ "a.go": "package lib\n" }))));
});

const push = (...args: string[]) => tryGit(["-C", pushed.directory, "push", "--force", remote, ...args]);
const refsThere = () => git(["ls-remote", remote]);

test("repositories and zips count in the group and in all above it", async () => {
  const before = await usage("acme");
  expect(before).toMatchObject({ maxBytes: null, maxProjects: null, projects: 1 });
  expect(before.bytes).toBeGreaterThan(500);
  pushed.change((r) => void r.commit(files({ "a.go": "package lib\n", "big.bin": noise(300_000) })));
  expect((await push("main")).status).toBe(0);
  const after = await usage("acme/team");
  expect(after.bytes - before.bytes).toBeGreaterThan(300_000);
  expect(await usage("acme")).toMatchObject({ bytes: after.bytes });
});

describe("a group that has a quota", () => {
  test("refuses a push that does not fit, in numbers, and nothing has moved", async () => {
    await setQuota(server.registry, OPERATOR, "acme", { maxBytes: 1 * MB });
    const before = await refsThere();
    pushed.change((r) => r.tag("v1.1.0", r.commit(files({ "huge.bin": noise(3 * MB) }))));
    const { status, output } = await push("main", "v1.1.0");
    expect(status).not.toBe(0);
    expect(output).toMatch(
      /remote: error: quota_exceeded: the group acme holds \d+\.\d KB of the 1\.0 MB that it may: delete what is not needed/,
    );
    expect(await refsThere()).toBe(before);
    expect((await usage("acme")).bytes).toBeLessThan(1 * MB);
    await git(["-C", pushed.directory, "tag", "-d", "v1.1.0"]);
  });

  test("refuses an upload that does not fit, with 403 and the numbers, and takes one that does", async () => {
    const put = async (version: string, bytes: number) =>
      ask(server.url, `/api/v4/projects/acme%2Fteam%2Flib/packages/go/${LIB}/@v/${version}.zip`, {
        method: "PUT",
        headers: bearer(owner),
        body: await zipOf(`${LIB}@${version}`, { ...files(), "b.bin": noise(bytes) }),
      });
    const refused = await put("v1.2.0", 2 * MB);
    expect([refused.status, refused.headers["gokura-reason"]]).toEqual([403, "quota_exceeded"]);
    expect(refused.text).toMatch(/holds \d+\.\d KB of the 1\.0 MB that it may, and this brings \d\.\d MB more: delete/);
    const { bytes } = await usage("acme");
    expect((await put("v1.2.0", 10_000)).status).toBe(201);
    expect((await usage("acme")).bytes - bytes).toBeGreaterThan(10_000);
  });

  test("that is full takes nothing more, but lets refs go and serves all that it has", async () => {
    await setQuota(server.registry, OPERATOR, "acme", { maxBytes: 100 });
    pushed.change((r) => r.tag("v1.3.0", r.commit(files({ "c.go": "package lib\n" }))));
    const refused = await push("main", "v1.3.0");
    expect(refused.output).toMatch(
      /\[remote rejected\] +v1\.3\.0 -> v1\.3\.0 \(quota_exceeded: the group acme holds .* of the 100 bytes/,
    );
    expect((await push(":refs/tags/v1.0.0")).status).toBe(0);
    const list = await ask(server.url, `/api/v4/packages/go/${LIB}/@v/list`, { headers: bearer(owner) });
    expect(list.text).toBe("v1.0.0\nv1.2.0\n");
    expect((await ask(server.url, `/api/v4/packages/go/${LIB}/@v/v1.0.0.zip`, { headers: bearer(owner) })).status).toBe(
      200,
    );
    await setQuota(server.registry, OPERATOR, "acme", { maxBytes: null });
    expect((await push("main", "v1.3.0")).status).toBe(0);
  });

  test("of projects refuses one more, by the APIs and by a push that would make it", async () => {
    await setQuota(server.registry, OPERATOR, "acme", { maxProjects: 1 });
    const failing = createProject(server.registry, OPERATOR, { fullPath: "acme/other" });
    await expect(failing).rejects.toMatchObject({ kind: "forbidden", reason: "quota_exceeded" });
    const { output } = await tryGit(["-C", pushed.directory, "push", remoteOf(server.url, "acme/new", owner), "main"]);
    expect(output).toContain("the group acme has 1 projects of the 1 that it may");
    await setQuota(server.registry, OPERATOR, "acme", { maxProjects: null });
  });
});

describe("a quota", () => {
  const rest = (method: "GET" | "PUT", token: string, body?: object) =>
    ask(server.url, "/api/v4/groups/acme/quota", {
      method,
      headers: { ...bearer(token), "content-type": "application/json" },
      ...(body && { body: JSON.stringify(body) }),
    });
  const graphql = async (query: string, token: string) =>
    JSON.parse(
      (
        await ask(server.url, "/api/graphql", {
          method: "POST",
          headers: { ...bearer(token), "content-type": "application/json" },
          body: JSON.stringify({ query }),
        })
      ).text,
    ).data;

  test("is set by administrators and read by Owners, by REST and by GraphQL", async () => {
    expect((await rest("PUT", owner, { max_bytes: 5 })).status).toBe(403);
    const set = await rest("PUT", ADMIN_TOKEN, { max_bytes: 50 * MB, max_projects: 7 });
    expect(JSON.parse(set.text)).toMatchObject({ max_bytes: 50 * MB, max_projects: 7, projects: 1 });
    const read = await rest("GET", owner);
    expect(JSON.parse(read.text)).toEqual(JSON.parse(set.text));
    expect((await rest("GET", await server.token("nobody"))).status).toBe(403);
    const query = '{ group(fullPath: "acme") { quota { maxBytes maxProjects bytes projects } } }';
    const { bytes } = JSON.parse(read.text);
    expect(await graphql(query, owner)).toEqual({
      group: { quota: { maxBytes: String(50 * MB), maxProjects: 7, bytes: String(bytes), projects: 1 } },
    });
    expect(await graphql(query, await server.token("nobody"))).toEqual({ group: { quota: null } });
    const change = (token: string) =>
      graphql(
        `mutation { groupQuotaSet(input: { fullPath: "acme", maxProjects: null }) { reasons group { quota { maxBytes maxProjects } } } }`,
        token,
      );
    expect(await change(owner)).toEqual({ groupQuotaSet: { reasons: ["administrators_only"], group: null } });
    expect(await change(ADMIN_TOKEN)).toEqual({
      groupQuotaSet: { reasons: [], group: { quota: { maxBytes: String(50 * MB), maxProjects: null } } },
    });
  });

  test("can be no nonsense", async () => {
    for (const maxBytes of [-1, 1.5, Number.NaN])
      await expect(setQuota(server.registry, OPERATOR, "acme", { maxBytes })).rejects.toMatchObject({
        kind: "invalid",
      });
  });
});
