// A push costs itself, however many refs there are: only what it asked for is looked at afterwards. Where an earlier push was
// not recorded, all refs are.
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { repositoryDirectory } from "../../src/git/hosting/repositories-of-projects.ts";
import { git } from "../support/git-fixture.ts";
import { type PushedRepository, pushRecipe, remoteOf } from "../support/push.ts";
import { type TestServer, testServer } from "../support/server.ts";

let server: TestServer;
let repository: PushedRepository;
let id: number;

const recorded = async (): Promise<string[]> =>
  (await server.registry.prisma.ref.findMany({ orderBy: { name: "asc" } })).map(({ name }) =>
    name.slice("refs/".length),
  );

beforeAll(async () => {
  server = await testServer();
  const remote = remoteOf(server.url, "acme/lib", await server.token("acme"));
  repository = await pushRecipe(remote, (r) =>
    r.tag("v1.0.0", r.commit({ "go.mod": "module gokura.test/acme/lib\n" })),
  );
  id = (await server.registry.prisma.project.findFirstOrThrow()).id;
});

test("what a push did not ask for is not looked at", async () => {
  // a ref that no push brought
  git([`--git-dir=${repositoryDirectory(server.registry, id)}`, "update-ref", "refs/tags/v1.1.0", "refs/heads/main"]);
  repository.change((r) => r.tag("v1.2.0", r.commit({ "a.go": "package lib\n" })));
  await repository.push("refs/heads/main", "refs/tags/v1.2.0");
  expect(await recorded()).toEqual(["heads/main", "tags/v1.0.0", "tags/v1.2.0"]);
});

test("what it deleted, moved and made is, also where one name goes on where another ends", async () => {
  await repository.push(":refs/tags/v1.2.0");
  await repository.push("refs/tags/v1.0.0:refs/tags/v1.2.0/x", "refs/heads/main:refs/heads/next");
  expect(await recorded()).toEqual(["heads/main", "heads/next", "tags/v1.0.0", "tags/v1.2.0/x"]);
});

test("where an earlier push was not recorded all refs are", async () => {
  await server.registry.prisma.project.update({ where: { id }, data: { pushStartedAt: new Date() } });
  await repository.push("refs/tags/v1.0.0:refs/tags/v1.3.0");
  const all = ["heads/main", "heads/next", "tags/v1.0.0", "tags/v1.1.0", "tags/v1.2.0/x", "tags/v1.3.0"];
  expect(await recorded()).toEqual(all);
  const { pushStartedAt } = await server.registry.prisma.project.findUniqueOrThrow({ where: { id } });
  expect(pushStartedAt).toBeNull();
});

test("a few refs are compared with some of those that are there, with all when many come or go", async () => {
  const lost = join(repositoryDirectory(server.registry, id), "refs/tags/lost"); // git fails where it meets this one
  writeFileSync(lost, `${"5".repeat(40)}\n`);
  const moved = (n: number, from = "refs/tags/v1.0.0") =>
    Array.from({ length: n }, (_, i) => `${from}:refs/tags/many/${i}`);
  await repository.push(...moved(10));
  await repository.push(...moved(10, ""));
  await expect(repository.push(...moved(11))).rejects.toThrow("missing necessary objects");
  rmSync(lost);
  await repository.push(...moved(11));
  writeFileSync(lost, `${"5".repeat(40)}\n`);
  await expect(repository.push(...moved(11, ""), "refs/tags/v1.0.0:refs/tags/v1.4.0")).rejects.toThrow(
    "missing necessary objects",
  );
  rmSync(lost);
});
