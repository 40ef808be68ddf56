// What a push is told of its tags, and who is noted to have pushed.
import { beforeAll, describe, expect, test } from "vitest";
import { createGroup } from "../../src/registry/forge/groups.ts";
import { addMember } from "../../src/registry/forge/members.ts";
import { createProject } from "../../src/registry/forge/projects.ts";
import { protectedTagRefusals, protectTag, unprotectTag } from "../../src/registry/forge/protected-tags.ts";
import { OPERATOR } from "../../src/registry/principal.ts";
import { git, type PushedRepository, pushRecipe, remoteOf, tryGit } from "../support/push.ts";
import { type TestServer, testServer } from "../support/server.ts";

const LIB = "gokura.test/acme/lib";

/** The two modules, and what else a commit has. */
const files = (more: Record<string, string> = {}) => ({
  "go.mod": `module ${LIB}\n`,
  "sub/go.mod": `module ${LIB}/sub\n`,
  ...more,
});

let server: TestServer;
let remote: string;
let pushed: PushedRepository;

beforeAll(async () => {
  server = await testServer();
  await createGroup(server.registry, OPERATOR, { fullPath: "acme" });
  const dora = await server.token("dora");
  await addMember(server.registry, OPERATOR, { groupPath: "acme" }, { username: "dora", accessLevel: 30 });
  remote = remoteOf(server.url, "acme/lib", dora);
  pushed = await pushRecipe(remote, (r) => void r.commit(files()));
});

/** The server's lines of a push, without `remote: ` and the blanks that git adds. */
async function answerOf(...args: string[]): Promise<string[]> {
  const { output } = await tryGit(["-C", pushed.directory, "push", ...args]);
  return output.split("\n").flatMap((line) => (line.startsWith("remote: ") ? [line.slice(8).trimEnd()] : []));
}

describe("a push answers", () => {
  test("with the line that fetches each version it made, and why a tag made none", async () => {
    pushed.change((r) => {
      const commit = r.commit(files({ "a.go": "package lib\n" }));
      for (const tag of ["v1.0.0", "sub/v0.2.0", "v1.1", "v2.0.0"]) r.tag(tag, commit);
    });
    const lines = await answerOf(remote, "--tags");
    expect(lines).toContain(`v1.0.0 is a version: go get ${LIB}@v1.0.0`);
    expect(lines).toContain(`sub/v0.2.0 is a version: go get ${LIB}/sub@v0.2.0`);
    expect(lines.filter((line) => line.startsWith("warning: v1.1 is not a version:"))).toHaveLength(1);
    expect(lines.filter((line) => line.startsWith(`warning: v2.0.0 is not ${LIB}`)).length).toBeGreaterThan(0);
  });

  test("nothing for a branch alone", async () => {
    pushed.change((r) => void r.commit(files({ "b.go": "package lib\n" })));
    expect(await answerOf("--force", remote, "main")).toEqual([]);
  });

  test("that a moved tag keeps the old bytes, and that the version of a deleted one stays", async () => {
    pushed.change((r) => r.tag("v1.0.0", r.commit(files({ "c.go": "package lib\n" }))));
    const moved = await answerOf("--force", remote, "v1.0.0");
    expect(moved).toEqual([
      expect.stringMatching(/^warning: v1\.0\.0 \(.*@v1\.0\.0\): the tag was moved .* stays so; /),
    ]);
    const deleted = await answerOf(remote, ":v1.0.0");
    expect(deleted).toEqual([expect.stringMatching(/^v1\.0\.0 is deleted; .*@v1\.0\.0 stays as it was published/)]);
  });

  test("in at most 20 lines and a summary", async () => {
    pushed.change((r) => {
      for (let n = 0; n < 60; n++) r.tag(n % 2 ? `v1.2.${n}` : `v1.2.${n}+x`, r.commit(files({ n: String(n) })));
    });
    const lines = await answerOf(remote, "--tags");
    expect(lines).toHaveLength(21);
    expect(lines.at(-1)).toMatch(/^… of 61 tags.*gokura project explain acme\/lib$/);
    expect(lines.filter((line) => line.startsWith("warning: ")).length).toBe(12);
  });
});

