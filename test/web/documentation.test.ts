// The documentation of packages in the page of a version: with pkg.go.dev's anchors, links to what is here, and nothing of a
// private module for those who may not see it.
import { beforeAll, expect, test } from "vitest";
import { createGroup } from "../../src/registry/forge/groups.ts";
import { createProject, updateProject } from "../../src/registry/forge/projects.ts";
import { OPERATOR } from "../../src/registry/principal.ts";
import { eventually } from "../support/eventually.ts";
import { ask } from "../support/http.ts";
import { pushRecipe, remoteOf } from "../support/push.ts";
import { ADMIN_TOKEN, type TestServer, testServer } from "../support/server.ts";
import { type Browser, browser } from "./browser.ts";

const LIB = "gokura.test/docs/lib";
const APP = "gokura.test/apps/app";
const HTML = { accept: "text/html" };

let server: TestServer;
let root: Browser;

beforeAll(async () => {
  server = await testServer();
  await createGroup(server.registry, OPERATOR, { fullPath: "docs", visibility: "PRIVATE" });
  await pushRecipe(remoteOf(server.url, "docs/lib", ADMIN_TOKEN), (r) => {
    r.tag(
      "v1.0.0",
      r.commit({
        "go.mod": `module ${LIB}\n\ngo 1.24\n`,
        "lib.go": `// Package lib adds numbers. See [${LIB}/sub.Twice], [io.Reader] and <script>.\npackage lib\n\nimport (\n\t"io"\n\n\t"${LIB}/sub"\n)\n\n// Add adds.\nfunc Add(a, b int, _ io.Reader, _ sub.T) int { return a + b }\n`,
        "sub/sub.go":
          "// Package sub doubles numbers.\npackage sub\n\n// T is a type.\ntype T struct{ A int }\n\n// Twice doubles.\nfunc (T) Twice() int { return 2 }\n",
        "empty/a.txt": "no Go\n",
      }),
    );
    r.tag(
      "v1.1.0",
      r.commit({
        "sub/sub.go":
          "// Package sub doubles numbers.\npackage sub\n\n// T is a type.\ntype T struct{ A int64 }\n\n// Thrice is new.\nfunc (T) Thrice() int { return 3 }\n",
        "more/more.go": "package more\n\n// More is more.\nconst More = 1\n",
        "broken/broken.go": "package broken\n\nfunc Broken( {{{\n",
      }),
    );
  });
  await createGroup(server.registry, OPERATOR, { fullPath: "apps", visibility: "PUBLIC" });
  await createProject(server.registry, OPERATOR, { fullPath: "apps/app", visibility: "PUBLIC" });
  await pushRecipe(remoteOf(server.url, "apps/app", ADMIN_TOKEN), (r) =>
    r.tag(
      "v0.1.0",
      r.commit({
        "go.mod": `module ${APP}\n\ngo 1.24\n\nrequire ${LIB} v1.1.0\n`,
        "use/use.go": `// Package use uses sub.\npackage use\n\nimport "${LIB}/sub"\n\n// Used is one.\nvar Used sub.T\n`,
      }),
    ),
  );
  await eventually(
    () => server.registry.prisma.documentedVersion.count({ where: { whole: true } }),
    (whole) => whole >= 2,
    30_000,
  );
  root = await browser(server.url, ADMIN_TOKEN);
});

test("a module's page has its packages, and the documentation of the one at its root", async () => {
  const { status, text } = await root.get(`/-/go/${LIB}@v1.0.0`);
  expect(status).toBe(200);
  expect(text).toContain('id="pkg-overview"');
  expect(text).toContain("adds numbers");
  expect(text).toContain("&lt;script&gt;");
  expect(text).not.toContain("<script>.");
  expect(text).toContain('<h3 id="Add">func Add');
  expect(text).toContain(`href="/-/go/${LIB}@v1.0.0/sub#Twice"`);
  expect(text).not.toContain('href="https://io'); // Go's own packages are nowhere by default
  expect(text).toContain(`href="/-/src/${LIB}@v1.0.0/lib.go#L11"`);
  expect(text).toMatch(
    new RegExp(`<a class="mono" href="/-/go/${LIB}@v1.0.0/sub">sub</a></td><td>Package sub doubles numbers.`),
  );
});

