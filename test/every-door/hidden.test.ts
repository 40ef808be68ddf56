// What may not be seen and what is not there, byte for byte: the same request for both, through every Go endpoint, by
// everybody who may not, gets the same answer, but for the names that were asked for, the date and the request's own id. The
// one who may see has asked for everything before, so that what is in memory cannot tell either; and a world stands behind
// the endpoints, which must not hear of it.
import net from "node:net";
import { beforeAll, describe, expect, test } from "vitest";
import { setFlag } from "../../src/registry/forge/feature-flags.ts";
import { createGroup } from "../../src/registry/forge/groups.ts";
import { addMember } from "../../src/registry/forge/members.ts";
import { createProject } from "../../src/registry/forge/projects.ts";
import { createDeployToken, createGroupDeployToken } from "../../src/registry/forge/tokens.ts";
import { OPERATOR } from "../../src/registry/principal.ts";
import { PUBLIC_DATABASE } from "../../src/sumdb/database-name.ts";
import { type FakeUpstream, fakeUpstream } from "../support/fake-upstream.ts";
import { ask, bearer } from "../support/http.ts";
import { pushRecipe, remoteOf } from "../support/push.ts";
import { ADMIN_TOKEN, type TestServer, testServer } from "../support/server.ts";

type Headers = Record<string, string>;

let upstream: FakeUpstream;
let server: TestServer;
let principals: [name: string, headers: Headers, status: number][];

/** The head and the body of an answer as they came over the wire. */
function rawAnswer(method: string, path: string, headers: Headers, body = ""): Promise<string> {
  const { hostname, port } = new URL(server.url);
  const lines = Object.entries({ Host: "gokura.test", Connection: "close", ...headers }).map((one) => one.join(": "));
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    const socket = net.connect(Number(port), hostname, () =>
      socket.write(`${method} ${path} HTTP/1.1\r\n${lines.join("\r\n")}\r\n\r\n${body}`),
    );
    socket.on("data", (chunk) => chunks.push(chunk));
    socket.on("error", reject);
    socket.on("close", () => resolve(Buffer.concat(chunks).toString("latin1")));
  });
}

/** The same without what differs between any two answers. */
const comparable = (raw: string): string =>
  raw
    .replace(/^(Date|X-Request-Id): .*$/gm, "$1: …")
    .replaceAll("nothing", "private")
    .replaceAll("none", "deep");

const statusOf = (raw: string): number => Number(raw.slice(9, 12));

/** Views and modules in pairs: one that is hidden, and one of which there is nothing. Names of a pair are as long. */
const PAIRS: [view: string, modulePath: string][][] = [
  [
    ["", "gokura.test/other/private"],
    ["", "gokura.test/other/nothing"],
  ],
  [
    ["", "gokura.test/team/deep/private"],
    ["", "gokura.test/team/none/nothing"],
  ],
  [
    ["groups/team/-/", "gokura.test/team/deep/private"],
    ["groups/team/-/", "gokura.test/team/deep/nothing"],
  ],
  [
    ["groups/world/-/", "gokura.test/other/private"],
    ["groups/world/-/", "gokura.test/other/nothing"],
  ],
  [
    ["groups/team%2Fdeep/-/", "gokura.test/team/deep/private"],
    ["groups/team%2Fnone/-/", "gokura.test/team/deep/private"],
  ],
  [
    ["projects/other%2Fprivate/", "gokura.test/other/private"],
    ["projects/other%2Fnothing/", "gokura.test/other/private"],
  ],
  [
    ["projects/team%2Fdeep%2Fprivate/", "gokura.test/team/deep/private"],
    ["projects/team%2Fnone%2Fprivate/", "gokura.test/team/deep/private"],
  ],
];

