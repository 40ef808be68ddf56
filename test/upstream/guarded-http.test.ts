// Servers that misbehave, and addresses that nobody may be led to.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { setTimeout as delay, setImmediate as everybodysTurn } from "node:timers/promises";
import { gzipSync } from "node:zlib";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { Failure } from "../../src/errors.ts";
import { ensureSelfSigned } from "../../src/http/self-signed-certificate.ts";
import { openHttp } from "../../src/upstream/guarded-http.ts";
import type { GetOptions } from "../../src/upstream/http-bounds.ts";
import { type FakeUpstream, fakeUpstream, type Handler } from "../support/fake-upstream.ts";
import { temporary } from "../support/temporary.ts";

const MAX = 100_000;

async function textOf(body: Readable): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of body) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("latin1");
}

/** GETs from a server that was named by the administrator, and reads all. */
async function read(server: FakeUpstream, path = "/", options: Partial<GetOptions> = {}) {
  const http = openHttp({ allowNetworks: [], trustedHosts: new Set([server.host]) });
  const { status, body, finalUrl } = await http.get(`${server.url}${path}`, { maxBytes: MAX, ...options });
  const text = await textOf(body);
  http.close();
  return { status, text, finalUrl };
}

/** How a GET fails: kind and message with the host as HOST. */
async function failure(server: FakeUpstream, path = "/", options: Partial<GetOptions> = {}): Promise<string> {
  try {
    await read(server, path, options);
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    return `${error.kind}: ${error.message.replaceAll(server.host, "HOST")}`;
  }
  return "success";
}

const answering = (handler: Handler): Promise<FakeUpstream> => fakeUpstream(handler);

describe("what is read", () => {
  test("a body, as it is or compressed, with any status", async () => {
    const server = await answering((req, res) => {
      const zipped = req.url === "/gzip";
      res.writeHead(req.url === "/404" ? 404 : 200, zipped ? { "Content-Encoding": "gzip" } : {});
      res.end(zipped ? gzipSync("hello ".repeat(1000)) : "plain");
    });
    expect(await read(server)).toEqual({ status: 200, text: "plain", finalUrl: `${server.url}/` });
    expect(await read(server, "/404")).toMatchObject({ status: 404, text: "plain" });
    expect((await read(server, "/gzip")).text).toBe("hello ".repeat(1000));
  });

  test("an answer that is none: nothing, nonsense, a connection that closes, an encoding that nobody asked for", async () => {
    const server = await answering((req, res) => {
      if (req.url === "/closed") res.destroy();
      if (req.url === "/nonsense") res.socket?.end("220 smtp.example ESMTP\r\n");
      if (req.url === "/br") res.writeHead(200, { "Content-Encoding": "br" }).end("x");
      if (req.url === "/br404") res.writeHead(404, { "Content-Encoding": "br" }).end("x");
      if (req.url === "/gzip") res.writeHead(200, { "Content-Encoding": "gzip" }).end("x".repeat(100));
      if (req.url === "/half")
        res.writeHead(200, { "Content-Encoding": "gzip" }).end(gzipSync("x".repeat(9e4)).subarray(0, 60));
    });
    expect(await failure(server, "/closed")).toBe("unavailable: HOST: the connection broke off");
    expect(await failure(server, "/nonsense")).toBe("unavailable: HOST: what it answers is not HTTP");
    expect(await failure(server, "/br")).toBe("unavailable: HOST: an answer in an encoding that nobody asked for");
    expect(await failure(server, "/gzip")).toBe("unavailable: HOST: the compressed answer is damaged");
    expect(await failure(server, "/half")).toBe("unavailable: HOST: the compressed answer broke off");
    const http = openHttp({ allowNetworks: [], trustedHosts: new Set([server.host]) });
    const { status, body } = await http.get(`${server.url}/br404`, { maxBytes: MAX });
    expect(status).toBe(404);
    await expect(textOf(body)).rejects.toMatchObject({ kind: "unavailable" });
  });

  test("an answer that changes the protocol is none, and nobody waits for another", async () => {
    const server = await answering((_req, res) => {
      res.socket!.write("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n");
    });
    expect(await failure(server)).toBe("unavailable: HOST: the connection broke off");
    const http = openHttp({ allowNetworks: [], trustedHosts: new Set([server.host]) });
    await expect(http.post(server.url, Buffer.from("x"), { maxBytes: MAX })).rejects.toMatchObject({
      kind: "unavailable",
    });
    http.close();
  });

  test("a body that is cut off: fewer bytes than promised, a chunk that never ends", async () => {
    const server = await answering((req, res) => {
      if (req.url === "/length") res.writeHead(200, { "Content-Length": "1000" });
      res.write("x".repeat(500), () => res.destroy());
    });
    expect(await failure(server, "/length")).toBe("unavailable: HOST: the connection broke off");
    expect(await failure(server, "/chunked")).toBe("unavailable: HOST: the connection broke off");
  });

  test("more bytes than promised are not read", async () => {
    const server = await answering((_, res) => {
      res.socket?.end("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello, and more");
    });
    expect((await read(server)).text).toBe("hello");
  });
});

