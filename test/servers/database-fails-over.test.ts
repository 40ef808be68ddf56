// The database of two servers fails over to a standby that never got the last transactions, while the old primary lives on and
// keeps the connections that it has: but for the address nothing tells anybody that it is another database.
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { beforeAll, expect, test } from "vitest";
import { POSTGRES_VERSION } from "../../src/database/postgres-binaries.ts";
import { rootAt } from "../../src/registry/checksums/log-records.ts";
import { generateSignerKey } from "../../src/sumdb/note.ts";
import { atEnd } from "../support/at-end.ts";
import { keptCluster } from "../support/global-postgres.ts";
import { ask, bearer } from "../support/http.ts";
import { type PushedRepository, pushRecipe, remoteOf } from "../support/push.ts";
import {
  leaveBehind,
  type MovableAddress,
  movableAddress,
  type PostgresServer,
  type Replicated,
  replicatedPostgres,
} from "../support/replicated-postgres.ts";
import { ADMIN_TOKEN, type TestServer, testServer } from "../support/server.ts";
import { sharingBlobs } from "../support/shared-blobs.ts";
import { temporary } from "../support/temporary.ts";

const MODULE = "gokura.test/root/lib";
const GO = `/api/v4/projects/root%2Flib/packages/go/${MODULE}/@v`;
const FAST = { fsync: "off", full_page_writes: "off", autovacuum: "off" };
/** How often a server looks where the address leads. */
const heartbeatMs = 500;
const FOLLOWED = { timeout: 20_000 };

let replicated: Replicated;
let [primary, standby]: PostgresServer[] = [];
let address: MovableAddress;
let leader: TestServer;
let reader: TestServer;
let pushed: PushedRepository;

const get = async (server: TestServer, path: string): Promise<string> =>
  (await ask(server.url, path, { headers: bearer(ADMIN_TOKEN) })).text;
const list = (server: TestServer): Promise<string> => get(server, `${GO}/list`);
const lookup = (server: TestServer, version: string): Promise<string> =>
  get(server, `/sumdb/localhost/sumdb/lookup/${MODULE}@${version}`);

beforeAll(async () => {
  const directory = temporary("replicated");
  execFileSync("cp", ["-a", join(await keptCluster(), "postgres"), directory]);
  const postgres = join(directory, "postgres");
  replicated = replicatedPostgres(postgres, join(postgres, `postgresql-${POSTGRES_VERSION}`));
  primary = await replicated.primary(FAST);
  standby = await replicated.standby(primary, "standby", FAST);
  address = await movableAddress(primary.port);
  atEnd(() => replicated.close());
  atEnd(() => address.close());
  const url = new URL(primary.url);
  url.port = String(address.port);
  url.pathname = "/template_migrated";
  const shared = {
    GOKURA_REPOSITORIES: "blobs",
    DATABASE_URL: url.href,
    GOKURA_SUMDB_KEY: generateSignerKey("localhost/sumdb"),
    GOKURA_SECRET_KEY: "k".repeat(43),
  };
  leader = await testServer({ environment: shared, heartbeatMs });
  const another = { ...shared, GOKURA_DATA_DIR: sharingBlobs(leader.dataDirectory), GOKURA_ROLE: "read" };
  reader = await testServer({ environment: another, heartbeatMs });
  pushed = await pushRecipe(remoteOf(reader.url, "root/lib", ADMIN_TOKEN), (r) => {
    r.tag("v1.0.0", r.commit({ "go.mod": `module ${MODULE}\n`, "a.go": "package lib\n" }));
  });
});

/** Pushes two versions that the standby never gets; returns the records that were signed of all three, and the head. */
async function losePushes(minor: number): Promise<{ records: Map<string, string>; size: number; root: Buffer }> {
  await leaveBehind(standby!);
  const before = await list(leader);
  const versions = [`v1.${minor}.0`, `v1.${minor + 1}.0`];
  pushed.change((r) => {
    for (const version of versions) r.tag(version, r.commit({ [`${version}.go`]: "package lib\n" }));
  });
  await pushed.push();
  for (const server of [leader, reader])
    await expect.poll(() => list(server)).toBe(`${before}${versions.join("\n")}\n`);
  const records = new Map<string, string>();
  for (const version of versions) records.set(version, recordIn(await lookup(leader, version)));
  return { records, ...leader.checksums.state.tree };
}

const recordIn = (text: string): string => text.split("\n\n")[0]!;

/** The log goes on from a head that was signed, and has what it had. */
async function expectOneHistory({ records, size, root }: Awaited<ReturnType<typeof losePushes>>): Promise<void> {
  for (const server of [reader, leader]) {
    for (const [version, record] of records) expect(recordIn(await lookup(server, version))).toBe(record);
    expect(server.checksums.state.closed).toBeUndefined();
    expect(await rootAt(server.checksums, size)).toEqual(root);
  }
}

