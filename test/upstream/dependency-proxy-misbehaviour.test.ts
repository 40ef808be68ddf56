// The world behind the instance's endpoint, with an upstream that does everything wrong. Whatever it does: an answer of ours
// is right or says what is wrong, nothing wrong is stored, and what is stored is served meanwhile.
import { randomBytes } from "node:crypto";
import { readdirSync } from "node:fs";
import http from "node:http";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { beforeAll, describe, expect, test } from "vitest";
import { eventually } from "../support/eventually.ts";
import { type FakeUpstream, fakeUpstream, zipOf } from "../support/fake-upstream.ts";
import { goCommand } from "../support/go.ts";
import { type Answer, ask, asking } from "../support/http.ts";
import { type TestServer, testServer } from "../support/server.ts";

let upstream: FakeUpstream;
let server: TestServer;
let number = 0;

const get = (path: string, headers: Record<string, string> = {}): Promise<Answer> =>
  ask(server.url, `/api/v4/packages/go/${path}`, { headers });
/** A module of its own for each case, whole and good. */
const newModule = async (files: Record<string, string | Buffer> = {}): Promise<string> => {
  const path = `example.com/m${++number}`;
  await upstream.version(path, "v1.0.0", files);
  return path;
};
const refusals = async (subject: string): Promise<string[]> => {
  const rows = await server.registry.prisma.auditEvent.findMany({ where: { action: "upstream.refused", subject } });
  return rows.map((row) => (row.detail as { reason: string }).reason);
};
const isStored = async (path: string): Promise<boolean> => (await get(`cached-only/${path}`)).status === 200;
const big = (bytes: number): Record<string, Buffer> => ({ "big.bin": randomBytes(bytes) });

/** More than what a client waits for at the beginning of a zip, and lags behind afterwards (upstream/download.ts). */
const HELD_BACK_BYTES = 1_100_000;

/** New ones for each kind of trouble. */
const begin = async (): Promise<void> => {
  upstream = await fakeUpstream();
  server = await testServer({ environment: { GOKURA_UPSTREAM: upstream.url } });
};

