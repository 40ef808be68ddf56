// What a server has in memory that has just started: what was stored last of the world's modules, and nothing that would not
// be given to everybody.
import { hash, randomBytes } from "node:crypto";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { warmCache } from "../../../src/http/go/cache-warming.ts";
import { HotCache } from "../../../src/http/go/hot-cache.ts";
import { createGroup } from "../../../src/registry/forge/groups.ts";
import { createProject, updateProject } from "../../../src/registry/forge/projects.ts";
import { createPolicy } from "../../../src/registry/policies/rules.ts";
import { OPERATOR } from "../../../src/registry/principal.ts";
import { zipKeyOf } from "../../../src/registry/versions/version-zip.ts";
import { testDatabase } from "../../support/database.ts";
import { type FakeUpstream, fakeUpstream } from "../../support/fake-upstream.ts";
import { ask } from "../../support/http.ts";
import { type TestServer, testServer } from "../../support/server.ts";
import { temporary } from "../../support/temporary.ts";

const ENDPOINT = "/api/v4/packages/go/";
const KINDS = ["info", "mod", "zip"] as const;

let upstream: FakeUpstream;
let server: TestServer;
const files = new Map<string, { readonly info: string; readonly mod: string; readonly zip: Buffer }>();

const get = (path: string) => ask(server.url, ENDPOINT + path);
const hits = async (): Promise<number> => (await server.registry.metrics.hotHits.get()).values[0]?.value ?? 0;
/** What a cache that is warmed now has of a module. */
async function warmed(modulePath: string): Promise<string[]> {
  const cache = new HotCache(64 * 1024 * 1024);
  await warmCache(server.registry, cache);
  return KINDS.filter((kind) => cache.get(`${ENDPOINT}${modulePath}/@v/v1.0.0.${kind}`) !== undefined);
}

beforeAll(async () => {
  upstream = await fakeUpstream();
  const environment = {
    ...{ DATABASE_URL: await testDatabase(), GOKURA_DATA_DIR: temporary("warmed"), GOKURA_UPSTREAM: upstream.url },
  };
  server = await testServer({ environment });
  for (const name of ["Upper", "denied", "ours", "secret", "contradicted", "changed", "lost", "long"]) {
    const path = `example.com/${name}`;
    const content = {
      "go.mod": `module ${path}\n${name === "long" ? `// ${"long ".repeat(1_000)}\n`.repeat(1_000) : ""}`,
      "big.bin": randomBytes(name === "Upper" ? 200_000 : 100),
    };
    files.set(path, await upstream.version(path, "v1.0.0", content));
    // The go command sends ! as %21.
    for (const kind of KINDS)
      expect((await get(`${path.replace("U", "%21u")}/@v/v1.0.0.${kind}`)).status, path).toBe(200);
  }
  await server.stop();
  server = await testServer({ environment: { ...environment, GOKURA_PRIVATE: "example.com/secret" } });
});

test("a server that has started anew answers from memory what was stored last", async () => {
  const { info, mod, zip } = files.get("example.com/Upper")!;
  const at = "example.com/%21upper/@v/v1.0.0";
  const asked = upstream.asked.length;
  await expect.poll(() => server.logged.join("")).toContain("what was stored last is ready in memory");
  const before = await hits();
  expect((await get(`${at}.info`)).text).toBe(info);
  expect((await get(`${at}.mod`)).text).toBe(mod);
  for (let round = 0; round < 2; round++) expect((await get(`${at}.zip`)).bytes.equals(zip)).toBe(true);
  const part = await ask(server.url, `${ENDPOINT}${at}.zip`, { headers: { range: "bytes=5-9" } });
  expect([part.status, part.bytes.equals(zip.subarray(5, 10))]).toEqual([206, true]);
  expect(await hits()).toBe(before + 5);
  expect(upstream.asked.length).toBe(asked);
});

test("a zip whose bytes are gone is fetched again", async () => {
  const { zip } = files.get("example.com/lost")!;
  rmSync(join(server.dataDirectory, "blobs", zipKeyOf({ sha256: hash("sha256", zip) })));
  expect((await get("example.com/lost/@v/v1.0.0.zip")).bytes.equals(zip)).toBe(true);
  expect(upstream.count("example.com/lost/@v/v1.0.0.zip")).toBe(2);
});

test("what is private to the registry is not among it", async () => {
  expect(await warmed("example.com/secret")).toEqual([]);
  expect((await get("example.com/secret/@v/v1.0.0.mod")).status).toBe(404);
});

test("nor what has become ours", async () => {
  const { registry } = server;
  expect(await warmed("example.com/ours")).toEqual([...KINDS]);
  await createGroup(registry, OPERATOR, { fullPath: "tools", visibility: "PUBLIC" });
  await createProject(registry, OPERATOR, { fullPath: "tools/ours", visibility: "PUBLIC" });
  await updateProject(registry, OPERATOR, "tools/ours", { modulePrefix: "example.com/ours" });
  await expect.poll(() => warmed("example.com/ours")).toEqual([]);
});

test("nor what a policy is about, which is judged when it is asked for", async () => {
  expect(await warmed("example.com/denied")).toEqual([...KINDS]);
  await createPolicy(server.registry, OPERATOR, { pattern: "example.com/denied", action: "DENY", reason: "stolen" });
  await expect.poll(() => warmed("example.com/denied")).toEqual([]);
  expect((await get("example.com/denied/@v/v1.0.0.mod")).status).toBe(403);
});

test("nor what a checksum database contradicts", async () => {
  expect(await warmed("example.com/contradicted")).toEqual([...KINDS]);
  await server.registry.database.pool.query(
    `INSERT INTO proved_sum (path, version, h1, go_mod_h1, database, record_id)
      VALUES ('example.com/contradicted', 'v1.0.0', $1, $1, 'sum.test', 1)`,
    [randomBytes(32)],
  );
  expect(await warmed("example.com/contradicted")).toEqual([]);
});

test("nor a version with a go.mod of megabytes, which would leave no room for the others", async () => {
  expect(await warmed("example.com/long")).toEqual([]);
});

test("if anything changes while it is read, nothing of it is kept", async () => {
  const cache = new HotCache(64 * 1024 * 1024);
  const warming = warmCache(server.registry, cache);
  cache.contentChanged("example.com/changed", true);
  expect(await warming).toBe(0);
  expect(cache.get(`${ENDPOINT}example.com/changed/@v/v1.0.0.mod`)).toBeUndefined();
});
