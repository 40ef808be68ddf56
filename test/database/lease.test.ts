// The lease of the leader among several servers: when it is taken over, and that nobody whom it was taken from writes.
import pg from "pg";
import { afterEach, expect, test } from "vitest";
import { type Lease, openLease } from "../../src/database/lease.ts";
import { inTransaction } from "../../src/database/sql.ts";
import { createLog } from "../../src/telemetry/log.ts";
import { atEnd } from "../support/at-end.ts";
import { testDatabase } from "../support/database.ts";
import { eventually } from "../support/eventually.ts";

const url = await testDatabase();
const pool = new pg.Pool({ connectionString: url, max: 4 });
pool.on("error", () => {});
pool.on("connect", (client) => client.on("error", () => {})); // some are ended on purpose
atEnd(() => pool.end());

const open: Lease[] = [];

interface Server extends Lease {
  readonly name: string;
  /** What it began and ended. */
  readonly did: string[];
}

/** A server that renews its lease only when it is asked whether it leads, as one that stands still. */
function server(name: string, { everyMs = 60_000, goodMs = 300, sole = false } = {}): Server {
  const did: string[] = [];
  const lease = openLease({
    ...{ pool, url, log: createLog("silent"), candidate: true, holder: name, sole },
    address: { url: `http://${name}`, certificate: undefined },
    begin: async () => void did.push("begin"),
    end: async () => void did.push("end"),
    times: { goodMs, everyMs },
  });
  open.push(lease);
  return { ...lease, name, did };
}

const owner = async (): Promise<string | undefined> =>
  (await pool.query("SELECT holder FROM server_lease")).rows[0].holder;
const expired = (): Promise<unknown> =>
  eventually(
    async () => (await pool.query("SELECT expires_at < clock_timestamp() AS over FROM server_lease")).rows[0].over,
    (over) => over,
    10_000,
  );

afterEach(async () => {
  for (const lease of open.splice(0)) await lease.close();

  await pool.query("UPDATE server_lease SET expires_at = '-infinity'");
});

test("one leads and the other stands by until the lease is over", async () => {
  const [first, second] = [server("first"), server("second", { everyMs: 20 })];
  await first.start();
  await second.start();
  expect([first.leads(), second.leads()]).toEqual([true, false]);
  expect(await second.leader()).toMatchObject({ url: "http://first" });
  await expect(second.demand()).rejects.toMatchObject({ reason: "leader_absent" });
  await eventually(
    async () => second.leads(),
    (leads) => leads,
    10_000,
  );
  expect([await owner(), second.did]).toEqual(["second", ["begin"]]);
  // The first has not heard of it: it learns it when it wants to know.
  await expect(first.demand()).rejects.toMatchObject({ reason: "leader_absent" });
  await eventually(
    async () => first.did.length,
    (length) => length === 2,
    5_000,
  );
  expect(first.did).toEqual(["begin", "end"]);
});

test("whoever stands by takes a lease over when it is over, however seldom it looks", async () => {
  const [first, second] = [server("brief"), server("seldom", { everyMs: 600_000 })];
  await first.start();
  await second.start();
  expect(second.leads()).toBe(false);
  await expect.poll(() => second.leads()).toBe(true);
});

test("requests may come before all has begun that a leader does", async () => {
  const all = Promise.withResolvers<void>();
  const busy = openLease({
    ...{ pool, url, log: createLog("silent"), candidate: true, holder: "busy", sole: false },
    address: { url: "http://busy", certificate: undefined },
    async begin(ready) {
      ready();
      await all.promise;
    },
    end: async () => {},
    times: { goodMs: 60_000, everyMs: 60_000 },
  });
  open.push(busy);
  const starting = busy.start();
  await expect.poll(() => busy.leads()).toBe(true);
  await busy.demand();
  all.resolve();
  await starting;
});

