// Every query, every mutation, every field, argument and input field of schema.graphql, asked over HTTP and compared with
// what is so. The last tests read the schema and fail for what no test before them has asked, but for the parts that have
// test files of their own (schema-parts.ts).
import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, test } from "vitest";
import { numberIn } from "../../src/graphql/global-id.ts";
import type { Registry } from "../../src/registry/registry.ts";
import { pinZip } from "../../src/registry/versions/version-zip.ts";
import { testRegistry } from "../support/registry.ts";
import {
  type Asker,
  type GraphqlServer,
  PUBLIC_URL,
  publishVersions,
  recordExactly,
  serveGraphql,
  signUp,
  version,
} from "./graphql-server.ts";
import { leftOut, PARTS, wrongEntries } from "./schema-parts.ts";

const MOMENT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
const moment = expect.stringMatching(MOMENT);
const OID = "0123456789abcdef0123456789abcdef01234567";

const LIB = "gokura.test/acme/lib";
const GO_MOD = `// Deprecated: use v2
module ${LIB}

go 1.24

toolchain go1.24.1

require (
	example.com/direct v1.2.3
	example.com/other v0.0.0-20240102030405-0123456789ab // indirect
)

replace example.com/direct v1.2.3 => example.com/fork v1.2.4

replace example.com/other => ../other

exclude example.com/bad v1.0.0

retract v0.9.0 // published by accident

retract [v0.1.0, v0.3.0]
`;

let registry: Registry;
let server: GraphqlServer;
let root: Asker;
let alice: Asker;
let projectId: number;

beforeAll(async () => {
  registry = await testRegistry();
  server = await serveGraphql(registry);
  root = server.as(await signUp(registry, { username: "root", name: "Administrator", admin: true }));
  alice = server.as(await signUp(registry, { username: "alice", name: "Alice", email: "alice@example.com" }));
  server.as(await signUp(registry, { username: "bob" }));
});

