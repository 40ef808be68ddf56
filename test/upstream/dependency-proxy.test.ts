// The world behind the instance's endpoint, with an upstream that does its work.
import { hash, randomBytes } from "node:crypto";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { setFlag } from "../../src/registry/forge/feature-flags.ts";
import { createGroup } from "../../src/registry/forge/groups.ts";
import { createProject } from "../../src/registry/forge/projects.ts";
import { OPERATOR } from "../../src/registry/principal.ts";
import { zipKeyOf } from "../../src/registry/versions/version-zip.ts";
import { eventually } from "../support/eventually.ts";
import { type FakeUpstream, fakeUpstream } from "../support/fake-upstream.ts";
import { ask, bearer } from "../support/http.ts";
import { pushRecipe, remoteOf } from "../support/push.ts";
import { ADMIN_TOKEN, type TestServer, testServer } from "../support/server.ts";
import { sharingBlobs } from "../support/shared-blobs.ts";

let upstream: FakeUpstream;
let server: TestServer;

const get = (path: string, headers: Record<string, string> = {}, method = "GET") =>
  ask(server.url, `/api/v4/packages/go/${path}`, { headers, method });

/** As the go command asks: before go 1.27, and since. */
const GO_COMMAND = { "user-agent": "Go-http-client/1.1" };
const GO_COMMANDS = [GO_COMMAND, { "user-agent": "GoCommand/1 (+https://go.dev/cmd/go)" }];

beforeAll(async () => {
  upstream = await fakeUpstream();
  server = await testServer({
    environment: { GOKURA_UPSTREAM: upstream.url, GOKURA_PRIVATE: "*.corp.test,example.com/secret" },
  });
});

