// Who sees what and who may do what, through GraphQL: the rules of registry/access/access.ts from the outside.
import { beforeAll, describe, expect, test } from "vitest";
import { ACCESS_LEVELS } from "../../src/registry/access/acts.ts";
import { createGroup } from "../../src/registry/forge/groups.ts";
import { addMember } from "../../src/registry/forge/members.ts";
import { createProject, findProject, updateProject } from "../../src/registry/forge/projects.ts";
import { createDeployToken, createGroupDeployToken, createPersonalToken } from "../../src/registry/forge/tokens.ts";
import { setUserBlocked } from "../../src/registry/forge/users.ts";
import { OPERATOR } from "../../src/registry/principal.ts";
import type { Registry } from "../../src/registry/registry.ts";
import { testRegistry } from "../support/registry.ts";
import {
  type Asker,
  type GraphqlServer,
  publishVersions,
  recordExactly,
  serveGraphql,
  signUp,
  version,
} from "./graphql-server.ts";

type Visibility = "PRIVATE" | "INTERNAL" | "PUBLIC";
const VISIBILITIES: readonly Visibility[] = ["PRIVATE", "INTERNAL", "PUBLIC"];
const LEVELS = Object.entries(ACCESS_LEVELS);

let registry: Registry;
let server: GraphqlServer;
const askers: Record<string, Asker> = {};

beforeAll(async () => {
  registry = await testRegistry();
  server = await serveGraphql(registry);
  askers.anonymous = server.as();
  askers.admin = server.as(await signUp(registry, { username: "root", admin: true }));
  await createGroup(registry, OPERATOR, { fullPath: "team", visibility: "PUBLIC" });
  await createGroup(registry, OPERATOR, { fullPath: "cave", visibility: "PRIVATE" });
  for (const username of ["outsider", "direct", ...LEVELS.map(([name]) => name)])
    askers[username] = server.as(await signUp(registry, { username, email: `${username}@example.com` }));
  for (const [username, accessLevel] of LEVELS)
    await addMember(registry, OPERATOR, { groupPath: "team" }, { username, accessLevel });
  for (const visibility of VISIBILITIES) await makeProject(`team/${visibility.toLowerCase()}`, visibility);
  await makeProject("cave/hidden", "PRIVATE");
  await addMember(registry, OPERATOR, { projectPath: "cave/hidden" }, { username: "direct", accessLevel: 20 });
});

async function makeProject(fullPath: string, visibility: Visibility): Promise<void> {
  const { id } = await createProject(registry, OPERATOR, { fullPath, visibility });
  await addMember(registry, OPERATOR, { projectPath: fullPath }, { username: "root", accessLevel: 30 });
  await createDeployToken(registry, OPERATOR, fullPath, { name: "ci", scopes: ["read_repository"] });
  const oid = "1".repeat(40);
  await recordExactly(registry, id, [{ name: "refs/tags/v1.0.0", oid }]);
  await recordExactly(registry, id, []);
  await publishVersions(
    registry,
    id,
    [version(`gokura.test/${fullPath}`, "v1.0.0")],
    [{ tag: "x", reason: "no version" }],
  );
}

/** A word for everything that an asker sees of a project. */
async function sight(asker: Asker, fullPath: string): Promise<string> {
  const path = `gokura.test/${fullPath}`;
  const data = await asker.data(
    `query ($fullPath: ID!, $path: String!) {
      project(fullPath: $fullPath) {
        goModules { nodes { path } }
        rejectedTags { name }
        tagEvents { tag }
        members { nodes { id } }
        deployTokens { nodes { id } }
      }
      goModule(path: $path) { project { fullPath } versions { nodes { version } } }
      goModules(search: $path) { nodes { path } }
      projects(search: $path) { nodes { fullPath } }
      listed: projects { nodes { fullPath } }
    }`,
    { fullPath, path },
  );
  const { project, goModule, goModules, listed } = data;
  const seen = {
    project: project !== null,
    listed: listed.nodes.some((one: { fullPath: string }) => one.fullPath === fullPath),
    modules: project?.goModules.nodes.length === 1,
    module: goModule?.versions.nodes.length === 1,
    search: goModules.nodes.length === 1,
    rejected: project?.rejectedTags.length === 1,
    members: project?.members?.nodes.length >= 1,
    events: project?.tagEvents?.length === 1,
    tokens: project?.deployTokens?.nodes.length === 1,
  };
  return Object.entries(seen)
    .filter(([, yes]) => yes)
    .map(([name]) => name)
    .join(" ");
}