test("a leader that goes on records again what the standby never got, and the checksum log has one history", async () => {
  const lost = await losePushes(1);
  await standby!.query("SELECT pg_promote()");
  address.moveTo(standby!.port);
  const isRecordedAgain = () => leader.logged.some((line) => line.includes("it is recorded again from the repository"));
  await expect.poll(isRecordedAgain, FOLLOWED).toBe(true);
  for (const server of [reader, leader])
    await expect.poll(() => list(server), FOLLOWED).toBe("v1.0.0\nv1.1.0\nv1.2.0\n");
  pushed.change((r) => r.tag("v1.3.0", r.commit({ "d.go": "package lib\n" })));
  await pushed.push("refs/tags/v1.3.0");
  for (const server of [leader, reader]) await expect.poll(() => list(server)).toContain("v1.3.0");
  await expectOneHistory(lost);
  await primary!.stop("SIGINT");
});

test("where another has led on the new primary what it lacks is nowhere, and may be pushed again", async () => {
  const first = standby!;
  standby = await replicated.standby(first, "second", FAST);
  const lost = await losePushes(4);
  await standby.query("SELECT pg_promote()");
  while ((await standby.query("SELECT pg_is_in_recovery() AS standby"))[0]!.standby) await delay(20);
  await standby.query(
    "UPDATE server_lease SET term = term + 1, key = 'x', expires_at = '-infinity'",
    "template_migrated",
  );
  address.moveTo(standby.port);
  for (const server of [reader, leader]) await expect.poll(() => list(server), FOLLOWED).not.toContain("v1.4.0");
  // The same again: git at the server has nothing of it, and does not say that all is up to date.
  await expect.poll(() => pushed.push("refs/tags/v1.4.0").catch(String), FOLLOWED).toMatch(/new tag/);
  for (const server of [leader, reader]) await expect.poll(() => list(server)).toContain("v1.4.0");
  // And other content under a name of which clients have a sum.
  pushed.change((r) => {
    r.tag("v1.5.0", r.commit({ "other.go": "package lib\n" }));
    r.tag("v1.6.0", r.commit({ "f.go": "package lib\n" }));
  });
  await pushed.push("refs/tags/v1.5.0", "refs/tags/v1.6.0");
  const all = ["v1.0.0", "v1.1.0", "v1.2.0", "v1.3.0", "v1.4.0", "v1.6.0", ""].join("\n");
  for (const server of [leader, reader]) await expect.poll(() => list(server)).toBe(all);
  expect(await lookup(leader, "v1.5.0")).toContain("was published here before, and lost since");
  lost.records.delete("v1.5.0");
  await expectOneHistory(lost);
});

test("what was committed without the standby that it should have waited for is not said to be", async () => {
  const set = async (value: string): Promise<void> => {
    await standby!.query(`ALTER SYSTEM SET synchronous_standby_names = '${value}'`);
    await standby!.query("SELECT pg_reload_conf()");
  };
  await set("nobody");
  // Also what others commit meanwhile waits; and the setting has its time to be in force.
  const cancel = "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'";
  const cancelling = async (): Promise<undefined> => {
    await standby!.query(cancel);
  };
  const make = async (path: string) => {
    const made = ask(leader.url, "/api/v4/groups", {
      method: "POST",
      headers: { ...bearer(ADMIN_TOKEN), "content-type": "application/json" },
      body: JSON.stringify({ name: path, path }),
    });
    for (;;) {
      const answer = await Promise.race([made, delay(50).then(cancelling)]);
      if (answer) return answer;
    }
  };
  let answer = await make("first");
  for (let n = 0; n < 20 && answer.status === 201; n++) answer = await make(`group${n}`);
  await set("");
  expect([answer.status, answer.text]).toEqual([503, expect.stringContaining("try again")]);
});

test("while the address leads to a server that takes no writes it is taken for none, and afterwards all goes on", async () => {
  const demoted = await replicated.demoted(primary!, FAST);
  address.moveTo(demoted.port);
  await standby!.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'gokura%'");
  const status = async () => (await ask(reader.url, "/api/v4/groups", { headers: bearer(ADMIN_TOKEN) })).status;
  await expect.poll(status).toBe(503);
  address.moveTo(standby!.port);
  await expect.poll(status).toBe(200);
  pushed.change((r) => r.tag("v1.7.0", r.commit({ "e.go": "package lib\n" })));
  await expect.poll(() => pushed.push("refs/tags/v1.7.0").catch(String), FOLLOWED).toMatch(/new tag/);
  for (const server of [leader, reader]) await expect.poll(() => list(server)).toContain("v1.7.0");
});
