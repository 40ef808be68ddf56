import { randomBytes } from "node:crypto";
import { existsSync, readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { chmod, mkdir, open, rm } from "node:fs/promises";
import { join } from "node:path";
import { Writable } from "node:stream";
import { expect, test } from "vitest";
import type { Blobs } from "../../src/storage/blobs.ts";
import { openDiskBlobs, storing } from "../../src/storage/disk-blobs.ts";
import { repositoryKey, zipObjectKey } from "../../src/storage/object-keys.ts";
import { eventually } from "../support/eventually.ts";
import { temporary } from "../support/temporary.ts";

const root = temporary("blobs");
let count = 0;

async function newStore(): Promise<{ directory: string; blobs: Blobs }> {
  const directory = join(root, String(++count));
  return { directory, blobs: await openDiskBlobs(directory) };
}

function put(blobs: Blobs, key: string, bytes: Buffer): Promise<void> {
  const scratch = blobs.scratch();
  writeFileSync(scratch, bytes);
  return blobs.adopt(scratch, key);
}

/** A range of a blob, through a sink that takes its time. */
async function copied(blobs: Blobs, key: string, start: number, end: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  const sink = new Writable({
    write(chunk: Buffer, _, done) {
      setImmediate(() => {
        chunks.push(Buffer.from(chunk));
        done();
      });
    },
  });
  await (await blobs.open(key)).copyTo(sink, { start, end });
  return Buffer.concat(chunks);
}

const files = (directory: string): string[] =>
  readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(directory.length + 1))
    .sort();

test("what was adopted comes back, whole or in part", async () => {
  const { directory, blobs } = await newStore();
  const bytes = randomBytes(300_000);
  await put(blobs, "zip/ab/abc", bytes);
  expect(files(directory)).toEqual(["zip/ab/abc"]);
  expect(await blobs.read("zip/ab/abc")).toEqual(bytes);
  for (const [start, end] of [
    [0, 0],
    [1000, 199_999],
    [0, 299_999],
    [299_999, 299_999],
  ] as const)
    expect(await copied(blobs, "zip/ab/abc", start, end)).toEqual(bytes.subarray(start, end + 1));
});

test("scratch files have names of their own, on the file system of the blobs", async () => {
  const { directory, blobs } = await newStore();
  const names = Array.from({ length: 1000 }, () => blobs.scratch());
  expect(new Set(names).size).toBe(1000);
  expect(names.every((name) => name.startsWith(`${directory}/scratch/`))).toBe(true);
});

test("a blob that is not there is not found, and nothing stays open", async () => {
  const { blobs } = await newStore();
  const before = readdirSync("/proc/self/fd").length;
  const absent = { kind: "not-found", message: "blob zip/00/none is not stored" };
  for (let n = 0; n < 50; n++) {
    await expect(blobs.open("zip/00/none")).rejects.toMatchObject(absent);
    await expect(blobs.read("zip/00/none")).rejects.toMatchObject(absent);
  }
  expect(readdirSync("/proc/self/fd").length).toBeLessThan(before + 10);
});

test("a reader in the middle of a blob is not disturbed when the same blob is stored again", async () => {
  const { blobs } = await newStore();
  const bytes = randomBytes(2_000_000);
  await put(blobs, "k/1", bytes);
  const chunks: Buffer[] = [];
  const sink = new Writable({
    write(chunk: Buffer, _, done) {
      chunks.push(Buffer.from(chunk));
      if (chunks.length === 1) put(blobs, "k/1", bytes).then(() => done(), done);
      else done();
    },
  });
  await (await blobs.open("k/1")).copyTo(sink, { start: 0, end: bytes.length - 1 });
  expect(chunks.length).toBeGreaterThan(5);
  expect(Buffer.concat(chunks).equals(bytes)).toBe(true);
});

test("copies that go on at the same time do not mix, and one whose sink breaks says so", async () => {
  const { blobs } = await newStore();
  const contents = [1, 2, 3, 4, 5, 6].map((n) => Buffer.alloc(1_500_000, n));
  for (const [n, bytes] of contents.entries()) await put(blobs, `k/${n}`, bytes);
  for (let round = 0; round < 3; round++) {
    const broken = new Writable({ write: (_chunk, _encoding, done) => done(new Error("the client left")) });
    const copies = contents.map((bytes, n) => copied(blobs, `k/${n}`, 0, bytes.length - 1));
    await expect((await blobs.open("k/0")).copyTo(broken, { start: 0, end: 10 })).rejects.toThrow("the client left");
    expect((await Promise.all(copies)).every((copy, n) => copy.equals(contents[n]!))).toBe(true);
  }
});

test("under its key a blob is never seen in part, however many store and read it", async () => {
  const { blobs } = await newStore();
  const bytes = randomBytes(1_000_000);
  let stop = false;
  let seen = 0;
  const readers = [1, 2, 3].map(async () => {
    while (!stop) {
      const whole = await blobs.read("k/shared").catch(() => undefined);
      if (whole === undefined) continue;
      seen++;
      expect(whole.equals(bytes)).toBe(true);
    }
  });
  await Promise.all(Array.from({ length: 10 }, () => put(blobs, "k/shared", bytes)));
  stop = true;
  await Promise.all(readers);
  expect(seen).toBeGreaterThan(0);
});

