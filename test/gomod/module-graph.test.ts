// Minimal version selection on small graphs, by hand. That it is what the go command does, on any graph, is tested in
// test/registry/build-list.test.ts.
import { describe, expect, test } from "vitest";
import { parseGoMod } from "../../src/gomod/go-mod-file.ts";
import { type BuildList, buildListOf, type ModuleVersionName, supportsPruning } from "../../src/gomod/module-graph.ts";

const nameOf = ({ path, version }: ModuleVersionName): string => `${path}@${version}`;

/** A graph: of each path@version what follows it in its go.mod. */
async function list(
  main: string,
  graph: Readonly<Record<string, string>>,
): Promise<BuildList & { readonly levels: readonly string[][] }> {
  const levels: string[][] = [];
  const found = await buildListOf(
    { path: "m.test/main", version: "v1.0.0" },
    parseGoMod(`module m.test/main\n${main}`),
    async (names) => {
      levels.push(names.map(nameOf));
      return names.map((name) => {
        const text = graph[nameOf(name)];
        if (text === undefined) return "not stored";
        const file = parseGoMod(`module ${name.path}\n${text}`);
        return { modulePath: name.path, requires: file.requires, pruned: supportsPruning(file.go) };
      });
    },
  );
  return { ...found, levels };
}

const chosen = ({ modules }: BuildList): string[] => modules.map(nameOf);

test("of each module the highest version that anything requires, and nothing newer", async () => {
  const found = await list("go 1.16\nrequire a.test/a v1.1.0\nrequire b.test/b v1.2.0", {
    "a.test/a@v1.1.0": "require c.test/c v1.3.0",
    "b.test/b@v1.2.0": "require c.test/c v1.4.0",
    "c.test/c@v1.3.0": "require d.test/d v1.2.0",
    "c.test/c@v1.4.0": "",
    "d.test/d@v1.2.0": "",
  });
  // That of a version which is not chosen counts as well: d.
  expect(chosen(found)).toEqual(["a.test/a@v1.1.0", "b.test/b@v1.2.0", "c.test/c@v1.4.0", "d.test/d@v1.2.0"]);
  expect(found.modules.map(({ indirect }) => indirect)).toEqual([false, false, true, true]);
  expect(found.modules[2]?.requiredBy.map(nameOf)).toEqual(["b.test/b@v1.2.0"]);
});

test("a level of the graph is loaded at once, and nothing twice", async () => {
  const { levels } = await list("go 1.16\nrequire a.test/a v1.0.0\nrequire b.test/b v1.0.0", {
    "a.test/a@v1.0.0": "require b.test/b v1.0.0\nrequire c.test/c v1.0.0",
    "b.test/b@v1.0.0": "require c.test/c v1.0.0",
    "c.test/c@v1.0.0": "require a.test/a v1.0.0",
  });
  expect(levels.filter((level) => level.length > 0)).toEqual([
    ["a.test/a@v1.0.0", "b.test/b@v1.0.0"],
    ["c.test/c@v1.0.0"],
  ]);
});

describe("a pruned graph", () => {
  const graph = {
    "a.test/a@v1.0.0": "go 1.17\nrequire b.test/b v1.0.0",
    "b.test/b@v1.0.0": "go 1.17\nrequire c.test/c v1.0.0",
    "c.test/c@v1.0.0": "",
    "old.test/old@v1.0.0": "go 1.16\nrequire b.test/b v1.0.0",
  };

  test("ends with what direct dependencies list", async () => {
    expect(chosen(await list("go 1.17\nrequire a.test/a v1.0.0", graph))).toEqual([
      "a.test/a@v1.0.0",
      "b.test/b@v1.0.0",
    ]);
  });

  test("does not where the main module or a dependency is for an older go", async () => {
    const all = ["a.test/a@v1.0.0", "b.test/b@v1.0.0", "c.test/c@v1.0.0"];
    expect(chosen(await list("go 1.16\nrequire a.test/a v1.0.0", graph))).toEqual(all);
    expect(chosen(await list("go 1.17\nrequire old.test/old v1.0.0", graph))).toEqual([
      "b.test/b@v1.0.0",
      "c.test/c@v1.0.0",
      "old.test/old@v1.0.0",
    ]);
  });

  test("is read again with requirements that were too low", async () => {
    const found = await list("go 1.17\nrequire a.test/a v1.0.0\nrequire b.test/b v0.9.0", {
      ...graph,
      "b.test/b@v0.9.0": "go 1.17\nrequire z.test/z v1.0.0",
    });
    // b is raised: what v1.0.0 requires comes in, what v0.9.0 required goes.
    expect(chosen(found)).toEqual(["a.test/a@v1.0.0", "b.test/b@v1.0.0", "c.test/c@v1.0.0"]);
    expect(found.missing).toEqual([]);
  });
});

test("exclusions and replacements of the main module", async () => {
  const found = await list(
    `go 1.16
require a.test/a v1.0.0
require b.test/b v1.1.0
exclude b.test/b v1.1.0
replace a.test/a => a.test/a v1.5.0
replace c.test/c v1.0.0 => ../c
replace c.test/c => c.test/c v1.9.0`,
    {
      "a.test/a@v1.5.0": "require b.test/b v1.1.0\nrequire b.test/b v1.0.0\nrequire c.test/c v1.0.0",
      "b.test/b@v1.0.0": "",
    },
  );
  expect(found.modules.map((one) => `${nameOf(one)} ${one.replacedBy}`)).toEqual([
    "a.test/a@v1.0.0 a.test/a@v1.5.0",
    "b.test/b@v1.0.0 undefined",
    "c.test/c@v1.0.0 ../c",
  ]);
  expect(found.missing).toEqual([{ path: "c.test/c", version: "v1.0.0", reason: "a directory" }]);
});

test("the main module is what it is, whoever requires another version of it", async () => {
  const found = await list("go 1.16\nrequire a.test/a v1.0.0", {
    "a.test/a@v1.0.0": "require m.test/main v1.9.0",
    "m.test/main@v1.9.0": "require b.test/b v1.0.0",
    "b.test/b@v1.0.0": "",
  });
  expect(chosen(found)).toEqual(["a.test/a@v1.0.0", "b.test/b@v1.0.0"]);
});

test.each([
  [undefined, false],
  ["1.9", false],
  ["1.16", false],
  ["1.17rc1", false],
  ["1.17", true],
  ["1.17.3", true],
  ["1.21rc2", true],
  ["1.100", true],
  ["2.0", true],
])("go %s lists all that building takes: %s", (go, pruned) => {
  expect(supportsPruning(go)).toBe(pruned);
});
