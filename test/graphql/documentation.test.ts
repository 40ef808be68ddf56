// Documentation, symbols, importers and API differences through GraphQL: a whole server and repositories that are pushed.
import { beforeAll, describe, expect, test } from "vitest";
import { setFlag } from "../../src/registry/forge/feature-flags.ts";
import { createGroup } from "../../src/registry/forge/groups.ts";
import { addMember } from "../../src/registry/forge/members.ts";
import { createProject } from "../../src/registry/forge/projects.ts";
import { createPersonalToken } from "../../src/registry/forge/tokens.ts";
import { createUser } from "../../src/registry/forge/users.ts";
import { OPERATOR } from "../../src/registry/principal.ts";
import { eventually } from "../support/eventually.ts";
import { pushRecipe, remoteOf } from "../support/push.ts";
import { ADMIN_TOKEN, type TestServer, testServer } from "../support/server.ts";
import { type Asker, asker } from "./graphql-server.ts";
import { leftOut } from "./schema-parts.ts";

const LIB = "gokura.test/acme/lib";
const APP = "gokura.test/acme/app";

const LIB_GO = `// Package lib limits. See [Limiter.Allow] and [context.Context].
package lib

import "context"

// Max is the most.
const Max = 10

// A Limiter limits.
type Limiter struct {
	// Rate a second.
	Rate int
	last int
}

// Allow says whether.
func (l *Limiter) Allow(ctx context.Context) bool { return true }

// NewLimiter makes one.
func NewLimiter(rate int) *Limiter { return nil }
`;

let server: TestServer;
const sent: string[] = [];
let root: Asker;
let anonymous: Asker;
let stranger: Asker;

beforeAll(async () => {
  server = await testServer();
  const as = (token?: string) => asker(`${server.url}/api/graphql`, token, sent);
  root = as(ADMIN_TOKEN);
  anonymous = as();
  const { registry } = server;
  await setFlag(registry, OPERATOR, "go_proxy", true);
  await createGroup(registry, OPERATOR, { fullPath: "acme", visibility: "PUBLIC" });
  await createProject(registry, OPERATOR, { fullPath: "acme/lib", visibility: "PUBLIC" });
  await createProject(registry, OPERATOR, { fullPath: "acme/app", visibility: "PRIVATE" });
  await createUser(registry, OPERATOR, { username: "mallory" });
  stranger = as((await createPersonalToken(registry, OPERATOR, "mallory", { name: "t", scopes: ["read_api"] })).secret);
  await pushRecipe(remoteOf(server.url, "acme/lib", ADMIN_TOKEN), (r) => {
    const first = r.commit({
      "go.mod": `module ${LIB}\n\ngo 1.23\n`,
      "lib.go": LIB_GO,
      "lib_test.go":
        'package lib_test\n\nimport "fmt"\n\nfunc ExampleLimiter_Allow() {\n\tfmt.Println(1)\n\t// Output: 1\n}\n',
      "sub/sub_windows.go": "package sub\n\n// Windows only.\nfunc Registry() {}\n",
      "sub/sub.go": "// Package sub is below.\npackage sub\n\nfunc Everywhere() {}\n",
      "internal/in/in.go": "package in\n\nfunc Hidden() {}\n",
      "testdata/t.go": "package t\n",
      "broken/broken.go": "package broken\n\nfunc Fine() {}\n\nfunc Broken( {{{\n",
    });
    r.tag("v1.0.0", first);
    const second = r.commit({
      "lib.go": LIB_GO.replace("Rate int", "Rate float64\n\tBurst int")
        .replace("Max = 10", "Max = 11")
        .replace(/\/\/ NewLimiter[\s\S]*/, ""),
      "more/more.go": "package more\n\nvar More = 1\n",
    });
    r.tag("v1.1.0", second);
  });
  await pushRecipe(remoteOf(server.url, "acme/app", ADMIN_TOKEN), (r) => {
    const first = r.commit({
      "go.mod": `module ${APP}\n\ngo 1.23\n\nrequire ${LIB} v1.0.0\n`,
      "secret/secret.go": `// Package secret uses lib.\npackage secret\n\nimport "${LIB}"\n\n// LaunchCodes are secret.\nvar LaunchCodes lib.Limiter\n`,
    });
    r.tag("v0.1.0", first);
  });
});

const version = (fields: string, of = LIB, number = "v1.0.0") =>
  `{ goModule(path: "${of}") { versions(first: 1, query: "${number}") { nodes { ${fields} } } } }`;
const ofVersion = async (fields: string, of?: string, number?: string) =>
  (await root.data(version(fields, of, number))).goModule.versions.nodes[0];

