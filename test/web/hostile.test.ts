// A module whose every text wants to be markup, or to turn the page around, or to take for ever. None of it becomes markup of
// ours, nothing of it runs when its files are opened, and no page takes long.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { HtmlValidate } from "html-validate";
import JSZip from "jszip";
import { beforeAll, describe, expect, test } from "vitest";
import { createGroup } from "../../src/registry/forge/groups.ts";
import { createProject } from "../../src/registry/forge/projects.ts";
import { OPERATOR } from "../../src/registry/principal.ts";
import { highlightedLines } from "../../src/web/text/highlighted.ts";
import { readmeMarkup } from "../../src/web/text/markdown.ts";
import { eventually } from "../support/eventually.ts";
import { ask, bearer } from "../support/http.ts";
import { processorMsOf } from "../support/processor-time.ts";
import { pushRecipe, remoteOf } from "../support/push.ts";
import { ADMIN_TOKEN, type TestServer, testServer } from "../support/server.ts";
import { type Browser, browser } from "./browser.ts";

const EVIL = `"><script>alert(1)</script></title></pre><svg onload=alert(1)>'\`\u202e`;
const LIB = "gokura.test/evil/lib";

let server: TestServer;
let root: Browser;

beforeAll(async () => {
  server = await testServer();
  const { registry, url } = server;
  await createGroup(registry, OPERATOR, {
    fullPath: "evil",
    visibility: "PUBLIC",
    name: EVIL.slice(0, -1),
    description: EVIL,
  });
  await createProject(registry, OPERATOR, {
    fullPath: "evil/lib",
    visibility: "PUBLIC",
    name: EVIL.slice(0, -1),
    description: EVIL,
    topics: [EVIL],
  });
  await pushRecipe(remoteOf(url, "evil/lib", ADMIN_TOKEN), (r) => {
    const first = r.commit(
      {
        "go.mod": `// Deprecated: ${EVIL}\nmodule ${LIB}\n\ngo 1.24\n\nrequire example.com/x v1.0.0 // ${EVIL}\n\n// ${EVIL}\nretract v1.0.0\n`,
        "README.md": `${EVIL}\n\n[x](javascript:alert(1)) ![x](javascript:alert(1)) <a href="//evil.example" onclick=alert(1)>x</a>\n<iframe src="//evil.example"></iframe><form action="/-/sign-out" method="post"><button>x</button></form>\n<p style="position:fixed" id="main" class="banner">x</p>\n\n[1](https://evil.example) &lt; 2 &amp; a **fiend**\n`,
        LICENSE: EVIL,
        "lib.go": `// Package lib ${EVIL}\npackage lib\n/* ${EVIL}\n*/\nvar x = "${EVIL.replaceAll('"', "")}"\n`,
        "sub/a&b (x).txt": EVIL,
        "picture.svg": `<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"><script>alert(1)</script></svg>`,
        "page.html": "<script>alert(1)</script>",
        "long.go": `package lib // ${"x".repeat(1_000_000)}\n`,
      },
      { message: EVIL },
    );
    r.tag("v1.0.0", first);
    r.tag("v1.0.1", r.commit({ "lib.go": `package lib // ${EVIL}\n` }));
    r.tag(`v2.0.0-<script>`, first);
  });
  const zip = await ask(url, `/api/v4/packages/go/${LIB}/@v/v1.0.1.zip`, { headers: bearer(ADMIN_TOKEN) });
  expect([zip.status, zip.status === 200 ? "" : zip.text]).toEqual([200, ""]);
  await eventually(
    () => registry.prisma.moduleDocument.count(),
    (count) => count > 0,
    30_000,
  );
  root = await browser(url, ADMIN_TOKEN);
});