describe("bounds", () => {
  test("bytes: promised, endless, compressed", async () => {
    const zeros = Buffer.alloc(64 * 1024);
    const bomb = gzipSync(Buffer.alloc(50 * 1024 * 1024));
    const empty = gzipSync("");
    let written = 0;
    const server = await answering((req, res) => {
      if (req.url === "/promised") res.writeHead(200, { "Content-Length": String(10 * 1024 ** 3) }).flushHeaders();
      else if (req.url === "/bomb") res.writeHead(200, { "Content-Encoding": "gzip" }).end(bomb);
      else {
        if (req.url === "/empties") res.writeHead(200, { "Content-Encoding": "gzip" });
        const piece = req.url === "/empties" ? Buffer.concat(Array<Buffer>(1000).fill(empty)) : zeros;
        const more = (): void => {
          written += piece.length;
          if (!res.destroyed && written < 10 * 1024 ** 3) res.write(piece, more);
        };
        more();
      }
    });
    const tooLarge = `too-large: HOST sends more than the ${MAX} bytes allowed`;
    expect(await failure(server, "/promised")).toBe(tooLarge);
    expect(await failure(server, "/endless")).toBe(tooLarge);
    expect(await failure(server, "/bomb")).toBe(tooLarge);
    expect(await failure(server, "/empties")).toBe(tooLarge);
    expect(written).toBeLessThan(64 * 1024 * 1024);
  });

  test("time: no answer, nothing more, drop by drop", async () => {
    const server = await answering((req, res) => {
      if (req.url === "/hang") return;
      res.write("x");
      if (req.url === "/drip") {
        const timer = setInterval(() => res.write("x"), 20);
        res.once("close", () => clearInterval(timer));
      }
    });
    expect(await failure(server, "/hang", { firstByteTimeoutMs: 100 })).toBe(
      "unavailable: HOST: no answer within 0.1 s",
    );
    expect(await failure(server, "/stop", { idleTimeoutMs: 100 })).toBe("unavailable: HOST: nothing more within 0.1 s");
    expect(await failure(server, "/drip", { idleTimeoutMs: 30_000, totalTimeoutMs: 300 })).toBe(
      "unavailable: HOST: the whole was not there within 0.3 s",
    );
    await expect.poll(() => server.open()).toBe(0);
  });

  test("a reader who takes his time is not the upstream's fault", async () => {
    const server = await answering((_, res) => res.end("x".repeat(90_000)));
    const http = openHttp({ allowNetworks: [], trustedHosts: new Set([server.host]) });
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    onTestFinished(() => void vi.useRealTimers());
    const { body } = await http.get(server.url, { maxBytes: MAX, idleTimeoutMs: 60 });
    while (body.readableLength === 0) await everybodysTurn();
    await vi.advanceTimersByTimeAsync(10_000);
    expect((await textOf(body)).length).toBe(90_000);
  });

  test("no connection: refused, no such name, nobody at home", async () => {
    const http = openHttp({ allowNetworks: ["192.0.2.0/24"], trustedHosts: new Set(["127.0.0.1:1", "192.0.2.1"]) });
    const get = (url: string): Promise<unknown> => http.get(url, { maxBytes: 1, connectTimeoutMs: 300 });
    await expect(get("http://127.0.0.1:1/")).rejects.toThrow("127.0.0.1:1: the connection is refused");
    await expect(get("http://no-such-host.invalid/")).rejects.toThrow(/^no-such-host\.invalid: the name/);
    await expect(get("http://192.0.2.1/")).rejects.toMatchObject({ kind: "unavailable" });
  });

  test("a signal ends it before and within the body, with its reason", async () => {
    let stop = new AbortController();
    const gone = new Error("the client is gone");
    const server = await answering((req, res) => {
      if (req.url === "/body") res.write("x");
      else stop.abort(gone);
    });
    await expect(read(server, "/hang", { signal: stop.signal })).rejects.toThrow(gone);
    stop = new AbortController();
    const http = openHttp({ allowNetworks: [], trustedHosts: new Set([server.host]) });
    const { body } = await http.get(`${server.url}/body`, { maxBytes: MAX, signal: stop.signal });
    const reading = textOf(body);
    stop.abort(gone);
    await expect(reading).rejects.toThrow(gone);
    await expect(read(server, "/", { signal: AbortSignal.abort(new Error("before")) })).rejects.toThrow("before");
  });
});

