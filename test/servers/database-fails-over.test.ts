// The database of two servers fails over to a standby that never got the last transactions, while the old primary lives on and
// keeps the connections that it has: but for the address nothing tells anybody that it is another database.
import { execFileSync } from "node:child_process";
import { join } from "node:path";
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
/** A server looks every five seconds where the address leads. */
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
  atEnd(() => Promise.all([primary!.stop("SIGKILL"), standby!.stop("SIGKILL")]));
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
  leader = await testServer({ environment: shared });
  const another = { ...shared, GOKURA_DATA_DIR: sharingBlobs(leader.dataDirectory), GOKURA_ROLE: "read" };
  reader = await testServer({ environment: another });
  pushed = await pushRecipe(remoteOf(reader.url, "root/lib", ADMIN_TOKEN), (r) => {
    r.tag("v1.0.0", r.commit({ "go.mod": `module ${MODULE}\n`, "a.go": "package lib\n" }));
  });
});

test("what the standby never got is nowhere, may be pushed again, and the checksum log has one history", async () => {
  await leaveBehind(standby!);
  pushed.change((r) => {
    r.tag("v1.1.0", r.commit({ "b.go": "package lib\n" }));
    r.tag("v1.2.0", r.commit({ "c.go": "package lib\n" }));
  });
  await pushed.push();
  for (const server of [leader, reader]) await expect.poll(() => list(server)).toBe("v1.0.0\nv1.1.0\nv1.2.0\n");
  const signed: string[] = [];
  for (const version of ["v1.0.0", "v1.1.0", "v1.2.0"]) signed.push(await lookup(leader, version));
  const { size, root } = leader.checksums.state.tree;
  expect(size).toBe(3);

  await standby!.query("SELECT pg_promote()");
  address.moveTo(standby!.port);
  for (const server of [reader, leader]) await expect.poll(() => list(server), FOLLOWED).toBe("v1.0.0\n");

  // The same again: git at the server has nothing of it, and says nothing else.
  expect(await pushed.push("refs/tags/v1.1.0")).toMatch(/new tag/);
  for (const server of [leader, reader]) await expect.poll(() => list(server)).toBe("v1.0.0\nv1.1.0\n");
  // And other content under a name that clients have a sum of.
  pushed.change((r) => r.tag("v1.2.0", r.commit({ "other.go": "package lib\n" })));
  await pushed.push("refs/tags/v1.2.0");
  pushed.change((r) => r.tag("v1.3.0", r.commit({ "d.go": "package lib\n" })));
  await pushed.push("refs/tags/v1.3.0");
  for (const server of [leader, reader]) await expect.poll(() => list(server)).toBe("v1.0.0\nv1.1.0\nv1.3.0\n");

  for (const server of [reader, leader]) {
    const record = (text: string): string => text.split("\n\n")[0]!;
    expect(record(await lookup(server, "v1.1.0"))).toBe(record(signed[1]!));
    expect(await lookup(server, "v1.3.0")).toMatch(/^3\n/);
    expect(server.checksums.state.closed).toBeUndefined();
    expect(await rootAt(server.checksums, size)).toEqual(root);
  }
});

test("while the address leads to a server that takes no writes it is taken for none, and afterwards all goes on", async () => {
  await primary!.stop("SIGINT");
  const demoted = await replicated.demoted(primary!, FAST);
  atEnd(() => demoted.stop("SIGKILL"));
  address.moveTo(demoted.port);
  await standby!.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'gokura%'");
  const status = async () => (await ask(reader.url, "/api/v4/groups", { headers: bearer(ADMIN_TOKEN) })).status;
  await expect.poll(status).toBe(503);
  address.moveTo(standby!.port);
  await expect.poll(status).toBe(200);
  pushed.change((r) => r.tag("v1.4.0", r.commit({ "e.go": "package lib\n" })));
  await expect.poll(() => pushed.push("refs/tags/v1.4.0").catch(String), FOLLOWED).toMatch(/new tag/);
  for (const server of [leader, reader]) await expect.poll(() => list(server)).toContain("v1.4.0");
});