test("a lease that nobody has taken over goes on after a pause", async () => {
  const paused = server("paused");
  await paused.start();
  await expired();
  await paused.demand();
  expect([paused.leads(), paused.did]).toEqual([true, ["begin"]]);
});

test("what the one before has committed is there for the next, and it commits nothing more", async () => {
  const before = server("before");
  await before.start();
  const next = server("next");
  await pool.query("CREATE TABLE written (by text)");
  let starting: Promise<void> | undefined;
  await inTransaction(pool, async (tx) => {
    await before.fence(tx);
    await expired();
    starting = next.start(); // waits for this transaction
    await eventually(
      async () =>
        (await pool.query("SELECT count(*)::int AS n FROM pg_stat_activity WHERE wait_event_type = 'Lock'")).rows[0].n,
      (waiting) => waiting > 0,
    );
    expect(next.leads()).toBe(false);
    await tx.$executeRaw`INSERT INTO written VALUES ('before')`;
  });
  await starting;
  expect([next.leads(), (await pool.query("SELECT * FROM written")).rows]).toEqual([true, [{ by: "before" }]]);
  const late = inTransaction(pool, async (tx) => {
    await tx.$executeRaw`INSERT INTO written VALUES ('late')`;
    await before.fence(tx);
  });
  await expect(late).rejects.toMatchObject({ reason: "leader_absent" });
  expect((await pool.query("SELECT * FROM written")).rows).toHaveLength(1);
});

test("a transaction of a server that stands still keeps nobody from leading, and is undone", async () => {
  const still = server("still");
  await still.start();
  const next = server("awake", { goodMs: 5_000 });
  const stood = inTransaction(pool, async (tx) => {
    await still.fence(tx);
    await expired();
    await next.start();
    expect(next.leads()).toBe(true);
    await tx.$executeRaw`SELECT 1`;
  });
  await expect(stood).rejects.toThrow();
});

/** The row as an older database has it: of the term before, and over. */
const forgotten = (): Promise<unknown> =>
  pool.query("UPDATE server_lease SET term = term - 1, holder = 'earlier', key = '\\x00', expires_at = '-infinity'");

test("a term that the database forgot and another server has now is no longer that of the one who had it", async () => {
  const [before, now] = [server("forgotten"), server("anew", { goodMs: 60_000 })];
  const term = async (): Promise<unknown> => (await pool.query("SELECT term FROM server_lease")).rows;
  await before.start();
  const had = await term();
  await expired();
  await forgotten();
  await now.start();
  expect(await term()).toEqual(had);
  await expect(inTransaction(pool, (tx) => before.fence(tx))).rejects.toMatchObject({ reason: "leader_absent" });
  await expect(before.demand()).rejects.toMatchObject({ reason: "leader_absent" });
  await inTransaction(pool, (tx) => now.fence(tx));
  expect(now.leads()).toBe(true);
});

test("a leader whose connection was lost asks before it goes on, however long its lease would be good", async () => {
  const lost = server("lost", { goodMs: 60_000 });
  await lost.start();
  await forgotten();
  await lost.demand(); // nothing has told it otherwise
  await pool.query(
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'gokura lease'",
  );
  await expect.poll(() => lost.demand().catch(({ reason }) => reason)).toBe("leader_absent");
});

test("the same data directory takes its own lease over at once", async () => {
  const killed = server("same", { goodMs: 60_000 });
  await killed.start();
  const again = server("same", { goodMs: 60_000 });
  await again.start();
  expect(again.leads()).toBe(true);
});

test("the lease of a server that was alone is no hindrance where its database goes on elsewhere", async () => {
  const alone = server("alone", { sole: true });
  await alone.start();
  const other = server("elsewhere");
  await other.start();
  expect(other.leads()).toBe(true);
  await expect(inTransaction(pool, (tx) => alone.fence(tx))).rejects.toMatchObject({ reason: "leader_absent" });
});