const SEEN = "project listed";
const CODE = "project listed modules module search rejected";
const ALL = "project listed modules module search rejected members events tokens";

describe("what is seen of a project", () => {
  const expected: Record<Visibility, Record<string, string>> = {
    PRIVATE: {
      anonymous: "",
      outsider: "",
      guest: `${SEEN} members`,
      reporter: `${CODE} members`,
      developer: `${CODE} members`,
      maintainer: ALL,
      owner: ALL,
      admin: ALL,
    },
    INTERNAL: {
      anonymous: "",
      outsider: CODE,
      guest: `${CODE} members`,
      reporter: `${CODE} members`,
      developer: `${CODE} members`,
      maintainer: ALL,
      owner: ALL,
      admin: ALL,
    },
    PUBLIC: {
      anonymous: CODE,
      outsider: CODE,
      guest: `${CODE} members`,
      reporter: `${CODE} members`,
      developer: `${CODE} members`,
      maintainer: ALL,
      owner: ALL,
      admin: ALL,
    },
  };
  for (const visibility of VISIBILITIES)
    for (const [name, words] of Object.entries(expected[visibility]))
      test(`${visibility.toLowerCase()} project, ${name}`, async () => {
        expect(await sight(askers[name]!, `team/${visibility.toLowerCase()}`)).toBe(words);
      });

  test("a direct member of a project in a private group sees both, and nobody else does", async () => {
    expect(await sight(askers.direct!, "cave/hidden")).toBe(`${CODE} members`);
    for (const name of ["anonymous", "outsider", "owner"]) expect(await sight(askers[name]!, "cave/hidden")).toBe("");
    const query = '{ group(fullPath: "cave") { projects { nodes { fullPath } } members { nodes { id } } } }';
    const group = (await askers.direct!.data(query)).group;
    expect(group).toEqual({ projects: { nodes: [{ fullPath: "cave/hidden" }] }, members: null });
    for (const name of ["anonymous", "outsider", "owner"]) expect((await askers[name]!.data(query)).group).toBeNull();
    expect((await askers.admin!.data(query)).group.members.nodes).toEqual([]);
  });

  test("what is hidden and what does not exist are answered alike", async () => {
    const ask = (name: string) =>
      askers.outsider!(
        `{ project(fullPath: "${name}") { id } group(fullPath: "${name}") { id } goModule(path: "gokura.test/${name}") { id } }`,
      );
    for (const name of [
      "cave/hidden",
      "cave",
      "team/private",
      "no/such",
      "",
      "/",
      "%",
      "x".repeat(2_000),
      "a\\u0000b",
    ]) {
      const { status, data, errors } = await ask(name);
      expect({ status, data, errors }).toEqual({
        status: 200,
        data: { project: null, group: null, goModule: null },
        errors: undefined,
      });
    }
    const update = (name: string) =>
      askers.outsider!.data(`mutation { projectUpdate(input: {fullPath: "${name}"}) { errors project { id } } }`);
    expect(await update("cave/hidden")).toEqual(await update("no/such"));
  });

  test("a project whose registry is off shows no modules, not even to administrators", async () => {
    await updateProject(registry, OPERATOR, "cave/hidden", { packagesEnabled: false });
    expect(await sight(askers.admin!, "cave/hidden")).toBe("project listed rejected members events tokens");
    expect(await sight(askers.direct!, "cave/hidden")).toBe("project listed rejected members");
    await updateProject(registry, OPERATOR, "cave/hidden", { packagesEnabled: true });
    expect(await sight(askers.direct!, "cave/hidden")).toBe(`${CODE} members`);
  });

  test("addresses, tokens and rank of others are for administrators", async () => {
    const query = `{ group(fullPath: "team") { members(first: 1) { nodes { user { username email admin tokens { nodes { name } } } } } } }`;
    const user = async (name: string) => (await askers[name]!.data(query)).group.members.nodes[0].user;
    expect(await user("reporter")).toEqual({ username: "guest", email: null, admin: null, tokens: null });
    const whole = {
      username: "guest",
      email: "guest@example.com",
      admin: false,
      tokens: { nodes: [{ name: "test" }] },
    };
    expect(await user("guest")).toEqual(whole);
    expect(await user("admin")).toEqual(whole);
  });
});

