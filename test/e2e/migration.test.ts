// docs/migration.md as it stands there: the lines of each section are run by a real shell, one after the other, with the real
// gokura command beside a running server, and then the real go command has from it what was elsewhere before. Elsewhere is what
// these products keep and answer: a module cache that go has filled, Athens' directory, a GOPROXY behind https and a password, and
// a server that lists and serves repositories as GitLab does. Only addresses and directories are put in.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { h1OfGoMod } from "../../src/gomod/dir-hash.ts";
import { ensureSelfSigned } from "../../src/http/self-signed-certificate.ts";
import { createGroup } from "../../src/registry/forge/groups.ts";
import { createProject } from "../../src/registry/forge/projects.ts";
import { OPERATOR } from "../../src/registry/principal.ts";
import { documentedBlocks, writePrograms } from "../support/documented-lines.ts";
import { type FakeUpstream, fakeUpstream, zipOf } from "../support/fake-upstream.ts";
import { makeRepository } from "../support/git-fixture.ts";
import { GO_BUILD_CACHE } from "../support/go.ts";
import { ask, bearer } from "../support/http.ts";
import { type Ended, pushRecipe, remoteOf, runProgram } from "../support/push.ts";
import { ADMIN_TOKEN, type TestServer, testServer } from "../support/server.ts";
import { temporary } from "../support/temporary.ts";
import { h1OfZip } from "../support/zip-sum.ts";

const PAGE = readFileSync("docs/migration.md", "utf8");
const A = "example.com/A/one";
const B = "example.com/b/v2";
const C = "example.com/C/c";
const D = "example.com/d";
const PRIVATE = "github.com/acme/lib";
const GITLAB = "gitlab.corp/team/lib";

let world: FakeUpstream;
let athens: FakeUpstream;
let gitlab: TestServer;
let server: TestServer;
let token: string;
const home = temporary("migration");
const work = join(home, "work");
const bin = join(home, "bin");
const storage = join(home, "athens");

const blocks = (heading: string): string[] => documentedBlocks("docs/migration.md", heading);

/** Runs lines of the page as a shell that ends at the first failure, with our addresses in the place of its own. */
async function run(lines: string): Promise<Ended> {
  const here = lines
    .replaceAll("https://gitlab.corp", gitlab.url)
    .replaceAll("https://athens.corp", athens.url)
    .replaceAll(/https:\/\/(user:token@)?artifactory\.corp/g, (_, login = "") =>
      athens.url.replace("://", `://${login}`),
    )
    .replaceAll("/var/lib/athens", storage);
  const env = {
    PATH: `${bin}:${process.env.PATH}`,
    ...{ HOME: home, GOCACHE: GO_BUILD_CACHE, GOFLAGS: "-modcacherw -mod=mod", GONOSUMDB: "*" },
    ...{ GOTOOLCHAIN: "local", GOTELEMETRY: "off", SSL_CERT_FILE: server.certificateFile },
    ...{ CURL_CA_BUNDLE: join(home, "ca.pem"), URL: server.url, TOKEN: token },
    ...settings(),
  };
  const ended = await runProgram("sh", ["-ec", here], { cwd: work, env });
  expect(ended.status, ended.output).toBe(0);
  return ended;
}

/** What the server is set up with, and so is the command beside it. */
const settings = (): Record<string, string> => ({
  ...{ DATABASE_URL: server.registry.database.url, GOKURA_DATA_DIR: server.dataDirectory },
  ...{ GOKURA_MODULE_HOST: "go.example.com", ...reaches() },
});
const reaches = (): Record<string, string> => ({
  ...{ GOKURA_UPSTREAM: world.url, GOKURA_SUMDB: "off", GOKURA_UPSTREAM_VERIFY: "off" },
  ...{ GOKURA_UPSTREAM_CA_FILE: join(home, "ca.pem"), GOKURA_ALLOW_PRIVATE_NETWORKS: "127.0.0.0/8,::1" },
});

beforeAll(async () => {
  for (const directory of [work, storage, join(work, "services/api"), join(home, "tls")])
    mkdirSync(directory, { recursive: true });
  world = await fakeUpstream();
  const { cert, key } = await ensureSelfSigned(join(home, "tls"), ["127.0.0.1"]);
  athens = await fakeUpstream(undefined, { tls: { cert, key } });
  gitlab = await testServer({ tls: true });
  writeFileSync(join(home, "ca.pem"), `${cert}\n${gitlab.ca}`);
  server = await testServer({ environment: { GOKURA_MODULE_HOST: "go.example.com", ...reaches() } });
  token = await server.token("alice");
  // pass knows the token for GitLab.
  writePrograms(bin, { pass: `[ "$*" = "show gitlab-token" ] && echo '${ADMIN_TOKEN}'` });
});

const proxied = (path: string) => ask(server.url, `/api/v4/packages/go/${path}`, { headers: bearer(token) });