test("a package has a page of its own, a directory without Go says so", async () => {
  const sub = await root.get(`/-/go/${LIB}/sub`);
  expect(sub.text).toContain('id="T.Thrice"');
  expect(sub.text).toContain('id="T.A"');
  const empty = await root.get(`/-/go/${LIB}@v1.0.0/empty`);
  expect([empty.status, empty.text]).toEqual([
    200,
    expect.stringContaining("There is no Go package in this directory."),
  ]);
});

test("the anonymous learn nothing of a private module's documentation", async () => {
  for (const path of [`/-/go/${LIB}@v1.0.0`, `/-/go/${LIB}/sub`]) {
    const { text } = await ask(server.url, path, { headers: HTML });
    expect(text).not.toContain("numbers");
  }
});

const PAGES = "https://pkg.example/{path}@{version}";

test("the addresses by which gopls links lead to the declaration, to the module, or to the site of what is not here", async () => {
  // As gopls v0.22.0 writes them with "linkTarget": "HOST/-/go": of a symbol, of an import, of a line in go.mod.
  for (const [address, anchor] of [
    [`${LIB}@v1.0.0/sub`, "T.Twice"],
    [`${LIB}@v1.0.0`, "Add"],
    [`${LIB}/sub`, "T"],
    [`mod/${LIB}@v1.0.0`, "Add"],
  ] as const) {
    const { status, text } = await root.get(`/-/go/${address}`);
    expect([status, text], address).toEqual([200, expect.stringContaining(`id="${anchor}"`)]);
  }
  const other = await testServer({ environment: { GOKURA_MODULE_PAGES: PAGES } });
  const anonymous = await ask(other.url, "/-/go/fmt", { headers: HTML });
  expect([anonymous.status, anonymous.headers.location]).toEqual([302, "https://pkg.example/fmt"]);
  // Documentation gets ready before it is known whether there is any.
  expect(other.registry.documentation.threads.running).toBe(true);
  const visitor = await browser(other.url, ADMIN_TOKEN);
  for (const [address, to] of [
    ["fmt", "https://pkg.example/fmt"],
    ["golang.org/x/time@v0.15.0/rate", "https://pkg.example/golang.org/x/time/rate@v0.15.0"],
    ["mod/golang.org/x/time@v0.15.0", "https://pkg.example/golang.org/x/time@v0.15.0"],
    ["golang.org/x/time/rate", "https://pkg.example/golang.org/x/time/rate"],
  ] as const) {
    const { status, headers } = await visitor.get(`/-/go/${address}`);
    expect([status, headers.location], address).toEqual([302, to]);
  }
  expect((await visitor.get("/-/go/gokura.test/none/at/all")).status).toBe(404);
});

test("without a site of its own nobody is sent anywhere by an address of ours, and no name of ours is told", async () => {
  const unknown = await root.get("/-/go/evil.example/m@v1.0.0");
  expect([unknown.status, unknown.headers.location]).toEqual([404, undefined]);
  expect(unknown.text).toContain('<a href="https://evil.example/m" rel="nofollow noopener">');
  expect((await root.get("/-/go/fmt")).text).not.toContain('href="https://fmt');
  await updateProject(server.registry, OPERATOR, "docs/lib", { modulePrefix: "corp.example/secret" });
  const declared = await root.get("/-/go/corp.example/secret/none");
  expect([declared.status, declared.text]).toEqual([404, expect.not.stringContaining("https://corp.example")]);
});

/** The cells of the rows of a page's tables, without markup. */
const rowsIn = (text: string): string[][] =>
  [...text.matchAll(/<tr>(<td.*?)<\/tr>/gs)].map(([, row]) =>
    [...row!.matchAll(/<td[^>]*>(.*?)<\/td>/gs)].map(([, cell]) =>
      cell!.replace(/<br>/g, " -> ").replace(/<[^>]+>/g, ""),
    ),
  );

test("the page of a difference says which exported declarations came, went and changed", async () => {
  const { status, text } = await root.get(`/-/diff/${LIB}@v1.0.0...v1.1.0`);
  expect(status).toBe(200);
  const rows = rowsIn(text);
  expect(rows).toContainEqual(["added", "T.Thrice", "func (T) Thrice() int"]);
  expect(rows).toContainEqual(["removed", "T.Twice", "func (T) Twice() int"]);
  expect(rows).toContainEqual(["changed", "T.A", "A int -> A int64"]);
  expect(rows).toContainEqual(["added", "More", "const More = 1"]);
  expect(text).toContain(`href="/-/go/${LIB}@v1.1.0/sub#T.Thrice"`);
  expect(text).toContain(`href="/-/go/${LIB}@v1.0.0/sub#T.Twice"`);
});

