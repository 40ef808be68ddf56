// Taken back is taken back: once a version is unpublished and its tag and branch are gone, what only it held is to be had by
// no door, git's own protocols included, and a purge takes it off the disk. What other versions need stays.
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { purgeProject, purgeRemains } from "../../src/git/hosting/purge.ts";
import { repositoryDirectory } from "../../src/git/hosting/repositories-of-projects.ts";
import { Repositories } from "../../src/git/objects/repositories.ts";
import { createProject, deleteProject } from "../../src/registry/forge/projects.ts";
import { OPERATOR } from "../../src/registry/principal.ts";
import { deleteVersion } from "../../src/registry/versions/version-deletion.ts";
import { atEnd } from "../support/at-end.ts";
import { git as gitHere, makeRepository } from "../support/git-fixture.ts";
import { ask } from "../support/http.ts";
import { git, pushRecipe, remoteOf, tryGit } from "../support/push.ts";
import { type TestServer, testServer } from "../support/server.ts";
import { temporary } from "../support/temporary.ts";

const M = "gokura.test/acme/lib";
const SECRET = "password = hunter2\n";

let server: TestServer;
let token: string;
let remote: string;
const repositories = new Repositories();
atEnd(() => repositories.close());
const ids = {
  secret: "",
  secretBlob: "",
  secretTree: "",
  secretTag: "",
  moved: "",
  movedBlob: "",
  kept: "",
  keptBlob: "",
};

const get = (rest: string) => ask(server.url, `/api/v4/projects/acme%2Flib/packages/go/${M}/${rest}`);
const directoryOf = async (fullPath: string): Promise<string> =>
  repositoryDirectory(
    server.registry,
    (await server.registry.prisma.project.findFirstOrThrow({ where: { fullPath } })).id,
  );

/** Whether a client gets an object by its hash, in one version of git's protocol. */
async function fetched(oid: string, version: 0 | 2): Promise<boolean> {
  const clone = join(temporary("fetch"), "c");
  await git(["init", "--quiet", clone]);
  const { status } = await tryGit([
    "-C",
    clone,
    "-c",
    `protocol.version=${version}`,
    "fetch",
    "--quiet",
    "--depth=1",
    remote,
    oid,
  ]);
  return status === 0;
}

const zips = (): string[] =>
  readdirSync(join(server.dataDirectory, "blobs"), { recursive: true, encoding: "utf8" }).filter((name) =>
    /zip\/..\/[0-9a-f]{64}$/.test(name),
  );

beforeAll(async () => {
  server = await testServer();
  token = await server.token("acme");
  remote = remoteOf(server.url, "acme/lib", token);
  await createProject(server.registry, OPERATOR, { fullPath: "acme/lib", visibility: "PUBLIC" });
  const repository = await pushRecipe(remote, (r) => {
    const one = r.commit({ "go.mod": `module ${M}\n`, "a.go": "package lib\n", "kept.txt": "kept\n" });
    r.tag("v1.0.0", one);
    const secret = r.commit({ "secret.txt": SECRET }, { branch: "leak", parents: [one] });
    const tag = r.annotatedTag("v1.1.0", secret);
    const moved = r.commit({ "moved.txt": "moved\n" }, { branch: "moved", parents: [one] });
    r.tag("v1.2.0", moved);
    Object.defineProperty(ids, "made", { value: () => [one.oid, secret.oid, tag.oid, moved.oid] });
  });
  [ids.kept, ids.secret, ids.secretTag, ids.moved] = (ids as unknown as { made: () => string[] }).made() as [
    ...[string, string, string, string],
  ];
  const oidOf = (spec: string): string => gitHere([`--git-dir=${repository.directory}`, "rev-parse", spec]).trim();
  ids.secretBlob = oidOf(`${ids.secret}:secret.txt`);
  ids.secretTree = oidOf(`${ids.secret}^{tree}`);
  ids.movedBlob = oidOf(`${ids.moved}:moved.txt`);
  ids.keptBlob = oidOf(`${ids.kept}:kept.txt`);
  for (const version of ["v1.0.0", "v1.1.0", "v1.2.0"]) expect((await get(`@v/${version}.zip`)).status).toBe(200);

  await deleteVersion(server.registry, OPERATOR, M, "v1.1.0");
  makeRepository(repository.directory, (r) => r.tag("v1.2.0", { oid: ids.kept }));
  await repository.push(":refs/tags/v1.1.0", ":refs/heads/leak", ":refs/heads/moved", "refs/tags/v1.2.0");
});