describe("what never changes is fetched once, and passed on as it is", () => {
  test(".mod costs one request, .info one, .zip one", async () => {
    const files = await upstream.version("example.com/Upper/m", "v1.2.0", { "m.go": "package m\n" });
    const at = "example.com/!upper/m/@v/v1.2.0";
    for (let round = 0; round < 2; round++) {
      expect((await get(`${at}.mod`)).text).toBe(files.mod);
      expect(upstream.asked).toEqual([`${at}.mod`]);
    }
    expect((await get(`${at}.info`)).text).toBe(files.info);
    const zip = await get(`${at}.zip`);
    expect([zip.status, zip.headers["content-type"]]).toEqual([200, "application/zip"]);
    expect(zip.bytes.equals(files.zip)).toBe(true);
    expect((await get(`${at}.zip`)).bytes.equals(files.zip)).toBe(true);
    expect((await get(`${at}.zip`, { range: "bytes=0-3" })).bytes.equals(files.zip.subarray(0, 4))).toBe(true);
    expect(upstream.asked).toEqual([`${at}.mod`, `${at}.info`, `${at}.zip`]);
  });

  test("a zip first: its .mod is asked for at the same time", async () => {
    const { zip, mod } = await upstream.version("example.com/zipfirst", "v1.0.0");
    const at = "example.com/zipfirst/@v/v1.0.0";
    const both = Promise.withResolvers<void>();
    for (const [file, body] of [
      ["zip", zip],
      ["mod", mod],
    ] as const)
      upstream.on(`${at}.${file}`, async (_, res) => {
        if (upstream.count(`${at}.zip`) + upstream.count(`${at}.mod`) === 2) both.resolve();
        await both.promise;
        res.writeHead(200).end(body);
      });
    expect((await get(`${at}.zip`)).bytes.equals(zip)).toBe(true);
    expect((await get(`${at}.mod`)).status).toBe(200);
    expect(upstream.count(`${at}.mod`)).toBe(1);
  });

  test.each(GO_COMMANDS)(
    "an .info for the go command (%o): its .mod comes at the same time, and both enter together",
    async (goCommand) => {
      const name = `example.com/pair${GO_COMMANDS.indexOf(goCommand)}`;
      const { info, mod } = await upstream.version(name, "v1.0.0");
      const at = `${name}/@v/v1.0.0`;
      const both = Promise.withResolvers<void>();
      for (const [file, body] of [
        ["info", info],
        ["mod", mod],
      ] as const)
        upstream.on(`${at}.${file}`, async (_, res) => {
          if (upstream.count(`${at}.info`) + upstream.count(`${at}.mod`) === 2) both.resolve();
          await both.promise;
          res.writeHead(200).end(body);
        });
      expect((await get(`${at}.info`, goCommand)).text).toBe(info);
      upstream.on(`${at}.mod`, "asked twice");
      expect((await get(`${at}.mod`, goCommand)).text).toBe(mod);
      expect([upstream.count(`${at}.info`), upstream.count(`${at}.mod`)]).toEqual([1, 1]);
    },
  );

  test("an .info for the go command is told whatever is wrong with its .mod", async () => {
    const { info } = await upstream.version("example.com/half", "v1.0.0");
    const at = "example.com/half/@v/v1.0.0";
    upstream.on(`${at}.mod`, "no go.mod");
    expect((await get(`${at}.info`, GO_COMMAND)).text).toBe(info);
    const told = await get(`${at}.mod`, GO_COMMAND);
    expect([told.status, told.text]).toEqual([503, expect.stringContaining("without a module line")]);
  });

  test("all that a go.mod requires is stored with it", async () => {
    const requires = Array.from(
      { length: 300 },
      (_, n) => `\texample.com/dep${n} v1.0.${n}${n % 2 ? " // indirect" : ""}`,
    );
    const mod = `module example.com/many\n\nrequire (\n${requires.join("\n")}\n)\n`;
    await upstream.version("example.com/many", "v1.0.0", { "go.mod": mod });
    expect((await get("example.com/many/@v/v1.0.0.mod")).text).toBe(mod);
    const rows = await server.registry.prisma.requirement.findMany({
      where: { moduleVersion: { module: { path: "example.com/many" } } },
      orderBy: { path: "asc" },
    });
    expect(rows).toHaveLength(300);
    expect(rows.find(({ path }) => path === "example.com/dep7")).toMatchObject({ version: "v1.0.7", indirect: true });
  });

  test("what a newer go.mod retracts and deprecates is marked, whatever comes first", async () => {
    const path = "example.com/taken";
    const says = `// Deprecated: use another.\nmodule ${path}\n\nretract v1.0.0 // broken\n`;
    for (const [version, mod] of [
      ["v1.0.0", `module ${path}\n`],
      ["v1.2.0", says],
      ["v1.1.0", `module ${path}\n`],
    ] as const) {
      await upstream.version(path, version, { "go.mod": mod });
      expect((await get(`${path}/@v/${version}.mod`)).status).toBe(200);
    }
    const module = await server.registry.prisma.module.findFirstOrThrow({
      where: { path },
      include: { versions: true },
    });
    expect(module.deprecated).toBe("use another.");
    const retracted = module.versions.filter((one) => one.retracted);
    expect(retracted.map((one) => [one.version, one.retractRationale])).toEqual([["v1.0.0", "broken"]]);
  });

  test("+incompatible, pseudo-versions; a branch passes through", async () => {
    for (const [path, version] of [
      ["example.com/old", "v2.0.0+incompatible"],
      ["example.com/old", "v0.0.0-20210203040506-abcdefabcdef"],
    ] as const) {
      const { zip } = await upstream.version(path, version);
      expect((await get(`${path}/@v/${version}.info`)).status).toBe(200);
      expect((await get(`${path}/@v/${version}.mod`)).status).toBe(200);
      expect((await get(`${path}/@v/${version}.zip`)).bytes.equals(zip)).toBe(true);
    }
    upstream.on("example.com/old/@v/master.info", '{"Version":"v0.0.0-20210203040506-abcdefabcdef"}');
    expect((await get("example.com/old/@v/master.info")).text).toContain("abcdefabcdef");
    expect((await get("example.com/old/@v/master.zip")).status).toBe(404);
  });

  test("HEAD tells the whole length, of nothing less than the whole", async () => {
    const { zip } = await upstream.version("example.com/head", "v1.0.0");
    const head = await get("example.com/head/@v/v1.0.0.zip", {}, "HEAD");
    expect([head.status, head.headers["content-length"], head.bytes.length]).toEqual([200, String(zip.length), 0]);
  });

  test("a file that upstream lost stays", async () => {
    const { zip } = await upstream.version("example.com/lost", "v1.0.0");
    const at = "example.com/lost/@v/v1.0.0";
    await get(`${at}.zip`);
    await get(`${at}.info`);
    upstream.down(true);
    try {
      expect((await get(`${at}.zip`)).bytes.equals(zip)).toBe(true);
      expect((await get(`${at}.info`)).status).toBe(200);
      expect(upstream.refused()).toBe(0); // nobody asked it
      expect((await get("example.com/lost/@v/list")).text).toBe("v1.0.0\n");
      expect((await get("example.com/lost/@latest")).text).toContain("v1.0.0");
      expect((await get("example.com/other/@v/v1.0.0.info")).status).toBe(503);
    } finally {
      upstream.down(false);
    }
  });
});