test("what cannot be begun at the start is told, and leaves the lease to others", async () => {
  const broken = openLease({
    ...{ pool, url, log: createLog("silent"), candidate: true, holder: "broken", sole: false },
    address: { url: "http://broken", certificate: undefined },
    begin: async () => {
      throw new Error("cannot begin");
    },
    end: async () => {},
  });
  await expect(broken.start()).rejects.toThrow("cannot begin");
  await broken.close();
  const next = server("whole");
  await next.start();
  expect(next.leads()).toBe(true);
});

test("transactions in which the leader before stands still are ended, and those of others go on", async () => {
  const [first, second] = [server("standing", { goodMs: 1_500 }), server("next", { everyMs: 20 })];
  const inTheMiddle = async (name: string, lock: number): Promise<pg.Client> => {
    const client = new pg.Client({ connectionString: url, application_name: `gokura ${name}` });
    client.on("error", () => {});
    await client.connect();
    await client.query("BEGIN");
    await client.query("SELECT pg_advisory_xact_lock($1)", [lock]);
    return client;
  };
  await first.start();
  const [standing, reading] = [await inTheMiddle("standing", 71), await inTheMiddle("reading", 72)];
  const wanting = inTheMiddle("standing", 72); // it would have the lock after the other one, and keep it
  wanting.catch(() => {});
  await second.start();
  await eventually(
    async () => second.leads(),
    (leads) => leads,
    10_000,
  );
  await expect(standing.query("SELECT 1")).rejects.toThrow();
  await expect(wanting).rejects.toThrow("terminating connection");
  expect((await pool.query("SELECT pg_try_advisory_xact_lock(71) AS had")).rows).toEqual([{ had: true }]);
  await reading.query("COMMIT");
  await reading.end();
});

test("however often its connection breaks, a lease has one", async () => {
  const lease = server("often", { goodMs: 0 }); // each demand renews it, however long that takes
  await lease.start();
  const connections = async (): Promise<number[]> =>
    (
      await pool.query<{ pid: number }>(
        "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'gokura lease'",
      )
    ).rows.map(({ pid }) => pid);
  let over = false;
  const asking = Array.from({ length: 4 }, async () => {
    while (!over) {
      await lease
        .demand()
        .catch(() => lease.demand())
        .catch(() => {});
      await new Promise(setImmediate);
    }
  });
  for (let n = 0; n < 15; n++) {
    await eventually(connections, (pids) => pids.length > 0);
    await pool.query(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'gokura lease'",
    );
  }
  over = true;
  await Promise.all(asking);
  await lease.close();
  await expect.poll(connections).toEqual([]);
});

test.each([
  ["at its start", async (lease: Lease) => void lease.start().catch(() => {})],
  ["when it is over", (lease: Lease) => lease.start()],
])("a lease that is taken %s while its server closes is given back", async (when, start) => {
  // Somebody who must end first is in the way of who wants it.
  const [before, fence] = [server("before", { goodMs: 60_000 }), await pool.connect()];
  if (when === "when it is over") await before.start();
  await fence.query("BEGIN; SELECT FROM server_lease FOR KEY SHARE");
  const next = server("next", { everyMs: 10, goodMs: 60_000 });
  await start(next);
  await pool.query("UPDATE server_lease SET expires_at = '-infinity'");
  const waits = "SELECT FROM pg_stat_activity WHERE application_name = 'gokura lease' AND wait_event_type = 'Lock'";
  // On a machine that is busy the database may have ended the fence before.
  await expect.poll(async () => (await pool.query(waits)).rowCount === 1 || (await owner()) === "next").toBe(true);
  const closed = next.close();
  await fence.query("COMMIT").catch(() => {});
  fence.release(true);
  await closed;
  const { rows } = await pool.query("SELECT holder, expires_at < clock_timestamp() AS over FROM server_lease");
  expect(rows).toEqual([{ holder: "next", over: true }]);
});
