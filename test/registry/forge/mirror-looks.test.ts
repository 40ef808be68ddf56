// Which mirrors may look: of a host that has enough looks, none, by whatever protocol.
import { beforeAll, expect, test } from "vitest";
import { createGroup } from "../../../src/registry/forge/groups.ts";
import { beginDueLook } from "../../../src/registry/forge/mirror-looks.ts";
import { createMirror } from "../../../src/registry/forge/mirrors.ts";
import { createProject } from "../../../src/registry/forge/projects.ts";
import { OPERATOR } from "../../../src/registry/principal.ts";
import type { Registry } from "../../../src/registry/registry.ts";
import { testRegistry } from "../../support/registry.ts";

let registry: Registry;

beforeAll(async () => {
  registry = await testRegistry();
  await createGroup(registry, OPERATOR, { fullPath: "acme" });
});

test.each([
  ["https://git.example.com/acme/lib", "git.example.com"],
  ["https://git.example.com:8443/acme/lib", "git.example.com:8443"],
  ["git@git.example.com:acme/lib.git", "git.example.com"],
  ["ssh://ci@git.example.com:2222/acme/lib", "git.example.com:2222"],
])("%s waits while %s is busy", async (url, host) => {
  const fullPath = "acme/lib";
  const { id } = await createProject(registry, OPERATOR, { fullPath });
  await createMirror(registry, OPERATOR, fullPath, { url });
  expect(await beginDueLook(registry, [host])).toBeUndefined();
  expect((await beginDueLook(registry, ["other.example.com"]))?.mirror.projectId).toBe(id);
  await registry.prisma.project.delete({ where: { id } });
});
