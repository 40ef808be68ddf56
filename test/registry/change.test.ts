// Changes that meet others under way: what is made in something that is deleted at this moment, and the other way round.
import { expect, test } from "vitest";
import { change } from "../../src/registry/change.ts";
import { createGroup } from "../../src/registry/forge/groups.ts";
import { createProject } from "../../src/registry/forge/projects.ts";
import { OPERATOR } from "../../src/registry/principal.ts";
import { testRegistry } from "../support/registry.ts";

const registry = await testRegistry();
const group = await createGroup(registry, OPERATOR, { fullPath: "acme" });
await createProject(registry, OPERATOR, { fullPath: "acme/lib" });

const refused = { kind: "conflict", message: expect.stringContaining("look again") };

test("what would belong to something that was deleted meanwhile is a conflict, and no defect", async () => {
  const made = change(registry, "", (tx) =>
    tx.project.create({ data: { path: "late", name: "late", fullPath: "acme/late", groupId: group.id + 1000 } }),
  );
  await expect(made).rejects.toMatchObject(refused);
});

test("nor is the deletion of what got something new meanwhile", async () => {
  const deleted = change(registry, "", (tx) => tx.group.delete({ where: { id: group.id } }));
  await expect(deleted).rejects.toMatchObject(refused);
});
