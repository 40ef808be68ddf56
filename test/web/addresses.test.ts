// Addresses that come from elsewhere: those that the APIs name, those that GitLab has, those that chats and search engines
// fetch; and the pages of versions whose files are not here.
import { rmSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { createProject } from "../../src/registry/forge/projects.ts";
import { OPERATOR } from "../../src/registry/principal.ts";
import { zipObjectKey } from "../../src/storage/object-keys.ts";
import { type Answer, ask, bearer } from "../support/http.ts";
import { pushRecipe, remoteOf } from "../support/push.ts";
import { ADMIN_TOKEN, testServer } from "../support/server.ts";
import { type Browser, browser } from "./browser.ts";
import { APP, LIB, SECRET, VAULT, WORLD, type World, world } from "./world.ts";

let server: World;
let admin: Browser;
let anonymous: Browser;

beforeAll(async () => {
  server = await world({ GOKURA_SEARCH_ENGINES: "on" });
  admin = await browser(server.url, ADMIN_TOKEN);
  anonymous = await browser(server.url);
});

/** Goes where an address leads in the end. */
async function arrive(visitor: Browser, path: string): Promise<Answer & { readonly at: string }> {
  let at = path;
  for (let hops = 0; hops < 5; hops++) {
    const answer = await visitor.get(at);
    if (answer.headers.location === undefined) return { ...answer, at };
    at = answer.headers.location;
  }
  throw new Error(`${path} leads nowhere`);
}

test("each address that REST and GraphQL name is a page", async () => {
  const named = new Set<string>();
  const note = (value: unknown): void => {
    if (typeof value !== "object" || value === null) return;
    for (const [key, inner] of Object.entries(value)) {
      if (/^web_?(url|path)$/i.test(key) && typeof inner === "string") named.add(inner.replace(server.url, ""));
      else note(inner);
    }
  };
  const api = async (path: string, options = {}) => {
    const headers = { ...bearer(ADMIN_TOKEN), "content-type": "application/json" };
    const { status, text } = await ask(server.url, path, { headers, ...options });
    expect([path, status]).toEqual([path, 200]);
    note(JSON.parse(text));
  };
  const lib = "/api/v4/projects/acme%2Flib";
  for (const path of ["projects", "groups", "users", "user"]) await api(`/api/v4/${path}`);
  for (const part of [
    "",
    "/packages",
    "/repository/tags",
    "/repository/branches",
    "/repository/commits/main",
    "/members",
  ])
    await api(lib + part);
  const query = `{ project(fullPath: "acme/lib") { packages(first: 20) { nodes { _links { webPath } } } } }`;
  await api("/api/graphql", { method: "POST", body: JSON.stringify({ query }) });
  for (const wanted of ["/groups/acme", "/acme/lib", "/mary"]) expect([...named]).toContain(wanted);
  for (const pattern of [/\/-\/packages\/\d+$/, /\/-\/commit\/[0-9a-f]{40}$/, /\/-\/tree\/main$/])
    expect([...named].filter((path) => pattern.test(path)).length, String(pattern)).toBeGreaterThan(0);
  for (const path of named) {
    const { status, headers } = await arrive(admin, path);
    expect([path, status, headers["content-type"]]).toEqual([path, 200, "text/html; charset=utf-8"]);
  }
});

test.each([
  ["/explore", "/-/projects"],
  ["/explore/groups", "/-/groups"],
  ["/users/sign_in", "/"],
  ["/-/profile/personal_access_tokens", "/-/user_settings/personal_access_tokens"],
  ["/acme/lib/-/tags/v1.0.0", `/-/src/${LIB}@v1.0.0/`],
  ["/acme/lib/-/blob/v1.0.0/lib.go", `/-/src/${LIB}@v1.0.0/lib.go`],
  ["/acme/lib/-/commits/main", "/acme/lib/-/commit/main"],
  ["/acme/lib/-/compare/v1.0.0...v1.2.0", `/-/diff/${LIB}@v1.0.0...v1.2.0`],
  ["/acme/lib/-/releases", "/acme/lib/-/tags"],
  ["/acme/lib/-/settings/repository", "/acme/lib/-/deploy_tokens"],
  ["/groups/acme/-/settings/ci_cd", "/groups/acme/-/trusts"],
  ["/acme/lib/-/settings/integrations", "/acme/lib/-/hooks"],
  ["/acme/lib/-/settings/general", "/acme/lib/-/edit"],
  ["/acme/lib/sub", `/-/go/${LIB}/sub`],
])("GitLab's address %s leads to %s", async (path, wanted) => {
  const { status, at } = await arrive(admin, path);
  expect([status, at]).toEqual([200, wanted]);
});

test("an import path of any letters leads on as it was written", async () => {
  const { status, headers } = await admin.get("/acme/lib/%E6%97%A5%0A%3Fx");
  expect([status, headers.location]).toEqual([302, `/-/go/${LIB}/%E6%97%A5%0A%3Fx`]);
});

describe("search engines and chats", () => {
  test("where the setting is on they may keep what everybody sees, and nothing else", async () => {
    const robots = await anonymous.get("/robots.txt");
    expect(robots.text).toContain("Disallow: /-/search\n");
    expect(robots.text).not.toContain("Disallow: /\n");
    expect((await anonymous.get(`/-/go/${LIB}`)).headers).not.toHaveProperty("x-robots-tag");
    for (const [visitor, path] of [
      [admin, `/-/go/${LIB}`],
      [admin, `/-/go/${VAULT}`],
      [anonymous, "/-/none"],
      [anonymous, `/-/raw/${LIB}@v1.0.0/lib.go`],
    ] as const)
      expect((await visitor.get(path)).headers["x-robots-tag"], path).toBe("noindex");
  });

  test("otherwise they are told to stay away", async () => {
    const quiet = await testServer();
    const visitor = await browser(quiet.url);
    expect((await visitor.get("/robots.txt")).text).toBe("User-agent: *\nDisallow: /\n");
    expect((await visitor.get("/")).headers["x-robots-tag"]).toBe("noindex");
  });

  test("are told what a module is only if everybody may see it, whoever asks", async () => {
    const of = (text: string) => [...text.matchAll(/<meta (?:name|property)="([^"]+)" content="([^"]*)">/g)].slice(1);
    const { text } = await admin.get(`/-/go/${LIB}`);
    const told = Object.fromEntries(of(text).map(([, name, content]) => [name, content]));
    expect(told).toMatchObject({
      description: "What acme/lib is",
      "og:title": expect.stringContaining(LIB),
      "og:url": `${server.url}/-/go/${LIB}`,
    });
    for (const path of [`/-/go/${VAULT}`, `/-/go/${VAULT}@v1.0.0?tab=gomod`, `/${SECRET}/plans`, `/groups/${SECRET}`]) {
      const { status, text } = await admin.get(path);
      expect([path, status, of(text)]).toEqual([path, 200, []]);
    }
  });
});

describe("a version whose files are not here", () => {
  const pages = (module: string, version: string) => [
    `/-/src/${module}@${version}/`,
    `/-/raw/${module}@${version}/go.mod`,
  ];

  test("because they can be no zip: its page says why, and so does the project", async () => {
    await createProject(server.registry, OPERATOR, { fullPath: "acme/both", visibility: "PUBLIC" });
    const both = "gokura.test/acme/both";
    await pushRecipe(remoteOf(server.url, "acme/both", ADMIN_TOKEN), (r) =>
      r.tag("v1.0.0", r.commit({ "go.mod": `module ${both}\n`, "A.go": "package a\n", "a.go": "package a\n" })),
    );
    const module = await anonymous.get(`/-/go/${both}`);
    expect([module.status, module.text]).toEqual([200, expect.stringContaining("v1.0.0")]);
    for (const path of pages(both, "v1.0.0")) {
      const { status, text } = await anonymous.get(path);
      expect([path, status, text]).toEqual([path, 404, expect.stringMatching(/a\.go|A\.go/)]);
    }
    expect((await anonymous.get("/acme/both/-/rejected_tags")).text).toContain("the zip cannot be made");
  });

  test("because nobody fetched them from upstream yet: its page says how they come", async () => {
    await server.upstream.version(WORLD, "v1.1.0", { "world.go": "package world\n" });
    const info = `/api/v4/packages/go/${WORLD}/@v/v1.1.0.mod`;
    expect((await ask(server.url, info, { headers: bearer(ADMIN_TOKEN) })).status).toBe(200);
    for (const path of pages(WORLD, "v1.1.0")) {
      const { status, text } = await anonymous.get(path);
      expect([path, status]).toEqual([path, 404]);
      expect(text).toMatch(/go (?:get|mod download)|no version v1\.1\.0/);
    }
  });

  test("because somebody took the zip away: the page of the module stays, and nothing hangs", async () => {
    const { zipKey } = await server.registry.prisma.moduleVersion.findFirstOrThrow({
      where: { module: { path: APP }, version: "v0.1.0" },
    });
    rmSync(join(server.dataDirectory, "blobs", zipObjectKey(zipKey!)));
    expect((await anonymous.get(`/-/go/${APP}@v0.1.0`)).status).toBe(200);
    for (const path of [`/-/raw/${APP}@v0.1.0/go.mod`, `/-/zip/${APP}@v0.1.0?file=main.go`]) {
      const { status, text } = await anonymous.get(path);
      expect([path, status, text]).toEqual([path, 503, expect.stringContaining("its stored zip cannot be read")]);
    }
  });
});
