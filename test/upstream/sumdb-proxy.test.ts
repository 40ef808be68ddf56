// Checksum databases through us: the real one, where this machine can reach it, with the real go command, then without it;
// and made ones that misbehave.
import { execFileSync } from "node:child_process";
import { beforeAll, describe, expect, test } from "vitest";
import { Failure } from "../../src/errors.ts";
import { parseGoPath } from "../../src/gomod/proxy-path.ts";
import type { Registry } from "../../src/registry/registry.ts";
import { openDiskBlobs } from "../../src/storage/disk-blobs.ts";
import { PUBLIC_DATABASE, parseSumDatabases, type SumDatabase } from "../../src/sumdb/database-name.ts";
import { createLog } from "../../src/telemetry/log.ts";
import { bytesOf } from "../../src/upstream/bounded-body.ts";
import { createDatabaseSource } from "../../src/upstream/database-source.ts";
import { openHttp } from "../../src/upstream/guarded-http.ts";
import { hostsNamedIn, OFF, parseUpstreams, type UpstreamList } from "../../src/upstream/policy.ts";
import { openProvedDatabase } from "../../src/upstream/proved-database.ts";
import { createSumdbProxy, type SumdbAnswer, type SumdbProxy } from "../../src/upstream/sumdb-proxy.ts";
import { createUpstreamClient, type UpstreamClient } from "../../src/upstream/upstream-client.ts";
import { type FakeUpstream, fakeUpstream } from "../support/fake-upstream.ts";
import { goCommand } from "../support/go.ts";
import { testRegistry } from "../support/registry.ts";
import { type MadeDatabase, makeDatabase } from "../support/sum-database.ts";
import { temporary } from "../support/temporary.ts";

const log = createLog("silent");
let registry: Registry;
beforeAll(async () => {
  registry = await testRegistry();
});

function clientOf(list: UpstreamList, databases: readonly SumDatabase[] = []): UpstreamClient {
  const named = databases.map(({ name, url }) => url ?? `https://${name}`);
  return createUpstreamClient(list, openHttp({ allowNetworks: [], trustedHosts: hostsNamedIn(list, ...named) }), log);
}

interface Made {
  readonly proxy: SumdbProxy;
  /** The same store, asking nobody. */
  readonly offline: SumdbProxy;
}

async function proxyOf(
  list: UpstreamList,
  databases: readonly SumDatabase[],
  more: { mayAsk?: (path: string) => boolean; now?: () => number } = {},
): Promise<Made> {
  const blobs = await openDiskBlobs(temporary("sumdb"));
  const made = (client: UpstreamClient): SumdbProxy => {
    const source = createDatabaseSource(client);
    const proved = databases.map((database) => openProvedDatabase({ ...registry, blobs }, database, source));
    return createSumdbProxy({ databases: proved, blobs, source, mayAsk: () => true, ...more });
  };
  return { proxy: made(clientOf(list, databases)), offline: made(clientOf(OFF)) };
}

/** What an answer comes to, for tables. */
async function outcome(answer: Promise<SumdbAnswer>): Promise<string> {
  try {
    const found = await answer;
    if (found.kind === "absent") return `${found.status} ${found.text.trim()}`;
    return `200 ${found.bytes.length} ${found.immutable ? "for ever" : found.maxAgeSeconds}`;
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    return `${error.kind}: ${error.message.replace(/127\.0\.0\.1:\d+/, "HOST")}`;
  }
}

const NAME = "sum.example.test/db";
const SUMS = { h1: `h1:${"B".repeat(42)}A=`, goModH1: `h1:${"C".repeat(42)}A=` };

/** A database of 700 records, one of them of example.com/M. */
function made(): MadeDatabase {
  const database = makeDatabase(NAME);
  database.grow(3);
  database.add("example.com/M", "v1.0.0", SUMS);
  database.grow(696);
  return database;
}

async function serving(database: MadeDatabase): Promise<FakeUpstream> {
  return fakeUpstream(
    (req, res) =>
      void (
        database.handle(req, res) ||
        res.writeHead(404, { "Content-Type": "text/plain; charset=utf-8" }).end("not found: no such thing\n")
      ),
  );
}

const throughProxy = (server: FakeUpstream, { verifierKey }: MadeDatabase): [UpstreamList, SumDatabase[]] => [
  parseUpstreams(`${server.url}/go,direct`),
  parseSumDatabases(verifierKey),
];

