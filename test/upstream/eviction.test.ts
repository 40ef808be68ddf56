// Zips from upstream that make room and come back: what goes, what stays, and that only what was served comes again.
import { beforeAll, beforeEach, expect, test } from "vitest";
import { examineRegistry } from "../../src/fsck/examine.ts";
import { Repositories } from "../../src/git/objects/repositories.ts";
import { ensureRecord } from "../../src/registry/checksums/checksum-log.ts";
import { verifyLog } from "../../src/registry/checksums/verify-log.ts";
import { evictZips } from "../../src/upstream/eviction.ts";
import { openHttp } from "../../src/upstream/guarded-http.ts";
import { parseUpstreams } from "../../src/upstream/policy.ts";
import { createUpstreamClient } from "../../src/upstream/upstream-client.ts";
import { atEnd } from "../support/at-end.ts";
import { type FakeUpstream, fakeUpstream, zipOf } from "../support/fake-upstream.ts";
import { ask, bearer } from "../support/http.ts";
import { pushRecipe, remoteOf } from "../support/push.ts";
import { type TestServer, testServer } from "../support/server.ts";

const ENDPOINT = "/api/v4/packages/go";
const YEAR_MS = 365 * 24 * 3_600_000;

let upstream: FakeUpstream;
let server: TestServer;
let client: ReturnType<typeof createUpstreamClient>;

beforeAll(async () => {
  upstream = await fakeUpstream();
  server = await testServer({ environment: { GOKURA_UPSTREAM: upstream.url, GOKURA_HOT_CACHE_BYTES: "0" } });
  const http = openHttp({ allowNetworks: [], trustedHosts: new Set([upstream.host]), caFile: undefined });
  atEnd(() => http.close());
  client = createUpstreamClient(parseUpstreams(upstream.url), http, server.registry.log);
});

let name = 0;
let modulePath: string;
let zip: string;

/** A module of its own for each test, whose zip was fetched. */
beforeEach(async () => {
  modulePath = `example.com/evicted${++name}`;
  zip = `${ENDPOINT}/${modulePath}/@v/v1.0.0.zip`;
  await upstream.version(modulePath, "v1.0.0", { "go.mod": `module ${modulePath}\n`, "a.txt": "a".repeat(1_000) });
  expect((await ask(server.url, zip)).status).toBe(200);
});

const inAYear = (): number => Date.now() + YEAR_MS;
const evict = (options: Parameters<typeof evictZips>[3] = {}, keep = "") =>
  evictZips(server.registry, client, { maxBytes: 0, keep }, { now: inAYear(), ...options });

async function bytesStored(): Promise<boolean> {
  const { rows } = await server.registry.database.pool.query<{ zip_key: string }>(
    "SELECT zip_key FROM module_version v JOIN module m ON m.id = v.module_id WHERE m.path = $1",
    [modulePath],
  );
  const key = rows[0]!.zip_key;
  return server.registry.blobs.has(`zip/${key.slice(0, 2)}/${key}`);
}

test("what nobody asked for in a month goes, is fetched again when somebody asks, and is the same", async () => {
  const before = await ask(server.url, zip);
  const told: string[] = [];
  const report = await evict({ told: (one) => told.push(one.modulePath) });
  expect(told).toContain(modulePath);
  expect(report.bytes).toBeGreaterThan(0);
  expect(await bytesStored()).toBe(false);
  const asked = upstream.count(`${modulePath}/@v/v1.0.0.zip`);
  expect((await ask(server.url, `${ENDPOINT}/${modulePath}/@v/v1.0.0.mod`)).status).toBe(200);
  const again = await ask(server.url, zip);
  expect([again.status, again.text]).toEqual([200, before.text]);
  expect(upstream.count(`${modulePath}/@v/v1.0.0.zip`)).toBe(asked + 1);
  expect(await bytesStored()).toBe(true);
  const { rows } = await server.registry.database.pool.query("SELECT FROM evicted_zip");
  expect(rows).toHaveLength(0);
  const events = await server.registry.prisma.auditEvent.findMany({ where: { action: "upstream.evicted" } });
  expect(events.at(-1)!.detail).toMatchObject({ bytes: report.bytes, zips: report.zips });
  const metrics = await server.registry.metrics.registry.metrics();
  expect(metrics).toMatch(/^gokura_upstream_evicted_bytes_total [1-9]/m);
});

