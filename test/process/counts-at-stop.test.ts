// What was counted since the last time that counts were written down is written when a server stops.
import pg from "pg";
import { expect, test } from "vitest";
import { startApp } from "../../src/app.ts";
import { readConfig } from "../../src/config.ts";
import { createProject } from "../../src/registry/forge/projects.ts";
import { OPERATOR } from "../../src/registry/principal.ts";
import { createLog } from "../../src/telemetry/log.ts";
import { testDatabase } from "../support/database.ts";
import { ask } from "../support/http.ts";
import { pushRecipe, remoteOf } from "../support/push.ts";
import { ADMIN_TOKEN } from "../support/server.ts";
import { temporary } from "../support/temporary.ts";

test("a server that stops has written its counts", async () => {
  const url = await testDatabase();
  const config = readConfig({
    DATABASE_URL: url,
    GOKURA_DATA_DIR: temporary("counts"),
    GOKURA_LISTEN: "127.0.0.1:0",
    GOKURA_MODULE_HOST: "gokura.test",
    GOKURA_ADMIN_TOKEN: ADMIN_TOKEN,
    GOKURA_UPSTREAM: "off",
  });
  const app = await startApp(config, createLog("silent"));
  try {
    const { id } = await createProject(app.registry, OPERATOR, { fullPath: "root/lib", visibility: "PUBLIC" });
    await pushRecipe(remoteOf(app.url, "root/lib", ADMIN_TOKEN), (r) =>
      r.tag("v1.0.0", r.commit({ "go.mod": "module gokura.test/root/lib\n" })),
    );
    await app.registry.traffic.write();
    const zip = `/api/v4/projects/${id}/packages/go/gokura.test/root/lib/@v/v1.0.0.zip`;
    for (let n = 0; n < 3; n++) expect((await ask(app.url, zip)).status).toBe(200);
  } finally {
    await app.stop();
  }
  const client = new pg.Client(url);
  await client.connect();
  try {
    const { rows } = await client.query(
      "SELECT v.total, m.total AS of_module, t.downloads, t.memory + t.stored AS answers FROM version_downloads v, module_downloads m, traffic_day t",
    );
    expect(rows).toEqual([{ total: "3", of_module: "3", downloads: "3", answers: "3" }]);
  } finally {
    await client.end();
  }
});
