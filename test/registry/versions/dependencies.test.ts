// Who requires what, kept while versions come and go in any order: after each step the table says what is found by reading
// all requirements anew, and what the migration makes of them.
import { readdirSync, readFileSync } from "node:fs";
import { beforeAll, expect, test } from "vitest";
import { kindOf } from "../../../src/gomod/version.ts";
import { versionSortKey } from "../../../src/gomod/version-sort-key.ts";
import { createGroup } from "../../../src/registry/forge/groups.ts";
import { createProject, deleteProject } from "../../../src/registry/forge/projects.ts";
import { OPERATOR } from "../../../src/registry/principal.ts";
import type { Registry } from "../../../src/registry/registry.ts";
import { storeUpstreamPart } from "../../../src/registry/versions/upstream-modules.ts";
import { deleteVersion } from "../../../src/registry/versions/version-deletion.ts";
import { publishVersions, version } from "../../graphql/graphql-server.ts";
import fc from "../../support/properties.ts";
import { testRegistry } from "../../support/registry.ts";

const VERSIONS = [
  "v1.0.0",
  "v1.2.0",
  "v1.10.0",
  "v1.11.0-rc.1",
  "v1.11.0-rc.2",
  "v0.0.0-20240102030405-0123456789ab",
  "v1.12.1-0.20240102030405-0123456789ab",
  "v2.0.0+incompatible",
];
const REQUIRED = ["example.com/a", "example.com/b", "example.com/c"];

interface DependencyRow {
  readonly module: string;
  readonly path: string;
  readonly version: string;
  readonly required: string;
  readonly indirect: boolean;
  readonly current: boolean;
}

let registry: Registry;

beforeAll(async () => {
  registry = await testRegistry();
  await createGroup(registry, OPERATOR, { fullPath: "acme" });
});

async function kept(): Promise<DependencyRow[]> {
  const { rows } = await registry.database.pool.query<DependencyRow>(
    `SELECT m.path AS module, d.path, v.version, d.required_version AS required, d.indirect, d.current
      FROM module_dependency d JOIN module m ON m.id = d.module_id JOIN module_version v ON v.id = d.version_id
      ORDER BY m.path, m.origin, d.path`,
  );
  return rows;
}

/** The same from nothing but the requirements. */
async function derived(): Promise<DependencyRow[]> {
  const { rows } = await registry.database.pool.query<DependencyRow & { readonly id: number }>(
    `SELECT m.id, m.path AS module, r.path, v.version, r.version AS required, r.indirect
      FROM module_version v JOIN module m ON m.id = v.module_id LEFT JOIN requirement r ON r.version_id = v.id
      WHERE v.go_mod IS NOT NULL ORDER BY m.path, m.origin`,
  );
  const rank = (name: string): string =>
    ["PSEUDO", "INCOMPATIBLE", "PRERELEASE", "RELEASE"].indexOf(kindOf(name)) + versionSortKey(name);
  const newestFirst = (a: DependencyRow, b: DependencyRow): number => (rank(a.version) < rank(b.version) ? 1 : -1);
  return [...Map.groupBy(rows, (row) => row.id).values()].flatMap((ofModule) => {
    const newest = ofModule.toSorted(newestFirst)[0]!.version;
    const paths = [...new Set(ofModule.map((row) => row.path))].filter((path) => path !== null).sort();
    return paths.map((path) => {
      const [first] = ofModule.filter((row) => row.path === path).sort(newestFirst);
      const { id: _, ...row } = first!;
      return { ...row, current: row.version === newest };
    });
  });
}

async function refillByMigration(): Promise<void> {
  const folder = readdirSync("prisma/migrations").find((name) => name.endsWith("_dependents"))!;
  const sql = readFileSync(`prisma/migrations/${folder}/migration.sql`, "utf8");
  await registry.database.pool.query("TRUNCATE module_dependency");
  await registry.database.pool.query(sql.slice(sql.indexOf('INSERT INTO "module_dependency"')));
}

