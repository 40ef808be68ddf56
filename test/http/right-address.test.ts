// Addresses that are nearly right: https://host alone is a GOPROXY, git finds its way without .git, and whoever took another
// address for a Go endpoint is told the right one.
import { rmSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { goCommand } from "../support/go.ts";
import { ask } from "../support/http.ts";
import { git, pushRecipe, remoteOf } from "../support/push.ts";
import { ADMIN_TOKEN, type TestServer, testServer } from "../support/server.ts";
import { temporary } from "../support/temporary.ts";

const LIB = "gokura.test/alice/lib";

let server: TestServer;
let token: string;

beforeAll(async () => {
  server = await testServer({ tls: true });
  token = await server.token("alice");
  await pushRecipe(
    remoteOf(server.url, "alice/lib", token),
    (r) => r.tag("v1.0.0", r.commit({ "go.mod": `module ${LIB}\n`, "a.go": "package lib\n" })),
    { GIT_SSL_CAINFO: server.certificateFile },
  );
});

const get = (path: string, headers: Record<string, string> = {}) => ask(server.url, path, { headers, ca: server.ca });

test("GOPROXY=https://host is the endpoint of everything", async () => {
  const { host } = new URL(server.url);
  const go = goCommand({ GOPROXY: server.url, SSL_CERT_FILE: server.certificateFile }, [
    `machine ${host} login alice password ${token}`,
  ]);
  expect(await go.must("list", "-m", "-versions", LIB)).toBe(`${LIB} v1.0.0\n`);
  expect(await go.must("list", "-m", `${LIB}@latest`)).toBe(`${LIB} v1.0.0\n`);
  await go.must("mod", "download", `${LIB}@v1.0.0`);
  const authorization = `Basic ${Buffer.from(`root:${ADMIN_TOKEN}`).toString("base64")}`;
  for (const path of [
    `${LIB}/@v/list`,
    `cached-only/${LIB}/@v/v1.0.0.mod`,
    `${LIB}/@v/v9.0.0.info`,
    "sumdb/none/supported",
  ]) {
    const [short, long] = [
      await get(`/${path}`, { authorization }),
      await get(`/api/v4/packages/go/${path}`, { authorization }),
    ];
    expect([path, short.status, short.text]).toEqual([path, long.status, long.text]);
  }
});

test("a clone URL without .git leads git to the right one, for fetches and pushes", async () => {
  const directory = join(temporary("clone"), "lib");
  const url = server.url.replace("://", `://any:${token}@`);
  const env = { GIT_SSL_CAINFO: server.certificateFile };
  await git(["clone", "-q", `${url}/alice/lib`, directory], env);
  await git(["-C", directory, "tag", "v1.1.0"], env);
  await git(["-C", directory, "push", "-q", "origin", "v1.1.0"], env);
  rmSync(directory, { recursive: true });
  // What is not there is answered in the same way.
  const [there, none] = await Promise.all(
    ["lib", "nil"].map((name) => get(`/alice/${name}/info/refs?service=git-upload-pack`)),
  );
  expect([there!.status, there!.headers.location]).toEqual([301, "/alice/lib.git/info/refs?service=git-upload-pack"]);
  expect([none!.status, none!.headers.location]).toEqual([301, "/alice/nil.git/info/refs?service=git-upload-pack"]);
});

describe("whoever took another address for a Go endpoint is told the right one", () => {
  test.each([
    ["/api/v4/packages", "/api/v4/packages/go"],
    ["/api/v4", "/api/v4/packages/go"],
    ["/api/v4/groups/acme/packages/go", "/api/v4/groups/acme/-/packages/go"],
    ["/api/v4/groups/acme/inner/-/packages/go", "/api/v4/groups/acme%2Finner/-/packages/go"],
    ["/api/v4/projects/acme/lib/packages/go", "/api/v4/projects/acme%2Flib/packages/go"],
    ["/api/v4/projects/acme%2Flib/packages", "/api/v4/projects/acme%2Flib/packages/go"],
    ["/api/v4/projects/7", "/api/v4/projects/7/packages/go"],
    ["/alice/lib", "/api/v4/packages/go"],
    ["/alice/lib.git", "/api/v4/packages/go"],
    ["/go", "/api/v4/packages/go"],
  ])("%s", async (wrong, right) => {
    const { status, text, headers } = await get(`${wrong}/${LIB}/@v/list`);
    expect([status, headers["gokura-reason"]]).toEqual([404, "no_such_address"]);
    expect(headers["content-type"]).toBe("text/plain; charset=utf-8");
    expect(text).toContain(`set GOPROXY=${server.url}${right} `);
  });

  test.each(["/api/v4/packages/go", "/api/v4/groups/acme/-/packages/go", "/api/v4/projects/acme%2Flib/packages/go"])(
    "the endpoint itself, in a browser: %s",
    async (path) => {
      const { status, text } = await get(path);
      expect([status, text]).toEqual([404, expect.stringContaining(`set GOPROXY=${server.url}${path} `)]);
    },
  );
});

test("an import path in a browser is answered with what to do, whether or not there is anything", async () => {
  for (const name of ["lib", "none"]) {
    const { status, text } = await get(`/alice/${name}`);
    expect([status, text]).toEqual([
      404,
      `there is no page here. If alice/${name} is a project: git clone ${server.url}/alice/${name}.git, or go get gokura.test/alice/${name}\n`,
    ]);
  }
});

test("what other clients of git ask for below a repository is answered with the repository's address", async () => {
  for (const path of ["HEAD", "objects/info/packs"]) {
    const { status, text } = await get(`/alice/lib.git/${path}`);
    expect([path, status, text]).toEqual([
      path,
      404,
      expect.stringContaining(`git clone ${server.url}/alice/lib.git,`),
    ]);
  }
});

test("git-lfs is told in its own form that nothing of it is kept here, wherever it asks", async () => {
  for (const path of ["/alice/lib.git/info/lfs/objects/batch", "/no/such.git/info/lfs/locks/verify"]) {
    const { status, headers, text } = await ask(server.url, path, { method: "POST", body: "{}", ca: server.ca });
    expect([status, headers["content-type"]]).toEqual([501, "application/vnd.git-lfs+json"]);
    expect(JSON.parse(text).message).toContain("git push --no-verify pushes the pointers");
  }
});

test("a 401 for the go command and for git names the lines of ~/.netrc, with the port and without", async () => {
  const { host, hostname } = new URL(server.url);
  const lines = `(the go command looks for "machine ${host}", git for "machine ${hostname}")`;
  for (const path of [`/api/v4/packages/go/${LIB}/@v/list`, "/alice/lib.git/info/refs?service=git-upload-pack"]) {
    const { status, text } = await get(path);
    expect([path, status, text]).toEqual([path, 401, expect.stringContaining(lines)]);
  }
});