describe("trouble is no absence", () => {
  beforeAll(begin);

  // Side by side: each waits until its trouble is forgotten.
  test.concurrent.each([500, 502, 429, 401])("%i", async (status) => {
    const path = await newModule();
    for (const rest of ["@v/list", "@latest", "@v/v1.0.0.info", "@v/v1.0.0.mod", "@v/v1.0.0.zip"]) {
      upstream.on(`${path}/${rest}`, (_, res) => res.writeHead(status).end("no\n"));
      const answer = await get(`${path}/${rest}`);
      expect([rest, answer.status]).toEqual([rest, 503]);
      expect(answer.headers["content-type"]).toBe("text/plain; charset=utf-8");
    }
    await upstream.version(path, "v1.0.0");
    // As soon as upstream is well again: what went wrong with a path is remembered for a moment.
    const info = () => get(`${path}/@v/v1.0.0.info`);
    expect((await eventually(info, (answer) => answer.status === 200, 15_000)).status).toBe(200);
  });

  test("go does not look elsewhere for what is only out of reach, as it does for what is not there", async () => {
    const next = await fakeUpstream();
    const [failing, missing] = [await newModule(), `example.com/m${++number}`];
    for (const path of [failing, missing]) await next.version(path, "v1.0.0");
    for (const rest of ["@v/list", "@latest", "@v/v1.0.0.info", "@v/v1.0.0.mod", "@v/v1.0.0.zip"])
      upstream.on(`${failing}/${rest}`, (_, res) => res.writeHead(500).end("no\n"));
    const go = goCommand({ GOPROXY: `${server.url}/api/v4/packages/go,${next.url}` });
    for (const query of [`${failing}@v1.0.0`, `${failing}@latest`]) {
      const { status, output } = await go.run("list", "-m", query);
      expect([status, output]).toEqual([1, expect.stringContaining("503 Service Unavailable")]);
    }
    expect(next.asked).toEqual([]);
    expect(await go.must("list", "-m", `${missing}@v1.0.0`)).toBe(`${missing} v1.0.0\n`);
    expect(next.asked).not.toEqual([]);
  });

  const cuts: [string, (res: http.ServerResponse, body: Buffer) => void][] = [
    ["a truncated body", (res, body) => cut(res.writeHead(200, { "content-length": body.length }), body)],
    ["a truncated body without a length", (res, body) => cut(res.writeHead(200), body)],
  ];
  test.each(cuts)("%s", async (_, misbehave) => {
    const path = await newModule(big(3_000_000));
    for (const file of ["info", "mod", "zip"]) {
      const at = `${path}/@v/v1.0.0.${file}`;
      upstream.on(at, (__, res) => misbehave(res, Buffer.alloc(file === "zip" ? 2_000_000 : 30, " ")));
      const outcome = await get(at).then(
        ({ status }) => status,
        () => "cut off",
      );
      expect([503, "cut off"]).toContain(outcome);
      expect(await isStored(at)).toBe(false);
    }
    const { zip } = await upstream.version(path, "v1.0.0", big(3_000_000));
    expect((await get(`${path}/@v/v1.0.0.zip`)).bytes.equals(zip)).toBe(true);
  });

  test("a length that is too small", async () => {
    const path = await newModule();
    const at = `${path}/@v/v1.0.0.zip`;
    const zip = await zipOf(`${path}@v1.0.0`, big(5_000));
    upstream.on(at, (_, res) => {
      res.socket!.end(Buffer.concat([Buffer.from(`HTTP/1.1 200 OK\r\ncontent-length: 4000\r\n\r\n`), zip]));
    });
    expect([404, 503]).toContain((await get(at)).status);
    expect(await isStored(at)).toBe(false);
  });

  test("a slow drip is passed on as it comes, and stored", async () => {
    const path = await newModule();
    const at = `${path}/@v/v1.0.0.zip`;
    const zip = await zipOf(`${path}@v1.0.0`, { "go.mod": `module ${path}\n`, ...big(3_000_000) });
    upstream.on(at, async (_, res) => {
      res.writeHead(200, { "content-length": zip.length });
      for (let from = 0; from < zip.length; from += 300_000) {
        // The next piece comes when the client has the ones before, but for what is held back until it is judged.
        const keepsUp = async () => client.received() >= from - HELD_BACK_BYTES;
        if (!(await eventually(keepsUp, Boolean, 10_000))) return void res.destroy();
        res.write(zip.subarray(from, from + 300_000));
      }
      res.end();
    });
    const client = asking(server.url, `/api/v4/packages/go/${at}`);
    expect((await client.whole).bytes.equals(zip)).toBe(true);
    expect(await isStored(at)).toBe(true);
  });
});

