// Checksum databases through us: the real one, where this machine can reach it, with the real go command, then without it;
// and made ones that misbehave.
import { execFileSync } from "node:child_process";
import { createHash, generateKeyPairSync } from "node:crypto";
import { describe, expect, test } from "vitest";
import { Failure } from "../../src/errors.ts";
import { parseGoPath } from "../../src/gomod/proxy-path.ts";
import { openDiskBlobs } from "../../src/storage/disk-blobs.ts";
import { PUBLIC_DATABASE, parseSumDatabases, type SumDatabase } from "../../src/sumdb/database-name.ts";
import { createLog } from "../../src/telemetry/log.ts";
import { bytesOf } from "../../src/upstream/bounded-body.ts";
import { openHttp } from "../../src/upstream/guarded-http.ts";
import { hostsNamedIn, OFF, parseUpstreams, type UpstreamList } from "../../src/upstream/policy.ts";
import { createSumdbProxy, type SumdbAnswer, type SumdbProxy } from "../../src/upstream/sumdb-proxy.ts";
import { createUpstreamClient, type UpstreamClient } from "../../src/upstream/upstream-client.ts";
import { type FakeUpstream, fakeUpstream, type Handler } from "../support/fake-upstream.ts";
import { goCommand } from "../support/go.ts";
import { temporary } from "../support/temporary.ts";

const log = createLog("silent");

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
  const parts = { databases, blobs, mayAsk: () => true, ...more };
  return {
    proxy: createSumdbProxy({ ...parts, client: clientOf(list, databases) }),
    offline: createSumdbProxy({ ...parts, client: clientOf(OFF) }),
  };
}

