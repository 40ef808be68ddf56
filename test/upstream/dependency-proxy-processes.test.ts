// One download for everybody: many clients, clients that leave, several servers on one database, and a server that dies.
import { randomBytes } from "node:crypto";
import { readdirSync, statSync } from "node:fs";
import http from "node:http";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { beforeAll, expect, test } from "vitest";
import { testDatabase } from "../support/database.ts";
import { eventually } from "../support/eventually.ts";
import { type FakeUpstream, fakeUpstream, zipOf } from "../support/fake-upstream.ts";
import { type Environment, type ServingProcess, serveGokura } from "../support/gokura-process.ts";
import { ask, asking } from "../support/http.ts";
import { sharingBlobs } from "../support/shared-blobs.ts";
import { temporary } from "../support/temporary.ts";

const GO = "/api/v4/packages/go/";
const SIZE = 3_000_000;

let upstream: FakeUpstream;
let environment: Environment;
let first: ServingProcess;
let second: ServingProcess;
let number = 0;

/** The settings of one more server with the same blobs. */
const another = (): Environment => ({ ...environment, GOKURA_DATA_DIR: sharingBlobs(environment.GOKURA_DATA_DIR!) });

/** A module whose zip comes in three pieces, each when it is let go. */
async function slowModule(): Promise<{ at: string; zip: Buffer; go(): void; started(): boolean }> {
  const path = `example.com/slow${++number}`;
  await upstream.version(path, "v1.0.0");
  const zip = await zipOf(`${path}@v1.0.0`, { "go.mod": `module ${path}\n`, "big.bin": randomBytes(SIZE) });
  const at = `${path}/@v/v1.0.0.zip`;
  const gate = Promise.withResolvers<void>();
  let started = false;
  upstream.on(at, async (_, res) => {
    started = true;
    res.writeHead(200, { "content-length": zip.length }).write(zip.subarray(0, SIZE / 2));
    await gate.promise;
    res.end(zip.subarray(SIZE / 2));
  });
  return { at, zip, go: gate.resolve, started: () => started };
}

/** Whole downloads, one after another: when they are there, the server has done what it does about requests before them. */
async function otherDownloads({ url }: ServingProcess): Promise<void> {
  for (let n = 0; n < 3; n++) {
    const path = `example.com/other${++number}`;
    await upstream.version(path, "v1.0.0");
    expect((await ask(url, `${GO}${path}/@v/v1.0.0.zip`)).status).toBe(200);
  }
}

/** A client that goes away as soon as it has read something. */
function impatient(url: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const request = http.get(url, { agent: false }, (response) => {
      response.once("data", (chunk: Buffer) => {
        request.destroy();
        resolve(chunk.length);
      });
    });
    request.on("error", reject);
  });
}

beforeAll(async () => {
  upstream = await fakeUpstream();
  environment = {
    DATABASE_URL: await testDatabase(),
    GOKURA_DATA_DIR: temporary("two"),
    GOKURA_UPSTREAM: upstream.url,
    GOKURA_UPSTREAM_VERIFY: "off",
    GOKURA_MODULE_HOST: "gokura.test",
    GOKURA_ADMIN_TOKEN: "administrator-token-of-the-tests",
  };
  first = await serveGokura(another());
  second = await serveGokura(another());
});

test("50 clients of two servers cost one download; the bytes come before it ends, and who leaves ends nothing", async () => {
  const { at, zip, go, started } = await slowModule();
  expect(await impatient(`${first.url}${GO}${at}`)).toBeGreaterThan(0); // the first of all, and it is gone
  expect(started()).toBe(true);
  const clients = Array.from({ length: 50 }, (_, i) => asking(i % 2 === 0 ? first.url : second.url, GO + at));
  expect(await impatient(`${first.url}${GO}${at}`)).toBeGreaterThan(0);
  const ofFirst = clients.filter((_, i) => i % 2 === 0);
  await expect.poll(() => ofFirst.every(({ received }) => received() > 0), { timeout: 10_000 }).toBe(true);
  await otherDownloads(second);
  go();
  for (const answer of await Promise.all(clients.map(({ whole }) => whole))) {
    expect(answer.status).toBe(200);
    expect(answer.bytes.equals(zip)).toBe(true);
  }
  expect(upstream.count(at)).toBe(1);
});

test("50 clients of two servers cost one request of everything that is small, too", async () => {
  await upstream.version("example.com/small", "v1.0.0");
  for (const rest of ["@v/v1.0.0.info", "@v/v1.0.0.mod", "@v/list", "@latest"]) {
    const at = `example.com/small/${rest}`;
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, i) => ask(i % 2 === 0 ? first.url : second.url, GO + at)),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    expect([rest, upstream.count(at)]).toEqual([rest, 1]);
  }
});