describe("what is not what was asked for is refused, written down, and never stored", () => {
  beforeAll(begin);
  const cases: [string, string, (path: string) => string | Buffer | Promise<Buffer>, RegExp][] = [
    ["info", "another version", () => '{"Version":"v1.0.1"}', /v1\.0\.1.*instead of requested version/],
    ["info", "no JSON", () => "<html>please log in</html>", /no JSON/],
    ["info", "no version", () => "{}", /without a version/],
    ["mod", "a page", () => "<html>please log in</html>", /without a module line/],
    ["zip", "no zip", () => "<html>please log in</html>", /not a valid zip file/],
    ["zip", "nothing", () => "", /not a valid zip file/],
    [
      "zip",
      "another version's",
      (path) => zipOf(`${path}@v1.0.1`, { "go.mod": `module ${path}\n` }),
      /unexpected file/,
    ],
    [
      "zip",
      "another module's",
      () => zipOf("example.com/x@v1.0.0", { "go.mod": "module example.com/x\n" }),
      /unexpected file/,
    ],
    ["zip", "a file outside", (path) => zipOf(`${path}@v1.0.0`, { "../evil.go": "x" }), /invalid path element/],
    ["zip", "names that collide", (path) => zipOf(`${path}@v1.0.0`, { "a.go": "x", "A.go": "y" }), /collision/],
    ["zip", "a nested go.mod", (path) => zipOf(`${path}@v1.0.0`, { "sub/go.mod": "module x\n" }), /root directory/],
    [
      "zip",
      "wrong bytes in a file",
      async (path) => damaged(await zipOf(`${path}@v1.0.0`, { "a.go": "x".repeat(99) })),
      /checksum/,
    ],
    ["@v/list", "a page", () => "<html>please log in</html>\n", /no versions/],
    ["@latest", "another thing", () => '{"Version":"main"}', /cannot be a version/],
  ];
  test.each(cases)("%s: %s", async (kind, _, answer, reason) => {
    const path = await newModule();
    const at = kind.startsWith("@") ? `${path}/${kind}` : `${path}/@v/v1.0.0.${kind}`;
    upstream.on(at, await answer(path));
    const refused = await get(at);
    expect([refused.status, refused.text]).toEqual([kind === "zip" ? 404 : 503, expect.stringMatching(reason)]);
    if (kind === "zip") expect(refused.text).toMatch(new RegExp(`^unzip ${path}/@v/v1.0.0.zip: `));
    expect(await refusals(at)).toEqual([expect.stringMatching(reason)]);
    expect((await get(`cached-only/${at}`)).status).toBe(404);
    expect(readdirSync(join(server.dataDirectory, "blobs", "scratch"))).toEqual([]);
    // Asked again at once, a zip costs upstream nothing. What is small is asked for again: it may be well in a moment.
    await get(at);
    expect(upstream.count(at)).toBe(kind === "zip" ? 1 : 2);
    expect(await refusals(at)).toHaveLength(1);
  });

  test("a large bad zip is cut off before its end, for everybody who was reading", async () => {
    const path = await newModule();
    const at = `${path}/@v/v1.0.0.zip`;
    const zip = await zipOf(`${path}@v1.0.1`, big(4_000_000));
    const everybodyReads = Promise.withResolvers<void>();
    upstream.on(at, (_, res) => {
      res.writeHead(200).write(zip.subarray(0, 3_000_000));
      everybodyReads.promise.then(() => res.end(zip.subarray(3_000_000)));
    });
    const clients = Array.from({ length: 5 }, () => asking(server.url, `/api/v4/packages/go/${at}`));
    const outcomes = Promise.all(
      clients.map(({ whole }) =>
        whole.then(
          ({ status }) => status,
          () => "cut off",
        ),
      ),
    );
    await expect.poll(() => clients.every(({ received }) => received() > 0), { timeout: 10_000 }).toBe(true);
    everybodyReads.resolve();
    expect(new Set(await outcomes)).toEqual(new Set(["cut off"]));
    expect(await isStored(at)).toBe(false);
    expect(await refusals(at)).toHaveLength(1);
  });

  test("a .mod that names another module is passed on, as forks need it, but kept only together with a zip that says the same", async () => {
    const path = await newModule();
    const at = `${path}/@v/v1.0.0`;
    upstream.on(`${at}.mod`, "module example.com/original\n");
    expect((await get(`${at}.mod`)).text).toBe("module example.com/original\n");
    server.registry.memory.forget();
    expect((await server.registry.prisma.moduleVersion.findMany({ where: { module: { path } } })).length).toBe(0);
    expect((await get(`${at}.zip`)).status).toBe(404); // the zip holds another

    const fork = await newModule({ "go.mod": "module example.com/original\n" });
    expect((await get(`${fork}/@v/v1.0.0.mod`)).status).toBe(200);
    expect((await get(`${fork}/@v/v1.0.0.zip`)).status).toBe(200);
    expect(await isStored(`${fork}/@v/v1.0.0.mod`)).toBe(true);
  });

  test("more bytes than may be", async () => {
    for (const [file, length] of [
      ["zip", 10 * 1024 ** 3],
      ["mod", 20 * 1024 ** 2],
      ["info", 20 * 1024 ** 2],
    ] as const) {
      const at = `${await newModule()}/@v/v1.0.0.${file}`;
      upstream.on(at, (_, res) => res.writeHead(200, { "content-length": length }).write("x".repeat(100)));
      expect((await get(at)).status).toBe(file === "zip" ? 404 : 503);
      expect(await refusals(at)).toHaveLength(1);
    }
  });

  test("line ends that git converted make no other go.mod", async () => {
    const path = `example.com/crlf`;
    await upstream.version(path, "v1.0.0", { "go.mod": `module ${path}\r\n\r\ngo 1.20\r\n` });
    upstream.on(`${path}/@v/v1.0.0.mod`, `module ${path}\n\ngo 1.20\n`);
    expect((await get(`${path}/@v/v1.0.0.zip`)).status).toBe(200);
    expect((await get(`${path}/@v/v1.0.0.mod`)).text).toBe(`module ${path}\n\ngo 1.20\n`);
  });
});

