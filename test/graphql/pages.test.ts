// Connections: forwards, backwards, their limits, hostile search texts, and that a list of 100 costs the database no more
// statements than a list of 1.
import { beforeAll, describe, expect, test } from "vitest";
import { createGroup } from "../../src/registry/forge/groups.ts";
import { addMember } from "../../src/registry/forge/members.ts";
import { createProject } from "../../src/registry/forge/projects.ts";
import { createDeployToken } from "../../src/registry/forge/tokens.ts";
import { OPERATOR } from "../../src/registry/principal.ts";
import type { Registry } from "../../src/registry/registry.ts";
import { testRegistry } from "../support/registry.ts";
import {
  type Asker,
  countStatements,
  type Data,
  type GraphqlServer,
  publishVersions,
  recordExactly,
  serveGraphql,
  signUp,
  version,
} from "./graphql-server.ts";

const PROJECTS = 105;
const VERSIONS = 23;

let registry: Registry;
let server: GraphqlServer;
let root: Asker;
let anonymous: Asker;

const projectPath = (n: number) => `many/p${String(n).padStart(3, "0")}`;
const modulePath = (n: number) => `gokura.test/${projectPath(n)}`;

beforeAll(async () => {
  registry = await testRegistry();
  server = await serveGraphql(registry);
  root = server.as(await signUp(registry, { username: "root", admin: true }));
  anonymous = server.as();
  await signUp(registry, { username: "member" });
  await createGroup(registry, OPERATOR, { fullPath: "many", visibility: "PUBLIC" });
  await createGroup(registry, OPERATOR, { fullPath: "odd", visibility: "PUBLIC" });
  for (let n = 0; n < PROJECTS; n++) {
    const fullPath = projectPath(n);
    const { id } = await createProject(registry, OPERATOR, { fullPath, visibility: "PUBLIC" });
    await addMember(registry, OPERATOR, { projectPath: fullPath }, { username: "member", accessLevel: 30 });
    await createDeployToken(registry, OPERATOR, fullPath, { name: "ci", scopes: ["read_repository"] });
    const oid = "1".repeat(40);
    await recordExactly(registry, id, [{ name: "refs/tags/v1.0.0", oid }]);
    await recordExactly(registry, id, []);
    const versions = Array.from({ length: n === 0 ? VERSIONS : 3 }, (_, v) => version(modulePath(n), `v1.${v}.0`));
    await publishVersions(registry, id, versions, [{ tag: "x", reason: "no version" }]);
  }
});

interface PageOf {
  readonly nodes: readonly { readonly name: string }[];
  readonly edges: readonly { readonly cursor: string }[];
  readonly pageInfo: { startCursor: string; endCursor: string; hasNextPage: boolean; hasPreviousPage: boolean };
}

const PAGE_INFO = "edges { cursor } pageInfo { startCursor endCursor hasNextPage hasPreviousPage }";

/** The lists under test, each by a function from arguments to a page. */
const lists: Record<string, { total: number; page: (args: string) => Promise<PageOf> }> = {
  projects: {
    total: PROJECTS,
    page: async (args) =>
      (await anonymous.data(`{ projects(search: "many", ${args}) { nodes { name: fullPath } ${PAGE_INFO} } }`))
        .projects,
  },
  goModules: {
    total: PROJECTS,
    page: async (args) =>
      (await anonymous.data(`{ goModules(search: "many", ${args}) { nodes { name: path } ${PAGE_INFO} } }`)).goModules,
  },
  versions: {
    total: VERSIONS,
    page: async (args) =>
      (
        await anonymous.data(
          `{ goModule(path: "${modulePath(0)}") { versions(includePseudo: true, ${args}) { nodes { name: version } ${PAGE_INFO} } } }`,
        )
      ).goModule.versions,
  },
};

