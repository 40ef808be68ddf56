// Packages for members only (package_registry_access_level: private): a project that everybody sees and whose code everybody
// fetches keeps its packages for its members from Reporter on, on every door, also when the answer is in memory.
import net from "node:net";
import { beforeAll, expect, test } from "vitest";
import { createDeployToken } from "../../src/registry/forge/tokens.ts";
import { OPERATOR } from "../../src/registry/principal.ts";
import { eventually } from "../support/eventually.ts";
import { ask, basic, bearer } from "../support/http.ts";
import { pushRecipe, remoteOf, tryGit } from "../support/push.ts";
import { type Rest, restOf } from "../support/rest-document.ts";
import { ADMIN_TOKEN, type TestServer, testServer } from "../support/server.ts";

type Headers = Record<string, string>;

const M = "gokura.test/acme/lib";
let server: TestServer;
let rest: Rest;
let owner: string;
let packageId: number;
const asking = new Map<string, Headers>();

/** What each principal gets of each door: a status of the Go endpoints, and whether lists have the module. */
async function doors(headers: Headers) {
  const status = async (path: string) => (await ask(server.url, path, { headers })).status;
  const has = async (path: string) => (await ask(server.url, path, { headers })).text.includes(M);
  const query = `{ goModules { nodes { path } } goModule(path: "${M}") { path } }`;
  const graphql = await ask(server.url, "/api/graphql", {
    method: "POST",
    headers: { ...headers, "content-type": "application/json" },
    body: JSON.stringify({ query }),
  });
  return {
    info: await status(`/api/v4/projects/acme%2Flib/packages/go/${M}/@v/v1.0.0.info`),
    zip: await status(`/api/v4/projects/acme%2Flib/packages/go/${M}/@v/v1.0.0.zip`),
    list: await status(`/api/v4/packages/go/${M}/@v/list`),
    ofGroup: await status(`/api/v4/groups/acme/-/packages/go/${M}/@v/v1.0.0.mod`),
    index: await has("/index"),
    graphql: graphql.text.includes(M),
    code: await status("/acme/lib.git/info/refs?service=git-upload-pack"),
    project: await status("/api/v4/projects/acme%2Flib"),
    packages: await status("/api/v4/projects/acme%2Flib/packages"),
    file: await status(`/api/v4/projects/acme%2Flib/packages/${packageId}/package_files`),
  };
}

const refused = (status: number) => ({ info: status, zip: status, list: status, packages: status, file: status });

const set = (level: string) =>
  rest("PUT", "/projects/acme%2Flib", owner, { body: { package_registry_access_level: level } });

beforeAll(async () => {
  server = await testServer();
  rest = await restOf(server.url);
  owner = await server.token("acme");
  await rest("POST", "/projects", owner, { body: { name: "lib", visibility: "public" } });
  await pushRecipe(remoteOf(server.url, "acme/lib", owner), (r) =>
    r.tag("v1.0.0", r.commit({ "go.mod": `module ${M}\n` })),
  );
  packageId = (
    await eventually(
      () => rest("GET", "/projects/acme%2Flib/packages", owner),
      ({ json }) => json.length === 1,
    )
  ).json[0].id;
  for (const [name, level] of [
    ["guest", 10],
    ["reporter", 20],
    ["stranger", 0],
  ] as const) {
    asking.set(name, bearer(await server.token(name)));
    if (level > 0)
      await rest("POST", "/projects/acme%2Flib/members", owner, { body: { username: name, access_level: level } });
  }
  const { secret, token } = await createDeployToken(server.registry, OPERATOR, "acme/lib", {
    name: "ci",
    scopes: ["read_package_registry", "read_repository"],
  });
  asking.set("deploy token", basic(token.username!, secret));
  asking.set("administrator", bearer(ADMIN_TOKEN));
  asking.set("anonymous", {});
});

const OPEN = {
  packages: 200,
  file: 200,
  info: 200,
  zip: 200,
  list: 200,
  index: true,
  graphql: true,
  code: 200,
  project: 200,
};

test.each(["enabled", "public"])("%s: whoever sees the project", async (level) => {
  await set(level);
  for (const [name, headers] of asking)
    if (name !== "deploy token") expect(await doors(headers), name).toMatchObject(OPEN);
});

test("private: members from Reporter on, although all of it is in memory by now", async () => {
  await set("enabled");
  for (const headers of asking.values()) await doors(headers); // everything is asked for once
  expect((await set("private")).json.package_registry_access_level).toBe("private");
  const closed = { index: false, graphql: false, code: 200, project: 200 };
  for (const name of ["stranger", "guest"])
    expect(await doors(asking.get(name)!), name).toMatchObject({ ...closed, ...refused(403) });
  expect(await doors({})).toMatchObject({ ...closed, ...refused(401) });
  for (const name of ["reporter", "administrator"]) expect(await doors(asking.get(name)!), name).toMatchObject(OPEN);
  expect(await doors(asking.get("deploy token")!)).toMatchObject({
    info: 200,
    zip: 200,
    list: 200,
    index: true,
    code: 200,
  });
  expect((await tryGit(["ls-remote", `${server.url}/acme/lib.git`])).status).toBe(0);
});

test.each([
  ["anonymous", "401"],
  ["stranger", "403"],
])("access is asked for also when the very bytes of a request are known: %s", async (name, refusal) => {
  const { authorization } = asking.get(name)!;
  const lines = ["Host: gokura.test", "User-Agent: Go-http-client/1.1"];
  if (authorization !== undefined) lines.push(`Authorization: ${authorization}`);
  await set("enabled");
  const socket = net.connect(server.port, "127.0.0.1").setEncoding("latin1");
  let said = "";
  socket.on("data", (more: string) => {
    said += more;
  });
  const statuses = async (times: number) => {
    said = "";
    for (let n = 0; n < times; n++)
      for (const file of ["list", "v1.0.0.info", "v1.0.0.zip"]) {
        const before = said.length;
        const path = `/api/v4/projects/acme%2Flib/packages/go/${M}/@v/${file}`;
        socket.write(`GET ${path} HTTP/1.1\r\n${lines.join("\r\n")}\r\n\r\n`);
        await expect.poll(() => said.slice(before)).toMatch(/^HTTP[\s\S]*\r\n\r\n./);
      }
    return [...said.matchAll(/HTTP\/1.1 (\d+)/g)].map(([, status]) => status);
  };
  expect(new Set(await statuses(3))).toEqual(new Set(["200"]));
  await set("private");
  expect(await statuses(1)).toEqual([refusal, refusal, refusal]);
  await set("enabled");
  expect(new Set(await statuses(3))).toEqual(new Set(["200"]));
  socket.destroy();
});

test("disabled: nobody", async () => {
  await set("disabled");
  for (const name of ["reporter", "administrator", "stranger"])
    expect(await doors(asking.get(name)!), name).toMatchObject({ info: 403, zip: 403, index: false, project: 200 });
  await set("enabled");
  expect(await doors(asking.get("stranger")!)).toMatchObject(OPEN);
});