test("from nothing: a developer's module cache, and what go.sum files name", async () => {
  await world.version(A, "v1.0.0", { "a.go": "package one\n" });
  const needs = {
    "go.mod": `module ${B}\n\ngo 1.17\n\nrequire ${A} v1.0.0\n`,
    "b.go": `package b\n\nimport _ "${A}"\n`,
  };
  await world.version(B, "v2.0.0", needs);
  const { zip, mod } = await world.version(D, "v1.0.0", { "d.go": "package d\n" });
  writeFileSync(join(work, "go.mod"), "module example.com/work\n\ngo 1.21\n");
  writeFileSync(join(work, "main.go"), `package main\n\nimport _ "${B}"\n\nfunc main() {}\n`);
  const go = { PATH: process.env.PATH ?? "", HOME: home, GOPROXY: world.url, GONOSUMDB: "*", GOFLAGS: "-modcacherw" };
  expect((await runProgram("go", ["get", `${B}@v2.0.0`], { cwd: work, env: go })).status).toBe(0);
  const sums = `${D} v1.0.0 ${await h1OfZip(`${D}@v1.0.0`, zip)}\n${D} v1.0.0/go.mod ${h1OfGoMod(mod)}\n`;
  writeFileSync(join(work, "services/api/go.sum"), sums);
  const [first, curl] = blocks("From nothing");
  const { output } = await run(first!);
  expect(output).toMatch(/2 new, 0 were there, 0 refused/);
  expect(output).toMatch(/1 new, 2 were there, 0 refused/);
  const asked = world.asked.length;
  for (const line of (await run(curl!)).output.trim().split("\n").slice(0, -1)) JSON.parse(line);
  expect(await run("go env GOPROXY && go clean -modcache && go build ./...")).toMatchObject({
    output: expect.stringContaining(server.url),
  });
  expect((await proxied(`${D}/@v/v1.0.0.zip`)).bytes.equals(zip)).toBe(true);
  expect(world.asked.slice(asked).filter((path) => path.endsWith(".zip"))).toEqual([]);
});

describe("from Athens", () => {
  test("its directory and itself, and modules that become those of a project", async () => {
    for (const path of [C, PRIVATE]) {
      const directory = join(storage, path, "v1.0.0");
      mkdirSync(directory, { recursive: true });
      const files = { "go.mod": `module ${path}\n`, "c.go": "package c\n" };
      writeFileSync(join(directory, "go.mod"), files["go.mod"]);
      writeFileSync(join(directory, "v1.0.0.info"), '{"Version":"v1.0.0","Time":"2020-01-02T03:04:05Z"}');
      writeFileSync(join(directory, "source.zip"), await zipOf(`${path}@v1.0.0`, files));
    }
    const { zip, mod } = await athens.version("example.com/e", "v1.0.0", { "e.go": "package e\n" });
    const h1 = await h1OfZip("example.com/e@v1.0.0", zip);
    writeFileSync(
      join(work, "services/api/go.sum"),
      `example.com/e v1.0.0 ${h1}\nexample.com/e v1.0.0/go.mod ${h1OfGoMod(mod)}\n`,
    );
    await createGroup(server.registry, OPERATOR, { fullPath: "acme", visibility: "PUBLIC" });
    const [all, ours] = blocks("From Athens");
    expect((await run(all!)).output).toMatch(/2 new, 0 were there, 0 refused[\s\S]*1 new, \d were there, 0 refused/);
    expect((await proxied("example.com/!c/c/@v/v1.0.0.info")).text).toContain("2020-01-02");
    expect((await run(ours!)).output).toMatch(/1 new, 1 were there, 0 refused/);
    const { rows } = await server.registry.database.pool.query(
      `select p.full_path, v.version from module_version v join module m on m.id = v.module_id
        join project p on p.id = m.project_id where m.path = $1`,
      [PRIVATE],
    );
    expect(rows).toEqual([{ full_path: "acme/lib", version: "v1.0.0" }]);
  });
});

test("from GitLab: a group of repositories, whose modules keep their names", async () => {
  await createGroup(gitlab.registry, OPERATOR, { fullPath: "team", visibility: "INTERNAL" });
  await createProject(gitlab.registry, OPERATOR, { fullPath: "team/lib", visibility: "INTERNAL" });
  await pushRecipe(
    remoteOf(gitlab.url, "team/lib", ADMIN_TOKEN),
    (r) => r.tag("v1.0.0", r.commit({ "go.mod": `module ${GITLAB}\n`, "lib.go": "package lib\n" })),
    { GIT_SSL_CAINFO: gitlab.certificateFile },
  );
  const { output } = await run(blocks("From GitLab")[0]!);
  expect(output).toMatch(/new +team\/lib/);
  const [, prefix] = /`(gokura project update team\/lib [^`]+)`/.exec(PAGE.replaceAll(/\s+/g, " "))!;
  await run(prefix!);
  await expect
    .poll(async () => (await proxied(`${GITLAB}/@v/list`)).text, { timeout: 30_000, interval: 50 })
    .toBe("v1.0.0\n");
  expect((await proxied(`${GITLAB}/@v/v1.0.0.zip`)).status).toBe(200);
  const [, end] = /`(gokura mirror remove [^`]+)`/.exec(PAGE)!;
  await run(end!);
  expect((await proxied(`${GITLAB}/@v/list`)).text).toBe("v1.0.0\n");
});