test("what was asked for lately stays, and so does everything while there is room", async () => {
  expect(await evict({ now: Date.now() })).toMatchObject({ zips: 0, bytes: 0 });
  expect(await evictZips(server.registry, client, { maxBytes: 1e9, keep: "" }, { now: inAYear() })).toMatchObject({
    zips: 0,
  });
  expect(await bytesStored()).toBe(true);
});

test("a dry run tells what would go, and nothing goes", async () => {
  const told: string[] = [];
  await evict({ dryRun: true, told: (one) => told.push(one.modulePath) });
  expect(told).toContain(modulePath);
  expect(await bytesStored()).toBe(true);
});

test("what its upstream has no more, and what a pattern keeps, stays", async () => {
  await evict({}, "example.com/evicted*");
  expect(await bytesStored()).toBe(true);
  upstream.on(`${modulePath}/@v/v1.0.0.info`, (_, res) => res.writeHead(410).end("gone"));
  expect((await evict()).irreplaceable).toBeGreaterThan(0);
  expect(await bytesStored()).toBe(true);
  upstream.on(`${modulePath}/@v/v1.0.0.info`, (_, res) => res.writeHead(500).end());
  await evict();
  expect(await bytesStored()).toBe(true);
  // A page for people, such as one to sign in at, and the word about another version.
  for (const page of ["<html>Sign in</html>", '{"Version":"v1.0.1"}']) {
    upstream.on(`${modulePath}/@v/v1.0.0.info`, page);
    await evict();
    expect(await bytesStored()).toBe(true);
  }
});

test("what a module here requires stays", async () => {
  const token = await server.token("ann");
  await pushRecipe(remoteOf(server.url, `ann/user${name}`, token), (r) =>
    r.tag(
      "v1.0.0",
      r.commit({ "go.mod": `module gokura.test/ann/user${name}\n\ngo 1.21\n\nrequire ${modulePath} v1.0.0\n` }),
    ),
  );
  const info = `${ENDPOINT}/gokura.test/ann/user${name}/@v/v1.0.0.info`;
  await expect.poll(async () => (await ask(server.url, info, { headers: bearer(token) })).status).toBe(200);
  await evict();
  expect(await bytesStored()).toBe(true);
});

test("it may come back packed otherwise, with the same files; with others it does not", async () => {
  const files = { "go.mod": `module ${modulePath}\n`, "a.txt": "a".repeat(1_000) };
  await evict();
  upstream.on(`${modulePath}/@v/v1.0.0.zip`, await zipOf(`${modulePath}@v1.0.0`, files, "STORE"));
  expect((await ask(server.url, zip)).status).toBe(200);
  expect(await bytesStored()).toBe(true);
  await evict();
  expect(await bytesStored()).toBe(false);
  upstream.on(`${modulePath}/@v/v1.0.0.zip`, await zipOf(`${modulePath}@v1.0.0`, { ...files, "a.txt": "other" }));
  expect((await ask(server.url, zip)).status).not.toBe(200);
  expect(await bytesStored()).toBe(false);
});

test("fsck promises no bytes of what made room", async () => {
  await evict();
  const repositories = new Repositories();
  atEnd(() => repositories.close());
  const { problems } = await examineRegistry(server.registry, repositories, {
    ...{ deep: true, repair: false },
    progress: () => {},
    found: () => {},
  });
  expect(problems.filter(({ about }) => about.includes(modulePath))).toEqual([]);
});

test("an evicted zip is nothing that the log misses: its sum is all that is promised", async () => {
  const { registry, checksums } = server;
  const { rows } = await registry.database.pool.query<{ h1: string; go_mod_h1: string }>(
    "SELECT v.h1, v.go_mod_h1 FROM module_version v JOIN module m ON m.id = v.module_id WHERE m.path = $1",
    [modulePath],
  );
  const known = { h1: rows[0]!.h1, goModH1: rows[0]!.go_mod_h1, basis: "PUBLIC", publicId: 1 } as const;
  await ensureRecord(checksums, { modulePath, version: "v1.0.0", known });
  const verify = () => verifyLog(registry, { before: undefined, zips: true, progress() {} });
  const before = await verify();
  expect(before.problems).toEqual([]);
  await evict();
  expect(await bytesStored()).toBe(false);
  expect(await verify()).toMatchObject({ problems: [], zips: before.zips - 1 });
});
