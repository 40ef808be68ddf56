// Packages in GitLab's words: lists of projects and groups, one package with all that belongs to it, deletion; and who sees
// what of them.
import { beforeAll, describe, expect, test } from "vitest";
import { numberIn } from "../../src/graphql/global-id.ts";
import { createGroup } from "../../src/registry/forge/groups.ts";
import { addMember } from "../../src/registry/forge/members.ts";
import { createProject, updateProject } from "../../src/registry/forge/projects.ts";
import { createDeployToken } from "../../src/registry/forge/tokens.ts";
import { OPERATOR } from "../../src/registry/principal.ts";
import type { Registry } from "../../src/registry/registry.ts";
import { eventually } from "../support/eventually.ts";
import { testRegistry } from "../support/registry.ts";
import {
  type Asker,
  countStatements,
  type Data,
  type GraphqlServer,
  PUBLIC_URL,
  publishVersions,
  serveGraphql,
  signUp,
  version,
} from "./graphql-server.ts";
import { leftOut } from "./schema-parts.ts";

const LIB = "gokura.test/acme/Lib";
const moment = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
const GO_MOD = `module ${LIB}\n\nrequire (\n\texample.com/a v1.2.3\n\texample.com/b v0.1.0 // indirect\n)\n`;
/** Members of acme, by the level that their names say; acme/hidden is private. */
const LEVELS = { guest: 10, reporter: 20, developer: 30, maintainer: 40 } as const;

let registry: Registry;
let server: GraphqlServer;
let root: Asker;
let anonymous: Asker;
const members = {} as Record<keyof typeof LEVELS | "stranger", Asker>;

beforeAll(async () => {
  registry = await testRegistry();
  server = await serveGraphql(registry);
  root = server.as(await signUp(registry, { username: "root", admin: true }));
  anonymous = server.as();
  members.stranger = server.as(await signUp(registry, { username: "stranger" }));
  for (const path of ["acme", "acme/sub", "acme/sub/deep"])
    await createGroup(registry, OPERATOR, { fullPath: path, visibility: "PUBLIC" });
  await createGroup(registry, OPERATOR, { fullPath: "acme/secret", visibility: "PRIVATE" });
  for (const [username, accessLevel] of Object.entries(LEVELS)) {
    members[username as keyof typeof LEVELS] = server.as(await signUp(registry, { username }));
    await addMember(registry, OPERATOR, { groupPath: "acme" }, { username, accessLevel });
  }
  for (const [fullPath, visibility] of [
    ["acme/Lib", "PUBLIC"],
    ["acme/hidden", "PRIVATE"],
    ["acme/inner", "INTERNAL"],
    ["acme/off", "PUBLIC"],
    ["acme/sub/tool", "PUBLIC"],
  ] as const) {
    const { id } = await createProject(registry, OPERATOR, { fullPath, visibility });
    const path = `gokura.test/${fullPath}`;
    const text = fullPath === "acme/Lib" ? GO_MOD : `module ${path}\n`;
    for (const name of ["v1.0.0", "v1.10.0", "v1.2.0"])
      await publishVersions(registry, id, [version(path, name, { text })]);
    await publishVersions(registry, id, [
      version(path, "v0.0.0-20240102030405-0123456789ab", { text, ref: undefined }),
    ]);
  }
  await updateProject(registry, OPERATOR, "acme/off", { packagesEnabled: false });
});

const shown = (nodes: readonly { name: string; version: string }[]): string[] =>
  nodes.map(({ name, version: v }) => `${name.replace("gokura.test/acme/", "")}@${v}`);
const ofProject = async (asker: Asker, args = "first: 100", path = "acme/Lib"): Promise<string[]> =>
  shown(
    (await asker.data(`{ project(fullPath: "${path}") { packages(${args}) { nodes { name version } } } }`)).project
      .packages.nodes,
  );
