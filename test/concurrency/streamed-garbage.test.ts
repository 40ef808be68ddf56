import { once } from "node:events";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { bodyOf } from "../../src/upstream/bounded-body.ts";
import { boundsOf } from "../../src/upstream/http-bounds.ts";

const PIECE = Buffer.alloc(1 << 20, "x");
const PIECES = 160;

test("the buffers of a long body from upstream do not pile up until V8 looks", async () => {
  const upstream = http.createServer(async (_, response) => {
    for (let n = 0; n < PIECES; n++) if (!response.write(PIECE)) await once(response, "drain");
    response.end();
  });
  upstream.listen(0, "127.0.0.1");
  await once(upstream, "listening");
  onTestFinished(() => void upstream.close());
  const url = new URL(`http://127.0.0.1:${(upstream.address() as AddressInfo).port}/`);
  const [response] = (await once(http.get(url), "response")) as [http.IncomingMessage];
  const options = { maxBytes: PIECES * PIECE.length };
  const before = process.memoryUsage().arrayBuffers;
  let highest = 0;
  let bytes = 0;
  for await (const chunk of bodyOf(response, url, options, boundsOf(options))) {
    bytes += chunk.length;
    highest = Math.max(highest, process.memoryUsage().arrayBuffers - before);
  }
  expect(bytes).toBe(options.maxBytes);
  expect(highest).toBeLessThan(24_000_000);
});