describe("making", () => {
  test("groupCreate and groupUpdate", async () => {
    const { groupCreate } = await alice.data(`mutation {
      groupCreate(input: {fullPath: "acme", name: "Acme", description: "Tools", visibility: INTERNAL}) {
        errors reasons
        group { id name path fullPath description visibility kind parent { id } createdAt
          members { nodes { accessLevel user { username } } } }
      }
    }`);
    expect(groupCreate).toEqual({
      errors: [],
      reasons: [],
      group: {
        id: expect.stringMatching(/^gid:\/\/gokura\/Group\/\d+$/),
        name: "Acme",
        path: "acme",
        fullPath: "acme",
        description: "Tools",
        visibility: "INTERNAL",
        kind: "GROUP",
        parent: null,
        createdAt: moment,
        members: { nodes: [{ accessLevel: "OWNER", user: { username: "alice" } }] },
      },
    });
    const { groupUpdate } = await alice.data(`mutation {
      groupUpdate(input: {fullPath: "acme", name: "ACME", description: "All tools", visibility: PUBLIC}) {
        errors reasons
        group { name description visibility }
      }
    }`);
    expect(groupUpdate).toEqual({
      errors: [],
      reasons: [],
      group: { name: "ACME", description: "All tools", visibility: "PUBLIC" },
    });
  });

  test("projectCreate and projectUpdate", async () => {
    const { projectCreate } = await root.data(`mutation {
      projectCreate(input: {
        fullPath: "acme/lib", name: "Library", description: "Parts", visibility: PRIVATE,
        modulePrefix: "example.org/lib", tagScheme: GITLAB, listRefused: true, objectFormat: SHA256
      }) {
        errors reasons
        project { id name path fullPath description visibility packagesEnabled tagScheme listRefused objectFormat modulePrefix modulePath
          httpUrlToRepo goProxyUrl createdAt lastActivityAt group { fullPath } }
      }
    }`);
    expect(projectCreate).toEqual({
      errors: [],
      reasons: [],
      project: {
        id: expect.stringMatching(/^gid:\/\/gokura\/Project\/\d+$/),
        name: "Library",
        path: "lib",
        fullPath: "acme/lib",
        description: "Parts",
        visibility: "PRIVATE",
        packagesEnabled: true,
        tagScheme: "GITLAB",
        listRefused: true,
        objectFormat: "SHA256",
        modulePrefix: "example.org/lib",
        modulePath: LIB,
        httpUrlToRepo: `${PUBLIC_URL}/acme/lib.git`,
        goProxyUrl: `${PUBLIC_URL}/api/v4/projects/acme%2Flib/packages/go`,
        createdAt: moment,
        lastActivityAt: moment,
        group: { fullPath: "acme" },
      },
    });
    projectId = numberIn("Project", projectCreate.project.id);
    const { projectUpdate } = await alice.data(`mutation {
      projectUpdate(input: {
        fullPath: "acme/lib", name: "Lib", description: "", visibility: PUBLIC, packagesEnabled: true,
        modulePrefix: null, tagScheme: GO, listRefused: false
      }) {
        errors reasons
        project { name description visibility packagesEnabled modulePrefix tagScheme listRefused }
      }
    }`);
    expect(projectUpdate).toEqual({
      errors: [],
      reasons: [],
      project: {
        name: "Lib",
        description: "",
        visibility: "PUBLIC",
        packagesEnabled: true,
        modulePrefix: null,
        tagScheme: "GO",
        listRefused: false,
      },
    });
  });

  test("a group and a project in it by one request: the second mutation sees what the first one did", async () => {
    const data = await alice.data(`mutation {
      groupCreate(input: {fullPath: "acme/inner"}) { errors reasons group { visibility parent { fullPath } } }
      projectCreate(input: {fullPath: "acme/inner/tool"}) { errors reasons project { fullPath visibility tagScheme } }
    }`);
    expect(data).toEqual({
      groupCreate: { errors: [], reasons: [], group: { visibility: "PRIVATE", parent: { fullPath: "acme" } } },
      projectCreate: {
        errors: [],
        reasons: [],
        project: { fullPath: "acme/inner/tool", visibility: "PRIVATE", tagScheme: "GO" },
      },
    });
  });

  test("memberAdd to a project and to a group", async () => {
    const data = await alice.data(`mutation {
      toProject: memberAdd(input: {projectPath: "acme/lib", username: "bob", accessLevel: REPORTER, expiresAt: "2099-01-31"}) {
        errors reasons
        member { id accessLevel expiresAt createdAt user { id username name blocked createdAt } }
      }
      toGroup: memberAdd(input: {groupPath: "acme", username: "bob"}) { errors reasons member { accessLevel expiresAt } }
    }`);
    expect(data.toProject).toEqual({
      errors: [],
      reasons: [],
      member: {
        id: expect.stringMatching(/^gid:\/\/gokura\/Member\/\d+$/),
        accessLevel: "REPORTER",
        expiresAt: "2099-01-31",
        createdAt: moment,
        user: {
          id: expect.stringMatching(/^gid:\/\/gokura\/User\/\d+$/),
          username: "bob",
          name: "bob",
          blocked: false,
          createdAt: moment,
        },
      },
    });
    expect(data.toGroup).toEqual({ errors: [], reasons: [], member: { accessLevel: "DEVELOPER", expiresAt: null } });
  });

  test("tokenCreate: personal, for another, deploy", async () => {
    const fields = `errors reasons secret token { id kind name scopes username active expiresAt revokedAt lastUsedAt createdAt }`;
    const own = await alice.data(`mutation {
      tokenCreate(input: {name: "laptop", scopes: [READ_API, READ_REPOSITORY], expiresAt: "2099-12-31"}) { ${fields} }
    }`);
    expect(own.tokenCreate).toEqual({
      errors: [],
      reasons: [],
      secret: expect.stringMatching(/^gkpt_[0-9A-Za-z]{36}$/),
      token: {
        id: expect.stringMatching(/^gid:\/\/gokura\/Token\/\d+$/),
        kind: "PERSONAL",
        name: "laptop",
        scopes: ["READ_API", "READ_REPOSITORY"],
        username: null,
        active: true,
        expiresAt: "2099-12-31T00:00:00.000Z",
        revokedAt: null,
        lastUsedAt: null,
        createdAt: moment,
      },
    });
    const who = await server.as(own.tokenCreate.secret).data("{ currentUser { username } }");
    expect(who.currentUser.username).toBe("alice");

    const others = await root.data(`mutation {
      tokenCreate(input: {name: "robot", scopes: [API], username: "bob"}) { errors reasons secret }
    }`);
    expect(await server.as(others.tokenCreate.secret).data("{ currentUser { username } }")).toEqual({
      currentUser: { username: "bob" },
    });

    const deploy = await alice.data(`mutation {
      tokenCreate(input: {name: "ci", scopes: [READ_PACKAGE_REGISTRY], projectPath: "acme/lib", username: "ci-user"}) {
        ${fields}
      }
    }`);
    expect(deploy.tokenCreate.secret).toMatch(/^gkdt_/);
    expect(deploy.tokenCreate.token).toMatchObject({
      kind: "DEPLOY",
      username: "ci-user",
      scopes: ["READ_PACKAGE_REGISTRY"],
      expiresAt: null,
    });

    const ofGroup = await alice.data(`mutation {
      tokenCreate(input: {name: "ci of all", scopes: [READ_REPOSITORY], groupPath: "ACME"}) {
        errors reasons secret token { kind name username group { fullPath } project { id } user { id } }
      }
    }`);
    expect(ofGroup.tokenCreate).toEqual({
      errors: [],
      reasons: [],
      secret: expect.stringMatching(/^gkdt_/),
      token: {
        kind: "DEPLOY",
        name: "ci of all",
        username: expect.stringMatching(/^gokura\+deploy-token-/),
        group: { fullPath: "acme" },
        project: null,
        user: null,
      },
    });
    const { group } = await alice.data(
      '{ group(fullPath: "acme") { deployTokens { nodes { name group { fullPath } } } } }',
    );
    expect(group.deployTokens.nodes).toEqual([{ name: "ci of all", group: { fullPath: "acme" } }]);
    const both = `tokenCreate(input: {name: "x", scopes: [READ_REPOSITORY], groupPath: "acme", projectPath: "acme/lib"}) { errors token { id } }`;
    expect(await alice.data(`mutation { ${both} }`)).toEqual({
      tokenCreate: { errors: ["name either a project or a group"], token: null },
    });
    const ofUser = `tokenCreate(input: {name: "x", scopes: [READ_REPOSITORY], groupPath: "alice"}) { errors reasons }`;
    expect((await alice.data(`mutation { ${ofUser} }`)).tokenCreate).toEqual({
      errors: [expect.stringMatching(/^alice is the namespace of a user, and no group/)],
      reasons: ["invalid_request"],
    });
  });

  test("featureFlagSet: for everybody, for a project, for a group", async () => {
    const data = await root.data(`mutation {
      everybody: featureFlagSet(input: {name: "go_proxy", enabled: true}) { errors reasons featureFlag { name enabled projects groups } }
      project: featureFlagSet(input: {name: "trial", enabled: true, projectPath: "acme/lib"}) { errors reasons featureFlag { projects } }
      group: featureFlagSet(input: {name: "trial", enabled: true, groupPath: "acme"}) { errors reasons featureFlag { name enabled projects groups } }
    }`);
    expect(data).toEqual({
      everybody: {
        errors: [],
        reasons: [],
        featureFlag: { name: "go_proxy", enabled: true, projects: [], groups: [] },
      },
      project: { errors: [], reasons: [], featureFlag: { projects: ["acme/lib"] } },
      group: {
        errors: [],
        reasons: [],
        featureFlag: { name: "trial", enabled: false, projects: ["acme/lib"], groups: ["acme"] },
      },
    });
  });
});