test("from Artifactory: a GOPROXY behind a password, and a list that it tells", async () => {
  const base = "artifactory/api/go/go-local";
  const path = "example.com/mod";
  const tree = temporary("tree");
  const { info, mod, zip } = await world.version(path, "v1.0.0", { "m.go": "package mod\n" });
  const files: Record<string, string | Buffer> = {
    list: "v1.0.0\n",
    "v1.0.0.info": info,
    "v1.0.0.mod": mod,
    "v1.0.0.zip": zip,
  };
  for (const [name, content] of Object.entries(files)) {
    writeFileSync(join(tree, name), content);
    athens.on(`${base}/${path}/@v/${name}`, (req, res) => {
      const isIn = req.headers.authorization === `Basic ${Buffer.from("user:token").toString("base64")}`;
      if (isIn) res.writeHead(200).end(readFileSync(join(tree, name)));
      else res.writeHead(401, { "www-authenticate": "Basic" }).end();
    });
  }
  const [imports, list] = blocks("From Artifactory, Nexus and other registries");
  await run(list!);
  expect(readFileSync(join(work, "versions"), "utf8")).toBe(`${path}@v1.0.0\n`);
  expect((await run(imports!)).output).toMatch(/1 new, 0 were there, 0 refused/);
  expect((await proxied(`${path}/@v/v1.0.0.zip`)).bytes.equals(zip)).toBe(true);
});

test("a repository that is moved here keeps its path and its sums: the lines of docs/go-clients.md", async () => {
  const home = temporary("moved");
  const moved = "github.com/acme/lib";
  const there = join(home, "there");
  makeRepository(join(there, "lib.git"), (r) =>
    r.tag("v1.2.3", r.commit({ "go.mod": `module ${moved}\n`, "lib.go": "package lib\n" })),
  );
  const { registry, url, certificateFile, dataDirectory, verifierKey } = gitlab; // the one that speaks TLS
  await createGroup(registry, OPERATOR, { fullPath: "acme" });
  const machines = [new URL(url).host, new URL(url).hostname];
  writeFileSync(
    join(home, ".netrc"),
    machines.map((one) => `machine ${one} login root password ${ADMIN_TOKEN}\n`).join(""),
  );
  writeFileSync(join(home, "go.mod"), `module example.com/work\n\ngo 1.21\n`);
  const env = {
    ...{ PATH: `${bin}:${process.env.PATH}`, HOME: home, GOCACHE: GO_BUILD_CACHE, GOFLAGS: "-modcacherw" },
    ...{ GOTOOLCHAIN: "local", GOTELEMETRY: "off", SSL_CERT_FILE: certificateFile, GIT_SSL_CAINFO: certificateFile },
    ...{ GIT_CONFIG_NOSYSTEM: "1", GIT_CONFIG_COUNT: "1", GIT_ALLOW_PROTOCOL: "file:https" },
    ...{ GIT_CONFIG_KEY_0: `url.${there}/.insteadOf`, GIT_CONFIG_VALUE_0: "https://github.com/acme/" },
    ...{ DATABASE_URL: registry.database.url, GOKURA_DATA_DIR: dataDirectory, GOKURA_MODULE_HOST: registry.moduleHost },
  };
  const shell = async (lines: string, more: Record<string, string> = {}): Promise<void> => {
    const { status, output } = await runProgram("sh", ["-ec", lines], { cwd: home, env: { ...env, ...more } });
    expect(status, output).toBe(0);
  };
  await shell(`go get ${moved}@v1.2.3`, { GOPROXY: "direct", GONOSUMDB: "*" }); // before, from where it was
  const lines = documentedBlocks("docs/go-clients.md", "Moving modules here")[0]!
    .replaceAll("https://go.example.com", url)
    .replace(/go\.example\.com\/sumdb\+[^']+/, verifierKey);
  const [download] = lines.match(/^go mod download .*$/m)!;
  await shell(`(${lines.replace(download, "")})`);
  await expect
    .poll(() => ask(url, `/${moved}/@v/list`, { headers: bearer(ADMIN_TOKEN), ca: gitlab.ca }).then(({ text }) => text))
    .toBe("v1.2.3\n");
  await shell(`rm -rf go/pkg/mod; ${download}; grep '^${moved} v1.2.3 h1:' go.sum`);
});
