// An HTTPS proxy (RFC 9110, CONNECT) that leads every name to one port of this machine. With HTTPS_PROXY set to it, go and
// git reach the test's server under its real name at port 443, so that import paths, netrc and certificates are what they
// are in production.
import http from "node:http";
import net from "node:net";
import { atEnd } from "./at-end.ts";

/** Starts it and returns its URL; it ends after the test file. */
export async function connectProxy(port: number): Promise<string> {
  const server = http.createServer((_, res) => res.writeHead(405).end());
  const sockets = new Set<net.Socket>();
  server.on("connect", (_, client: net.Socket) => {
    const upstream = net.connect(port, "127.0.0.1", () => {
      client.write("HTTP/1.1 200 Connection established\r\n\r\n");
      client.pipe(upstream).pipe(client);
    });
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on("error", () => {});
      socket.on("close", () => {
        sockets.delete(socket);
        client.destroy();
        upstream.destroy();
      });
    }
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  atEnd(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((done) => server.close(done));
  });
  return `http://127.0.0.1:${(server.address() as net.AddressInfo).port}`;
}
