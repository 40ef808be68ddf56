// A go.mod that names another module than the one that was asked for: forks are like that, and used by `replace`; an
// upstream that mixes two modules up answers like that, too. The go command judges it itself, so through us it must come to
// the same; and what is mixed up must not stay so.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { type FakeUpstream, fakeUpstream } from "../support/fake-upstream.ts";
import { goCommand } from "../support/go.ts";
import { ask } from "../support/http.ts";
import { type TestServer, testServer } from "../support/server.ts";
import { sharingBlobs } from "../support/shared-blobs.ts";

const ORIGINAL = "example.com/original";
const FORK = "example.com/fork";
const ENDPOINT = "/api/v4/packages/go";

let upstream: FakeUpstream;
let server: TestServer;
let sameDatabase: () => Record<string, string>;

beforeAll(async () => {
  upstream = await fakeUpstream();
  server = await testServer({ environment: { GOKURA_UPSTREAM: upstream.url } });
  sameDatabase = () => ({
    DATABASE_URL: server.registry.database.url,
    GOKURA_DATA_DIR: sharingBlobs(server.dataDirectory),
  });
  const files = { "go.mod": `module ${ORIGINAL}\n\ngo 1.21\n`, "f.go": "package original\n\nconst Name = 1\n" };
  await upstream.version(FORK, "v1.0.0", files);
});

/** What the go command makes of the fork, without its own paths and times. */
async function goes(proxy: string, gomod: string, ...words: string[]): Promise<string> {
  const go = goCommand({ GOPROXY: proxy, GOFLAGS: "-modcacherw -mod=mod" });
  writeFileSync(join(go.cwd, "go.mod"), `module example.com/work\n\ngo 1.21\n\n${gomod}`);
  writeFileSync(
    join(go.cwd, "main.go"),
    `package main\n\nimport "${ORIGINAL}"\n\nfunc main() { println(original.Name) }\n`,
  );
  const { status, output } = await go.run(...words);
  return `${status}: ${output.replaceAll(go.home, "HOME").replaceAll(proxy, "PROXY")}`;
}

const replaced = `require ${ORIGINAL} v1.0.0\n\nreplace ${ORIGINAL} => ${FORK} v1.0.0\n`;
test.each([
  ["used by a replace", ["list", "-m", "-f", "{{.Path}} {{.Replace}}", "all"], replaced, "0: "],
  ["used by a replace", ["list", "-deps", "."], replaced, "0: "],
  ["used by a replace", ["mod", "verify"], replaced, "0: "],
  ["required by its own name", ["list", "-m", "all"], `require ${FORK} v1.0.0\n`, "1: "],
  ["asked for by its own name", ["get", `${FORK}@v1.0.0`], "", "1: "],
  ["downloaded", ["mod", "download", "-json", `${FORK}@v1.0.0`], "", "0: "],
])("%s: go %s", async (_, words, gomod, starts) => {
  const there = await goes(upstream.url, gomod, ...words);
  const here = await goes(server.url + ENDPOINT, gomod, ...words);
  expect(here).toBe(there);
  expect(here.slice(0, starts.length)).toBe(starts);
  if (starts === "1: ") expect(here).toContain("declares its path as: example.com/original");
});

test("with its zip it is stored, and is there when upstream is off", async () => {
  const there = await goes(server.url + ENDPOINT, replaced, "list", "-deps", ".");
  const off = await testServer({ environment: { ...sameDatabase(), GOKURA_UPSTREAM: "off" } });
  expect(await goes(off.url + ENDPOINT, replaced, "list", "-deps", ".")).toBe(there);
});

test("one that was mixed up is passed on and forgotten; nothing keeps us from the right one", async () => {
  const path = "example.com/mixed";
  const { mod, zip } = await upstream.version(path, "v1.0.0");
  const at = `${ENDPOINT}/${path}/@v/v1.0.0`;
  upstream.on(`${path}/@v/v1.0.0.mod`, `module ${ORIGINAL}\n`);
  expect((await ask(server.url, `${at}.mod`)).text).toContain(ORIGINAL);
  expect((await ask(server.url, `${at}.zip`)).text).toContain("another go.mod than its .mod");
  upstream.on(`${path}/@v/v1.0.0.mod`, mod);
  const other = await testServer({ environment: { ...sameDatabase(), GOKURA_UPSTREAM: upstream.url } });
  expect((await ask(other.url, `${ENDPOINT}/cached-only/${path}/@v/v1.0.0.mod`)).status).toBe(404);
  expect((await ask(other.url, `${at}.mod`)).text).toBe(mod);
  expect((await ask(other.url, `${at}.zip`)).bytes.equals(zip)).toBe(true);
});