describe("hits are answered from memory", () => {
  const hits = async () => (await server.registry.metrics.hotHits.get()).values[0]?.value ?? 0;

  test("of every kind", async () => {
    const { zip } = await upstream.version("example.com/hot", "v1.0.0", { "big.bin": randomBytes(2_000_000) });
    for (const rest of ["@v/list", "@latest", "@v/v1.0.0.info", "@v/v1.0.0.mod", "@v/v1.0.0.zip"]) {
      const path = `example.com/hot/${rest}`;
      for (let round = 0; round < 2; round++) await get(path); // the first zip is sent as it arrives
      const before = await hits();
      const hit = await get(path);
      expect(hit.status).toBe(200);
      if (path.endsWith(".zip")) expect(hit.bytes.equals(zip)).toBe(true);
      const { etag } = hit.headers;
      expect((await get(path, { "if-none-match": etag! })).status).toBe(304);
      expect((await get(path, {}, "HEAD")).headers["content-length"]).toBe(hit.headers["content-length"]);
      expect([rest, await hits()]).toEqual([rest, before + 3]);
    }
    const part = await get("example.com/hot/@v/v1.0.0.zip", { range: "bytes=5-2000000" });
    expect([part.status, part.bytes.equals(zip.subarray(5, 2_000_001))]).toEqual([206, true]);
  });

  test("of a group too, for those who may see it, until the flag is taken away", async () => {
    await createGroup(server.registry, OPERATOR, { fullPath: "closed", visibility: "PRIVATE" });
    await setFlag(server.registry, OPERATOR, "dependency_proxy", true, { groups: ["closed"] });
    await upstream.version("example.com/closed", "v1.0.0");
    const path = "/api/v4/groups/closed/-/packages/go/example.com/closed/@v/v1.0.0.zip";
    const token = await server.token("stranger");
    const status = async (headers = {}) => (await ask(server.url, path, { headers })).status;
    const becomes = (wanted: number) =>
      eventually(
        () => status(bearer(ADMIN_TOKEN)),
        (one) => one === wanted,
      );
    expect(await becomes(200)).toBe(200);
    await status(bearer(ADMIN_TOKEN));
    const before = await hits();
    expect(await status(bearer(ADMIN_TOKEN))).toBe(200);
    expect(await hits()).toBe(before + 1);
    expect(await status(bearer(token))).toBe(404);
    expect(await status()).toBe(401);
    await setFlag(server.registry, OPERATOR, "dependency_proxy", false, { groups: ["closed"] });
    expect(await becomes(404)).toBe(404);
  });

  test("the name of a large zip, whose bytes are fetched again when the disk has lost them", async () => {
    const small = await testServer({
      environment: { GOKURA_UPSTREAM: upstream.url, GOKURA_HOT_CACHE_BYTES: "80000" },
    });
    const { zip } = await upstream.version("example.com/lostlarge", "v1.0.0", { "big.bin": randomBytes(50_000) });
    const at = "example.com/lostlarge/@v/v1.0.0.zip";
    const there = () => ask(small.url, `/api/v4/packages/go/${at}`);
    for (let round = 0; round < 2; round++) expect((await there()).bytes.equals(zip)).toBe(true);
    expect(upstream.count(at)).toBe(1);
    rmSync(join(small.dataDirectory, "blobs", zipKeyOf({ sha256: hash("sha256", zip) })));
    expect((await there()).bytes.equals(zip)).toBe(true);
    expect(upstream.count(at)).toBe(2);
  });
});

test("a zip whose bytes were lost is fetched again, if it is the same", async () => {
  const { zip } = await upstream.version("example.com/diskless", "v1.0.0");
  const at = "example.com/diskless/@v/v1.0.0.zip";
  await get(at);
  const other = await testServer({
    environment: { GOKURA_UPSTREAM: upstream.url, DATABASE_URL: server.registry.database.url },
  });
  const there = (path: string) => ask(other.url, `/api/v4/packages/go/${path}`);
  expect((await there(`cached-only/${at}`)).status).toBe(404);
  expect((await there(at)).bytes.equals(zip)).toBe(true);
  expect((await there(`cached-only/${at}`)).bytes.equals(zip)).toBe(true);
  expect(upstream.count(at)).toBe(2);
});