describe("addresses", () => {
  const guarded = openHttp({ allowNetworks: [], trustedHosts: new Set() });
  const message = (host: string): string =>
    `${host}: its address is in a network that may not be asked (GOKURA_ALLOW_PRIVATE_NETWORKS)`;

  test.each([
    ["http://127.0.0.1:PORT/", "127.0.0.1:PORT"],
    ["http://localhost:PORT/", "localhost:PORT"],
    ["http://2130706433:PORT/", "127.0.0.1:PORT"],
    ["http://0x7f.1:PORT/", "127.0.0.1:PORT"],
    ["http://0:PORT/", "0.0.0.0:PORT"],
    ["http://[::1]:PORT/", "[::1]:PORT"],
    ["http://[::ffff:127.0.0.1]:PORT/", "[::ffff:7f00:1]:PORT"],
    ["http://[64:ff9b::7f00:1]:PORT/", "[64:ff9b::7f00:1]:PORT"],
    ["https://169.254.169.254/latest/meta-data", "169.254.169.254"],
  ])("%s is refused", async (url, host) => {
    const server = await answering((_, res) => res.end("secret"));
    const port = String(server.port);
    await expect(guarded.get(url.replace("PORT", port), { maxBytes: MAX })).rejects.toThrow(
      expect.objectContaining({ kind: "unavailable", message: message(host.replace("PORT", port)) }),
    );
    await expect(guarded.addressesOf(url.replace("PORT", port))).rejects.toThrow(/may not be asked/);
    expect(server.asked).toEqual([]);
  });

  test("other schemes are refused", async () => {
    for (const url of ["file:///etc/passwd", "ftp://a.example/", "gopher://a.example/"])
      await expect(guarded.get(url, { maxBytes: MAX })).rejects.toThrow(/is neither http nor https$/);
  });

  test("allowed networks hold for names and numbers, on every port", async () => {
    const http = openHttp({ allowNetworks: ["127.0.0.0/8", "::1"], trustedHosts: new Set() });
    const server = await answering((_, res) => res.end("hello"));
    for (const host of ["127.0.0.1", "localhost"])
      expect(await textOf((await http.get(`http://${host}:${server.port}/`, { maxBytes: MAX })).body)).toBe("hello");
    expect(await http.addressesOf(server.url)).toEqual(["127.0.0.1"]);
  });

  test("a redirect to a private address is refused, whoever sends it", async () => {
    const inner = await answering((_, res) => res.end("secret"));
    const server = await answering((req, res) =>
      res.writeHead(302, { Location: req.url === "/name" ? `http://localhost:${inner.port}/` : inner.url }).end(),
    );
    await expect(read(server, "/number")).rejects.toThrow(message(inner.host));
    await expect(read(server, "/name")).rejects.toThrow(message(`localhost:${inner.port}`));
    expect(inner.asked).toEqual([]);
  });
});

