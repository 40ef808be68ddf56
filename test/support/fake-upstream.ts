// An upstream that does what a test tells it, however badly, over real HTTP on loopback, and remembers what it was asked:
// path by path (`on`, `version`), or everything by one function.
import http from "node:http";
import https from "node:https";
import type { AddressInfo, Socket } from "node:net";
import JSZip from "jszip";
import { atEnd } from "./at-end.ts";

export type Handler = (req: http.IncomingMessage, res: http.ServerResponse) => void;

export interface FakeOptions {
  readonly tls?: { readonly cert: string; readonly key: string };
  readonly address?: string;
}

export interface FakeUpstream {
  readonly url: string;
  readonly port: number;
  /** `host:port` */
  readonly host: string;
  /** Every path that was asked, in order, decoded, without the slash in front. */
  readonly asked: string[];
  /** The same as they were sent (RFC 9112, "Request Target"). */
  readonly targets: string[];
  /** The headers of each request for a path, in order. */
  headers(path: string): http.IncomingHttpHeaders[];
  /** How many requests have no answer yet. */
  open(): number;
  /** How often a path was asked. */
  count(path: string): number;
  /** What it answers to a path: 200 with these bytes, or whatever a function does. */
  on(path: string, answer: string | Buffer | Handler): void;
  /** A whole version of a module: .info, .mod, .zip, and a list of those given so. */
  version(
    modulePath: string,
    version: string,
    files?: Readonly<Record<string, string | Buffer>>,
  ): Promise<VersionFiles>;
  /** Refuses connections from now on, or no more. */
  down(isDown: boolean): void;
  /** How many connections were refused. */
  refused(): number;
}

export interface VersionFiles {
  readonly info: string;
  readonly mod: string;
  readonly zip: Buffer;
}

/** A module zip with these files. */
export function zipOf(
  prefix: string,
  files: Readonly<Record<string, string | Buffer>>,
  compression: "DEFLATE" | "STORE" = "DEFLATE",
): Promise<Buffer> {
  const zip = new JSZip();
  for (const [name, content] of Object.entries(files)) zip.file(`${prefix}/${name}`, content, { createFolders: false });
  return zip.generateAsync({ type: "nodebuffer", compression });
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path; // what cannot be decoded was asked all the same
  }
}

/** Starts it; it ends after the test file. Without a handler it answers 404 to what it was not told (`on`, `version`). */
export async function fakeUpstream(handler?: Handler, options: FakeOptions = {}): Promise<FakeUpstream> {
  const handlers = new Map<string, Handler>();
  const asked: string[] = [];
  const targets: string[] = [];
  const received: http.IncomingHttpHeaders[] = [];
  const sockets = new Set<Socket>();
  let isDown = false;
  let refused = 0;
  let open = 0;
  const byPath: Handler = (req, res) => {
    const path = asked.at(-1)!;
    const told = handlers.get(path);
    if (told) return told(req, res);
    res.writeHead(404, { "content-type": "text/plain" }).end(`not found: ${path}: said upstream\n`);
  };
  const handle: Handler = (req, res) => {
    const target = req.url ?? "";
    targets.push(target);
    received.push(req.headers);
    asked.push(decoded(target.slice(1)));
    open++;
    res.once("close", () => open--);
    (handler ?? byPath)(req, res);
  };
  const { address = "127.0.0.1", tls } = options;
  const server = tls ? https.createServer(tls, handle) : http.createServer(handle);
  server.on("connection", (socket: Socket) => {
    if (isDown) {
      refused++;
      socket.destroy();
    }
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  });
  await new Promise<void>((done) => server.listen(0, address, done));
  atEnd(async () => {
    server.closeAllConnections();
    await new Promise((done) => server.close(done));
  });
  const { port } = server.address() as AddressInfo;
  const host = `${address.includes(":") ? `[${address}]` : address}:${port}`;
  const on: FakeUpstream["on"] = (path, answer) => {
    handlers.set(path, typeof answer === "function" ? answer : (_, res) => res.writeHead(200).end(answer));
  };
  const lists = new Map<string, string[]>();
  return {
    url: `${tls ? "https" : "http"}://${host}`,
    port,
    host,
    asked,
    targets,
    headers: (path) => received.filter((_, n) => asked[n] === path),
    open: () => open,
    count: (path) => asked.filter((one) => one === path).length,
    on,
    async version(modulePath, version, files = {}) {
      const mod = String(files["go.mod"] ?? `module ${modulePath}\n`);
      const info = `{"Version":"${version}","Time":"2021-02-03T04:05:06+02:00","Extra":{"kept": true}}`;
      const zip = await zipOf(`${modulePath}@${version}`, { "go.mod": mod, ...files });
      const listed = [...(lists.get(modulePath) ?? []), version];
      lists.set(modulePath, listed);
      const escaped = modulePath.replace(/[A-Z]/g, (letter) => `!${letter.toLowerCase()}`);
      on(`${escaped}/@v/list`, `${listed.join("\n")}\n`);
      on(`${escaped}/@latest`, info);
      on(`${escaped}/@v/${version}.info`, info);
      on(`${escaped}/@v/${version}.mod`, mod);
      on(`${escaped}/@v/${version}.zip`, zip);
      return { info, mod, zip };
    },
    refused: () => refused,
    down(down) {
      isDown = down;
      if (down) for (const socket of sockets) socket.destroy();
    },
  };
}
