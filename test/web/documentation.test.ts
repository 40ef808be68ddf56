// The documentation of packages in the page of a version: with pkg.go.dev's anchors, links to what is here, and nothing of a
// private module for those who may not see it.
import { beforeAll, expect, test } from "vitest";
import { createGroup } from "../../src/registry/forge/groups.ts";
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