describe("what is not there", () => {
  test("is said in upstream's own words, and asked once", async () => {
    upstream.on("example.com/gone/@v/v1.0.0.info", (_, res) => {
      res.writeHead(410, { "content-type": "text/plain; charset=utf-8" }).end("gone for good\nreally\n");
    });
    for (let round = 0; round < 2; round++) {
      const gone = await get("example.com/gone/@v/v1.0.0.info");
      expect([gone.status, gone.text]).toEqual([410, "gone for good\nreally\n"]);
      const missing = await get("example.com/none/@v/list");
      expect([missing.status, missing.text]).toEqual([404, "not found: example.com/none/@v/list: said upstream\n"]);
    }
    expect(upstream.count("example.com/gone/@v/v1.0.0.info")).toBe(1);
    expect(upstream.count("example.com/none/@v/list")).toBe(1);
  });

  test("names that are too long are asked of nobody", async () => {
    const path = `example.com/${"x".repeat(1_500)}`;
    expect((await get(`${path}/@v/list`)).status).toBe(404);
    expect(upstream.asked.filter((one) => one.startsWith("example.com/xxx"))).toEqual([]);
  });

  test(".info is answered where .mod and .zip are missing", async () => {
    upstream.on("example.com/infoonly/@v/v1.0.0.info", '{"Version":"v1.0.0"}');
    expect((await get("example.com/infoonly/@v/v1.0.0.info")).text).toBe('{"Version":"v1.0.0"}');
    expect((await get("example.com/infoonly/@v/v1.0.0.mod")).status).toBe(404);
    expect((await get("example.com/infoonly/@v/v1.0.0.zip")).status).toBe(404);
  });
});

describe("lists", () => {
  test("are one request within their time, ascending, with retracted versions, and do not depend on what was asked", async () => {
    await upstream.version("example.com/list", "v1.10.0");
    await upstream.version("example.com/list", "v1.2.0", {
      "go.mod": "module example.com/list\n\nretract v1.10.0\n",
    });
    await upstream.version("example.com/list", "v0.0.0-20210203040506-abcdefabcdef");
    for (let round = 0; round < 3; round++)
      expect((await get("example.com/list/@v/list")).text).toBe("v1.2.0\nv1.10.0\n");
    expect(upstream.count("example.com/list/@v/list")).toBe(1);
  });

  test("a new version that is asked for by name is in the list at once", async () => {
    await upstream.version("example.com/news", "v1.0.0");
    expect((await get("example.com/news/@v/list")).text).toBe("v1.0.0\n");
    await upstream.version("example.com/news", "v1.1.0");
    expect((await get("example.com/news/@v/list")).text).toBe("v1.0.0\n");
    await get("example.com/news/@v/v1.1.0.info");
    const list = async () => (await get("example.com/news/@v/list")).text;
    expect(await eventually(list, (text) => text.includes("v1.1.0"), 3_000)).toBe("v1.0.0\nv1.1.0\n");
  });

  test("what nobody asked for before is made of the stored versions, when upstream has lost the module or hangs", async () => {
    for (const [module, trouble] of [
      ["example.com/forgotten", "404"],
      ["example.com/asleep", "hangs"],
    ] as const) {
      await upstream.version(module, "v1.3.0");
      for (const file of ["info", "zip"]) await get(`${module}/@v/v1.3.0.${file}`);
      const hung: (() => void)[] = [];
      for (const rest of ["@v/list", "@latest"])
        upstream.on(`${module}/${rest}`, (_, res) => {
          if (trouble === "404") res.writeHead(404).end("not found\n");
          else hung.push(() => res.destroy());
        });
      const [list, latest] = await Promise.all([get(`${module}/@v/list`), get(`${module}/@latest`)]);
      expect([trouble, list.text]).toEqual([trouble, "v1.3.0\n"]);
      expect([trouble, latest.text]).toEqual([trouble, expect.stringContaining("v1.3.0")]);
      expect([trouble, upstream.open()]).toEqual([trouble, hung.length]); // nobody waited until it is given up
      for (const end of hung) end();
    }
  });

  test("one of a time that has not come, by a server whose clock was wrong, is as good as none", async () => {
    await upstream.version("example.com/ahead", "v1.0.0");
    const { pool } = server.registry.database;
    await pool.query(`INSERT INTO upstream_answer (module_path, kind, body, fetched_at)
      VALUES ('example.com/ahead', 'list', 'v0.9.0\n', now() + interval '1 day')`);
    expect((await get("example.com/ahead/@v/list")).text).toBe("v1.0.0\n");
    const { rows } = await pool.query(
      "SELECT convert_from(body, 'UTF8') AS list, fetched_at <= now() AS past FROM upstream_answer WHERE module_path = 'example.com/ahead'",
    );
    expect(rows).toEqual([{ list: "v1.0.0\n", past: true }]);
  });

  test("stale ones are served at once while upstream hangs", async () => {
    await upstream.version("example.com/stale", "v1.0.0");
    await get("example.com/stale/@v/list");
    await server.registry.database.pool.query("UPDATE upstream_answer SET fetched_at = now() - interval '1 hour'");
    const hung: (() => void)[] = [];
    let givenUp = 0;
    upstream.on("example.com/stale/@v/list", (_, res) => {
      hung.push(() => res.destroy());
      res.once("close", () => givenUp++);
    });
    const fresh = await testServer({
      environment: {
        GOKURA_UPSTREAM: upstream.url,
        DATABASE_URL: server.registry.database.url,
        GOKURA_DATA_DIR: sharingBlobs(server.dataDirectory),
      },
    });
    for (let round = 0; round < 3; round++)
      expect((await ask(fresh.url, "/api/v4/packages/go/example.com/stale/@v/list")).text).toBe("v1.0.0\n");
    await expect.poll(() => hung.length).toBe(1); // it is asked for meanwhile, and nobody waited for the end of it
    expect(givenUp).toBe(0);
    for (const end of hung) end();
  });
});