const PAGES = [
  [
    "/",
    "/-/search",
    "/-/search?q=%22%3E%3Cscript%3Ealert(1)%3C%2Fscript%3E",
    "/-/search?q=fiend",
    "/-/groups",
    "/-/projects",
    "/groups/evil",
    "/evil/lib",
  ],
  ["tags", "branches", "rejected_tags", "packages", "edit", "commit/main"].map((part) => `/evil/lib/-/${part}`),
  ["", "?tab=versions", "?tab=gomod", "?tab=buildlist", "?tab=licenses", "?tab=provenance"].map(
    (tab) => `/-/go/${LIB}${tab}`,
  ),
  [`/-/go/${LIB}@v1.0.0`, `/-/go/${LIB}?tab=versions&range=%22%3E%3Cscript%3E`, `/-/diff/${LIB}@v1.0.0...v1.0.1`],
  [
    "",
    "lib.go",
    "sub",
    `sub/${encodeURIComponent("a&b (x).txt")}`,
    "picture.svg",
    "page.html",
    "long.go",
    "LICENSE",
  ].map((path) => `/-/src/${LIB}@v1.0.1/${path}`),
  [
    "/admin/audit",
    "/admin/rejected_tags",

    "/%22%3E%3Cscript%3Ealert(1)%3C%2Fscript%3E",
  ],
].flat();