describe("an upstream that hangs", () => {
  beforeAll(begin);

  test("while it hangs on hundreds of requests, what is stored does not wait for them; then they are told", async () => {
    const stored = await newModule();
    for (const file of ["info", "mod", "zip"]) await get(`${stored}/@v/v1.0.0.${file}`);
    const hung: http.ServerResponse[] = [];
    const waiting: Promise<Answer>[] = [];
    for (let i = 0; i < 300; i++) {
      const at = `example.com/hang${i}/@v/v1.0.0.${["info", "mod", "zip"][i % 3]}`;
      upstream.on(at, (_, res) => void hung.push(res));
      waiting.push(get(at));
    }
    await eventually(
      async () => hung.length,
      (count) => count > 5,
      5_000,
    );
    let told = 0;
    for (const one of waiting) void one.then(() => told++);
    for (let i = 0; i < 50; i++)
      for (const file of ["info", "mod", "zip"]) expect((await get(`${stored}/@v/v1.0.0.${file}`)).status).toBe(200);
    expect([told, upstream.open()]).toEqual([0, hung.length]); // all of it while upstream hangs
    const end = setInterval(() => {
      for (const res of hung.splice(0)) res.destroy();
    }, 20);
    const statuses = (await Promise.all(waiting)).map(({ status }) => status);
    clearInterval(end);
    expect(new Set(statuses)).toEqual(new Set([503]));
  });
});

describe("an upstream that wants to be followed", () => {
  beforeAll(begin);
  const files = ["info", "mod", "zip"];

  test("a redirect is followed; one that goes round is trouble, and so is one to a private address, which hears nothing", async () => {
    const inner = await fakeUpstream();
    const { zip } = await inner.version("example.com/inner", "v1.0.0");
    const [well, round, astray] = [await newModule(), await newModule(), await newModule()];
    for (const file of files) {
      for (const [path, location] of [
        [round, `/${round}/@v/v1.0.0.${file}`],
        [astray, `${inner.url}/example.com/inner/@v/v1.0.0.${file}`],
      ])
        upstream.on(`${path}/@v/v1.0.0.${file}`, (_, res) => res.writeHead(302, { location }).end());
    }
    upstream.on(`moved/${well}.zip`, await zipOf(`${well}@v1.0.0`, { "a.go": "x" }));
    upstream.on(`${well}/@v/v1.0.0.zip`, (_, res) => res.writeHead(302, { location: `/moved/${well}.zip` }).end());
    expect((await get(`${well}/@v/v1.0.0.zip`)).status).toBe(200);
    for (const file of files)
      for (const path of [round, astray]) {
        const at = `${path}/@v/v1.0.0.${file}`;
        const answer = await get(at);
        expect([at, answer.status]).toEqual([at, 503]);
        expect(answer.bytes.includes(zip.subarray(0, 100))).toBe(false);
        expect(await isStored(at)).toBe(false);
      }
    expect(inner.asked).toEqual([]);
    expect(upstream.count(`${round}/@v/v1.0.0.info`)).toBe(11);
  });
});

