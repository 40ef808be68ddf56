// Whole zips in memory are bounded, however many are asked for, and however slowly clients take them.
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import http from "node:http";
import net from "node:net";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { ZipMemory } from "../../../src/http/go/zip-memory.ts";
import { openDiskBlobs } from "../../../src/storage/disk-blobs.ts";
import { atEnd } from "../../support/at-end.ts";
import { eventually } from "../../support/eventually.ts";
import { temporary } from "../../support/temporary.ts";

const SIZE = 8_000_000;

async function blobsOf(...keys: string[]) {
  const directory = temporary("blobs");
  for (const key of keys) {
    mkdirSync(dirname(join(directory, key)), { recursive: true });
    writeFileSync(join(directory, key), randomBytes(SIZE));
  }
  return openDiskBlobs(directory);
}

test("many who ask at once share one read; what has no room is not read", async () => {
  const blobs = await blobsOf("a", "b", "c");
  const memory = new ZipMemory(2 * SIZE);
  const reads = ["a", "a", "b", "a", "c"].map((key) => memory.read(blobs, key, SIZE));
  const [a, again, b, third, c] = await Promise.all(reads);
  expect(a).toHaveLength(SIZE);
  expect(again).toBe(a);
  expect(third).toBe(a);
  expect(b).toHaveLength(SIZE);
  expect(c).toBeUndefined();
  // Read and given to nobody, they take no room any more.
  expect(await memory.read(blobs, "c", SIZE)).toHaveLength(SIZE);
  await expect(memory.read(blobs, "none", SIZE)).rejects.toThrow(/not stored/);
  expect(await memory.read(blobs, "c", 2 * SIZE)).toHaveLength(SIZE);
});

test("what a client does not take has its room until it does, or is gone", async () => {
  const blobs = await blobsOf("a", "b");
  const memory = new ZipMemory(4 * SIZE);
  const server = http.createServer((_, res) => {
    const sent = memory.read(blobs, "a", SIZE).then((bytes) => {
      res.writeHead(200, { "content-length": bytes!.length });
      res.end(bytes);
      if (res.writableLength > 0) res.once("close", memory.hold(bytes!));
    });
    sent.catch(() => res.destroy());
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  atEnd(() => void server.close());
  const { port } = server.address() as net.AddressInfo;
  const isFree = async () => (await memory.read(blobs, "b", 4 * SIZE)) !== undefined;
  for (const requests of [1, 3]) {
    const slow = net.connect(port, "127.0.0.1");
    slow.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n".repeat(requests));
    await once(slow, "readable"); // and reads no more
    expect(await isFree()).toBe(false);
    slow.destroy();
    expect(await eventually(isFree, Boolean)).toBe(true);
  }
  const quick = await fetch(`http://127.0.0.1:${port}/`);
  expect((await quick.arrayBuffer()).byteLength).toBe(SIZE);
  expect(await eventually(isFree, Boolean)).toBe(true);
});
