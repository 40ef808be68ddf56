// A client cannot tell whether Node read its request or the bytes were known: whatever is asked, in whatever pieces.
import { once } from "node:events";
import http from "node:http";
import net from "node:net";
import { text } from "node:stream/consumers";
import { setImmediate as turn } from "node:timers/promises";
import { expect, test } from "vitest";
import { answerHead } from "../../../src/http/protocol/answer-head.ts";
import { type RepeatedRequests, repeatedRequests } from "../../../src/http/protocol/repeated-requests.ts";
import { atEnd } from "../../support/at-end.ts";
import fc from "../../support/properties.ts";

/** The end of each body here. */
const END = "<end>";
const LARGE = 30_000_000;
const READY: Record<string, { status: number; body: string | Buffer }> = {
  "/list": { status: 200, body: `v1.0.0\nv1.1.0\n${END}` },
  "/none": { status: 404, body: `not found${END}` },
  "/zip": { status: 200, body: Buffer.from(`PK\xff\x00${END}`, "latin1") },
  "/large": { status: 200, body: Buffer.alloc(LARGE) },
};
const headersOf = (body: string | Buffer) => ["Content-Length", String(body.length), "X-Frame-Options", "DENY"];

/** Says what was asked, some turns of the loop after all of it was read. */
async function answerSlowly(req: http.IncomingMessage, res: http.ServerResponse): Promise<void> {
  const hasBody = "content-length" in req.headers || "transfer-encoding" in req.headers;
  const body = hasBody ? await text(req) : "";
  const turns = req.url === "/slow" ? 20 : 2;
  for (let n = 0; n < turns; n++) await turn();
  res.end(`${req.method} ${req.url} ${req.rawHeaders.join(" ")} ${body}${END}`);
}

interface Listener {
  readonly port: number;
  readonly server: http.Server;
  readonly repeated: RepeatedRequests<string | undefined> | undefined;
  /** What Node read. */
  readonly read: string[];
  /** Answers to /wait, which wait. */
  readonly waiting: (() => void)[];
  /** Who was known, beside the anonymous. */
  readonly known: string[];
  /** Zips that are held. */
  held: number;
}

/** A server that has some answers ready, and others after some turns of the loop. `repeats`: with what is tested here. */
async function listen(repeats: boolean): Promise<Listener> {
  const server = http.createServer({ optimizeEmptyRequests: true, keepAliveTimeout: 65_000 });
  const read: string[] = [];
  server.on("request", (req, res) => {
    read.push(req.url!);
    const ready = READY[req.url!];
    const conditional = Object.keys(req.headers).some((name) => name.startsWith("if-"));
    if (req.rawHeaders.join(" ").split("Host").length > 2) res.writeHead(400).end(`two hosts${END}`);
    else if (ready && !conditional && (req.method === "GET" || req.method === "HEAD")) {
      res.writeHead(ready.status, headersOf(ready.body));
      if (typeof ready.body === "string") res.end(req.method === "HEAD" ? "" : ready.body, "latin1");
      else res.end(req.method === "HEAD" ? "" : ready.body);
      listener.repeated?.remember(req, () => req.headers.authorization);
    } else if (req.url === "/wait") listener.waiting.push(() => res.end(`waited${END}`));
    else void answerSlowly(req, res);
  });
  const held = () => {
    listener.held++;
    return () => void listener.held--;
  };
  const answer = (url: string, who: string | undefined) => {
    const ready = READY[url];
    if (who !== undefined) listener.known.push(who);
    return ready && { head: answerHead(ready.status, headersOf(ready.body)), body: ready.body, held };
  };
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const { port } = server.address() as net.AddressInfo;
  const listener: Listener = {
    port,
    server,
    read,
    waiting: [],
    known: [],
    held: 0,
    repeated: repeats ? repeatedRequests(server, answer) : undefined,
  };
  atEnd(() => {
    server.close();
    server.closeAllConnections();
  });
  return listener;
}