test("HEAD waits for the whole", async () => {
  const { at, zip, go } = await slowModule();
  const get = asking(first.url, GO + at);
  const head = ask(first.url, GO + at, { method: "HEAD" });
  let answered = false;
  void head.then(() => {
    answered = true;
  });
  await expect.poll(get.received, { timeout: 10_000 }).toBeGreaterThan(0);
  await otherDownloads(first);
  expect(answered).toBe(false);
  go();
  expect((await head).headers["content-length"]).toBe(String(zip.length));
  expect((await get.whole).bytes.length).toBe(zip.length);
});

test("a server that is killed half-way leaves nothing; another one takes over, and so does the next start", async () => {
  const { at, zip, go } = await slowModule();
  const dying = await serveGokura(another());
  const cut = impatient(`${dying.url}${GO}${at}`);
  expect(await cut).toBeGreaterThan(0);
  // Another server waits for the one that has the lock…
  const waiting = ask(first.url, GO + at);
  await otherDownloads(first);
  expect(upstream.count(at)).toBe(1);
  await dying.stop("SIGKILL");
  // …and begins anew when it is dead.
  await eventually(
    async () => upstream.count(at),
    (count) => count === 2,
    10_000,
  );
  go();
  expect((await waiting).bytes.equals(zip)).toBe(true);

  const lonely = await slowModule();
  const alone = await serveGokura(another());
  await impatient(`${alone.url}${GO}${lonely.at}`);
  await alone.stop("SIGKILL");
  expect((await ask(first.url, `${GO}cached-only/${lonely.at}`)).status).toBe(404);
  lonely.go();
  const again = await serveGokura(another());
  expect((await ask(again.url, GO + lonely.at)).bytes.equals(lonely.zip)).toBe(true);
  expect((await ask(first.url, `${GO}cached-only/${lonely.at}`)).bytes.equals(lonely.zip)).toBe(true);
  // What is left are the two scratch files of the dead, which a later start removes.
  expect(readdirSync(join(environment.GOKURA_DATA_DIR!, "blobs", "scratch"))).toHaveLength(2);
});

test("killed at whatever moment while 50 MB come and are stored: never a part of them for anybody", async () => {
  const path = "example.com/fifty";
  const at = `${path}/@v/v1.0.0.zip`;
  const content = { "go.mod": `module ${path}\n`, "big.bin": randomBytes(50_000_000) };
  await upstream.version(path, "v1.0.0");
  const zip = await zipOf(`${path}@v1.0.0`, content, "STORE");
  upstream.on(at, zip);
  const blobs = join(environment.GOKURA_DATA_DIR!, "blobs");
  const stored = (): number[] =>
    readdirSync(blobs, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && !entry.parentPath.includes("scratch"))
      .map((entry) => statSync(join(entry.parentPath, entry.name)).size)
      .filter((size) => size > SIZE * 2);
  const outcomes: string[] = [];
  for (const ms of [10, 40, 80, 130, 200, 300]) {
    const dying = await serveGokura(another());
    const got = ask(dying.url, GO + at).then(
      ({ status, bytes }) => `${status} ${bytes.length}`,
      () => "cut off",
    );
    await delay(ms); // the moment of the kill is the subject
    await dying.stop("SIGKILL");
    outcomes.push(await got);
    const seen = await ask(first.url, `${GO}cached-only/${at}`);
    if (seen.status === 200) expect(seen.bytes.equals(zip)).toBe(true);
    else expect(seen.status).toBe(404);
    const head = await ask(second.url, `${GO}cached-only/${at}`, { method: "HEAD" });
    expect([404, 200]).toContain(head.status);
    if (head.status === 200) expect(head.headers["content-length"]).toBe(String(zip.length));
    for (const size of stored()) expect(size).toBe(zip.length);
  }
  expect(outcomes).toContain("cut off");
  expect(new Set(outcomes)).toEqual(new Set([...outcomes.filter((one) => one === `200 ${zip.length}`), "cut off"]));
  expect((await ask(second.url, GO + at)).bytes.equals(zip)).toBe(true);
  expect((await ask(first.url, `${GO}cached-only/${at}`)).bytes.equals(zip)).toBe(true);
  expect(stored()).toEqual([zip.length]);
});

test("a server that is told to stop does not wait for upstream", async () => {
  const { at } = await slowModule();
  const stopping = await serveGokura(another());
  await impatient(`${stopping.url}${GO}${at}`);
  // Time is the subject: what does not end by itself is waited for 20 s (http/server.ts).
  const start = performance.now();
  expect((await stopping.stop()).code).toBe(0);
  expect(performance.now() - start).toBeLessThan(15_000);
});