test("a scratch file that is not there is an error, and makes no blob", async () => {
  const { directory, blobs } = await newStore();
  await expect(blobs.adopt(blobs.scratch(), "k/none")).rejects.toMatchObject({ code: "ENOENT" });
  expect(existsSync(join(directory, "k/none"))).toBe(false);
});

test("a start removes what a crash left long ago, and not what somebody else is writing now", async () => {
  const { directory } = await newStore();
  const [old, fresh] = [join(directory, "scratch", "old"), join(directory, "scratch", "fresh")];
  for (const path of [old, fresh]) writeFileSync(path, "half a zip");
  const longAgo = Date.now() / 1000 - 3_700;
  utimesSync(old, longAgo, longAgo);
  await openDiskBlobs(directory);
  expect(readdirSync(join(directory, "scratch"))).toEqual(["fresh"]);
});

test("a blob that was set aside is put back, however old it is and whoever tidies meanwhile, and is as old as it was", async () => {
  const { directory, blobs } = await newStore();
  await put(blobs, "zip/ab/old", Buffer.from("old"));
  const longAgo = 1_700_000_000;
  utimesSync(join(directory, "zip/ab/old"), longAgo, longAgo);
  const aside = await blobs.setAside("zip/ab/old");
  await openDiskBlobs(directory); // a command begins, and removes what nobody has written to for an hour
  expect(aside!.writtenAt).toBe(longAgo * 1000);
  await aside!.putBack();
  expect((await blobs.read("zip/ab/old")).toString()).toBe("old");
  expect(statSync(join(directory, "zip/ab/old")).mtimeMs).toBe(longAgo * 1000);
});

test("what is left while a server runs is removed within two hours, as long as new files are made", async () => {
  const { directory } = await newStore();
  let clock = Date.now();
  const blobs = await openDiskBlobs(directory, () => clock);
  writeFileSync(join(directory, "scratch", "left"), "half a zip");
  clock += 3_000_000;
  blobs.scratch();
  clock += 3_000_000;
  writeFileSync(blobs.scratch(), "new");
  const names = async () => readdirSync(join(directory, "scratch"));
  expect(await eventually(names, (found) => !found.includes("left"))).not.toContain("left");
});

test("starts at the same time do not trip over each other's sweeping", async () => {
  const { directory } = await newStore();
  for (let n = 0; n < 200; n++) {
    const path = join(directory, "scratch", `old${n}`);
    writeFileSync(path, "x");
    utimesSync(path, 1, 1);
  }
  await Promise.all(Array.from({ length: 8 }, () => openDiskBlobs(directory)));
  expect(readdirSync(join(directory, "scratch"))).toEqual([]);
});

test.skipIf(process.getuid?.() === 0)(
  "a directory that cannot be written is told at once (root may write everywhere)",
  async () => {
    const { directory } = await newStore();
    await chmod(join(directory, "scratch"), 0o555);
    await expect(openDiskBlobs(directory)).rejects.toMatchObject({ kind: "unavailable" });
    await chmod(join(directory, "scratch"), 0o755);
  },
);

test("a place that is no directory is told at once", async () => {
  const path = join(root, "file");
  writeFileSync(path, "");
  await expect(openDiskBlobs(path)).rejects.toMatchObject({
    kind: "unavailable",
    message: expect.stringContaining(path),
  });
});

// The whole way of a full disk, with a real one, is test/process/disk-full.test.ts.
test("no space is said in words for the client, anything else stays what it is", async () => {
  const full = async () => {
    const device = await open("/dev/full", "w"); // every write says ENOSPC
    try {
      await device.write("x");
    } finally {
      await device.close();
    }
  };
  await expect(storing(full)).rejects.toMatchObject({
    kind: "unavailable",
    message: expect.stringContaining("disk is full"),
    cause: { code: "ENOSPC" },
  });
  await expect(storing(() => mkdir("/proc/no"))).rejects.not.toMatchObject({ kind: "unavailable" });
  expect(await storing(async () => 7)).toBe(7);
});

test("keys: a zip by its sum, a repository by its number", async () => {
  const sum = "ab".repeat(32);
  expect(zipObjectKey(sum)).toBe(`zip/ab/${sum}`);
  for (const bad of ["", "AB".repeat(32), `../${sum}`, `${sum}\n`, sum.slice(1)])
    expect(() => zipObjectKey(bad)).toThrow();
  expect(repositoryKey(7)).toBe("repositories/7.git");
  // and what is stored under one is the file's own bytes
  const { directory, blobs } = await newStore();
  await put(blobs, zipObjectKey(sum), Buffer.from("zip"));
  expect(readFileSync(join(directory, "zip", "ab", sum), "utf8")).toBe("zip");
  await rm(directory, { recursive: true });
});