const requirement = fc.record({
  path: fc.constantFrom(...REQUIRED),
  version: fc.constantFrom("v1.0.0", "v1.9.0", "v1.10.0"),
  indirect: fc.boolean(),
});

const goModOf = (path: string, requires: readonly { path: string; version: string; indirect: boolean }[]): string =>
  `module ${path}\n\ngo 1.21\n\n${requires.map((r) => `require ${r.path} ${r.version}${r.indirect ? " // indirect" : ""}\n`).join("")}`;

let projects = 0;

test("after any order of publishing and taking away it says what the requirements say, and so does the migration", async () => {
  const step = fc.record({
    upstream: fc.boolean(),
    version: fc.constantFrom(...VERSIONS),
    requires: fc.uniqueArray(requirement, { maxLength: 3, selector: (r) => r.path }),
    remove: fc.boolean(),
  });
  const property = fc.asyncProperty(
    fc.array(fc.array(step, { minLength: 1, maxLength: 4 }), { maxLength: 6 }),
    async (rounds) => {
      const name = `p${++projects}`;
      const project = await createProject(registry, OPERATOR, { fullPath: `acme/${name}` });
      const hosted = `gokura.test/acme/${name}`;
      const upstream = `example.org/${name}`;
      for (const round of rounds) {
        const ours = round.filter((each) => !each.upstream);
        const unique = [...new Map(ours.map((each) => [each.version, each])).values()];
        await publishVersions(
          registry,
          project.id,
          unique.map((each) => version(hosted, each.version, { text: goModOf(hosted, each.requires) })),
        );
        for (const each of round.filter((one) => one.upstream))
          await storeUpstreamPart(registry, upstream, each.version, {
            goMod: Buffer.from(goModOf(upstream, each.requires)),
          });
        expect(await kept()).toEqual(await derived());
        for (const each of unique.filter(({ remove }) => remove)) {
          const found = await registry.prisma.moduleVersion.count({
            where: { version: each.version, module: { path: hosted } },
          });
          if (found > 0) await deleteVersion(registry, OPERATOR, hosted, each.version);
          expect(await kept()).toEqual(await derived());
        }
      }
      const before = await kept();
      await refillByMigration();
      expect(await kept()).toEqual(before);
      await deleteProject(registry, OPERATOR, `acme/${name}`);
      expect(await kept()).toEqual(await derived());
    },
  );
  await fc.assert(property, { numRuns: 15 });
});

test("a path that is required twice counts with the higher version, by the migration too", async () => {
  const twice = `module example.org/twice\n\nrequire example.com/a v1.9.0\nrequire example.com/a v1.10.0 // indirect\n`;
  await storeUpstreamPart(registry, "example.org/twice", "v1.0.0", { goMod: Buffer.from(twice) });
  const row = { module: "example.org/twice", path: "example.com/a", version: "v1.0.0", required: "v1.10.0" };
  const found = async () => (await kept()).filter(({ module }) => module === row.module);
  expect(await found()).toEqual([{ ...row, indirect: true, current: true }]);
  await refillByMigration();
  expect(await found()).toEqual([{ ...row, indirect: true, current: true }]);
});

test("a version without a go.mod that is stored says nothing yet", async () => {
  await storeUpstreamPart(registry, "example.org/info", "v1.0.0", {
    goMod: Buffer.from("module example.org/info\n\nrequire example.com/a v1.0.0\n"),
  });
  await storeUpstreamPart(registry, "example.org/info", "v2.0.0+incompatible", {
    info: Buffer.from("{}"),
    time: undefined,
  });
  await storeUpstreamPart(registry, "example.org/info", "v1.1.0", { info: Buffer.from("{}"), time: undefined });
  const current = async () =>
    (await kept()).filter(({ module }) => module === "example.org/info").map((r) => r.current);
  expect(await current()).toEqual([true]);
  await storeUpstreamPart(registry, "example.org/info", "v1.1.0", { goMod: Buffer.from("module example.org/info\n") });
  expect(await current()).toEqual([false]);
});
