// The Go team's own client of pkg.go.dev's API, pkgsite-cli of golang.org/x/pkgsite, against /-/pkgsite: every command, for a
// private module with a token in the address of the server, and without.
import { join } from "node:path";
import spdx from "spdx-license-list/full.js";
import { beforeAll, describe, expect, test } from "vitest";
import { createAdvisory } from "../../src/registry/advisories/own-advisories.ts";
import { createGroup } from "../../src/registry/forge/groups.ts";
import { createProject } from "../../src/registry/forge/projects.ts";
import { OPERATOR } from "../../src/registry/principal.ts";
import { eventually } from "../support/eventually.ts";
import { ask, bearer } from "../support/http.ts";
import { pushRecipe, remoteOf, runProgram } from "../support/push.ts";
import { ADMIN_TOKEN, type TestServer, testServer } from "../support/server.ts";
import { goProgram, required } from "./installed.ts";

const CLI = "golang.org/x/pkgsite/cmd/internal/pkgsite-cli";
const LIB = "gokura.test/acme/lib";
const APP = "gokura.test/vault/app";

let server: TestServer;
let program: Awaited<ReturnType<typeof goProgram>>;

beforeAll(async () => {
  program = await goProgram(join(import.meta.dirname, "pkgsite"), CLI);
  server = await testServer();
  const { registry, url } = server;
  await createGroup(registry, OPERATOR, { fullPath: "acme", visibility: "PUBLIC" });
  await createGroup(registry, OPERATOR, { fullPath: "vault" });
  await createProject(registry, OPERATOR, { fullPath: "acme/lib", visibility: "PUBLIC" });
  await createProject(registry, OPERATOR, { fullPath: "vault/app" });
  await pushRecipe(remoteOf(url, "acme/lib", ADMIN_TOKEN), (r) => {
    const first = r.commit({
      "go.mod": `module ${LIB}\n\ngo 1.23\n`,
      "lib.go":
        '// Package lib limits.\npackage lib\n\nimport "context"\n\n// A Limiter limits.\ntype Limiter struct{ Rate int }\n\n// Allow says whether.\nfunc (l *Limiter) Allow(ctx context.Context) bool { return true }\n',
      "lib_test.go":
        'package lib_test\n\nimport "fmt"\n\nfunc ExampleLimiter_Allow() {\n\tfmt.Println(1)\n\t// Output: 1\n}\n',
      "sub/sub_windows.go":
        "// Package sub is for Windows.\npackage sub\n\n// Registry is there.\nfunc Registry() {}\n",
      "sub/sub.go": "package sub\n\nfunc Everywhere() {}\n",
      "README.md": "# lib\n\nIt limits.\n",
      LICENSE: spdx.MIT!.licenseText,
    });
    r.tag("v1.0.0", first);
    r.tag("v1.1.0", r.commit({ "more.go": "package lib\n\n// More is new.\nfunc More() {}\n" }));
  });
  await pushRecipe(remoteOf(url, "vault/app", ADMIN_TOKEN), (r) =>
    r.tag(
      "v0.1.0",
      r.commit({
        "go.mod": `module ${APP}\n\ngo 1.23\n\nrequire ${LIB} v1.0.0\n`,
        "secret/secret.go": `// Package secret uses lib.\npackage secret\n\nimport "${LIB}"\n\n// LaunchCodes are secret.\nvar LaunchCodes lib.Limiter\n`,
      }),
    ),
  );
  await createAdvisory(registry, OPERATOR, {
    ...{ modulePath: LIB, packagePath: LIB, symbols: [], fixed: "v1.1.0", summary: "It lets all pass" },
  });
  await eventually(
    () => registry.prisma.documentedVersion.count({ where: { whole: true } }),
    (whole) => whole >= 2,
    30_000,
  );
}, 300_000);

/** Runs it; `as`: with which token. */
async function cli(as: string, ...words: string[]): Promise<{ readonly status: number; readonly output: string }> {
  const [command = "", ...rest] = words;
  const at = as === "" ? server.url : server.url.replace("://", `://cli:${as}@`);
  const env = { PATH: process.env.PATH ?? "", HOME: server.dataDirectory };
  const path = "program" in program ? program.program : "";
  return runProgram(path, [command, `-server=${at}/-/pkgsite`, ...rest], { env });
}

