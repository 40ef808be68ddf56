// Lists of upstreams, walked as the go command walks them: what it does with two servers is compared with what we do.
import { describe, expect, test } from "vitest";
import { Failure } from "../../src/errors.ts";
import { type GoRequest, goPathOf, parseGoPath } from "../../src/gomod/proxy-path.ts";
import { createLog } from "../../src/telemetry/log.ts";
import { bytesOf } from "../../src/upstream/bounded-body.ts";
import { openHttp } from "../../src/upstream/guarded-http.ts";
import { hostsNamedIn, type ProxyUpstream, parseUpstreams } from "../../src/upstream/policy.ts";
import { createUpstreamClient, type UpstreamClient } from "../../src/upstream/upstream-client.ts";
import { createUpstreamHealth, DOWN_MS, FAILURES_UNTIL_DOWN, MAX_HOSTS } from "../../src/upstream/upstream-health.ts";
import { type FakeUpstream, fakeUpstream, type Handler } from "../support/fake-upstream.ts";
import { goCommand } from "../support/go.ts";

const MAX = 1_000_000;
const log = createLog("silent");

function clientOf(text: string, options: Parameters<typeof createUpstreamClient>[3] = {}): UpstreamClient {
  const list = parseUpstreams(text);
  return createUpstreamClient(list, openHttp({ allowNetworks: [], trustedHosts: hostsNamedIn(list) }), log, options);
}

const INFO = parseGoPath("example.com/!m/@v/v1.0.0.info");

/** Answers as the first element of the path says: a status, `reset`, or `short` (breaks off). */
const asPathSays: Handler = (req, res) => {
  const [, name = "", how = ""] = /^\/(\w)-(\w+)\//.exec(req.url ?? "") ?? [];
  const body = Buffer.from(JSON.stringify({ Version: "v1.0.0", Time: `2020-01-0${name === "a" ? 1 : 2}T00:00:00Z` }));
  if (how === "reset") res.destroy();
  else if (how === "short") {
    res.writeHead(200, { "Content-Length": "1000" });
    res.write(body, () => res.destroy());
  } else if (how === "200") res.end(body);
  else res.writeHead(Number(how), { "Content-Type": "text/plain; charset=utf-8" }).end(`${name} says ${how}\n`);
};

const HOW = ["200", "404", "410", "500", "403", "reset", "short"];

describe("falling back is the go command's", () => {
  const lists = HOW.flatMap((a) =>
    HOW.flatMap((b) => [",", "|"].map((separator) => [`SERVER/a-${a}${separator}SERVER/b-${b}`] as const)),
  );
  const extra = [
    ["SERVER/a-404,off"],
    ["SERVER/a-500|off"],
    ["SERVER/a-500,off,SERVER/b-200"],
    ["off,SERVER/b-200"],
  ] as const;

  test("every pair of answers, after a comma and after a bar", async () => {
    const server = await fakeUpstream(asPathSays);
    // Only the .info: the go command also wants the .mod, and asks twice where a kept connection breaks.
    const asked = (): string =>
      server.targets
        .splice(0)
        .filter((path) => path.endsWith(".info"))
        .map((path) => path.slice(1, 2))
        .join("")
        .replace(/(.)\1+/g, "$1");
    const wrong: string[] = [];
    for (const [template] of [...lists, ...extra]) {
      const list = template.replaceAll("SERVER", server.url);
      const byGo = await runGo(list);
      const askedByGo = asked();
      const byUs = await runOurs(list);
      const askedByUs = asked();
      if (byGo !== byUs || askedByGo !== askedByUs)
        wrong.push(`${template}: go ${byGo} asking ${askedByGo}, we ${byUs} asking ${askedByUs}`);
    }
    expect(wrong).toEqual([]);
  });

  /** The outcome in a word: the server that has it, or the status that is told. */
  async function runGo(list: string): Promise<string> {
    const { status, output } = await goCommand({ GOPROXY: list }).run("list", "-m", "-json", "example.com/M@v1.0.0");
    if (status === 0) return /2020-01-01/.test(output) ? "a" : "b";
    return wordOf(output);
  }

  async function runOurs(list: string): Promise<string> {
    try {
      const answer = await clientOf(list).fetchBytes(INFO, { maxBytes: MAX });
      if (answer.kind === "found") return answer.bytes.includes("2020-01-01") ? "a" : "b";
      return answer.upstream === "" || list.endsWith("off") ? "nobody" : wordOf(answer.text);
    } catch (error) {
      return wordOf((error as Error).message);
    }
  }

  function wordOf(text: string): string {
    const said = /(\w) says (\d+)/.exec(text);
    if (said) return `${said[1]} ${said[2]}`;
    return /GOPROXY=off/.test(text) ? "nobody" : "broken off";
  }
});

