// The files of packages: their sums are those of the bytes that the Go endpoint serves, and a zip that is not there yet comes.

import { createHash } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { beforeAll, describe, expect, test } from "vitest";
import { createGroup } from "../../../src/registry/forge/groups.ts";
import { addMember } from "../../../src/registry/forge/members.ts";
import { createProject } from "../../../src/registry/forge/projects.ts";
import { filesOfPackages, findPackageFile, type PackageFileRow } from "../../../src/registry/packages/package-files.ts";
import { findPackage, type PackageRow } from "../../../src/registry/packages/packages.ts";
import { ANONYMOUS, OPERATOR } from "../../../src/registry/principal.ts";
import type { Registry } from "../../../src/registry/registry.ts";
import { noteUnzippable } from "../../../src/registry/versions/rejected-tags.ts";
import { findVersionById } from "../../../src/registry/versions/served-versions.ts";
import { pinZip, zipKeyOf } from "../../../src/registry/versions/version-zip.ts";
import { publishVersions, version } from "../../graphql/graphql-server.ts";
import { eventually } from "../../support/eventually.ts";
import { ask } from "../../support/http.ts";
import { pushRecipe, remoteOf } from "../../support/push.ts";
import { testRegistry } from "../../support/registry.ts";
import { MODULE_HOST, type TestServer, testServer } from "../../support/server.ts";

const LIB = "gokura.test/acme/lib";
const sums = (bytes: Buffer) => ({
  size: BigInt(bytes.length),
  md5: createHash("md5").update(bytes).digest("hex"),
  sha1: createHash("sha1").update(bytes).digest("hex"),
  sha256: createHash("sha256").update(bytes).digest("hex"),
});

describe("without git", () => {
  let registry: Registry;
  let projectId: number;
  let row: PackageRow;

  beforeAll(async () => {
    registry = await testRegistry();
    await createGroup(registry, OPERATOR, { fullPath: "acme", visibility: "PUBLIC" });
    projectId = (await createProject(registry, OPERATOR, { fullPath: "acme/lib", visibility: "PRIVATE" })).id;
    const [id] = await publishVersions(registry, projectId, [version(LIB, "v1.0.0")]);
    row = (await findPackage(registry, OPERATOR, id!))!.package;
  });

  const again = async () => (await findPackage(registry, OPERATOR, row.id))!.package;
  const filesOf = async (of: PackageRow): Promise<PackageFileRow[]> =>
    (await filesOfPackages(registry, [of])).get(of.id)!;
  const jobs = async (): Promise<number> => {
    const { rows } = await registry.database.pool.query(
      "SELECT count(*)::int AS n FROM pgboss.job WHERE name = 'build-zips'",
    );
    return rows[0].n;
  };

  test("a zip that was not made is left out, and left to be made, once", async () => {
    const goMod = Buffer.from(`module ${LIB}\n\ngo 1.24\n`);
    const expected = {
      ...sums(goMod),
      kind: "MOD",
      fileName: "v1.0.0.mod",
      versionId: row.id,
      createdAt: row.createdAt,
    };
    const files = await filesOf(row);
    expect(files).toMatchObject([expected]);
    expect(await jobs()).toBe(1);
    expect(await filesOf(row)).toEqual(files);
    expect(await jobs()).toBe(1);
  });

  test("a zip that cannot be made is not tried again and again", async () => {
    const [id] = await publishVersions(registry, projectId, [version(LIB, "v0.5.0")]);
    const before = await jobs();
    await noteUnzippable(registry, projectId, (await findVersionById(registry, id!))!, "too large");
    const files = await filesOf((await findPackage(registry, OPERATOR, id!))!.package);
    expect(files.map(({ fileName }) => fileName)).toEqual(["v0.5.0.mod"]);
    expect(await jobs()).toBe(before);
  });

  test("a zip whose bytes are gone, or not those that were pinned, is not vouched for", async () => {
    const bytes = Buffer.alloc(700_000, "zip");
    const { sha256 } = sums(bytes);
    await pinZip(registry, row.id, { h1: "h1:zip=", sha256, size: bytes.length });
    row = await again();
    expect(await filesOf(row)).toHaveLength(1);
    const put = async (content: Buffer): Promise<void> => {
      const scratch = registry.blobs.scratch();
      await writeFile(scratch, content);
      await registry.blobs.adopt(scratch, zipKeyOf({ sha256 }));
    };
    await put(Buffer.alloc(700_000, "other"));
    expect(await filesOf(row)).toHaveLength(1);
    await put(bytes);
    const [mod, zip] = await filesOf(row);
    expect(zip).toMatchObject({ ...sums(bytes), kind: "ZIP", fileName: "v1.0.0.zip" });
    await put(Buffer.from("later it is not even read"));
    expect(await filesOf(row)).toEqual([mod, zip]);
  });

  test("a file is found by its number by those who may read its package", async () => {
    const [, zip] = await filesOf(row);
    expect(await findPackageFile(registry, OPERATOR, zip!.id)).toEqual({ file: zip, package: row });
    expect(await findPackageFile(registry, ANONYMOUS, zip!.id)).toBeUndefined();
    expect(await findPackageFile(registry, OPERATOR, 2_000_000)).toBeUndefined();
  });

  test("many at once are worked out one after the other, and each once", async () => {
    const names = Array.from({ length: 5 }, (_, n) => version(LIB, `v3.0.${n}+incompatible`, { legacy: true }));
    const ids = await publishVersions(registry, projectId, names);
    const packages = await Promise.all(ids.map(async (id) => (await findPackage(registry, OPERATOR, id))!.package));
    const answers = await Promise.all([1, 2, 3].map(() => filesOfPackages(registry, packages)));
    expect(answers[1]).toEqual(answers[0]);
    expect(answers[2]).toEqual(answers[0]);
    expect([...answers[0]!.values()].map((files) => files.length)).toEqual([1, 1, 1, 1, 1]);
  });
});

