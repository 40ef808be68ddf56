// Zips in a bucket whose server has its bad days: nothing is believed that was not answered, and nobody gets a byte of what is
// not what its name says.
import { createHash, randomBytes } from "node:crypto";
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, test } from "vitest";
import { copyBlob } from "../../../src/backup/copied-files.ts";
import { examineBucket } from "../../../src/doctor/bucket.ts";
import { openBlobCache } from "../../../src/storage/blob-cache.ts";
import type { Blobs } from "../../../src/storage/blobs.ts";
import { openDiskBlobs } from "../../../src/storage/disk-blobs.ts";
import { packObjectKey, zipObjectKey } from "../../../src/storage/object-keys.ts";
import { type Bucket, openBucket } from "../../../src/storage/s3/bucket.ts";
import { createBucketBlobs } from "../../../src/storage/s3/bucket-blobs.ts";
import { copyToBucket, copyToDisk } from "../../../src/storage/s3/copied-zips.ts";
import { probeBucket } from "../../../src/storage/s3/probe.ts";
import { atEnd } from "../../support/at-end.ts";
import { temporary } from "../../support/temporary.ts";
import { type LyingServer, lyingServer } from "./lying-server.ts";

/** Small, so that small objects go in parts. */
const PART_BYTES = 8_000;
const root = temporary("bucket-blobs");
let count = 0;

interface Store {
  readonly server: LyingServer;
  readonly bucket: Bucket;
  readonly disk: Blobs;
  readonly blobs: Blobs;
  readonly cacheDirectory: string;
  readonly scratchDirectory: string;
}

let it: Store;

beforeEach(async () => {
  it = await newStore();
});

async function newStore({ cacheBytes = 1_000_000, redirect = false, now = Date.now } = {}): Promise<Store> {
  const server = await lyingServer();
  const bucket = bucketOf(server, PART_BYTES);
  const directory = join(root, String(++count));
  const disk = await openDiskBlobs(directory);
  const cacheDirectory = join(directory, "cache");
  const cache = await openBlobCache(cacheDirectory, cacheBytes);
  const blobs = createBucketBlobs({ bucket, disk, cache, redirect, now });
  return { server, bucket, disk, blobs, cacheDirectory, scratchDirectory: join(directory, "scratch") };
}

function bucketOf(server: LyingServer, partBytes: number): Bucket {
  const bucket = openBucket({
    ...{ endpoint: server.url, bucket: "bucket", prefix: "", region: "us-east-1", pathStyle: true, caFile: undefined },
    ...{ accessKeyId: "key", secretAccessKey: "secret", partBytes },
  });
  atEnd(() => bucket.close());
  return bucket;
}

function zipOf(bytes: Buffer): string {
  return zipObjectKey(createHash("sha256").update(bytes).digest("hex"));
}

async function adopt(blobs: Blobs, bytes: Buffer): Promise<string> {
  const scratch = blobs.scratch();
  writeFileSync(scratch, bytes);
  await blobs.adopt(scratch, zipOf(bytes));
  return zipOf(bytes);
}

const copiesIn = (directory: string): string[] =>
  readdirSync(directory, { recursive: true, encoding: "utf8" }).filter((name) => /[0-9a-f]{64}$/.test(name));

