// Tags that are looked at while what they mean changes: they wait for another look, so that no version is lost for ever.
import { expect, test } from "vitest";
import { inTransaction } from "../../../src/database/sql.ts";
import { createGroup } from "../../../src/registry/forge/groups.ts";
import { createProject, updateProject } from "../../../src/registry/forge/projects.ts";
import { markIndexed, waitingTags } from "../../../src/registry/forge/waiting-tags.ts";
import { OPERATOR } from "../../../src/registry/principal.ts";
import { testRegistry } from "../../support/registry.ts";

test("a look that began before the module prefix changed leaves its tags waiting; the look after it does not", async () => {
  const registry = await testRegistry();
  await createGroup(registry, OPERATOR, { fullPath: "acme" });
  const { id: projectId } = await createProject(registry, OPERATOR, { fullPath: "acme/lib" });
  await registry.prisma.ref.createMany({
    data: ["v1.0.0", "v1.1.0"].map((tag) => ({ projectId, name: `refs/tags/${tag}`, oid: "c0", peeled: "c0" })),
  });
  const seen = await waitingTags(registry, projectId, "", 10);
  expect(seen.map(({ tag }) => tag)).toEqual(["v1.0.0", "v1.1.0"]);
  expect((await waitingTags(registry, projectId, "v1.0.0", 10)).map(({ tag }) => tag)).toEqual(["v1.1.0"]);
  await updateProject(registry, OPERATOR, "acme/lib", { modulePrefix: "git.example.com/acme/lib" });
  const mark = (tags: typeof seen) => inTransaction(registry.database.pool, (tx) => markIndexed(tx, projectId, tags));
  await mark(seen);
  const again = await waitingTags(registry, projectId, "", 10);
  expect(again.map(({ tag }) => tag)).toEqual(["v1.0.0", "v1.1.0"]);
  await mark(again);
  expect(await waitingTags(registry, projectId, "", 10)).toEqual([]);
});