const OF_A_MODULE = [
  ...["@v/list", "@latest", "@v/v1.0.0.info", "@v/v1.0.0.mod", "@v/v1.0.0.zip", "@v/v9.9.9.info", "@v/v9.9.9.zip"],
  ...["@v/main.info", "@v/main.zip", "sub/@v/list", "sub/@v/v0.1.0.mod", "v2/@v/list", "@v/nonsense", "@v/%zz.info"],
];
/** Of an endpoint whose group or project is itself hidden. */
const OF_A_VIEW = ["index", "index?include=all", "index?limit=0", `sumdb/${PUBLIC_DATABASE.name}/supported`];

const WAYS: [method: string, headers: Headers][] = [
  ["GET", {}],
  ["HEAD", {}],
  ["GET", { "Disable-Module-Fetch": "true" }],
  ["GET", { "If-None-Match": "*", Range: "bytes=0-9" }],
  ["POST", {}],
];

beforeAll(async () => {
  upstream = await fakeUpstream();
  server = await testServer({ environment: { GOKURA_UPSTREAM: upstream.url } });
  const { registry } = server;
  for (const [fullPath, visibility] of [
    ["team", "PUBLIC"],
    ["team/deep", "PRIVATE"],
    ["other", "PRIVATE"],
    ["world", "PUBLIC"],
  ] as const)
    await createGroup(registry, OPERATOR, { fullPath, visibility });
  await setFlag(registry, OPERATOR, "dependency_proxy", true, { groups: ["world"] });
  await createProject(registry, OPERATOR, { fullPath: "world/open", visibility: "PUBLIC" });
  for (const fullPath of ["team/deep/private", "other/private"]) {
    await createProject(registry, OPERATOR, { fullPath, visibility: "PRIVATE" });
    await pushRecipe(remoteOf(server.url, fullPath, ADMIN_TOKEN), (r) => {
      const commit = r.commit({
        "go.mod": `module gokura.test/${fullPath}\n`,
        "sub/go.mod": `module gokura.test/${fullPath}/sub\n`,
      });
      r.tag("v1.0.0", commit);
      r.tag("sub/v0.1.0", commit);
    });
  }
  const stranger = await server.token("stranger");
  await server.token("neighbour");
  await addMember(registry, OPERATOR, { groupPath: "world" }, { username: "neighbour", accessLevel: 50 });
  const input = { name: "ci", scopes: ["read_package_registry"], username: "ci" };
  const deploy = await createDeployToken(registry, OPERATOR, "world/open", input);
  const ofGroup = await createGroupDeployToken(registry, OPERATOR, "world", input);
  principals = [
    ["nobody", {}, 401],
    ["a stranger", { Authorization: `Bearer ${stranger}` }, 404],
    ["the owner of another group", { Authorization: `Bearer ${await server.token("neighbour")}` }, 404],
    ["another project's deploy token", { Authorization: `Bearer ${deploy.secret}` }, 404],
    ["another group's deploy token", { Authorization: `Bearer ${ofGroup.secret}` }, 404],
    ["a token that is not known", { Authorization: "Bearer gkpt_wrong-token-wrong-token" }, 401],
  ];
  for (const [[view, modulePath]] of PAIRS as [[string, string]][])
    for (const rest of OF_A_MODULE)
      await ask(server.url, `/api/v4/${view}packages/go/${modulePath}/${rest}`, { headers: bearer(ADMIN_TOKEN) });
});

test("whoever may see it does, so that there is something to hide", async () => {
  for (const [[view, modulePath]] of PAIRS as [[string, string]][]) {
    const path = `/api/v4/${view}packages/go/${modulePath}/@v/v1.0.0.info`;
    const { status } = await ask(server.url, path, { headers: bearer(ADMIN_TOKEN) });
    expect([path, status]).toEqual([path, view === "groups/world/-/" ? 404 : 200]);
  }
});