describe("a made database", () => {
  test("through a proxy of the list: what was proved is kept, and answered when nobody can be asked", async () => {
    const database = made();
    const server = await serving(database);
    const { proxy, offline } = await proxyOf(...throughProxy(server, database));
    const paths = ["supported", "lookup/example.com/%21m@v1.0.0", "latest", "tile/8/0/000", "tile/8/0/002.p/188"];
    const wanted = ["200 n 60", "200 n for ever", "200 n 60", "200 8192 for ever", "200 6016 for ever"];
    const shape = (text: string): string => text.replace(/^200 \d{1,3} /, "200 n ");
    const ask = async (one: SumdbProxy): Promise<string[]> => {
      const all: string[] = [];
      for (const path of paths) all.push(shape(await outcome(one.serve(`${NAME}/${path}`))));
      return all;
    };
    expect(await ask(proxy)).toEqual(wanted);
    // The record, and every tile that proves it, once each.
    expect(server.targets.toSorted()).toEqual(
      [
        `/go/sumdb/${NAME}/latest`,
        `/go/sumdb/${NAME}/lookup/example.com/%21m@v1.0.0`,
        `/go/sumdb/${NAME}/supported`,
        `/go/sumdb/${NAME}/tile/8/0/000`,
        `/go/sumdb/${NAME}/tile/8/0/002.p/188`,
        `/go/sumdb/${NAME}/tile/8/1/000.p/2`,
      ].toSorted(),
    );
    server.asked.length = 0;
    expect(await ask(proxy)).toEqual(wanted);
    expect(await ask(offline)).toEqual(wanted);
    expect(server.asked).toEqual([]);
    const record = await offline.serve(`${NAME}/lookup/example.com/!m@v1.0.0`);
    expect(record.kind === "found" && record.bytes).toEqual(await database.answer("lookup/example.com/!m@v1.0.0"));

    // The beginning of a stored tile answers a narrower one; what is not stored is not there.
    expect(await outcome(offline.serve(`${NAME}/tile/8/0/000.p/10`))).toBe("200 320 for ever");
    expect(await outcome(offline.serve(`${NAME}/tile/8/0/002.p/187`))).toBe("200 5984 for ever");
    for (const path of ["tile/8/0/002.p/189", "tile/8/0/002", "tile/8/0/001", "lookup/example.com/n@v1.0.0"])
      expect(await outcome(offline.serve(`${NAME}/${path}`))).toBe(
        `not-found: ${NAME}/${path} is not stored here, and nobody is asked`,
      );
    expect(await outcome(proxy.serve(`${NAME}/tile/8/0/001`, { storedOnly: true }))).toMatch(/^not-found: .* nobody/);
  });

  test("what is not proved is refused and not kept, and asked again", async () => {
    const database = made();
    const server = await serving(database);
    const { proxy, offline } = await proxyOf(...throughProxy(server, database));
    const serve = (rest: string): Promise<string> => outcome(proxy.serve(rest));
    const bent: [string, RegExp, string][] = [
      ["lookup/example.com/!m@v1.0.0", /lookup/, "200 "],
      ["tile/8/0/001", /tile.8.0.001$/, "200 8192 for ever"],
      ["tile/8/data/000.p/5", /data/, "200 "],
    ];
    for (const [path, which, good] of bent) {
      database.bend((asked, bytes) => {
        if (!bytes || !which.test(asked)) return bytes;
        return Buffer.from(bytes.map((byte, n) => (n === 40 ? byte ^ 1 : byte)));
      });
      expect([path, await serve(`${NAME}/${path}`)]).toEqual([
        path,
        expect.stringMatching(/^unavailable: what sum.example.test.db says could not be proved/),
      ]);
      database.bend(undefined);
      expect(await outcome(offline.serve(`${NAME}/${path}`)), path).toMatch(/not stored here/);
      expect((await serve(`${NAME}/${path}`)).slice(0, good.length), path).toBe(good);
    }
  });

  test("what is not there, or is no question, is passed on or refused", async () => {
    const database = made();
    const server = await serving(database);
    const { proxy } = await proxyOf(...throughProxy(server, database));
    const serve = (rest: string): Promise<string> => outcome(proxy.serve(rest));
    for (let n = 0; n < 2; n++)
      expect(await serve(`${NAME}/lookup/example.com/none@v1.0.0`)).toBe(
        "404 not found: lookup/example.com/none@v1.0.0",
      );
    expect(server.asked.filter((path) => path.includes("none"))).toHaveLength(2);
    const asked = server.asked.length;
    expect(await serve(`${NAME}/lookup/example.com/m@main`)).toMatch(/^invalid: .*canonical versions only, not main$/);
    expect(await serve(`${NAME}/lookup/example.com/M@v1.0.0`)).toMatch(/^invalid: invalid escaped module path/);
    expect(await serve(`${NAME}/lookup/example.com`)).toBe("invalid: a lookup is of MODULE@VERSION");
    for (const rest of [`${NAME}/`, `${NAME}/tile/8/0/../../x`, `${NAME}/tile/8/0/1`, `${NAME}/%zz`])
      expect(await serve(rest), rest).toMatch(/^not-found: /);
    for (const rest of ["other.example/supported", "sum.example.test/supported", "", NAME])
      expect(await serve(rest), rest).toBe("not-found: this checksum database is not proxied here (GOKURA_SUMDB)");
    expect(server.asked).toHaveLength(asked);
  });

  test("a tile of a head that we have not heard of is passed on, and not kept", async () => {
    const database = made();
    const server = await serving(database);
    const { proxy, offline } = await proxyOf(...throughProxy(server, database));
    expect(await outcome(proxy.serve(`${NAME}/latest`))).toMatch(/^200/);
    database.grow(10); // a client may have learned of it elsewhere
    expect(await outcome(proxy.serve(`${NAME}/tile/8/0/002.p/198`))).toBe("200 6336 60");
    expect(await outcome(offline.serve(`${NAME}/tile/8/0/002.p/198`))).toMatch(/not stored here/);
  });

  test("a restored backup of PostgreSQL that knows an older head is no trouble: the newer one is learned again", async () => {
    const database = made();
    const server = await serving(database);
    const { proxy } = await proxyOf(...throughProxy(server, database));
    const { pool } = registry.database;
    const older = await database.head();
    database.grow(10);
    expect(await outcome(proxy.serve(`${NAME}/latest`))).toMatch(/^200/);
    await pool.query("DELETE FROM trusted_head WHERE verifier_key = $1", [database.verifierKey]);
    await pool.query("INSERT INTO trusted_head (verifier_key, size, note) VALUES ($1, 700, $2)", [
      database.verifierKey,
      older,
    ]);
    database.add("example.com/N", "v1.0.0", SUMS);
    expect(await outcome(proxy.serve(`${NAME}/lookup/example.com/!n@v1.0.0`))).toMatch(/^200/);
    const { rows } = await pool.query("SELECT size::int FROM trusted_head WHERE verifier_key = $1", [
      database.verifierKey,
    ]);
    expect(rows).toEqual([{ size: 711 }]);
  });

  test("names of ours are told to nobody", async () => {
    const database = made();
    const server = await serving(database);
    const { proxy } = await proxyOf(...throughProxy(server, database), { mayAsk: (path) => path !== "example.com/M" });
    expect(await outcome(proxy.serve(`${NAME}/lookup/example.com/!m@v1.0.0`))).toMatch(/^not-found: .*own database/);
    expect(server.asked).toEqual([]);
  });

  test("many at once cost one question", async () => {
    const database = made();
    const server = await serving(database);
    const { proxy } = await proxyOf(...throughProxy(server, database));
    const all = await Promise.all(
      Array.from({ length: 50 }, () => outcome(proxy.serve(`${NAME}/lookup/example.com/!m@v1.0.0`))),
    );
    expect(new Set(all).size).toBe(1);
    expect(server.asked.filter((path) => path.includes("lookup"))).toHaveLength(1);
  });

  test("the way there is the go command's: past proxies that have not got it, to the URL that was given", async () => {
    const database = made();
    const a = await fakeUpstream((_, res) => res.writeHead(404).end());
    const [b, own] = [await serving(database), await serving(database)];
    const down = await fakeUpstream((_, res) => res.writeHead(500).end());
    const asked = async (list: string, spelled = database.verifierKey): Promise<string> => {
      const proxied = await proxyOf(parseUpstreams(list), parseSumDatabases(spelled));
      const said = await outcome(proxied.proxy.serve(`${NAME}/latest`));
      const servers = Object.entries({ a, b, own, down });
      const counts = servers.map(([name, one]) => {
        const paths = one.asked.splice(0);
        return `${name}${paths.filter((path) => !path.includes("tile/")).length}`;
      });
      return `${said.split(" ")[0]} ${counts.join(" ")}`;
    };
    expect(await asked(`${a.url},${b.url}`)).toBe("200 a1 b2 own0 down0");
    expect(await asked(`${down.url}|${b.url}`)).toBe("200 a0 b2 own0 down1");
    const other = made().verifierKey; // no head of it is known
    expect(await asked(`${down.url},${b.url}`, other)).toBe("unavailable: a0 b0 own0 down1");
    expect(await asked(`${a.url},direct`, other)).toBe("unavailable: a1 b0 own0 down0"); // https://sum.example.test is nobody
    expect(await asked(`${b.url}`, `${database.verifierKey} ${own.url}`)).toBe("200 a0 b0 own1 down0");
  });

  test("/latest is asked again after a minute, and an old tree is better than none", async () => {
    let up = true;
    let clock = 0;
    const database = made();
    const server = await fakeUpstream((req, res) => (up ? void database.handle(req, res) : void res.destroy()));
    const { proxy } = await proxyOf(...throughProxy(server, database), { now: () => clock });
    const latest = (): Promise<string> => outcome(proxy.serve(`${NAME}/latest`));
    const count = (): number => server.asked.filter((path) => path.endsWith("latest")).length;
    const fine = await latest();
    expect(fine).toMatch(/^200 /);
    clock += 59_000;
    expect([await latest(), count()]).toEqual([fine, 1]);
    clock += 2_000;
    expect([await latest(), count()]).toEqual([fine, 2]);
    up = false;
    clock += 61_000;
    expect(await latest()).toBe(fine);
    expect(count()).toBeGreaterThan(2);
    expect(await outcome(proxy.serve(`${NAME}/tile/8/0/001`))).toBe("unavailable: HOST: the connection broke off");
  });
});