const ofGroup = async (asker: Asker, args = "first: 100"): Promise<string[]> =>
  shown(
    (await asker.data(`{ group(fullPath: "acme") { packages(${args}) { nodes { name version } } } }`)).group.packages
      .nodes,
  );
const idOf = async (name: string, path = LIB): Promise<string> => {
  const { id } = await registry.prisma.moduleVersion.findFirstOrThrow({ where: { version: name, module: { path } } });
  return `gid://gokura/Package/${id}`;
};

const BASE = `id _links { webPath } createdAt updatedAt name packageType protectionRuleExists status statusMessage version
  project { fullPath } userPermissions { destroyPackage } goModuleVersion { kind module { path } }
  tags(first: 1, after: null, last: null, before: null) {
    nodes { id name createdAt updatedAt } edges { cursor node { id } } pageInfo { hasNextPage } }`;

describe("lists", () => {
  test("a project's packages with all their fields", async () => {
    const { project } = await anonymous.data(`{ project(fullPath: "acme/Lib") { packages(first: 1) {
      count nodes { ${BASE} } edges { cursor node { version } } pageInfo { hasNextPage hasPreviousPage endCursor } } } }`);
    const id = numberIn("Package", await idOf("v1.2.0"));
    expect(project.packages).toEqual({
      count: 3,
      nodes: [
        {
          id: `gid://gokura/Package/${id}`,
          _links: { webPath: `/acme/Lib/-/packages/${id}` },
          createdAt: moment,
          updatedAt: moment,
          name: LIB,
          packageType: "GOLANG",
          protectionRuleExists: false,
          status: "DEFAULT",
          statusMessage: null,
          version: "v1.2.0",
          project: { fullPath: "acme/Lib" },
          userPermissions: { destroyPackage: false },
          goModuleVersion: { kind: "RELEASE", module: { path: LIB } },
          tags: { nodes: [], edges: [], pageInfo: { hasNextPage: false } },
        },
      ],
      edges: [{ cursor: expect.any(String), node: { version: "v1.2.0" } }],
      pageInfo: { hasNextPage: true, hasPreviousPage: false, endCursor: expect.any(String) },
    });
  });

  test("sorted", async () => {
    const published = ["Lib@v1.0.0", "Lib@v1.10.0", "Lib@v1.2.0"];
    const byVersion = ["Lib@v1.0.0", "Lib@v1.2.0", "Lib@v1.10.0"];
    for (const [sort, ascending] of Object.entries({
      CREATED: published,
      TYPE: published,
      NAME: byVersion,
      VERSION: byVersion,
    })) {
      expect(await ofProject(anonymous, `sort: ${sort}_ASC`)).toEqual(ascending);
      expect(await ofProject(anonymous, `sort: ${sort}_DESC`)).toEqual([...ascending].reverse());
    }
    expect(await ofProject(anonymous)).toEqual([...published].reverse());
    expect(await ofProject(anonymous, "sort: null")).toEqual([...published].reverse());
    const byPath = [...published, ...published.map((name) => name.replace("Lib", "sub/tool"))];
    expect(await ofGroup(anonymous, "sort: PROJECT_PATH_ASC")).toEqual(byPath);
    expect(await ofGroup(anonymous, "sort: PROJECT_PATH_DESC")).toEqual([...byPath].reverse());
    expect(await ofGroup(anonymous, "sort: VERSION_DESC, first: 3")).toEqual([
      "sub/tool@v1.10.0",
      "Lib@v1.10.0",
      "sub/tool@v1.2.0",
    ]);
  });

  test("filtered", async () => {
    for (const list of [ofProject, ofGroup] as const) {
      const count = list === ofProject ? 3 : 6;
      expect(await list(anonymous, "packageType: GOLANG, status: DEFAULT, includeVersionless: true")).toHaveLength(
        count,
      );
      expect(await list(anonymous, "packageType: NPM")).toEqual([]);
      expect(await list(anonymous, "status: DEPRECATED")).toEqual([]);
      expect(await list(anonymous, 'packageVersion: "v1.2.0"')).toHaveLength(count / 3);
      expect(await list(anonymous, 'packageVersion: "1.2.0"')).toEqual([]);
      expect(await list(anonymous, 'packageName: "ACME/lib"')).toHaveLength(3);
      expect(await list(anonymous, 'packageName: "%"')).toEqual([]);
    }
    const { errors } = await anonymous('{ group(fullPath: "acme") { packages(packageName: "\\u0000") { count } } }');
    expect(errors?.[0]).toMatchObject({ extensions: { code: "BAD_USER_INPUT" } });
  });

  test("in pages, both ways; a cursor of another order is none of this list", async () => {
    const query = `query ($first: Int, $after: String, $last: Int, $before: String, $sort: PackageGroupSort) {
      group(fullPath: "acme") { packages(sort: $sort, first: $first, after: $after, last: $last, before: $before) {
        nodes { name version } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } } }`;
    const page = async (variables: object) =>
      (await anonymous.data(query, { sort: "NAME_ASC", ...variables })).group.packages;
    const first = await page({ first: 4 });
    const rest = await page({ first: 4, after: first.pageInfo.endCursor });
    expect([...shown(first.nodes), ...shown(rest.nodes)]).toEqual(await ofGroup(anonymous, "sort: NAME_ASC"));
    expect([first.pageInfo.hasNextPage, rest.pageInfo.hasNextPage]).toEqual([true, false]);
    const back = await page({ last: 10, before: rest.pageInfo.startCursor });
    expect(shown(back.nodes)).toEqual(shown(first.nodes));
    const inProject = `query ($after: String, $last: Int, $before: String) { project(fullPath: "acme/Lib") {
      packages(after: $after, last: $last, before: $before) { nodes { version } pageInfo { startCursor endCursor } } } }`;
    const last = (await anonymous.data(inProject, { last: 1 })).project.packages;
    const middle = (await anonymous.data(inProject, { last: 1, before: last.pageInfo.startCursor })).project.packages;
    expect([middle, last].map(({ nodes }) => nodes)).toEqual([[{ version: "v1.10.0" }], [{ version: "v1.0.0" }]]);
    const after = (await anonymous.data(inProject, { after: middle.pageInfo.endCursor })).project.packages;
    expect(after).toEqual(last);
    const other = await anonymous(query, { sort: "CREATED_ASC", after: first.pageInfo.endCursor });
    expect(other.errors?.[0]?.extensions?.reason).toBe("invalid_page");
  });

  test("show to each what it may read, count no more, and tell who may delete", async () => {
    const { id } = await registry.prisma.project.findFirstOrThrow({ where: { fullPath: "acme/hidden" } });
    const deploy = { name: "ci", scopes: ["read_package_registry", "read_repository"] };
    const { secret } = await createDeployToken(registry, OPERATOR, "acme/hidden", deploy);
    const query = `{
      group(fullPath: "acme") { packages(sort: NAME_ASC, first: 100) { count(limit: 50) nodes { name userPermissions { destroyPackage } } } }
      hidden: project(fullPath: "acme/hidden") { packages { count } }
      off: project(fullPath: "acme/off") { packages { count nodes { id } } } }`;
    const cases: [string, Asker, projects: string[], hidden: number | null][] = [
      ["anonymous", anonymous, ["Lib", "sub/tool"], null],
      ["stranger", members.stranger, ["Lib", "inner", "sub/tool"], null],
      ["guest", members.guest, ["Lib", "inner", "sub/tool"], 0],
      ["reporter", members.reporter, ["Lib", "hidden", "inner", "sub/tool"], 3],
      ["maintainer", members.maintainer, ["Lib", "hidden", "inner", "sub/tool"], 3],
      ["root", root, ["Lib", "hidden", "inner", "sub/tool"], 3],
    ];
    for (const [name, asker, projects, hidden] of cases) {
      const data = await asker.data(query);
      const { nodes, count } = data.group.packages;
      const found = new Set(nodes.map((node: Data) => node.name.replace("gokura.test/acme/", "")));
      expect([...found], name).toEqual(projects);
      expect(count, name).toBe(projects.length * 3);
      expect(data.hidden?.packages.count ?? null, name).toBe(hidden);
      expect(data.off.packages, name).toEqual({ count: 0, nodes: [] });
      const may = nodes.every((node: Data) => node.userPermissions.destroyPackage);
      expect(may, name).toBe(name === "maintainer" || name === "root");
    }
    expect(id).toBeGreaterThan(0);
    expect(
      (
        await server
          .as(secret)("{ currentUser { id } }")
          .catch(() => ({ status: 403 }))
      ).status,
    ).toBe(403);
  });

  test("descendantGroups, as far as they are seen, by path", async () => {
    const query = `{ group(fullPath: "acme") { descendantGroups(first: 2) {
      nodes { fullPath packages(first: 1) { count } } edges { cursor node { path } } pageInfo { hasNextPage endCursor } }
      last: descendantGroups(last: 1, before: null, after: null) { nodes { fullPath } pageInfo { hasPreviousPage } } } }`;
    const { group } = await anonymous.data(query);
    expect(group.descendantGroups).toMatchObject({
      nodes: [
        { fullPath: "acme/sub", packages: { count: 3 } },
        { fullPath: "acme/sub/deep", packages: { count: 0 } },
      ],
      pageInfo: { hasNextPage: false },
    });
    expect(group.last).toEqual({ nodes: [{ fullPath: "acme/sub/deep" }], pageInfo: { hasPreviousPage: true } });
    const forMember = (await members.guest.data(query)).group;
    expect(forMember.descendantGroups.nodes.map((node: Data) => node.fullPath)).toEqual(["acme/secret", "acme/sub"]);
    const { endCursor } = forMember.descendantGroups.pageInfo;
    const next = await members.guest.data(
      `{ group(fullPath: "acme") { descendantGroups(after: "${endCursor}") { nodes { fullPath } } } }`,
    );
    expect(next.group.descendantGroups.nodes).toEqual([{ fullPath: "acme/sub/deep" }]);
  });
});