test("no text of others becomes markup on any page", async () => {
  const validator = new HtmlValidate({
    elements: ["html5"],
    rules: { "no-inline-style": "error", "no-dup-id": "error", "close-order": "error" },
  });
  for (const path of PAGES) {
    const { status, text } = await root.get(path);
    expect([path, status < 500]).toEqual([path, true]);
    // Only our own script, by its address; no handler, no frame, no form but ours.
    expect([path, text.match(/<script\b[^>]*>/g)]).toEqual([
      path,
      [expect.stringMatching(/^<script src="\/-\/assets\/[^"]+" defer>$/)],
    ]);
    const bare = text.replaceAll(/"[^"]*"/g, '""'); // what stands in attributes is escaped, and no markup
    expect([path, bare.match(/<[^>]*\s(?:on\w+|style)=|<iframe/gi)]).toEqual([path, null]);
    expect([path, text.match(/(?:href|src|action)="\s*javascript:/gi)]).toEqual([path, null]);
    const { results } = await validator.validateString(text);
    expect([
      path,
      results.flatMap(({ messages }) => messages.map(({ ruleId, message }) => `${ruleId} ${message}`)),
    ]).toEqual([path, []]);
  }
});

test("what was found in a readme is shown as text", async () => {
  expect((await root.get("/-/search?q=fiend")).text).toContain("1 &lt; 2 &amp; a <mark>fiend</mark></p>");
});

describe("a file of a module that is opened by itself", () => {
  test.each([
    ["page.html", "text/plain; charset=utf-8"],
    ["picture.svg", "image/svg+xml"],
    ["lib.go", "text/plain; charset=utf-8"],
  ])("%s runs nothing", async (path, type) => {
    const { status, headers } = await root.get(`/-/raw/${LIB}@v1.0.1/${path}`);
    expect([status, headers["content-type"]]).toEqual([200, type]);
    expect(headers).toMatchObject({
      "content-security-policy": "sandbox; default-src 'none'",
      "x-content-type-options": "nosniff",
    });
  });
});

test("a choice of files is a zip of them, and of nothing else", async () => {
  const { headers, bytes } = await root.get(
    `/-/zip/${LIB}@v1.0.1?file=lib.go&file=LICENSE&file=..%2F..%2Fetc%2Fpasswd`,
  );
  expect(headers["content-disposition"]).toBe(`attachment; filename="lib-v1.0.1.zip"; filename*=UTF-8''lib-v1.0.1.zip`);
  expect(Object.keys((await JSZip.loadAsync(bytes)).files).sort()).toEqual(["LICENSE", "lib.go"]);
  expect((await root.get(`/-/zip/${LIB}@v1.0.1`)).status).toBe(400);
});

describe("what would take for ever", () => {
  const place = { page: (path: string) => `/p/${path}`, bytes: (path: string) => `/b/${path}`, directory: "" };
  test.each([
    ["5,000 levels of quotes", ">".repeat(5_000)],
    ["5,000 levels of lists", Array.from({ length: 5_000 }, (_, n) => `${" ".repeat(Math.min(n, 500))}- x`).join("\n")],
    ["brackets without end", "[".repeat(50_000)],
    ["emphasis without end", "*a_".repeat(20_000)],
    ["5,000 levels of elements", "<div>".repeat(5_000)],
    ["one line of a megabyte", "a".repeat(1_000_000)],
  ])("%s in a readme", async (_, text) => {
    expect(
      await processorMsOf(async () => void (await readmeMarkup("README.md", text.slice(0, 64 * 1024), place))),
    ).toBeLessThan(3_000);
  });

  test("250 kB of nonsense in a source file", async () => {
    const text = "`'\"/*(".repeat(40_000);
    expect(await processorMsOf(async () => void (await highlightedLines("x.go", text)))).toBeLessThan(5_000);
  });
});

describe("links of a readme", () => {
  const place = { page: (path: string) => `/p/${path}`, bytes: (path: string) => `/b/${path}`, directory: "docs" };
  test.each([
    ["[x](guide.md)", `href="/p/docs/guide.md"`],
    ["[x](../lib.go)", `href="/p/lib.go"`],
    ["[x](/lib.go#L3)", `href="/p/lib.go"`],
    ["[x](../../etc/passwd)", "<a>x</a>"],
    ["[x](..%2f..%2fetc)", "<a>x</a>"],
    ["[x](https://example.com/)", `href="https://example.com/" rel="nofollow noopener ugc"`],
    ["[x](//evil.example)", "<a>x</a>"],
    ["[x](#Usage)", `href="#user-content-Usage"`],
    ["![x](a.png)", `src="/b/docs/a.png"`],
    ["![x](https://evil.example/a.png)", "[picture: x]"],
    [`<img src="a.png" onerror="x" style="y" width="10">`, `<img src="/b/docs/a.png" alt="" width="10" />`],
  ])("%s", async (text, markup) => {
    expect(String(await readmeMarkup("README.md", text, place))).toContain(markup);
  });
});

test("markup that is not escaped comes from two places alone", () => {
  const files = readdirSync("src/web", { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".ts"));
  const texts = files.map((name) => [name, readFileSync(join("src/web", name), "utf8")] as const);
  const raw = texts.filter(([, text]) => /import \{[^}]*\braw\b[^}]*\} from "hono/.test(text)).map(([name]) => name);
  expect(raw.sort()).toEqual(["text/highlighted.ts", "text/markdown.ts", "text/package-documentation.ts"]);
  // An attribute stands in quotation marks, or else what is in it ends where its text says.
  const unquoted = texts.filter(([, text]) => /\s[a-z-]+=\$\{/.test(text)).map(([name]) => name);
  expect(unquoted).toEqual([]);
});

test("files that have nothing in common are not compared for long, however many", async () => {
  const path = "evil/other";
  await createProject(server.registry, OPERATOR, { fullPath: path, visibility: "PUBLIC" });
  const names = Array.from({ length: 12 }, (_, n) => `${n}.txt`);
  const linesFrom = (seed: number): string =>
    Array.from({ length: 8_000 }, (_, n) => (Math.imul(n + seed, 2_654_435_761) >>> 0).toString(36).slice(0, 3)).join(
      "\n",
    );
  const files = (seed: number) => Object.fromEntries(names.map((name, n) => [name, linesFrom(seed + n)]));
  await pushRecipe(remoteOf(server.url, path, ADMIN_TOKEN), (r) => {
    r.tag("v1.0.0", r.commit({ "go.mod": `module gokura.test/${path}\n`, ...files(0) }));
    r.tag("v1.0.1", r.commit(files(1_000_000)));
  });
  const [stranger, address] = [await browser(server.url), `/-/diff/gokura.test/${path}@v1.0.0...v1.0.1`];
  const page = await eventually(
    () => stranger.get(address),
    ({ text }) => text.includes("11.txt"),
    20_000,
  );
  expect(page.text).toContain("11.txt");
  expect(await processorMsOf(() => stranger.get(address))).toBeLessThan(4_000);
});
