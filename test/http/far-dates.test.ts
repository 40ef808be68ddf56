// Times that no format that tells of versions has room for, before the year 1 and after 9999: one treatment at every door.
import { beforeAll, expect, test } from "vitest";
import { createProject } from "../../src/registry/forge/projects.ts";
import { OPERATOR } from "../../src/registry/principal.ts";
import { type FakeUpstream, fakeUpstream } from "../support/fake-upstream.ts";
import { goCommand } from "../support/go.ts";
import { ask } from "../support/http.ts";
import { pushRecipe, remoteOf } from "../support/push.ts";
import { type TestServer, testServer } from "../support/server.ts";

const M = "gokura.test/acme/far";
const LAST = /^9999-12-31T23:59:59(?:\.000)?Z$/;

let server: TestServer;
let upstream: FakeUpstream;

const json = async (path: string, body?: object): Promise<unknown> => {
  const { status, text } = await ask(server.url, path, {
    ...(body ? { method: "POST", body: JSON.stringify(body), headers: { "content-type": "application/json" } } : {}),
  });
  expect([path, status]).toEqual([path, 200]);
  return JSON.parse(text);
};

beforeAll(async () => {
  upstream = await fakeUpstream();
  server = await testServer({ environment: { GOKURA_UPSTREAM: upstream.url } });
  const token = await server.token("acme");
  await createProject(server.registry, OPERATOR, { fullPath: "acme/far", visibility: "PUBLIC" });
  await pushRecipe(remoteOf(server.url, "acme/far", token), (r) => {
    r.tag("v1.0.0", r.commit({ "go.mod": `module ${M}\n`, "a.go": "package far\n" }, { time: 253_402_300_800 }));
    r.commit({ "b.go": "package far\n" }, { time: 300_000_000_000 });
  });
});

test("the Go endpoint, of a tag and of a commit, as the go command reads it", async () => {
  const view = `/api/v4/projects/acme%2Ffar/packages/go/${M}`;
  expect(await json(`${view}/@v/v1.0.0.info`)).toMatchObject({ Time: expect.stringMatching(LAST) });
  expect(await json(`${view}/@v/main.info`)).toMatchObject({
    Version: expect.stringMatching(/^v1\.0\.1-0\.99991231235959-[0-9a-f]{12}$/),
    Time: expect.stringMatching(LAST),
  });
  const go = goCommand({ GOPROXY: `${server.url}/api/v4/projects/acme%2Ffar/packages/go` });
  expect(await go.must("list", "-m", "-json", `${M}@v1.0.0`, `${M}@main`)).toContain("9999-12-31T23:59:59Z");
});

test("REST and GraphQL", async () => {
  const [tag] = (await json("/api/v4/projects/acme%2Ffar/repository/tags")) as [{ commit: { committed_date: string } }];
  expect(tag.commit.committed_date).toMatch(LAST);
  const query = `{ goModule(path: "${M}") { latestVersion { time } } }`;
  expect(await json("/api/graphql", { query })).toEqual({
    data: { goModule: { latestVersion: { time: expect.stringMatching(LAST) } } },
  });
});

test("an upstream's word is passed on as it is, and a time that cannot be told otherwise is none", async () => {
  const told = {
    "v1.0.0": "0000-01-01T00:00:00Z",
    "v1.1.0": "0001-01-01T00:00:00+14:00",
    "v1.2.0": "9999-12-31T23:59:59-01:00",
    "v1.4.0": "2022-03-01T00:00:00+01:00",
  };
  for (const [version, time] of Object.entries(told)) {
    await upstream.version("example.com/odd", version);
    upstream.on(`example.com/odd/@v/${version}.info`, JSON.stringify({ Version: version, Time: time }));
    const { text } = await ask(server.url, `/api/v4/packages/go/example.com/odd/@v/${version}.info`);
    expect(JSON.parse(text).Time).toBe(time);
    expect((await ask(server.url, `/api/v4/packages/go/example.com/odd/@v/${version}.mod`)).status).toBe(200);
  }
  const query = `{ goModule(path: "example.com/odd") { versions(first: 10) { nodes { version time } } } }`;
  expect(await json("/api/graphql", { query })).toEqual({
    data: {
      goModule: {
        versions: {
          nodes: ["v1.4.0", "v1.2.0", "v1.1.0", "v1.0.0"].map((version) => ({
            version,
            time: version === "v1.4.0" ? "2022-02-28T23:00:00.000Z" : null,
          })),
        },
      },
    },
  });
});

test("an .info with a time that the go command does not read is refused, and the next one is taken", async () => {
  const [module, go] = ["example.com/timeless", goCommand({ GOPROXY: upstream.url })];
  for (const [n, time] of ["Tue, 1 Mar 2022", "2023-02-30T00:00:00Z", 1_646_092_800].entries()) {
    const at = `${module}/@v/v1.${n}.0.info`;
    await upstream.version(module, `v1.${n}.0`);
    const good = JSON.stringify({ Version: `v1.${n}.0`, Time: "2022-03-01T00:00:00Z" });
    upstream.on(at, JSON.stringify({ Version: `v1.${n}.0`, Time: time }));
    expect((await go.run("list", "-m", `${module}@v1.${n}.0`)).status).not.toBe(0);
    expect((await ask(server.url, `/api/v4/packages/go/${at}`)).status).toBe(503);
    upstream.on(at, good);
    expect((await ask(server.url, `/api/v4/packages/go/${at}`)).text).toBe(good);
  }
});
