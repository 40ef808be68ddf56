// gokura doctor on what it is for: a server that is well, and one thing wrong at a time.
import { chmodSync } from "node:fs";
import http from "node:http";
import type { AddressInfo } from "node:net";
import pg from "pg";
import { beforeAll, expect, test } from "vitest";
import { examineAddress, examineCertificate } from "../../src/doctor/address.ts";
import { examineDatabase } from "../../src/doctor/database.ts";
import type { Finding } from "../../src/doctor/finding.ts";
import { examineDisk, examineMachine } from "../../src/doctor/machine.ts";
import { examineUpstreams } from "../../src/doctor/upstreams.ts";
import { OFF, parseUpstreams } from "../../src/upstream/policy.ts";
import { runHere } from "../cli/run-here.ts";
import { atEnd } from "../support/at-end.ts";
import { emptyDatabase, testDatabase } from "../support/database.ts";
import { fakeUpstream } from "../support/fake-upstream.ts";
import { type TestServer, testServer } from "../support/server.ts";
import { temporary } from "../support/temporary.ts";

let server: TestServer;

beforeAll(async () => {
  server = await testServer({ tls: true });
});

const worst = (findings: readonly Finding[]): Finding[] => findings.filter(({ state }) => state !== "good");

/** A reverse proxy in front of a server that does something to each request. */
async function proxyBefore(
  url: string,
  change: (options: http.RequestOptions) => http.RequestOptions,
): Promise<string> {
  const { hostname, port } = new URL(url);
  const proxy = http.createServer((req, res) => {
    const { url: path, method, headers } = req;
    const options = change({ hostname, port, path, method, headers } as http.RequestOptions);
    req.pipe(
      http.request(options, (answer) => {
        res.writeHead(answer.statusCode!, answer.headers);
        answer.pipe(res);
      }),
    );
  });
  await new Promise<void>((done) => proxy.listen(0, "127.0.0.1", done));
  atEnd(() => void proxy.close());
  return `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
}

test("a server that is well: nothing but good, and its certificate is looked at", async () => {
  const findings = await examineAddress(server.url, server.certificateFile);
  expect(worst(findings)).toEqual([]);
  expect(findings.map(({ about }) => about)).toEqual(["address", "address", "address", "certificate"]);
});

test("a certificate that clients do not know", async () => {
  expect(await examineCertificate(server.url)).toMatchObject({
    state: "wrong",
    says: expect.stringContaining("do not trust"),
  });
});

test("reverse proxies that decode slashes, keep credentials to themselves, or lead elsewhere", async () => {
  const plain = await testServer();
  expect(worst(await examineAddress(await proxyBefore(plain.url, (asked) => asked)))).toEqual([]);
  const decoding = await proxyBefore(plain.url, (asked) => ({ ...asked, path: decodeURIComponent(asked.path!) }));
  expect(worst(await examineAddress(decoding))).toMatchObject([
    { state: "wrong", says: expect.stringContaining("encoded slash") },
  ]);
  const stripping = await proxyBefore(plain.url, ({ headers, ...asked }) => {
    const { authorization: _, ...rest } = headers as http.OutgoingHttpHeaders;
    return { ...asked, headers: rest };
  });
  expect(worst(await examineAddress(stripping))).toMatchObject([
    { state: "wrong", says: expect.stringContaining("credentials") },
  ]);
  const elsewhere = await fakeUpstream((_, res) => void res.writeHead(404).end());
  expect(worst(await examineAddress(elsewhere.url))).toMatchObject([
    { state: "wrong", says: expect.stringContaining("404") },
  ]);
  expect(worst(await examineAddress("http://127.0.0.1:9"))).toMatchObject([{ state: "wrong" }]);
});

test("databases: well, not migrated, without fsync, without notices, read-only, away", async () => {
  const url = await testDatabase();
  // Those of the tests are without fsync.
  expect(worst(await examineDatabase(url))).toMatchObject([{ state: "wrong", says: "fsync is off" }]);
  const empty = await emptyDatabase();
  expect((await examineDatabase(empty)).map(({ says }) => says)).toContain(
    "it is not at the newest migration of this release",
  );
  const silent = await testDatabase();
  await query(
    silent,
    `CREATE SCHEMA silent;
     CREATE FUNCTION silent.pg_notify(text, text) RETURNS void LANGUAGE sql AS 'SELECT';
     DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET search_path = silent, pg_catalog, public', current_database()); END $$`,
  );
  expect((await examineDatabase(silent)).at(-1)).toMatchObject({
    state: "wrong",
    says: expect.stringContaining("LISTEN"),
  });
  // One that breaks the connection in the middle of the examination ends no more than that.
  const examining = examineDatabase(silent);
  const client = new pg.Client(silent);
  await client.connect();
  const endListener = async (): Promise<number | null> =>
    (
      await client.query(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN %'",
      )
    ).rowCount;
  await expect.poll(endListener, { interval: 20 }).toBe(1);
  await client.end();
  expect(worst(await examining).at(-1)).toMatchObject({ state: "wrong" });
  const still = await testDatabase();
  await query(still, `ALTER DATABASE ${new URL(still).pathname.slice(1)} SET default_transaction_read_only = on`);
  expect(await examineDatabase(still)).toMatchObject([
    { state: "wrong", says: expect.stringContaining("takes no writes") },
  ]);
  const away = await examineDatabase("postgresql://nobody:secret@127.0.0.1:9/none");
  expect(away).toMatchObject([{ state: "wrong" }]);
  expect(JSON.stringify(away)).not.toContain("secret");
});