describe("names that never leave", () => {
  test("ours, declared ones, and private ones", async () => {
    await createGroup(server.registry, OPERATOR, { fullPath: "own", visibility: "PUBLIC" });
    await createProject(server.registry, OPERATOR, {
      fullPath: "own/lib",
      visibility: "PUBLIC",
      modulePrefix: "example.com/own",
    });
    upstream.asked.length = 0;
    for (const path of [
      ...["gokura.test", "gokura.test/x", "gokura.test/own/lib", "example.com/own", "example.com/own/v2"],
      ...["git.corp.test/x", "example.com/secret", "example.com/secret/deep"],
    ])
      for (const rest of ["@v/list", "@latest", "@v/v1.0.0.info", "@v/v1.0.0.mod", "@v/v1.0.0.zip", "@v/main.info"])
        for (const view of ["", "cached-only/"])
          expect((await get(`${view}${path}/${rest}`, bearer(ADMIN_TOKEN))).status).toBe(404);
    expect(upstream.asked).toEqual([]);
  });

  test("one that was answered from upstream is upstream's no more when a project declares it", async () => {
    await upstream.version("example.com/later", "v1.0.0");
    expect((await get("example.com/later/@v/v1.0.0.mod")).status).toBe(200);
    expect((await get("example.com/later/@v/v1.0.0.mod")).status).toBe(200);
    await createProject(server.registry, OPERATOR, {
      fullPath: "own/later",
      visibility: "PUBLIC",
      modulePrefix: "example.com/later",
    });
    await expect.poll(async () => (await get("example.com/later/@v/v1.0.0.mod")).status, { timeout: 5_000 }).toBe(404);
  });
});

