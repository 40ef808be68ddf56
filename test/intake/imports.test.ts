// Versions that are stored elsewhere, brought in by the command beside a running server: the go command's own module cache,
// Athens' storage, another proxy, and what a go.sum names; and then the go command, which finds them without an upstream.
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import licenses from "spdx-license-list/full.js";
import { beforeAll, describe, expect, test } from "vitest";
import { createProject } from "../../src/registry/forge/projects.ts";
import { createPolicy, deletePolicy } from "../../src/registry/policies/rules.ts";
import { OPERATOR } from "../../src/registry/principal.ts";
import { runHere } from "../cli/run-here.ts";
import { testDatabase } from "../support/database.ts";
import { type FakeUpstream, fakeUpstream, zipOf } from "../support/fake-upstream.ts";
import { goCommand } from "../support/go.ts";
import { ask, bearer } from "../support/http.ts";
import { type TestServer, testServer } from "../support/server.ts";
import { temporary } from "../support/temporary.ts";

let server: TestServer;
let upstream: FakeUpstream;
let database: string;
/** A module cache that the go command has filled from the upstream. */
let cache: string;
let goSum: string;

const A = "example.com/A/one";
const B = "example.com/b/v2";
const OWN = "gokura.test/acme/lib";

interface Report {
  readonly code: number;
  readonly new: number;
  readonly present: number;
  readonly refused: readonly { readonly module: string; readonly version: string; readonly reason: string }[];
}

async function run(words: readonly string[], environment: Record<string, string> = {}): Promise<Report> {
  const { code, stdout, stderr } = await runHere([...words, "--json"], {
    ...{ DATABASE_URL: database, GOKURA_DATA_DIR: server.dataDirectory, GOKURA_MODULE_HOST: "gokura.test" },
    ...{ GOKURA_UPSTREAM: "off", GOKURA_SUMDB: "off", GOKURA_UPSTREAM_VERIFY: "off", ...environment },
  });
  expect(stderr).toBe("");
  return { code, ...JSON.parse(stdout) };
}

beforeAll(async () => {
  upstream = await fakeUpstream();
  for (const version of ["v1.0.0", "v1.1.0"])
    await upstream.version(A, version, { "a.go": `package one // ${version}\n` });
  await upstream.version(B, "v2.0.0", {
    ...{ "go.mod": `module ${B}\n\ngo 1.17\n\nrequire ${A} v1.1.0\n`, "b.go": `package b\n\nimport _ "${A}"\n` },
  });
  const go = goCommand({ GOPROXY: upstream.url, GOFLAGS: "-modcacherw -mod=mod", GONOSUMDB: "*" });
  writeFileSync(join(go.cwd, "main.go"), `package main\n\nimport _ "${B}"\n\nfunc main() {}\n`);
  await go.must("get", `${B}@v2.0.0`, `${A}@v1.1.0`);
  await go.must("mod", "download", `${A}@v1.0.0`);
  cache = join(go.home, "mod");
  goSum = join(go.cwd, "go.sum");
  database = await testDatabase();
  const environment = { DATABASE_URL: database, GOKURA_SUMDB: "off", GOKURA_UPSTREAM_VERIFY: "off" };
  server = await testServer({ environment });
  await server.token("acme");
  await createProject(server.registry, OPERATOR, { fullPath: "acme/lib", visibility: "PUBLIC" });
});

const stored = (path: string): Promise<number> =>
  server.registry.prisma.moduleVersion.count({ where: { module: { path }, h1: { not: null } } });

/** A copy of the cache, to be damaged. */
function copied(): { readonly root: string; file(name: string): string } {
  const root = temporary("cache");
  cpSync(join(cache, "cache", "download"), root, { recursive: true });
  const all = readdirSync(root, { recursive: true, encoding: "utf8" });
  return { root, file: (name) => join(root, all.find((path) => path.endsWith(name))!) };
}

