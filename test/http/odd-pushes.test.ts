// Pushes that no git of good will sends, or that come too late: each ends, and none keeps the others from being recorded.
import { beforeAll, expect, test } from "vitest";
import { ensureRepository, repositoryDirectory } from "../../src/git/hosting/repositories-of-projects.ts";
import { openTagIndexer } from "../../src/git/indexing/tag-indexer.ts";
import { Repositories } from "../../src/git/objects/repositories.ts";
import { packet } from "../../src/git/protocol/pkt-line.ts";
import { openPushes } from "../../src/git/push/project-push.ts";
import { deleteProject, findProject } from "../../src/registry/forge/projects.ts";
import { protectTag } from "../../src/registry/forge/protected-tags.ts";
import { OPERATOR } from "../../src/registry/principal.ts";
import { atEnd } from "../support/at-end.ts";
import { git as localGit } from "../support/git-fixture.ts";
import { ask, basic } from "../support/http.ts";
import { pushRecipe, remoteOf } from "../support/push.ts";
import { type TestServer, testServer } from "../support/server.ts";

const ZEROS = "0".repeat(40);

let server: TestServer;
let token: string;

beforeAll(async () => {
  server = await testServer();
  token = await server.token("alice");
  for (const path of ["alice/lib", "alice/gone"])
    await pushRecipe(remoteOf(server.url, path, token), (r) => r.tag("v1.0.0", r.commit({ "a.go": "package a\n" })));
});

/** Sends commands that need no pack (`old new name`, one byte a character), and returns git's answer. */
async function send(path: string, commands: readonly string[]): Promise<string> {
  const lines = commands.map((line, n) => Buffer.from(n === 0 ? `${line}\0 report-status` : line, "latin1"));
  const { text } = await ask(server.url, `/${path}.git/git-receive-pack`, {
    method: "POST",
    headers: { ...basic("alice", token), "content-type": "application/x-git-receive-pack-request" },
    body: Buffer.concat([...lines.map(packet), Buffer.from("0000")]),
  });
  return text;
}

test("names too long for any command line are refused, and the push is recorded", async () => {
  const names = Array.from({ length: 50 }, (_, n) => `refs/tags/${n}${"x".repeat(65_000)}`);
  const answer = await send(
    "alice/lib",
    names.map((name) => `${"1".repeat(40)} ${ZEROS} ${name}`),
  );
  expect(answer).toContain("unpack ok");
  expect(answer).not.toContain("warning: the server's database");
  const { pushStartedAt } = await server.registry.prisma.project.findFirstOrThrow({ where: { path: "lib" } });
  expect(pushStartedAt).toBeNull();
});

test("a protected tag is one, whatever bytes its name has", async () => {
  await protectTag(server.registry, OPERATOR, "alice/lib", "v*", 0);
  const directory = repositoryDirectory(server.registry, (await findProject(server.registry, "alice/lib"))!.id);
  const commit = localGit([`--git-dir=${directory}`, "rev-parse", "refs/heads/main"]).trim();
  const answer = await send("alice/lib", [`${ZEROS} ${commit} refs/tags/v1.1.0-\xff`]);
  expect(answer).toContain("it is a protected tag");
  expect(localGit([`--git-dir=${directory}`, "tag"])).toBe("v1.0.0\n");
});

test("a push to a project that is deleted meanwhile is refused, or recorded as nothing", async () => {
  const { registry } = server;
  const repositories = new Repositories();
  atEnd(() => repositories.close());
  const hooks = { changed: () => {}, stopping: () => false };
  const pushes = openPushes(registry, repositories, openTagIndexer(registry, repositories), hooks);
  const project = (await findProject(registry, "alice/gone"))!;
  await pushes.begin(project, OPERATOR, [
    { name: "refs/heads/main", kind: "create", oldOid: ZEROS, newOid: ZEROS, line: Buffer.alloc(0) },
  ]);
  await deleteProject(registry, OPERATOR, "alice/gone");
  // What another request of before does, or a git that is at work.
  await ensureRepository(registry, project);
  const directory = repositoryDirectory(registry, project.id);
  const tree = localGit([`--git-dir=${directory}`, "mktree"], { input: "" }).trim();
  const commit = localGit([`--git-dir=${directory}`, "commit-tree", "-m", "late", tree]).trim();
  localGit([`--git-dir=${directory}`, "update-ref", "refs/heads/main", commit]);
  expect(await pushes.end(project, { commands: [], moved: new Set(), packTooLarge: false })).toEqual([]);
  await expect(pushes.begin(project, OPERATOR, [])).rejects.toThrow("Project Not Found");
});
