// What projects are set to through GraphQL, and lists of projects by it: the same that REST has (test/http/rest-projects.test.ts).
import { beforeAll, expect, test } from "vitest";
import { addMember } from "../../src/registry/forge/members.ts";
import { OPERATOR } from "../../src/registry/principal.ts";
import { git, pushRecipe, remoteOf } from "../support/push.ts";
import { type TestServer, testServer } from "../support/server.ts";
import { type Asker, asker } from "./graphql-server.ts";
import { leftOut } from "./schema-parts.ts";

let gokura: TestServer;
const server: { sent: string[] } = { sent: [] };
let alice: Asker;
let maintainer: Asker;
let pushed: Awaited<ReturnType<typeof pushRecipe>>;

beforeAll(async () => {
  gokura = await testServer();
  const as = async (name: string) => asker(`${gokura.url}/api/graphql`, await gokura.token(name), server.sent);
  alice = await as("alice");
  maintainer = await as("maintainer");
});

const FIELDS = "archived topics defaultBranch packageAccess packagesEnabled visibility";

const change = (who: Asker, fullPath: string, settings: string) =>
  who.data(
    `mutation { projectUpdate(input: {fullPath: "${fullPath}", ${settings}}) { errors project { ${FIELDS} } } }`,
  );

const list = async (of: string, who = alice): Promise<string[]> => {
  const { projects } = await who.data(`{ projects(${of}) { count nodes { path } } }`);
  expect(projects.count).toBe(projects.nodes.length);
  return projects.nodes.map(({ path }: { path: string }) => path);
};

test("made with all settings, and without any", async () => {
  const data = await alice.data(`mutation {
    all: projectCreate(input: {fullPath: "alice/all", visibility: INTERNAL, packageAccess: PRIVATE, topics: ["go", "tools"],
      defaultBranch: "trunk"}) { errors project { ${FIELDS} } }
    none: projectCreate(input: {fullPath: "alice/none"}) { errors project { ${FIELDS} } }
    off: projectCreate(input: {fullPath: "alice/off", packageAccess: DISABLED, topics: ["go"]}) { errors project { ${FIELDS} } }
    wrong: projectCreate(input: {fullPath: "alice/wrong", defaultBranch: "a..b"}) { errors project { path } }
  }`);
  const unset = { archived: false, topics: [], defaultBranch: null, packageAccess: "ENABLED", packagesEnabled: true };
  expect(data).toEqual({
    all: {
      errors: [],
      project: {
        ...{ archived: false, topics: ["go", "tools"], defaultBranch: "trunk", packageAccess: "PRIVATE" },
        ...{ packagesEnabled: true, visibility: "INTERNAL" },
      },
    },
    none: { errors: [], project: { ...unset, visibility: "PRIVATE" } },
    off: {
      errors: [],
      project: { ...unset, topics: ["go"], packageAccess: "DISABLED", packagesEnabled: false, visibility: "PRIVATE" },
    },
    wrong: { errors: ['"a..b" is no name of a branch'], project: null },
  });
});

test("packages are opened and closed, by the old name too", async () => {
  const after = async (settings: string) => {
    const { packageAccess, packagesEnabled } = (await change(alice, "alice/off", settings)).projectUpdate.project;
    return [packageAccess, packagesEnabled];
  };
  expect(await after("packagesEnabled: true")).toEqual(["ENABLED", true]);
  expect(await after("packageAccess: PRIVATE")).toEqual(["PRIVATE", true]);
  expect(await after("packagesEnabled: true")).toEqual(["PRIVATE", true]);
  expect(await after("packageAccess: PUBLIC, packagesEnabled: false")).toEqual(["PUBLIC", true]);
  expect(await after("packagesEnabled: false")).toEqual(["DISABLED", false]);
});

test("topics are replaced whole, and null leaves them", async () => {
  const after = async (settings: string) => (await change(alice, "alice/off", settings)).projectUpdate.project.topics;
  expect(await after("topics: null")).toEqual(["go"]);
  expect(await after('topics: ["a b", "c"]')).toEqual(["a b", "c"]);
  expect(await after("topics: []")).toEqual([]);
});

