// One deploy token of a group in ~/.netrc, and the real go command over TLS: a build takes private modules from several projects
// at or below the group, the nested one that requires another too, and nothing from elsewhere. Revoked, it is refused.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { createGroup } from "../../src/registry/forge/groups.ts";
import { createProject } from "../../src/registry/forge/projects.ts";
import { createGroupDeployToken, type MadeToken, revokeToken } from "../../src/registry/forge/tokens.ts";
import { OPERATOR } from "../../src/registry/principal.ts";
import { type GoCommand, goCommand } from "../support/go.ts";
import { ask, basic } from "../support/http.ts";
import { pushRecipe, remoteOf, tryGit } from "../support/push.ts";
import { ADMIN_TOKEN, MODULE_HOST, type TestServer, testServer } from "../support/server.ts";

const ONE = `${MODULE_HOST}/acme/one`;
const TWO = `${MODULE_HOST}/acme/two`;
const DEEP = `${MODULE_HOST}/acme/platform/core/deep`;
const OUTSIDE = `${MODULE_HOST}/other/lib`;
const OF_INSTANCE = "/api/v4/packages/go";
const OF_GROUP = "/api/v4/groups/acme/-/packages/go";

let server: TestServer;

beforeAll(async () => {
  server = await testServer({ tls: true });
  for (const fullPath of ["acme", "acme/platform", "acme/platform/core", "other"])
    await createGroup(server.registry, OPERATOR, { fullPath, visibility: "PRIVATE" });
  for (const [modulePath, requires] of [
    [ONE, ""],
    [TWO, `\nrequire ${ONE} v1.0.0\n`],
    [DEEP, `\nrequire ${TWO} v1.0.0\n`],
    [OUTSIDE, ""],
  ] as const) {
    const fullPath = modulePath.slice(MODULE_HOST.length + 1);
    await createProject(server.registry, OPERATOR, { fullPath });
    await pushRecipe(
      remoteOf(server.url, fullPath, ADMIN_TOKEN),
      (r) => {
        const required = /require (\S+)/.exec(requires)?.[1];
        const source = required
          ? `package lib\n\nimport below "${required}"\n\nconst Name = "${fullPath} on " + below.Name\n`
          : `package lib\n\nconst Name = "${fullPath}"\n`;
        r.tag("v1.0.0", r.commit({ "go.mod": `module ${modulePath}\n\ngo 1.21\n${requires}`, "lib.go": source }));
      },
      { GIT_SSL_CAINFO: server.certificateFile },
    );
  }
});

const tokenOf = (group: string, username: string) =>
  createGroupDeployToken(server.registry, OPERATOR, group, {
    name: "ci",
    scopes: ["read_package_registry", "read_repository"],
    username,
  });

function goWith({ token, secret }: MadeToken, endpoint: string): GoCommand {
  const environment = { GOPROXY: server.url + endpoint, SSL_CERT_FILE: server.certificateFile };
  return goCommand(environment, [`machine ${new URL(server.url).host} login ${token.username} password ${secret}`]);
}

test.each([OF_INSTANCE, OF_GROUP])("%s: a build takes three private modules, one of them nested", async (endpoint) => {
  const go = goWith(await tokenOf("acme", "all"), endpoint);
  writeFileSync(join(go.cwd, "main.go"), `package main\n\nimport lib "${DEEP}"\n\nfunc main() { print(lib.Name) }\n`);
  await go.must("get", DEEP);
  const packages = (await go.must("list", "-deps", ".")).split("\n");
  expect(packages).toEqual(expect.arrayContaining([ONE, TWO, DEEP, "example.com/work"]));
  const sums = readFileSync(join(go.cwd, "go.sum"), "utf8");
  for (const modulePath of [ONE, TWO, DEEP]) expect(sums).toContain(`${modulePath} v1.0.0 h1:`);
});

test("of a subgroup: what is in it, and nothing above or beside it", async () => {
  const go = goWith(await tokenOf("acme/platform", "below"), OF_INSTANCE);
  expect(await go.must("list", "-m", "-versions", DEEP)).toBe(`${DEEP} v1.0.0\n`);
  for (const modulePath of [ONE, TWO, OUTSIDE]) {
    const { status, output } = await go.run("list", "-m", "-versions", modulePath);
    expect([status, output]).toEqual([1, expect.stringContaining("404 Not Found")]);
  }
});

test("outside of the group there is nothing, on any endpoint, as if there were no such module", async () => {
  const made = await tokenOf("acme", "inside");
  for (const endpoint of [OF_INSTANCE, OF_GROUP, "/api/v4/projects/other%2Flib/packages/go"]) {
    const { status, output } = await goWith(made, endpoint).run("mod", "download", `${OUTSIDE}@v1.0.0`);
    expect([status, output]).toEqual([1, expect.stringContaining("404 Not Found")]);
  }
  const git = async (fullPath: string) => {
    const remote = `${server.url.replace("://", `://inside:${made.secret}@`)}/${fullPath}.git`;
    return (await tryGit(["ls-remote", remote], { GIT_SSL_CAINFO: server.certificateFile })).status;
  };
  expect([await git("acme/platform/core/deep"), await git("acme/one")]).toEqual([0, 0]);
  expect(await git("other/lib")).not.toBe(0);
});

test("revoked, it is refused at once, by a server that has all of it in memory", async () => {
  const made = await tokenOf("acme", "passing");
  const go = goWith(made, OF_INSTANCE);
  await go.must("mod", "download", `${DEEP}@v1.0.0`);
  const path = `${OF_INSTANCE}/${DEEP}/@v/v1.0.0.info`;
  const asked = { headers: basic("passing", made.secret), ca: readFileSync(server.certificateFile, "utf8") };
  expect((await ask(server.url, path, asked)).status).toBe(200);
  await revokeToken(server.registry, OPERATOR, made.token.id);
  expect((await ask(server.url, path, asked)).status).toBe(401);
  const { status, output } = await goWith(made, OF_INSTANCE).run("mod", "download", `${DEEP}@v1.0.0`);
  expect([status, output]).toEqual([1, expect.stringContaining("401 Unauthorized")]);
});