describe("a module cache", () => {
  test("with a flipped byte, a cut zip and a wrong .ziphash: those are refused, with the reason, and nothing of them kept", async () => {
    const { root, file } = copied();
    const zip = readFileSync(file("!a/one/@v/v1.0.0.zip"));
    zip[Math.floor(zip.length / 3)]! ^= 1;
    writeFileSync(file("!a/one/@v/v1.0.0.zip"), zip);
    writeFileSync(file("!a/one/@v/v1.1.0.zip"), readFileSync(file("!a/one/@v/v1.1.0.zip")).subarray(0, -30));
    writeFileSync(file("b/v2/@v/v2.0.0.ziphash"), `h1:${"A".repeat(43)}=`);
    const { code, refused, ...counts } = await run(["import", "modules", root]);
    expect([code, counts]).toMatchObject([1, { new: 0, present: 0 }]);
    const reasons = Object.fromEntries(refused.map(({ module, version, reason }) => [`${module}@${version}`, reason]));
    expect(Object.keys(reasons).sort()).toEqual([`${A}@v1.0.0`, `${A}@v1.1.0`, `${B}@v2.0.0`]);
    expect(reasons[`${A}@v1.1.0`]).toContain("not a valid zip file");
    expect(reasons[`${B}@v2.0.0`]).toContain("the .ziphash beside it says h1:AAAA");
    expect([await stored(A), await stored(B)]).toEqual([0, 0]);
  });

  test("comes in whole, once, and the go command has packages, modules and sums of it, without an upstream", async () => {
    expect(await run(["import", "modules", cache, "--dry-run"])).toMatchObject({ code: 0, new: 3, present: 0 });
    expect(await stored(A)).toBe(0);
    expect(await run(["import", "modules", cache, "--go-sum", goSum])).toMatchObject({
      code: 0,
      new: 3,
      present: 0,
      refused: [],
    });
    expect(await run(["import", "modules", cache])).toMatchObject({ code: 0, new: 0, present: 3 });
    const go = goCommand({ GOPROXY: `${server.url}/api/v4/packages/go`, GOFLAGS: "-modcacherw -mod=mod" });
    writeFileSync(join(go.cwd, "main.go"), `package main\n\nimport _ "${B}"\n\nfunc main() {}\n`);
    await go.must("get", `${B}@v2.0.0`, `${A}@v1.1.0`);
    expect(await go.must("list", "-deps", "-f", "{{.ImportPath}}", ".")).toContain(B);
    expect(readFileSync(join(go.cwd, "go.sum"), "utf8")).toBe(readFileSync(goSum, "utf8"));
  });

  test("that holds versions of our own modules: they are published in their project, and compared if they are there", async () => {
    const root = temporary("own");
    const write = async (version: string, more: Record<string, string> = {}): Promise<void> => {
      const base = join(root, OWN, "@v", version);
      mkdirSync(dirname(base), { recursive: true });
      const zip = await zipOf(`${OWN}@${version}`, { "go.mod": `module ${OWN}\n`, "a.go": "package lib\n", ...more });
      writeFileSync(`${base}.zip`, zip);
      writeFileSync(`${base}.mod`, `module ${OWN}\n`);
    };
    await write("v1.0.0");
    await write("v1.1.0");
    expect(await run(["import", "modules", root, "--into", "acme/other"])).toMatchObject({ code: 1, new: 0 });
    expect(await run(["import", "modules", root, "--into", "acme/lib"])).toMatchObject({ code: 0, new: 2 });
    expect((await ask(server.url, `/api/v4/packages/go/${OWN}/@v/list`)).text).toBe("v1.0.0\nv1.1.0\n");
    await write("v1.0.0", { "b.go": "package lib\n" });
    const again = await run(["import", "modules", root]);
    expect(again).toMatchObject({ code: 1, new: 0, present: 1, refused: [{ version: "v1.0.0" }] });
    expect(again.refused[0]!.reason).toContain("was published by an upload with h1:");
  });
});

