// GOKURA_ANONYMOUS_UPSTREAM: whether modules from upstream are there for those who send no token. Every door says the same.
import { beforeAll, describe, expect, test } from "vitest";
import { setFlag } from "../../src/registry/forge/feature-flags.ts";
import { createGroup } from "../../src/registry/forge/groups.ts";
import { createProject } from "../../src/registry/forge/projects.ts";
import { OPERATOR } from "../../src/registry/principal.ts";
import { type FakeUpstream, fakeUpstream } from "../support/fake-upstream.ts";
import { ask, bearer } from "../support/http.ts";
import { pushRecipe, remoteOf } from "../support/push.ts";
import { ADMIN_TOKEN, type TestServer, testServer } from "../support/server.ts";

const PATH = "example.com/bought/v2";
const VERSION = "v2.1.0";
const OWN = "gokura.test/open/lib";
const FILES = ["@v/list", "@latest", `@v/${VERSION}.info`, `@v/${VERSION}.mod`, `@v/${VERSION}.zip`, "@v/main.info"];
const VIEWS = ["packages/go", "packages/go/cached-only", "groups/open/-/packages/go"];

let upstream: FakeUpstream;

async function opened(setting: Record<string, string>): Promise<TestServer> {
  const server = await testServer({ environment: { GOKURA_UPSTREAM: upstream.url, ...setting } });
  await createGroup(server.registry, OPERATOR, { fullPath: "open", visibility: "PUBLIC" });
  await createProject(server.registry, OPERATOR, { fullPath: "open/lib", visibility: "PUBLIC" });
  await setFlag(server.registry, OPERATOR, "dependency_proxy", true, { groups: ["open"] });
  await pushRecipe(remoteOf(server.url, "open/lib", ADMIN_TOKEN), (r) => {
    r.tag("v1.0.0", r.commit({ "go.mod": `module ${OWN}\n\ngo 1.21\n\nrequire ${PATH} ${VERSION}\n` }));
  });
  // In store and in memory, as whoever has a token left it.
  for (const view of VIEWS)
    for (const file of FILES)
      for (let round = 0; round < 2; round++)
        await ask(server.url, `/api/v4/${view}/${PATH}/${file}`, { headers: bearer(ADMIN_TOKEN) });
  await server.registry.traffic.write();
  return server;
}

beforeAll(async () => {
  upstream = await fakeUpstream();
  const { info } = await upstream.version(PATH, VERSION, { "go.mod": `module ${PATH}\n\nrequire ${OWN} v1.0.0\n` });
  upstream.on(`${PATH}/@v/main.info`, info);
  await upstream.version("example.com/bought", "v1.0.0");
});

const QUERY = `{
  goModule(path: "${PATH}") { path }
  goModules(search: "bought") { nodes { path } count }
  search(query: "bought") { count nodes { module { path } } facets { origins { value count } } }
  statistics { topModules(first: 100) { module { path } } }
  own: goModule(path: "${OWN}") {
    dependents(first: 10) { nodes { module { path } } count }
    latestVersion { goMod { requires { path goModule { path } } } }
  }
}`;

/** What a server tells of modules from upstream, to somebody. */
async function told(
  server: TestServer,
  headers: Record<string, string>,
): Promise<{ go: number[]; index: boolean; graphql: boolean; own: number }> {
  const go: number[] = [];
  for (const view of VIEWS)
    for (const file of FILES) go.push((await ask(server.url, `/api/v4/${view}/${PATH}/${file}`, { headers })).status);
  let index = false;
  for (const path of ["/index", "/api/v4/groups/open/-/packages/go/index"])
    index ||= (await ask(server.url, path, { headers })).text.includes("bought");
  const { text } = await ask(server.url, "/api/graphql", {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify({ query: QUERY }),
  });
  const { data, errors } = JSON.parse(text);
  expect(errors).toBeUndefined();
  // What the go.mod of our own module says is our own.
  const { requires } = data.own.latestVersion.goMod;
  expect(requires[0].path).toBe(PATH);
  const rest = JSON.stringify({
    ...data,
    own: { ...data.own, latestVersion: requires.map((one: { goModule: unknown }) => one.goModule) },
  });
  const own = (await ask(server.url, `/api/v4/packages/go/${OWN}/@v/v1.0.0.zip`, { headers })).status;
  return { go: [...new Set(go)], index, graphql: rest.includes("bought") || data.search.count > 0, own };
}

describe("off", () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await opened({ GOKURA_ANONYMOUS_UPSTREAM: "off" });
  });

  test("nothing of them is told to the anonymous, by any door; what is ours is", async () => {
    const asked = upstream.asked.length;
    expect(await told(server, {})).toEqual({ go: [401], index: false, graphql: false, own: 200 });
    expect((await ask(server.url, "/api/v4/packages/go/example.com/unknown/@v/list")).status).toBe(401);
    expect(upstream.asked.length).toBe(asked);
  });

  test("who sends a token has them, whoever it is", async () => {
    const token = await server.token("somebody");
    const { go, ...rest } = await told(server, bearer(token));
    expect([go.filter((status) => status !== 404), rest]).toEqual([[200], { index: true, graphql: true, own: 200 }]);
  });
});

test("on: everybody has them", async () => {
  const server = await opened({ GOKURA_ANONYMOUS_UPSTREAM: "on" });
  const { go, ...rest } = await told(server, {});
  expect([go.filter((status) => status !== 404), rest]).toEqual([[200], { index: true, graphql: true, own: 200 }]);
});