describe.each(Object.entries(lists))("the list of %s", (_, { total, page }) => {
  test("forwards and backwards, in pages of any size, shows everything once and in one order", async () => {
    const all: string[] = [];
    for (let after = ""; ; ) {
      const { nodes, edges, pageInfo } = await page(`first: 10${after}`);
      all.push(...nodes.map((node) => node.name));
      expect(pageInfo.hasPreviousPage).toBe(after !== "");
      expect([pageInfo.startCursor, pageInfo.endCursor]).toEqual([edges.at(0)?.cursor, edges.at(-1)?.cursor]);
      if (!pageInfo.hasNextPage) break;
      expect(nodes).toHaveLength(10);
      after = `, after: "${pageInfo.endCursor}"`;
    }
    expect(all).toHaveLength(total);
    expect(new Set(all).size).toBe(total);

    const backwards: string[] = [];
    for (let before = ""; ; ) {
      const { nodes, pageInfo } = await page(`last: 7${before}`);
      backwards.unshift(...nodes.map((node) => node.name));
      expect(pageInfo.hasNextPage).toBe(before !== "");
      if (!pageInfo.hasPreviousPage) break;
      before = `, before: "${pageInfo.startCursor}"`;
    }
    expect(backwards).toEqual(all);

    const { edges } = await page("first: 9");
    const between = await page(`first: 20, after: "${edges[2]!.cursor}", before: "${edges[6]!.cursor}"`);
    expect(between.nodes.map((node) => node.name)).toEqual(all.slice(3, 6));
    expect(between.pageInfo).toMatchObject({ hasNextPage: false, hasPreviousPage: true });
  });

  test("20 entries if nothing is said, 0 to 100 if asked for", async () => {
    expect((await page("first: null")).nodes).toHaveLength(20);
    expect((await page("first: 100")).nodes).toHaveLength(Math.min(100, total));
    expect((await page("last: 100")).nodes).toHaveLength(Math.min(100, total));
    const none = await page("first: 0");
    expect(none).toEqual({
      nodes: [],
      edges: [],
      pageInfo: { startCursor: null, endCursor: null, hasNextPage: true, hasPreviousPage: false },
    });
    for (const args of ["first: 101", "first: -1", "last: 101", "last: -5"])
      await expect(page(args)).rejects.toThrow(/a page holds 0 to 100 entries/);
    await expect(page("first: 1, last: 1")).rejects.toThrow(/not for both/);
  });

  test("a cursor that is none is refused; one beyond the end gives an empty page", async () => {
    const base64 = (text: string) => Buffer.from(text).toString("base64url");
    for (const cursor of [
      "",
      "x",
      "%",
      "'; DROP TABLE project; --",
      base64("{}"),
      base64("[1]"),
      base64("null"),
      base64('"a\\u0000b"'),
      base64("1e999"),
      base64("-1"),
      base64("1.5"),
      "x".repeat(5_000),
    ])
      await expect(page(`after: ${JSON.stringify(cursor)}`), cursor).rejects.toThrow(/is no cursor of this list/);
    const { pageInfo } = await page("last: 1");
    expect((await page(`after: "${pageInfo.endCursor}"`)).nodes).toEqual([]);
  });
});

test("a broken page is an error of its field, with a code", async () => {
  const { status, data, errors } = await anonymous(
    '{ project(fullPath: "many/p000") { goModules(first: 1000) { nodes { path } } } currentUser { id } }',
  );
  expect(status).toBe(200);
  expect(data).toEqual({ project: null, currentUser: null });
  expect(errors).toMatchObject([
    { path: ["project", "goModules"], extensions: { code: "BAD_USER_INPUT", reason: "invalid_page" } },
  ]);
});

test("short lists are limited, too", async () => {
  const ask = (args: string) =>
    root(`{ project(fullPath: "many/p000") { rejectedTags(${args}) { name } tagEvents(${args}) { tag } } }`);
  expect((await ask("first: null")).data.project).toEqual({
    rejectedTags: [{ name: "x" }],
    tagEvents: [{ tag: "v1.0.0" }],
  });
  expect((await ask("first: 0")).data.project).toEqual({ rejectedTags: [], tagEvents: [] });
  for (const args of ["first: -1", "first: 101"])
    expect((await ask(args)).errors?.[0]?.extensions?.reason).toBe("invalid_page");
});

