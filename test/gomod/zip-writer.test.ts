// That the zips are what the go command wants is shown in test/conformance/x-mod; here is how the writer behaves.

import { createHash } from "node:crypto";
import { Writable } from "node:stream";
import JSZip from "jszip";
import { expect, test } from "vitest";
import { type FileToZip, writeModuleZip } from "../../src/gomod/zip-writer.ts";

/** A destination that keeps everything. */
function bucket(): Writable & { bytes(): Buffer } {
  const chunks: Buffer[] = [];
  const sink = new Writable({
    write(chunk, _encoding, done) {
      chunks.push(chunk);
      done();
    },
  });
  return Object.assign(sink, { bytes: () => Buffer.concat(chunks) });
}

async function* repeat(piece: Buffer, times: number, pulled = { count: 0 }): AsyncGenerator<Buffer> {
  for (let i = 0; i < times; i++) {
    pulled.count++;
    yield piece;
  }
}

const noise = (seed: number, blocks: number): Buffer =>
  Buffer.concat(Array.from({ length: blocks }, (_, i) => createHash("sha512").update(`${seed}.${i}`).digest()));

test("entries are named, in order, without directories, and hold what was given", async () => {
  const sink = bucket();
  const large = noise(1, 10_000);
  const files: FileToZip[] = [
    { name: "z.go", content: Buffer.from("package z\n") },
    { name: "sub/ж.txt", content: repeat(Buffer.from("ab"), 3) },
    { name: "large.bin", content: large },
    { name: "streamed.bin", content: repeat(noise(2, 100), 60) },
    { name: "empty", content: new Uint8Array() },
  ];
  const { size, entries } = await writeModuleZip("example.com/m@v1.0.0", files, sink);
  const bytes = sink.bytes();
  expect(bytes.length).toBe(size);
  expect(entries).toBe(5);
  const zip = await JSZip.loadAsync(bytes, { checkCRC32: true });
  expect(Object.keys(zip.files)).toEqual(
    ["z.go", "sub/ж.txt", "large.bin", "streamed.bin", "empty"].map((name) => `example.com/m@v1.0.0/${name}`),
  );
  const content = async (name: string) => (await zip.file(`example.com/m@v1.0.0/${name}`)?.async("nodebuffer")) ?? null;
  expect((await content("sub/ж.txt"))?.toString()).toBe("ababab");
  expect((await content("large.bin"))?.equals(large)).toBe(true);
  expect((await content("streamed.bin"))?.length).toBe(60 * 6400);
  expect((await content("empty"))?.length).toBe(0);
});

test("the same files give the same bytes, however they are cut", async () => {
  const whole = noise(3, 9000);
  const first = bucket();
  await writeModuleZip(
    "m@v1",
    [
      { name: "a", content: whole },
      { name: "b", content: Buffer.from("b") },
    ],
    first,
  );
  const second = bucket();
  async function* pieces(): AsyncGenerator<Buffer> {
    for (let at = 0; at < whole.length; at += 7777) yield whole.subarray(at, at + 7777);
  }
  await writeModuleZip(
    "m@v1",
    [
      { name: "a", content: pieces() },
      { name: "b", content: Buffer.from("b") },
    ],
    second,
  );
  expect(first.bytes().equals(second.bytes())).toBe(true);
});

test("a destination that takes nothing holds the reading back", async () => {
  const pulled = { count: 0 };
  const opened = Promise.withResolvers<void>();
  const closed = new Writable({
    highWaterMark: 16 * 1024,
    write(_chunk, _encoding, done) {
      void opened.promise.then(() => done());
    },
  });
  const big = (counter?: { count: number }): FileToZip => ({
    name: "big",
    content: repeat(noise(4, 1000), 300, counter),
  });
  const held = writeModuleZip("m@v1", [big(pulled)], closed);
  for (let n = 0; n < 2; n++) await writeModuleZip("m@v1", [big()], bucket()); // in that time it could have been read twice
  expect(pulled.count).toBeLessThan(20); // of 300
  opened.resolve();
  await held;
  expect(pulled.count).toBe(300);
});

test("limits", async () => {
  const tooLarge = (message: RegExp) =>
    expect.objectContaining({ kind: "too-large", message: expect.stringMatching(message) });
  await expect(
    writeModuleZip("m@v1", [{ name: "a", content: repeat(Buffer.alloc(1000), 2000) }], bucket(), {
      maxBytes: 1_000_000,
    }),
  ).rejects.toEqual(tooLarge(/^module source tree too large \(max size is 1000000 bytes\)/));
  await expect(
    writeModuleZip("m@v1", [{ name: "a", content: Buffer.alloc(1001) }], bucket(), { maxBytes: 1000 }),
  ).rejects.toEqual(tooLarge(/source tree too large/));
  await expect(
    writeModuleZip("m@v1", [{ name: "a", content: noise(5, 10) }], bucket(), { maxBytes: 640 }),
  ).rejects.toEqual(tooLarge(/^module zip file is too large/));
  await expect(
    writeModuleZip("m@v1", [{ name: "a".repeat(70_000), content: Buffer.of() }], bucket()),
  ).rejects.toMatchObject({ kind: "invalid" });
});

test("a source that fails fails the zip, and the source is let go", async () => {
  let released = false;
  async function* files(): AsyncGenerator<FileToZip> {
    try {
      yield { name: "a", content: Buffer.from("a") };
      yield {
        name: "b",
        content: (async function* () {
          yield noise(6, 8000);
          throw new Error("the archive broke off");
        })(),
      };
    } finally {
      released = true;
    }
  }
  await expect(writeModuleZip("m@v1", files(), bucket())).rejects.toThrow("the archive broke off");
  expect(released).toBe(true);
});

test.each([1, 70])("a destination that fails fails the zip: at its write %i", async (failing) => {
  let writes = 0;
  const sink = new Writable({
    highWaterMark: 1,
    write(_chunk, _encoding, done) {
      setImmediate(() => done(++writes === failing ? new Error("disk full") : null));
    },
  });
  await expect(writeModuleZip("m@v1", [{ name: "a", content: repeat(noise(7, 1000), 100) }], sink)).rejects.toThrow(
    "disk full",
  );
  expect(sink.listenerCount("error") + sink.listenerCount("drain") + sink.listenerCount("close")).toBe(0);
});

test("a destination that is closed fails the zip", async () => {
  const sink = new Writable({ highWaterMark: 1, write: () => void setImmediate(() => sink.destroy()) });
  await expect(writeModuleZip("m@v1", [{ name: "a", content: repeat(noise(8, 1000), 100) }], sink)).rejects.toThrow(
    "the zip's destination was closed",
  );
});