describe("packages of a version", () => {
  test("are listed by directory with their synopsis, without test data", async () => {
    const { goPackages } = await ofVersion("goPackages { count leftOut nodes { path directory name synopsis } }");
    expect(goPackages).toEqual({
      count: 4,
      leftOut: 0,
      nodes: [
        { path: LIB, directory: "", name: "lib", synopsis: "Package lib limits." },
        { path: `${LIB}/broken`, directory: "broken", name: "broken", synopsis: "" },
        { path: `${LIB}/internal/in`, directory: "internal/in", name: "in", synopsis: "" },
        { path: `${LIB}/sub`, directory: "sub", name: "sub", synopsis: "Package sub is below." },
      ],
    });
  });

  test("come in pages", async () => {
    const first = await ofVersion("goPackages(first: 3) { nodes { name } pageInfo { hasNextPage endCursor } }");
    expect(first.goPackages.pageInfo.hasNextPage).toBe(true);
    const after = first.goPackages.pageInfo.endCursor;
    const rest = await ofVersion(`goPackages(first: 3, after: "${after}") { nodes { name } pageInfo { hasNextPage } }`);
    expect(rest.goPackages).toEqual({ nodes: [{ name: "sub" }], pageInfo: { hasNextPage: false } });
  });

  test("have documentation as text, Markdown, HTML and symbols", async () => {
    const { goPackage } = await ofVersion(`goPackage(directory: "") { documentation {
      systems imports html markdown: text text: text(format: TEXT, examples: true) symbols { name kind synopsis parent } } }`);
    const { documentation } = goPackage;
    expect(documentation).toMatchObject({ systems: [], imports: ["context"] });
    expect(documentation.markdown).toContain(
      "## Types\n\n```go\ntype Limiter struct {\n\t// Rate a second.\n\tRate int\n\t// contains filtered",
    );
    expect(documentation.text).toContain(
      "func (l *Limiter) Allow(ctx context.Context) bool\n\tAllow says whether.\n\nExample:\n",
    );
    expect(documentation.html).toContain('<h4 id="Limiter.Allow">');
    expect(documentation.html).toContain('<span id="Limiter.Rate">Rate</span>');
    expect(documentation.html).toContain('<a href="/-/go/context#Context">context.Context</a>');
    expect(documentation.html).toContain('<details class="example" id="example-Limiter.Allow">');
    expect(documentation.symbols).toEqual([
      { name: "Max", kind: "CONSTANT", synopsis: "const Max", parent: null },
      { name: "Limiter", kind: "TYPE", synopsis: "type Limiter struct{ ... }", parent: null },
      { name: "NewLimiter", kind: "FUNCTION", synopsis: "func NewLimiter(rate int) *Limiter", parent: "Limiter" },
      { name: "Limiter.Rate", kind: "FIELD", synopsis: "Rate int", parent: "Limiter" },
      {
        ...{ name: "Limiter.Allow", kind: "METHOD", parent: "Limiter" },
        synopsis: "func (l *Limiter) Allow(ctx context.Context) bool",
      },
    ]);
  });

  test("differ by system", async () => {
    const fields = (goos: string) =>
      `goPackage(directory: "sub") { documentation(goos: "${goos}") { systems symbols { name } } }`;
    const windows = await ofVersion(fields("windows"));
    expect(windows.goPackage.documentation).toEqual({
      systems: ["windows/amd64"],
      symbols: [{ name: "Everywhere" }, { name: "Registry" }],
    });
    const linux = await ofVersion(fields("linux"));
    expect(linux.goPackage.documentation.symbols).toEqual([{ name: "Everywhere" }]);
    expect((await ofVersion(fields("plan9"))).goPackage.documentation).toBeNull();
  });

  test("say which of their files could not be read, and show the rest", async () => {
    const { goPackage } = await ofVersion(
      'goPackage(directory: "broken") { documentation { symbols { name } problems { file problem } } }',
    );
    expect(goPackage.documentation).toEqual({
      symbols: [{ name: "Broken" }, { name: "Fine" }],
      problems: [{ file: "broken.go", problem: "could not be parsed whole: something may be missing" }],
    });
  });

  test("are null where there is no package, of whatever name", async () => {
    for (const directory of ["nowhere", "testdata", "../lib", "sub/", "\\u0000"])
      expect((await ofVersion(`goPackage(directory: "${directory}") { name }`)).goPackage, directory).toBeNull();
  });
});

