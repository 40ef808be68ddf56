// An upstream that shows a page for people, a log-in or an error, where a file was asked for: 200, a redirect to it, or an
// empty 200. The go command stops there; so must whoever asks us, and be well again as soon as upstream is.
import { beforeAll, expect, test } from "vitest";
import { type FakeUpstream, fakeUpstream } from "../support/fake-upstream.ts";
import { goCommand } from "../support/go.ts";
import { ask } from "../support/http.ts";
import { type TestServer, testServer } from "../support/server.ts";

const PAGE = "<!doctype html><html><body>please log in</body></html>\n";
const FILES = ["@v/v1.0.0.info", "@v/v1.0.0.mod", "@v/main.info", "@v/list", "@latest"];
const CASES = FILES.flatMap((file) => ["200", "302", "empty"].map((how) => [file, how] as const)).filter(
  ([file, how]) => !(file === "@v/list" && how === "empty"), // which is a module without tags
);

let upstream: FakeUpstream;
let server: TestServer;
let number = 0;
const get = (path: string) => ask(server.url, `/api/v4/packages/go/${path}`);

beforeAll(async () => {
  upstream = await fakeUpstream();
  upstream.on("log-in", (_, res) => res.writeHead(200, { "content-type": "text/html" }).end(PAGE));
  server = await testServer({ environment: { GOKURA_UPSTREAM: upstream.url } });
});

test.each(CASES)("%s: %s is 5xx, is not remembered, and never 404", async (file, how) => {
  const path = `example.com/page${++number}`;
  const at = `${path}/${file}`;
  upstream.on(at, (_, res) => {
    if (how === "302") res.writeHead(302, { location: "/log-in" }).end();
    else res.writeHead(200, { "content-type": "text/html" }).end(how === "empty" ? "" : PAGE);
  });
  for (let round = 1; round <= 2; round++) {
    const { status, headers, text } = await get(at);
    expect([status, headers["content-type"]]).toEqual([503, "text/plain; charset=utf-8"]);
    expect(text).toMatch(/upstream sent/);
    expect(text).not.toContain("<");
    expect(upstream.count(at)).toBe(round);
  }
  const { info } = await upstream.version(path, "v1.0.0");
  upstream.on(`${path}/@v/main.info`, info);
  expect((await get(at)).status).toBe(200);
});

test("go stops, and does not ask the next proxy of its own list", async () => {
  const next = await fakeUpstream();
  const path = `example.com/page${++number}`;
  await next.version(path, "v1.0.0");
  for (const file of FILES) upstream.on(`${path}/${file}`, PAGE);
  const go = goCommand({ GOPROXY: `${server.url}/api/v4/packages/go,${next.url}` });
  for (const query of ["v1.0.0", "latest", "main"]) {
    const { status, output } = await go.run("list", "-m", `${path}@${query}`);
    expect([status, output]).toEqual([1, expect.stringContaining("503")]);
  }
  expect(next.asked).toEqual([]);
});