test("declarations are found within a module, and across all that one may read", async () => {
  const module = await root.get(`/-/go/${LIB}@v1.1.0`);
  expect(module.text).toContain(`<input type="hidden" name="module" value="${LIB}@v1.1.0">`);
  const within = await root.get(`/-/symbols?q=thr&module=${encodeURIComponent(`${LIB}@v1.1.0`)}`);
  expect(within.text).toContain(`<a class="mono" href="/-/go/${LIB}@v1.1.0/sub#T.Thrice">T.Thrice</a>`);
  expect(within.text).not.toContain("#Add");
  const across = await root.get("/-/symbols?q=sub.T.Thrice");
  expect(across.text).toContain(`<a class="mono" href="/-/go/${LIB}@v1.1.0/sub#T.Thrice">T.Thrice</a>`);
  expect((await root.get("/-/symbols?q=used")).text).toContain(`/-/go/${APP}@v0.1.0/use#Used`);
  for (const path of ["/-/symbols?q=Thrice", `/-/symbols?q=Thrice&module=${LIB}`]) {
    const { text } = await ask(server.url, path, { headers: HTML });
    expect(text).not.toContain("docs/lib@");
  }
  expect((await ask(server.url, "/-/symbols?q=Used", { headers: HTML })).text).toContain("use#Used");
  expect((await root.get("/-/symbols?q=%00")).status).toBe(400);
  expect((await root.get(`/-/symbols?q=${"a.".repeat(5_000)}`)).status).toBe(200);
});

test("a package's page says which packages import it", async () => {
  const sub = await root.get(`/-/go/${LIB}@v1.1.0/sub`);
  expect(sub.text).toContain(`href="/-/go/${LIB}@v1.1.0/sub?tab=importedby&amp;of=package">1 package</a>`);
  const { text } = await root.get(`/-/go/${LIB}@v1.1.0/sub?tab=importedby`);
  expect(rowsIn(text)).toEqual([[`${APP}/use`, "v0.1.0", "Package use uses sub."]]);
  const whole = await root.get(`/-/go/${LIB}@v1.1.0?tab=importedby&of=package`);
  expect(whole.text).toContain(`No package that you may read imports ${LIB}.`);
});

test("a source that does not parse is named with what is wrong with it", async () => {
  const { text } = await root.get(`/-/go/${LIB}@v1.1.0/broken`);
  expect(text).toContain("Not all files could be read: broken.go could not be parsed whole: something may be missing.");
});

test("links that are made by go-source lead to the line", async () => {
  const { text } = await ask(server.url, "/apps/app?go-get=1");
  const [, , directory = "", file = ""] = /name="go-source" content="([^"]*)"/.exec(text)![1]!.split(" ");
  const filled = (template: string): string =>
    new URL(template.replace("{/dir}", "/use").replace("{file}", "use.go").replace("{line}", "7")).pathname;
  for (const [address, to] of [
    [filled(directory), `/-/src/${APP}@latest/use`],
    [filled(file), `/-/src/${APP}@latest/use/use.go`],
    [filled(file.replace("HEAD", "v0.1.0")), `/-/src/${APP}@v0.1.0/use/use.go`], // as pkgsite makes it
  ] as const) {
    const { status, headers } = await root.get(address);
    expect([status, headers.location], address).toEqual([302, to]);
    expect((await root.get(to)).text).toContain(to.endsWith(".go") ? 'id="L7"' : "use.go");
  }
});

test("a module of more packages than are read has a page at once, and so has the last of them", {
  timeout: 300_000,
}, async () => {
  const files = Object.fromEntries(
    Array.from({ length: 10_100 }, (_, n) => [`p${n}/p.go`, `// Package p${n} is one of many.\npackage p${n}\n`]),
  );
  await pushRecipe(remoteOf(server.url, "docs/many", ADMIN_TOKEN), (r) =>
    r.tag("v1.0.0", r.commit({ "go.mod": "module gokura.test/docs/many\n\ngo 1.24\n", ...files })),
  );
  const module = await root.get("/-/go/gokura.test/docs/many@v1.0.0");
  expect([module.status, module.text]).toEqual([200, expect.stringContaining("More packages are being read")]);
  const one = await root.get("/-/go/gokura.test/docs/many@v1.0.0/p9999");
  expect([one.status, one.text]).toEqual([200, expect.stringContaining("Package p9999 is one of many.")]);
});
