// The mirror of an archived project does not look, and nobody asks when it will; unarchived it is due at once.
import { once } from "node:events";
import pg from "pg";
import { expect, test } from "vitest";
import { beginDueLook, untilNextLook } from "../../../src/registry/forge/mirror-looks.ts";
import { createMirror } from "../../../src/registry/forge/mirrors.ts";
import { createProject, updateProject } from "../../../src/registry/forge/projects.ts";
import { createUser } from "../../../src/registry/forge/users.ts";
import { OPERATOR } from "../../../src/registry/principal.ts";
import { atEnd } from "../../support/at-end.ts";
import { testRegistry } from "../../support/registry.ts";

test("nothing is due while it is archived, and whoever follows mirrors hears when it is not", async () => {
  const registry = await testRegistry();
  await createUser(registry, OPERATOR, { username: "acme" });
  await createProject(registry, OPERATOR, { fullPath: "acme/lib" });
  await createMirror(registry, OPERATOR, "acme/lib", { url: "https://git.example.com/acme/lib" });
  expect(await untilNextLook(registry)).toBe(0);
  await updateProject(registry, OPERATOR, "acme/lib", { archived: true });
  expect([await untilNextLook(registry), await beginDueLook(registry, [])]).toEqual([undefined, undefined]);

  const listener = new pg.Client(registry.database.url);
  await listener.connect();
  atEnd(() => listener.end());
  await listener.query("LISTEN gokura_mirror");
  const told = once(listener, "notification");
  await updateProject(registry, OPERATOR, "acme/lib", { archived: false });
  await told;
  expect((await beginDueLook(registry, []))?.mirror.project.fullPath).toBe("acme/lib");
});
