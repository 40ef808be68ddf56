// Searching for modules: what is found by what, in which order, in pages, with facets; and by whom.
import { beforeAll, describe, expect, test } from "vitest";
import { createGroup } from "../../src/registry/forge/groups.ts";
import { addMember } from "../../src/registry/forge/members.ts";
import { createProject, deleteProject, updateProject } from "../../src/registry/forge/projects.ts";
import { OPERATOR } from "../../src/registry/principal.ts";
import type { Registry } from "../../src/registry/registry.ts";
import { storeUpstreamPart } from "../../src/registry/versions/upstream-modules.ts";
import { testRegistry } from "../support/registry.ts";
import {
  type Asker,
  countStatements,
  type Data,
  type GraphqlServer,
  publishVersions,
  serveGraphql,
  signUp,
  version,
} from "./graphql-server.ts";
import { leftOut } from "./schema-parts.ts";

let registry: Registry;
let server: GraphqlServer;
let anonymous: Asker;
const askers: Record<string, Asker> = {};

type Visibility = "PRIVATE" | "INTERNAL" | "PUBLIC";

async function hosted(fullPath: string, more: { visibility?: Visibility; description?: string; name?: string } = {}) {
  const { id } = await createProject(registry, OPERATOR, { fullPath, visibility: "PUBLIC", ...more });
  await publishVersions(registry, id, [version(`gokura.test/${fullPath}`, "v1.0.0")]);
}

async function fromUpstream(path: string, version = "v1.0.0"): Promise<void> {
  await storeUpstreamPart(registry, path, version, { goMod: Buffer.from(`module ${path}\n`) });
}

/** What the files of a module say about it, written as the job that reads them does. */
async function describeModule(path: string, readme: string, licenses: string[] = [], goVersion = "1.0") {
  const { id, versions } = await registry.prisma.module.findFirstOrThrow({
    where: { path },
    include: { versions: { omit: { goMod: true, info: true } } },
  });
  await registry.prisma.moduleDocument.create({
    data: { moduleId: id, versionId: versions[0]!.id, readmePath: "README.md", readme, licenses, goVersion },
  });
}

beforeAll(async () => {
  registry = await testRegistry();
  server = await serveGraphql(registry);
  anonymous = server.as();
  askers.root = server.as(await signUp(registry, { username: "root", admin: true }));
  for (const username of ["guest", "reporter", "stranger", "direct"])
    askers[username] = server.as(await signUp(registry, { username }));
  for (const fullPath of ["acme", "cave", "cave/deep"])
    await createGroup(registry, OPERATOR, { fullPath, visibility: fullPath === "acme" ? "PUBLIC" : "PRIVATE" });
  for (const [username, accessLevel] of [
    ["guest", 10],
    ["reporter", 20],
  ] as const)
    await addMember(registry, OPERATOR, { groupPath: "cave" }, { username, accessLevel });

  for (const path of [
    "github.com/spf13/cobra",
    "github.com/spf13/cobra-cli",
    "github.com/acme/cobra/v2",
    "github.com/cobra/tools",
    "github.com/spf13/viper",
    "gopkg.in/yaml.v3",
    "example.com/snakes",
    "example.com/reptiles",
    "example.com/Upper/Case",
  ])
    await fromUpstream(path);
  await describeModule(
    "example.com/snakes",
    "# Snakes\n\nAll about the cobra and other configurable snakes.",
    ["MIT"],
    "1.22",
  );
  await describeModule("github.com/spf13/cobra", "A commander for modern CLIs", ["Apache-2.0"], "1.21");
  await describeModule(
    "example.com/reptiles",
    "[![Build](https://ci.test/gecko.svg)](https://ci.test/gecko)\n\n# Reptiles\n\n" +
      "All of them [crawl](https://example.com/crawl).\n".repeat(20) +
      "\n**Geckos** climb [walls](https://example.com/gecko), `toes ** up`.\n",
  );
  await describeModule(
    "example.com/Upper/Case",
    `Of vertebrates.\n\n[All](https://example.com/${"all".repeat(70)})\nSkinks.\n`,
  );
  await describeModule("github.com/spf13/viper", "Configuration with fangs", ["MIT", "BSD-3-Clause"], "1.21");
  await hosted("acme/zoo", { description: "A terrarium for cobras", name: "Serpentarium" });
  await hosted("cave/deep/basilisk", { visibility: "PRIVATE", description: "a hidden cobra" });
  await hosted("acme/inside", { visibility: "INTERNAL", description: "a shy cobra" });
  await addMember(registry, OPERATOR, { projectPath: "cave/deep/basilisk" }, { username: "direct", accessLevel: 20 });
});