describe("one upstream", () => {
  test("paths go out as the go command writes them", async () => {
    const server = await fakeUpstream((_, res) => res.end("x"));
    const client = clientOf(`${server.url}/base/`);
    await client.fetchBytes(INFO, { maxBytes: MAX });
    const upstream = client.list[0] as ProxyUpstream;
    for (const path of ["/example.com/a~b/@v/v2.0.0+incompatible.zip", "example.com/x/@v/a b,c'%é.info"])
      await client.ask(upstream, path, { maxBytes: MAX });
    expect(server.targets).toEqual([
      "/base/example.com/%21m/@v/v1.0.0.info",
      "/base/example.com/a~b/@v/v2.0.0+incompatible.zip",
      "/base/example.com/x/@v/a%20b%2Cc%27%25%C3%A9.info",
    ]);
  });

  test("what it says of an absence is kept as it is, if it is text for people", async () => {
    const types: Record<string, [string, string]> = {
      text: ["text/plain", "not found: a\n\nb\n"],
      utf8: ["text/plain; charset=UTF-8", "not found: ü\n"],
      latin: ["text/plain; charset=latin1", "x"],
      html: ["text/html", "<p>x"],
      long: ["text/plain", "x".repeat(100_000)],
    };
    const server = await fakeUpstream((req, res) => {
      const [type = "", body] = types[req.url?.split("/")[1] ?? ""] ?? [];
      res.writeHead(410, { "Content-Type": type }).end(body);
    });
    const texts: Record<string, string> = {};
    for (const name of Object.keys(types)) {
      const answer = await clientOf(`${server.url}/${name}`).fetch(INFO, { maxBytes: 10 });
      if (answer.kind === "found") throw new Error("found");
      expect(answer).toMatchObject({ status: 410, upstream: `${server.host}/${name}` });
      texts[name] = answer.text.slice(0, 20);
    }
    expect(texts).toEqual({
      text: "not found: a\n\nb\n",
      utf8: "not found: ü\n",
      latin: "",
      html: "",
      long: "x".repeat(20),
    });
  });

  test.each([
    [401, "unavailable", "HOST does not take the credentials that it is given (401): because"],
    [403, "forbidden", "HOST forbids this (403): because"],
    [429, "unavailable", "HOST answered 429: because"],
    [204, "unavailable", "HOST answered 204"],
    [500, "unavailable", "HOST answered 500: because"],
  ] as const)("status %i is %s", async (status, kind, message) => {
    const server = await fakeUpstream((_, res) =>
      res.writeHead(status, { "Content-Type": "text/plain" }).end(status === 204 ? undefined : "because\nof that"),
    );
    await expect(clientOf(server.url).fetch(INFO, { maxBytes: MAX })).rejects.toThrow(
      expect.objectContaining({ kind, message: message.replace("HOST", server.host) }),
    );
  });

  test("an answer that cannot be right is its trouble, and the next one is asked after a bar", async () => {
    const server = await fakeUpstream((req, res) => res.end(req.url?.startsWith("/a") ? "not JSON" : "{}"));
    const check = (bytes: Buffer): void => void JSON.parse(bytes.toString());
    const answer = await clientOf(`${server.url}/a|${server.url}/b`).fetchBytes(INFO, { maxBytes: MAX, check });
    expect(answer).toMatchObject({ kind: "found", upstream: `${server.host}/b` });
    await expect(
      clientOf(`${server.url}/a,${server.url}/b`).fetchBytes(INFO, { maxBytes: MAX, check }),
    ).rejects.toThrow(SyntaxError);
  });

  test("direct is asked last, and its word counts", async () => {
    const server = await fakeUpstream((_, res) => res.writeHead(500).end());
    const found = { kind: "absent", status: 404, text: "unknown revision", upstream: "direct" } as const;
    const direct = async (request: GoRequest) => ({ ...found, text: `${found.text} ${goPathOf(request)}` });
    const client = clientOf(`${server.url}|direct`, { direct });
    expect(await client.fetch(INFO, { maxBytes: MAX })).toEqual({
      ...found,
      text: `unknown revision ${goPathOf(INFO)}`,
    });
    await expect(clientOf(`${server.url},direct`, { direct }).fetch(INFO, { maxBytes: MAX })).rejects.toThrow("500");
    const failing = async (): Promise<never> => {
      throw new Failure("unavailable", "no git server");
    };
    await expect(clientOf(`${server.url}|direct`, { direct: failing }).fetch(INFO, { maxBytes: MAX })).rejects.toThrow(
      "no git server",
    );
  });
});

