// Branches, tags and commits (src/http/rest/repository-calls.ts), in the shapes of GitLab's pages of these names.
import { beforeAll, describe, expect, test } from "vitest";
import { git, pushRecipe, remoteOf } from "../../support/push.ts";
import { type Rest, restOf } from "../../support/rest-document.ts";
import { type TestServer, testServer } from "../../support/server.ts";

let server: TestServer;
let rest: Rest;
let token: string;
let directory: string;
const root = "/projects/acme%2Flib/repository";

const get = (path: string, as: string | undefined = token) => rest("GET", `${root}${path}`, as);
const names = (json: { name: string }[]) => json.map(({ name }) => name);

beforeAll(async () => {
  server = await testServer();
  rest = await restOf(server.url);
  token = await server.token("acme");
  await rest("POST", "/projects", token, { body: { name: "lib", visibility: "internal" } });
  const remote = remoteOf(server.url, "acme/lib", token);
  const pushed = await pushRecipe(remote, (r) => {
    const first = r.commit({ "go.mod": "module gokura.test/acme/lib\n" }, { time: 1_700_000_000 });
    for (const tag of ["v1.0.0", "v1.9.0", "v1.10.0", "v1.10.0-rc.1", "sub/v1.0.0", "zebra"]) r.tag(tag, first);
    r.commit({ "a.go": "package lib\n" }, { time: 1_700_000_100 });
  });
  directory = pushed.directory;
  const who = { GIT_COMMITTER_NAME: "T", GIT_COMMITTER_EMAIL: "t@example.com" };
  await git(["-C", directory, "tag", "-a", "-m", "the words\n\nof it", "annotated", "v1.0.0"], who);
  await git(["-C", directory, "branch", "feature/x", "v1.0.0"]);
  await pushed.push();
});

describe("tags", () => {
  test("orders and search", async () => {
    const list = async (query: string) => names((await get(`/tags?${query}`)).json);
    const byVersion = (await list("order_by=version&sort=asc")).filter((name) => /^v/.test(name));
    expect(byVersion).toEqual(["v1.0.0", "v1.9.0", "v1.10.0-rc.1", "v1.10.0"]);
    expect(await list("order_by=name&sort=asc&per_page=2")).toEqual(["annotated", "sub/v1.0.0"]);
    expect((await list("")).length).toBe(7);
    expect(await list("search=%5Ev1.9")).toEqual(["v1.9.0"]);
    expect((await list("search=1.0.0%24&order_by=name&sort=asc")).sort()).toEqual(["sub/v1.0.0", "v1.0.0"]);
    expect(await list("search=ZEB")).toEqual(["zebra"]);
    expect(await list("search=_")).toEqual([]);
    // Where git keeps tags is no part of their names.
    for (const around of ["tag", "refs/", "tags/v1", "s/z"]) expect(await list(`search=${around}`)).toEqual([]);
    expect(await list("search=tags/zebra%24")).toEqual([]);
  });

  test("more than are read at once, in the order of versions", async () => {
    const { pool } = server.registry.database;
    const many = "FROM generate_series(1, 10500) n, ref WHERE name = 'refs/tags/v1.0.0'";
    await pool.query(`INSERT INTO ref (project_id, name, oid, peeled, indexed)
      SELECT project_id, 'refs/tags/v0.' || n || '.0', oid, peeled, true ${many}`);
    const { json, headers } = await get("/tags?order_by=version&sort=asc&search=%5Ev0.&per_page=100&page=83");
    expect(names(json)).toEqual(Array.from({ length: 100 }, (_, n) => `v0.${8_201 + n}.0`));
    expect(headers["x-total"]).toBe("10500");
    const last = await get("/tags?order_by=version&sort=desc&search=%5Ev0.&per_page=2&page=2");
    expect(names(last.json)).toEqual(["v0.10498.0", "v0.10497.0"]);
    await pool.query("DELETE FROM ref WHERE name LIKE 'refs/tags/v0.%'");
  });

  test("one, by a name with dots and slashes encoded; its message and commit", async () => {
    const { json } = await get("/tags/annotated");
    const oid = (await git(["-C", directory, "rev-parse", "v1.0.0"])).trim();
    expect(json).toEqual({
      name: "annotated",
      message: "the words\n\nof it\n",
      target: (await git(["-C", directory, "rev-parse", "annotated"])).trim(),
      commit: expect.objectContaining({
        id: oid,
        short_id: oid.slice(0, 8),
        committed_date: "2023-11-14T22:13:20.000Z",
        parent_ids: [],
        web_url: `${server.url}/acme/lib/-/commit/${oid}`,
      }),
      protected: false,
      release: null,
    });
    expect((await get("/tags/sub%2Fv1%2E0%2E0")).json).toMatchObject({
      name: "sub/v1.0.0",
      message: null,
      target: oid,
    });
    expect((await get("/tags/v9.9.9")).text).toBe('{"message":"404 Tag Not Found","reason":"not_found"}');
  });
});

