// The main job, by the real go command over TLS: fetching, listing and installing private and public modules through the
// project's endpoint, with the token in ~/.netrc as go wants it.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { createProject } from "../../src/registry/forge/projects.ts";
import { OPERATOR } from "../../src/registry/principal.ts";
import { goCommand } from "../support/go.ts";
import { pushRecipe, remoteOf } from "../support/push.ts";
import { type TestServer, testServer } from "../support/server.ts";

const LIB = "gokura.test/alice/lib";
const TOOL = "gokura.test/alice/tool";
const netrc = (server: TestServer, token: string) => [
  `machine ${new URL(server.url).host} login alice password ${token}`,
];
const goproxy = (server: TestServer, path: string) =>
  `${server.url}/api/v4/projects/${encodeURIComponent(path)}/packages/go`;

let server: TestServer;
let token: string;

beforeAll(async () => {
  server = await testServer({ tls: true });
  token = await server.token("alice");
  const trust = { GIT_SSL_CAINFO: server.certificateFile };
  await pushRecipe(
    remoteOf(server.url, "alice/lib", token),
    (r) => {
      const first = r.commit({
        "go.mod": `module ${LIB}\n\ngo 1.21\n`,
        "lib.go": 'package lib\n\nconst Name = "one"\n',
      });
      r.tag("v1.0.0", first);
      const second = r.commit({
        "lib.go": 'package lib\n\nconst Name = "two"\n',
        "sub/go.mod": `module ${LIB}/sub\n\ngo 1.21\n`,
        "sub/sub.go": "package sub\n\nconst N = 1\n",
      });
      r.annotatedTag("v1.1.0", second);
      r.tag("sub/v0.1.0", second);
      r.tag("v1.2.0-rc.1", second);
      const major = r.commit({
        "v2/go.mod": `module ${LIB}/v2\n\ngo 1.21\n`,
        "v2/lib.go": 'package lib\n\nconst Name = "v2"\n',
      });
      r.tag("v2.0.0", major);
    },
    trust,
  );
  await createProject(server.registry, OPERATOR, { fullPath: "alice/tool", visibility: "PUBLIC" });
  await pushRecipe(
    remoteOf(server.url, "alice/tool", token),
    (r) => {
      const tool = {
        "go.mod": `module ${TOOL}\n\ngo 1.21\n`,
        "cmd/hello/main.go": 'package main\n\nfunc main() { println("hello") }\n',
      };
      r.tag("v0.1.0", r.commit(tool));
    },
    trust,
  );
});

const environment = (path: string) => ({ GOPROXY: goproxy(server, path), SSL_CERT_FILE: server.certificateFile });

describe("a private module", () => {
  test("is fetched with a token from netrc, and builds", async () => {
    const go = goCommand(environment("alice/lib"), netrc(server, token));
    await go.must("get", LIB);
    writeFileSync(join(go.cwd, "main.go"), `package main\n\nimport "${LIB}"\n\nfunc main() { print(lib.Name) }\n`);
    expect(await go.must("run", ".")).toBe("two");
    expect(readFileSync(join(go.cwd, "go.sum"), "utf8")).toContain(`${LIB} v1.1.0 h1:`);
  });

  test("lists its versions, and those of its sub-directory and of its second major version", async () => {
    const go = goCommand(environment("alice/lib"), netrc(server, token));
    expect(await go.must("list", "-m", "-versions", LIB)).toBe(`${LIB} v1.0.0 v1.1.0 v1.2.0-rc.1\n`);
    expect(await go.must("list", "-m", "-versions", `${LIB}/sub`)).toBe(`${LIB}/sub v0.1.0\n`);
    expect(await go.must("list", "-m", "-versions", `${LIB}/v2`)).toBe(`${LIB}/v2 v2.0.0\n`);
    expect(await go.must("list", "-m", "-f", "{{.Version}}", `${LIB}/sub@latest`)).toBe("v0.1.0\n");
  });

  test("is downloaded at a version, a branch and a commit", async () => {
    const go = goCommand(environment("alice/lib"), netrc(server, token));
    const at = async (query: string) => JSON.parse(await go.must("mod", "download", "-json", `${LIB}@${query}`));
    const tagged = await at("v1.0.0");
    expect(tagged).toMatchObject({ Path: LIB, Version: "v1.0.0", Sum: expect.stringMatching(/^h1:/) });
    const branch = await at("main");
    expect(branch.Version).toMatch(
      /^v1\.1\.1-0\.2024\d{10}-[0-9a-f]{12}$|^v1\.2\.0-rc\.1\.0\.2024\d{10}-[0-9a-f]{12}$/,
    );
    expect(await at(branch.Version.slice(-12))).toMatchObject({ Version: branch.Version, Sum: branch.Sum });
  });

  test.each([
    ["no token", [] as string[], "401 Unauthorized"],
    ["a token that is not known", ["wrong-token-wrong-token"], "401 Unauthorized"],
  ])("is not to be had with %s, and go stops there", async (_, secrets, message) => {
    const lines = secrets.flatMap((secret) => netrc(server, secret));
    const go = goCommand({ ...environment("alice/lib"), GOPROXY: `${goproxy(server, "alice/lib")},off` }, lines);
    const { status, output } = await go.run("list", "-m", "-versions", LIB);
    expect(status).toBe(1);
    expect(output).toContain(message);
  });

  test("does not exist for another user, and go would ask the next proxy", async () => {
    const go = goCommand(environment("alice/lib"), netrc(server, await server.token("mallory")));
    const { status, output } = await go.run("list", "-m", "-versions", LIB);
    expect(status).toBe(1);
    expect(output).toContain("404 Not Found");
    expect(output).toContain("Project Not Found");
  });

  test("is fetched with a deploy token under its user name", async () => {
    const { createDeployToken } = await import("../../src/registry/forge/tokens.ts");
    const input = { name: "ci", scopes: ["read_package_registry"], username: "ci" };
    const { secret } = await createDeployToken(server.registry, OPERATOR, "alice/lib", input);
    const machine = new URL(server.url).host;
    const go = goCommand(environment("alice/lib"), [`machine ${machine} login ci password ${secret}`]);
    expect(await go.must("list", "-m", "-versions", LIB)).toContain("v1.0.0");
    const wrong = goCommand(environment("alice/lib"), [`machine ${machine} login other password ${secret}`]);
    expect((await wrong.run("list", "-m", "-versions", LIB)).output).toContain("401 Unauthorized");
  });
});

describe("a public module", () => {
  test("is installed without a token", async () => {
    const go = goCommand(environment("alice/tool"));
    await go.must("install", `${TOOL}/cmd/hello@latest`);
    const { runProgram } = await import("../support/push.ts");
    expect(await runProgram(join(go.home, "go/bin/hello"), [])).toEqual({ status: 0, output: "hello\n" });
  });

  test("is refused to a bad token, so that nobody believes it works", async () => {
    const go = goCommand(environment("alice/tool"), netrc(server, "gkpt_no-such-token"));
    const { status, output } = await go.run("list", "-m", "-versions", TOOL);
    expect(status).toBe(1);
    expect(output).toContain("401 Unauthorized");
  });
});

test("a module that the project does not have is 404 for go, which names the reason", async () => {
  const go = goCommand(environment("alice/lib"), netrc(server, token));
  const { output } = await go.run("list", "-m", "-versions", "example.com/other");
  expect(output).toContain("404 Not Found");
  expect(output).toContain("is no module of alice/lib");
});
