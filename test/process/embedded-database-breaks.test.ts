// The embedded PostgreSQL breaks down under a running server: the server starts it again and goes on, or ends with the reason
// within seconds, so that whoever looks after it can act. It never runs on without a database.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { holdCluster } from "../database/cluster-holders.ts";
import { eventually } from "../support/eventually.ts";
import { embeddedPid, gokura, processesOf, serveGokura } from "../support/gokura-process.ts";
import { ask, bearer } from "../support/http.ts";
import { temporary } from "../support/temporary.ts";

const TOKEN = "administrator-token-of-the-tests";

test("a postmaster that is killed is started again, commands that come meanwhile do no harm, and the stop is clean", async () => {
  const data = join(temporary("breaks"), "data");
  const settings = { GOKURA_DATA_DIR: data, GOKURA_ADMIN_TOKEN: TOKEN };
  const server = await serveGokura(settings);
  const ready = (): Promise<number> =>
    eventually(
      async () => (await ask(server.url, "/-/readiness")).status,
      (status) => status === 200,
      15_000,
    );
  const groups = async (): Promise<number> =>
    (await ask(server.url, "/api/v4/groups", { headers: bearer(TOKEN) })).status;
  expect(await ready()).toBe(200);
  const before = embeddedPid(data)!;
  process.kill(before, "SIGKILL");
  const meanwhile = await gokura(["user", "list", "--json"], settings);
  expect(meanwhile).toMatchObject({ code: 0, stderr: "" });
  expect(await ready()).toBe(200);
  expect(await groups()).toBe(200);
  expect(embeddedPid(data)).not.toBe(before);
  expect((await gokura(["user", "list"], settings)).code).toBe(0);
  expect(await groups()).toBe(200); // the command was not the last one
  const { code, stderr } = await server.stop();
  expect([code, stderr.match(/"level":"error"[^\n]*defect/)]).toEqual([0, null]);
  expect(processesOf(data)).toEqual([]);
});

test("one that does not come back ends the server, which says why", async () => {
  const data = join(temporary("gone"), "data");
  const server = await serveGokura({ GOKURA_DATA_DIR: data });
  writeFileSync(join(data, "postgres/cluster/postgresql.conf"), "no_such_setting = 1\n");
  process.kill(embeddedPid(data)!, "SIGKILL");
  const { code, stderr } = await server.ended;
  expect([code, stderr.split("\n").at(-2)]).toEqual([
    1,
    `gokura: the embedded PostgreSQL broke down and does not come back: see ${data}/postgres/postgres.log, then start again`,
  ]);
  expect(processesOf(data)).toEqual([]);
});

test("a server that stops says who still uses the database, so that nobody copies it", async () => {
  const data = join(temporary("held"), "data");
  const server = await serveGokura({ GOKURA_DATA_DIR: data });
  const studio = await holdCluster(data);
  const { code, stderr } = await server.stop();
  expect(code).toBe(0);
  const said = stderr.split("\n").find((line) => line.includes("still runs"))!;
  expect(JSON.parse(said)).toMatchObject({
    level: "warn",
    usedBy: [expect.stringContaining(`process ${studio.child.pid} (`)],
    msg: expect.stringContaining("do not copy the data directory"),
  });
  expect(await studio.stop()).toBe("stopped");
});
