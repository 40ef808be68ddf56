// The zip of a published version is not where zips are, because a disk is not mounted or a bucket is another one: that is no
// absence, which has the go command ask the next proxy of its list for a name of ours, and it ends when the zip is back.
import { renameSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { createGroup } from "../../../src/registry/forge/groups.ts";
import { createProject } from "../../../src/registry/forge/projects.ts";
import { OPERATOR } from "../../../src/registry/principal.ts";
import { ask, bearer } from "../../support/http.ts";
import { pushRecipe, remoteOf } from "../../support/push.ts";
import { ADMIN_TOKEN, MODULE_HOST, testServer } from "../../support/server.ts";

const headers = bearer(ADMIN_TOKEN);
const blobs = (directory: string): string => join(directory, "blobs", "zip");
const ZIP = `/api/v4/packages/go/${MODULE_HOST}/acme/lib/@v/v1.0.0.zip`;

const PACKAGE = "/api/v4/projects/acme%2Flib/packages/1";

const server = await testServer();
/** One that keeps no zip in memory. */
const unkept = await testServer({ environment: { GOKURA_HOT_CACHE_BYTES: "0" } });

beforeAll(async () => {
  for (const { registry, url, dataDirectory } of [server, unkept]) {
    await createGroup(registry, OPERATOR, { fullPath: "acme" });
    await createProject(registry, OPERATOR, { fullPath: "acme/lib" });
    await pushRecipe(remoteOf(url, "acme/lib", ADMIN_TOKEN), (r) => {
      r.tag("v1.0.0", r.commit({ "go.mod": `module ${MODULE_HOST}/acme/lib\n` }));
    });
    expect(await ask(url, ZIP, { headers, method: "HEAD" })).toMatchObject({ status: 200 });
    // Its sums are worked out when its files are listed.
    expect((await ask(url, `${PACKAGE}/package_files`, { headers })).text).toContain(".zip");
    renameSync(blobs(dataDirectory), `${blobs(dataDirectory)}-away`);
  }
});

test.each([
  ["kept in memory", server],
  ["streamed from the disk", unkept],
])("a zip that would be %s is unavailable, the log says so, and it is served when it is back", async (_, one) => {
  const { registry, url, dataDirectory, logged } = one;
  const row = await registry.prisma.moduleVersion.findFirstOrThrow();
  const file = await registry.prisma.packageFile.findFirstOrThrow({ where: { kind: "ZIP" } });
  const addresses = [`${ZIP}?fresh`, `${PACKAGE}/package_files/${file.id}/download`];
  for (const address of addresses) {
    const { status, headers: told, text } = await ask(url, address, { headers });
    expect({ status, text }).toEqual({ status: 503, text: expect.stringContaining("is not where it was stored") });
    expect(told["gokura-reason"] ?? JSON.parse(text).reason).toBe("zip_missing");
  }
  expect(
    logged.filter((line) => line.includes("is not stored: gokura fsck") && line.includes(row.zipKey!)),
  ).toHaveLength(2);
  renameSync(`${blobs(dataDirectory)}-away`, blobs(dataDirectory));
  for (const address of addresses) expect(await ask(url, address, { headers })).toMatchObject({ status: 200 });
});