test("the default branch is one that there is, HEAD names it, and lists know of the last push", async () => {
  const remote = remoteOf(gokura.url, "alice/none", await gokura.token("alice", "write_repository"));
  await alice.data('{ project(fullPath: "alice/none") { defaultBranch } }');
  pushed = await pushRecipe(remote, (r) => {
    r.ref("refs/heads/next", r.commit({ "go.mod": "module gokura.test/alice/none\n" }));
  });
  const { project } = await alice.data('{ project(fullPath: "alice/none") { defaultBranch } }');
  expect(project.defaultBranch).toBe("main");
  const { projectUpdate } = await change(alice, "alice/none", 'defaultBranch: "next"');
  expect([projectUpdate.errors, projectUpdate.project.defaultBranch]).toEqual([[], "next"]);
  expect(await git(["ls-remote", "--symref", remote, "HEAD"])).toContain("ref: refs/heads/next\tHEAD");
  const mutation = `mutation ($name: String) {
    projectUpdate(input: {fullPath: "alice/none", defaultBranch: $name}) { errors project { path } } }`;
  for (const name of ["gone", "", "\0", "\ud800"])
    expect((await alice.data(mutation, { name })).projectUpdate).toEqual({
      errors: [expect.stringMatching(/^there is no branch .*: push it first$/s)],
      project: null,
    });
});

test("archived by Owners: no pushes until it is taken back", async () => {
  const place = { projectPath: "alice/none" };
  await addMember(gokura.registry, OPERATOR, place, { username: "maintainer", accessLevel: 40 });
  const refused = (await change(maintainer, "alice/none", 'archived: true, description: "mine"')).projectUpdate;
  expect(refused.errors).toEqual([
    "archiving a project needs the access level owner in alice/none; ask one of its owners",
  ]);
  expect((await change(alice, "alice/none", "archived: true")).projectUpdate.project.archived).toBe(true);
  pushed.change((r) => r.tag("v1.0.0", r.commit({ "a.go": "package none\n" })));
  await expect(pushed.push()).rejects.toThrow(/403|archived/);
  expect((await change(maintainer, "alice/none", 'description: "ours"')).projectUpdate.errors).toEqual([]);
  expect(await list("archived: true")).toEqual(["none"]);
  expect(await list("archived: false")).toEqual(["all", "off"]);
  expect((await change(alice, "alice/none", "archived: false")).projectUpdate.project.archived).toBe(false);
  const events = await gokura.registry.prisma.auditEvent.findMany({
    where: { subject: "alice/none", action: { in: ["project.archive", "project.unarchive"] } },
    orderBy: { id: "asc" },
  });
  expect(events.map(({ action }) => action)).toEqual(["project.archive", "project.unarchive"]);
});

test("lists by visibility and by topics, together with everything else", async () => {
  expect(await list("visibility: INTERNAL")).toEqual(["all"]);
  expect(await list("visibility: INTERNAL", maintainer)).toEqual(["all"]);
  expect(await list("visibility: PRIVATE", maintainer)).toEqual(["none"]);
  expect(await list('topics: ["go", "tools"]')).toEqual(["all"]);
  expect(await list('topics: ["go", "none"]')).toEqual([]);
  expect(await list("topics: []")).toEqual(["all", "none", "off"]);
  expect(await list('topics: ["\\u0000"]')).toEqual([]);
  expect(await list('search: "ALICE/", membership: true, archived: false, visibility: PRIVATE')).toEqual([
    "none",
    "off",
  ]);
  expect(await list("membership: true", maintainer)).toEqual(["none"]);
  const { errors } = await alice("query ($s: String) { projects(search: $s) { nodes { id } } }", { s: "\ud800" });
  expect(errors![0]!.message).toBe("a search text must be Unicode, without NUL");
});

test("nothing of this part was left out", () => expect(leftOut("projects", server.sent)).toEqual([]));