const HITS = "nodes { score highlight module { path } }";

async function found(query: string, asker: Asker = anonymous, args = ""): Promise<string[]> {
  const { search } = await asker.data(`query ($query: String!) { search(query: $query${args}) { ${HITS} } }`, {
    query,
  });
  const scores = search.nodes.map((node: Data) => node.score);
  expect(scores).toEqual([...scores].sort((a, b) => b - a));
  return search.nodes.map((node: Data) => node.module.path);
}

describe("ranking", () => {
  test("exact path, last element, its beginning, words of the path, description, readme", async () => {
    expect((await found("github.com/spf13/cobra")).slice(0, 2)).toEqual([
      "github.com/spf13/cobra",
      "github.com/spf13/cobra-cli",
    ]);
    expect(await found("cobra")).toEqual([
      "github.com/spf13/cobra",
      "github.com/acme/cobra/v2",
      "github.com/spf13/cobra-cli",
      "github.com/cobra/tools",
      "gokura.test/acme/zoo",
      "example.com/snakes",
    ]);
    const { search } = await anonymous.data('{ search(query: "cobra") { nodes { score } } }');
    const tiers = search.nodes.map((node: Data) => Math.floor(node.score));
    expect(tiers).toEqual([4, 4, 3, 2, 0, 0]);
  });

  test.each([
    ["githb.com/spf13/cobar", "github.com/spf13/cobra"],
    ["spf31/cobra", "github.com/spf13/cobra"],
    ["vipper", "github.com/spf13/viper"],
    ["reptlies", "example.com/reptiles"],
    ["serpentarium", "gokura.test/acme/zoo"], // the project's name
    ["acme zoo", "gokura.test/acme/zoo"],
    ["terrarium", "gokura.test/acme/zoo"],
    ["commanders", "github.com/spf13/cobra"], // another form of a word in the readme
    ["fangs", "github.com/spf13/viper"],
    ["yaml", "gopkg.in/yaml.v3"],
    ["spf13 vip", "github.com/spf13/viper"], // a word still being typed
    ["upper/case", "example.com/Upper/Case"],
    ["https://github.com/spf13/viper", "github.com/spf13/viper"],
    ["github.com/spf13/viper@v1.0.0", "github.com/spf13/viper"],
    ["ZO", "gokura.test/acme/zoo"],
    ["z", "gokura.test/acme/zoo"],
  ])("%s finds %s first", async (query, path) => {
    expect((await found(query))[0]).toBe(path);
  });

  test("nothing is found by nothing, nor by what is nowhere; every character is taken as it is", async () => {
    for (const query of [
      "",
      " ",
      "/",
      "quetzalcoatl",
      "%",
      "_",
      "'",
      "\\",
      "!",
      "a & | ! b:*",
      ":*",
      "'; DROP TABLE module; --",
      "😀",
      "\ud800",
      "x".repeat(10_000),
      "the",
      "$1",
    ])
      expect([query, (await found(query)).filter((path) => query !== "the" || !path)]).toEqual([query, []]);
    const { errors } = await anonymous('{ search(query: "a\\u0000b") { nodes { score } } }');
    expect(errors).toMatchObject([{ message: expect.stringMatching(/NUL/), extensions: { code: "BAD_USER_INPUT" } }]);
  });

  test("a highlight shows where the words are", async () => {
    const { search } = await anonymous.data(
      '{ search(query: "configuration cobra") { nodes { module { path } highlight } } }',
    );
    expect(search.nodes).toEqual([
      {
        module: { path: "example.com/snakes" },
        highlight: expect.stringMatching(/\*\*cobra\*\* and other \*\*configurable\*\*/),
      },
    ]);
    const description = await anonymous.data('{ search(query: "terrarium") { nodes { highlight } } }');
    expect(description.search.nodes).toEqual([{ highlight: "A **terrarium** for cobras" }]);
    const none = await anonymous.data('{ search(query: "yaml") { nodes { highlight } } }');
    expect(none.search.nodes).toEqual([{ highlight: null }]);
  });

  test("of a readme it is what a reader sees: neither Markdown nor addresses", async () => {
    const { search } = await anonymous.data('{ search(query: "gecko climbing") { nodes { highlight } } }');
    expect(search.nodes).toEqual([
      { highlight: expect.stringMatching(/crawl\. \*\*Geckos\*\* \*\*climb\*\* walls, toes \* up\.$/) },
    ]);
    expect(search.nodes[0].highlight).not.toMatch(/[[\]()]|https/);
    const cut = await anonymous.data('{ search(query: "skink") { nodes { highlight } } }');
    expect(cut.search.nodes).toEqual([{ highlight: "**Skinks**." }]);
  });
});