describe("before anything is removed", () => {
  test.each([0, 2] as const)(
    "git's protocol version %i gives nothing that no branch or tag reaches",
    async (version) => {
      for (const oid of [ids.secret, ids.secretTag, ids.secretTree, ids.secretBlob, ids.moved, ids.movedBlob])
        expect([oid, await fetched(oid, version)]).toEqual([oid, false]);
    },
  );

  test("the client hears git's own words", async () => {
    const clone = join(temporary("fetch"), "c");
    await git(["init", "--quiet", clone]);
    const { output } = await tryGit(["-C", clone, "fetch", remote, ids.secret]);
    expect(output).toContain(`upload-pack: not our ref ${ids.secret}`);
  });

  test("and everything that they reach, by its hash and to partial clones", async () => {
    expect(await fetched(ids.kept, 2)).toBe(true);
    expect(await fetched(ids.keptBlob, 2)).toBe(true);
    const clone = join(temporary("partial"), "c");
    await git(["clone", "--quiet", "--filter=blob:none", remote, clone]);
    expect(existsSync(join(clone, "kept.txt"))).toBe(true);
  });

  test("the Go endpoint neither, but for the version that a moved tag had made", async () => {
    for (const query of [ids.secret.slice(0, 12), "v1.1.0", "leak"])
      expect((await get(`@v/${query}.info`)).status).toBeGreaterThanOrEqual(404);
    expect((await get(`@v/${ids.moved.slice(0, 12)}.info`)).status).toBe(404);
    const { status, text } = await get("@v/v1.2.0.info");
    expect([status, JSON.parse(text).Origin.Hash]).toEqual([200, ids.moved]);
  });
});

describe("a purge", () => {
  test("removes objects and zips that nothing served needs, and nothing else", async () => {
    const directory = await directoryOf("acme/lib");
    const has = async (oid: string) => (await tryGit([`--git-dir=${directory}`, "cat-file", "-e", oid])).status === 0;
    expect(zips()).toHaveLength(3);
    await purgeProject(server.registry, repositories, OPERATOR, "acme/lib");
    for (const oid of [ids.secret, ids.secretTag, ids.secretTree, ids.secretBlob])
      expect([oid, await has(oid)]).toEqual([oid, false]);
    for (const oid of [ids.kept, ids.keptBlob, ids.moved, ids.movedBlob])
      expect([oid, await has(oid)]).toEqual([oid, true]);
    expect(zips()).toHaveLength(2);
    for (const version of ["v1.0.0", "v1.2.0"]) expect((await get(`@v/${version}.zip`)).status).toBe(200);
    expect(await fetched(ids.moved, 2)).toBe(false);
    await git(["clone", "--quiet", remote, join(temporary("after"), "c")]);
  });

  test("by itself does the same for all projects, and for what a deleted project left", async () => {
    await createProject(server.registry, OPERATOR, { fullPath: "acme/old" });
    await pushRecipe(remoteOf(server.url, "acme/old", token), (r) =>
      r.tag("v1.0.0", r.commit({ "go.mod": "module gokura.test/acme/old\n", "secret.txt": SECRET })),
    );
    const auth = { authorization: `Basic ${Buffer.from(`any:${token}`).toString("base64")}` };
    const zip = "/api/v4/projects/acme%2Fold/packages/go/gokura.test/acme/old/@v/v1.0.0.zip";
    expect((await ask(server.url, zip, { headers: auth })).status).toBe(200);
    expect(zips()).toHaveLength(3);
    await deleteProject(server.registry, OPERATOR, "acme/old");
    // What is younger may be a zip that is just being published.
    await purgeRemains(server.registry, repositories, { zipsOlderThanMs: 60_000 });
    expect(zips()).toHaveLength(3);
    await purgeProject(server.registry, repositories, OPERATOR, "acme/old");
    expect(zips()).toHaveLength(2);
    await expect(purgeProject(server.registry, repositories, OPERATOR, "acme/never")).rejects.toThrow(/Not Found/);
  });
});