describe.each(PAIRS.map(([hidden, missing]) => [...hidden!, missing!] as const))("%s%s", (view, path, missing) => {
  test("cannot be told from what is not there, by anybody", async () => {
    const differences: string[] = [];
    const wrong: string[] = [];
    const compare = async (one: string, other: string, headers: Headers, status: number): Promise<void> => {
      for (const [method, more] of WAYS) {
        const [hidden, none] = await Promise.all(
          [one, other].map((at) => rawAnswer(method, `/api/v4/${at}`, { ...headers, ...more })),
        );
        if (comparable(hidden!) !== comparable(none!)) differences.push(`${method} ${one}:\n${hidden}\n${none}`);
        const wanted = method === "POST" ? 405 : status;
        if (statusOf(hidden!) !== wanted) wrong.push(`${method} ${one}: ${statusOf(hidden!)}, not ${wanted}`);
      }
    };
    const isItselfHidden = view !== missing[0];
    for (const [, headers, status] of principals) {
      for (const rest of OF_A_MODULE)
        for (const prefix of ["", "cached-only/"])
          await compare(
            `${view}packages/go/${prefix}${path}/${rest}`,
            `${missing[0]}packages/go/${prefix}${missing[1]}/${rest}`,
            headers,
            // What no module can be called is no secret.
            /%zz|nonsense/.test(rest) && !isItselfHidden && status === 401 && headers.Authorization === undefined
              ? 404
              : status,
          );
      if (!isItselfHidden) continue;
      for (const rest of OF_A_VIEW)
        await compare(`${view}packages/go/${rest}`, `${missing[0]}packages/go/${rest}`, headers, status);
    }
    expect(differences).toEqual([]);
    expect(wrong).toEqual([]);
    expect(upstream.asked).toEqual([]);
  });
});

/** git's URLs and the writing calls of REST: of a project that is hidden, and of one that nobody has. */
const REPOSITORIES: [hidden: string, missing: string][] = [
  ["other/private", "other/nothing"],
  ["team/deep/private", "team/deep/nothing"],
  ["team/deep/private", "team/none/private"],
  ["world/private", "world/nothing"],
  ["mixed/private", "mixed/nothing"],
  ["keeper/private", "keeper/nothing"],
];

const GIT_REQUESTS: [method: string, rest: string, headers: Headers][] = [
  ["GET", "info/refs?service=git-upload-pack", {}],
  ["GET", "info/refs?service=git-receive-pack", {}],
  ["GET", "info/refs?service=git-receive-pack", { "Git-Protocol": "version=2" }],
  ["POST", "info/refs?service=git-receive-pack", {}],
  ["POST", "git-upload-pack", { "Content-Type": "application/x-git-upload-pack-request", "Content-Length": "4" }],
  ["POST", "git-receive-pack", { "Content-Type": "application/x-git-receive-pack-request", "Content-Length": "4" }],
  ["POST", "git-receive-pack", { "Content-Type": "text/plain", "Content-Length": "4" }],
];

/** Where versions are uploaded to: our own addresses, and those of other registries. */
const UPLOADS: ((fullPath: string) => string)[] = [
  (path) => `/api/v4/projects/${encodeURIComponent(path)}/packages/go/gokura.test/${path}/@v/v9.0.0.zip`,
  (path) => `/api/v4/packages/go/gokura.test/${path}/@v/v9.0.0.tar`,
  (path) => `/api/v4/groups/world/-/packages/go/gokura.test/${path}/@v/v9.0.0.zip`,
  (path) => `/artifactory/api/go/${encodeURIComponent(path)}/gokura.test/${path}/@v/v9.0.0.zip;a=b`,
  (path) => `/api/go/${encodeURIComponent(path)}/gokura.test/${path}/@v/v1.0.0.mod`,
];

/** Every call of REST that is about a project or a group, as the server's own document has them. */
async function documentedCalls(kind: "projects" | "groups"): Promise<[method: string, rest: string][]> {
  const { paths } = JSON.parse((await ask(server.url, "/api/v4/openapi.json")).text) as {
    paths: Record<string, Record<string, unknown>>;
  };
  const root = `/${kind}/{id}`;
  return Object.entries(paths)
    .filter(([path]) => path === root || path.startsWith(`${root}/`))
    .flatMap(([path, calls]) =>
      Object.keys(calls)
        .filter((method) => /^(?:get|head|put|post|patch|delete)$/.test(method))
        .map((method): [string, string] => [
          method.toUpperCase(),
          path
            .slice(root.length)
            .replace(/\{\w*(?:name|tag|branch|sha|key)\w*\}/g, "v1.0.0")
            .replace(/\{\w+\}/g, "1"),
        ]),
    );
}

