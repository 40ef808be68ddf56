// Without the world: what is told of modules from elsewhere is what is stored, so that the go command chooses what it can
// have.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { type FakeUpstream, fakeUpstream } from "../support/fake-upstream.ts";
import { type GoCommand, goCommand } from "../support/go.ts";
import { ask } from "../support/http.ts";
import { type TestServer, testServer } from "../support/server.ts";
import { sharingBlobs } from "../support/shared-blobs.ts";

const PSEUDO = "v0.0.0-20210203040506-abcdefabcdef";
const ENDPOINT = "/api/v4/packages/go";

let upstream: FakeUpstream;
let server: TestServer;
let off: TestServer;

/** A program that imports the modules a (v1.0.0, which requires b v1.0.0) and p. */
function program(proxy: string): GoCommand {
  const go = goCommand({ GOPROXY: proxy, GOFLAGS: "-modcacherw -mod=mod" });
  mkdirSync(go.cwd, { recursive: true });
  writeFileSync(
    join(go.cwd, "go.mod"),
    `module example.com/work\n\ngo 1.21\n\nrequire (\n\texample.com/a v1.0.0\n\texample.com/p ${PSEUDO}\n)\n`,
  );
  writeFileSync(
    join(go.cwd, "main.go"),
    'package main\n\nimport (\n\t_ "example.com/a"\n\t_ "example.com/p"\n)\n\nfunc main() {}\n',
  );
  return go;
}

beforeAll(async () => {
  upstream = await fakeUpstream();
  server = await testServer({ environment: { GOKURA_UPSTREAM: upstream.url } });
  for (const version of ["v1.0.0", "v1.1.0", "v1.2.0-rc.1"]) {
    const mod = "module example.com/a\n\ngo 1.21\n\nrequire example.com/b v1.0.0\n";
    await upstream.version("example.com/a", version, {
      "go.mod": mod,
      "a.go": 'package a\n\nimport _ "example.com/b"\n',
    });
    await upstream.version("example.com/b", version, { "b.go": "package b\n" });
  }
  await upstream.version("example.com/p", PSEUDO, { "p.go": "package p\n" });
  upstream.on("example.com/p/@v/list", "");
  for (const [branch, version] of [
    ["main", PSEUDO],
    ["next", "v0.0.0-20220203040506-ffffffffffff"],
  ])
    upstream.on(`example.com/p/@v/${branch}.info`, JSON.stringify({ Version: version }));
  // Only what the build needs is stored; of lists and @latest everything is known.
  const online = program(server.url + ENDPOINT);
  await online.must("build", "./...");
  for (const name of ["a", "b", "p"])
    for (const rest of ["@v/list", "@latest"]) await ask(server.url, `${ENDPOINT}/example.com/${name}/${rest}`);
  for (const branch of ["main", "next"]) await ask(server.url, `${ENDPOINT}/example.com/p/@v/${branch}.info`);
  off = await testServer({
    environment: {
      ...{ GOKURA_UPSTREAM: "off", DATABASE_URL: server.registry.database.url },
      GOKURA_DATA_DIR: sharingBlobs(server.dataDirectory),
    },
  });
});

describe.each(["off", "cached-only"])("%s", (how) => {
  const base = () => (how === "off" ? off.url + ENDPOINT : `${server.url}${ENDPOINT}/cached-only`);
  const get = (path: string) =>
    ask(base().slice(0, base().indexOf("/api")), `${base().slice(base().indexOf("/api"))}/${path}`);

  test("lists, @latest and queries tell what is stored", async () => {
    expect((await get("example.com/a/@v/list")).text).toBe("v1.0.0\n");
    for (const [path, version] of [
      ["example.com/a/@latest", "v1.0.0"],
      ["example.com/a/@v/v1.0.0.info", "v1.0.0"],
      ["example.com/p/@latest", PSEUDO],
      ["example.com/p/@v/abcdefabcdef.info", PSEUDO],
      ["example.com/p/@v/main.info", PSEUDO],
      ["example.com/p/@v/abcdefa.info", PSEUDO],
      [`example.com/p/@v/abcdefabcdef${"0".repeat(28)}.info`, PSEUDO],
    ] as const) {
      const { status, text } = await get(path);
      expect([path, status, text]).toEqual([path, 200, expect.stringContaining(`"${version}"`)]);
    }
    expect((await get("example.com/p/@v/list")).text).toBe("");
    for (const path of [
      "example.com/a/@v/v1.1.0.info",
      "example.com/p/@v/abcdeff.info",
      "example.com/p/@v/next.info",
      "example.com/p/@v/other.info",
      "example.com/q/@v/list",
    ])
      expect([path, (await get(path)).status]).toEqual([path, 404]);
  });

  test.each([
    ["get", "example.com/a@latest"],
    ["get", "-u", "./..."],
    ["get", "example.com/a@v1"],
    ["get", "example.com/p@abcdefabcdef"],
    ["get", "example.com/p@main"],
    ["list", "-m", "-u", "all"],
    ["list", "-m", "-versions", "example.com/a"],
    ["mod", "tidy"],
    ["mod", "download"],
    ["build", "./..."],
  ])("go %s %s", async (...words) => {
    const go = program(base());
    const { status, output } = await go.run(...words.filter(Boolean));
    expect([status, output]).toEqual([0, expect.not.stringMatching(/v1\.[12]\.0/)]);
  });
});
