// The graph of modules over HTTP: who requires what, what a build uses, what changed, and where it all leads. Some of it is
// hidden from some: what they may not read is for them as if it were not stored.
import { beforeAll, describe, expect, test } from "vitest";
import { createGroup } from "../../src/registry/forge/groups.ts";
import { addMember } from "../../src/registry/forge/members.ts";
import { createProject } from "../../src/registry/forge/projects.ts";
import { OPERATOR } from "../../src/registry/principal.ts";
import type { Registry } from "../../src/registry/registry.ts";
import { storeUpstreamPart } from "../../src/registry/versions/upstream-modules.ts";
import { testRegistry } from "../support/registry.ts";
import {
  type Asker,
  countStatements,
  type Data,
  type GraphqlServer,
  PUBLIC_URL,
  publishVersions,
  recordExactly,
  serveGraphql,
  signUp,
  version,
} from "./graphql-server.ts";
import { leftOut } from "./schema-parts.ts";

const LIB = "gokura.test/acme/lib";
const HIDDEN = "gokura.test/acme/hidden";
const MANY = 100;

let registry: Registry;
let server: GraphqlServer;
let member: Asker;
let stranger: Asker;

const goMod = (path: string, requires: readonly string[], go = "1.21"): { text: string } => ({
  text: `module ${path}\n\ngo ${go}\n\n${requires.map((one) => `require ${one}\n`).join("")}`,
});

async function fetched(path: string, name: string, requires: readonly string[], go?: string): Promise<void> {
  const { text } = goMod(path, requires, go);
  await storeUpstreamPart(registry, path, name, { info: Buffer.from("{}"), time: undefined });
  await storeUpstreamPart(registry, path, name, { goMod: Buffer.from(text) });
}

beforeAll(async () => {
  registry = await testRegistry({ GOKURA_PRIVATE: "secret.example.com" });
  server = await serveGraphql(registry);
  const token = await signUp(registry, { username: "member" });
  stranger = server.as(await signUp(registry, { username: "stranger" }));
  await createGroup(registry, OPERATOR, { fullPath: "acme", visibility: "PUBLIC" });
  const make = (fullPath: string, visibility: "PUBLIC" | "PRIVATE") =>
    createProject(registry, OPERATOR, { fullPath, visibility });
  const lib = await make("acme/lib", "PUBLIC");
  const hidden = await make("acme/hidden", "PRIVATE");
  await addMember(registry, OPERATOR, { projectPath: "acme/lib" }, { username: "member", accessLevel: 40 });
  await addMember(registry, OPERATOR, { projectPath: "acme/hidden" }, { username: "member", accessLevel: 20 });
  member = server.as(token);

  const oid = "1".repeat(40);
  const tag = (name: string, to: string) => ({ name: `refs/tags/${name}`, oid: to });
  await recordExactly(registry, lib.id, [tag("v1.0.0", oid), tag("v1.1.0", oid)]);
  await recordExactly(registry, lib.id, [tag("v1.0.0", "2".repeat(40)), tag("v1.1.0", oid)]);
  await recordExactly(registry, lib.id, [tag("v1.1.0", oid)]);
  await fetched("example.com/a", "v1.0.0", ["example.com/deep v1.3.0"]);
  await fetched("example.com/a", "v1.1.0", ["example.com/deep v1.4.0", `${HIDDEN} v1.0.0`]);
  await fetched("example.com/deep", "v1.4.0", []);
  await fetched("example.com/user", "v1.0.0", [`${LIB} v1.0.0`, "example.com/a v1.0.0"]);
  await fetched("example.com/user", "v1.1.0", [`${LIB} v1.1.0 // indirect`]);
  await fetched("example.com/past", "v1.0.0", [`${LIB} v1.0.0`]);
  await fetched("example.com/past", "v1.1.0", []);
  await fetched("secret.example.com/x", "v1.0.0", [`${LIB} v1.0.0`]);
  await publishVersions(registry, hidden.id, [
    version(HIDDEN, "v1.0.0", goMod(HIDDEN, [`${LIB} v1.1.0`, "example.com/a v1.1.0"])),
  ]);
  await publishVersions(registry, lib.id, [
    version(LIB, "v1.0.0", goMod(LIB, ["example.com/a v1.0.0", "example.com/gone v1.0.0", "example.com/same v1.0.0"])),
    version(LIB, "v1.1.0", {
      text: `module ${LIB}
go 1.16
require example.com/a v1.1.0
require example.com/new v0.1.0 // indirect
require example.com/same v1.0.0 // indirect
replace example.com/new => ./new
replace example.com/same => example.com/other v1.2.0
`,
    }),
    version(`${LIB}/sub`, "v0.1.0"),
    version(`${LIB}/sub/v2`, "v2.0.0"),
    version(`${LIB}/v2`, "v2.0.0"),
    version(`${LIB}/v10`, "v10.0.0"),
    version(`${LIB}rary`, "v1.0.0"),
  ]);
  await publishVersions(registry, lib.id, [
    version(LIB, "v0.0.0-20240102030405-0123456789ab", { ref: undefined, text: "module x\nrequire (\n" }),
  ]);
  // as if the setting had come after it
  (registry.privateModules.fetchedBefore as string[]).push("secret.example.com/x");
  await fetched("example.com/whole", "v1.0.0", ["example.com/a v1.0.0", "example.com/deep v1.4.0"]);
  await fetched("gopkg.in/yaml.v2", "v2.4.0", []);
  await fetched("gopkg.in/yaml.v3", "v3.0.1", []);
  await fetched("example.com/a/b", "v1.0.0", []);
});

