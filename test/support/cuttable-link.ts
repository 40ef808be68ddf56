// A TCP link to a server that a test can cut, as networks do: with a word (connections are reset and refused) or without
// one (packets vanish). A real server is at the other end.
import net from "node:net";
import { atEnd } from "./at-end.ts";

export interface CuttableLink {
  readonly port: number;
  /** Resets what is open and refuses what comes. */
  cut(): Promise<void>;
  /** Says nothing more to anybody, in either direction, on connections that are open and on new ones. */
  silence(): void;
  /** Works again for new connections. */
  mend(): Promise<void>;
}

/** A link to a port of this machine. `connected` false: it is cut from the start. */
export async function cuttableLink(target: number, connected = true): Promise<CuttableLink> {
  const sockets = new Set<net.Socket>();
  let silent = false;
  const server = net.createServer((client) => {
    sockets.add(client);
    client.on("error", () => {}).on("close", () => sockets.delete(client));
    if (silent) return;
    const upstream = net.connect(target, "127.0.0.1");
    sockets.add(upstream);
    upstream.on("error", () => client.destroy());
    upstream.on("close", () => {
      sockets.delete(upstream);
      if (!silent) client.destroy();
    });
    client.on("close", () => upstream.destroy());
    client.on("data", (chunk) => silent || upstream.write(chunk));
    upstream.on("data", (chunk) => silent || client.write(chunk));
  });
  const listen = (port: number): Promise<void> =>
    new Promise((done, fail) => server.once("error", fail).listen(port, "127.0.0.1", () => done()));
  const close = (): Promise<void> => {
    for (const socket of sockets) socket.resetAndDestroy();
    return new Promise((done) => server.close(() => done()));
  };
  await listen(0);
  const { port } = server.address() as net.AddressInfo;
  if (!connected) await close();
  atEnd(close);
  return {
    port,
    cut: close,
    silence() {
      silent = true;
    },
    async mend() {
      if (!silent) return listen(port);
      silent = false;
      for (const socket of sockets) socket.resetAndDestroy();
    },
  };
}

/** The URL of a database as it is reached over a link. */
export function over(link: CuttableLink, url: string): string {
  const linked = new URL(url);
  linked.port = String(link.port);
  return linked.href;
}
