// A push of very many refs is recorded part by part, and as one: in memory there is never much more than the names.
import { expect, test } from "vitest";
import { ensureRepository, repositoryDirectory } from "../../../src/git/hosting/repositories-of-projects.ts";
import { Repositories } from "../../../src/git/objects/repositories.ts";
import { createProject } from "../../../src/registry/forge/projects.ts";
import { nobodysPush, recordRefs } from "../../../src/registry/forge/recorded-refs.ts";
import { createUser } from "../../../src/registry/forge/users.ts";
import { OPERATOR } from "../../../src/registry/principal.ts";
import { atEnd } from "../../support/at-end.ts";
import { git, makeRepository } from "../../support/git-fixture.ts";
import { testRegistry } from "../../support/registry.ts";

const TAGS = 3_000;
const tag = (n: number): string => `refs/tags/v1.${n}.0`;

test("thousands of tags that come, move and go", async () => {
  const registry = await testRegistry();
  const repositories = new Repositories();
  atEnd(() => repositories.close());
  await createUser(registry, OPERATOR, { username: "acme" });
  const project = await createProject(registry, OPERATOR, { fullPath: "acme/lib" });
  await ensureRepository(registry, project);
  const directory = repositoryDirectory(registry, project.id);
  makeRepository(directory, (r) => {
    r.commit({ "go.mod": "module gokura.test/acme/lib\n" });
    r.ref("refs/heads/main", r.commit({ "a.go": "package lib\n" }));
  });
  const [two = "", one = ""] = git([`--git-dir=${directory}`, "rev-list", "main"])
    .trim()
    .split("\n");
  const repository = repositories.at(directory);
  let largest = 0;
  const record = (): Promise<number> =>
    recordRefs(registry, nobodysPush(project.id), {
      refs: () => repository.listRefNames(),
      head: async (_refs, wanted) => wanted ?? "main",
      peel: (oids) => {
        largest = Math.max(largest, oids.length);
        return repository.peel(oids);
      },
      keep: async (lost) => void (await repository.keepObjects(lost.map(({ commit }) => commit))),
    });
  const update = (line: (n: number) => string): void => {
    const input = Array.from({ length: TAGS }, (_, n) => line(n)).join("");
    git([`--git-dir=${directory}`, "update-ref", "--stdin"], { input });
  };
  const lastPush = async () =>
    (await registry.prisma.auditEvent.findFirstOrThrow({ where: { action: "project.push" }, orderBy: { id: "desc" } }))
      .detail;

  update((n) => `create ${tag(n)} ${one}\n`);
  await record();
  expect(
    await registry.prisma.ref.count({ where: { name: { startsWith: "refs/tags/" }, oid: one, peeled: one } }),
  ).toBe(TAGS);
  expect(await lastPush()).toMatchObject({ moved: 0, deleted: 0 });
  expect(largest).toBeLessThanOrEqual(2_000);

  update((n) => (n % 2 === 0 ? `update ${tag(n)} ${two}\n` : `delete ${tag(n)}\n`));
  expect(await record()).toBe(TAGS);
  expect(await lastPush()).toMatchObject({ created: 0, moved: TAGS / 2, deleted: TAGS / 2 });
  expect(await registry.prisma.ref.count({ where: { name: { startsWith: "refs/tags/" }, oid: two } })).toBe(TAGS / 2);
  expect(await registry.prisma.ref.count({ where: { oid: one } })).toBe(0);
  expect(await registry.prisma.tagEvent.count({ where: { oldCommit: one } })).toBe(TAGS);
  expect(await record()).toBe(0);
});