describe("an upstream that wants to fill us", () => {
  beforeAll(begin);

  test("bytes without end, and without a length: reading stops where a module must", async () => {
    const path = await newModule();
    const piece = Buffer.alloc(256 * 1024, " ");
    const most = { "@v/v1.0.0.info": 1, "@v/v1.0.0.mod": 16, "@v/list": 16, "@latest": 16, "@v/v1.0.0.zip": 500 };
    for (const [rest, megabytes] of Object.entries(most)) {
      let written = 0;
      const ended = Promise.withResolvers<void>();
      upstream.on(`${path}/${rest}`, (_, res) => {
        const more = (): void => {
          written += piece.length;
          if (!res.destroyed && written < 10 * 1024 ** 3) res.write(piece, more);
        };
        res.writeHead(200).once("close", ended.resolve);
        more();
      });
      expect([rest, await outcomeOf(`${path}/${rest}`)]).toEqual([rest, rest.endsWith(".zip") ? "cut off" : 503]);
      await ended.promise;
      expect([rest, written < (megabytes + 32) * 1024 ** 2]).toEqual([rest, true]);
      expect(await refusals(`${path}/${rest}`)).toHaveLength(1);
      expect(await isStored(`${path}/${rest}`)).toBe(false);
    }
    expect(readdirSync(join(server.dataDirectory, "blobs", "scratch"))).toEqual([]);
  });

  test("small bytes that unpack to large ones, by HTTP and in a zip", async () => {
    const path = await newModule();
    const packed = gzipSync(Buffer.alloc(200 * 1024 ** 2, " "));
    for (const rest of ["@v/v1.0.0.info", "@v/v1.0.0.mod", "@v/list"]) {
      upstream.on(`${path}/${rest}`, (_, res) => res.writeHead(200, { "content-encoding": "gzip" }).end(packed));
      expect([rest, (await get(`${path}/${rest}`)).status]).toEqual([rest, 503]);
      expect(await refusals(`${path}/${rest}`)).toEqual([expect.stringMatching(/more than/)]);
    }
    const zeros = Buffer.alloc(30 * 1024 ** 2);
    const declared: [bytes: number, reason: RegExp][] = [
      [600 * 1024 ** 2, /total uncompressed size of module contents too large/],
      [1_000, /checksum/],
      [5_000_000, /checksum/],
    ];
    for (const [bytes, reason] of declared) {
      const name = await newModule();
      const at = `${name}/@v/v1.0.0.zip`;
      upstream.on(at, declaring(await zipOf(`${name}@v1.0.0`, { "a.bin": zeros }), bytes));
      const answer = await get(at);
      expect([answer.status, answer.text]).toEqual([404, expect.stringMatching(reason)]);
      expect(await isStored(at)).toBe(false);
    }
  });
});

/** Sends half of a body and breaks off. */
function cut(res: http.ServerResponse, body: Buffer): void {
  res.write(body.subarray(0, body.length / 2), () => res.destroy());
}

/** The zip with one byte of its first file's content changed. */
function damaged(zip: Buffer): Buffer {
  const at = 30 + zip.readUInt16LE(26) + zip.readUInt16LE(28) + 2;
  zip[at] = zip[at]! ^ 0xff;
  return zip;
}

/** The zip of one file, whose directory declares it to be so large. */
function declaring(zip: Buffer, bytes: number): Buffer {
  for (const [signature, field] of [
    ["PK\x01\x02", 24],
    ["PK\x03\x04", 22],
  ] as const)
    zip.writeUInt32LE(bytes, zip.indexOf(signature, 0, "latin1") + field);
  return zip;
}

/** How a request ends, for one who keeps nothing of the answer. */
function outcomeOf(path: string): Promise<number | "cut off"> {
  return new Promise((resolve) => {
    const request = http.get(`${server.url}/api/v4/packages/go/${path}`, { agent: false }, (response) => {
      response.resume();
      response.once("end", () => resolve(response.complete ? response.statusCode! : "cut off"));
      response.once("error", () => resolve("cut off"));
    });
    request.once("error", () => resolve("cut off"));
  });
}
