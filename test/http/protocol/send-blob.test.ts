// A client that leaves in the middle of a zip is no defect of ours, however it leaves.
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import http from "node:http";
import net from "node:net";
import { expect, test } from "vitest";
import { sendBlob } from "../../../src/http/protocol/send-blob.ts";
import { openDiskBlobs } from "../../../src/storage/disk-blobs.ts";
import { atEnd } from "../../support/at-end.ts";
import { temporary } from "../../support/temporary.ts";

const SIZE = 30_000_000;

test.each(["ends", "is reset"])("the connection %s in the middle of a zip", async (how) => {
  const blobs = await openDiskBlobs(temporary("blobs"));
  const scratch = blobs.scratch();
  writeFileSync(scratch, Buffer.alloc(SIZE));
  await blobs.adopt(scratch, "zip/a");
  const blob = {
    ...{ key: "zip/a", size: SIZE, etag: '"a"', headers: [], bytes: undefined },
    downloads: { add: () => {} },
  };
  const outcomes: string[] = [];
  const under = new Set<http.ServerResponse>();
  const server = http.createServer((req, res) => {
    under.add(res);
    sendBlob(req, res, blobs, blob).then(
      () => outcomes.push("sent or left"),
      (error: Error) => outcomes.push(String(error)),
    );
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  atEnd(() => void server.close());
  const { port } = server.address() as net.AddressInfo;
  const clients = Array.from({ length: 10 }, async () => {
    const socket = net.connect(port, "127.0.0.1");
    socket.write("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    await once(socket, "readable");
    socket.read();
    await expect.poll(() => under.size).toBe(10);
    if (how === "ends") socket.destroy();
    else socket.resetAndDestroy();
  });
  await Promise.all(clients);
  await expect.poll(() => outcomes).toEqual(Array.from({ length: 10 }, () => "sent or left"));
});
