// What the buffers of a long stream take before V8 looks. In a process of its own: what a process holds is one for all that it does.
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "vitest";
import { temporary } from "../support/temporary.ts";

const SOURCE = join(import.meta.dirname, "../../src");

test("the buffers of a long body from upstream do not pile up until V8 looks", () => {
  const script = `
    import { once } from "node:events";
    import http from "node:http";
    import { bodyOf } from "${SOURCE}/upstream/bounded-body.ts";
    import { httpBoundsOf } from "${SOURCE}/upstream/http-bounds.ts";
    const piece = Buffer.alloc(1 << 20, "x");
    const maxBytes = 160 * piece.length;
    const upstream = http.createServer(async (_, response) => {
      for (let n = 0; n < 160; n++) if (!response.write(piece)) await once(response, "drain");
      response.end();
    });
    upstream.listen(0, "127.0.0.1");
    await once(upstream, "listening");
    const url = new URL("http://127.0.0.1:" + upstream.address().port);
    const [response] = await once(http.get(url, { agent: false }), "response");
    const before = process.memoryUsage().arrayBuffers;
    let [bytes, highest] = [0, 0];
    for await (const chunk of bodyOf(response, url, { maxBytes }, httpBoundsOf({ maxBytes }))) {
      bytes += chunk.length;
      highest = Math.max(highest, process.memoryUsage().arrayBuffers - before);
    }
    upstream.close();
    console.log(JSON.stringify([bytes, highest]));`;
  const told = execFileSync(process.execPath, ["--input-type=module", "-e", script], { encoding: "utf8" });
  const [bytes, highest] = JSON.parse(told) as [number, number];
  expect(bytes).toBe(160 << 20);
  expect(highest).toBeLessThan(24_000_000);
});

test("nor do the blocks in which a large zip is judged", () => {
  const directory = temporary("judged");
  const script = `
    import { open } from "node:fs/promises";
    import { crc32 } from "node:zlib";
    import { readZipEntry } from "${SOURCE}/storage/zip-reader.ts";
    const header = Buffer.alloc(31, "a");
    header.fill(0, 0, 30).writeUInt32LE(0x04034b50, 0);
    header.writeUInt16LE(1, 26);
    const piece = Buffer.alloc(16 << 20, "x");
    const file = await open("${directory}/zip", "w+");
    let crc = 0;
    await file.write(header);
    for (let n = 0; n < 5; n++) {
      await file.write(piece);
      crc = crc32(piece, crc);
    }
    const size = 5 * piece.length;
    const before = process.memoryUsage().arrayBuffers;
    let highest = 0;
    const looking = setInterval(() => { highest = Math.max(highest, process.memoryUsage().arrayBuffers - before); }, 2);
    await readZipEntry(file, { name: "a", size, packedSize: size, method: 0, crc, offset: 0 }, false);
    clearInterval(looking);
    await file.close();
    console.log(highest);`;
  const told = execFileSync(process.execPath, ["--input-type=module", "-e", script], { encoding: "utf8" });
  expect(Number(told)).toBeGreaterThan(0);
  expect(Number(told)).toBeLessThan(24_000_000);
});