describe("one package", () => {
  const DETAILS = `query ($id: ID!) { package(id: $id) { ${BASE} publicPackage lastDownloadedAt goUrl
    versions(first: 5, after: null, last: null, before: null) {
      nodes { ${BASE} } edges { cursor node { version } } pageInfo { hasNextPage } }
    packageFiles(first: 2, after: null, last: null, before: null) {
      nodes { id createdAt updatedAt size fileName downloadPath fileMd5 fileSha1 fileSha256 }
      edges { cursor node { id } } pageInfo { hasNextPage } }
    dependencyLinks(first: 5, after: null, last: null, before: null) {
      nodes { id dependencyType indirect dependency { id name versionPattern } }
      edges { cursor node { id } } pageInfo { hasNextPage } } } }`;

  test("with its other versions, files and dependencies", async () => {
    const id = await idOf("v1.2.0");
    const found = (await anonymous.data(DETAILS, { id })).package;
    expect(found).toMatchObject({
      id,
      name: LIB,
      version: "v1.2.0",
      publicPackage: true,
      lastDownloadedAt: null,
      goUrl: `${PUBLIC_URL}/api/v4/projects/acme%2FLib/packages/go`,
    });
    expect(found.versions.nodes.map((node: Data) => node.version)).toEqual(["v1.10.0", "v1.0.0"]);
    expect(found.packageFiles.nodes).toEqual([
      {
        id: expect.stringMatching(/^gid:\/\/gokura\/PackageFile\/\d+$/),
        createdAt: found.createdAt,
        updatedAt: found.createdAt,
        size: String(GO_MOD.length),
        fileName: "v1.2.0.mod",
        downloadPath: "/api/v4/projects/acme%2FLib/packages/go/gokura.test/acme/!lib/@v/v1.2.0.mod",
        fileMd5: expect.stringMatching(/^[0-9a-f]{32}$/),
        fileSha1: expect.stringMatching(/^[0-9a-f]{40}$/),
        fileSha256: expect.stringMatching(/^[0-9a-f]{64}$/),
      },
    ]);
    expect(found.dependencyLinks.nodes).toMatchObject([
      {
        dependencyType: "DEPENDENCIES",
        indirect: false,
        dependency: { name: "example.com/a", versionPattern: "v1.2.3" },
      },
      {
        dependencyType: "DEPENDENCIES",
        indirect: true,
        dependency: { name: "example.com/b", versionPattern: "v0.1.0" },
      },
    ]);
    const gitlab = await anonymous.data(DETAILS, { id: id.replace("gokura/Package", "gitlab/Packages::Package") });
    expect(gitlab.package).toEqual(found);
  });

  test("dependencies in pages", async () => {
    const id = await idOf("v1.0.0");
    const query = `query ($id: ID!, $after: String) { package(id: $id) {
      dependencyLinks(first: 1, after: $after) { nodes { dependency { name } } pageInfo { hasNextPage endCursor } } } }`;
    const one = (await anonymous.data(query, { id })).package.dependencyLinks;
    const two = (await anonymous.data(query, { id, after: one.pageInfo.endCursor })).package.dependencyLinks;
    expect([one, two].map(({ nodes, pageInfo }) => [nodes[0].dependency.name, pageInfo.hasNextPage])).toEqual([
      ["example.com/a", true],
      ["example.com/b", false],
    ]);
  });

  test("is null when it is hidden, as when there is none; an id that is none is told", async () => {
    const hidden = await idOf("v1.0.0", "gokura.test/acme/hidden");
    const off = await idOf("v1.0.0", "gokura.test/acme/off");
    const pseudo = await idOf("v0.0.0-20240102030405-0123456789ab");
    const query = "query ($id: ID!) { package(id: $id) { version publicPackage } }";
    for (const id of [hidden, off, pseudo, "gid://gokura/Package/2000000000"])
      for (const asker of [anonymous, members.stranger, members.guest])
        expect(await asker.data(query, { id })).toEqual({ package: null });
    expect(await members.reporter.data(query, { id: hidden })).toEqual({
      package: { version: "v1.0.0", publicPackage: false },
    });
    for (const id of [
      "1",
      "gid://gokura/Project/1",
      "gid://gitlab/Package/1",
      "gid://gokura/Package/0",
      "gid://gokura/Package/1x",
    ])
      expect((await anonymous(query, { id })).errors?.[0], id).toMatchObject({
        extensions: { code: "BAD_USER_INPUT" },
      });
  });
});