test("package shows documentation, examples, imports, licences, symbols and importers", async (context) => {
  required(program, context);
  const { status, output } = await cli(
    ...[ADMIN_TOKEN, "package", "-doc=text", "-examples", "-imports", "-licenses", "-symbols", "-imported-by"],
    ...["-imported-by-counts", `${LIB}@v1.0.0`],
  );
  expect(output).toContain(
    `${LIB}\n  Name:     lib\n  Module:   ${LIB}\n  Version:  v1.0.0\n  Synopsis: Package lib limits.`,
  );
  expect(output).toContain("  Context:  all/all\n  Imported by: 1 packages, 1 modules\n");
  expect(output).toContain("func (l *Limiter) Allow(ctx context.Context) bool\n\tAllow says whether.");
  expect(output).toContain("Output:\n\t1");
  expect(output).toContain("Imports:\n  context\n");
  expect(output).toContain("Licenses:\n  MIT (LICENSE)\n");
  expect(output).toContain(
    "Symbols:\n  type Limiter struct{ ... }\n  Rate int\n  func (l *Limiter) Allow(ctx context.Context) bool\n",
  );
  expect(output).toContain(`Imported by:\n  ${APP}/secret\n`);
  expect(status).toBe(0);
});

test("package takes a system, a module and the latest version, and prints JSON", async (context) => {
  required(program, context);
  const { status, output } = await cli(
    ...["", "package", "-json", "-goos=windows", "-goarch=amd64", `-module=${LIB}`, `${LIB}/sub`],
  );
  expect(status).toBe(0);
  expect(JSON.parse(output)).toEqual({
    package: {
      ...{ modulePath: LIB, version: "v1.1.0", isLatest: true, isStandardLibrary: false, goos: "windows" },
      ...{ goarch: "amd64", path: `${LIB}/sub`, name: "sub", synopsis: "Package sub is for Windows." },
      isRedistributable: true,
    },
  });
});

test("module shows its readme, licences, versions, packages and vulnerabilities", async (context) => {
  required(program, context);
  const words = ["module", "-readme", "-licenses", "-versions", "-packages", "-vulns", `${LIB}@v1.0.0`];
  const { status, output } = await cli("", ...words);
  expect(output).toContain(`${LIB}\n  Version:          v1.0.0\n  Repository:       ${server.url}/acme/lib\n`);
  expect(output).toContain("  Has go.mod:       yes\n  Redistributable:  yes\n");
  expect(output).toContain("README (README.md):\n# lib\n\nIt limits.\n");
  expect(output).toContain("Versions:\n  v1.1.0\n  v1.0.0\n");
  expect(output).toMatch(/Vulnerabilities:\n {2}GOKURA-\d{4}-\d+\n {4}It lets all pass\n {4}Fixed in: v1\.1\.0\n/);
  expect(output).toMatch(
    new RegExp(`Packages:\n  ${LIB} +Package lib limits\\.\n  ${LIB}/sub +Package sub is for Windows\\.\n`),
  );
  expect(status).toBe(0);
});

test("lists come page by page", async (context) => {
  required(program, context);
  const first = await cli("", "module", "-json", "-versions", "-limit=1", LIB);
  expect(JSON.parse(first.output).versions.items.map((one: { version: string }) => one.version)).toEqual(["v1.1.0"]);
  const all = await cli("", "package", "-json", "-symbols", "-limit=2", "-x", LIB);
  expect(all.output).toContain("limit=2");
});

test("search finds packages by words and by what they declare", async (context) => {
  required(program, context);
  const words = await cli(ADMIN_TOKEN, "search", "limits");
  expect(words).toEqual({
    status: 0,
    output: `${LIB}\n  Module:   ${LIB}@v1.1.0\n  Synopsis: Package lib limits.\n\n`,
  });
  const symbol = await cli(ADMIN_TOKEN, "search", "-symbol=LaunchCodes", "vault");
  expect(symbol.output).toContain(`${APP}/secret\n  Module:   ${APP}@v0.1.0\n`);
  expect((await cli("", "search", "-symbol=LaunchCodes", "vault")).output).toBe("No results.\n");
});

test("what may not be seen is not there, and its sentence says what to do", async (context) => {
  required(program, context);
  const stranger = await server.token("mallory", "read_api");
  const none = await cli(stranger, "package", "gokura.test/vault/none");
  const hidden = await cli(stranger, "package", `${APP}/secret`);
  expect(hidden).toEqual(none);
  expect(hidden).toEqual({ status: 1, output: expect.stringContaining("not found") });
  const anonymous = await cli("", "package", `${APP}/secret`);
  expect(anonymous).toEqual({ status: 1, output: expect.stringContaining("sign in: send a token") });
  expect((await cli("", "package", "-imported-by", "-imported-by-counts", LIB)).output).not.toContain("vault");
  expect((await cli(ADMIN_TOKEN, "module", `${LIB}/sub`)).output).toContain(`"${LIB}"`);
});