describe("a bucket that does what it shall", () => {
  test("is fit, and nothing is left of the look", async () => {
    await probeBucket(it.bucket);
    expect([...it.server.objects.keys()]).toEqual([]);
  });

  test("has what was stored, and the local copy is read while it is there", async () => {
    const bytes = randomBytes(5_000);
    const key = await adopt(it.blobs, bytes);
    expect(it.server.objects.get(`/bucket/${key}`)?.bytes).toEqual(bytes);
    it.server.asked.length = 0;
    expect(await it.blobs.read(key)).toEqual(bytes);
    expect(it.server.asked).toEqual([]);
    expect(await it.blobs.has(key)).toBe(true);
    const listed = [];
    for await (const one of it.blobs.list("zip")) listed.push(one.key);
    expect(listed).toEqual([key]);
  });

  test("is asked once for what many want at the same moment", async () => {
    const bytes = randomBytes(5_000);
    it.server.objects.set(`/bucket/${zipOf(bytes)}`, { bytes, writtenAt: 0 });
    const read = await Promise.all(Array.from({ length: 8 }, () => it.blobs.read(zipOf(bytes))));
    expect(read.every((one) => one.equals(bytes))).toBe(true);
    expect(it.server.asked).toHaveLength(1);
  });

  test("what is read once takes no room from what is kept here, and leaves nothing", async () => {
    const small = await newStore({ cacheBytes: 6_000 });
    const [kept, passing] = [randomBytes(5_000), randomBytes(5_000)];
    const key = await adopt(small.blobs, kept);
    small.server.objects.set(`/bucket/${zipOf(passing)}`, { bytes: passing, writtenAt: 0 });
    const file = await small.blobs.openFile(zipOf(passing), { isOnce: true });
    expect(await file.readFile()).toEqual(passing);
    await file.close();
    const pack = packObjectKey(zipOf(passing).slice(-64));
    small.server.objects.set(`/bucket/${pack}`, { bytes: passing, writtenAt: 0 });
    const copy = join(small.cacheDirectory, "..", "copy.pack");
    await small.blobs.copyInto(pack, copy);
    expect(readFileSync(copy)).toEqual(passing);
    await expect(small.blobs.copyInto(pack, copy)).rejects.toMatchObject({ code: "EEXIST" });
    expect(readFileSync(copy)).toEqual(passing);
    const missing = packObjectKey("0".repeat(64));
    await expect(small.blobs.copyInto(missing, `${copy}.missing`)).rejects.toMatchObject({ kind: "not-found" });
    expect(existsSync(`${copy}.missing`)).toBe(false);
    expect(copiesIn(small.cacheDirectory)).toEqual([key]);
    expect(readdirSync(small.scratchDirectory)).toEqual([]);
    // What is kept is read from there.
    small.server.asked.length = 0;
    await (await small.blobs.openFile(key, { isOnce: true })).close();
    expect(small.server.asked).toEqual([]);
  });

  test("gives what is too large to be kept here as well, to each who asks, and nobody waits for the others", async () => {
    const small = await newStore({ cacheBytes: 1_000 });
    const bytes = randomBytes(5_000);
    small.server.objects.set(`/bucket/${zipOf(bytes)}`, { bytes, writtenAt: 0 });
    const all = Promise.withResolvers<void>();
    let asked = 0;
    small.server.wrong.takesItsTime = async () => {
      asked++;
      if (asked === 4) all.resolve();
      if (asked > 1) await all.promise;
    };
    const read = await Promise.all(Array.from({ length: 4 }, () => small.blobs.read(zipOf(bytes))));
    expect(read.every((one) => one.equals(bytes))).toBe(true);
    expect(copiesIn(small.cacheDirectory)).toEqual([]);
    expect(readdirSync(small.scratchDirectory)).toEqual([]);
  });

  test("has the least lately used copies make room, which are fetched again", async () => {
    const small = await newStore({ cacheBytes: 10_000 });
    const all = Array.from({ length: 4 }, () => randomBytes(4_000));
    const keys = [];
    for (const bytes of all) keys.push(await adopt(small.blobs, bytes));
    await expect.poll(() => copiesIn(small.cacheDirectory).length).toBe(2);
    for (const [index, bytes] of all.entries()) expect(await small.blobs.read(keys[index]!)).toEqual(bytes);
  });

  test("has a zip taken aside and put back, or removed for good", async () => {
    const bytes = randomBytes(100);
    const key = await adopt(it.blobs, bytes);
    const aside = await it.blobs.setAside(key);
    expect(await it.blobs.has(key)).toBe(false);
    await expect(it.blobs.read(key)).rejects.toMatchObject({ kind: "not-found" });
    await aside!.putBack();
    expect(await it.blobs.read(key)).toEqual(bytes);
    await (await it.blobs.setAside(key))!.remove();
    expect(await it.blobs.has(key)).toBe(false);
    expect(readdirSync(it.scratchDirectory)).toEqual([]);
    expect(await it.blobs.setAside(key)).toBeUndefined();
  });

  test("has a zip written anew that is stored again long afterwards, so that no clean-up takes it for old", async () => {
    const bytes = randomBytes(100);
    it.server.objects.set(`/bucket/${zipOf(bytes)}`, { bytes, writtenAt: 1_000 });
    await adopt(it.blobs, bytes);
    expect(it.server.objects.get(`/bucket/${zipOf(bytes)}`)!.writtenAt).toBeGreaterThan(1_000);
  });

  test("gives links for zips where that is wanted", async () => {
    expect(it.blobs.linkTo).toBeUndefined();
    const redirecting = await newStore({ redirect: true });
    const key = await adopt(redirecting.blobs, randomBytes(10));
    expect(redirecting.blobs.linkTo?.(key)).toMatch(
      /^http:\/\/127\.0\.0\.1:\d+\/bucket\/zip\/.*&X-Amz-Signature=[0-9a-f]{64}$/,
    );
    expect(redirecting.blobs.linkTo?.("checksum-journal/last")).toBeUndefined();
  });
});

