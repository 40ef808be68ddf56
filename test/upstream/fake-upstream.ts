// A server of the test's own that answers as it is told, however badly.
import http from "node:http";
import https from "node:https";
import type net from "node:net";
import { atEnd } from "../support/at-end.ts";

export interface FakeUpstream {
  readonly url: string;
  readonly port: number;
  /** `host:port` */
  readonly host: string;
  /** The paths that were asked, in order. */
  readonly asked: string[];
  /** Requests whose connection is open. */
  open(): number;
}

export type Handler = (req: http.IncomingMessage, res: http.ServerResponse) => void;

export interface FakeOptions {
  readonly tls?: { readonly cert: string; readonly key: string };
  readonly address?: string;
}

/** Starts it on loopback; it ends after the test file. */
export async function fakeUpstream(handler: Handler, options: FakeOptions = {}): Promise<FakeUpstream> {
  const asked: string[] = [];
  let open = 0;
  const handle: Handler = (req, res) => {
    asked.push(req.url ?? "");
    open++;
    res.once("close", () => open--);
    handler(req, res);
  };
  const { address = "127.0.0.1" } = options;
  const server = options.tls ? https.createServer(options.tls, handle) : http.createServer(handle);
  await new Promise<void>((done) => server.listen(0, address, done));
  atEnd(async () => {
    server.closeAllConnections();
    await new Promise((done) => server.close(done));
  });
  const { port } = server.address() as net.AddressInfo;
  const host = `${address.includes(":") ? `[${address}]` : address}:${port}`;
  return { url: `${options.tls ? "https" : "http"}://${host}`, port, host, asked, open: () => open };
}