describe("answers", () => {
  const at = (path: string, token?: string, method = "GET") =>
    ask(server.url, `/-/pkgsite/${path}`, { method, headers: token === undefined ? {} : bearer(token) });

  test("are kept by caches for as long as pkg.go.dev's, and those for credentials by nobody else's", async () => {
    for (const [path, token, caching] of [
      [`v1/package/${LIB}?version=v1.0.0`, undefined, "public, max-age=10800"],
      [`v1/package/${LIB}`, undefined, "public, max-age=3600"],
      [`v1/versions/${LIB}`, undefined, "public, max-age=3600"],
      [`v1/package/${LIB}?doc=pdf`, undefined, "public, max-age=600"],
      [`v1/package/${APP}/secret?version=v0.1.0`, ADMIN_TOKEN, "private, max-age=10800"],
      [`v1/package/${APP}/none`, ADMIN_TOKEN, "private, max-age=600"],
      [`v1/package/${APP}/secret`, undefined, "no-store"],
      ["v1/search?q=limits", ADMIN_TOKEN, "private, max-age=3600"],
    ] as const) {
      const { headers } = await at(path, token);
      expect([headers["cache-control"], headers.vary], path).toEqual([caching, "Authorization, Private-Token"]);
    }
  });

  test("tell nothing of what may not be seen", async () => {
    const stranger = await server.token("mallory", "read_api");
    for (const endpoint of ["package", "symbols", "imported-by", "vulns", "module", "versions", "packages"])
      for (const token of [stranger, undefined]) {
        const [hidden, missing] = await Promise.all([
          at(`v1/${endpoint}/${APP}`, token),
          at(`v1/${endpoint}/gokura.test/vault/none`, token),
        ]);
        expect([hidden.status, hidden.text], endpoint).toEqual([missing.status, missing.text]);
        expect(hidden.status).toBe(token === undefined ? 401 : 404);
      }
    for (const path of [
      "v1/search?q=secret",
      "v1/search?q=vault",
      "v1/search?q=lib&symbol=launchcodes",
      `v1/imported-by/${LIB}`,
    ])
      expect((await at(path, stranger)).text, path).not.toContain("vault");
    expect((await at(`v1/module/${LIB}`, "no-such-token")).status).toBe(401);
  });

  test("come to the old addresses by a redirect, and to none for what is no question", async () => {
    for (const path of ["", "/v1", "/v1beta", "/api"].map((one) => `/-/pkgsite${one}`)) {
      const { status, headers } = await ask(server.url, path);
      expect([status, headers.location], path).toEqual([301, "/-/pkgsite/v1/api"]);
    }
    const old = await at(`v1beta/module/${LIB}?version=v1.0.0`);
    expect([old.status, old.headers.location]).toEqual([301, `/-/pkgsite/v1/module/${LIB}?version=v1.0.0`]);
    expect((await at("v1/api")).text).toContain("filter=");
    expect([(await at(`v1/module/${LIB}`, undefined, "POST")).status, (await at("v1/none")).status]).toEqual([
      400, 400,
    ]);
    for (const path of [
      `v1/module/%zz`,
      `v1/module/${"a/".repeat(4_000)}`,
      "v1/module/a%00b",
      `v1/package/${LIB}?version=%00`,
    ])
      expect((await at(path, ADMIN_TOKEN)).status, path.slice(0, 40)).toBeOneOf([400, 404, 414]);
  });

  test("list the versions of all majors, newest first, by key", async () => {
    const names = async (query: string): Promise<[string[], string | undefined, number]> => {
      const { items, nextPageToken, total } = JSON.parse((await at(`v1/versions/${LIB}?${query}`)).text);
      return [(items ?? []).map((one: { version: string }) => one.version), nextPageToken, total];
    };
    expect(await names("")).toEqual([["v1.1.0", "v1.0.0"], undefined, 2]);
    const [first, token, total] = await names("limit=1");
    expect([first, total]).toEqual([["v1.1.0"], -1]);
    expect(await names(`limit=1&token=${token}`)).toEqual([["v1.0.0"], undefined, -1]);
    // A page may be empty and go on: it is filtered after it was read.
    const [none, more] = await names(`limit=1&filter=${encodeURIComponent('version == "v1.0.0"')}`);
    expect([none, typeof more]).toEqual([[], "string"]);
  });
});