describe("the write services", () => {
  beforeAll(async () => {
    const { registry } = server;
    await server.token("keeper");
    for (const fullPath of ["world/private", "keeper/private"])
      await createProject(registry, OPERATOR, { fullPath, visibility: "PRIVATE" });
    // Whoever is a member of something else in the group sees the group, and must not see what else is in it.
    await addMember(registry, OPERATOR, { projectPath: "world/open" }, { username: "stranger", accessLevel: 30 });
    await createGroup(registry, OPERATOR, { fullPath: "mixed", visibility: "PRIVATE" });
    for (const fullPath of ["mixed/private", "mixed/other"])
      await createProject(registry, OPERATOR, { fullPath, visibility: "PRIVATE" });
    await addMember(registry, OPERATOR, { projectPath: "mixed/other" }, { username: "stranger", accessLevel: 40 });
  });

  const everybody = (hidden: string): Headers[] => {
    const all = principals.map(([, headers]) => headers);
    // The owner of another group is the owner of this one.
    return hidden.startsWith("world/") ? all.filter((_, n) => principals[n]![0] !== "the owner of another group") : all;
  };

  test.each(REPOSITORIES)("of %s tell it from %s to nobody", async (hidden, missing) => {
    const differences: string[] = [];
    const compare = async (method: string, paths: readonly string[], headers: Headers, body = ""): Promise<void> => {
      const [one, other] = await Promise.all(paths.map((path) => rawAnswer(method, path, headers, body)));
      if (comparable(one!) !== comparable(other!)) differences.push(`${method} ${paths[0]}:\n${one}\n${other}`);
      if (statusOf(one!) < 400) differences.push(`${method} ${paths[0]} is ${statusOf(one!)}`);
    };
    for (const headers of everybody(hidden)) {
      for (const [method, rest, more] of GIT_REQUESTS)
        await compare(method, [`/${hidden}.git/${rest}`, `/${missing}.git/${rest}`], { ...headers, ...more }, "0000");
      for (const address of UPLOADS)
        await compare("PUT", [address(hidden), address(missing)], { ...headers, "Content-Length": "2" }, "{}");
    }
    const calls = await documentedCalls("projects");
    expect(calls.length).toBeGreaterThan(40);
    for (const headers of everybody(hidden).slice(0, 2))
      for (const [method, rest] of calls) {
        const paths = [hidden, missing].map((path) => `/api/v4/projects/${encodeURIComponent(path)}${rest}`);
        await compare(method, paths, { ...headers, "Content-Type": "application/json", "Content-Length": "2" }, "{}");
      }
    expect(differences).toEqual([]);
  });

  test("a group that is hidden is one that is missing, to every call about it and to uploads", async () => {
    const calls = await documentedCalls("groups");
    expect(calls.length).toBeGreaterThan(20);
    const differences: string[] = [];
    const sent = { "Content-Type": "application/json", "Content-Length": "2" };
    for (const [, headers] of principals.slice(0, 4)) {
      const asked = calls.map(([method, rest]): [string, (group: string) => string] => [
        method,
        (group) => `/api/v4/groups/${encodeURIComponent(group)}${rest}`,
      ]);
      asked.push(["PUT", (group) => `/api/packages/${group}/go/upload`]);
      for (const [method, address] of asked) {
        const [one, other] = await Promise.all(
          ["team/deep", "team/none"].map((group) => rawAnswer(method, address(group), { ...headers, ...sent }, "{}")),
        );
        if (comparable(one!) !== comparable(other!)) differences.push(`${method} ${address("")}:\n${one}\n${other}`);
        if (statusOf(one!) < 400) differences.push(`${method} ${address("")} is ${statusOf(one!)}`);
      }
    }
    expect(differences).toEqual([]);
  });
});