const ofVersion = async (asker: Asker, path: string, name: string, fields: string): Promise<Data> => {
  const { goModule } = await asker.data(
    `query ($path: String!) { goModule(path: $path) { versions(first: 100, includePseudo: true) { nodes { version } } } }`,
    { path },
  );
  const index = goModule.versions.nodes.findIndex((node: Data) => node.version === name);
  const answer = await asker.data(
    `query ($path: String!, $first: Int) { goModule(path: $path) { versions(first: $first, includePseudo: true) { nodes { ${fields} } } } }`,
    { path, first: index + 1 },
  );
  return answer.goModule.versions.nodes[index];
};

describe("dependents", () => {
  const query = `query ($path: String!, $direct: Boolean, $first: Int, $after: String) { goModule(path: $path) {
    dependents(direct: $direct, first: $first, after: $after) {
      count few: count(limit: 1)
      nodes { module { path } version { version } requiredVersion indirect current }
      edges { cursor node { module { path } } }
      pageInfo { hasNextPage endCursor }
    } } }`;
  const paths = ({ goModule }: Data): string[] => goModule.dependents.nodes.map(({ module }: Data) => module.path);

  test("are modules, each once with its newest version that requires it, in pages", async () => {
    const all = await member.data(query, { path: LIB });
    expect(all.goModule.dependents.nodes).toEqual([
      {
        module: { path: "example.com/user" },
        version: { version: "v1.1.0" },
        requiredVersion: "v1.1.0",
        indirect: true,
        current: true,
      },
      {
        module: { path: "example.com/past" },
        version: { version: "v1.0.0" },
        requiredVersion: "v1.0.0",
        indirect: false,
        current: false,
      },
      {
        module: { path: HIDDEN },
        version: { version: "v1.0.0" },
        requiredVersion: "v1.1.0",
        indirect: false,
        current: true,
      },
    ]);
    expect(all.goModule.dependents).toMatchObject({ count: 3, few: 2 });
    const first = await member.data(query, { path: LIB, first: 2 });
    expect(first.goModule.dependents.pageInfo.hasNextPage).toBe(true);
    expect(first.goModule.dependents.edges[1].cursor).toBe(first.goModule.dependents.pageInfo.endCursor);
    const rest = await member.data(query, { path: LIB, first: 2, after: first.goModule.dependents.pageInfo.endCursor });
    expect([...paths(first), ...paths(rest)]).toEqual(paths(all));
    const back = await member.data(
      `query ($before: String) { goModule(path: "${LIB}") { dependents(last: 1, before: $before) { nodes { module { path } } } } }`,
      { before: first.goModule.dependents.pageInfo.endCursor },
    );
    expect(paths(back)).toEqual(["example.com/user"]);
  });

  test("direct or not", async () => {
    expect(paths(await member.data(query, { path: LIB, direct: true }))).toEqual(["example.com/past", HIDDEN]);
    expect(paths(await member.data(query, { path: LIB, direct: false }))).toEqual(["example.com/user"]);
    expect((await member.data(query, { path: LIB, direct: false })).goModule.dependents.count).toBe(1);
  });

  test("what may not be read neither shows nor counts", async () => {
    for (const asker of [stranger, server.as()]) {
      const found = await asker.data(query, { path: LIB });
      expect(paths(found)).toEqual(["example.com/user", "example.com/past"]);
      expect(found.goModule.dependents.count).toBe(2);
    }
  });

  test("of a version are versions that name it, the last stored first", async () => {
    const fields = `dependents { count nodes { module { path } version { version } requiredVersion indirect current } }
      direct: dependents(direct: true, first: 1) { nodes { version { version } } pageInfo { endCursor hasNextPage } }`;
    const at = async (asker: Asker, name: string) => (await ofVersion(asker, LIB, name, fields)).dependents;
    const summary = ({ nodes }: Data) =>
      nodes.map((n: Data) => `${n.module.path}@${n.version.version} ${n.requiredVersion} ${n.indirect} ${n.current}`);
    expect(summary(await at(member, "v1.0.0"))).toEqual([
      "example.com/past@v1.0.0 v1.0.0 false false",
      "example.com/user@v1.0.0 v1.0.0 false false",
    ]);
    expect(summary(await at(member, "v1.1.0"))).toEqual([
      `${HIDDEN}@v1.0.0 v1.1.0 false true`,
      "example.com/user@v1.1.0 v1.1.0 true true",
    ]);
    expect(await at(stranger, "v1.1.0")).toMatchObject({ count: 1 });
    const page = await ofVersion(
      member,
      LIB,
      "v1.0.0",
      `dependents(first: 1) { pageInfo { endCursor } } older: dependents(last: 1) { nodes { module { path } } }`,
    );
    const next = await member.data(
      `query ($after: String) { goModule(path: "${LIB}") { versions(first: 2) { nodes { version
        dependents(first: 5, after: $after, before: null) { edges { node { module { path } } } } } } } }`,
      { after: page.dependents.pageInfo.endCursor },
    );
    expect(page.older.nodes).toEqual([{ module: { path: "example.com/user" } }]);
    expect(next.goModule.versions.nodes[1].dependents.edges).toEqual([
      { node: { module: { path: "example.com/user" } } },
    ]);
  });
});

