// The zip of a published version is not where zips are, because a disk is not mounted or a bucket is another one: that is no
// absence, which has the go command ask the next proxy of its list for a name of ours, and it ends when the zip is back.
import { randomBytes } from "node:crypto";
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
const GO = `/api/v4/packages/go/${MODULE_HOST}/acme/lib/@v`;
const PACKAGES = "/api/v4/projects/acme%2Flib/packages";

/** One that keeps zips of 4 KiB in memory, and streams larger ones from the disk. */
const { registry, url, dataDirectory, logged } = await testServer({ environment: { GOKURA_HOT_CACHE_BYTES: "32K" } });

beforeAll(async () => {
  await createGroup(registry, OPERATOR, { fullPath: "acme" });
  await createProject(registry, OPERATOR, { fullPath: "acme/lib" });
  await pushRecipe(remoteOf(url, "acme/lib", ADMIN_TOKEN), (r) => {
    r.tag("v1.0.0", r.commit({ "go.mod": `module ${MODULE_HOST}/acme/lib\n` }));
    r.tag("v1.1.0", r.commit({ "large.txt": randomBytes(16_384).toString("hex") }));
  });
  for (const version of ["v1.0.0", "v1.1.0"])
    expect(await ask(url, `${GO}/${version}.zip`, { headers, method: "HEAD" })).toMatchObject({ status: 200 });
});

test.each(["v1.0.0", "v1.1.0"])(
  "the zip of %s is unavailable while it is lost, the log says so, and it is served when it is back",
  async (version) => {
    const row = await registry.prisma.moduleVersion.findFirstOrThrow({ where: { version } });
    // Its sums are worked out when its files are listed.
    expect((await ask(url, `${PACKAGES}/${row.id}/package_files`, { headers })).text).toContain(".zip");
    const file = await registry.prisma.packageFile.findFirstOrThrow({ where: { kind: "ZIP", versionId: row.id } });
    const addresses = [`${GO}/${version}.zip?fresh`, `${PACKAGES}/${row.id}/package_files/${file.id}/download`];
    renameSync(blobs(dataDirectory), `${blobs(dataDirectory)}-away`);
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
  },
);
