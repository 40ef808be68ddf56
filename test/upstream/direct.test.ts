// Modules straight from git servers: what `direct` answers is what the endpoint of the project answers that holds the same
// repository, which test/e2e/direct-mode.test.ts compares with the go command.
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { beforeAll, describe, expect, test } from "vitest";
import { Repositories } from "../../src/git/objects/repositories.ts";
import type { ModulePath } from "../../src/gomod/module-path.ts";
import { parseGoPath } from "../../src/gomod/proxy-path.ts";
import { createProject } from "../../src/registry/forge/projects.ts";
import { OPERATOR } from "../../src/registry/principal.ts";
import { bytesOf } from "../../src/upstream/bounded-body.ts";
import { createDirect } from "../../src/upstream/direct.ts";
import { writeCaBundle } from "../../src/upstream/git-fetch.ts";
import { type GitMirrors, openGitMirrors } from "../../src/upstream/git-mirror.ts";
import { type GuardedHttp, openHttp } from "../../src/upstream/guarded-http.ts";
import { goImportsIn, knownRoot, matchGoImport } from "../../src/upstream/import-path.ts";
import type { FetchDirect } from "../../src/upstream/upstream-client.ts";
import { atEnd } from "../support/at-end.ts";
import { ask, bearer } from "../support/http.ts";
import { type PushedRepository, pushRecipe, remoteOf } from "../support/push.ts";
import { type TestServer, testServer } from "../support/server.ts";
import { temporary } from "../support/temporary.ts";

test("the certificates that git trusts are whole at every moment, whoever writes them anew", async () => {
  const directory = temporary("trusted");
  const file = await writeCaBundle(directory, undefined);
  const sizes = new Set<number>();
  let writing = true;
  const watching = (async () => {
    while (writing) {
      sizes.add(statSync(file).size);
      await setImmediate();
    }
  })();
  for (let n = 0; n < 20; n++) await writeCaBundle(directory, undefined);
  writing = false;
  await watching;
  expect(sizes.size).toBe(1);
  expect(readdirSync(directory)).toEqual(["trusted.pem"]);
});

describe("finding the repository", () => {
  test.each([
    ["github.com/acme/lib/sub/v2", "github.com/acme/lib https://github.com/acme/lib"],
    ["github.com/acme", "asked"],
    ["git.corp.example/team/lib.git/sub", "git.corp.example/team/lib.git https://git.corp.example/team/lib.git"],
    ["example.com/x", "asked"],
  ])("%s by its path: %s", (path, expected) => {
    const root = knownRoot(path);
    expect(root ? `${root.root} ${root.url}` : "asked").toBe(expected);
  });

  test("by the head of a page, and only by that", () => {
    const page = `<!doctype html><html><head><!-- <meta name="go-import" content="c.example git https://c.example"> -->
      <META NAME='go-import' CONTENT='a.example/x git https://git.example/x?a=1&amp;b=2'>
      <meta content="a.example/y mod https://proxy.example" name="go-import"/>
      <meta name="go-import" content="a.example/y git https://git.example/y">
      <meta name="go-import" content="a.example/z git https://git.example/z deep/inside">
      <meta name="go-import" content="a.example&#x2F;w git https:&#47;&#x2F;git.example/w?&quot;&#x110000;&none;">
      <meta name="go-source" content="a.example/x x y z"><meta name="go-import" content="too few">
      </head><body><meta name="go-import" content="b.example git https://b.example"></body>`;
    const imports = goImportsIn(page);
    expect(imports.map(({ prefix, vcs }) => `${prefix} ${vcs}`)).toEqual([
      "a.example/x git",
      "a.example/y mod",
      "a.example/y git",
      "a.example/z git",
      "a.example/w git",
    ]);
    expect(matchGoImport(imports, "a.example/x/sub")).toMatchObject({ url: "https://git.example/x?a=1&b=2" });
    expect(matchGoImport(imports, "a.example/y").vcs).toBe("mod");
    expect(matchGoImport(imports, "a.example/z").subdirectory).toBe("deep/inside");
    expect(matchGoImport(imports, "a.example/w").url).toBe('https://git.example/w?"&#x110000;&none;');
    expect(() => matchGoImport(imports, "a.example/xx")).toThrow("no go-import says where it is");
    expect(() => matchGoImport([...imports, ...imports], "a.example/x")).toThrow("several go-import tags");
  });
});

const P = "gokura.test/alice/lib";