describe("build list", () => {
  const fields = `buildList { complete
    modules { path version indirect requiredBy replacedBy goModuleVersion { version module { path } } }
    missing { path version reason } }`;

  test("with what is missing, and what stands in for others", async () => {
    const { buildList } = await ofVersion(member, LIB, "v1.1.0", fields);
    expect(buildList.complete).toBe(false);
    expect(
      buildList.modules.map(
        (one: Data) => `${one.path} ${one.version} ${one.indirect} ${one.requiredBy} ${one.replacedBy}`,
      ),
    ).toEqual([
      `example.com/a v1.1.0 false ${LIB}@v1.1.0,${HIDDEN}@v1.0.0 null`,
      "example.com/deep v1.4.0 true example.com/a@v1.1.0 null",
      `example.com/new v0.1.0 true ${LIB}@v1.1.0 ./new`,
      `example.com/same v1.0.0 true ${LIB}@v1.1.0 example.com/other@v1.2.0`,
      `${HIDDEN} v1.0.0 true example.com/a@v1.1.0 null`,
    ]);
    expect(buildList.modules[0].goModuleVersion).toEqual({ version: "v1.1.0", module: { path: "example.com/a" } });
    expect(buildList.modules[2].goModuleVersion).toBe(null);
    expect(buildList.missing).toEqual([
      { path: "example.com/new", version: "v0.1.0", reason: "REPLACED_BY_DIRECTORY" },
      { path: "example.com/same", version: "v1.0.0", reason: "NOT_STORED" },
    ]);
  });

  test("a module that may not be read is one that is not stored", async () => {
    const { buildList } = await ofVersion(stranger, LIB, "v1.1.0", fields);
    const hidden = buildList.modules.find((one: Data) => one.path === HIDDEN);
    expect(hidden).toMatchObject({ version: "v1.0.0", goModuleVersion: null });
    expect(buildList.missing).toContainEqual({ path: HIDDEN, version: "v1.0.0", reason: "NOT_STORED" });
    expect(JSON.stringify(buildList)).not.toContain(`${HIDDEN}@`);
  });

  test("complete when all is there; of a go.mod that cannot be read the version itself is missing", async () => {
    const { buildList } = await ofVersion(member, "example.com/whole", "v1.0.0", fields);
    expect(buildList).toMatchObject({ complete: true, missing: [] });
    expect(buildList.modules.map((one: Data) => `${one.path} ${one.version}`)).toEqual([
      "example.com/a v1.0.0",
      "example.com/deep v1.4.0",
    ]);
    const name = "v0.0.0-20240102030405-0123456789ab";
    const broken = await ofVersion(member, LIB, name, fields);
    expect(broken.buildList).toEqual({
      complete: false,
      modules: [],
      missing: [{ path: LIB, version: name, reason: "GO_MOD_REFUSED" }],
    });
  });
});