describe("deletion", () => {
  const DESTROY = "mutation ($id: ID!) { destroyPackage(input: {id: $id}) { errors reasons } }";
  const DESTROY_ALL = "mutation ($ids: [ID!]!) { destroyPackages(input: {ids: $ids}) { errors reasons } }";

  test("is for Maintainers, and final", async () => {
    const id = await idOf("v1.0.0");
    expect((await anonymous(DESTROY, { id })).errors?.[0]).toMatchObject({ extensions: { code: "UNAUTHENTICATED" } });
    for (const asker of [members.stranger, members.guest, members.developer])
      expect((await asker.data(DESTROY, { id })).destroyPackage.errors[0]).toMatch(/needs the access level maintainer/);
    const hidden = await idOf("v1.0.0", "gokura.test/acme/hidden");
    expect((await members.stranger.data(DESTROY, { id: hidden })).destroyPackage.errors).toEqual(["Package Not Found"]);
    expect(await ofProject(anonymous)).toHaveLength(3);
    expect((await members.maintainer.data(DESTROY, { id })).destroyPackage.errors).toEqual([]);
    expect(await ofProject(anonymous)).toEqual(["Lib@v1.2.0", "Lib@v1.10.0"]);
    expect((await members.maintainer.data(DESTROY, { id })).destroyPackage.errors).toEqual(["Package Not Found"]);
  });

  test("of several is of all or of none", async () => {
    const [one, two] = [
      await idOf("v1.2.0"),
      (await idOf("v1.10.0")).replace("gokura/Package", "gitlab/Packages::Package"),
    ];
    const errorsOf = async (ids: readonly string[]) =>
      (await members.maintainer.data(DESTROY_ALL, { ids })).destroyPackages.errors;
    expect(await errorsOf([one, "gid://gokura/Package/2000000000"])).toEqual(["Package Not Found"]);
    expect((await errorsOf([]))[0]).toMatch(/1 to 20/);
    expect((await errorsOf(Array.from({ length: 21 }, () => one)))[0]).toMatch(/1 to 20/);
    expect(await ofProject(anonymous)).toHaveLength(2);
    expect(await errorsOf([one, two, one])).toEqual([]);
    expect(
      await eventually(
        () => ofProject(anonymous),
        (found) => found.length === 0,
      ),
    ).toEqual([]);
    expect(await registry.prisma.tombstone.count({ where: { modulePath: LIB, returnable: false } })).toBe(3);
  });

  test("of a file is always refused", async () => {
    const id = await idOf("v1.0.0", "gokura.test/acme/hidden");
    const found = await members.reporter.data(
      "query ($id: ID!) { package(id: $id) { packageFiles { nodes { id } } } }",
      { id },
    );
    const file = found.package.packageFiles.nodes[0].id;
    const query = "mutation ($id: ID!) { destroyPackageFile(input: {id: $id}) { errors reasons } }";
    const errorsOf = async (asker: Asker, of: string) =>
      (await asker.data(query, { id: of })).destroyPackageFile.errors;
    for (const each of [file, file.replace("gokura/PackageFile", "gitlab/Packages::PackageFile")])
      expect(await errorsOf(root, each)).toEqual([expect.stringMatching(/half a Go version/)]);
    expect(await errorsOf(members.stranger, file)).toEqual(["Package Not Found"]);
  });
});

