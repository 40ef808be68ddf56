// A registry whose zips are in a bucket of a real server, versitygw: too long to build for every run, so it is given by
// VERSITYGW, the path of the program (go install github.com/versity/versitygw/cmd/versitygw@v1.8.0).
import { type ChildProcess, spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { beforeAll, describe, expect, test } from "vitest";
import { openBlobCache } from "../../../src/storage/blob-cache.ts";
import type { Blobs } from "../../../src/storage/blobs.ts";
import { openDiskBlobs } from "../../../src/storage/disk-blobs.ts";
import { zipObjectKey } from "../../../src/storage/object-keys.ts";
import { openBucket } from "../../../src/storage/s3/bucket.ts";
import { createBucketBlobs } from "../../../src/storage/s3/bucket-blobs.ts";
import { ABANDONED_UPLOAD_MS } from "../../../src/storage/s3/multipart.ts";
import { probeBucket } from "../../../src/storage/s3/probe.ts";
import { fetchObject, sendFile } from "../../../src/storage/s3/transfer.ts";
import { atEnd } from "../../support/at-end.ts";
import { eventually } from "../../support/eventually.ts";
import { freePort } from "../../support/free-port.ts";
import { goCommand } from "../../support/go.ts";
import { ask, bearer } from "../../support/http.ts";
import { pushRecipe, remoteOf } from "../../support/push.ts";
import { type TestServer, testServer } from "../../support/server.ts";
import { temporary } from "../../support/temporary.ts";

const PROGRAM = process.env.VERSITYGW;
const SECRET = "secret-of-the-tests";
/** The smallest that S3 takes. */
const PART_BYTES = 5 * 1024 ** 2;
const SOURCES = join(import.meta.dirname, "../../../src");
const directory = temporary("s3");
/** versitygw keeps a bucket as a directory, and its objects as files. */
const kept = join(directory, "buckets", "modules");
let port = 0;
let gateway: ChildProcess;

async function startGateway(): Promise<void> {
  gateway = spawn(PROGRAM!, ["--port", `127.0.0.1:${port}`, "--quiet", "posix", join(directory, "buckets")], {
    env: { ROOT_ACCESS_KEY: "key", ROOT_SECRET_KEY: SECRET, PATH: process.env.PATH ?? "" },
    stdio: "ignore",
  });
  const answers = (): Promise<boolean> =>
    fetch(`http://127.0.0.1:${port}/`).then(
      () => true,
      () => false,
    );
  await eventually(answers, (yes) => yes, 30_000);
}

async function stopGateway(): Promise<void> {
  gateway.kill("SIGKILL");
  await once(gateway, "exit");
}

const settings = (): Record<string, string> => ({
  GOKURA_S3_ENDPOINT: `http://127.0.0.1:${port}`,
  GOKURA_S3_BUCKET: "modules",
  GOKURA_S3_PREFIX: "gokura/teams",
  GOKURA_S3_ACCESS_KEY_ID: "key",
  GOKURA_S3_SECRET_ACCESS_KEY: SECRET,
});

const place = () => ({
  ...{ endpoint: `http://127.0.0.1:${port}`, bucket: "modules", prefix: "other/", region: "us-east-1" },
  ...{ accessKeyId: "key", secretAccessKey: SECRET, pathStyle: true, caFile: undefined, partBytes: PART_BYTES },
});

async function storeOf(name: string): Promise<Blobs> {
  const bucket = openBucket(place());
  atEnd(() => bucket.close());
  const disk = await openDiskBlobs(join(directory, name));
  const cache = await openBlobCache(join(directory, name, "cache"), 100_000_000);
  return createBucketBlobs({ bucket, disk, cache, redirect: true });
}

async function adopt(blobs: Blobs, bytes: Buffer): Promise<string> {
  const key = zipObjectKey(createHash("sha256").update(bytes).digest("hex"));
  const scratch = blobs.scratch();
  writeFileSync(scratch, bytes);
  await blobs.adopt(scratch, key);
  return key;
}

const zipsIn = (where: string): string[] =>
  existsSync(where)
    ? readdirSync(where, { recursive: true, encoding: "utf8" }).filter((name) =>
        /^(?:.*\/)?zip\/.*[0-9a-f]{64}$/.test(name),
      )
    : [];

describe.skipIf(PROGRAM === undefined)("a real server (given by VERSITYGW)", () => {
  beforeAll(async () => {
    mkdirSync(kept, { recursive: true });
    port = await freePort();
    await startGateway();
    atEnd(() => stopGateway());
  });

  test("is fit, and nothing is left of the look", async () => {
    const bucket = openBucket(place());
    atEnd(() => bucket.close());
    await probeBucket(bucket);
    expect(zipsIn(kept)).toEqual([]);
  });

  test("two servers that store one zip at the same time both have it, whole", async () => {
    const [one, other] = [await storeOf("one"), await storeOf("other")];
    const bytes = randomBytes(3_000_000);
    const [key] = await Promise.all([adopt(one, bytes), adopt(other, bytes), adopt(one, bytes), adopt(other, bytes)]);
    rmSync(join(directory, "one", "cache", key!));
    expect((await one.read(key!)).equals(bytes)).toBe(true);
    expect((await other.read(key!)).equals(bytes)).toBe(true);
    const link = await fetch(one.linkTo!(key!)!, { headers: { range: "bytes=1-9" } });
    expect([link.status, Buffer.from(await link.arrayBuffer()).equals(bytes.subarray(1, 10))]).toEqual([206, true]);
    await (await other.setAside(key!))!.remove();
    expect(await other.has(key!)).toBe(false);
  });

  test("what it has already is there at once, whatever its size and however many come with it", async () => {
    const bucket = openBucket(place());
    atEnd(() => bucket.close());
    for (const size of [1_000, 200_000, 3_000_000]) {
      const bytes = randomBytes(size);
      const sha256 = createHash("sha256").update(bytes).digest("hex");
      const put = () =>
        bucket.put(zipObjectKey(sha256), { sha256, size, onlyNew: true, body: () => Readable.from([bytes]) });
      expect(await put()).toBe("stored");
      expect(new Set(await Promise.all(Array.from({ length: 20 }, put)))).toEqual(new Set(["there"]));
    }
  });

  test("that is killed while a zip is on its way has it whole or not at all", async () => {
    const blobs = await storeOf("killed");
    const bytes = randomBytes(60_000_000);
    const adopted = adopt(blobs, bytes).then(
      (key) => key,
      () => undefined,
    );
    await expect.poll(() => readdirSync(kept, { recursive: true }).length, { interval: 1 }).toBeGreaterThan(0);
    await stopGateway();
    await startGateway();
    const key = await adopted; // tried again, or given up
    if (key === undefined) await adopt(blobs, bytes);
    const other = await storeOf("after-the-kill");
    const whole = zipObjectKey(createHash("sha256").update(bytes).digest("hex"));
    expect((await other.read(whole)).equals(bytes)).toBe(true);
  });

  test("a sender that is killed between two parts leaves no object, and parts that are given up later", async () => {
    const file = join(directory, "large");
    const bytes = randomBytes(12 * PART_BYTES + 1);
    writeFileSync(file, bytes);
    const sha256 = createHash("sha256").update(bytes).digest("hex");
    const key = zipObjectKey(sha256);
    const sends = `
      const { openBucket } = await import(${JSON.stringify(join(SOURCES, "storage/s3/bucket.ts"))});
      const { sendFile } = await import(${JSON.stringify(join(SOURCES, "storage/s3/transfer.ts"))});
      await sendFile(openBucket(${JSON.stringify(place())}), ${JSON.stringify(file)}, ${JSON.stringify(key)}, true);`;
    const sender = spawn(process.execPath, ["--input-type=module", "--eval", sends], { stdio: "ignore" });
    const parts = (): string[] =>
      readdirSync(kept, { recursive: true, encoding: "utf8" }).filter((name) => /\.sgwtmp.*\/\d+$/.test(name));
    await expect.poll(() => parts().length, { interval: 5, timeout: 30_000 }).toBeGreaterThan(2);
    sender.kill("SIGKILL");
    await once(sender, "exit");
    const bucket = openBucket(place());
    atEnd(() => bucket.close());
    expect(await bucket.head(key)).toBeUndefined();
    expect(await bucket.abandonUploads(Date.now() - ABANDONED_UPLOAD_MS)).toBe(0);
    expect(await bucket.abandonUploads(Date.now() + 60_000)).toBe(1);
    expect(parts()).toEqual([]);
    expect([await sendFile(bucket, file, key, true), await sendFile(bucket, file, key, true)]).toEqual([
      "stored",
      "there",
    ]);
    expect(await fetchObject(bucket, key, join(directory, "fetched"))).toBe(true);
    expect(readFileSync(join(directory, "fetched")).equals(bytes)).toBe(true);
  });

  describe("a registry on it", () => {
    let server: TestServer;
    let token: string;
    const endpoint = `/api/v4/packages/go/gokura.test/ann/lib/@v`;

    beforeAll(async () => {
      server = await testServer({ environment: settings() });
      token = await server.token("ann");
      await pushRecipe(remoteOf(server.url, "ann/lib", token), (r) =>
        r.tag("v1.0.0", r.commit({ "go.mod": "module gokura.test/ann/lib\n", "a.go": "package lib\n" })),
      );
    });

    test("has its zips there, below the prefix, and go gets them", async () => {
      const tls = await testServer({
        tls: true,
        environment: { ...settings(), DATABASE_URL: server.registry.database.url },
      });
      const go = goCommand({ GOPROXY: `${tls.url}/api/v4/packages/go`, SSL_CERT_FILE: tls.certificateFile }, [
        `machine localhost:${tls.port} login ann password ${token}`,
        `machine 127.0.0.1:${tls.port} login ann password ${token}`,
      ]);
      await go.must("get", "gokura.test/ann/lib@v1.0.0");
      expect(zipsIn(join(kept, "gokura", "teams"))).toHaveLength(1);
      expect(zipsIn(join(server.dataDirectory, "blobs"))).toEqual([]);
    });

    test("sends nobody away while nothing else was set; a second server without a copy gives the same bytes", async () => {
      const first = await ask(server.url, `${endpoint}/v1.0.0.zip`, { headers: bearer(token) });
      expect(first.status).toBe(200);
      const second = await testServer({
        environment: { ...settings(), GOKURA_S3_REDIRECT: "on", DATABASE_URL: server.registry.database.url },
      });
      const zip = await fetch(`${second.url}${endpoint}/v1.0.0.zip`, { headers: bearer(token) });
      expect(zip.status).toBe(200);
      expect(
        createHash("sha256")
          .update(Buffer.from(await zip.arrayBuffer()))
          .digest("hex"),
      ).toBe(
        createHash("sha256")
          .update(readFileSync(join(kept, "gokura/teams", zipsIn(join(kept, "gokura/teams"))[0]!)))
          .digest("hex"),
      );
    });

    test("serves what it has a copy of while the bucket is away, and says 503 to the rest", async () => {
      await pushRecipe(remoteOf(server.url, "ann/more", token), (r) =>
        r.tag("v1.0.0", r.commit({ "go.mod": "module gokura.test/ann/more\n" })),
      );
      const more = "/api/v4/packages/go/gokura.test/ann/more/@v/v1.0.0.zip";
      expect((await ask(server.url, more, { headers: bearer(token) })).status).toBe(200);
      const fresh = await testServer({
        environment: { ...settings(), DATABASE_URL: server.registry.database.url },
      });
      await stopGateway();
      try {
        expect((await ask(server.url, more, { headers: bearer(token) })).status).toBe(200);
        const away = await ask(fresh.url, more, { headers: bearer(token) });
        expect([away.status, away.headers["gokura-reason"]]).toEqual([503, "storage_unavailable"]);
      } finally {
        await startGateway();
      }
      await expect.poll(async () => (await ask(fresh.url, more, { headers: bearer(token) })).status).toBe(200);
    });
  });
});