describe("requirements", () => {
  test("lead to what is stored, and else to a page elsewhere", async () => {
    const fields = `goMod { requires { path url goModule { path } goModuleVersion { version } } }`;
    const { goMod: read } = await ofVersion(stranger, "example.com/a", "v1.1.0", fields);
    expect(read.requires).toEqual([
      {
        path: "example.com/deep",
        url: `${PUBLIC_URL}/api/v4/packages/go/example.com/deep/@v/v1.4.0.info`,
        goModule: { path: "example.com/deep" },
        goModuleVersion: { version: "v1.4.0" },
      },
      { path: HIDDEN, url: `https://pkg.example.com/${HIDDEN}@v1.0.0`, goModule: null, goModuleVersion: null },
    ]);
    const mine = await ofVersion(member, "example.com/a", "v1.1.0", fields);
    expect(mine.goMod.requires[1]).toMatchObject({
      goModule: { path: HIDDEN },
      goModuleVersion: { version: "v1.0.0" },
    });
    const older = await ofVersion(member, "example.com/a", "v1.0.0", fields);
    expect(older.goMod.requires[0]).toMatchObject({ goModule: { path: "example.com/deep" }, goModuleVersion: null });
  });

  test("and their differences", async () => {
    const fields = (from: string) => `requirementDiff(from: "${from}") {
      added { path version indirect } removed { path version indirect }
      changed { path from to fromIndirect toIndirect upgrade } }`;
    const { requirementDiff } = await ofVersion(stranger, LIB, "v1.1.0", fields("v1.0.0"));
    expect(requirementDiff).toEqual({
      added: [{ path: "example.com/new", version: "v0.1.0", indirect: true }],
      removed: [{ path: "example.com/gone", version: "v1.0.0", indirect: false }],
      changed: [
        { path: "example.com/a", from: "v1.0.0", to: "v1.1.0", fromIndirect: false, toIndirect: false, upgrade: true },
        {
          path: "example.com/same",
          from: "v1.0.0",
          to: "v1.0.0",
          fromIndirect: false,
          toIndirect: true,
          upgrade: false,
        },
      ],
    });
    for (const [from, message] of [
      ["v9.0.0", `there is no version v9.0.0 of ${LIB}`],
      ["a\\u0000b", "there is no version"],
      ["v0.0.0-20240102030405-0123456789ab", "cannot be read"],
    ] as const) {
      const { errors } = await stranger(`{ goModule(path: "${LIB}") { latestVersion { ${fields(from)} } } }`);
      expect(errors?.[0]?.message).toContain(message);
    }
  });
});

test("sub-modules and other majors", async () => {
  const related = async (path: string) =>
    (
      await stranger.data(
        `query ($path: String!) { goModule(path: $path) { subModules { count nodes { path } } otherMajors { path } } }`,
        { path },
      )
    ).goModule;
  const named = (...paths: string[]) => paths.map((path) => ({ path }));
  expect(await related(LIB)).toEqual({
    subModules: { count: 2, nodes: named(`${LIB}/sub`, `${LIB}/sub/v2`) },
    otherMajors: named(`${LIB}/v2`, `${LIB}/v10`),
  });
  expect((await related(`${LIB}/v2`)).otherMajors).toEqual(named(LIB, `${LIB}/v10`));
  expect((await related(`${LIB}/sub/v2`)).otherMajors).toEqual(named(`${LIB}/sub`));
  expect(await related("gopkg.in/yaml.v3")).toEqual({
    subModules: { count: 0, nodes: [] },
    otherMajors: named("gopkg.in/yaml.v2"),
  });
  expect((await related("example.com/a")).subModules.nodes).toEqual(named("example.com/a/b"));
  const { goModule } = await stranger.data(`{ goModule(path: "${LIB}") {
    subModules(first: 1) { edges { cursor } pageInfo { endCursor hasNextPage } } last: subModules(last: 1) { nodes { path } } } }`);
  expect(goModule.last.nodes).toEqual(named(`${LIB}/sub/v2`));
  const next = await stranger.data(
    `query ($after: String) { goModule(path: "${LIB}") { subModules(after: $after) { nodes { path } } back: subModules(last: 1, before: $after) { nodes { path } } } }`,
    { after: goModule.subModules.pageInfo.endCursor },
  );
  expect(next.goModule).toEqual({ subModules: { nodes: named(`${LIB}/sub/v2`) }, back: { nodes: [] } });
});