describe("a server that is slow or dead", () => {
  test("is asked by so many at once and no more; another is not touched", async () => {
    const slow = await fakeUpstream(() => {});
    const well = await fakeUpstream((_, res) => res.end("well"));
    const health = createUpstreamHealth(log);
    const [hanging, other] = [clientOf(slow.url, { health }), clientOf(well.url, { health })];
    const stop = new AbortController();
    const options = { maxBytes: MAX, signal: stop.signal };
    const waiting = Array.from({ length: 300 }, () => hanging.fetch(INFO, options).catch((error: Error) => error));
    await expect.poll(() => slow.open(), { timeout: 10_000 }).toBe(100);
    expect((await other.fetchBytes(INFO, { maxBytes: MAX })).kind).toBe("found");
    expect(slow.open()).toBe(100); // all of them still wait, and no more were let through meanwhile
    stop.abort(new Error("enough"));
    expect((await Promise.all(waiting)).every((error) => (error as Error).message === "enough")).toBe(true);
    await expect.poll(() => slow.open(), { timeout: 10_000 }).toBe(0);
  });

  test("is forgotten when so many others were asked since, so that memory has an end", async () => {
    const health = createUpstreamHealth(log);
    const ask = async (host: string): Promise<void> => {
      const turn = await health.turn(host);
      turn.failed();
      turn.over();
    };
    await ask("first.example");
    for (let n = 1; n < MAX_HOSTS; n++) await ask(`h${n}.example`);
    expect(health.of("first.example").failed).toBe(1);
    for (let n = 0; n < MAX_HOSTS; n++) await ask(`g${n}.example`);
    expect(health.of("first.example").failed).toBe(0);
  });

  test("is left alone for some seconds, tried once, and taken back", async () => {
    let well = false;
    let clock = 1_000_000;
    const server = await fakeUpstream((_, res) => void (well ? res.end("x") : res.destroy()));
    const client = clientOf(server.url, { health: createUpstreamHealth(log, () => clock) });
    const failure = async (): Promise<string> =>
      await client.fetchBytes(INFO, { maxBytes: MAX }).then(
        () => "fine",
        (error: Error) => error.message.replace(server.host, "HOST"),
      );
    const down = "HOST does not answer; it is asked again in a second";
    for (let n = 0; n < FAILURES_UNTIL_DOWN; n++) expect(await failure()).toBe("HOST: the connection broke off");
    expect(await failure()).toBe(down);
    expect(server.asked).toHaveLength(FAILURES_UNTIL_DOWN);
    clock += DOWN_MS;
    // One may try; those beside it are not kept waiting.
    expect(await Promise.all([failure(), failure()])).toEqual(["HOST: the connection broke off", down]);
    expect(await failure()).toBe(down);
    well = true;
    clock += DOWN_MS;
    expect(await failure()).toBe("fine");
    expect(await Promise.all([failure(), failure()])).toEqual(["fine", "fine"]);
  });

  test("an answer of whatever status is a sign of life", async () => {
    let n = 0;
    const server = await fakeUpstream((_, res) => res.writeHead([500, 502, 503, 504][n++ % 4]!).end());
    const client = clientOf(server.url);
    const ask = (): Promise<unknown> => client.fetch(INFO, { maxBytes: MAX }).catch(() => {});
    while (n < 20) await ask();
    expect(server.asked).toHaveLength(20);
  });

  test("a body holds its turn until it is read or given up", async () => {
    const server: FakeUpstream = await fakeUpstream((_, res) => res.end("x".repeat(1000)));
    const client = clientOf(server.url);
    for (let n = 0; n < 250; n++) {
      const answer = await client.fetch(INFO, { maxBytes: MAX });
      if (answer.kind !== "found") throw new Error("absent");
      if (n % 2 === 0) answer.body.destroy();
      else expect(await bytesOf(answer.body)).toHaveLength(1000);
    }
  });
});