describe("filters, facets and totals", () => {
  const FACETS = "count facets { origins { value count } licenses { value count } goVersions { value count } }";

  test("facets are of all that was found, and of nothing else", async () => {
    const { search } = await anonymous.data(
      `{ search(query: "cobra", first: 1) { nodes { score } few: count(limit: 3) ${FACETS} } }`,
    );
    expect(search).toEqual({
      nodes: [{ score: expect.any(Number) }],
      count: 6,
      few: 4,
      facets: {
        origins: [
          { value: "UPSTREAM", count: 5 },
          { value: "HOSTED", count: 1 },
        ],
        licenses: [
          { value: "Apache-2.0", count: 1 },
          { value: "MIT", count: 1 },
        ],
        goVersions: [
          { value: "1.21", count: 1 },
          { value: "1.22", count: 1 },
        ],
      },
    });
    const none = await anonymous.data(`{ search(query: "") { ${FACETS} } }`);
    expect(none.search).toEqual({ count: 0, facets: { origins: [], licenses: [], goVersions: [] } });
  });

  test("by origin, licence and go version", async () => {
    expect(await found("cobra", anonymous, ", origin: HOSTED")).toEqual(["gokura.test/acme/zoo"]);
    expect(await found("cobra", anonymous, ', license: "MIT"')).toEqual(["example.com/snakes"]);
    expect(await found("cobra", anonymous, ', goVersion: "1.21"')).toEqual(["github.com/spf13/cobra"]);
    expect(await found("spf13", anonymous, ', license: "BSD-3-Clause", goVersion: "1.21", origin: UPSTREAM')).toEqual([
      "github.com/spf13/viper",
    ]);
    expect(await found("cobra", anonymous, ', license: "NONE"')).toEqual([]);
  });

  test("what may not be seen is neither found nor counted", async () => {
    const seen = async (name: string) => {
      const asker = askers[name] ?? anonymous;
      const { search } = await asker
        .data(`{ search(query: "hidden shy cobra") { nodes { module { path } } }
        by: search(query: "a", origin: HOSTED) { count } all: search(query: "cobra", origin: HOSTED) { ${FACETS} nodes { module { path } } } }`)
        .then((data) => ({ search: data.all }));
      const paths = search.nodes.map((node: Data) => node.module.path.split("/").at(-1)).sort();
      expect(search.count).toBe(paths.length);
      expect(search.facets.origins).toEqual([{ value: "HOSTED", count: paths.length }]);
      return paths.join(" ");
    };
    expect(await seen("anonymous")).toBe("zoo");
    expect(await seen("stranger")).toBe("inside zoo");
    expect(await seen("guest")).toBe("inside zoo");
    expect(await seen("reporter")).toBe("basilisk inside zoo");
    expect(await seen("direct")).toBe("basilisk inside zoo");
    expect(await seen("root")).toBe("basilisk inside zoo");
    expect(await found("gokura.test/cave/deep/basilisk", askers.stranger!)).toEqual([]);
    expect(await found("gokura.test/cave/deep/basilisk", askers.reporter!)).toEqual(["gokura.test/cave/deep/basilisk"]);
  });
});

test("pages: everything once, in one order, whatever their size; broken cursors are refused", async () => {
  const page = async (args: string) =>
    (
      await anonymous.data(`{ search(query: "cobra", ${args}) {
    nodes { module { path } } edges { cursor node { score } } pageInfo { startCursor endCursor hasNextPage hasPreviousPage } } }`)
    ).search;
  const all = await found("cobra");
  for (const size of [1, 2, 5]) {
    const paths: string[] = [];
    for (let after = ""; ; ) {
      const { nodes, edges, pageInfo } = await page(`first: ${size}${after}`);
      paths.push(...nodes.map((node: Data) => node.module.path));
      expect(pageInfo.hasPreviousPage).toBe(after !== "");
      expect([pageInfo.startCursor, pageInfo.endCursor]).toEqual([edges[0].cursor, edges.at(-1).cursor]);
      if (!pageInfo.hasNextPage) break;
      after = `, after: "${pageInfo.endCursor}"`;
    }
    expect(paths).toEqual(all);
  }
  for (const cursor of [
    "",
    "x",
    Buffer.from("[1]").toString("base64url"),
    Buffer.from('["1",1]').toString("base64url"),
    Buffer.from("[1e999,1]").toString("base64url"),
  ])
    await expect(page(`after: "${cursor}"`)).rejects.toThrow(/is no cursor of this list/);
  await expect(page("first: 101")).rejects.toThrow(/0 to 100/);
});