test("who pushed stands in the tag's events, in the audit trail and in the log", async () => {
  const { prisma } = server.registry;
  expect(
    await prisma.tagEvent.findMany({ select: { tag: true, kind: true, actor: true }, orderBy: { id: "asc" } }),
  ).toEqual([
    { tag: "v1.0.0", kind: "MOVED", actor: "dora" },
    { tag: "v1.0.0", kind: "DELETED", actor: "dora" },
  ]);
  const acts = await prisma.auditEvent.findMany({ where: { action: "project.push" }, orderBy: { id: "asc" } });
  expect(acts.map(({ actor, subject }) => `${actor} ${subject}`)).toEqual(Array(6).fill("dora acme/lib"));
  const by = { tokenId: expect.any(Number) };
  expect(acts[0]!.detail).toEqual({ created: 1, moved: 0, deleted: 0, refs: ["refs/heads/main"], by });
  expect(acts[4]!.detail).toEqual({ created: 0, moved: 0, deleted: 1, refs: ["refs/tags/v1.0.0"], by });
  expect((acts[5]!.detail as { refs: string[] }).refs).toHaveLength(20);
  expect(
    server.logged.some((line) => line.includes("a push was recorded") && line.includes('"principal":"dora"')),
  ).toBe(true);
});

test("of two at once each is noted for its own refs", async () => {
  const names = ["ann", "ben", "cid"];
  const { registry } = server;
  await createProject(registry, OPERATOR, { fullPath: "acme/many" });
  await Promise.all(
    names.map(async (username) => {
      const secret = await server.token(username);
      await addMember(registry, OPERATOR, { projectPath: "acme/many" }, { username, accessLevel: 30 });
      await pushRecipe(remoteOf(server.url, "acme/many", secret), (r) =>
        r.tag(`v0.0.1-${username}`, r.commit({ "go.mod": "module gokura.test/acme/many\n" }, { branch: username })),
      );
    }),
  );
  const acts = await registry.prisma.auditEvent.findMany({ where: { action: "project.push", subject: "acme/many" } });
  const by = (name: string) =>
    acts.filter(({ actor }) => actor === name).flatMap(({ detail }) => (detail as { refs: string[] }).refs);
  for (const name of names) expect(by(name).sort()).toEqual([`refs/heads/${name}`, `refs/tags/v0.0.1-${name}`]);
});

describe("protected tags", () => {
  test("are refused to who is below the level, and to everybody when moved or deleted", async () => {
    const { registry } = server;
    await protectTag(registry, OPERATOR, "acme/lib", "v3.*");
    pushed.change((r) => {
      const commit = r.commit(files({ "d.go": "package lib\n" }));
      for (const tag of ["v3.0.0", "v0.3.0"]) r.tag(tag, commit);
    });
    const refused = await tryGit(["-C", pushed.directory, "push", remote, "v3.0.0", "v0.3.0"]);
    expect(refused.status).not.toBe(0);
    expect(refused.output).toContain("(it is a protected tag, and pushing it needs the access level maintainer)");
    expect(refused.output).toContain(`v0.3.0 is a version: go get ${LIB}@v0.3.0`);
    const maintainer = remoteOf(server.url, "acme/lib", await server.token("mia"));
    await addMember(registry, OPERATOR, { groupPath: "acme" }, { username: "mia", accessLevel: 40 });
    await git(["-C", pushed.directory, "push", maintainer, "v3.0.0"]);
    pushed.change((r) => r.tag("v3.0.0", r.commit(files({ "e.go": "package lib\n" }))));
    expect((await tryGit(["-C", pushed.directory, "push", "--force", maintainer, "v3.0.0"])).output).toContain(
      "(protected tags cannot be moved: unprotect it first)",
    );
    expect((await tryGit(["-C", pushed.directory, "push", maintainer, ":v3.0.0"])).output).toContain(
      "(protected tags cannot be deleted: unprotect it first)",
    );
    await unprotectTag(registry, OPERATOR, "acme/lib", "v3.*");
    await git(["-C", pushed.directory, "push", remote, ":v3.0.0"]);
  });

  test.each([
    ["v1.*", "v1.9.9", true],
    ["v1.*", "v11.0.0", false],
    ["*", "anything", true],
    ["v*-rc.*", "v1.0.0-rc.1", true],
    ["v*-rc.*", "v1.0.0", false],
    ["a*b*a", "aba", true],
    ["a*b*a", "aa", false],
    ["v1.0.0", "v1.0.0", true],
    ["v1.0.0", "v1.0.00", false],
  ])("%s is the name of %s: %s", async (name, tag, fits) => {
    const { registry } = server;
    const fullPath = "acme/named";
    const project =
      (await registry.prisma.project.findFirst({ where: { fullPath } })) ??
      (await createProject(registry, OPERATOR, { fullPath }));
    await protectTag(registry, OPERATOR, fullPath, name, 0);
    const row = await registry.prisma.project.findUniqueOrThrow({
      where: { id: project.id },
      include: { group: true },
    });
    const refused = await protectedTagRefusals(registry, OPERATOR, row, [{ name: `refs/tags/${tag}`, kind: "create" }]);
    await unprotectTag(registry, OPERATOR, fullPath, name);
    expect(refused.size).toBe(fits ? 1 : 0);
  });
});