describe("what is found across modules", () => {
  const search = (names: string) => `{ goSymbols(search: "${names}") { nodes { path name modulePath version } } }`;
  const paths = async (asker: Asker, names: string): Promise<string[]> =>
    (await asker.data(search(names))).goSymbols.nodes.map((node: { path: string }) => node.path);

  beforeAll(async () => {
    // The newest versions are documented by a job, without anybody asking.
    expect(
      await eventually(
        () => paths(root, "LaunchCodes"),
        (found) => found.length > 0,
      ),
    ).toEqual([`${APP}/secret`]);
    expect(
      await eventually(
        () => paths(root, "Limiter.Allow"),
        (found) => found.length > 0,
      ),
    ).toEqual([LIB]);
  });

  test("declarations, by their names with types and packages, in any case", async () => {
    for (const names of ["limiter", "Allow", "lib.Limiter.Allow", "LIB.LIMITER", "Limiter.Burst Max"])
      expect(await paths(root, names), names).toEqual([LIB]);
    for (const names of ["Limite", "other.Limiter", "Limiter LaunchCodes", "NewLimiter"])
      expect(await paths(root, names), names).toEqual([]);
  });

  test("nothing of what the asker may not fetch", async () => {
    expect(await paths(anonymous, "LaunchCodes")).toEqual([]);
    expect(await paths(stranger, "LaunchCodes")).toEqual([]);
    expect(await paths(stranger, "Limiter")).toEqual([LIB]);
  });

  test("who imports a package, as far as the asker may know", async () => {
    const importers = async (asker: Asker) =>
      (await asker.data(version('goPackage(directory: "") { importedBy { nodes { path version } } }'))).goModule
        .versions.nodes[0].goPackage.importedBy.nodes;
    expect(await importers(root)).toEqual([{ path: `${APP}/secret`, version: "v0.1.0" }]);
    expect(await importers(stranger)).toEqual([]);
    await addMember(server.registry, OPERATOR, { projectPath: "acme/app" }, { username: "mallory", accessLevel: 20 });
    expect(await importers(stranger)).toEqual([{ path: `${APP}/secret`, version: "v0.1.0" }]);
  });

  test("a search that says nothing, or too much, is told what to say", async () => {
    for (const names of ["", "   ", "a b c d e f g h i", "\\u0000"]) {
      const { errors } = await root(search(names));
      expect(errors?.[0]?.message, names).toMatch(/search for 1 to 8 names/);
    }
  });
});

test("the API of two versions is compared declaration by declaration", async () => {
  const { apiDiff } = await ofVersion(
    'apiDiff(from: "v1.0.0") { total packages { directory change changes { name change before after } } }',
    LIB,
    "v1.1.0",
  );
  expect(apiDiff).toEqual({
    total: 5,
    packages: [
      {
        ...{ directory: "", change: "CHANGED" },
        changes: [
          { name: "Limiter.Burst", change: "ADDED", before: null, after: "Burst int" },
          { name: "Limiter.Rate", change: "CHANGED", before: "Rate int", after: "Rate float64" },
          { name: "Max", change: "CHANGED", before: "const Max = 10", after: "const Max = 11" },
          { name: "NewLimiter", change: "REMOVED", before: "func NewLimiter(rate int) *Limiter", after: null },
        ],
      },
      {
        ...{ directory: "more", change: "ADDED" },
        changes: [{ name: "More", change: "ADDED", before: null, after: "var More = 1" }],
      },
    ],
  });
});

test("lists can be read from either end", async () => {
  const page =
    "edges { cursor node { path } } nodes { path name synopsis modulePath version } pageInfo { startCursor endCursor hasNextPage hasPreviousPage }";
  const found = await root.data(`{ goSymbols(search: "limiter", last: 1) { ${page} } }`);
  const [{ cursor }] = found.goSymbols.edges;
  expect(found.goSymbols.nodes).toEqual([
    { path: LIB, name: "lib", synopsis: "Package lib limits.", modulePath: LIB, version: "v1.1.0" },
  ]);
  for (const bounds of [`first: 1, after: "${cursor}"`, `last: 1, before: "${cursor}"`])
    expect((await root.data(`{ goSymbols(search: "limiter", ${bounds}) { nodes { path } } }`)).goSymbols.nodes).toEqual(
      [],
    );
  const packages = await ofVersion(`goPackages(last: 1) { edges { cursor node { directory
    documentation(goos: "linux", goarch: "amd64") { doc } importedBy(first: 1) { ${page} } } } pageInfo { hasPreviousPage } }`);
  const [last] = packages.goPackages.edges;
  expect(last.node).toMatchObject({ directory: "sub", documentation: { doc: "Package sub is below.\n" } });
  const before = await ofVersion(`goPackages(last: 1, before: "${last.cursor}") { nodes { directory } }`);
  expect(before.goPackages.nodes).toEqual([{ directory: "internal/in" }]);
  const ends = (bounds: string) => ofVersion(`goPackage(directory: "") { importedBy(${bounds}) { nodes { path } } }`);
  const importer = await ofVersion('goPackage(directory: "") { importedBy(last: 1) { edges { cursor } } }');
  const at = importer.goPackage.importedBy.edges[0].cursor;
  for (const bounds of [`after: "${at}"`, `before: "${at}"`])
    expect((await ends(bounds)).goPackage.importedBy.nodes).toEqual([]);
});

test("nothing of this part was left out", () => expect(leftOut("documentation", sent)).toEqual([]));