const withoutDate = (answers: string) => answers.replaceAll(/^Date: .*$/gm, "Date");

interface Step {
  /** They go out in one piece, unless they are cut. */
  readonly requests: readonly string[];
  /** Whether the client reads the answers before it goes on. */
  readonly waits: boolean;
  /** How many turns of the loop it waits in any case. */
  readonly pause: number;
  /** Where the piece is cut in two. */
  readonly cut: number | undefined;
}

/** All that a connection answers to what is sent on it, to something at the end that ends it, the date aside. */
async function talk(port: number, steps: readonly Step[], last = LAST[0]!): Promise<string> {
  const socket = net.connect({ port, host: "127.0.0.1", noDelay: true });
  let said = "";
  let over = false;
  socket.setEncoding("latin1").on("data", (more: string) => {
    said += more;
  });
  socket.on("error", () => {});
  const closed = new Promise<void>((done) => {
    socket.on("close", () => {
      over = true;
      done();
    });
  });
  await once(socket, "connect");
  let answers = 0;
  for (const { requests, waits, pause, cut } of steps) {
    if (over) break;
    answers += requests.length;
    const piece = requests.join("");
    socket.write(piece.slice(0, cut), "latin1");
    if (cut !== undefined) {
      await turn();
      socket.write(piece.slice(cut), "latin1");
    }
    for (let n = 0; n < pause; n++) await turn();
    while (waits && !over && said.split(END).length <= answers) await turn();
  }
  socket.write(last, "latin1");
  await closed;
  return withoutDate(said);
}

const get = (path: string, ...more: string[]) =>
  `${[`GET ${path} HTTP/1.1`, "Host: h", "User-Agent: Go-http-client/1.1", ...more].join("\r\n")}\r\n\r\n`;

const KNOWN = get("/list");
/** Requests whose answer has a body, and after which the connection stays. */
const REQUESTS = [
  KNOWN,
  get("/none"),
  get("/zip", "Accept-Encoding: gzip"),
  get("/slow"),
  get("/list", "Authorization: Bearer glpat-secret"),
  get("/list", "If-None-Match: *"),
  get("/list", "Host: other"),
  get("/list", "Range: bytes=0-1"),
  `\r\n${KNOWN}`,
  // Bodies that look like the next request.
  `${get("/list", `Content-Length: ${KNOWN.length}`)}${KNOWN}`,
  `${get("/slow", "Transfer-Encoding: chunked")}${KNOWN.length.toString(16)}\r\n${KNOWN}\r\n0\r\n\r\n`,
  `POST /list HTTP/1.1\r\nHost: h\r\nContent-Length: ${KNOWN.length}\r\n\r\n${KNOWN}`,
];
/** Those that end it. */
const LAST = [
  get("/last", "Connection: close"),
  get("/list", "Connection: close"),
  get("/list", "X-Folded: a\r\n b"),
  KNOWN.replace("HTTP/1.1", "HTTP/1.0"),
  KNOWN.replace("Host: h\r\n", ""),
  KNOWN.replace("GET", "G€T"),
  "CONNECT h:443 HTTP/1.1\r\nHost: h\r\n\r\n",
];

/** Few different pieces in one conversation, so that they come again. */
const pieces = fc.array(fc.array(fc.constantFrom(KNOWN, ...REQUESTS), { minLength: 1, maxLength: 2 }), {
  minLength: 1,
  maxLength: 3,
});
const steps = pieces.chain((some) =>
  fc.array(
    fc.record({
      requests: fc.constantFrom(...some),
      waits: fc.boolean(),
      pause: fc.nat(30),
      cut: fc.option(fc.nat(KNOWN.length), { freq: 4, nil: undefined }),
    }),
    { maxLength: 8 },
  ),
);
// Node tells of a request that it cannot read only if no answer is under way just then.
const conversation = fc
  .tuple(steps, fc.constantFrom(...LAST))
  .map(
    ([list, last]) => [list.map((one, n) => ({ ...one, waits: one.waits || n === list.length - 1 })), last] as const,
  );

