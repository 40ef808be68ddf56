// Lists as the go command understands them: pseudo-versions and times in them say what is latest where an upstream has no
// @latest; and a list that promises what its upstream does not have sends the whole question to the next one.
import { beforeAll, describe, expect, test } from "vitest";
import { type FakeUpstream, fakeUpstream } from "../support/fake-upstream.ts";
import { goCommand } from "../support/go.ts";
import { ask } from "../support/http.ts";
import { type TestServer, testServer } from "../support/server.ts";

const NEW = "v0.0.0-20210101000000-aaaaaaaaaaaa";
const OLD = "v0.0.0-20200101000000-bbbbbbbbbbbb";

/** A module without @latest, whose list has these lines. */
async function module(upstream: FakeUpstream, path: string, versions: readonly string[], list: string): Promise<void> {
  for (const version of versions) await upstream.version(path, version);
  upstream.on(`${path}/@latest`, (_, res) => res.writeHead(404, { "content-type": "text/plain" }).end("no @latest\n"));
  upstream.on(`${path}/@v/list`, list);
}

describe("@latest of an upstream that has none", () => {
  let upstream: FakeUpstream;
  let server: TestServer;
  const get = (path: string) => ask(server.url, `/api/v4/packages/go/${path}`);
  beforeAll(async () => {
    upstream = await fakeUpstream();
    server = await testServer({ environment: { GOKURA_UPSTREAM: upstream.url } });
  });

  test.each([
    ["newest", [NEW, OLD], `${OLD}\n${NEW}\n`, NEW],
    ["told", [NEW, OLD], `${OLD} 2023-01-01T00:00:00Z\n${NEW} 2022-01-01T00:00:00Z\n`, OLD],
    ["mixed", [NEW, OLD], `${OLD} 2020-06-01T00:00:00Z\n${NEW}\n`, NEW],
    ["released", ["v1.0.0", "v1.1.0", NEW], `v1.0.0\nv1.1.0\n${NEW}\n`, "v1.1.0"],
    ["early", ["v1.0.0-rc.1", NEW], `v1.0.0-rc.1\n${NEW}\n`, "v1.0.0-rc.1"],
  ])("is what its list says: %s", async (name, versions, list, latest) => {
    const path = `example.com/${name}`;
    await module(upstream, path, versions, list);
    const byGo = await goCommand({ GOPROXY: upstream.url }).must("list", "-m", `${path}@latest`);
    expect(byGo).toBe(`${path} ${latest}\n`);
    const { status, text } = await get(`${path}/@latest`);
    expect([status, JSON.parse(text).Version]).toEqual([200, latest]);
    const throughUs = goCommand({ GOPROXY: `${server.url}/api/v4/packages/go` });
    expect(await throughUs.must("list", "-m", `${path}@latest`)).toBe(byGo);
    expect((await get(`${path}/@v/list`)).text).not.toContain("v0.0.0-");
  });

  test("an older one that is stored does not stand in for it", async () => {
    const path = "example.com/stored";
    await module(upstream, path, [NEW, OLD], `${OLD}\n${NEW}\n`);
    for (const file of ["info", "mod", "zip"]) expect((await get(`${path}/@v/${OLD}.${file}`)).status).toBe(200);
    expect(JSON.parse((await get(`${path}/@latest`)).text).Version).toBe(NEW);
  });

  test("without a list, or with an empty one, there is none, in upstream's words", async () => {
    await module(upstream, "example.com/bare", [], "");
    const { status, text } = await get("example.com/bare/@latest");
    expect([status, text]).toEqual([404, "no @latest\n"]);
  });
});

describe("a list that promises what is not there", () => {
  let [first, second] = [] as unknown as [FakeUpstream, FakeUpstream];
  let server: TestServer;
  const get = (path: string) => ask(server.url, `/api/v4/packages/go/${path}`);
  beforeAll(async () => {
    [first, second] = [await fakeUpstream(), await fakeUpstream()];
    server = await testServer({ environment: { GOKURA_UPSTREAM: `${first.url},${second.url}` } });
  });

  test("sends the whole question to the next upstream", async () => {
    for (const [path, query] of [
      ["example.com/promised", "latest"],
      ["example.com/promised1", "v1"],
    ] as const) {
      first.on(`${path}/@v/list`, "v1.0.0\n");
      await second.version(path, "v1.1.0");
      const byGo = await goCommand({ GOPROXY: `${first.url},${second.url}` }).must("list", "-m", `${path}@${query}`);
      expect(byGo).toBe(`${path} v1.1.0\n`);
      const throughUs = goCommand({ GOPROXY: `${server.url}/api/v4/packages/go` });
      expect(await throughUs.must("list", "-m", `${path}@${query}`)).toBe(byGo);
      expect((await get(`${path}/@v/list`)).text).toBe("v1.1.0\n");
    }
  });

  test("one that keeps its word is given alone", async () => {
    const path = "example.com/kept";
    await first.version(path, "v1.0.0");
    await second.version(path, "v1.1.0");
    expect((await get(`${path}/@v/list`)).text).toBe("v1.0.0\n");
    expect((await get(`${path}/@v/v1.0.0.info`)).status).toBe(200);
    expect(second.asked.filter((one) => one.startsWith(`${path}/`))).toEqual([]);
    expect(first.count(`${path}/@v/v1.0.0.info`)).toBe(1);
  });
});

test("the keys of an .info may be in lower case, as encoding/json reads them", async () => {
  const upstream = await fakeUpstream();
  const server = await testServer({ environment: { GOKURA_UPSTREAM: upstream.url } });
  const path = "example.com/lower";
  await upstream.version(path, "v1.0.0");
  const info = '{"version":"v1.0.0","time":"2021-02-03T04:05:06Z"}';
  upstream.on(`${path}/@v/v1.0.0.info`, info);
  upstream.on(`${path}/@latest`, info);
  for (const file of ["@v/v1.0.0.info", "@latest"]) {
    const answer = await ask(server.url, `/api/v4/packages/go/${path}/${file}`);
    expect([answer.status, answer.text]).toEqual([200, info]);
  }
  const go = goCommand({ GOPROXY: `${server.url}/api/v4/packages/go` });
  expect(JSON.parse(await go.must("list", "-m", "-json", `${path}@v1.0.0`)).Time).toBe("2021-02-03T04:05:06Z");
  const [row] = await server.registry.prisma.moduleVersion.findMany({ where: { module: { path } } });
  expect(row?.time?.toISOString()).toBe("2021-02-03T04:05:06.000Z");
});
