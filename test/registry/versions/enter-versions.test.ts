// Whatever comes, from a project or from upstream, passes one threshold: what is taken away in the very moment stays away.
import pg from "pg";
import { beforeAll, expect, test, vi } from "vitest";
import type { Registry } from "../../../src/registry/registry.ts";
import {
  findUpstreamVersion,
  storeUpstreamPart,
  usableVersions,
} from "../../../src/registry/versions/upstream-modules.ts";
import { eventually } from "../../support/eventually.ts";
import { testRegistry } from "../../support/registry.ts";

const PATH = "example.com/moved";
const GO_MOD = Buffer.from(`module ${PATH}\n`);
const GRAVE = `INSERT INTO tombstone (module_path, version, "commit", go_mod_h1, reason, returnable)
  VALUES ($1, $2, repeat('a', 40), 'h1:x', 'the project was deleted', true)`;

let registry: Registry;

beforeAll(async () => {
  registry = await testRegistry();
});

async function entriesOf(version: string): Promise<number> {
  const text = "SELECT FROM index_entry WHERE path = $1 AND version = $2";
  return (await registry.database.pool.query(text, [PATH, version])).rowCount!;
}

/** How many of this database wait for a lock that somebody else has. */
async function waiting(): Promise<number> {
  const text = `SELECT FROM pg_locks l JOIN pg_database d ON d.oid = l.database
    WHERE NOT l.granted AND l.locktype = 'advisory' AND d.datname = current_database()`;
  return (await registry.database.pool.query(text)).rowCount!;
}

test("a name that was taken away is not fetched, whoever had looked before", async () => {
  await registry.database.pool.query(GRAVE, [PATH, "v1.0.0"]);
  const refused = { kind: "not-found", message: expect.stringContaining("was published here before") };
  for (const part of [{ info: Buffer.from("{}"), time: undefined }, { goMod: GO_MOD }])
    await expect(storeUpstreamPart(registry, PATH, "v1.0.0", part)).rejects.toMatchObject(refused);
  expect(await findUpstreamVersion(registry, PATH, "v1.0.0")).toBeUndefined();
});

test("a name that is being taken away is waited for, and then is not fetched", async () => {
  const client = await registry.database.pool.connect();
  try {
    await client.query("BEGIN");
    await client.query(GRAVE, [PATH, "v1.1.0"]);
    let settled = false;
    const stored = storeUpstreamPart(registry, PATH, "v1.1.0", { goMod: GO_MOD }).finally(() => {
      settled = true;
    });
    stored.catch(() => {}); // looked at below
    await eventually(waiting, (count) => settled || count === 1, 10_000);
    await client.query("COMMIT");
    await expect(stored).rejects.toMatchObject({ kind: "not-found" });
  } finally {
    client.release();
  }
  expect(await findUpstreamVersion(registry, PATH, "v1.1.0")).toBeUndefined();
  expect(await entriesOf("v1.1.0")).toBe(0);
});

test("a version from upstream enters the feed with its go.mod, once, however often its parts come", async () => {
  await storeUpstreamPart(registry, PATH, "v1.2.0", {
    info: Buffer.from("{}"),
    time: new Date("2020-01-02T03:04:05Z"),
  });
  expect(await entriesOf("v1.2.0")).toBe(0);
  const { id } = await storeUpstreamPart(registry, PATH, "v1.2.0", { goMod: GO_MOD });
  const again = await storeUpstreamPart(registry, PATH, "v1.2.0", { goMod: Buffer.from("module example.com/other\n") });
  expect(again).toMatchObject({ id, goMod: GO_MOD, info: Buffer.from("{}"), zip: undefined });
  expect(await entriesOf("v1.2.0")).toBe(1);
});

test("a go.mod that requires names which no index takes enters without these", async () => {
  const wild = String.fromCodePoint(...Array.from({ length: 900 }, (_, n) => 0x4e00 + ((n * 7919 + 13) % 20_000)));
  const goMod = Buffer.from(`module ${PATH}\n\nrequire (\n\ta.test/${wild} v1.0.0\n\ta.test/good v1.0.0\n)\n`);
  const { id } = await storeUpstreamPart(registry, PATH, "v1.2.5", { goMod });
  const { rows } = await registry.database.pool.query("SELECT path FROM requirement WHERE version_id = $1", [id]);
  expect(rows).toEqual([{ path: "a.test/good" }]);
});

test("a part of a version is one statement, and more only where a go.mod says what is retracted", async () => {
  const path = "example.com/speaking";
  const asked = vi.spyOn(pg.Client.prototype, "query");
  const statementsFor = async (version: string, goMod: string): Promise<number> => {
    asked.mockClear();
    await storeUpstreamPart(registry, path, version, { goMod: Buffer.from(goMod) });
    return asked.mock.calls.filter(([text]) => JSON.stringify(text) !== '"SET jit = off"').length;
  };
  const silent = `module ${path}\n\nrequire example.com/dep v1.0.0\n`;
  const retracting = `module ${path}\n\nretract v1.0.0 // broken\n`;
  try {
    expect(await statementsFor("v1.0.0", silent)).toBe(1);
    expect(await statementsFor("v1.2.0", retracting)).toBeGreaterThan(1);
    // Of pseudo-versions nothing is retracted by others, nor do they retract.
    expect(await statementsFor("v1.2.1-0.20200102030405-0123456789ab", retracting)).toBe(1);
    expect(await statementsFor("v1.1.0", silent)).toBeGreaterThan(1);
    // The newest one speaks from now on, and takes back what was said.
    const retracted = async (): Promise<string[]> =>
      (await usableVersions(registry, path)).filter((one) => one.isRetracted).map((one) => one.version);
    expect(await retracted()).toEqual(["v1.0.0"]);
    expect(await statementsFor("v1.3.0", silent)).toBeGreaterThan(1);
    expect(await retracted()).toEqual([]);
    expect(await statementsFor("v1.4.0", silent)).toBe(1);
  } finally {
    asked.mockRestore();
  }
});

test("what one version reads does not grow with what is stored, in a database in which nothing has been counted", async () => {
  const { pool } = registry.database;
  const requires = Array.from({ length: 10 }, (_, n) => `require example.com/dep${n} v1.0.0\n`).join("");
  const read = async (): Promise<number> => {
    await pool.query("SELECT pg_stat_force_next_flush()");
    const { rows } = await pool.query<{ n: number }>(
      `SELECT sum(seq_tup_read)::int + (SELECT sum(idx_tup_read)::int FROM pg_stat_user_indexes) AS n FROM pg_stat_user_tables`,
    );
    return rows[0]!.n;
  };
  let number = 0;
  const readFor = async (modules: number): Promise<number> => {
    const before = await read();
    for (let n = 0; n < modules; n++) {
      const path = `example.com/young${number++}`;
      await storeUpstreamPart(registry, path, "v1.0.0", { goMod: Buffer.from(`module ${path}\n\n${requires}`) });
      expect(await findUpstreamVersion(registry, path, "v1.0.0")).toBeDefined();
    }
    return ((await read()) - before) / modules;
  };
  await readFor(10); // from the sixth time on PostgreSQL keeps a plan
  const few = await readFor(10);
  await readFor(40);
  expect(await readFor(10)).toBeLessThan(1.2 * few);
});