test("Athens' storage on a disk, and as it is in object storage, is read as a module cache is", async () => {
  const C = "example.com/C/c";
  const root = temporary("athens");
  const zip = (version: string): Promise<Buffer> =>
    zipOf(`${C}@${version}`, { "go.mod": `module ${C}\n`, "c.go": "package c\n" });
  mkdirSync(join(root, C, "v1.0.0"), { recursive: true });
  writeFileSync(join(root, C, "v1.0.0", "go.mod"), `module ${C}\n`);
  writeFileSync(join(root, C, "v1.0.0", "v1.0.0.info"), '{"Version":"v1.0.0","Time":"2020-01-02T03:04:05Z"}');
  writeFileSync(join(root, C, "v1.0.0", "source.zip"), await zip("v1.0.0"));
  mkdirSync(join(root, C, "@v"), { recursive: true });
  writeFileSync(join(root, C, "@v", "v1.1.0.mod"), `module ${C}\n`);
  const bytes = await zip("v1.1.0"); // made once: there are times in a zip
  writeFileSync(join(root, C, "@v", "v1.1.0.zip"), bytes);
  expect(await run(["import", "modules", root])).toMatchObject({ code: 0, new: 2, refused: [] });
  expect((await ask(server.url, "/api/v4/packages/go/example.com/!c/c/@v/v1.0.0.info")).text).toContain("2020-01-02");
  const served = await ask(server.url, "/api/v4/packages/go/example.com/!c/c/@v/v1.1.0.zip");
  expect(served.bytes.equals(bytes)).toBe(true);
});

test("another proxy is asked for the versions that a go.sum or a list names", async () => {
  const D = "example.com/d";
  await upstream.version(D, "v1.0.0", { "d.go": "package d\n" });
  const list = join(temporary("list"), "list");
  writeFileSync(list, `${D}@v1.0.0\n${D}@v1.9.0\n`);
  const report = await run(["import", "modules", upstream.url, "--list", list]);
  expect(report).toMatchObject({ code: 1, new: 1, refused: [{ version: "v1.9.0" }] });
  const { code, stderr } = await runHere(["import", "modules", upstream.url], { DATABASE_URL: database });
  expect([code, stderr]).toEqual([1, expect.stringContaining("give --go-sum or --list")]);
});

test("what a rule refuses is neither imported nor prefetched, and is there when the rule goes", async () => {
  const F = "example.com/f";
  await upstream.version(F, "v1.0.0", { "f.go": "package f\n", LICENSE: licenses["GPL-3.0-only"]!.licenseText });
  await upstream.version(F, "v1.1.0", { "f.go": "package f\n", LICENSE: licenses.MIT!.licenseText });
  const file = join(temporary("sums"), "go.sum");
  const sum = `h1:${"B".repeat(43)}=`;
  writeFileSync(file, `${F} v1.0.0/go.mod ${sum}\n${F} v1.1.0/go.mod ${sum}\n`);
  const list = join(temporary("list"), "list");
  writeFileSync(list, `${F}@v1.0.0\n${F}@v1.1.0\n`);
  const denied = await createPolicy(server.registry, OPERATOR, { pattern: F, action: "DENY", reason: "not ours" });
  for (const words of [
    ["prefetch", "--go-sum", file],
    ["import", "modules", upstream.url, "--list", list],
  ]) {
    const report = await run(words, { GOKURA_UPSTREAM: upstream.url });
    expect(report.refused.map(({ version, reason }) => [version, reason.includes(": not ours; ask")])).toEqual([
      ["v1.0.0", true],
      ["v1.1.0", true],
    ]);
  }
  expect(upstream.asked.filter((path) => path.startsWith(`${F}/@v/v1`))).toEqual([]);
  await deletePolicy(server.registry, OPERATOR, denied.id);
  const licensed = { pattern: F, action: "HOLD", licensesOtherThan: ["MIT"] } as const;
  const { id } = await createPolicy(server.registry, OPERATOR, licensed);
  const report = await run(["import", "modules", upstream.url, "--list", list]);
  expect(report).toMatchObject({ code: 1, new: 1, refused: [{ version: "v1.0.0" }] });
  expect(report.refused[0]!.reason).toContain("(GPL-3.0)");
  await deletePolicy(server.registry, OPERATOR, id);
  expect(await run(["import", "modules", upstream.url, "--list", list])).toMatchObject({ code: 0, refused: [] });
});

