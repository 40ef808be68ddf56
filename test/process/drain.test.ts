// Told to stop, a server lets what is under way finish and takes nothing new; told twice, it ends at once.
import { once } from "node:events";
import http from "node:http";
import https from "node:https";
import net from "node:net";
import { connect as tlsConnect } from "node:tls";
import { describe, expect, test } from "vitest";
import { testDatabase } from "../support/database.ts";
import { eventually } from "../support/eventually.ts";
import { type ServingProcess, serveGokura } from "../support/gokura-process.ts";
import { temporary } from "../support/temporary.ts";

const TOKEN = "administrator-token-of-the-tests";
/** Time is the subject: what does not end by itself holds a server up for 20 s (http/server.ts). */
const HELD_UP_MS = 15_000;

async function serve(environment: Record<string, string> = {}): Promise<ServingProcess> {
  return serveGokura({
    ...environment,
    DATABASE_URL: await testDatabase(),
    GOKURA_DATA_DIR: temporary("drain"),
    GOKURA_ADMIN_TOKEN: TOKEN,
  });
}

interface Conversation {
  send(text: string): void;
  /** What came back so far. */
  readonly heard: () => string;
  readonly closed: () => boolean;
  close(): void;
}

function connect(port: number): Promise<Conversation> {
  return new Promise((resolve, reject) => {
    let heard = "";
    let closed = false;
    const socket = net.connect(port, "127.0.0.1", () =>
      resolve({
        send: (text) => socket.write(text),
        heard: () => heard,
        closed: () => closed,
        close: () => void socket.destroy(),
      }),
    );
    socket.setEncoding("utf8").on("data", (text) => {
      heard += text;
    });
    socket.on("error", reject).on("close", () => {
      closed = true;
    });
  });
}

const refuses = (port: number): Promise<boolean> =>
  connect(port).then(
    ({ close }) => {
      close();
      return false;
    },
    () => true,
  );

async function answersHealth({ port }: ServingProcess, tls: boolean): Promise<void> {
  const to = { port, host: "127.0.0.1", agent: false, path: "/-/health" };
  const request = tls ? https.get({ ...to, rejectUnauthorized: false }) : http.get(to);
  const [response] = (await once(request, "response")) as [http.IncomingMessage];
  response.resume();
  expect(response.statusCode).toBe(200);
}

const BODY = JSON.stringify({ value: true });
const HEAD = [
  "POST /api/v4/features/half_sent HTTP/1.1",
  "Host: localhost",
  `Authorization: Bearer ${TOKEN}`,
  "Content-Type: application/json",
  `Content-Length: ${BODY.length}`,
  "Expect: 100-continue",
  "",
  "",
].join("\r\n");

/** Begins a request, and waits until the server has heard of it. */
async function begin(busy: Conversation): Promise<void> {
  busy.send(HEAD);
  await eventually(
    async () => busy.heard(),
    (text) => text.startsWith("HTTP/1.1 100 Continue\r\n\r\n"),
    5_000,
  );
  busy.send(BODY.slice(0, 5));
}

describe.concurrent.each(["SIGTERM", "SIGINT"] as const)("%s", (signal) => {
  test("a request that has begun is answered, new connections are refused, idle ones closed, then it ends with 0", async () => {
    const server = await serve();
    const [busy, idle] = await Promise.all([connect(server.port), connect(server.port)]);
    idle.send("GET /-/health HTTP/1.1\r\nHost: localhost\r\n\r\n");
    await eventually(
      async () => idle.heard(),
      (text) => text.includes('"ok"'),
      5_000,
    );
    await begin(busy);
    server.child.kill(signal);
    expect(await eventually(() => refuses(server.port), Boolean, 5_000)).toBe(true);
    expect(await eventually(async () => idle.closed(), Boolean, 5_000)).toBe(true);
    expect(busy.closed()).toBe(false);
    expect(server.child.exitCode).toBe(null);

    const sent = performance.now();
    busy.send(BODY.slice(5));
    const { code, stderr } = await server.ended;
    expect(performance.now() - sent).toBeLessThan(HELD_UP_MS); // it does not wait for a client that keeps its connection
    expect(busy.heard()).toMatch(/\r\n\r\nHTTP\/1\.1 201 Created\r\n/);
    expect(busy.heard()).toContain('"name":"half_sent","state":"on"');
    expect(code).toBe(0);
    const told = stderr
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(told.filter(({ level }) => level !== "info")).toEqual([]);
    expect(told.map(({ msg }) => msg)).toEqual(
      expect.arrayContaining(["gokura is up", "stopping: requests under way may finish", "stopped"]),
    );
    expect(told.at(-1)).toMatchObject({ msg: "stopped" });
  });
});

test.concurrent("a second signal does not wait for anybody", async () => {
  const server = await serve();
  const busy = await connect(server.port);
  await begin(busy);
  server.child.kill("SIGTERM");
  expect(await eventually(() => refuses(server.port), Boolean, 5_000)).toBe(true);
  const told = async (): Promise<boolean> => server.stderr().includes("requests under way may finish");
  expect(await eventually(told, Boolean, 5_000)).toBe(true);
  expect(server.child.exitCode).toBe(null);
  server.child.kill("SIGINT"); // any second one
  expect(await server.ended).toMatchObject({ code: 1 });
});

describe.concurrent.each(["off", "self-signed"])("connections that say nothing, with TLS %s", (tls) => {
  test("do not keep a server from stopping", async () => {
    const server = await serve({ GOKURA_TLS: tls });
    const silent = await connect(server.port);
    const begun = await connect(server.port);
    // the beginning of a request, or of a handshake: waited for, but not longer than for a request
    begun.send(tls === "off" ? "GET / HT" : "\u0016\u0003\u0001");
    if (tls !== "off") {
      const shaken = tlsConnect({ port: server.port, host: "127.0.0.1", rejectUnauthorized: false });
      await once(shaken, "secureConnect");
      shaken.on("error", () => {});
    }
    await answersHealth(server, tls !== "off"); // so it has those that came before
    server.child.kill("SIGTERM");
    expect(await eventually(async () => silent.closed(), Boolean, 5_000)).toBe(true);
    expect(server.child.exitCode).toBe(null);
    begun.close();
    const closed = performance.now();
    expect((await server.ended).code).toBe(0);
    expect(performance.now() - closed).toBeLessThan(HELD_UP_MS);
  });
});
