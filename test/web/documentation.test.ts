// The documentation of packages in the page of a version: with pkg.go.dev's anchors, links to what is here, and nothing of a
// private module for those who may not see it.
import { beforeAll, expect, test } from "vitest";
import { createGroup } from "../../src/registry/forge/groups.ts";
import { updateProject } from "../../src/registry/forge/projects.ts";
import { OPERATOR } from "../../src/registry/principal.ts";
import { ask } from "../support/http.ts";
import { pushRecipe, remoteOf } from "../support/push.ts";
import { ADMIN_TOKEN, type TestServer, testServer } from "../support/server.ts";
import { type Browser, browser } from "./browser.ts";

const LIB = "gokura.test/docs/lib";
const HTML = { accept: "text/html" };

let server: TestServer;
let root: Browser;

beforeAll(async () => {
  server = await testServer();
  await createGroup(server.registry, OPERATOR, { fullPath: "docs", visibility: "PRIVATE" });
  await pushRecipe(remoteOf(server.url, "docs/lib", ADMIN_TOKEN), (r) =>
    r.tag(
      "v1.0.0",
      r.commit({
        "go.mod": `module ${LIB}\n\ngo 1.24\n`,
        "lib.go": `// Package lib adds numbers. See [${LIB}/sub.Twice], [io.Reader] and <script>.\npackage lib\n\nimport (\n\t"io"\n\n\t"${LIB}/sub"\n)\n\n// Add adds.\nfunc Add(a, b int, _ io.Reader, _ sub.T) int { return a + b }\n`,
        "sub/sub.go":
          "// Package sub doubles numbers.\npackage sub\n\n// T is a type.\ntype T struct{ A int }\n\n// Twice doubles.\nfunc (T) Twice() int { return 2 }\n",
        "empty/a.txt": "no Go\n",
      }),
    ),
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
  expect(sub.text).toContain('id="T.Twice"');
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
  const anonymous = await ask(other.url, "/-/go/fmt", { headers: HTML });
  expect([anonymous.status, anonymous.headers.location]).toEqual([302, "https://pkg.example/fmt"]);
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
