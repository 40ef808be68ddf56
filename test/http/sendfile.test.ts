// Zips that the reverse proxy sends itself (GOKURA_SENDFILE_HEADER): a client sees no difference, nobody gets what he may
// not have, and whoever comes without the proxy gets the bytes from us.
import { randomBytes } from "node:crypto";
import http from "node:http";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { freePort } from "../support/free-port.ts";
import { ask, bearer } from "../support/http.ts";
import { pushRecipe, remoteOf } from "../support/push.ts";
import { hasProxy, startProxy } from "../support/reverse-proxy.ts";
import { ADMIN_TOKEN, MODULE_HOST, type TestServer, testServer } from "../support/server.ts";

const LIB = `${MODULE_HOST}/root/lib`;
const SECURITY = ["x-content-type-options", "x-frame-options", "referrer-policy", "content-security-policy"];

let server: TestServer;
const zip = (version: string) => `/api/v4/packages/go/${LIB}/@v/${version}.zip`;

beforeAll(async () => {
  const environment = { GOKURA_SENDFILE_HEADER: "X-Accel-Redirect", GOKURA_TRUST_PROXY: "127.0.0.1" };
  server = await testServer({ environment });
  await pushRecipe(remoteOf(server.url, "root/lib", ADMIN_TOKEN), (recipe) => {
    for (const [version, size] of [
      ["v1.0.0", 400_000],
      ["v1.1.0", 100],
    ] as const)
      recipe.tag(
        version,
        recipe.commit({ "go.mod": `module ${LIB}\n`, "data.txt": randomBytes(size).toString("hex") }),
      );
  });
});

/** The zip without a proxy, from an address that is none. */
function direct(path: string): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const headers = bearer(ADMIN_TOKEN);
    const request = http.get({ host: "127.0.0.1", port: server.port, localAddress: "127.0.0.3", path, headers });
    request.on("error", reject).on("response", async (answer) => resolve(Buffer.concat(await answer.toArray())));
  });
}

const downloads = async () => {
  await server.registry.traffic.write();
  return (await server.registry.prisma.versionDownloads.findMany()).reduce((sum, { total }) => sum + Number(total), 0);
};

// nginx and Caddy only where they are on the PATH.
describe.each((["nginx", "caddy"] as const).filter(hasProxy))("%s", (proxy) => {
  let url: string;

  beforeAll(async () => {
    const port = await freePort();
    url = `http://127.0.0.1:${port}`;
    const blobs = join(server.dataDirectory, "blobs");
    await startProxy(proxy, port, server.port, { path: "/", takesOff: false, blobs });
  });

  test("a zip is what it is without the proxy, whole and in parts, and is counted once", async () => {
    for (const version of ["v1.0.0", "v1.1.0"]) {
      const bytes = await direct(zip(version));
      const before = await downloads();
      const headers = bearer(ADMIN_TOKEN);
      for (const _ of ["cold", "from memory"]) {
        const whole = await ask(url, zip(version), { headers });
        expect([whole.status, whole.bytes.equals(bytes)]).toEqual([200, true]);
        expect(whole.headers).toMatchObject({
          "content-type": "application/zip",
          "content-length": String(bytes.length),
          "content-disposition": `attachment; filename="${version}.zip"`,
          "cache-control": expect.stringMatching(/^private, .*immutable$/),
        });
        for (const name of SECURITY) expect(whole.headers[name], name).toBeDefined();
        expect(whole.headers["x-accel-redirect"]).toBeUndefined();
      }
      const part = await ask(url, zip(version), { headers: { ...headers, range: "bytes=100-199" } });
      expect([part.status, part.bytes.equals(bytes.subarray(100, 200))]).toEqual([206, true]);
      const head = await ask(url, zip(version), { headers, method: "HEAD" });
      expect([head.status, head.headers["content-length"]]).toEqual([200, String(bytes.length)]);
      const same = await ask(url, zip(version), { headers: { ...headers, "if-none-match": head.headers.etag! } });
      expect([same.status, same.bytes.length]).toEqual([304, 0]);
      expect(await downloads()).toBe(before + 2);
    }
  });

  test("nobody has the file by its address, or without leave", async () => {
    const { headers } = await answerOfOurs(zip("v1.0.0"), bearer(ADMIN_TOKEN));
    const place = String(headers["x-accel-redirect"]);
    expect(place).toMatch(/^\/gokura-blobs\/zip\//);
    expect((await ask(url, place)).status).toBeGreaterThanOrEqual(400);
    expect((await ask(url, zip("v1.0.0"))).status).toBe(401);
  });
});

/** What the proxy is told. */
const answerOfOurs = (path: string, headers: Record<string, string>) => ask(server.url, path, { headers });

test("only the proxy is told, and only of files that are there", async () => {
  expect((await direct(zip("v1.0.0"))).length).toBeGreaterThan(400_000);
  const told = await answerOfOurs(zip("v1.0.0"), bearer(ADMIN_TOKEN));
  expect([told.status, told.bytes.length]).toEqual([200, 0]);
  const [, , , sum = ""] = String(told.headers["x-accel-redirect"]).split("/").slice(1);
  expect(told.headers.etag).toBe(`"${sum}"`);
});
