// GOKURA_UPSTREAM=direct through the whole server: the real go command asks the instance's endpoint for modules that nobody
// has but a git server, which is found by go-import and read over HTTPS; and gets what it gets when it does that itself.
//
// go-import knows no ports: the git server, which is a Gokura of its own, has to listen on 443, on an address of loopback.
// Where that is not allowed, all of this is skipped.
import net from "node:net";
import { beforeAll, describe, expect, test } from "vitest";
import { createProject } from "../../src/registry/forge/projects.ts";
import { OPERATOR } from "../../src/registry/principal.ts";
import type { Recipe } from "../support/git-fixture.ts";
import { type GoCommand, goCommand } from "../support/go.ts";
import { ask } from "../support/http.ts";
import { type PushedRepository, pushRecipe, remoteOf } from "../support/push.ts";
import { type TestServer, testServer } from "../support/server.ts";

const HOST = "127.83.71.43";
const LIB = `${HOST}/alice/lib`;
const MOVING = `${HOST}/alice/moving`;
const ENDPOINT = "/api/v4/packages/go";

const mayListen = await new Promise<boolean>((tell) => {
  const server = net.createServer().once("error", () => tell(false));
  server.listen(443, HOST, () => server.close(() => tell(true)));
});

describe.skipIf(!mayListen)("direct", () => {
  let gokura: TestServer;
  let environment: Record<string, string>;

  beforeAll(async () => {
    const far = await testServer({
      tls: true,
      environment: { GOKURA_LISTEN: `${HOST}:443`, GOKURA_URL: `https://${HOST}`, GOKURA_MODULE_HOST: HOST },
    });
    const token = await far.token("alice");
    const push = async (name: string, recipe: (recipe: Recipe) => void): Promise<PushedRepository> => {
      await createProject(far.registry, OPERATOR, { fullPath: `alice/${name}`, visibility: "PUBLIC" });
      return pushRecipe(remoteOf(far.url, `alice/${name}`, token), recipe, { GIT_SSL_CAINFO: far.certificateFile });
    };
    const mod = (path: string): string => `module ${path}\n\ngo 1.21\n`;
    await push("lib", (r) => {
      r.tag("v0.9.0", r.commit({ "old.go": "package lib\n" }));
      r.tag("v1.0.0", r.commit({ "go.mod": mod(LIB), LICENSE: "MIT\n", "a.go": "package lib\n" }));
      r.annotatedTag("sub/v0.1.0", r.commit({ "sub/go.mod": mod(`${LIB}/sub`), "sub/s.go": "package sub\n" }));
      r.tag("v2.0.0", r.commit({ "go.mod": mod(`${LIB}/v2`) }, { branch: "two" }));
      r.commit({ "b.go": "package lib\n" });
    });
    const moving = await push("moving", (r) => r.tag("v1.0.0", r.commit({ "go.mod": mod(MOVING) })));
    gokura = await testServer({
      environment: {
        GOKURA_UPSTREAM: "direct",
        GOKURA_ALLOW_PRIVATE_NETWORKS: "127.0.0.0/8",
        GOKURA_UPSTREAM_CA_FILE: far.certificateFile,
      },
    });
    environment = { SSL_CERT_FILE: far.certificateFile, GIT_SSL_CAINFO: far.certificateFile, GOSUMDB: "off" };
    // What is known of a repository may be five seconds old. They pass while other things are asked for.
    expect(await said(throughUs(), ["list", "-m", "-versions", MOVING])).toBe(`0: ${MOVING} v1.0.0\n`);
    moving.change((r) => r.tag("v1.1.0", r.commit({ "c.go": "package moving\n" })));
    await moving.push();
  });

  const throughUs = (): GoCommand => goCommand({ GOPROXY: gokura.url + ENDPOINT });
  const byItself = (): GoCommand => goCommand({ ...environment, GOPROXY: "direct" });
  /** What go says, without its own paths, and without the origin, of which it tells less when a proxy has told it. */
  const said = async (go: GoCommand, words: readonly string[]): Promise<string> => {
    const { status, output } = await go.run(...words);
    return `${status}: ${output.replaceAll(go.home, "HOME").replace(/,\s+"Origin": \{[^}]*\}/, "")}`;
  };

  test.each([
    ["mod", "download", "-json", `${LIB}@v1.0.0`],
    ["mod", "download", "-json", `${LIB}@v0.9.0`],
    ["mod", "download", "-json", `${LIB}/sub@v0.1.0`],
    ["mod", "download", "-json", `${LIB}/v2@v2.0.0`],
    ["mod", "download", "-json", `${LIB}@latest`],
    ["mod", "download", "-json", `${LIB}@main`],
    ["list", "-m", "-versions", LIB],
    ["list", "-m", "-versions", `${LIB}/sub`],
  ])("go %s %s %s %s", async (...words) => {
    const here = await said(throughUs(), words);
    expect(here).toBe(await said(byItself(), words));
    expect(here).toMatch(/^0: /);
    if (words[1] === "download") expect(here).toMatch(/"Sum": "h1:/);
  });

  test("what is not there is not there", async () => {
    for (const query of [`${LIB}@v1.9.9`, `${LIB}/none@v1.0.0`, `${HOST}/alice/none@v1.0.0`]) {
      const { status, output } = await throughUs().run("list", "-m", query);
      expect([status, output]).toEqual([1, expect.stringContaining("404 Not Found")]);
    }
  });

  test("a version that was pushed just now is there by name, and stays without the git server", async () => {
    const words = ["mod", "download", "-json", `${MOVING}@v1.1.0`];
    let first = "";
    for (const end = Date.now() + 15_000; Date.now() < end && !first.startsWith("0: "); )
      first = await said(throughUs(), words);
    expect(first).toMatch(/"Version": "v1.1.0"/);
    const cached = await ask(gokura.url, `${ENDPOINT}/cached-only/${MOVING}/@v/v1.1.0.zip`);
    expect(cached.status).toBe(200);
    const off = goCommand({ GOPROXY: `${gokura.url}${ENDPOINT}/cached-only` });
    expect(await said(off, words)).toBe(first);
  });
});