describe("a repository over https", () => {
  let server: TestServer;
  let token: string;
  let pushed: PushedRepository;
  let direct: FetchDirect;
  let http: GuardedHttp;
  let mirrors: GitMirrors;
  let clock = Date.now();

  beforeAll(async () => {
    server = await testServer({ tls: true });
    token = await server.token("alice");
    await createProject(server.registry, OPERATOR, { fullPath: "alice/lib", visibility: "PUBLIC" });
    const remote = remoteOf(server.url, "alice/lib", token);
    const trust = { GIT_SSL_CAINFO: server.certificateFile };
    pushed = await pushRecipe(
      remote,
      (r) => {
        const mod = (path: string, rest = "") => `module ${path}\n\ngo 1.21\n${rest}`;
        r.tag("v0.0.1", r.commit({ "README.md": "no go.mod yet\n", "a.go": "package lib\n" }));
        r.tag(
          "v1.0.0",
          r.commit({ "go.mod": mod(P), LICENSE: "MIT\n", ".gitattributes": "*.txt text eol=crlf\n", "a.txt": "a\n" }),
        );
        const sub = r.commit({ "sub/go.mod": mod(`${P}/sub`), "sub/s.go": "package sub\n" });
        r.annotatedTag("sub/v0.3.0", sub);
        r.tag("v1.1.0", sub);
        const tip = r.commit({ "go.mod": mod(P, "retract v1.1.0 // broken\n"), "b.go": "package lib\n" });
        r.tag("v1.2.0", tip);
        r.tag("v2.0.0", r.commit({ "go.mod": mod(`${P}/v2`) }, { branch: "two", parents: [tip] }));
        r.commit({ "d.go": "package lib\n" });
      },
      trust,
    );
    const caFile = server.certificateFile;
    http = openHttp({ allowNetworks: ["127.0.0.0/8", "::1"], trustedHosts: new Set(), caFile });
    const repositories = new Repositories();
    atEnd(() => repositories.close());
    const directory = join(temporary("mirrors"), "mirrors");
    mirrors = await openGitMirrors({ directory, repositories, http, caFile, now: () => clock });
    const url = `${server.url}/alice/lib.git`;
    direct = createDirect({ http, mirrors, find: async () => ({ vcs: "git", root: P, url }) });
  });

  const said = async (path: string): Promise<string | Buffer> => {
    const answer = await direct(parseGoPath(path), { maxBytes: 100_000_000 });
    if (answer.kind === "absent") return `${answer.status}`;
    const bytes = await bytesOf(answer.body);
    return path.endsWith(".zip") ? bytes : bytes.toString().replace(/,"Origin".*/, "");
  };
  const hosted = async (path: string): Promise<string | Buffer> => {
    const base = "/api/v4/projects/alice%2Flib/packages/go/";
    const answer = await ask(server.url, base + path, { ca: server.ca, headers: bearer(token) });
    if (answer.status !== 200) return `${answer.status}`;
    return path.endsWith(".zip") ? answer.bytes : answer.text.replace(/,"Origin".*/, "");
  };

  test.each(
    [
      ...["list", "v0.0.1.info", "v0.0.1.mod", "v0.0.1.zip", "v1.0.0.zip", "v1.2.0.info", "v1.2.0.mod", "v1.2.0.zip"],
      ...["main.info", "!h!e!a!d.info", "two.info", "v9.9.9.info", "latest.info", "main.zip", "v1.info"],
    ]
      .map((name) => `${P}/@v/${name}`)
      .concat(`${P}/@latest`, `${P}/v2/@v/list`, `${P}/v2/@latest`, `${P}/v2/@v/v2.0.0.zip`, `${P}/v3/@v/list`)
      .concat(`${P}/sub/@v/list`, `${P}/sub/@latest`, `${P}/sub/@v/v0.3.0.zip`, `${P}/none/@v/list`),
  )("%s", async (path) => {
    const [here, there] = await Promise.all([said(path), hosted(path)]);
    expect(here.length).toBeGreaterThan(2);
    expect(Buffer.from(here as string).equals(Buffer.from(there as string)), `${here}\n${there}`).toBe(true);
  });

  test("what came later is seen after a minute, and a version that is asked for by name at once", async () => {
    pushed.change((r) => r.tag("v1.3.0", r.commit({ "e.go": "package lib\n" })));
    await pushed.push();
    expect(await said(`${P}/@v/list`)).not.toContain("v1.3.0");
    clock += 6_000;
    expect(await said(`${P}/@v/v1.3.0.info`)).toContain('"v1.3.0"');
    expect(await said(`${P}/@v/list`)).toContain("v1.3.0");
  });

  test("a repository that is not there, and one at an address that may not be asked", async () => {
    const at = (url: string, guarded = http): FetchDirect =>
      createDirect({ http: guarded, mirrors, find: async () => ({ vcs: "git", root: P, url }) });
    expect(await at(`${server.url}/alice/none.git`)(parseGoPath(`${P}/@v/list`), { maxBytes: 1 })).toMatchObject({
      status: 404,
    });
    const directory = join(temporary("mirrors"), "mirrors");
    const guarded = openHttp({ allowNetworks: [], trustedHosts: new Set(), caFile: server.certificateFile });
    const closed = await openGitMirrors({ directory, repositories: new Repositories(), http: guarded });
    await expect(closed.at(`${server.url}/alice/lib.git`, 0)).rejects.toThrow(/may not be asked/);
    const path = "gokura.test/x" as ModulePath;
    await expect(
      createDirect({ http: guarded, mirrors: closed })({ kind: "list", modulePath: path }, { maxBytes: 1 }),
    ).rejects.toThrow(/the name/);
  });
});