test("what to type", async () => {
  const fields = `installSnippet { get require import goproxy env }`;
  const { installSnippet } = await ofVersion(stranger, `${LIB}/sub`, "v0.1.0", fields);
  const goproxy = `GOPROXY=${PUBLIC_URL}/api/v4/projects/acme%2Flib/packages/go,${PUBLIC_URL}/api/v4/packages/go`;
  expect(installSnippet).toEqual({
    get: `go get ${LIB}/sub@v0.1.0`,
    require: `require ${LIB}/sub v0.1.0`,
    import: `import "${LIB}/sub"`,
    goproxy,
    env: [goproxy, `GONOSUMDB=${LIB}`],
  });
  const public_ = await ofVersion(stranger, "example.com/deep", "v1.4.0", fields);
  expect(public_.installSnippet.env).toEqual([`GOPROXY=${PUBLIC_URL}/api/v4/packages/go`]);
  const alone = await serveGraphql(registry, { hasWorld: false });
  const without = await ofVersion(alone.as(), "example.com/deep", "v1.4.0", fields);
  expect(without.installSnippet.goproxy).toBe(`GOPROXY=${PUBLIC_URL}/api/v4/packages/go,direct`);
});

test("what became of a version's tag, for Maintainers", async () => {
  const at = async (asker: Asker, path: string, name: string) =>
    (await ofVersion(asker, path, name, "tagEvents(first: 5) { tag kind }")).tagEvents;
  expect(await at(member, LIB, "v1.0.0")).toEqual([
    { tag: "v1.0.0", kind: "DELETED" },
    { tag: "v1.0.0", kind: "MOVED" },
  ]);
  expect(await at(member, LIB, "v1.1.0")).toEqual([]);
  expect(await at(member, LIB, "v0.0.0-20240102030405-0123456789ab")).toEqual([]);
  expect(await at(stranger, LIB, "v1.0.0")).toBe(null);
  expect(await at(member, HIDDEN, "v1.0.0")).toBe(null);
  expect(await at(member, "example.com/a", "v1.0.0")).toBe(null);
});

describe("many", () => {
  beforeAll(async () => {
    await createGroup(registry, OPERATOR, { fullPath: "many", visibility: "PUBLIC" });
    const { id } = await createProject(registry, OPERATOR, { fullPath: "many/all", visibility: "PUBLIC" });
    await addMember(registry, OPERATOR, { projectPath: "many/all" }, { username: "member", accessLevel: 40 });
    const path = (n: number) => `gokura.test/many/all/m${String(n).padStart(3, "0")}`;
    const versions = Array.from({ length: MANY }, (_, n) => [
      version(path(n), "v1.0.0", goMod(path(n), n > 0 ? [`${path(n - 1)} v1.0.0`, "example.com/a v1.0.0"] : [])),
      version(`${path(n)}/v2`, "v2.0.0", goMod(`${path(n)}/v2`, [`${path(n)} v1.0.0`])),
      version(`${path(n)}/sub`, "v1.0.0", goMod(`${path(n)}/sub`, [`${path(n)} v1.0.0`])),
    ]).flat();
    await publishVersions(registry, id, versions);
  });

  const inner = "nodes { module { path } version { version } }";
  test.each([
    ["dependents of modules", `dependents(first: 1) { ${inner} }`],
    ["their numbers", "dependents { count(limit: 3) }"],
    ["sub-modules and majors", "subModules(first: 1) { nodes { path } } otherMajors { path }"],
    ["dependents of versions", `versions(first: 1) { nodes { dependents(first: 1) { ${inner} } } }`],
    ["build lists", "latestVersion { buildList { complete missing { path } } }"],
    [
      "requirements",
      "latestVersion { goMod { requires { path url } } installSnippet { env } tagEvents(first: 1) { tag } }",
    ],
    ["differences", 'latestVersion { requirementDiff(from: "v1.0.0") { added { path } changed { path } } }'],
  ])("%s cost the database no more statements for a list of many than for one", async (_, fields) => {
    const first = fields.includes("dependents") || fields.includes("buildList") ? 30 : 80;
    // Not every module here has a v1.0.0 to compare with; what it costs is the same.
    const ask = (size: number) =>
      (fields.includes("requirementDiff") ? member : member.data)(
        `{ project(fullPath: "many/all") { goModules(first: ${size}) { nodes { ${fields} } } } }`,
      );
    await ask(first);
    const one = await countStatements(() => ask(1));
    const many = await countStatements(() => ask(first));
    expect(many - one).toBeLessThanOrEqual(fields.includes("buildList") ? 6 : 3);
  });

  test("and too many build lists are refused before anything is read", async () => {
    const { errors } = await member(
      `{ project(fullPath: "many/all") { goModules(first: 100) { nodes { latestVersion { buildList { complete } } } } } }`,
    );
    expect(errors?.[0]?.extensions?.code).toBe("TOO_COSTLY");
  });
});

test("nothing of this part was left out", () => expect(leftOut("graph", server.sent)).toEqual([]));