/** The proxies of this machine that pass the public database on. */
async function realUpstreams(): Promise<UpstreamList | undefined> {
  try {
    const list = parseUpstreams(execFileSync("go", ["env", "GOPROXY"], { encoding: "utf8" }).trim());
    const [first] = list;
    if (first?.kind !== "proxy") return undefined;
    const client = clientOf(list);
    const path = `sumdb/${PUBLIC_DATABASE.name}/supported`;
    const answer = await client.ask(first, path, {
      maxBytes: 1000,
      firstByteTimeoutMs: 5_000,
      connectTimeoutMs: 5_000,
    });
    if (answer.kind !== "found") return undefined;
    answer.body.resume();
    return list;
  } catch {
    return undefined;
  }
}

const real = await realUpstreams();

describe.skipIf(real === undefined)("the public database (skipped where GOPROXY does not pass it on)", () => {
  test("go mod download verifies through us, and again with nobody to ask", async () => {
    const client = clientOf(real!);
    const { proxy, offline } = await proxyOf(real!, [PUBLIC_DATABASE]);
    let sumdb = proxy;
    const modules = new Map<string, Buffer>();
    const failures: string[] = [];
    const statuses: string[] = [];
    const serve = async (url: string): Promise<Buffer | undefined> => {
      if (url.startsWith("/sumdb/")) {
        const answer = await sumdb.serve(url.slice("/sumdb/".length));
        statuses.push(url);
        return answer.kind === "found" ? answer.bytes : undefined;
      }
      const path = decodeURIComponent(url).slice(1);
      const kept = modules.get(path);
      if (kept || sumdb === offline) return kept;
      const answer = await client.fetch(parseGoPath(path), { maxBytes: 100_000_000 });
      if (answer.kind === "absent") return undefined;
      const bytes = await bytesOf(answer.body);
      modules.set(path, bytes);
      return bytes;
    };
    const server = await fakeUpstream((req, res) => {
      void serve(req.url ?? "").then(
        (bytes) => (bytes ? res.end(bytes) : res.writeHead(404).end()),
        (error: Error) => {
          if (req.url?.startsWith("/sumdb/")) failures.push(`${req.url}: ${error.message}`);
          res.writeHead(error instanceof Failure && error.kind === "not-found" ? 404 : 503).end(error.message);
        },
      );
    });
    const env = { GOPROXY: server.url, GONOSUMDB: "", GOFLAGS: "-modcacherw" };
    const download = async (): Promise<string[]> => {
      const go = goCommand(env);
      await go.must("get", "rsc.io/quote@v1.5.2", "golang.org/x/text@v0.14.0");
      await go.must("mod", "download", "all");
      return [await go.must("mod", "verify")];
    };
    expect(await download()).toEqual([expect.stringMatching(/all modules verified/)]);
    expect(statuses.some((url) => url.includes("/lookup/"))).toBe(true);
    expect(statuses.some((url) => url.includes("/tile/"))).toBe(true);
    expect(failures).toEqual([]);
    sumdb = offline;
    expect(await download()).toEqual([expect.stringMatching(/all modules verified/)]);
    expect(failures).toEqual([]);
  });
});

test("the way to a database that was found is used while it is looked for again, and when that fails", async () => {
  let now = Date.now();
  const found = await fakeUpstream();
  const base = `sumdb/${NAME}`;
  found.on(`${base}/supported`, "");
  found.on(`${base}/latest`, "a head");
  const source = createDatabaseSource(clientOf(parseUpstreams(found.url)), () => now);
  const [database] = parseSumDatabases(makeDatabase(NAME).verifierKey);
  const latest = async (): Promise<string> => String(await source.ask(database!, "latest", 100));
  expect(await latest()).toBe("a head");
  now += 11 * 60_000;
  const held: (() => void)[] = [];
  found.on(`${base}/supported`, (_req, res) => held.push(() => res.writeHead(500).end()));
  expect(await latest()).toBe("a head");
  await expect.poll(() => held.length).toBe(1);
  expect(await latest()).toBe("a head"); // nobody waits for the one who looks
  held[0]!();
  await expect.poll(() => found.open()).toBe(0);
  expect(await latest()).toBe("a head");
});