describe("asking", () => {
  beforeAll(async () => {
    const oid = (digit: number) => String(digit).repeat(40);
    const tag = (name: string, digit: number) => ({ name: `refs/tags/${name}`, oid: oid(digit), peeled: oid(digit) });
    await recordExactly(registry, projectId, [tag("v1.0.0", 1), tag("v0.9.0", 2)]);
    await recordExactly(registry, projectId, [tag("v1.0.0", 3)]);
    const [first] = await publishVersions(
      registry,
      projectId,
      [
        version(LIB, "v1.0.0", { text: GO_MOD, commit: OID }),
        version(LIB, "v0.9.0"),
        version(LIB, "v1.1.0-rc.1", { text: `module ${LIB}\nrequire (\n` }),
        version(LIB, "v0.0.0-20240102030405-0123456789ab", { ref: undefined }),
        version(`${LIB}/sub`, "v0.1.0"),
      ],
      [
        { tag: "nightly", reason: "nightly is no version" },
        { tag: "v3.0.0", modulePath: LIB, version: "v3.0.0", reason: "go.mod has no /v3", listed: true },
        { tag: "v9.9.9", modulePath: `${LIB}/quiet`, version: "v9.9.9", reason: "another module's", silent: true },
      ],
    );
    await pinZip(registry, first!, { h1: "h1:zip=", sha256: "ab".repeat(32), size: 2 ** 40 });
  });

  test("currentUser", async () => {
    const query = `{ currentUser { id username name email admin blocked createdAt
      tokens(first: 1) {
        nodes { name active lastUsedAt }
        edges { cursor node { name } }
        pageInfo { startCursor endCursor hasNextPage hasPreviousPage }
      } } }`;
    const { currentUser } = await alice.data(query);
    expect(currentUser).toMatchObject({
      username: "alice",
      name: "Alice",
      email: "alice@example.com",
      admin: false,
      blocked: false,
      createdAt: moment,
    });
    const { nodes, edges, pageInfo } = currentUser.tokens;
    expect(nodes).toEqual([{ name: "laptop", active: true, lastUsedAt: moment }]);
    expect(edges).toEqual([{ cursor: pageInfo.startCursor, node: { name: "laptop" } }]);
    expect(pageInfo).toEqual({
      startCursor: expect.any(String),
      endCursor: pageInfo.startCursor,
      hasNextPage: true,
      hasPreviousPage: false,
    });
    const next = await alice.data(
      `query ($after: String) { currentUser { tokens(first: 5, after: $after) { nodes { name } } back: tokens(last: 1, before: $after) { nodes { name } } } }`,
      { after: pageInfo.endCursor },
    );
    expect(next.currentUser).toEqual({ tokens: { nodes: [{ name: "test" }] }, back: { nodes: [] } });
    expect(await server.as().data("{ currentUser { id } }")).toEqual({ currentUser: null });
  });

  test("project with everything in it", async () => {
    const { project } = await alice.data(`{ project(fullPath: "ACME/Lib") {
      fullPath
      goModules(first: 1) {
        nodes { id path origin deprecated createdAt project { fullPath } latestVersion { version } }
        edges { cursor node { path } }
        pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
      }
      last: goModules(last: 1) { nodes { path } }
      rejectedTags(first: 10) { name reason modulePath listed }
      tagEvents(first: 10) { tag kind oldCommit newCommit actor at }
      protectedTags { name createAccessLevel createdAt }
      members { nodes { accessLevel user { username } } edges { cursor node { id } } pageInfo { hasNextPage } }
      deployTokens { nodes { name kind } edges { cursor node { id } } pageInfo { hasNextPage } }
    } }`);
    expect(project.fullPath).toBe("acme/lib");
    expect(project.goModules.nodes).toEqual([
      {
        id: expect.stringMatching(/^gid:\/\/gokura\/GoModule\/\d+$/),
        path: LIB,
        origin: "HOSTED",
        deprecated: "use v2",
        createdAt: moment,
        project: { fullPath: "acme/lib" },
        latestVersion: { version: "v1.0.0" },
      },
    ]);
    expect(project.goModules.pageInfo.hasNextPage).toBe(true);
    expect(project.last.nodes).toEqual([{ path: `${LIB}/sub` }]);
    expect(project.rejectedTags).toEqual([
      { name: "nightly", reason: "nightly is no version", modulePath: null, listed: false },
      { name: "v3.0.0", reason: "go.mod has no /v3", modulePath: LIB, listed: true },
    ]);
    expect(project.tagEvents).toHaveLength(2);
    expect(project.tagEvents).toEqual(
      expect.arrayContaining([
        {
          tag: "v1.0.0",
          kind: "MOVED",
          oldCommit: "1".repeat(40),
          newCommit: "3".repeat(40),
          actor: "cli",
          at: moment,
        },
        { tag: "v0.9.0", kind: "DELETED", oldCommit: "2".repeat(40), newCommit: null, actor: "cli", at: moment },
      ]),
    );
    expect(project.members.nodes).toEqual([{ accessLevel: "REPORTER", user: { username: "bob" } }]);
    expect(project.deployTokens.nodes).toEqual([{ name: "ci", kind: "DEPLOY" }]);
  });

  test("projects: search, membership, pages", async () => {
    const { all, mine, first, found } = await alice.data(`{
      all: projects { nodes { fullPath } pageInfo { endCursor } }
      mine: projects(membership: true) { nodes { fullPath } }
      first: projects(first: 1) { nodes { fullPath } edges { cursor node { fullPath } } pageInfo { hasNextPage endCursor } }
      found: projects(search: "INNER") { nodes { fullPath } }
    }`);
    const paths = ["acme/lib", "acme/inner/tool"].map((fullPath) => ({ fullPath }));
    expect([all.nodes, mine.nodes, first.nodes, found.nodes]).toEqual([paths, paths, [paths[0]], [paths[1]]]);
    const after = await alice.data(
      `query ($cursor: String) { projects(after: $cursor) { nodes { fullPath } } back: projects(last: 5, before: $cursor) { nodes { fullPath } } }`,
      { cursor: first.pageInfo.endCursor },
    );
    expect([after.projects.nodes, after.back.nodes]).toEqual([[paths[1]], []]);
  });

  test("group with its projects and members; a user's namespace", async () => {
    const data = await alice.data(`{
      group(fullPath: "acme") {
        fullPath kind
        projects { nodes { fullPath } }
        tree: projects(includeSubgroups: true, first: 10) { nodes { fullPath } }
        members(first: 1) { nodes { user { username } } edges { cursor node { accessLevel } } pageInfo { endCursor hasNextPage } }
        rest: members(last: 1) { nodes { user { username email tokens { nodes { id } } } } }
      }
      inner: group(fullPath: "acme/inner") { parent { fullPath parent { fullPath } } }
      own: group(fullPath: "alice") { kind visibility }
    }`);
    expect(data.group).toMatchObject({
      fullPath: "acme",
      kind: "GROUP",
      projects: { nodes: [{ fullPath: "acme/lib" }] },
      tree: { nodes: [{ fullPath: "acme/lib" }, { fullPath: "acme/inner/tool" }] },
      members: { nodes: [{ user: { username: "alice" } }], pageInfo: { hasNextPage: true } },
      rest: { nodes: [{ user: { username: "bob", email: null, tokens: null } }] },
    });
    expect(data.inner).toEqual({ parent: { fullPath: "acme", parent: null } });
    expect(data.own).toEqual({ kind: "USER", visibility: "PUBLIC" });
  });

  test("goModule with its versions and go.mod files", async () => {
    const { goModule } = await server.as().data(`{ goModule(path: "${LIB}") {
      path
      latestVersion { version }
      versions(first: 2) {
        nodes { id version kind time commit ref h1 goModH1 zipSize retracted retractRationale createdAt module { path }
          goMod { text module go toolchain parseError
            requires { path version indirect } replaces { oldPath oldVersion newPath newVersion }
            excludes { path version } retracts { low high rationale } } }
        edges { cursor node { version } }
        pageInfo { startCursor endCursor hasNextPage hasPreviousPage }
      }
    } }`);
    const [candidate, release] = goModule.versions.nodes;
    expect(goModule.latestVersion).toEqual({ version: "v1.0.0" });
    expect(release).toEqual({
      id: expect.stringMatching(/^gid:\/\/gokura\/GoModuleVersion\/\d+$/),
      version: "v1.0.0",
      kind: "RELEASE",
      time: "2024-05-06T07:08:09.000Z",
      commit: OID,
      ref: "refs/tags/v1.0.0",
      h1: "h1:zip=",
      goModH1: expect.stringMatching(/^h1:.{43}=$/),
      zipSize: "1099511627776",
      retracted: false,
      retractRationale: null,
      createdAt: moment,
      module: { path: LIB },
      goMod: {
        text: GO_MOD,
        module: LIB,
        go: "1.24",
        toolchain: "go1.24.1",
        parseError: null,
        requires: [
          { path: "example.com/direct", version: "v1.2.3", indirect: false },
          { path: "example.com/other", version: "v0.0.0-20240102030405-0123456789ab", indirect: true },
        ],
        replaces: [
          { oldPath: "example.com/direct", oldVersion: "v1.2.3", newPath: "example.com/fork", newVersion: "v1.2.4" },
          { oldPath: "example.com/other", oldVersion: null, newPath: "../other", newVersion: null },
        ],
        excludes: [{ path: "example.com/bad", version: "v1.0.0" }],
        retracts: [
          { low: "v0.9.0", high: "v0.9.0", rationale: "published by accident" },
          { low: "v0.1.0", high: "v0.3.0", rationale: null },
        ],
      },
    });
    expect(candidate).toMatchObject({
      version: "v1.1.0-rc.1",
      kind: "PRERELEASE",
      h1: null,
      zipSize: null,
      goMod: { module: LIB, go: null, requires: [], parseError: expect.stringContaining("go.mod:2") },
    });
    const { nodes } = (
      await server.as().data(
        `query ($after: String, $before: String) { goModule(path: "${LIB}") {
          versions(includePseudo: true, after: $after) { nodes { version kind ref retracted retractRationale } }
          back: versions(last: 1, before: $before) { nodes { version } } } }`,
        { after: goModule.versions.pageInfo.endCursor, before: goModule.versions.pageInfo.endCursor },
      )
    ).goModule.versions;
    expect(nodes).toEqual([
      {
        version: "v0.9.0",
        kind: "RELEASE",
        ref: "refs/tags/v0.9.0",
        retracted: true,
        retractRationale: "published by accident",
      },
      {
        version: "v0.0.0-20240102030405-0123456789ab",
        kind: "PSEUDO",
        ref: null,
        retracted: false,
        retractRationale: null,
      },
    ]);
  });

  test("goModules: search and pages", async () => {
    const { all, found, first } = await server.as().data(`{
      all: goModules { nodes { path } }
      found: goModules(search: "/SUB") { nodes { path } }
      first: goModules(first: 1) { nodes { path } edges { cursor node { path } } pageInfo { endCursor hasNextPage } }
    }`);
    expect(all.nodes).toEqual([{ path: LIB }, { path: `${LIB}/sub` }]);
    expect(found.nodes).toEqual([{ path: `${LIB}/sub` }]);
    const rest = await server
      .as()
      .data(
        `query ($c: String) { goModules(after: $c) { nodes { path } } back: goModules(last: 1, before: $c) { nodes { path } } }`,
        { c: first.pageInfo.endCursor },
      );
    expect([rest.goModules.nodes, rest.back.nodes]).toEqual([[{ path: `${LIB}/sub` }], []]);
  });

  test("featureFlags", async () => {
    const { featureFlags } = await root.data("{ featureFlags { name enabled projects groups } }");
    expect(featureFlags).toEqual([
      { name: "go_proxy", enabled: true, projects: [], groups: [] },
      { name: "trial", enabled: false, projects: ["acme/lib"], groups: ["acme"] },
    ]);
  });

  test("every list takes first, after, last and before", async () => {
    const page = "(first: $first, after: $cursor, last: $last, before: $cursor) { pageInfo { hasNextPage } }";
    const query = `query ($first: Int, $last: Int, $cursor: String) {
      currentUser { tokens${page} }
      projects${page}
      goModules${page}
      group(fullPath: "acme") { projects${page} members${page} deployTokens${page} }
      project(fullPath: "acme/lib") { goModules${page} members${page} deployTokens${page} }
      goModule(path: "${LIB}") { versions${page} }
    }`;
    for (const variables of [{ first: 1 }, { last: 1 }, {}]) await alice.data(query, variables);
  });
});