describe("what may be done", () => {
  /** What came of a mutation: "done", the payload's error, or the code of the GraphQL error. */
  async function outcome(asker: Asker, mutation: string): Promise<string> {
    const { data, errors } = await asker(`mutation { act: ${mutation} }`);
    if (errors) return errors[0]!.extensions!.code!;
    const { errors: refusals, ...object } = data.act;
    expect(Object.values(object).every((value) => (value === null) === refusals.length > 0)).toBe(true);
    return refusals[0] ?? "done";
  }

  let count = 0;
  const acts: [name: string, least: keyof typeof ACCESS_LEVELS, mutation: () => string][] = [
    [
      "make a project",
      "developer",
      () => `projectCreate(input: {fullPath: "team/new${++count}"}) { errors project { id } }`,
    ],
    [
      "change a project",
      "maintainer",
      () => `projectUpdate(input: {fullPath: "team/private", description: "d"}) { errors project { id } }`,
    ],
    [
      "make a deploy token",
      "maintainer",
      () =>
        `tokenCreate(input: {name: "t", scopes: [READ_REPOSITORY], projectPath: "team/private"}) { errors secret token { id } }`,
    ],
    [
      "make a deploy token of a group",
      "owner",
      () =>
        `tokenCreate(input: {name: "t", scopes: [READ_REPOSITORY], groupPath: "team"}) { errors secret token { id } }`,
    ],
    [
      "add a member to a project",
      "maintainer",
      () =>
        `memberAdd(input: {projectPath: "team/private", username: "direct", accessLevel: GUEST}) { errors member { id } }`,
    ],
    [
      "make a group below",
      "maintainer",
      () => `groupCreate(input: {fullPath: "team/sub${++count}"}) { errors group { id } }`,
    ],
    [
      "change a group",
      "owner",
      () => `groupUpdate(input: {fullPath: "team", description: "d"}) { errors group { id } }`,
    ],
    [
      "add a member to a group",
      "owner",
      () => `memberAdd(input: {groupPath: "team", username: "direct", accessLevel: GUEST}) { errors member { id } }`,
    ],
  ];
  for (const [act, least, mutation] of acts)
    test(`${act}: ${least}s and above`, async () => {
      expect(await outcome(askers.anonymous!, mutation())).toBe("UNAUTHENTICATED");
      expect(await outcome(askers.outsider!, mutation())).toMatch(/Not Found|needs the access level/);
      for (const [name, level] of LEVELS) {
        const result = await outcome(askers[name]!, mutation());
        if (level >= ACCESS_LEVELS[least]) expect([name, result]).toEqual([name, "done"]);
        else expect([name, result]).toEqual([name, expect.stringMatching(`needs the access level ${least} in team`)]);
      }
      expect(await outcome(askers.admin!, mutation())).toBe("done");
      await registry.prisma.member.deleteMany({ where: { user: { username: "direct" }, group: { fullPath: "team" } } });
    });

  test("delete a project: owners; delete a group: owners", async () => {
    await createProject(registry, OPERATOR, { fullPath: "team/doomed" });
    const mutation = 'projectDelete(input: {fullPath: "team/doomed"}) { errors project { id } }';
    expect(await outcome(askers.maintainer!, mutation)).toMatch(/needs the access level owner/);
    expect(await outcome(askers.owner!, mutation)).toBe("done");
    expect(await outcome(askers.owner!, mutation)).toBe("Project Not Found");
    await createGroup(registry, OPERATOR, { fullPath: "team/doomed" });
    const group = 'groupDelete(input: {fullPath: "team/doomed"}) { errors group { id } }';
    expect(await outcome(askers.maintainer!, group)).toMatch(/needs the access level owner/);
    expect(await outcome(askers.owner!, group)).toBe("done");
    expect(await outcome(askers.owner!, 'groupDelete(input: {fullPath: "owner"}) { errors group { id } }')).toMatch(
      /namespace of a user/,
    );
  });

  test("nobody gives or takes what is above oneself", async () => {
    const give = (level: string, username: string) =>
      `memberAdd(input: {projectPath: "team/private", username: "${username}", accessLevel: ${level}}) { errors member { id } }`;
    expect(await outcome(askers.maintainer!, give("OWNER", "direct"))).toMatch(/above the own one/);
    expect(await outcome(askers.owner!, give("OWNER", "outsider"))).toBe("done");
    expect(await outcome(askers.maintainer!, give("GUEST", "outsider"))).toMatch(/above oneself/);
    const take = 'memberRemove(input: {projectPath: "team/private", username: "outsider"}) { errors member { id } }';
    expect(await outcome(askers.maintainer!, take)).toMatch(/above oneself/);
    expect(await outcome(askers.guest!, take)).toMatch(/needs the access level maintainer/);
    expect(await outcome(askers.owner!, take)).toBe("done");
  });

  test("tokens: for oneself; for others as administrator; revoked by whoever may see them", async () => {
    const mine = 'tokenCreate(input: {name: "n", scopes: [API]}) { errors token { id } secret }';
    const others = 'tokenCreate(input: {name: "n", scopes: [API], username: "guest"}) { errors token { id } secret }';
    expect(await outcome(askers.outsider!, mine)).toBe("done");
    expect(await outcome(askers.anonymous!, mine)).toBe("UNAUTHENTICATED");
    expect(await outcome(askers.anonymous!, others)).toBe("UNAUTHENTICATED");
    expect(await outcome(askers.outsider!, others)).toBe("only administrators may make tokens for others");
    expect(await outcome(askers.admin!, others)).toBe("done");
    const revoke = (id: number) => `tokenRevoke(input: {id: "gid://gokura/Token/${id}"}) { errors token { id } }`;
    const token = await createPersonalToken(registry, OPERATOR, "guest", { name: "x", scopes: ["api"] });
    expect(await outcome(askers.anonymous!, revoke(token.token.id))).toBe("UNAUTHENTICATED");
    expect(await outcome(askers.owner!, revoke(token.token.id))).toBe(`there is no token ${token.token.id}`);
    expect(await outcome(askers.owner!, revoke(2_000_000))).toBe("there is no token 2000000");
    expect(await outcome(askers.guest!, revoke(token.token.id))).toBe("done");
    const deploy = await createDeployToken(registry, OPERATOR, "team/private", {
      name: "x",
      scopes: ["read_repository"],
    });
    expect(await outcome(askers.developer!, revoke(deploy.token.id))).toMatch(/there is no token/);
    expect(await outcome(askers.maintainer!, revoke(deploy.token.id))).toBe("done");
    const ofGroup = await createGroupDeployToken(registry, OPERATOR, "team", {
      name: "g",
      scopes: ["read_repository"],
    });
    expect(await outcome(askers.developer!, revoke(ofGroup.token.id))).toMatch(/there is no token/);
    // a Maintainer sees it in the list, so that it is no secret
    expect(await outcome(askers.maintainer!, revoke(ofGroup.token.id))).toBe(
      "revoking a deploy token needs the access level owner in team; ask one of its owners",
    );
    expect(await outcome(askers.owner!, revoke(ofGroup.token.id))).toBe("done");
    const listed = '{ group(fullPath: "team") { deployTokens { nodes { name active } } } }';
    const lists = async (name: string) => (await askers[name]!.data(listed)).group.deployTokens;
    for (const name of ["maintainer", "owner", "admin"])
      expect((await lists(name)).nodes).toContainEqual({ name: "g", active: false });
    for (const name of ["anonymous", "outsider", "guest", "developer"]) expect(await lists(name)).toBeNull();
  });

  test("feature flags: administrators", async () => {
    const set = 'featureFlagSet(input: {name: "go_proxy", enabled: true}) { errors featureFlag { name } }';
    expect(await outcome(askers.anonymous!, set)).toBe("UNAUTHENTICATED");
    expect(await outcome(askers.owner!, set)).toBe("only administrators may do this");
    expect(await outcome(askers.admin!, set)).toBe("done");
    const { data, errors } = await askers.owner!("{ featureFlags { name } currentUser { username } }");
    expect(data).toEqual({ featureFlags: null, currentUser: { username: "owner" } });
    expect(errors).toMatchObject([{ path: ["featureFlags"], extensions: { code: "FORBIDDEN" } }]);
    expect((await askers.anonymous!("{ featureFlags { name } }")).errors).toMatchObject([
      { extensions: { code: "UNAUTHENTICATED" } },
    ]);
    expect((await askers.admin!.data("{ featureFlags { name } }")).featureFlags).toEqual([{ name: "go_proxy" }]);
  });

  test("any user makes groups at the top; the anonymous and strangers make nothing", async () => {
    expect(await outcome(askers.outsider!, 'groupCreate(input: {fullPath: "mine"}) { errors group { id } }')).toBe(
      "done",
    );
    expect(await outcome(askers.anonymous!, 'groupCreate(input: {fullPath: "x"}) { errors group { id } }')).toBe(
      "UNAUTHENTICATED",
    );
    expect(
      await outcome(askers.outsider!, 'projectCreate(input: {fullPath: "outsider/own"}) { errors project { id } }'),
    ).toBe("done");
    // a group that may not be seen, and one that is not there
    for (const group of ["cave", "nowhere"])
      expect(
        await outcome(askers.outsider!, `projectCreate(input: {fullPath: "${group}/x"}) { errors project { id } }`),
      ).toBe(`there is no group ${group}; make it first (gokura group create)`);
    expect(
      await outcome(askers.outsider!, 'projectCreate(input: {fullPath: "guest/x"}) { errors project { id } }'),
    ).toMatch(/needs the access level developer/);
  });

  test("a name that counts for everybody is declared by administrators", async () => {
    for (const mutation of [
      'projectCreate(input: {fullPath: "team/p", modulePrefix: "example.org/p"}) { errors project { id } }',
      'projectUpdate(input: {fullPath: "team/public", modulePrefix: "example.org/p"}) { errors project { id } }',
    ])
      expect(await outcome(askers.owner!, mutation)).toMatch(
        /for everybody who uses this server: an administrator declares it/,
      );
  });

  test("a refusal says what to do, in the payload", async () => {
    const cases: [mutation: string, message: RegExp][] = [
      ['projectCreate(input: {fullPath: "alone"}) { errors project { id } }', /group\/name instead of "alone"/],
      ['projectCreate(input: {fullPath: "team/public"}) { errors project { id } }', /has already been taken/],
      ['projectCreate(input: {fullPath: "team/a b"}) { errors project { id } }', /cannot be a path/],
      ['projectCreate(input: {fullPath: "team/p", name: "a\\u0000"}) { errors project { id } }', /control characters/],
      ['projectCreate(input: {fullPath: "team/p", description: "a\\u0000"}) { errors project { id } }', /NUL/],
      [
        'projectCreate(input: {fullPath: "team/p", modulePrefix: "gokura.test/x"}) { errors project { id } }',
        /cannot be below/,
      ],
      [
        'projectCreate(input: {fullPath: "team/p", modulePrefix: "no dots"}) { errors project { id } }',
        /module prefix/,
      ],
      ['groupCreate(input: {fullPath: "api"}) { errors group { id } }', /reserved/],
      ['groupCreate(input: {fullPath: "cave/y", visibility: PUBLIC}) { errors group { id } }', /public is not allowed/],
      [
        'groupUpdate(input: {fullPath: "team", visibility: PRIVATE}) { errors group { id } }',
        /cannot be private while/,
      ],
      ['memberAdd(input: {username: "guest"}) { errors member { id } }', /either a project or a group/],
      [
        'memberAdd(input: {projectPath: "team/public", groupPath: "team", username: "guest"}) { errors member { id } }',
        /either a project or a group/,
      ],
      ['memberAdd(input: {groupPath: "team", username: "nobody\\u0000"}) { errors member { id } }', /there is no user/],
      ['tokenCreate(input: {name: " ", scopes: [API]}) { errors token { id } secret }', /needs a name/],
      ['tokenCreate(input: {name: "x", scopes: []}) { errors token { id } secret }', /needs a scope/],
      [
        'tokenCreate(input: {name: "x", scopes: [READ_PACKAGE_REGISTRY]}) { errors token { id } secret }',
        /read_package_registry cannot be a scope/,
      ],
      [
        'tokenCreate(input: {name: "x", scopes: [API], username: "nobody"}) { errors token { id } secret }',
        /there is no user nobody/,
      ],
      ['tokenRevoke(input: {id: "gid://gitlab/Token/1"}) { errors token { id } }', /is no id of a Token/],
      ['tokenRevoke(input: {id: "1"}) { errors token { id } }', /is no id of a Token/],
      ['tokenRevoke(input: {id: "gid://gokura/Project/1"}) { errors token { id } }', /is no id of a Token/],
      ['tokenRevoke(input: {id: "gid://gokura/Token/99999999999"}) { errors token { id } }', /is no id of a Token/],
      [
        'featureFlagSet(input: {name: "Bad Name", enabled: true}) { errors featureFlag { name } }',
        /cannot name a flag/,
      ],
      [
        'featureFlagSet(input: {name: "x", enabled: true, projectPath: "no/such"}) { errors featureFlag { name } }',
        /there is no project no\/such/,
      ],
      [
        'featureFlagSet(input: {name: "x", enabled: true, groupPath: ""}) { errors featureFlag { name } }',
        /there is no group/,
      ],
      [
        'featureFlagSet(input: {name: "x", enabled: true, projectPath: "team/public", groupPath: "team"}) { errors featureFlag { name } }',
        /at most one/,
      ],
    ];
    for (const [mutation, message] of cases)
      expect([mutation, await outcome(askers.admin!, mutation)]).toEqual([mutation, expect.stringMatching(message)]);
  });
});

