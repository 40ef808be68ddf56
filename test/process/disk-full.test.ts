// A disk that is full while a zip is stored. The server runs in a mount namespace of its own in which a tiny tmpfs lies over
// the blobs, so that nothing of it can stay behind; the test reaches that file system through /proc.
import { randomBytes } from "node:crypto";
import { mkdirSync, readdirSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import pg from "pg";
import tar from "tar-stream";
import { expect, test } from "vitest";
import { testDatabase } from "../support/database.ts";
import { eventually } from "../support/eventually.ts";
import { serveGokura } from "../support/gokura-process.ts";
import { ask, bearer } from "../support/http.ts";
import { canMount, withTinyDisk } from "../support/mount-namespace.ts";
import { pushRecipe, remoteOf } from "../support/push.ts";
import { temporary } from "../support/temporary.ts";

const TOKEN = "administrator-token-of-the-tests";
const MODULE = "gokura.test/root/lib";
const GO = `/api/v4/projects/root%2Flib/packages/go/${MODULE}/@v`;

test.skipIf(!canMount)(
  "503 that says so, nothing half stored, and it works once there is space (needs unshare and mount)",
  async () => {
    const data = temporary("full");
    const blobs = join(data, "blobs");
    mkdirSync(blobs);
    const settings = {
      DATABASE_URL: await testDatabase(),
      GOKURA_DATA_DIR: data,
      GOKURA_ADMIN_TOKEN: TOKEN,
      GOKURA_MODULE_HOST: "gokura.test",
    };
    const server = await serveGokura(settings, { before: withTinyDisk(blobs) });
    const seen = join(`/proc/${server.child.pid}/root`, blobs); // blobs as the server sees them
    expect(readdirSync(blobs)).toEqual([]); // and as nobody else does
    const filler = join(seen, "filler");
    writeFileSync(filler, Buffer.alloc(800_000));

    await pushRecipe(remoteOf(server.url, "root/lib", TOKEN), (r) => {
      r.tag(
        "v1.0.0",
        r.commit({ "go.mod": `module ${MODULE}\n`, "a.go": "package lib\n", data: randomBytes(500_000) }),
      );
      r.tag("v0.1.0", r.commit({ "go.mod": `module ${MODULE}\n`, "a.go": "package lib\n", data: null }));
    });
    const get = (path: string) => ask(server.url, `${GO}/${path}`, { headers: bearer(TOKEN) });
    await eventually(
      async () => (await get("list")).text,
      (text) => text === "v0.1.0\nv1.0.0\n",
      5_000,
    );

    const full = await get("v1.0.0.zip");
    expect([full.status, full.text]).toEqual([
      503,
      "the server's disk is full: nothing was stored; ask its administrator\n",
    ]);
    expect(full.headers["content-type"]).toBe("text/plain; charset=utf-8");
    expect(full.headers["cache-control"]).toBe("no-store");
    // What needs no space is served as ever, and what fits is stored: once no job is at the large zip at that moment.
    expect((await get("v1.0.0.info")).status).toBe(200);
    expect((await get("v1.0.0.mod")).text).toBe(`module ${MODULE}\n`);
    const fits = await eventually(
      async () => (await get("v0.1.0.zip")).status,
      (status) => status === 200,
      5_000,
    );
    expect(fits).toBe(200);

    // A tree that is uploaded fits, and the zip that is made of it does not.
    const { bavail, bsize } = statfsSync(seen);
    const tree = tar.pack();
    tree.entry({ name: "go.mod" }, `module ${MODULE}\n`);
    tree.entry({ name: "data" }, randomBytes(Math.floor(bavail * bsize * 0.6)));
    tree.finalize();
    const body: Buffer[] = [];
    for await (const chunk of tree) body.push(chunk as Buffer);
    const uploaded = await ask(server.url, `${GO}/v0.2.0.tar`, {
      method: "PUT",
      headers: bearer(TOKEN),
      body: Buffer.concat(body),
    });
    expect([uploaded.status, uploaded.text]).toEqual([full.status, full.text]);

    const query = async (sql: string, ...values: string[]) => {
      const client = new pg.Client(settings.DATABASE_URL);
      await client.connect();
      const { rows } = await client.query(sql, values);
      await client.end();
      return rows;
    };
    const zipOf = async (version: string) =>
      (await query("select h1, zip_key from module_version where version = $1", version))[0];
    const logged = async () =>
      (await query("select version from sum_record order by version")).map((row) => row.version);
    expect(await zipOf("v1.0.0")).toEqual({ h1: null, zip_key: null });
    // Jobs write there, too: the journal of the checksum log, and zips ahead. What was half stored would stay.
    const scratch = await eventually(
      async () => readdirSync(join(seen, "scratch")),
      (names) => names.length === 0,
      5_000,
    );
    expect(scratch).toEqual([]);
    const { zip_key: small } = await zipOf("v0.1.0");
    expect(readdirSync(join(seen, "zip"), { recursive: true })).toEqual(
      expect.arrayContaining([join(small.slice(0, 2), small)]),
    );
    expect(server.stderr()).toMatch(/"level":"error".*disk is full/);

    rmSync(filler);
    const again = await get("v1.0.0.zip");
    expect(again.status).toBe(200);
    expect(again.bytes.length).toBeGreaterThan(500_000);
    expect((await zipOf("v1.0.0")).h1).toMatch(/^h1:/);
    const both = await eventually(logged, (versions) => versions.length === 2, 10_000);
    expect(both).toEqual(["v0.1.0", "v1.0.0"]);
    expect((await server.stop()).code).toBe(0);
  },
);
