// Answers that cannot be what was asked for, from the first of two upstreams: after a bar the second is asked, after a comma
// it is not, as the go command does with an .info or a @latest that it cannot use. Nothing of it is ever stored.
import { beforeAll, describe, expect, test } from "vitest";
import { eventually } from "../support/eventually.ts";
import { type FakeUpstream, fakeUpstream } from "../support/fake-upstream.ts";
import { goCommand } from "../support/go.ts";
import { ask } from "../support/http.ts";
import { type TestServer, testServer } from "../support/server.ts";

const PAGE = "<html>please log in</html>\n";
const VERSION = "v1.0.0";

let bad: FakeUpstream;
let good: FakeUpstream;
const servers = {} as Record<"|" | ",", TestServer>;
let number = 0;

beforeAll(async () => {
  [bad, good] = await Promise.all([fakeUpstream(), fakeUpstream()]);
  for (const separator of ["|", ","] as const)
    servers[separator] = await testServer({
      environment: { GOKURA_UPSTREAM: `${bad.url}${separator}${good.url}` },
    });
});

const refusals = async ({ registry }: TestServer, subject: string) => {
  const rows = await registry.prisma.auditEvent.findMany({ where: { action: "upstream.refused", subject } });
  return rows.map((row) => (row.detail as { upstream: string }).upstream);
};

describe.each([
  ["@v/v1.0.0.info", "no JSON", PAGE],
  ["@v/v1.0.0.info", "null", "null"],
  ["@v/v1.0.0.info", "another version", '{"Version":"v1.0.1"}'],
  ["@v/v1.0.0.info", "a version that is no text", '{"Version":1}'],
  ["@v/v1.0.0.info", "nothing", ""],
  ["@v/v1.0.0.mod", "no go.mod", PAGE],
  ["@v/v1.0.0.mod", "nothing", ""],
  ["@v/v1.0.0.mod", "bytes", Buffer.from([0xff, 0xfe, 0, 1])],
  ["@v/list", "no list", PAGE],
  ["@latest", "no JSON", PAGE],
  ["@latest", "a version of another major", '{"Version":"v2.0.0"}'],
  ["@v/main.info", "no JSON", PAGE],
  ["@v/main.info", "a branch", '{"Version":"main"}'],
])("%s: %s", (rest, _, broken) => {
  test.each(["|", ","] as const)("%s", async (separator) => {
    const server = servers[separator];
    const path = `example.com/broken${++number}`;
    const { info } = await good.version(path, VERSION);
    good.on(`${path}/@v/main.info`, info);
    bad.on(`${path}/${rest}`, broken);
    const at = `${path}/${rest}`;
    const answer = await ask(server.url, `/api/v4/packages/go/${at}`);
    expect(good.count(at)).toBe(separator === "|" ? 1 : 0);
    expect(await refusals(server, at)).toEqual([bad.url.slice("http://".length)]);
    if (separator === "|") {
      expect([answer.status, answer.text]).toEqual([
        200,
        expect.stringContaining(rest.endsWith("mod") ? path : VERSION),
      ]);
      return;
    }
    expect([answer.status, answer.text]).toEqual([503, expect.stringContaining("upstream sent")]);
    const stored = await ask(server.url, `/api/v4/packages/go/cached-only/${at}`);
    expect([stored.status, stored.text]).toEqual([404, expect.not.stringContaining("please")]);
    expect(await server.registry.prisma.moduleVersion.count({ where: { module: { path } } })).toBe(0);
    expect(
      await server.registry.database.pool.query("SELECT FROM upstream_answer WHERE module_path = $1", [path]),
    ).toHaveProperty("rowCount", 0);
  });
});

test("nor does a body that breaks off end the walk after a bar", async () => {
  const path = `example.com/broken${++number}`;
  await good.version(path, VERSION);
  for (const file of ["info", "mod"]) {
    const at = `${path}/@v/${VERSION}.${file}`;
    bad.on(at, (_, res) => {
      res.writeHead(200, { "content-length": 1_000 }).write("{", () => res.destroy());
    });
    expect((await ask(servers["|"].url, `/api/v4/packages/go/${at}`)).status).toBe(200);
    expect((await ask(servers[","].url, `/api/v4/packages/go/${at}`)).status).toBe(503);
  }
});

test("the same refusal is written down once, however often it comes", async () => {
  const server = await testServer({
    environment: { GOKURA_UPSTREAM: `${bad.url}|${good.url}`, GOKURA_UPSTREAM_TTL: "0" },
  });
  const path = `example.com/broken${++number}`;
  await good.version(path, VERSION);
  const at = `${path}/@v/list`;
  bad.on(at, PAGE);
  const list = () => ask(server.url, `/api/v4/packages/go/${at}`);
  await eventually(list, () => bad.count(at) >= 3, 5_000);
  expect(bad.count(at)).toBeGreaterThanOrEqual(3);
  expect(await refusals(server, at)).toHaveLength(1);
});

test("the go command walks the same way", async () => {
  for (const [query, rest] of [
    [VERSION, `@v/${VERSION}.info`],
    ["main", "@v/main.info"],
  ] as const)
    for (const separator of ["|", ","] as const) {
      const path = `example.com/broken${++number}`;
      const { info } = await good.version(path, VERSION);
      good.on(`${path}/@v/main.info`, info);
      bad.on(`${path}/${rest}`, PAGE);
      const statuses: number[] = [];
      for (const proxy of [`${bad.url}${separator}${good.url}`, `${servers[separator].url}/api/v4/packages/go`])
        statuses.push((await goCommand({ GOPROXY: proxy }).run("list", "-m", `${path}@${query}`)).status);
      const expected = separator === "|" ? 0 : 1;
      expect([separator, query, ...statuses]).toEqual([separator, query, expected, expected]);
    }
});
