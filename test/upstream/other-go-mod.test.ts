// A zip whose go.mod is not the .mod. The go command takes both, each by its own sum; so do we, and administrators are told.
import { beforeAll, expect, test } from "vitest";
import { type FakeUpstream, fakeUpstream, zipOf } from "../support/fake-upstream.ts";
import { goCommand } from "../support/go.ts";
import { ask } from "../support/http.ts";
import { type TestServer, testServer } from "../support/server.ts";

let upstream: FakeUpstream;
let server: TestServer;
const get = (path: string) => ask(server.url, `/api/v4/packages/go/${path}`);

beforeAll(async () => {
  upstream = await fakeUpstream();
  server = await testServer({ environment: { GOKURA_UPSTREAM: upstream.url } });
});

const events = async (action: string, subject: string) =>
  await server.registry.prisma.auditEvent.findMany({ where: { action, subject } });

test.each([
  ["zip", "mod"],
  ["mod", "zip"],
])("%s first: both are kept as they came, with the go command's sums, and an event says so", async (...order) => {
  const path = `example.com/differs-${order[0]}`;
  const { zip } = await upstream.version(path, "v1.0.0", {
    "go.mod": `module ${path}\n\ngo 1.20\n`,
    "a.go": "package a\n",
  });
  const mod = `module ${path}\n\ngo 1.21\n`;
  upstream.on(`${path}/@v/v1.0.0.mod`, mod);
  const sums = async (proxy: string) => {
    const { Sum, GoModSum } = JSON.parse(
      await goCommand({ GOPROXY: proxy }).must("mod", "download", "-json", `${path}@v1.0.0`),
    );
    return { Sum, GoModSum };
  };
  for (const file of order) {
    const answer = await get(`${path}/@v/v1.0.0.${file}`);
    expect([file, answer.status]).toEqual([file, 200]);
    expect(answer.bytes.equals(file === "zip" ? zip : Buffer.from(mod))).toBe(true);
  }
  expect(await sums(`${server.url}/api/v4/packages/go`)).toEqual(await sums(upstream.url));
  for (const file of order) expect((await get(`cached-only/${path}/@v/v1.0.0.${file}`)).status).toBe(200);
  const told = await events("upstream.go_mod_differs", `${path}@v1.0.0`);
  expect(told.map(({ detail }) => detail)).toEqual([
    { upstream: upstream.url.slice("http://".length), reason: expect.stringContaining("go.mod") },
  ]);
});

test("a foreign entry in a zip is refused in the go command's words", async () => {
  const path = "example.com/foreign";
  const at = `${path}/@v/v1.0.0.zip`;
  await upstream.version(path, "v1.0.0");
  for (const prefix of [`${path}@v1.0.1`, "example.com/x@v1.0.0"]) {
    upstream.on(at, await zipOf(prefix, { "a.go": "package a\n" }));
    const words = `zip for ${path}@v1.0.0 has unexpected file ${prefix}/a.go`;
    const { status, output } = await goCommand({ GOPROXY: upstream.url }).run("mod", "download", `${path}@v1.0.0`);
    expect([status, output]).toEqual([1, expect.stringContaining(words)]);
    const fresh = await testServer({ environment: { GOKURA_UPSTREAM: upstream.url } });
    const refused = await ask(fresh.url, `/api/v4/packages/go/${at}`);
    expect([refused.status, refused.text]).toEqual([404, expect.stringContaining(words)]);
  }
});
