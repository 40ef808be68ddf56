// Zips of all sizes over TLS, where large ones are written in pieces (src/http/protocol/send-blob.ts).
import { createHash, randomBytes } from "node:crypto";
import { beforeAll, expect, test } from "vitest";
import { ask, bearer } from "../../support/http.ts";
import { pushRecipe, remoteOf } from "../../support/push.ts";
import { ADMIN_TOKEN, MODULE_HOST, type TestServer, testServer } from "../../support/server.ts";

const SIZES = [1_000, 131_000, 400_000, 2_000_000];

let server: TestServer;

beforeAll(async () => {
  server = await testServer({ tls: true });
  await pushRecipe(
    remoteOf(server.url, "root/lib", ADMIN_TOKEN),
    (recipe) => {
      for (const [n, size] of SIZES.entries()) {
        const files = {
          "go.mod": `module ${MODULE_HOST}/root/lib\n`,
          "data.txt": randomBytes(size / 2).toString("hex"),
        };
        recipe.tag(`v1.${n}.0`, recipe.commit(files));
      }
    },
    { GIT_SSL_CAINFO: server.certificateFile },
  );
});

const get = (version: string, headers: Record<string, string> = {}) =>
  ask(server.url, `/api/v4/projects/root%2Flib/packages/go/${MODULE_HOST}/root/lib/@v/${version}.zip`, {
    headers: { ...bearer(ADMIN_TOKEN), ...headers },
    ca: server.ca,
  });

test.each(SIZES.map((size, n) => [size, `v1.${n}.0`] as const))("%i bytes in one file", async (_, version) => {
  const first = await get(version);
  expect([first.status, first.bytes.length]).toEqual([200, Number(first.headers["content-length"])]);
  const sum = createHash("sha256").update(first.bytes).digest("hex");
  expect(first.headers.etag).toBe(`"${sum}"`);
  // from memory now, and all at once
  const again = await Promise.all(Array.from({ length: 10 }, () => get(version)));
  for (const { bytes } of again) expect(bytes.equals(first.bytes)).toBe(true);
  const from = Math.floor(first.bytes.length / 3);
  const rest = await get(version, { range: `bytes=${from}-` });
  expect([rest.status, rest.bytes.equals(first.bytes.subarray(from))]).toEqual([206, true]);
});