test("search takes every character as it is", async () => {
  const odd = ["a_b", "axb", "A-B.c"];
  for (const path of odd) await createProject(registry, OPERATOR, { fullPath: `odd/${path}`, visibility: "PUBLIC" });
  await createProject(registry, OPERATOR, { fullPath: "odd/named", name: `100% "it's" a\\b`, visibility: "PUBLIC" });
  const found = async (search: string): Promise<string[]> => {
    const query =
      "query ($search: String) { projects(search: $search) { nodes { path } } goModules(search: $search) { nodes { path } } }";
    const data = await anonymous.data(query, { search });
    return data.projects.nodes.map((node: { path: string }) => node.path);
  };
  expect(await found("a_b")).toEqual(["a_b"]);
  expect(await found("ODD/A")).toEqual(odd);
  expect(await found("a-b.C")).toEqual(["A-B.c"]);
  for (const text of ["100%", "%", "it's", `"it's"`, "a\\b", "\\", "'"]) expect(await found(text)).toEqual(["named"]);
  for (const text of ["__", "a%b", "'; DROP TABLE project; --", "\\%", "$1", "😀", "x".repeat(10_000)])
    expect(await found(text)).toEqual([]);
  expect((await found("")).length).toBe(20);
  for (const list of ["projects", "goModules"])
    for (const text of ["a\0b", "\ud800"]) {
      const { errors } = await anonymous(`query ($text: String) { ${list}(search: $text) { nodes { id } } }`, { text });
      expect(errors).toMatchObject([{ message: expect.stringMatching(/NUL/), extensions: { code: "BAD_USER_INPUT" } }]);
    }
});

describe("a list of 100 costs as many statements as a list of 1", () => {
  const queries: Record<string, string> = {
    "projects with everything single": `query ($n: Int) { projects(first: $n) { nodes { id group { id parent { id } } } } }`,
    "projects with modules and their latest versions": `query ($n: Int) { projects(first: $n) { nodes {
      goModules(first: 2) { nodes { path latestVersion { version } } } } } }`,
    "projects with members, tokens and tags": `query ($n: Int) { projects(first: $n) { nodes {
      members(first: 2) { nodes { user { tokens(first: 2) { nodes { name } } } } }
      deployTokens(first: 2) { nodes { name } } rejectedTags(first: 2) { name } tagEvents(first: 2) { tag } } } }`,
    "modules with what their files say": `query ($n: Int) { goModules(first: $n) { nodes {
      licenses { spdxId } readme { path } goVersion repositoryUrl firstSeenAt lastSeenAt } } }`,
    "modules with 20 versions": `query ($n: Int) { goModules(first: $n) { nodes { versions(first: 20) { nodes { version } } } } }`,
    "modules with their projects, versions and go.mod files": `query ($n: Int) { goModules(first: $n) { nodes {
      project { fullPath group { members(first: 1) { nodes { id } } } }
      versions(first: 2) { nodes { version module { path } goMod { module requires { path } } } } } } }`,
    "versions with go.mod files": `query ($n: Int) { goModule(path: "${modulePath(0)}") { versions(first: $n) {
      nodes { version goMod { text } module { project { id } latestVersion { version } } } } } }`,
  };
  test.each(Object.entries(queries))("%s", async (_, query) => {
    const ask = (n: number) => root.data(query, { n });
    await ask(1);
    await ask(100);
    const one = await countStatements(() => ask(1));
    const hundred = await countStatements(() => ask(100));
    expect(hundred).toBe(one);
    expect(one).toBeLessThan(25);
  });
});

