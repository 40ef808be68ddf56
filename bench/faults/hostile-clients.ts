// Clients that mean harm, all at once and without credentials, while others push and fetch as ever: requests of git that come
// a byte at a time, connections on which nothing is said, pushes that break off, queries that ask for too much, and noise. What
// counts is what the others notice.
import { mkdirSync } from "node:fs";
import net from "node:net";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { Figures } from "./figures.ts";
import { litterIn } from "./litter.ts";
import { startServer } from "./server.ts";
import { beginWriting, compare } from "./writers.ts";

const WRITERS = 3;
const BYTES = 20_000;
const AT_ONCE = 100;

/** Attacks for so many seconds. */
export async function attack(
  directory: string,
  seconds: number,
  port: number,
): Promise<Figures & { slowestMs: number }> {
  const data = join(directory, "data");
  mkdirSync(directory, { recursive: true });
  let server = await startServer(data, port);
  let ends = 0;
  let attacks = 0;
  const writing = await beginWriting(directory, server.url, WRITERS, BYTES);
  const open = new Set<net.Socket>();
  let slowestMs = 0;
  try {
    const end = Date.now() + seconds * 1_000;
    while (Date.now() < end) {
      while (open.size < AT_ONCE) {
        const attack = ATTACKS[attacks++ % ATTACKS.length]!;
        const socket = net.connect(port, "127.0.0.1");
        open.add(socket);
        socket.on("error", () => {}).on("close", () => open.delete(socket));
        socket.once("connect", () => attack(socket));
        socket.resume();
      }
      for (const socket of open) if (!socket.connecting && socket.writable) socket.write("0");
      const began = performance.now();
      await fetch(`${server.url}/-/health`).catch(() => {});
      slowestMs = Math.max(slowestMs, performance.now() - began);
      if (server.ended()) {
        ends++;
        server = await startServer(data, port);
      }
      await delay(100);
    }
    for (const socket of open) socket.destroy();
    await writing.stop();
    const truth = await compare(server.url, writing.writers);
    const refused = writing.writers.flatMap(({ project, refused, reason }) =>
      refused.map((version) => `${project} ${version} refused, the last one with: ${reason}`),
    );
    const figures = { fault: "hostile clients", faults: attacks, ...truth, litter: litterIn(data), ends };
    return { ...figures, lost: [...truth.lost, ...refused], slowestMs: Math.round(slowestMs) };
  } finally {
    for (const socket of open) socket.destroy();
    await writing.stop();
    await server.stop("SIGTERM");
  }
}

const head = (line: string, type: string, length: number): string =>
  `${line} HTTP/1.1\r\nHost: localhost\r\nContent-Type: ${type}\r\nContent-Length: ${length}\r\n\r\n`;

const FETCH = "application/x-git-upload-pack-request";
const PUSH = "application/x-git-receive-pack-request";

const ATTACKS: readonly ((socket: net.Socket) => void)[] = [
  (socket) => socket.write(head("POST /root/lib0.git/git-upload-pack", FETCH, 1_000_000)),
  () => {},
  (socket) => socket.write(head("POST /root/lib1.git/git-receive-pack", PUSH, 1_000_000)),
  (socket) => socket.end(head("POST /api/graphql", "application/json", 20) + "\u0000".repeat(20)),
  (socket) => {
    const query = `{ ${Array.from({ length: 500 }, (_, n) => `a${n}: goModules(first: 100) { nodes { path } }`).join(" ")} }`;
    const body = JSON.stringify({ query });
    socket.write(head("POST /api/graphql", "application/json", body.length) + body);
  },
  (socket) => socket.end("\u0001\u0002\u0003 noise\r\n\r\n"),
  (socket) => socket.write("GET /api/v4/projects?per_page=100 HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(50)),
];