test("what a connection answers is what Node alone answers, byte for byte", async () => {
  const [ours, plain] = [await listen(true), await listen(false)];
  await fc.assert(
    fc.asyncProperty(conversation, async ([list, last]) => {
      expect(await talk(ours.port, list, last)).toBe(await talk(plain.port, list, last));
    }),
    { numRuns: Number(process.env.GOKURA_RUNS ?? 200) },
  );
  expect(ours.read.length).toBeLessThan(plain.read.length); // some were known
});

test("the same bytes are read once, and the first of each connection", async () => {
  const { port, read, known } = await listen(true);
  const [list, slow, token, ranged] = [
    KNOWN,
    get("/slow"),
    get("/list", "Authorization: Bearer glpat-secret"),
    get("/list", "range: bytes=0-"),
  ].map((one) => ({
    requests: [one],
    waits: true,
    pause: 0,
    cut: undefined,
  }));
  await talk(port, [list!, list!, list!]);
  expect(read).toEqual(["/list", "/last"]);
  await talk(port, [slow!, list!, slow!, list!]); // what is not in memory changes nothing for what is
  expect(read.slice(2)).toEqual(["/slow", "/slow", "/last"]);
  await talk(port, [slow!, token!, token!, list!]); // who asks is known with it
  expect([read.slice(5), known]).toEqual([["/slow", "/list", "/last"], ["Bearer glpat-secret"]]);
  await talk(port, [slow!, ranged!, list!]); // after what is not plain, nothing is known on that connection
  expect(read.slice(8)).toEqual(["/slow", "/list", "/list", "/last"]);
});

test("what is known waits for all that was asked before it on its connection", async () => {
  const { port, read, waiting } = await listen(true);
  const socket = net.connect({ port, host: "127.0.0.1", noDelay: true });
  let said = "";
  socket.setEncoding("latin1").on("data", (more: string) => {
    said += more;
  });
  for (const n of [1, 2]) {
    socket.write(KNOWN);
    await expect.poll(() => said.split(END).length - 1).toBe(n);
  }
  for (const n of [1, 2]) {
    socket.write(get("/wait"));
    await expect.poll(() => waiting.length).toBe(n);
  }
  waiting[0]!();
  await expect.poll(() => said.split("waited").length - 1).toBe(1);
  socket.write(KNOWN);
  await expect.poll(() => read).toEqual(["/list", "/wait", "/wait", "/list"]);
  waiting[1]!();
  await expect.poll(() => said.split(END).length - 1).toBe(5);
  expect([...said.matchAll(/waited|v1.1.0/g)].map(([word]) => word)).toEqual([
    ...["v1.1.0", "v1.1.0", "waited", "waited", "v1.1.0"],
  ]);
  socket.destroy();
});

test("bytes that a client does not take are held until it does, or is gone", async () => {
  const listener = await listen(true);
  const { port, repeated } = listener;
  const first = net.connect(port, "127.0.0.1");
  let got = 0;
  first.on("data", (chunk) => {
    got += chunk.length;
  });
  first.write(get("/large"));
  await expect.poll(() => got).toBeGreaterThan(LARGE);
  for (const goesOn of [true, false]) {
    const slow = net.connect(port, "127.0.0.1");
    slow.write(KNOWN);
    await once(slow, "readable");
    slow.read();
    slow.write(get("/large"));
    await expect.poll(() => [repeated!.underWay, listener.held]).toEqual([true, 1]);
    if (goesOn) slow.resume();
    else slow.destroy();
    await expect.poll(() => [repeated!.underWay, listener.held]).toEqual([false, 0]);
    slow.destroy();
  }
  first.destroy();
});

test("a head holds no header that ends it early", () => {
  expect(() => answerHead(200, ["Gokura-Policy", "a\r\nb: c"])).toThrow(/Invalid character/);
});