test("branches", async () => {
  const { json } = await get("/branches");
  expect(json).toEqual([
    expect.objectContaining({ name: "feature/x", default: false, can_push: true }),
    expect.objectContaining({
      name: "main",
      default: true,
      can_push: true,
      web_url: `${server.url}/acme/lib/-/tree/main`,
    }),
  ]);
  const stranger = await server.token("stranger");
  expect((await get("/branches/feature%2Fx", stranger)).json).toMatchObject({ name: "feature/x", can_push: false });
  expect((await get("/branches/none")).text).toBe('{"message":"404 Branch Not Found","reason":"not_found"}');
});

test("another default branch is HEAD for git, and for @latest", async () => {
  const changed = await rest("PUT", "/projects/acme%2Flib", token, { body: { default_branch: "feature/x" } });
  expect(changed.json.default_branch).toBe("feature/x");
  const remote = remoteOf(server.url, "acme/lib", token);
  expect(await git(["ls-remote", "--symref", remote, "HEAD"])).toContain("ref: refs/heads/feature/x");
  expect((await get("/branches/feature%2Fx")).json.default).toBe(true);
  await git(["-C", directory, "push", "--quiet", remote, ":feature/x"]);
  expect((await rest("GET", "/projects/acme%2Flib", token)).json.default_branch).toBe("main");
});

test("commits: what a name reaches, newest first, and one by its hash", async () => {
  const { json, headers } = await get("/commits?per_page=1");
  expect(json).toHaveLength(1);
  expect([headers["x-next-page"], headers["x-total"]]).toEqual(["2", undefined]);
  const { json: second } = await get("/commits?per_page=1&page=2&ref_name=main");
  expect(json[0].parent_ids).toEqual([second[0].id]);
  expect((await get(`/commits/${second[0].id.slice(0, 10)}`)).json).toEqual(second[0]);
  expect((await get("/commits/v1%2E0%2E0")).json.id).toBe(second[0].id);
  for (const sha of ["0000000000000000000000000000000000000000", "--all", "main..v1.0.0", "%00"])
    expect((await get(`/commits/${sha}`)).status).toBeOneOf([400, 404]);
  expect((await get("/commits?ref_name=nothing")).status).toBe(404);
});

test("a project to which nothing was pushed", async () => {
  await rest("POST", "/projects", token, { body: { name: "empty" } });
  for (const path of ["tags", "branches", "commits"])
    expect((await rest("GET", `/projects/acme%2Fempty/repository/${path}`, token)).json).toEqual([]);
  expect((await rest("GET", "/projects/acme%2Fempty/repository/commits/main", token)).status).toBe(404);
});

test("a Guest of a private project sees it, and none of its code", async () => {
  await rest("POST", "/projects", token, { body: { name: "secret" } });
  const guest = await server.token("guest");
  await rest("POST", "/projects/acme%2Fsecret/members", token, { body: { username: "guest", access_level: 10 } });
  expect((await rest("GET", "/projects/acme%2Fsecret", guest)).status).toBe(200);
  for (const path of ["tags", "branches", "commits", "commits/main", "tags/v1", "branches/main"])
    expect((await rest("GET", `/projects/acme%2Fsecret/repository/${path}`, guest)).status).toBe(403);
});