describe("names that became private", () => {
  test("what had been fetched before is given to nobody, nor told of, until the pattern is taken away", async () => {
    for (const path of ["example.com", "example.com/acme/lib", "example.com/acmeish"]) {
      await upstream.version(path, "v1.0.0");
      for (const rest of ["@v/list", "@latest", "@v/v1.0.0.info", "@v/v1.0.0.mod", "@v/v1.0.0.zip"])
        expect((await get(`${path}/${rest}`)).status).toBe(200);
    }
    await server.registry.traffic.write();
    const started = (GOKURA_PRIVATE: string) =>
      testServer({
        environment: {
          ...{ GOKURA_UPSTREAM: upstream.url, GOKURA_PRIVATE },
          ...{ DATABASE_URL: server.registry.database.url, GOKURA_DATA_DIR: sharingBlobs(server.dataDirectory) },
        },
      });
    const told = async (url: string, path: string) => {
      const statuses: number[] = [];
      for (const view of ["", "cached-only/"])
        for (const rest of ["@v/list", "@latest", "@v/v1.0.0.info", "@v/v1.0.0.mod", "@v/v1.0.0.zip"])
          for (const headers of [{}, bearer(ADMIN_TOKEN)])
            statuses.push((await ask(url, `/api/v4/packages/go/${view}${path}/${rest}`, { headers })).status);
      const index = await ask(url, "/index");
      const last = path.split("/").at(-1)!;
      const query = `{ goModule(path: "${path}") { path } goModules(search: "${path}") { nodes { path } }
        search(query: "${last}") { count nodes { module { path } } facets { origins { count } } }
        statistics { topModules(first: 100) { module { path } } }
        above: goModule(path: "example.com") { subModules(first: 100) { nodes { path } } } }`;
      const { text } = await ask(url, "/api/graphql", {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ query }),
      });
      const { goModule, goModules, search, statistics, above } = JSON.parse(text).data;
      const isIt = (one: { path: string }) => one.path === path;
      const ways = [
        search.nodes.some((hit: { module: { path: string } }) => isIt(hit.module)),
        statistics.topModules.some((top: { module: { path: string } }) => isIt(top.module)),
        above.subModules.nodes.some(isIt),
      ];
      expect(search.facets.origins.reduce((sum: number, { count }: { count: number }) => sum + count, 0)).toBe(
        search.count,
      );
      expect(search.count).toBe(search.nodes.length);
      return [
        ...[[...new Set(statuses)], index.text.includes(`"${path}"`), goModule?.path, goModules.nodes.length],
        ways.every(Boolean) ? "found" : ways.some(Boolean) ? ways : "not found",
      ];
    };
    const closed = await started("example.com/acme");
    upstream.asked.length = 0;
    expect(await told(closed.url, "example.com/acme/lib")).toEqual([[404], false, undefined, 0, "not found"]);
    expect(await told(closed.url, "example.com/acmeish")).toEqual([[200], true, "example.com/acmeish", 1, "found"]);
    expect(upstream.asked).toEqual([]);
    const opened = await started("");
    expect(await told(opened.url, "example.com/acme/lib")).toEqual([[200], true, "example.com/acme/lib", 1, "found"]);
  });
});

