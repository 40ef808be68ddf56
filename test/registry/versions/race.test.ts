// Two acts at once on the same thing: one of them does it, the other is told, and nobody meets a defect.
import { expect, test } from "vitest";
import { isFailure } from "../../../src/errors.ts";
import { createGroup } from "../../../src/registry/forge/groups.ts";
import { addMember, removeMember } from "../../../src/registry/forge/members.ts";
import { createProject, deleteProject, findProject } from "../../../src/registry/forge/projects.ts";
import { createUser } from "../../../src/registry/forge/users.ts";
import { OPERATOR } from "../../../src/registry/principal.ts";
import { testRegistry } from "../../support/registry.ts";

test("removing members and deleting their project, many at once", async () => {
  const registry = await testRegistry();
  await createGroup(registry, OPERATOR, { fullPath: "acme" });
  const users = ["ann", "bob", "cid", "dan"];
  for (const username of users) await createUser(registry, OPERATOR, { username });
  for (let round = 0; round < 5; round++) {
    await createProject(registry, OPERATOR, { fullPath: "acme/lib" });
    for (const username of users)
      await addMember(registry, OPERATOR, { projectPath: "acme/lib" }, { username, accessLevel: 30 });
    const ends = await Promise.allSettled([
      ...users.flatMap((username) =>
        [1, 2].map(() => removeMember(registry, OPERATOR, { projectPath: "acme/lib" }, username)),
      ),
      deleteProject(registry, OPERATOR, "acme/lib"),
      deleteProject(registry, OPERATOR, "acme/lib"),
    ]);
    for (const end of ends)
      if (end.status === "rejected") expect(isFailure(end.reason, "not-found"), String(end.reason)).toBe(true);
    expect(ends.slice(-2).some((end) => end.status === "fulfilled")).toBe(true);
    expect(await findProject(registry, "acme/lib")).toBeUndefined();
  }
});

test("making the same project many times at once makes one", async () => {
  const registry = await testRegistry();
  await createGroup(registry, OPERATOR, { fullPath: "acme" });
  const ends = await Promise.allSettled(
    Array.from({ length: 8 }, (_, n) =>
      createProject(registry, OPERATOR, { fullPath: n % 2 ? "acme/LIB" : "acme/lib" }),
    ),
  );
  expect(ends.filter((end) => end.status === "fulfilled")).toHaveLength(1);
  for (const end of ends)
    if (end.status === "rejected") expect(isFailure(end.reason, "conflict"), String(end.reason)).toBe(true);
});