describe("from the disk and back", () => {
  const options = { told: () => {}, signal: new AbortController().signal };

  test("a zip of the time before the bucket is found on the disk, until it is copied", async () => {
    const bytes = randomBytes(1_000);
    const key = await adopt(it.disk, bytes);
    expect(await it.blobs.read(key)).toEqual(bytes);
    expect(await it.blobs.has(key)).toBe(true);
    expect(await copyToBucket(it.disk, it.bucket, options)).toEqual({ copied: 1, bytes: 1_000, present: 0 });
    expect(await copyToBucket(it.disk, it.bucket, options)).toEqual({ copied: 0, bytes: 0, present: 1 });
    expect(it.server.objects.get(`/bucket/${key}`)?.bytes).toEqual(bytes);
  });

  test("one that is larger than a part is copied in parts", async () => {
    const bytes = randomBytes(3 * PART_BYTES + 5);
    const key = await adopt(it.disk, bytes);
    expect(await copyToBucket(it.disk, it.bucket, options)).toMatchObject({ copied: 1, bytes: bytes.length });
    expect(it.server.objects.get(`/bucket/${key}`)?.bytes).toEqual(bytes);
  });

  test.each([1_000, 3 * PART_BYTES])("%i bytes that the server was too busy to take are sent again", async (length) => {
    const bytes = randomBytes(length);
    const key = await adopt(it.disk, bytes);
    const busyAfterHead: Bucket = {
      ...it.bucket,
      async head(asked) {
        const found = await it.bucket.head(asked);
        it.server.wrong = { busy: 2 };
        return found;
      },
    };
    expect(await copyToBucket(it.disk, busyAfterHead, options)).toMatchObject({ copied: 1 });
    expect(it.server.objects.get(`/bucket/${key}`)?.bytes).toEqual(bytes);
  });

  test("packs of repositories are copied along", async () => {
    const bytes = randomBytes(500);
    const key = packObjectKey(createHash("sha256").update(bytes).digest("hex"));
    const scratch = it.disk.scratch();
    writeFileSync(scratch, bytes);
    await it.disk.adopt(scratch, key);
    expect(await copyToBucket(it.disk, it.bucket, options)).toEqual({ copied: 1, bytes: 500, present: 0 });
    expect(it.server.objects.get(`/bucket/${key}`)?.bytes).toEqual(bytes);
  });

  test("what is in the bucket comes back to the disk", async () => {
    const bytes = randomBytes(1_000);
    const key = await adopt(it.blobs, bytes);
    expect(await copyToDisk(it.bucket, it.disk, options)).toEqual({ copied: 1, bytes: 1_000, present: 0 });
    expect(await it.disk.read(key)).toEqual(bytes);
  });
});

test("a backup has a zip of the bucket as a file, and nothing for one that is gone", async () => {
  const bytes = randomBytes(1_000);
  const key = await adopt(it.blobs, bytes);
  const to = join(root, "backup", key);
  expect(await copyBlob(it.blobs, key, to)).toBe(1_000);
  expect(readFileSync(to)).toEqual(bytes);
  expect(await copyBlob(it.blobs, zipOf(randomBytes(1)), `${to}-gone`)).toBeUndefined();
  expect(existsSync(`${to}-gone`)).toBe(false);
});