test("the same list with other arguments is another list", async () => {
  const { goModules } = await anonymous.data(`{ goModules(first: 2, search: "many") { nodes {
    path two: versions(first: 2) { nodes { version } } last: versions(last: 1) { nodes { version } pageInfo { hasPreviousPage } } } } }`);
  expect(goModules.nodes).toEqual([
    {
      path: modulePath(0),
      two: { nodes: [{ version: "v1.22.0" }, { version: "v1.21.0" }] },
      last: { nodes: [{ version: "v1.0.0" }], pageInfo: { hasPreviousPage: true } },
    },
    {
      path: modulePath(1),
      two: { nodes: [{ version: "v1.2.0" }, { version: "v1.1.0" }] },
      last: { nodes: [{ version: "v1.0.0" }], pageInfo: { hasPreviousPage: true } },
    },
  ]);
});

describe("latestVersion is what the go command takes for @latest", () => {
  const cases: [name: string, versions: [version: string, given?: Data][], latest: string | null][] = [
    ["release before a newer pre-release", [["v1.0.0"], ["v1.1.0-rc.1"]], "v1.0.0"],
    ["pre-release if there is no release", [["v0.1.0-a"], ["v0.1.0-b"]], "v0.1.0-b"],
    ["numbers, not letters", [["v1.9.0"], ["v1.10.0"]], "v1.10.0"],
    [
      "not what is retracted",
      [["v1.0.0"], ["v1.1.0", { text: "module gokura.test/many/latest\nretract v1.1.0\n" }]],
      "v1.0.0",
    ],
    ["nothing if all is retracted", [["v1.0.0", { text: "module gokura.test/many/latest\nretract v1.0.0\n" }]], null],
    ["no pseudo-version", [["v0.0.0-20240102030405-0123456789ab", { ref: undefined }]], null],
    [
      "+incompatible after v1 without go.mod",
      [
        ["v1.0.0", { legacy: true }],
        ["v2.0.0+incompatible", { legacy: true }],
      ],
      "v2.0.0+incompatible",
    ],
    ["not +incompatible once there is a go.mod", [["v1.0.0"], ["v2.0.0+incompatible", { legacy: true }]], "v1.0.0"],
  ];
  test.each(cases)("%s", async (_, versions, latest) => {
    const fullPath = "many/latest";
    const path = `gokura.test/${fullPath}`;
    const { id } = await createProject(registry, OPERATOR, { fullPath, visibility: "PUBLIC" });
    await publishVersions(
      registry,
      id,
      versions.map(([name, given]) => version(path, name, given)),
    );
    const { goModule } = await root.data(`{ goModule(path: "${path}") { latestVersion { version } } }`);
    expect(goModule.latestVersion?.version ?? null).toBe(latest);
    await registry.prisma.$transaction(async (tx) => {
      await tx.$executeRaw`SELECT set_config('gokura.deliberate', 'on', true)`;
      await tx.moduleVersion.deleteMany({ where: { module: { projectId: id } } });
      await tx.module.deleteMany({ where: { projectId: id } });
      await tx.project.delete({ where: { id } });
    });
    registry.memory.forget();
  });
});

test("one request gets 4 MiB of go.mod files; the rest is null with an error", async () => {
  const fullPath = "many/fat";
  const path = `gokura.test/${fullPath}`;
  const { id } = await createProject(registry, OPERATOR, { fullPath, visibility: "PUBLIC" });
  const text = `module ${path}\n//${"x".repeat(1_500_000)}\n`;
  await publishVersions(
    registry,
    id,
    ["v1.0.0", "v1.1.0", "v1.2.0"].map((name) => version(path, name, { text })),
  );
  const query = `{ goModule(path: "${path}") { versions { nodes { version goMod { module } } } } }`;
  const { data, errors } = await anonymous(query);
  expect(data.goModule.versions.nodes).toEqual([
    { version: "v1.2.0", goMod: null },
    { version: "v1.1.0", goMod: { module: path } },
    { version: "v1.0.0", goMod: { module: path } },
  ]);
  expect(errors).toMatchObject([
    {
      path: ["goModule", "versions", "nodes", 0, "goMod"],
      extensions: { code: "TOO_LARGE", reason: "answer_too_large" },
    },
  ]);
});