describe("tokens and what they open", () => {
  test("read_api reads and does not write; other scopes and deploy tokens open nothing", async () => {
    const as = async (...scopes: string[]) =>
      server.as((await createPersonalToken(registry, OPERATOR, "owner", { name: "s", scopes })).secret);
    const query = "{ currentUser { username } }";
    const mutation = 'mutation { projectUpdate(input: {fullPath: "team/public"}) { errors } }';
    for (const scopes of [["api"], ["read_api"], ["read_user", "read_api"]])
      expect((await (await as(...scopes)).data(query)).currentUser.username).toBe("owner");
    expect((await (await as("api")).data(mutation)).projectUpdate.errors).toEqual([]);
    const reader = await (await as("read_api"))(mutation);
    expect(reader.status).toBe(403);
    expect(reader.errors).toMatchObject([{ extensions: { code: "INSUFFICIENT_SCOPE", reason: "insufficient_scope" } }]);
    expect(reader.data).toBeUndefined();

    const deploy = await createDeployToken(registry, OPERATOR, "team/public", {
      name: "d",
      scopes: ["read_repository", "read_package_registry"],
    });
    for (const asker of [await as("read_repository", "write_repository", "read_user"), server.as(deploy.secret)])
      for (const document of [query, mutation, "{ nonsense", '{ project(fullPath: "team/public") { id } }']) {
        const { status, data, errors } = await asker(document);
        expect({ status, data, errors }).toEqual({
          status: 403,
          data: undefined,
          errors: [
            {
              message: expect.stringContaining("scopes"),
              extensions: { code: "INSUFFICIENT_SCOPE", reason: "insufficient_scope" },
            },
          ],
        });
      }
  });

  test("a mutation among several operations needs the scope only when it is the one", async () => {
    const { secret } = await createPersonalToken(registry, OPERATOR, "owner", { name: "s", scopes: ["read_api"] });
    const query =
      'query Read { currentUser { username } } mutation Write { projectUpdate(input: {fullPath: "team/public"}) { errors } }';
    const ask = async (operationName: string) => {
      const headers = { "content-type": "application/json", "private-token": secret };
      const response = await fetch(server.url, {
        method: "POST",
        headers,
        body: JSON.stringify({ query, operationName }),
      });
      return response.status;
    };
    expect([await ask("Read"), await ask("Write"), await ask("Neither")]).toEqual([200, 403, 400]);
  });

  test("what is taken away is gone with the next request", async () => {
    const token = await signUp(registry, { username: "leaver" });
    const leaver = server.as(token);
    await addMember(registry, OPERATOR, { groupPath: "team" }, { username: "leaver", accessLevel: 40 });
    const query = '{ project(fullPath: "team/private") { deployTokens { pageInfo { hasNextPage } } } }';
    expect((await leaver.data(query)).project.deployTokens).not.toBeNull();
    await askers.owner!.data(
      'mutation { memberAdd(input: {groupPath: "team", username: "leaver", accessLevel: GUEST}) { errors } }',
    );
    expect((await leaver.data(query)).project.deployTokens).toBeNull();
    await askers.owner!.data('mutation { memberRemove(input: {groupPath: "team", username: "leaver"}) { errors } }');
    expect((await leaver.data(query)).project).toBeNull();
    await setUserBlocked(registry, OPERATOR, "leaver", true);
    await expect(leaver.data(query)).rejects.toThrow();
  });

  test("null means the same as nothing, except where it takes something away", async () => {
    await askers.owner!.data('mutation { projectUpdate(input: {fullPath: "team/public", name: "Name"}) { errors } }');
    await updateProject(registry, OPERATOR, "team/public", { modulePrefix: "example.org/p" });
    const { projectUpdate } = await askers.owner!.data(
      `mutation { projectUpdate(input: {fullPath: "team/public", name: null, description: null, visibility: null, packagesEnabled: null, tagScheme: null}) {
        errors project { name visibility packagesEnabled tagScheme modulePrefix } } }`,
    );
    expect(projectUpdate).toEqual({
      errors: [],
      project: {
        name: "Name",
        visibility: "PUBLIC",
        packagesEnabled: true,
        tagScheme: "GO",
        modulePrefix: "example.org/p",
      },
    });
    await askers.owner!.data(
      'mutation { projectUpdate(input: {fullPath: "team/public", modulePrefix: ""}) { errors } }',
    );
    expect((await findProject(registry, "team/public"))?.modulePrefix).toBeNull();
  });
});