describe("taking away", () => {
  test("tokenRevoke: at once", async () => {
    const { tokenCreate } = await alice.data(`mutation {
      tokenCreate(input: {name: "short", scopes: [API]}) { secret token { id } } }`);
    const short = server.as(tokenCreate.secret);
    expect((await short.data("{ currentUser { username } }")).currentUser.username).toBe("alice");
    const { tokenRevoke } = await alice.data(
      "mutation ($id: ID!) { tokenRevoke(input: {id: $id}) { errors reasons token { id active revokedAt } } }",
      { id: tokenCreate.token.id },
    );
    expect(tokenRevoke).toEqual({
      errors: [],
      reasons: [],
      token: { id: tokenCreate.token.id, active: false, revokedAt: moment },
    });
    expect((await short("{ currentUser { username } }")).status).toBe(401);
    await alice.data(`mutation { tokenRevoke(input: {id: "${tokenCreate.token.id}"}) { errors reasons } }`);
  });

  test("memberRemove from a project and from a group", async () => {
    const data = await alice.data(`mutation {
      fromProject: memberRemove(input: {projectPath: "acme/lib", username: "bob"}) { errors reasons member { accessLevel user { username } } }
      fromGroup: memberRemove(input: {groupPath: "acme", username: "bob"}) { errors reasons member { accessLevel } }
      again: memberRemove(input: {groupPath: "acme", username: "bob"}) { errors reasons member { accessLevel } }
    }`);
    expect(data).toEqual({
      fromProject: { errors: [], reasons: [], member: { accessLevel: "REPORTER", user: { username: "bob" } } },
      fromGroup: { errors: [], reasons: [], member: { accessLevel: "DEVELOPER" } },
      again: { errors: ["bob is no direct member of acme"], reasons: ["not_found"], member: null },
    });
  });

  test("memberRemove of oneself, and of the last Owner", async () => {
    const bobs = server.as(
      (
        await root.data(`mutation {
      memberAdd(input: {groupPath: "acme", username: "bob", accessLevel: GUEST}) { errors reasons }
      tokenCreate(input: {name: "t", scopes: [API], username: "bob"}) { secret } }`)
      ).tokenCreate.secret,
    );
    const data = await bobs.data(`mutation {
      alice: memberRemove(input: {groupPath: "acme", username: "alice"}) { errors reasons }
      bob: memberRemove(input: {groupPath: "acme", username: "Bob"}) { errors reasons member { accessLevel } }
    }`);
    expect(data).toEqual({
      alice: {
        errors: ["removing members needs the access level owner in acme; ask one of its owners"],
        reasons: ["access_level_too_low"],
      },
      bob: { errors: [], reasons: [], member: { accessLevel: "GUEST" } },
    });
    const { memberRemove } = await alice.data(`mutation {
      memberRemove(input: {groupPath: "acme", username: "alice"}) { errors reasons } }`);
    expect(memberRemove.errors).toEqual([
      "alice is the last Owner of acme: make somebody else an Owner first, or delete the group",
    ]);
  });

  test("goModuleVersionDelete: the version is gone for good, the module stays", async () => {
    const mutation = `mutation ($version: String!) {
      goModuleVersionDelete(input: {modulePath: "${LIB}", version: $version}) {
        errors reasons goModule { path versions { nodes { version } } } } }`;
    const { goModule } = await alice.data(`{ goModule(path: "${LIB}") { versions { nodes { version } } } }`);
    const [newest, ...others] = goModule.versions.nodes;
    const first = await alice.data(mutation, newest);
    expect(first.goModuleVersionDelete).toEqual({
      errors: [],
      reasons: [],
      goModule: { path: LIB, versions: { nodes: others } },
    });
    const again = await alice.data(mutation, newest);
    expect(again.goModuleVersionDelete).toEqual({
      errors: [`there is no version ${newest.version} of ${LIB}`],
      reasons: ["not_found"],
      goModule: null,
    });
  });

  test("protectedTagCreate, protectedTagDelete", async () => {
    const tag = "protectedTag { name createAccessLevel createdAt }";
    const { most, none, gone } = await alice.data(`mutation {
      most: protectedTagCreate(input: {projectPath: "acme/lib", name: "v*", createAccessLevel: DEVELOPER}) { errors ${tag} }
      none: protectedTagCreate(input: {projectPath: "acme/lib", name: "v0*", createAccessLevel: null}) { errors ${tag} }
      gone: protectedTagDelete(input: {projectPath: "acme/lib", name: "v0*"}) { errors ${tag} }
    }`);
    expect(most).toEqual({
      errors: [],
      protectedTag: { name: "v*", createAccessLevel: "DEVELOPER", createdAt: expect.any(String) },
    });
    expect([none.protectedTag.createAccessLevel, gone]).toEqual([null, none]);
    const { project } = await alice.data(
      '{ project(fullPath: "acme/lib") { protectedTags { name createAccessLevel createdAt } } }',
    );
    expect(project.protectedTags).toEqual([most.protectedTag]);
  });

  test("groupQuotaSet: what a group may hold", async () => {
    const { groupQuotaSet } = await root.data(`mutation {
      groupQuotaSet(input: {fullPath: "acme", maxBytes: "1000000", maxProjects: 20}) {
        errors reasons group { quota { maxBytes maxProjects bytes projects } }
      }
    }`);
    expect(groupQuotaSet).toEqual({
      ...{ errors: [], reasons: [] },
      group: {
        quota: { maxBytes: "1000000", maxProjects: 20, bytes: expect.any(String), projects: expect.any(Number) },
      },
    });
  });

  test("projectDelete and groupDelete return what was", async () => {
    const data = await alice.data(`mutation {
      projectDelete(input: {fullPath: "acme/lib"}) { errors reasons project { fullPath group { fullPath } goModules { nodes { path } } } }
      groupDelete(input: {fullPath: "acme"}) { errors reasons group { fullPath projects(includeSubgroups: true) { nodes { id } } } }
    }`);
    expect(data).toEqual({
      projectDelete: {
        errors: [],
        reasons: [],
        project: { fullPath: "acme/lib", group: { fullPath: "acme" }, goModules: { nodes: [] } },
      },
      groupDelete: { errors: [], reasons: [], group: { fullPath: "acme", projects: { nodes: [] } } },
    });
    expect(
      await root.data(
        `{ project(fullPath: "acme/lib") { id } group(fullPath: "acme") { id } goModule(path: "${LIB}") { id } }`,
      ),
    ).toEqual({ project: null, group: null, goModule: null });
  });
});

describe("the whole schema", () => {
  test("nothing that is in no part was left out", () => {
    expect(leftOut("the rest", server.sent)).toEqual([]);
  });

  test("parts list what there is, each thing once", () => {
    expect(wrongEntries()).toEqual([]);
  });

  test.each(Object.entries(PARTS).filter(([, entries]) => entries.length > 0))("the part %s has its test", (part) => {
    expect(readFileSync(`test/graphql/${part}.test.ts`, "utf8")).toMatch(
      new RegExp(`expect\\(leftOut\\("${part}", (?:server\\.)?sent\\)\\)\\.toEqual\\(\\[\\]\\)`),
    );
  });
});
