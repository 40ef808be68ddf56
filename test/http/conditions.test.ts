// What HTTP asks of a server beside the answer itself: one host for each request, conditions that are not passed over, and
// headers for browsers on everything that is no page.
import net from "node:net";
import { beforeAll, expect, test } from "vitest";
import { ask, bearer } from "../support/http.ts";
import { pushRecipe, remoteOf } from "../support/push.ts";
import { ADMIN_TOKEN, type TestServer, testServer } from "../support/server.ts";

const LIB = "gokura.test/alice/lib";
const GO = `/api/v4/packages/go/${LIB}`;

let server: TestServer;
let headers: Record<string, string>;

beforeAll(async () => {
  server = await testServer();
  const token = await server.token("alice");
  headers = bearer(await server.token("alice", "api"));
  await pushRecipe(remoteOf(server.url, "alice/lib", token), (r) =>
    r.tag("v1.0.0", r.commit({ "go.mod": `module ${LIB}\n`, "a.go": "package lib\n" })),
  );
});

function raw(lines: readonly string[]): Promise<string> {
  const { hostname, port } = new URL(server.url);
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    const socket = net.connect(Number(port), hostname, () => socket.write(`${lines.join("\r\n")}\r\n\r\n`));
    socket.on("data", (chunk) => chunks.push(chunk));
    socket.on("error", reject);
    socket.on("close", () => resolve(Buffer.concat(chunks).toString("latin1")));
  });
}

test("a request with two Host headers is 400, on every door", async () => {
  for (const path of ["/", "/-/health", "/api/v4/version", `${GO}/@v/list`])
    for (const second of ["Host: gokura.test", "hOST: evil.test"]) {
      const answer = await raw([`GET ${path} HTTP/1.1`, "Host: gokura.test", second, "Connection: close"]);
      expect([path, answer.slice(0, 12)]).toEqual([path, "HTTP/1.1 400"]);
    }
  const one = await raw(["GET /-/health HTTP/1.1", "Host: gokura.test", "Connection: close"]);
  expect(one.slice(0, 12)).toBe("HTTP/1.1 200");
});

test("If-Match is met, or 412", async () => {
  // The second time from memory.
  for (const name of ["list", "v1.0.0.info", "v1.0.0.mod", "v1.0.0.zip"])
    for (const _ of [1, 2]) {
      const path = `${GO}/@v/${name}`;
      const { etag } = (await ask(server.url, path, { headers })).headers;
      const status = async (condition: string) =>
        (await ask(server.url, path, { headers: { ...headers, "if-match": condition } })).status;
      expect([name, await status(etag!), await status(`"other", ${etag}`), await status("*")]).toEqual([
        name,
        200,
        200,
        200,
      ]);
      expect([name, await status('"other"'), await status(`W/${etag}`)]).toEqual([name, 412, 412]);
    }
  // What has no entity tag is not changed under a condition that nobody can look at.
  const body = JSON.stringify({ description: "changed" });
  const put = { method: "PUT", body, headers: { ...headers, "content-type": "application/json", "if-match": '"x"' } };
  const refused = await ask(server.url, "/api/v4/projects/alice%2Flib", put);
  expect([refused.status, JSON.parse(refused.text).reason]).toEqual([412, "precondition_failed"]);
  const { description } = JSON.parse((await ask(server.url, "/api/v4/projects/alice%2Flib", { headers })).text);
  expect(description).not.toBe("changed");
});

test("everything that is no page says so to browsers", async () => {
  const paths = [
    "/",
    "/none",
    "/-/health",
    "/-/metrics",
    "/index",
    "/api/v4/user",
    "/api/v4/none",
    "/api/v4/openapi.json",
  ];
  const go = ["list", "v1.0.0.info", "v1.0.0.zip", "v9.0.0.info"].map((name) => `${GO}/@v/${name}`);
  for (const path of [...paths, "/alice/lib.git/info/refs?service=git-upload-pack", ...go, ...go]) {
    const answer = await ask(server.url, path, { headers });
    expect([path, answer.headers]).toEqual([
      path,
      expect.objectContaining({
        "x-content-type-options": "nosniff",
        "x-frame-options": "DENY",
        "referrer-policy": "no-referrer",
        "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
      }),
    ]);
    expect(answer.headers["strict-transport-security"]).toBeUndefined();
  }
});

test("served by TLS ourselves, browsers are told to come by TLS again", async () => {
  const secure = await testServer({ tls: true });
  const answer = await ask(secure.url, "/", { ca: secure.ca, headers: bearer(ADMIN_TOKEN) });
  expect(answer.headers["strict-transport-security"]).toBe("max-age=31536000");
});
