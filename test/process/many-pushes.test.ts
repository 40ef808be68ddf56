// Many pushes at once, each to a project of its own: git moves refs faster than the database takes them down, and what
// each client is told must be what happened. Either a push went through, and its tag is a version, or nothing of it moved.
import { join } from "node:path";
import { expect, test } from "vitest";
import { createProject } from "../../src/registry/forge/projects.ts";
import { OPERATOR } from "../../src/registry/principal.ts";
import { eventually } from "../support/eventually.ts";
import { makeRepository } from "../support/git-fixture.ts";
import { remoteOf, tryGit } from "../support/push.ts";
import { testServer } from "../support/server.ts";
import { temporary } from "../support/temporary.ts";

const PUSHES = 60;
/** So many git programs run on this side at once. */
const CLIENTS = 40;

test("of many pushes at once all are told what happened", async () => {
  const server = await testServer();
  const { registry } = server;
  const token = await server.token("alice");
  const directory = join(temporary("many-pushes"), "repository");
  makeRepository(directory, (r) => r.tag("v1.0.0", r.commit({ "go.mod": "module gokura.test/alice/any\n" })));
  const paths = Array.from({ length: PUSHES }, (_, n) => `alice/p${n}`);
  for (const fullPath of paths) await createProject(registry, OPERATOR, { fullPath });

  const told = new Map<string, number>();
  const queue = [...paths];
  const client = async (): Promise<void> => {
    for (let path = queue.pop(); path !== undefined; path = queue.pop()) {
      const { status } = await tryGit([
        "-C",
        directory,
        "push",
        "--quiet",
        remoteOf(server.url, path, token),
        "v1.0.0",
      ]);
      told.set(path, status);
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, client));

  expect(paths.filter((path) => told.get(path) !== 0)).toEqual([]);
  const looked = () => registry.prisma.ref.count({ where: { indexed: true, name: "refs/tags/v1.0.0" } });
  expect(await eventually(looked, (count) => count === PUSHES, 60_000)).toBe(PUSHES);
  expect(await registry.prisma.project.count({ where: { pushStartedAt: { not: null } } })).toBe(0);
}, 400_000);