describe("what is larger than a part", () => {
  const large = randomBytes(3 * PART_BYTES + 5);
  const isLeft = (): number => it.server.uploads.size;

  test("is sent in parts, and is the same; stored again, it is not sent again", async () => {
    const key = await adopt(it.blobs, large);
    expect(it.server.objects.get(`/bucket/${key}`)?.bytes.equals(large)).toBe(true);
    expect(it.server.asked.filter((line) => line.startsWith("PUT"))).toHaveLength(4);
    await adopt(it.blobs, large);
    expect(it.server.asked.filter((line) => line.startsWith("PUT"))).toHaveLength(4);
    expect(isLeft()).toBe(0);
  });

  test("is there once when two send it at the same moment, and the parts of the other are given up", async () => {
    const [one, other] = await Promise.all([adopt(it.blobs, large), adopt(it.blobs, large)]);
    expect(one).toBe(other);
    expect([it.server.objects.size, isLeft()]).toEqual([1, 0]);
    it.server.wrong = { knowsNoConditionOfParts: true };
    const key = await adopt(it.blobs, randomBytes(2 * PART_BYTES));
    expect(it.server.objects.has(`/bucket/${key}`)).toBe(true);
  });

  test("is not there when a part is refused, or the parts are not what was promised", async () => {
    it.server.wrong = { refusesPart: 2 };
    await expect(adopt(it.blobs, large)).rejects.toMatchObject({ reason: "storage_unavailable" });
    it.server.wrong = {};
    const scratch = it.blobs.scratch();
    writeFileSync(scratch, large);
    await expect(it.blobs.adopt(scratch, zipOf(randomBytes(1)))).rejects.toMatchObject({
      reason: "storage_unavailable",
    });
    expect([it.server.objects.size, isLeft()]).toEqual([0, 0]);
  });

  test("leaves no upload for longer than a day whose sender was killed", async () => {
    const begun = { key: `/bucket/${zipOf(large)}`, parts: new Map() };
    it.server.uploads.set("old", { ...begun, begunAt: Date.now() - 25 * 3_600_000 });
    it.server.uploads.set("young", { ...begun, begunAt: Date.now() - 3_600_000 });
    it.blobs.tidy();
    await expect.poll(() => [...it.server.uploads.keys()]).toEqual(["young"]);
  });
});

test("gokura doctor tells whether the bucket is fit", async () => {
  const place = {
    ...{ endpoint: it.server.url, bucket: "bucket", prefix: "", region: "us-east-1", pathStyle: true },
    ...{ caFile: undefined, accessKeyId: "key", secretAccessKey: "secret", partBytes: PART_BYTES },
  };
  expect(await examineBucket(place)).toMatchObject([{ state: "good" }]);
  it.server.wrong = { forbids: true };
  expect(await examineBucket(place)).toMatchObject([
    { state: "wrong", says: expect.stringContaining("SignatureDoesNotMatch") },
  ]);
  expect(await examineBucket(undefined)).toMatchObject([{ state: "good", says: "in the data directory" }]);
});

describe("a server that cannot hold blobs is refused at the start", () => {
  test.each([
    ["ignoresConditions", "If-None-Match"],
    ["ignoresSums", "SHA-256"],
    ["ignoresRanges", "Range"],
  ] as const)("because it %s", async (wrong, why) => {
    it.server.wrong = { [wrong]: true };
    await expect(probeBucket(it.bucket)).rejects.toMatchObject({
      reason: "storage_unavailable",
      mustAct: true,
      message: expect.stringContaining(why),
    });
  });

  test("because it gives other bytes", async () => {
    it.server.wrong = { gives: Buffer.alloc(64) };
    await expect(probeBucket(it.bucket)).rejects.toThrow("gives other bytes");
  });

  test("because our key is not good there", async () => {
    it.server.wrong = { forbids: true };
    await expect(probeBucket(it.bucket)).rejects.toMatchObject({ reason: "storage_unavailable", mustAct: true });
  });
});

