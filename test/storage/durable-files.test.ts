// What was promised is there after a power cut: every file with its bytes, and every name on the way to it.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { describeBackup } from "../../src/backup/description.ts";
import { initRepository } from "../../src/git/objects/init-repository.ts";
import { ensureSelfSigned } from "../../src/http/self-signed-certificate.ts";
import { addName, loadSigners } from "../../src/registry/checksums/signing-keys.ts";
import { openSecretBox } from "../../src/registry/secret-box.ts";
import { nameOfDataDirectory, openDataDirectory } from "../../src/storage/data-directory.ts";
import { openDiskBlobs } from "../../src/storage/disk-blobs.ts";
import { makeDirectory, syncDirectory, writeDurably } from "../../src/storage/durable-files.ts";
import { smallObjects } from "../../src/storage/small-objects.ts";
import { type Syncs, watchSyncs } from "../support/power-cut.ts";
import { temporary } from "../support/temporary.ts";

let syncs: Syncs;
beforeAll(async () => {
  syncs = await watchSyncs();
});
afterAll(() => syncs.stop());

const signing = { name: undefined, defaultName: "go.example.com/sumdb", keys: undefined };
const described = { gokura: "1", moment: "2026-01-01T00:00:00.000Z", cluster: null, versions: 1 };

test.each<[string, (directory: string) => Promise<unknown>]>([
  [
    "the first blob of a directory",
    async (directory) => await smallObjects(await openDiskBlobs(directory)).put("zip/ab/abcdef", Buffer.from("zip")),
  ],
  ["the key of the checksum log", (dataDirectory) => loadSigners({ ...signing, dataDirectory })],
  [
    "another name of the checksum log",
    async (dataDirectory) => {
      await loadSigners({ ...signing, dataDirectory });
      await addName(dataDirectory, "other.example.com/sumdb");
    },
  ],
  ["the key of secrets", (dataDirectory) => openSecretBox(dataDirectory, undefined)],
  ["the name of a server", (dataDirectory) => nameOfDataDirectory(dataDirectory)],
  ["what a backup says of itself", (target) => describeBackup(target, described)],
  ["a certificate", (directory) => ensureSelfSigned(join(directory, "tls"), ["localhost"])],
  ["the directory of everything", (directory) => openDataDirectory(join(directory, "data"), false)],
  ["a repository in a new directory", (directory) => initRepository(join(directory, "a", "b", "1.git"))],
])("%s survives a power cut", async (_, make) => {
  const directory = temporary("durable");
  await make(directory);
  expect(readdirSync(directory)).not.toEqual([]);
  expect(syncs.lostIn(directory)).toEqual([]);
});

test("a file whose directory another call has just made survives with that directory", async () => {
  const directory = temporary("durable");
  const blobs = smallObjects(await openDiskBlobs(directory));
  await Promise.all(["1", "2", "3"].map((n) => blobs.put(`zip/ab/${n}`, Buffer.from(n))));
  expect(syncs.lostIn(directory)).toEqual([]);
});

test("a file that is written anew is the old one or the new one, and its rights are as told", async () => {
  const directory = join(temporary("durable"), "deep", "down");
  await makeDirectory(directory, 0o700);
  const file = join(directory, "file");
  await writeDurably(file, "one", { mode: 0o600 });
  await writeDurably(file, "two", { mode: 0o600 });
  expect(readFileSync(file, "utf8")).toBe("two");
  await writeDurably(file, "three", { ifNew: true });
  expect([readFileSync(file, "utf8"), readdirSync(directory)]).toEqual(["two", ["file"]]);
});

test("where directories cannot be synced, or are written with a slash at the end, files are made all the same", async () => {
  await expect(syncDirectory("/proc")).resolves.toBeUndefined(); // EINVAL
  await expect(syncDirectory("/nowhere")).rejects.toThrow("ENOENT");
  const directory = temporary("durable");
  await makeDirectory(`${directory}/a/b/`);
  await writeDurably(join(directory, "a/b/file"), "text");
  expect(syncs.lostIn(directory)).toEqual([]);
  expect(syncs.count(dirname(directory))).toBe(0);
});

test("a file that cannot be written leaves nothing beside it", async () => {
  const directory = temporary("durable");
  mkdirSync(join(directory, "file"));
  await expect(writeDurably(join(directory, "file"), "text")).rejects.toThrow();
  expect(readdirSync(directory)).toEqual(["file"]);
});

test("a server whose name was lost in a power cut of an earlier release takes a new one", async () => {
  const directory = temporary("durable");
  writeFileSync(join(directory, "server-id"), "");
  const name = await nameOfDataDirectory(directory);
  expect(name).toMatch(/^[0-9a-f-]{36}$/);
  expect(await nameOfDataDirectory(directory)).toBe(name);
});