describe("redirects", () => {
  test("are followed ten times, and no more", async () => {
    const server = await answering((req, res) => {
      const left = Number(req.url?.slice(1));
      if (left === 0) res.end("there");
      else res.writeHead([301, 302, 303, 307, 308][left % 5]!, { Location: String(left - 1) }).end();
    });
    expect(await read(server, "/10")).toMatchObject({ text: "there", finalUrl: `${server.url}/0` });
    expect(await failure(server, "/11")).toBe("unavailable: HOST: more than 10 redirects");
    const loop = await answering((_, res) => res.writeHead(302, { Location: "/" }).end());
    expect(await failure(loop)).toBe("unavailable: HOST: more than 10 redirects");
    expect(loop.asked).toHaveLength(11);
  });

  test("keep credentials on their host, lose them on another, and never leave https", async () => {
    const directory = temporary("guarded");
    const tls = await ensureSelfSigned(directory, ["127.0.0.1"]);
    const caFile = join(directory, "own-ca.pem");
    writeFileSync(caFile, tls.cert);
    const seen: (string | undefined)[] = [];
    const see: Handler = (req, res) => {
      seen.push(req.headers.authorization);
      res.end("seen");
    };
    const other = await fakeUpstream(see, { tls });
    const plain = await fakeUpstream(see);
    const server = await fakeUpstream(
      (req, res) => {
        const to = { "/same": "/end", "/other": `https://x:y@${other.host}/`, "/plain": plain.url }[req.url ?? ""];
        if (to === undefined) see(req, res);
        else res.writeHead(302, { Location: to }).end();
      },
      { tls },
    );
    const http = openHttp({ allowNetworks: ["127.0.0.1"], trustedHosts: new Set(), caFile });
    const get = async (path: string): Promise<string> => {
      const headers = { Authorization: "Basic c2VjcmV0" };
      return await textOf((await http.get(`${server.url}${path}`, { maxBytes: MAX, headers })).body);
    };
    expect([await get("/same"), await get("/other")]).toEqual(["seen", "seen"]);
    expect(seen).toEqual(["Basic c2VjcmV0", undefined]);
    await expect(get("/plain")).rejects.toThrow(`${server.host}: a redirect from https to http, which is refused`);
    expect(plain.asked).toEqual([]);

    const without = openHttp({ allowNetworks: ["127.0.0.1"], trustedHosts: new Set() });
    await expect(without.get(server.url, { maxBytes: MAX })).rejects.toThrow(
      /its certificate is not good \(DEPTH_ZERO/,
    );
  });
});

test("a POST brings its body, whatever the status of the answer, and goes nowhere else", async () => {
  const server = await answering((req, res) => {
    res.writeHead(req.url === "/elsewhere" ? 307 : 202, { Location: "/other" });
    res.write(`${req.method} ${req.url} ${req.headers["content-length"]} `);
    req.pipe(res);
  });
  const http = openHttp({ allowNetworks: [], trustedHosts: new Set([server.host]) });
  for (const [path, status] of [
    ["/hook", 202],
    ["/elsewhere", 307],
  ] as const) {
    const answer = await http.post(server.url + path, Buffer.from("hello"), { maxBytes: MAX });
    expect(answer.status).toBe(status);
    expect(await textOf(answer.body)).toBe(`POST ${path} 5 hello`);
  }
  const guarded = openHttp({ allowNetworks: [], trustedHosts: new Set() });
  await expect(guarded.post(server.url, Buffer.from("x"), { maxBytes: MAX })).rejects.toThrow(/may not be asked/);
});

test("a kept connection that the server closed meanwhile costs a new one, not an error", async () => {
  const server = await answering((_, res) => {
    const { socket } = res;
    res.end("x");
    setTimeout(() => socket?.destroy(), 5); // about when the next request is sent: that moment is the subject
  });
  const http = openHttp({ allowNetworks: [], trustedHosts: new Set([server.host]) });
  for (let n = 0; n < 40; n++) {
    expect(await textOf((await http.get(server.url, { maxBytes: MAX })).body)).toBe("x");
    await delay(n % 8); // before, at and after that moment
  }
});
