// Repositories whose objects are named by SHA-256: made by choice or by the first push, pushed, cloned, and their modules
// fetched by the real go command as from any other; and dates that no other format has room for.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { repositoryDirectory } from "../../src/git/hosting/repositories-of-projects.ts";
import { createProject } from "../../src/registry/forge/projects.ts";
import { OPERATOR } from "../../src/registry/principal.ts";
import { makeRepository } from "../support/git-fixture.ts";
import { goCommand } from "../support/go.ts";
import { ask } from "../support/http.ts";
import { git, remoteOf, tryGit } from "../support/push.ts";
import { type TestServer, testServer } from "../support/server.ts";
import { temporary } from "../support/temporary.ts";

let server: TestServer;
let token: string;

const moduleOf = (name: string): string => `gokura.test/acme/${name}`;
const everything = ["refs/heads/*:refs/heads/*", "refs/tags/*:refs/tags/*"];

/** A repository on this side, with a tag v1.0.0 and a commit after it. */
function local(name: string, sha256: boolean): { directory: string; tip: string } {
  const directory = join(temporary("sha256"), "repository");
  const tip = makeRepository(
    directory,
    (r) => {
      r.annotatedTag("v1.0.0", r.commit({ "go.mod": `module ${moduleOf(name)}\n`, "a.go": "package a\n" }));
      return r.commit({ "b.go": "package a\n" });
    },
    { sha256 },
  );
  return { directory, tip: tip.oid };
}

const push = (directory: string, name: string) =>
  tryGit(["-C", directory, "push", remoteOf(server.url, `acme/${name}`, token), ...everything]);

const formatOf = async (name: string): Promise<string> => {
  const { id, objectFormat } = await server.registry.prisma.project.findFirstOrThrow({
    where: { fullPath: `acme/${name}` },
  });
  const directory = repositoryDirectory(server.registry, id);
  if (!existsSync(directory)) return `${objectFormat}, no repository`;
  const made = await git(["-C", directory, "rev-parse", "--show-object-format"]);
  expect(made.trim().toUpperCase()).toBe(objectFormat);
  return objectFormat;
};

beforeAll(async () => {
  server = await testServer();
  token = await server.token("acme");
});

describe("a SHA-256 repository", () => {
  test("goes into a project that was made for it", async () => {
    await createProject(server.registry, OPERATOR, {
      ...{ fullPath: "acme/made", visibility: "PUBLIC", objectFormat: "SHA256" },
    });
    const pushed = await push(local("made", true).directory, "made");
    expect([pushed.status, pushed.output]).toEqual([0, expect.stringContaining("v1.0.0")]);
    expect(await formatOf("made")).toBe("SHA256");
  });

  test("makes a project of its kind when it is pushed to none, and a SHA-1 repository one of the other", async () => {
    for (const [name, sha256] of [
      ["new", true],
      ["plain", false],
    ] as const) {
      const pushed = await push(local(name, sha256).directory, name);
      expect([pushed.status, pushed.output]).toEqual([0, expect.stringContaining("v1.0.0")]);
      expect(await formatOf(name)).toBe(sha256 ? "SHA256" : "SHA1");
    }
  });

  test("makes none by a request that brings nothing, as git sends one before a large push", async () => {
    const probe = await ask(server.url, "/acme/probe.git/git-receive-pack", {
      method: "POST",
      headers: {
        authorization: `Basic ${Buffer.from(`any:${token}`).toString("base64")}`,
        "content-type": "application/x-git-receive-pack-request",
      },
      body: "0000",
    });
    expect(probe.status).toBe(200);
    expect(await server.registry.prisma.project.count({ where: { fullPath: "acme/probe" } })).toBe(0);
    const { directory } = local("probe", true);
    const large = ["-c", "http.postBuffer=1", "-C", directory, "push", remoteOf(server.url, "acme/probe", token)];
    expect(await tryGit([...large, ...everything])).toMatchObject({ status: 0 });
    expect(await formatOf("probe")).toBe("SHA256");
  });

  test.each([
    ["SHA1", true, "--object-format sha256"],
    ["SHA256", false, "--object-format sha1"],
  ] as const)("hears what to do from a project of %s objects that is empty", async (objectFormat, sha256, advice) => {
    const name = `other-${objectFormat.toLowerCase()}`;
    await createProject(server.registry, OPERATOR, { fullPath: `acme/${name}`, objectFormat });
    const pushed = await push(local(name, sha256).directory, name);
    expect([pushed.status, pushed.output]).toEqual([1, expect.stringContaining(advice)]);
    expect(pushed.output).not.toContain("capabilities");
    // and once more, now that there may be a repository
    expect((await push(local(name, sha256).directory, name)).output).toContain(advice);
    expect((await push(local(name, !sha256).directory, name)).status).toBe(0);
  });

  test("is cloned as it was pushed", async () => {
    const clone = join(temporary("clone"), "made");
    await git(["clone", "--quiet", remoteOf(server.url, "acme/made", token), clone]);
    expect((await git(["-C", clone, "rev-parse", "--show-object-format"])).trim()).toBe("sha256");
  });

  test("is announced as what it will be while it is empty", async () => {
    await createProject(server.registry, OPERATOR, {
      ...{ fullPath: "acme/empty", visibility: "PUBLIC", objectFormat: "SHA256" },
    });
    // Without version 2 of its protocol, git 2.39 says nothing at all of an empty repository.
    const headers = { "git-protocol": "version=2" };
    const { text } = await ask(server.url, "/acme/empty.git/info/refs?service=git-upload-pack", { headers });
    expect(text).toContain("object-format=sha256");
  });

  test("has its modules fetched by the go command, tags, branches and commits", async () => {
    const go = goCommand({ GOPROXY: `${server.url}/api/v4/projects/acme%2Fmade/packages/go` });
    const { tip } = local("made", true);
    expect(tip).toHaveLength(64);
    const queries = ["v1.0.0", "main", tip.slice(0, 12), tip].map((query) => `${moduleOf("made")}@${query}`);
    const said = await go.must("mod", "download", "-json", ...queries);
    const versions = [...said.matchAll(/"Version": "(.*)"/g)].map((match) => match[1]!);
    expect(versions[0]).toBe("v1.0.0");
    // the first twelve of the 64 digits
    for (const version of versions.slice(1))
      expect(version).toMatch(new RegExp(`^v1\\.0\\.1-0\\.\\d{14}-${tip.slice(0, 12)}$`));
    const info = JSON.parse(readFileSync(/"Info": "(.*)"/.exec(said)![1]!, "utf8"));
    expect(info.Origin.Hash).toHaveLength(64);
  });
});
