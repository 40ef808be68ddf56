// The versions of a module as people choose them: by kind, by Go's queries, by time; and how many there are of what.
import { beforeAll, describe, expect, test } from "vitest";
import { compareVersions } from "../../src/gomod/version.ts";
import { matchesQuery } from "../../src/gomod/version-query.ts";
import { createGroup } from "../../src/registry/forge/groups.ts";
import { createProject } from "../../src/registry/forge/projects.ts";
import { OPERATOR } from "../../src/registry/principal.ts";
import type { Registry } from "../../src/registry/registry.ts";
import { storeUpstreamPart } from "../../src/registry/versions/upstream-modules.ts";
import { testRegistry } from "../support/registry.ts";
import {
  type Asker,
  countStatements,
  type GraphqlServer,
  publishVersions,
  serveGraphql,
  signUp,
  version,
} from "./graphql-server.ts";
import { leftOut } from "./schema-parts.ts";

const LIB = "gokura.test/acme/lib";
const RETRACTS = `module ${LIB}\n\nretract [v1.0.0, v1.1.0]\n`;
const PSEUDO = "v1.10.1-0.20240102030405-0123456789ab";
// Name, and the day of its commit: a fix of an old release is younger than a newer one.
const VERSIONS: readonly [name: string, day: number][] = [
  ["v0.1.0", 1],
  ["v1.0.0-rc.1", 2],
  ["v1.0.0", 3],
  ["v1.1.0", 4],
  ["v1.2.0", 5],
  ["v1.2.1", 20],
  ["v1.10.0", 8],
  [PSEUDO, 9],
  ["v2.0.0-beta+incompatible", 10],
  ["v2.0.0+incompatible", 11],
];
const NAMES = VERSIONS.map(([name]) => name);
const RELEASED = NAMES.filter((name) => name !== PSEUDO);

let registry: Registry;
let server: GraphqlServer;
let anonymous: Asker;
let root: Asker;

beforeAll(async () => {
  registry = await testRegistry();
  server = await serveGraphql(registry);
  anonymous = server.as();
  root = server.as(await signUp(registry, { username: "root", admin: true }));
  await createGroup(registry, OPERATOR, { fullPath: "acme", visibility: "PUBLIC" });
  await createGroup(registry, OPERATOR, { fullPath: "acme/sub", visibility: "PUBLIC" });
  const { id } = await createProject(registry, OPERATOR, { fullPath: "acme/lib", visibility: "PUBLIC" });
  await publishVersions(
    registry,
    id,
    VERSIONS.map(([name, day]) =>
      version(LIB, name, {
        time: new Date(Date.UTC(2024, 0, day)),
        legacy: name.endsWith("+incompatible"),
        ...(name === "v1.10.0" ? { text: RETRACTS } : {}),
        ...(name === PSEUDO ? { ref: undefined } : {}),
      }),
    ),
  );
  for (let n = 0; n < 99; n++) {
    const fullPath = `acme/sub/p${n}`;
    const project = await createProject(registry, OPERATOR, {
      fullPath,
      visibility: n % 3 === 0 ? "PRIVATE" : "PUBLIC",
    });
    await publishVersions(registry, project.id, [
      version(`gokura.test/${fullPath}`, "v1.0.0"),
      version(`gokura.test/${fullPath}`, "v1.1.0"),
    ]);
  }
});

const ask = async (args: string, count = "count", path = LIB): Promise<{ names: string[]; count: number }> => {
  const { goModule } = await anonymous.data(
    `{ goModule(path: "${path}") { versions(first: 100${args}) { ${count} nodes { version } } } }`,
  );
  const { nodes } = goModule.versions;
  return { names: nodes.map((node: { version: string }) => node.version), count: goModule.versions.count };
};
const descending = (names: readonly string[]): string[] => [...names].sort(compareVersions).reverse();