describe("bad days", () => {
  test("a server that answers with another protocol is asked again", async () => {
    const bytes = randomBytes(100);
    it.server.wrong = { switches: 1 };
    const key = await adopt(it.blobs, bytes);
    expect(it.server.objects.get(`/bucket/${key}`)?.bytes).toEqual(bytes);
  });

  test("a server that is busy is asked again", async () => {
    it.server.wrong = { busy: 2 };
    const bytes = randomBytes(100);
    const key = await adopt(it.blobs, bytes);
    expect(it.server.objects.get(`/bucket/${key}`)?.bytes).toEqual(bytes);
  });

  test("one that hangs up on what it has is asked whether it has it, and large things are asked about first", async () => {
    const bucket = bucketOf(it.server, 10_000_000);
    it.server.wrong = { hangsUpOnWhatIsThere: true };
    for (const [length, puts] of [
      [5_000, 2],
      [300_000, 1],
    ] as const) {
      const bytes = randomBytes(length);
      const sha256 = createHash("sha256").update(bytes).digest("hex");
      const object = { sha256, size: length, onlyNew: true, body: () => bytes };
      it.server.asked.length = 0;
      expect(await bucket.put(zipOf(bytes), object)).toBe("stored");
      expect(await bucket.put(zipOf(bytes), object)).toBe("there");
      expect(it.server.asked.filter((line) => line.startsWith("PUT"))).toHaveLength(puts);
    }
  });

  test("one that is full says so, and nothing is stored", async () => {
    it.server.wrong = { full: true };
    await expect(adopt(it.blobs, randomBytes(100))).rejects.toMatchObject({ kind: "unavailable", reason: "disk_full" });
    expect(it.server.objects.size).toBe(0);
    expect(copiesIn(it.cacheDirectory)).toEqual([]);
  });

  test("one that is away has what is here served, and the rest is unavailable, not missing", async () => {
    const [here, there] = [randomBytes(100), randomBytes(100)];
    const key = await adopt(it.blobs, here);
    await it.server.stop();
    expect(await it.blobs.read(key)).toEqual(here);
    await expect(it.blobs.read(zipOf(there))).rejects.toMatchObject({ reason: "storage_unavailable" });
    await expect(it.blobs.has(zipOf(there))).rejects.toMatchObject({ reason: "storage_unavailable" });
  });

  test.each([
    ["breaks off", { breaksOffAfter: 3_000 }],
    ["gives other bytes", { gives: randomBytes(5_000) }],
    ["gives fewer bytes", { gives: randomBytes(10) }],
  ])("nobody gets a byte of what it %s", async (_, wrong) => {
    const bytes = randomBytes(5_000);
    it.server.objects.set(`/bucket/${zipOf(bytes)}`, { bytes, writtenAt: 0 });
    it.server.wrong = wrong;
    await expect(it.blobs.read(zipOf(bytes))).rejects.toMatchObject({ reason: "storage_unavailable" });
    expect(copiesIn(it.cacheDirectory)).toEqual([]);
    expect(readdirSync(it.scratchDirectory)).toEqual([]);
    it.server.wrong = {};
    expect(await it.blobs.read(zipOf(bytes))).toEqual(bytes);
  });

  test("an object of another length under the name of a zip is told, and not taken for it", async () => {
    const bytes = randomBytes(100);
    it.server.objects.set(`/bucket/${zipOf(bytes)}`, { bytes: randomBytes(7), writtenAt: 0 });
    await expect(adopt(it.blobs, bytes)).rejects.toMatchObject({ reason: "storage_unavailable", mustAct: true });
  });

  test("a copy that vanished from the disk is fetched again", async () => {
    const bytes = randomBytes(100);
    const key = await adopt(it.blobs, bytes);
    const copy = join(it.cacheDirectory, key);
    expect(existsSync(copy)).toBe(true);
    rmSync(copy);
    expect(await it.blobs.read(key)).toEqual(bytes);
  });
});
