// kill -9 in the middle of a fetch: nothing is half there afterwards, and the next start takes the look up again.
import { join } from "node:path";
import pg from "pg";
import { expect, test } from "vitest";
import { testDatabase } from "../support/database.ts";
import { makeRepository } from "../support/git-fixture.ts";
import { gitServer } from "../support/git-server.ts";
import { serveGokura } from "../support/gokura-process.ts";
import { ask, bearer } from "../support/http.ts";
import { restClient } from "../support/rest.ts";
import { temporary } from "../support/temporary.ts";

const TOKEN = "administrator-token-of-the-tests";

test("a server that is killed while it fetches has no version of it, and all of them after the next start", async () => {
  const remote = await gitServer("git.test");
  makeRepository(join(remote.directory, "lib.git"), (r) => {
    const commit = r.commit({ "go.mod": "module gokura.test/root/lib\n" });
    for (let n = 0; n < 20; n++) r.tag(`v1.${n}.0`, commit);
  });
  const settings = {
    ...{ DATABASE_URL: await testDatabase(), GOKURA_DATA_DIR: temporary("killed"), GOKURA_ADMIN_TOKEN: TOKEN },
    ...{ GOKURA_MODULE_HOST: "gokura.test", GOKURA_ALLOW_PRIVATE_NETWORKS: "127.0.0.0/8" },
    GOKURA_UPSTREAM_CA_FILE: remote.caFile,
  };
  let begun = (): void => {};
  const fetching = new Promise<void>((resolve) => {
    begun = resolve;
  });
  remote.misbehave = (req, res) => {
    if (req.method !== "POST" || !String(req.headers["user-agent"]).startsWith("git/")) return false;
    res.setHeader("content-type", "application/x-git-upload-pack-result");
    res.write("0011packfile\n");
    begun();
    return true;
  };
  const first = await serveGokura(settings);
  const rest = await restClient(first.url, TOKEN);
  const import_url = `${remote.url}/lib.git`;
  expect((await rest("POST", "/projects", { path: "lib", mirror: true, import_url })).status).toBe(201);
  await fetching;
  await first.stop("SIGKILL");

  const database = new pg.Client(settings.DATABASE_URL);
  await database.connect();
  const state = "select (select count(*)::int from ref) as refs, push_started_at is not null as open from project";
  expect((await database.query(state)).rows).toEqual([{ refs: 0, open: true }]);
  remote.misbehave = undefined;
  const second = await serveGokura(settings);
  const list = async (): Promise<number> => {
    const path = "/api/v4/projects/root%2Flib/packages/go/gokura.test/root/lib/@v/list";
    return (await ask(second.url, path, { headers: bearer(TOKEN) })).text.split("\n").filter(Boolean).length;
  };
  await expect.poll(list, { timeout: 30_000, interval: 50 }).toBe(20);
  expect((await database.query(state)).rows).toEqual([{ refs: 21, open: false }]);
  await database.end();
  expect((await second.stop()).code).toBe(0);
});
