// Checksum databases behind every Go endpoint, answered by a fake upstream.
import { expect, test } from "vitest";
import { createGroup } from "../../src/registry/groups.ts";
import { OPERATOR } from "../../src/registry/principal.ts";
import { createProject } from "../../src/registry/projects.ts";
import { PUBLIC_DATABASE } from "../../src/sumdb/database-name.ts";
import { fakeUpstream } from "../support/fake-upstream.ts";
import { ask, bearer } from "../support/http.ts";
import { ADMIN_TOKEN, testServer } from "../support/server.ts";

test("a database that is proxied is supported on every view that may be used; another is 404", async () => {
  const upstream = await fakeUpstream();
  const server = await testServer({ environment: { GOKURA_UPSTREAM: upstream.url } });
  const { name } = PUBLIC_DATABASE;
  upstream.on(`sumdb/${name}/supported`, "");
  await createGroup(server.registry, OPERATOR, { fullPath: "acme" });
  await createProject(server.registry, OPERATOR, { fullPath: "acme/hidden", visibility: "PRIVATE" });
  const at = async (view: string, database: string, headers: Record<string, string> = {}) =>
    (await ask(server.url, `/api/v4/${view}packages/go/sumdb/${database}/supported`, { headers })).status;
  expect(await at("", name)).toBe(200);
  expect(await at("", "sum.other.test")).toBe(404);
  expect(await at("projects/acme%2Fhidden/", name)).toBe(401);
  expect(await at("projects/acme%2Fhidden/", name, bearer(ADMIN_TOKEN))).toBe(200);
  expect(await at("groups/acme/-/", name, bearer(ADMIN_TOKEN))).toBe(200);
});
