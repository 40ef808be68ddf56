// A module of very many files is as right as a small one, and nobody has to wait until it is done with.
import { createHash } from "node:crypto";
import { Writable } from "node:stream";
import { expect, test } from "vitest";
import { createFileHashes } from "../../src/gomod/dir-hash.ts";
import { selectZipFiles, type ZipEntry } from "../../src/gomod/module-zip.ts";
import { checkModuleZip } from "../../src/gomod/zip-check.ts";
import { writeModuleZip } from "../../src/gomod/zip-writer.ts";
import { loopTurnsDuring } from "../support/loop-turns.ts";

const FILES = 20_000;
/** Paths in the order of their bytes. */
const PATHS = Array.from({ length: FILES }, (_, i) => `generated/${String(i % 50)}/file${i}.go`).sort();

test("choosing files", async () => {
  const entries = PATHS.map((path): ZipEntry => ({ path, kind: "file", size: 1 }));
  const turns = await loopTurnsDuring(async () => {
    expect((await selectZipFiles(entries, { goMod: undefined })).kept).toEqual(PATHS);
  });
  expect(turns).toBeGreaterThanOrEqual(FILES / 1_000);
});

test("checking a zip of others", async () => {
  const entries = PATHS.map((path) => ({ name: `m@v1/${path}`, size: 1 }));
  const turns = await loopTurnsDuring(async () => {
    expect((await checkModuleZip("m@v1", entries, 1_000_000)).valid).toHaveLength(FILES);
  });
  expect(turns).toBeGreaterThanOrEqual(FILES / 1_000 - 1);
});

test.each(["in order", "in disorder"])("hashing files that come %s", async (order) => {
  const sha256 = (path: string): Buffer => createHash("sha256").update(path).digest();
  const wanted = createHash("sha256");
  for (const path of PATHS) wanted.update(`${sha256(path).toString("hex")}  m@v1/${path}\n`);
  const hashes = createFileHashes("m@v1");
  for (const i of PATHS.keys()) {
    const path = PATHS[order === "in order" ? i : (i * 7919) % FILES]!;
    hashes.add(path, sha256(path));
  }
  const turns = await loopTurnsDuring(async () => {
    expect(await hashes.h1()).toBe(`h1:${wanted.digest("base64")}`);
  });
  expect(turns).toBeGreaterThanOrEqual(FILES / 2_000);
});

test("the directory of a zip goes out in pieces, with a turn after each", async () => {
  const largest = { bytes: 0 };
  const sink = new Writable({
    highWaterMark: 100_000_000,
    write(chunk: Buffer, _encoding, done) {
      largest.bytes = Math.max(largest.bytes, chunk.length);
      done();
    },
  });
  const content = Buffer.from("package p\n");
  const turns = await loopTurnsDuring(() =>
    writeModuleZip(
      "example.com/m@v1.0.0",
      PATHS.map((name) => ({ name, content })),
      sink,
    ),
  );
  expect(largest.bytes).toBeLessThan(200_000);
  // One for some hundred files at the most.
  expect(turns).toBeGreaterThanOrEqual(FILES / 500);
});