describe("versions", () => {
  test("the newest first unless sorted otherwise", async () => {
    expect((await ask("")).names).toEqual(descending(RELEASED));
    expect((await ask(", sort: SEMVER_DESC")).names).toEqual(descending(RELEASED));
    expect((await ask(", sort: SEMVER_ASC, includePseudo: true")).names).toEqual(descending(NAMES).reverse());
    const byTime = [...VERSIONS].sort(([, a], [, b]) => a - b).map(([name]) => name);
    expect((await ask(", sort: TIME_ASC, includePseudo: true")).names).toEqual(byTime);
    expect((await ask(", sort: TIME_DESC, includePseudo: true")).names).toEqual([...byTime].reverse());
  });

  test.each(["SEMVER_DESC", "SEMVER_ASC", "TIME_DESC", "TIME_ASC"])("in pages by %s", async (sort) => {
    const all = (await ask(`, sort: ${sort}`)).names;
    const page = (args: string) =>
      anonymous.data(`{ goModule(path: "${LIB}") { versions(sort: ${sort}, ${args}) {
      edges { cursor node { version } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } } }`);
    const found: string[] = [];
    for (let after = ""; ; ) {
      const { edges, pageInfo } = (await page(`first: 4${after}`)).goModule.versions;
      found.push(...edges.map((edge: { node: { version: string } }) => edge.node.version));
      if (!pageInfo.hasNextPage) break;
      after = `, after: "${pageInfo.endCursor}"`;
    }
    expect(found).toEqual(all);
    const back: string[] = [];
    for (let before = ""; ; ) {
      const { edges, pageInfo } = (await page(`last: 2${before}`)).goModule.versions;
      back.unshift(...edges.map((edge: { node: { version: string } }) => edge.node.version));
      if (!pageInfo.hasPreviousPage) break;
      before = `, before: "${pageInfo.startCursor}"`;
    }
    expect(back).toEqual(all);
  });

  test("of some kinds, retracted or not", async () => {
    expect((await ask(", kind: [PRERELEASE]")).names).toEqual(["v1.0.0-rc.1"]);
    expect((await ask(", kind: PSEUDO")).names).toEqual([PSEUDO]);
    expect((await ask(", kind: [INCOMPATIBLE, PSEUDO]")).names).toEqual([
      "v2.0.0+incompatible",
      "v2.0.0-beta+incompatible",
      PSEUDO,
    ]);
    expect((await ask(", kind: []")).names).toEqual([]);
    expect((await ask(", retracted: true")).names).toEqual(["v1.1.0", "v1.0.0"]);
    const others = descending(RELEASED.filter((name) => name !== "v1.0.0" && name !== "v1.1.0"));
    expect((await ask(", retracted: false")).names).toEqual(others);
    expect((await ask(', kind: RELEASE, retracted: true, query: "<v1.1"')).names).toEqual(["v1.0.0"]);
  });

  test.each([
    "v1",
    "v1.2",
    "v1.2.0",
    "v2",
    "v2.0.0",
    "<v1.2",
    "<=v1.2.0",
    ">v1.2.0",
    ">=v1.2",
    ">=v2.0.0-beta",
    "<v0.1",
    "v7",
  ])("that fit the query %s", async (query) => {
    const { names, count } = await ask(`, includePseudo: true, query: ${JSON.stringify(query)}`);
    expect(names).toEqual(descending(NAMES.filter((name) => matchesQuery(name, query))));
    expect(count).toBe(names.length);
  });

  test("what is no query is told", async () => {
    for (const query of ["latest", "main", "<=v1.2", "1.2", "", "v1.0.0\\u0000"]) {
      const { errors } = await anonymous(`{ goModule(path: "${LIB}") { versions(query: "${query}") { count } } }`);
      expect(errors?.[0], query).toMatchObject({ extensions: { code: "BAD_USER_INPUT" } });
    }
  });

  test("one whose time upstream did not tell stands where it was stored", async () => {
    const path = "example.com/old";
    const goMod = Buffer.from(`module ${path}\n`);
    const info = Buffer.from("{}");
    await storeUpstreamPart(registry, path, "v1.0.0", { info, time: new Date("2020-01-01T00:00:00Z") });
    await storeUpstreamPart(registry, path, "v1.1.0", { goMod });
    await storeUpstreamPart(registry, path, "v1.2.0", { info, time: new Date("2021-01-01T00:00:00Z") });
    expect((await ask(", sort: TIME_DESC", "count", path)).names).toEqual(["v1.1.0", "v1.2.0", "v1.0.0"]);
    const { goModule } = await anonymous.data(
      `{ goModule(path: "${path}") { versions(sort: TIME_ASC, first: 2) { pageInfo { endCursor } } } }`,
    );
    const { endCursor } = goModule.versions.pageInfo;
    expect((await ask(`, sort: TIME_ASC, after: "${endCursor}"`, "count", path)).names).toEqual(["v1.1.0"]);
  });
});

describe("count", () => {
  test("of versions, with and without a limit", async () => {
    const counts = ["count", "count(limit: 100)", "count(limit: 9)", "count(limit: 8)", "count(limit: 0)"];
    const found = await Promise.all(counts.map(async (count) => (await ask("", count)).count));
    expect(found).toEqual([9, 9, 9, 9, 1]);
    const { errors } = await anonymous(`{ goModule(path: "${LIB}") { versions { count(limit: -1) } } }`);
    expect(errors?.[0]?.extensions?.reason).toBe("invalid_page");
  });

  test("of modules and projects, as far as one sees them", async () => {
    const query = `{
      projects { count }
      found: projects(search: "p1") { count }
      goModules { count few: count(limit: 5) }
      searched: goModules(search: "/p1") { count }
      project(fullPath: "acme/lib") { goModules { count } }
      group(fullPath: "acme") { projects { count } tree: projects(includeSubgroups: true) { count(limit: 1000) } }
      none: project(fullPath: "acme/sub/p0") { goModules { count } }
      goModule(path: "${LIB}") { subModules { count nodes { path } } }
    }`;
    const seen = await anonymous.data(query);
    expect(seen).toEqual({
      projects: { count: 67 },
      found: { count: 8 }, // p1, p10, p11, p13, p14, p16, p17, p19
      goModules: { count: 68, few: 6 },
      searched: { count: 8 },
      project: { goModules: { count: 1 } },
      group: { projects: { count: 1 }, tree: { count: 67 } },
      none: null,
      goModule: { subModules: { count: 0, nodes: [] } },
    });
    const all = await root.data(query);
    expect([all.projects.count, all.goModules.count, all.group.tree.count]).toEqual([100, 101, 100]);
    expect(all.none.goModules.count).toBe(1);
  });
});

describe("a list of 100 costs as many statements as a list of 1", () => {
  test.each(
    Object.entries({
      "versions that are filtered and counted": `query ($n: Int) { goModules(first: $n) { nodes {
      versions(first: 2, kind: [RELEASE], retracted: false, query: ">=v1", sort: TIME_DESC) { count(limit: 9) nodes { version } } } } }`,
      "modules of projects, counted": `query ($n: Int) { projects(first: $n) { nodes { goModules(first: 1) { count nodes { path } } } } }`,
    }),
  )("%s", async (_, query) => {
    await root.data(query, { n: 1 });
    await root.data(query, { n: 100 });
    const one = await countStatements(() => root.data(query, { n: 1 }));
    expect(await countStatements(() => root.data(query, { n: 100 }))).toBe(one);
  });
});

test("nothing of this part was left out", () => expect(leftOut("versions", server.sent)).toEqual([]));