describe("after a push", () => {
  const APP = `${MODULE_HOST}/acme/app`;
  let server: TestServer;

  beforeAll(async () => {
    server = await testServer();
    await createGroup(server.registry, OPERATOR, { fullPath: "acme", visibility: "PUBLIC" });
    await createProject(server.registry, OPERATOR, { fullPath: "acme/app", visibility: "PUBLIC" });
    const token = await server.token("maker", "api", "write_repository");
    await addMember(server.registry, OPERATOR, { groupPath: "acme" }, { username: "maker", accessLevel: 30 });
    await pushRecipe(remoteOf(server.url, "acme/app", token), (r) => {
      r.tag("v0.0.1", r.commit({ "go.mod": `module ${APP}\n`, "a.go": "package app\n" }));
      const newer = r.commit({ "b.go": "package app\n" });
      for (let n = 0; n < 100; n++) r.tag(`v1.${n}.0`, newer); // of these the zips are made at once
    });
  });

  const packageOf = async (name: string): Promise<PackageRow> => {
    const where = { module: { path: APP }, version: name };
    const { id } = await server.registry.prisma.moduleVersion.findFirstOrThrow({ where });
    return (await findPackage(server.registry, ANONYMOUS, id))!.package;
  };

  test.each(["v0.0.1", "v1.99.0"])(
    "of %s there are both files, in a moment, as the Go endpoint serves them",
    async (name) => {
      const files = await eventually(
        async () => {
          const row = await packageOf(name);
          return (await filesOfPackages(server.registry, [row])).get(row.id)!;
        },
        (found) => found.length === 2,
        20_000,
      );
      expect(files.map(({ fileName }) => fileName)).toEqual([`${name}.mod`, `${name}.zip`]);
      for (const file of files) {
        const served = await ask(server.url, `/api/v4/projects/acme%2Fapp/packages/go/${APP}/@v/${file.fileName}`);
        expect(file).toMatchObject(sums(served.bytes));
      }
    },
  );
});