function verifierKey(name: string): string {
  const der = generateKeyPairSync("ed25519").publicKey.export({ format: "der", type: "spki" });
  const key = Buffer.concat([Buffer.of(1), der.subarray(-32)]);
  const hash = createHash("sha256").update(`${name}\n`).update(key).digest("hex").slice(0, 8);
  return `${name}+${hash}+${key.toString("base64")}`;
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
const NOTE = `go.sum database tree\n700\n${"A".repeat(43)}=\n\n\u2014 ${NAME} abcd=\n`;
const RECORD = `3\nexample.com/M v1.0.0 h1:x=\nexample.com/M v1.0.0/go.mod h1:y=\n\n${NOTE}`;

/** A database of 700 records, whose hashes are made up. */
const database: Handler = (req, res) => {
  const path = decodeURIComponent(req.url ?? "").replace(/^.*?(?=lookup|tile|latest|supported)/, "");
  const width = /\.p\/(\d+)$/.exec(path)?.[1];
  if (path === "supported") res.end();
  else if (path === "latest") res.end(NOTE);
  else if (path === "lookup/example.com/!m@v1.0.0") res.end(RECORD);
  else if (path.startsWith("lookup/example.com/wrong@")) res.end(RECORD);
  else if (path.startsWith("tile/8/0/000") || path.startsWith("tile/8/0/001") || path === "tile/8/0/002.p/188")
    res.end(Buffer.alloc(32 * Number(width ?? 256), 9));
  else if (path.startsWith("tile/8/0/003")) res.end("short");
  else res.writeHead(404, { "Content-Type": "text/plain; charset=utf-8" }).end("not found: no such thing\n");
};

const throughProxy = (server: FakeUpstream): [UpstreamList, SumDatabase[]] => [
  parseUpstreams(`${server.url}/go,direct`),
  parseSumDatabases(verifierKey(NAME)),
];

describe("a made database", () => {
  test("through a proxy of the list: one question for each thing, and none when it is stored", async () => {
    const server = await fakeUpstream(database);
    const { proxy, offline } = await proxyOf(...throughProxy(server));
    const paths = ["supported", "lookup/example.com/%21m@v1.0.0", "latest", "tile/8/0/000", "tile/8/0/002.p/188"];
    const wanted = ["200 0 60", "200 157 for ever", "200 81 60", "200 8192 for ever", "200 6016 for ever"];
    const ask = (one: SumdbProxy): Promise<string[]> =>
      Promise.all(paths.map((path) => outcome(one.serve(`${NAME}/${path}`))));
    expect((await ask(proxy)).map(shape)).toEqual(wanted.map(shape));
    expect(server.targets.toSorted()).toEqual(
      [
        `/go/sumdb/${NAME}/latest`,
        `/go/sumdb/${NAME}/lookup/example.com/%21m@v1.0.0`,
        `/go/sumdb/${NAME}/supported`,
        `/go/sumdb/${NAME}/tile/8/0/000`,
        `/go/sumdb/${NAME}/tile/8/0/002.p/188`,
      ].toSorted(),
    );
    server.asked.length = 0;
    expect((await ask(proxy)).map(shape)).toEqual(wanted.map(shape));
    expect((await ask(offline)).map(shape)).toEqual(wanted.map(shape));
    expect(server.asked).toEqual([]);
    const record = await offline.serve(`${NAME}/lookup/example.com/!m@v1.0.0`);
    expect(record.kind === "found" && record.bytes.toString()).toBe(RECORD);

    // The beginning of a stored tile answers a narrower one; what is not stored is not there.
    expect(await outcome(offline.serve(`${NAME}/tile/8/0/000.p/10`))).toBe("200 320 for ever");
    expect(await outcome(offline.serve(`${NAME}/tile/8/0/002.p/187`))).toBe("200 5984 for ever");
    for (const path of ["tile/8/0/002.p/189", "tile/8/0/002", "tile/8/0/001", "lookup/example.com/n@v1.0.0"])
      expect(await outcome(offline.serve(`${NAME}/${path}`))).toBe(
        `not-found: ${NAME}/${path} is not stored here, and nobody is asked`,
      );
    expect(await outcome(proxy.serve(`${NAME}/tile/8/0/001`, { storedOnly: true }))).toMatch(/^not-found: .* nobody/);
  });

  const shape = (text: string): string => text.replace(/^200 (157|81|\d{2,3}) /, "200 n ");

  test("what is not there, or is not what was asked, is passed on or refused, and not stored", async () => {
    const server = await fakeUpstream(database);
    const { proxy } = await proxyOf(...throughProxy(server));
    const serve = (rest: string): Promise<string> => outcome(proxy.serve(rest));
    expect(await serve(`${NAME}/lookup/example.com/none@v1.0.0`)).toBe("404 not found: no such thing");
    expect(await serve(`${NAME}/lookup/example.com/none@v1.0.0`)).toBe("404 not found: no such thing");
    expect(server.asked.filter((path) => path.includes("none"))).toHaveLength(2);
    for (const path of ["lookup/example.com/wrong@v1.0.0", "tile/8/0/003", "tile/8/0/003.p/7"])
      expect(await serve(`${NAME}/${path}`)).toBe(
        `unavailable: HOST/go answered something else than ${NAME} would to /${path}`,
      );
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

  test("names of ours are told to nobody", async () => {
    const server = await fakeUpstream(database);
    const { proxy } = await proxyOf(...throughProxy(server), { mayAsk: (path) => path !== "example.com/M" });
    expect(await outcome(proxy.serve(`${NAME}/lookup/example.com/!m@v1.0.0`))).toMatch(/^not-found: .*set GONOSUMDB/);
    expect(server.asked).toEqual([]);
  });

  test("many at once cost one question", async () => {
    const server = await fakeUpstream(database);
    const { proxy } = await proxyOf(...throughProxy(server));
    const all = await Promise.all(Array.from({ length: 50 }, () => outcome(proxy.serve(`${NAME}/tile/8/0/000`))));
    expect(new Set(all)).toEqual(new Set(["200 8192 for ever"]));
    expect(server.asked).toHaveLength(2);
  });

  test("the way there is the go command's: past proxies that have not got it, to the URL that was given", async () => {
    const [a, b, own] = [
      await fakeUpstream((_, res) => res.writeHead(404).end()),
      await fakeUpstream(database),
      await fakeUpstream(database),
    ];
    const down = await fakeUpstream((_, res) => res.writeHead(500).end());
    const asked = async (list: string, spelled = verifierKey(NAME)): Promise<string> => {
      const made = await proxyOf(parseUpstreams(list), parseSumDatabases(spelled));
      const said = await outcome(made.proxy.serve(`${NAME}/tile/8/0/000`));
      const servers = Object.entries({ a, b, own, down });
      return `${said.split(" ")[0]} ${servers.map(([name, one]) => `${name}${one.asked.splice(0).length}`).join(" ")}`;
    };
    expect(await asked(`${a.url},${b.url}`)).toBe("200 a1 b2 own0 down0");
    expect(await asked(`${down.url}|${b.url}`)).toBe("200 a0 b2 own0 down1");
    expect(await asked(`${down.url},${b.url}`)).toBe("unavailable: a0 b0 own0 down1");
    expect(await asked(`${a.url},direct`)).toBe("unavailable: a1 b0 own0 down0"); // https://sum.example.test is nobody
    expect(await asked(`${b.url}`, `${verifierKey(NAME)} ${own.url}`)).toBe("200 a0 b0 own1 down0");
  });

  test("/latest is asked again after a minute, and an old tree is better than none", async () => {
    let up = true;
    let clock = 0;
    const server = await fakeUpstream((req, res) => (up ? database(req, res) : void res.destroy()));
    const { proxy } = await proxyOf(...throughProxy(server), { now: () => clock });
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
