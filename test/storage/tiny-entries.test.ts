// Reading a zip of many small files: the same from a file, by windows, and from memory; and what is wrong is told of either.
import { hash, randomBytes } from "node:crypto";
import { type FileHandle, open, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { createFileHashes } from "../../src/gomod/dir-hash.ts";
import { readModuleZip } from "../../src/registry/versions/module-zip-content.ts";
import { readZipDirectory, type ZipSource } from "../../src/storage/zip-reader.ts";
import { atEnd } from "../support/at-end.ts";
import { zipOf } from "../support/fake-upstream.ts";
import { temporary } from "../support/temporary.ts";

const PREFIX = "example.com/many@v1.0.0";
/** About two megabytes in all, so that several windows are read; each hundredth is too large to be tiny. */
const FILES: Record<string, Buffer> = Object.fromEntries([
  ["go.mod", Buffer.from("module example.com/many\n")],
  ["empty.go", Buffer.alloc(0)],
  ...Array.from({ length: 400 }, (_, n) => [
    `f${n}.bin`,
    n % 100 === 0 ? randomBytes(70_000) : Buffer.concat([randomBytes(n * 10), Buffer.alloc(n * 20)]),
  ]),
]);

async function h1Of(files: Record<string, Buffer>): Promise<string> {
  const hashes = createFileHashes(PREFIX);
  for (const [name, content] of Object.entries(files)) hashes.add(name, hash("sha256", content, "buffer"));
  return hashes.h1();
}

let number = 0;

/** A zip as a file and in memory. */
async function sources(zip: Buffer): Promise<[FileHandle, Buffer]> {
  const path = join(temporary("zips"), `${++number}.zip`);
  await writeFile(path, zip);
  const file = await open(path);
  atEnd(() => file.close());
  return [file, zip];
}

const read = async (source: ZipSource, size: number) =>
  readModuleZip(PREFIX, source, await readZipDirectory(source, size));

test.each(["STORE", "DEFLATE"] as const)(
  "all files of a zip are read, from a file and from memory: %s",
  async (how) => {
    const zip = await zipOf(PREFIX, FILES, how);
    expect(zip.length).toBeGreaterThan(1_000_000);
    for (const source of await sources(zip)) {
      const { h1, goMod } = await read(source, zip.length);
      expect([h1, goMod?.toString()]).toEqual([await h1Of(FILES), "module example.com/many\n"]);
    }
  },
);

test("one byte that is not what was declared is told, by the file's name", async () => {
  const zip = await zipOf(PREFIX, FILES, "STORE");
  const content = FILES["f250.bin"]!;
  zip[zip.indexOf(content.subarray(0, 500)) + 100]! ^= 1;
  for (const source of await sources(zip))
    await expect(read(source, zip.length)).rejects.toThrow(`${PREFIX}/f250.bin: zip: checksum error`);
});

test("a file whose place is not where the directory says is told", async () => {
  const zip = await zipOf(PREFIX, FILES, "STORE");
  const entries = await readZipDirectory(zip, zip.length);
  const moved = entries.map((entry) =>
    entry.name.endsWith("/f7.bin") ? { ...entry, offset: entry.offset + 1 } : entry,
  );
  for (const source of await sources(zip))
    await expect(readModuleZip(PREFIX, source, moved)).rejects.toThrow("f7.bin: zip: not a valid zip file");
});

test.each([
  [300_000, "in one piece"],
  [1_024 * 1_024, "in one piece, the largest so"],
  [3_000_000, "in several"],
])("a packed file of %i bytes is unpacked %s, and no further than it declares", async (size) => {
  const files = { "go.mod": FILES["go.mod"]!, "packed.txt": Buffer.alloc(size, "a line that packs well\n") };
  const zip = await zipOf(PREFIX, files, "DEFLATE");
  const entries = await readZipDirectory(zip, zip.length);
  for (const source of await sources(zip)) {
    expect((await read(source, zip.length)).h1).toBe(await h1Of(files));
    for (const wrong of [-1, 1]) {
      const declared = entries.map((entry) => (entry.size === size ? { ...entry, size: size + wrong } : entry));
      await expect(readModuleZip(PREFIX, source, declared)).rejects.toThrow("packed.txt: zip: checksum error");
    }
  }
});