test("a database whose clock is another", async () => {
  const database = await testDatabase();
  const clock = async (now: () => number) =>
    worst(await examineDatabase(database, now)).filter(({ says }) => says.startsWith("its clock"));
  expect(await clock(Date.now)).toEqual([]);
  const [found] = await clock(() => Date.now() - 60_000);
  expect(found).toMatchObject({ state: "wrong", says: expect.stringMatching(/differ by (?:59|6\d) s$/) });
});

test("upstreams: well, without the module, with wrong credentials, with another clock, away", async () => {
  const asked = async (list: string, now?: () => number) =>
    examineUpstreams(
      { upstream: parseUpstreams(list), upstreamCaFile: undefined, allowPrivateNetworks: [] },
      ...(now ? [now] : []),
    );
  const well = await fakeUpstream((_, res) => void res.end("v0.1.0\n"));
  const without = await fakeUpstream((_, res) => void res.writeHead(404).end());
  const closed = await fakeUpstream((_, res) => void res.writeHead(401).end());
  const broken = await fakeUpstream((_, res) => void res.writeHead(503).end());
  expect(worst(await asked(`${well.url},${without.url},direct`))).toEqual([]);
  const [noCredentials, trouble] = await asked(`${closed.url},${broken.url}`);
  expect(noCredentials).toMatchObject({ state: "wrong", remedy: expect.stringContaining("USER:TOKEN") });
  expect(trouble).toMatchObject({ state: "wrong", says: "it answers 503" });
  const late = await asked(well.url, () => Date.now() - 3_600_000);
  expect(worst(late)).toMatchObject([
    { state: "doubtful", says: expect.stringMatching(/clock is 3\d{3} seconds ahead/) },
  ]);
  expect(worst(await asked("http://127.0.0.1:9"))).toMatchObject([{ state: "wrong" }]);
  expect(await examineUpstreams({ upstream: OFF, upstreamCaFile: undefined, allowPrivateNetworks: [] })).toMatchObject([
    { state: "good" },
  ]);
});

test("the machine: a directory that is open to others, one that is a file, disks and inodes that run out", async () => {
  const directory = temporary("doctor");
  chmodSync(directory, 0o700);
  expect((await examineMachine(directory))[1]).toMatchObject({ about: "data directory", state: "good" });
  chmodSync(directory, 0o755);
  expect((await examineMachine(directory))[1]).toMatchObject({
    state: "doubtful",
    remedy: expect.stringContaining("chmod 700"),
  });
  expect((await examineMachine(import.meta.filename))[1]).toMatchObject({ state: "wrong" });
  expect((await examineMachine(`${directory}/not/yet`))[1]).toMatchObject({ state: "good" });
  const disk = { blocks: 1000, bsize: 1_000_000, files: 1000, ffree: 900 };
  expect(examineDisk({ ...disk, bavail: 500 }, "/data")).toMatchObject({
    state: "good",
    says: "500 MB of 1 GB are left where /data is",
  });
  expect(examineDisk({ ...disk, bavail: 150 }, "/data").state).toBe("doubtful");
  expect(examineDisk({ ...disk, bavail: 20 }, "/data").state).toBe("wrong");
  expect(examineDisk({ ...disk, bavail: 500, ffree: 9 }, "/data")).toMatchObject({
    state: "wrong",
    says: expect.stringContaining("inodes"),
  });
});

test("gokura doctor: what is wrong, what to do, and 1; JSON for programs; wrong settings are a finding", async () => {
  const environment = {
    GOKURA_DATA_DIR: temporary("doctor"),
    GOKURA_UPSTREAM: "off",
    DATABASE_URL: await testDatabase(),
    GOKURA_URL: "",
  };
  const told = await runHere(["doctor"], environment);
  expect(told.code).toBe(1);
  expect(told.stdout).toMatch(/^WRONG database: fsync is off\n {6}Switch it on/m);
  expect(told.stdout).toMatch(/^ok {4}git: git 2\./m);
  const json = await runHere(["doctor", "--json"], environment);
  expect((JSON.parse(json.stdout) as Finding[]).map(({ about }) => about)).toContain("upstream");
  const slip = await runHere(["doctor"], { ...environment, GOKURA_LISTEN: "nowhere" });
  expect([slip.code, slip.stdout]).toEqual([1, expect.stringContaining("GOKURA_LISTEN")]);
});

async function query(url: string, text: string): Promise<void> {
  const { default: pg } = await import("pg");
  const client = new pg.Client(url);
  await client.connect();
  await client.query(text);
  await client.end();
}