describe("what changes is found at once", () => {
  test("a project's description, visibility and registry", async () => {
    await hosted("acme/moving", { description: "about quokkas" });
    expect(await found("quokka")).toEqual(["gokura.test/acme/moving"]);
    await updateProject(registry, OPERATOR, "acme/moving", { description: "about wombats", name: "Marsupials" });
    expect(await found("quokka")).toEqual([]);
    expect(await found("wombat")).toEqual(["gokura.test/acme/moving"]);
    expect(await found("marsupials")).toEqual(["gokura.test/acme/moving"]);
    await updateProject(registry, OPERATOR, "acme/moving", { visibility: "PRIVATE" });
    expect([await found("wombat"), await found("wombat", askers.root!)]).toEqual([[], ["gokura.test/acme/moving"]]);
    await updateProject(registry, OPERATOR, "acme/moving", { visibility: "PUBLIC", packagesEnabled: false });
    expect([await found("wombat"), await found("wombat", askers.root!)]).toEqual([[], []]);
    await updateProject(registry, OPERATOR, "acme/moving", { packagesEnabled: true });
    expect(await found("wombat")).toEqual(["gokura.test/acme/moving"]);
    await deleteProject(registry, OPERATOR, "acme/moving");
    expect(await found("wombat")).toEqual([]);
  });

  test("a readme that is replaced or goes", async () => {
    await fromUpstream("example.com/fickle");
    await describeModule("example.com/fickle", "echidna", ["MIT"], "1.20");
    expect(await found("echidnas")).toEqual(["example.com/fickle"]);
    const { id } = await registry.prisma.module.findFirstOrThrow({ where: { path: "example.com/fickle" } });
    await registry.prisma.moduleDocument.update({ where: { moduleId: id }, data: { readme: "platypus" } });
    expect([await found("echidnas"), await found("platypus")]).toEqual([[], ["example.com/fickle"]]);
    await registry.prisma.moduleDocument.delete({ where: { moduleId: id } });
    expect(await found("platypus")).toEqual([]);
    expect(await found("fickle", anonymous, ', license: "MIT"')).toEqual([]);
  });

  test("a path that a project publishes is the project's alone", async () => {
    const path = "gokura.test/acme/chimera";
    await fromUpstream(path, "v0.9.0"); // no name of the project's: that would keep the content that it had
    expect(await found("chimera")).toEqual([path]);
    await hosted("acme/chimera");
    expect(await found("chimera")).toEqual([path]);
    await updateProject(registry, OPERATOR, "acme/chimera", { visibility: "PRIVATE" });
    expect(await found("chimera")).toEqual([]);
    await deleteProject(registry, OPERATOR, "acme/chimera");
    expect(await found("chimera")).toEqual([path]);
  });
});

test("members only: packages that are closed are found by members alone", async () => {
  await hosted("acme/club", { description: "an albatross" });
  expect(await found("albatross")).toEqual(["gokura.test/acme/club"]);
  await registry.prisma.project.updateMany({ where: { fullPath: "acme/club" }, data: { packageAccess: "PRIVATE" } });
  await addMember(registry, OPERATOR, { projectPath: "acme/club" }, { username: "reporter", accessLevel: 20 });
  expect([await found("albatross"), await found("albatross", askers.stranger!)]).toEqual([[], []]);
  expect(await found("albatross", askers.reporter!)).toEqual(["gokura.test/acme/club"]);
});

test("a page of many hits costs as many statements as one of few", async () => {
  for (let n = 0; n < 30; n++) await fromUpstream(`example.com/herd/gnu${n}`);
  const ask = (first: number) =>
    anonymous.data(
      `query ($first: Int) { search(query: "herd", first: $first) { count facets { origins { count } } nodes {
      highlight module { path latestVersion { version } downloads { total byDay { day } byVersion { downloads } } } } } }`,
      { first },
    );
  await ask(1);
  const one = await countStatements(() => ask(1));
  expect(await countStatements(() => ask(30))).toBe(one);
  expect(one).toBeLessThan(15);
});

test("nothing of this part was left out", () => expect(leftOut("search", server.sent)).toEqual([]));