describe("only what is stored", () => {
  test("by header and by prefix", async () => {
    await upstream.version("example.com/offline", "v1.0.0");
    const at = "example.com/offline/@v/v1.0.0";
    const header = { "disable-module-fetch": "true" };
    for (const [path, headers] of [
      [`${at}.mod`, header],
      [`cached-only/${at}.zip`, {}],
      ["cached-only/example.com/offline/@v/list", {}],
      ["example.com/offline/@latest", header],
      ["example.com/offline/@v/main.info", header],
    ] as const) {
      const { status, text } = await get(path, headers);
      expect([status, text]).toEqual([404, expect.stringContaining("not cached")]);
    }
    expect(upstream.asked.filter((path) => path.includes("offline"))).toEqual([]);
    for (const file of [".info", ".mod", ".zip"]) expect((await get(at + file)).status).toBe(200);
    for (const path of [`${at}.info`, `${at}.mod`, `${at}.zip`]) {
      expect((await get(path, header)).status).toBe(200);
      expect((await get(`cached-only/${path}`)).status).toBe(200);
    }
    // Nobody ever asked for the list: it is what is stored.
    expect((await get("cached-only/example.com/offline/@v/list")).text).toBe("v1.0.0\n");
    expect((await get("cached-only/example.com/offline/@latest")).text).toContain("v1.0.0");
  });

  test("on every view: what is ours is there as ever, the world only as far as it is stored", async () => {
    await createGroup(server.registry, OPERATOR, { fullPath: "shelf", visibility: "PUBLIC" });
    await setFlag(server.registry, OPERATOR, "dependency_proxy", true, { groups: ["shelf"] });
    await createProject(server.registry, OPERATOR, { fullPath: "shelf/own", visibility: "PUBLIC" });
    await pushRecipe(remoteOf(server.url, "shelf/own", ADMIN_TOKEN), (r) => {
      r.tag("v1.0.0", r.commit({ "go.mod": "module gokura.test/shelf/own\n" }));
    });
    await upstream.version("example.com/shelved", "v1.0.0");
    await upstream.version("example.com/unshelved", "v1.0.0");
    const rests = ["@v/list", "@latest", "@v/v1.0.0.info", "@v/v1.0.0.mod", "@v/v1.0.0.zip"];
    for (const rest of rests) expect((await get(`example.com/shelved/${rest}`)).status).toBe(200);
    upstream.asked.length = 0;
    for (const view of ["", "groups/shelf/-/", "projects/shelf%2Fown/"])
      for (const [prefix, headers] of [
        ["", { "Disable-Module-Fetch": "true" }],
        ["cached-only/", {}],
      ] as [string, Record<string, string>][]) {
        const at = (path: string) => ask(server.url, `/api/v4/${view}packages/go/${prefix}${path}`, { headers });
        const world = view.startsWith("projects") ? 404 : 200;
        for (const rest of [...rests, "@v/main.info"])
          expect([view, rest, (await at(`gokura.test/shelf/own/${rest}`)).status]).toEqual([view, rest, 200]);
        for (const rest of rests) {
          expect([view, rest, (await at(`example.com/shelved/${rest}`)).status]).toEqual([view, rest, world]);
          const { status, text } = await at(`example.com/unshelved/${rest}`);
          expect([view, rest, status]).toEqual([view, rest, 404]);
          if (world === 200) expect(text).toContain("not cached");
        }
      }
    expect(upstream.asked).toEqual([]);
  });

  test("with the upstream off", async () => {
    const off = await testServer({
      environment: {
        GOKURA_UPSTREAM: "off",
        DATABASE_URL: server.registry.database.url,
        GOKURA_DATA_DIR: sharingBlobs(server.dataDirectory),
      },
    });
    await upstream.version("example.com/kept", "v1.0.0");
    for (const rest of ["@v/list", "@latest", "@v/v1.0.0.info", "@v/v1.0.0.mod", "@v/v1.0.0.zip"])
      expect((await get(`example.com/kept/${rest}`)).status).toBe(200);
    upstream.asked.length = 0;
    for (const rest of ["@v/list", "@latest", "@v/v1.0.0.info", "@v/v1.0.0.mod", "@v/v1.0.0.zip"])
      expect((await ask(off.url, `/api/v4/packages/go/example.com/kept/${rest}`)).status).toBe(200);
    expect((await ask(off.url, "/api/v4/packages/go/example.com/never/@v/list")).status).toBe(404);
    expect(upstream.asked).toEqual([]);
  });
});

test("groups have the world only with the flag", async () => {
  await createGroup(server.registry, OPERATOR, { fullPath: "world", visibility: "PUBLIC" });
  await upstream.version("example.com/flagged", "v1.0.0");
  const list = () => ask(server.url, "/api/v4/groups/world/-/packages/go/example.com/flagged/@v/list");
  expect((await list()).status).toBe(404);
  await setFlag(server.registry, OPERATOR, "dependency_proxy", true, { groups: ["world"] });
  expect((await eventually(list, ({ status }) => status === 200)).text).toBe("v1.0.0\n");
  const index = await ask(server.url, "/api/v4/groups/world/-/packages/go/index");
  expect(index.text).toContain("example.com");
});

test("every version with a go.mod is in the index feed, once", async () => {
  await upstream.version("example.com/indexed", "v1.0.0");
  for (const file of ["info", "mod", "zip", "mod"]) await get(`example.com/indexed/@v/v1.0.0.${file}`);
  const { text } = await ask(server.url, "/index");
  expect(text.split("\n").filter((line) => line.includes('"example.com/indexed"'))).toHaveLength(1);
});

test("GraphQL shows modules from upstream", async () => {
  await upstream.version("example.com/shown", "v1.0.0");
  await get("example.com/shown/@v/v1.0.0.zip");
  const query = `{ goModule(path: "example.com/shown") { origin project { id } latestVersion { version h1 commit goMod { module } } }
    goModules(search: "example.com/shown") { nodes { path } } }`;
  const { text } = await ask(server.url, "/api/graphql", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ query }),
  });
  expect(JSON.parse(text).data).toEqual({
    goModule: {
      origin: "UPSTREAM",
      project: null,
      latestVersion: {
        version: "v1.0.0",
        h1: expect.stringMatching(/^h1:/),
        commit: null,
        goMod: { module: "example.com/shown" },
      },
    },
    goModules: { nodes: [{ path: "example.com/shown" }] },
  });
});
