// An upstream that does what a test tells it, over real HTTP on loopback, and remembers what it was asked.
import http from "node:http";
import type { Socket } from "node:net";
import JSZip from "jszip";
import { atEnd } from "./at-end.ts";

type Handler = (req: http.IncomingMessage, res: http.ServerResponse) => void;

export interface FakeUpstream {
  readonly url: string;
  /** Every path that was asked, in order, without the slash in front. */
  readonly asked: string[];
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

export async function fakeUpstream(): Promise<FakeUpstream> {
  const handlers = new Map<string, Handler>();
  const asked: string[] = [];
  const sockets = new Set<Socket>();
  let isDown = false;
  const server = http.createServer((req, res) => {
    const path = decodeURIComponent(req.url!.slice(1));
    asked.push(path);
    const handler = handlers.get(path);
    if (handler) return handler(req, res);
    res.writeHead(404, { "content-type": "text/plain" }).end(`not found: ${path}: said upstream\n`);
  });
  server.on("connection", (socket) => {
    if (isDown) socket.destroy();
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  atEnd(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as { port: number };
  const on: FakeUpstream["on"] = (path, answer) => {
    handlers.set(path, typeof answer === "function" ? answer : (_, res) => res.writeHead(200).end(answer));
  };
  const lists = new Map<string, string[]>();
  return {
    url: `http://127.0.0.1:${port}`,
    asked,
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
    down(down) {
      isDown = down;
      if (down) for (const socket of sockets) socket.destroy();
    },
  };
}
