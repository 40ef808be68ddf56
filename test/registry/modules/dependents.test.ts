// Dependents are counted from the indexes of what is required. A statement that PostgreSQL cannot answer from them (a path in byte
// order, a condition on something computed) still gives the right numbers, and reads millions of rows for each. So the plan of
// the very statement is looked at, where the planner may not read tables through, which it would do in a small one.
import type pg from "pg";
import { beforeAll, expect, test } from "vitest";
import { countDependentsOfModules, countDependentsOfVersions } from "../../../src/registry/modules/dependents.ts";
import { ANONYMOUS, OPERATOR } from "../../../src/registry/principal.ts";
import type { Registry } from "../../../src/registry/registry.ts";
import type { ModuleRow, VersionRow } from "../../../src/registry/rows.ts";
import { testRegistry } from "../../support/registry.ts";

const MODULES = 300;
/** Each module requires one of these. */
const REQUIRED = 10;

interface Plan {
  readonly "Relation Name"?: string;
  readonly "Index Name"?: string;
  readonly Plans?: readonly Plan[];
}

let registry: Registry;

beforeAll(async () => {
  registry = await testRegistry();
  const { pool } = registry.database;
  await pool.query(
    `INSERT INTO module (path, origin) SELECT 'example.com/m' || n, 'UPSTREAM' FROM generate_series(0, $1 - 1) n`,
    [MODULES],
  );
  await pool.query(
    `INSERT INTO module_version (module_id, version, sort_key, kind, info)
     SELECT id, 'v1.0.0', '1', 'RELEASE', convert_to('{"Version":"v1.0.0"}', 'UTF8') FROM module`,
  );
  await pool.query(
    `INSERT INTO requirement (version_id, path, version, indirect)
     SELECT id, 'example.com/m' || mod(id, ${REQUIRED}), 'v1.0.0', false FROM module_version`,
  );
  await pool.query(
    `INSERT INTO module_dependency (module_id, path, version_id, version_key, required_version, indirect, current)
     SELECT v.module_id, r.path, v.id, '31', r.version, false, true FROM requirement r JOIN module_version v ON v.id = r.version_id`,
  );
  await pool.query("ANALYZE");
});

const nodes = (plan: Plan): Plan[] => [plan, ...(plan.Plans ?? []).flatMap(nodes)];

/** The indexes from which the one statement of some work reads a table; undefined: it reads the table through. */
async function indexesOf(
  table: string,
  work: (registry: Registry) => Promise<unknown>,
): Promise<(string | undefined)[]> {
  const { pool } = registry.database;
  const sent: [string, unknown[]][] = [];
  const noting = {
    query(text: string, values: unknown[]) {
      sent.push([text, values]);
      return pool.query(text, values);
    },
  } as unknown as pg.Pool;
  await work({ ...registry, database: { ...registry.database, pool: noting } });
  const [[text, values]] = sent as [[string, unknown[]]];
  const client = await pool.connect();
  try {
    await client.query("BEGIN; SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off");
    const { rows } = await client.query(`EXPLAIN (FORMAT JSON) ${text}`, values);
    const found = nodes(rows[0]["QUERY PLAN"][0].Plan).filter((node) => node["Relation Name"] === table);
    return found.map((node) => node["Index Name"]);
  } finally {
    await client.query("ROLLBACK");
    client.release();
  }
}

test.each([
  ["everybody", OPERATOR],
  ["the anonymous", ANONYMOUS],
])("dependents that %s may see are counted from an index", async (_, principal) => {
  const { pool } = registry.database;
  const { rows: modules } = await pool.query<ModuleRow>("SELECT id, path FROM module WHERE path = 'example.com/m1'");
  const { rows: versions } = await pool.query<VersionRow>("SELECT id FROM module_version WHERE module_id = $1", [
    modules[0]!.id,
  ]);
  const ofModules = await indexesOf("module_dependency", async (asked) =>
    expect([...(await countDependentsOfModules(asked, principal, modules, {}, 1_000)).values()]).toEqual([
      MODULES / REQUIRED,
    ]),
  );
  expect(ofModules).toEqual(["module_dependency_path_module_id_idx"]);
  const ofVersions = await indexesOf("requirement", async (asked) =>
    expect([...(await countDependentsOfVersions(asked, principal, versions, {}, 1_000)).values()]).toEqual([
      MODULES / REQUIRED,
    ]),
  );
  expect(ofVersions).toEqual([expect.stringMatching(/^requirement_path_version/)]);
});