test("prefetch fetches what go.sum files name, the go.mod alone where they say no more, and tells every sum that differs", async () => {
  const E = "example.com/e";
  for (const version of ["v1.0.0", "v1.1.0", "v1.2.0"]) await upstream.version(E, version, { "e.go": "package e\n" });
  const go = goCommand({ GOPROXY: upstream.url, GOFLAGS: "-modcacherw -mod=mod" });
  const { Sum, GoModSum } = JSON.parse(await go.must("mod", "download", "-json", `${E}@v1.0.0`));
  const file = join(temporary("sums"), "go.sum");
  const wrong = `h1:${"B".repeat(43)}=`;
  const lines = [
    `${E} v1.0.0 ${Sum}`,
    `${E} v1.0.0/go.mod ${GoModSum}`,
    `${E} v1.1.0/go.mod ${GoModSum}`,
    `${E} v1.2.0 ${wrong}`,
  ];
  writeFileSync(file, `${lines.join("\n")}\n`);
  const report = await run(["prefetch", "--go-sum", file, goSum], { GOKURA_UPSTREAM: upstream.url });
  expect(report).toMatchObject({ code: 1, new: 2, present: 2, refused: [{ module: E, version: "v1.2.0" }] });
  expect(report.refused[0]!.reason).toContain(`go.sum says ${wrong}`);
  expect(upstream.count(`${E}/@v/v1.1.0.zip`)).toBe(0);
  const offline = { headers: { "disable-module-fetch": "true" } };
  expect((await ask(server.url, `/api/v4/packages/go/${E}/@v/v1.0.0.zip`, offline)).status).toBe(200);
  expect((await ask(server.url, `/api/v4/packages/go/${E}/@v/v1.2.0.zip`, offline)).status).toBe(404);
  writeFileSync(file, `${E} v1.0.0 ${wrong}\n`);
  expect((await run(["prefetch", "--go-sum", file])).refused[0]!.reason).toContain("DIFFERS");
});

test("prefetch over HTTP tells of each version as it comes, to those with a token, and of our own names nothing", async () => {
  const F = "example.com/f";
  for (const version of ["v1.0.0", "v1.1.0"]) await upstream.version(F, version, { "f.go": "package f\n" });
  const online = await testServer({
    environment: { GOKURA_UPSTREAM: upstream.url, GOKURA_SUMDB: "off", GOKURA_UPSTREAM_VERIFY: "off" },
  });
  const go = goCommand({ GOPROXY: upstream.url, GOFLAGS: "-modcacherw -mod=mod" });
  const { Sum } = JSON.parse(await go.must("mod", "download", "-json", `${F}@v1.0.0`));
  const body = `${F} v1.0.0 ${Sum}\n${F} v1.1.0 h1:${"C".repeat(43)}=\n${OWN} v1.0.0 ${Sum}\n`;
  const post = (headers: Record<string, string>, text = body) =>
    ask(online.url, "/api/v4/packages/go/prefetch", { method: "POST", headers, body: text });
  expect((await post({})).status).toBe(401);
  const token = bearer(await online.token("builder"));
  expect((await post(token, "nonsense\n")).status).toBe(400);
  const lines = (await post(token)).text
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(lines).toHaveLength(3);
  expect(lines).toContainEqual({ module: F, version: "v1.0.0", outcome: "new" });
  expect(lines.find(({ version }) => version === "v1.1.0").reason).toContain("DIFFERS");
  expect(lines.at(-1)).toEqual({ new: 1, present: 0, refused: 1, done: true });
});