describe("a list of 100 costs as many statements as a list of 1", () => {
  beforeAll(async () => {
    await createGroup(registry, OPERATOR, { fullPath: "many", visibility: "PUBLIC" });
    for (let n = 0; n < 100; n++) {
      await createGroup(registry, OPERATOR, { fullPath: `many/g${n}`, visibility: "PUBLIC" });
      const { id } = await createProject(registry, OPERATOR, { fullPath: `many/g${n}/p`, visibility: "PUBLIC" });
      await publishVersions(registry, id, [
        version(`gokura.test/many/g${n}/p`, "v1.0.0"),
        version(`gokura.test/many/g${n}/p`, "v1.1.0"),
      ]);
    }
  });

  test.each(
    Object.entries({
      "packages of projects": `query ($n: Int) { projects(first: $n, search: "many") { nodes { packages(first: 2) {
        count nodes { version project { fullPath } userPermissions { destroyPackage } goModuleVersion { module { path } } } } } } }`,
      "packages of a group": `query ($n: Int) { group(fullPath: "many") { packages(first: $n, sort: NAME_ASC) {
        nodes { version project { group { fullPath } } goModuleVersion { module { latestVersion { version } } } } } } }`,
      "groups and their packages": `query ($n: Int) { group(fullPath: "many") { descendantGroups(first: $n) { nodes {
        parent { fullPath } packages(first: 1, sort: PROJECT_PATH_ASC) { nodes { version } } projects(first: 1) { count nodes { path } } } } } }`,
    }),
  )("%s", async (_, query) => {
    await root.data(query, { n: 1 });
    await root.data(query, { n: 100 });
    const one = await countStatements(() => root.data(query, { n: 1 }));
    expect(await countStatements(() => root.data(query, { n: 100 }))).toBe(one);
  });
});

test("nothing of this part was left out", () => expect(leftOut("packages", server.sent)).toEqual([]));
