// Connections that break while somebody works with them, as a database does that is restarted or moved: whoever asked is
// told that the database does not answer, and everybody else is served. The back-ends are ended in the middle of every kind
// of transaction, each held up by a lock on a table that it needs.
import pg from "pg";
import { beforeAll, expect, test } from "vitest";
import { migrate } from "../../src/database/migrate.ts";
import { inTransaction } from "../../src/database/sql.ts";
import { setFlag } from "../../src/registry/forge/feature-flags.ts";
import { setUp } from "../../src/registry/forge/setup.ts";
import { OPERATOR } from "../../src/registry/principal.ts";
import { atEnd } from "../support/at-end.ts";
import { eventually } from "../support/eventually.ts";
import { ask, bearer } from "../support/http.ts";
import { ADMIN_TOKEN, type TestServer, testServer } from "../support/server.ts";

let server: TestServer;
let database: pg.Client;
let watcher: pg.Client;

beforeAll(async () => {
  server = await testServer();
  database = new pg.Client(server.registry.database.url);
  watcher = new pg.Client(server.registry.database.url);
  for (const client of [database, watcher]) {
    await client.connect();
    client.on("error", () => {});
    atEnd(() => client.end());
  }
});

/** Holds a table (or takes a lock), begins the work, and ends its back-end once it waits there. */
async function broken<T>(hold: string, work: () => Promise<T>): Promise<{ outcome: T | unknown; ended: number }> {
  await database.query("begin");
  await database.query(hold);
  const outcome = work().catch((error: unknown) => error);
  const waiting = "from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'";
  const seen = await eventually(
    // pg_stat_activity stays as it was first seen in a transaction: hence a second connection
    async () => (await watcher.query(`select count(*)::int as n ${waiting}`)).rows[0].n as number,
    (n) => n > 0,
    5_000,
  );
  expect(seen).toBeGreaterThan(0);
  const { rows } = await watcher.query(`select pg_terminate_backend(pid) ${waiting}`);
  await database.query("rollback");
  return { outcome: await outcome, ended: rows.length };
}

const LOCK_TABLE = (table: string): string => `lock table ${table} in access exclusive mode`;
const answers = async (): Promise<number> =>
  (await ask(server.url, "/api/v4/groups", { headers: bearer(ADMIN_TOKEN) })).status;

test("a change by a request: 503 that says so, and no stack in the log", async () => {
  const body = JSON.stringify({ name: "One", path: "one" });
  const headers = { ...bearer(ADMIN_TOKEN), "content-type": "application/json" };
  const before = server.logged.length;
  const { outcome } = await broken(LOCK_TABLE("audit_event"), () =>
    ask(server.url, "/api/v4/groups", { method: "POST", headers, body }),
  );
  expect(outcome).toMatchObject({ status: 503, text: expect.stringContaining("database does not answer; try again") });
  expect(await answers()).toBe(200);
  const lines = server.logged.slice(before).map((line) => JSON.parse(line));
  expect(lines.filter(({ msg }) => /defect/.test(msg))).toEqual([]);
  expect(lines.filter(({ level }) => level === "error").map(({ msg, err }) => [msg, err])).toEqual([
    ["the database does not answer", undefined],
  ]);
});

test("a mutation of GraphQL: UNAVAILABLE, which is no defect", async () => {
  const query = 'mutation { groupCreate(input: { fullPath: "two" }) { errors } }';
  const headers = { ...bearer(ADMIN_TOKEN), "content-type": "application/json" };
  const { outcome } = await broken(LOCK_TABLE("audit_event"), () =>
    ask(server.url, "/api/graphql", { method: "POST", headers, body: JSON.stringify({ query }) }),
  );
  const { errors } = JSON.parse((outcome as { text: string }).text);
  expect(errors).toMatchObject([{ extensions: { code: "UNAVAILABLE" } }]);
  expect(server.logged.filter((line) => /defect/.test(line))).toEqual([]);
});

test("a transaction of plain SQL", async () => {
  const { outcome } = await broken(LOCK_TABLE("module"), () =>
    inTransaction(server.registry.database.pool, (sql) => Promise.resolve(sql.$queryRaw`SELECT count(*) FROM module`)),
  );
  expect(outcome).toBeInstanceOf(Error);
  expect(await answers()).toBe(200);
});

test("a transaction of Prisma", async () => {
  const { outcome } = await broken(LOCK_TABLE("feature_flag"), () =>
    setFlag(server.registry, OPERATOR, "go_proxy", true),
  );
  expect(outcome).toBeInstanceOf(Error);
  expect(await answers()).toBe(200);
});

test("a single statement, and the lock of the first start", async () => {
  const single = await broken(LOCK_TABLE("module"), () => server.registry.database.pool.query("SELECT * FROM module"));
  expect(single.outcome).toBeInstanceOf(Error);
  const setup = await broken("select pg_advisory_xact_lock(7166802)", () => setUp(server.registry, undefined));
  expect(setup.outcome).toBeInstanceOf(Error);
  expect(await answers()).toBe(200);
});

test("a migration", async () => {
  const { outcome } = await broken("select pg_advisory_xact_lock(72707369)", () =>
    migrate(server.registry.database.url),
  );
  expect(outcome).toBeInstanceOf(Error);
});

test("all connections at once, those that listen and those of the queue among them", async () => {
  await database.query(
    "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and application_name like 'gokura%'",
  );
  const status = await eventually(answers, (found) => found === 200, 5_000);
  expect(status).toBe(200);
  const ready = await eventually(
    async () => (await ask(server.url, "/-/readiness")).status,
    (found) => found === 200,
    5_000,
  );
  expect(ready).toBe(200);
});
