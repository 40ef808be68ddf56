// A port that several processes of one server share is not to be shared with another server by accident.
import net from "node:net";
import { expect, test } from "vitest";
import { demandFreePort, listen, whyNot } from "../../src/http/shared-port.ts";
import { atEnd } from "../support/at-end.ts";

const HOST = "127.0.0.1";

test("a port that others share already is not free, though it could be shared with them", async () => {
  const first = net.createServer();
  await listen(first, { listen: { host: HOST, port: 0 } }, { shared: true });
  const { port } = first.address() as net.AddressInfo;
  const where = { listen: { host: HOST, port } };
  const second = net.createServer();
  atEnd(async () => void [first, second].map((server) => server.close()));
  await expect(demandFreePort(where)).rejects.toThrow(
    `cannot listen on ${HOST}:${port}: another program listens there already; set GOKURA_LISTEN`,
  );
  await listen(second, where, { shared: true });
  expect((second.address() as net.AddressInfo).port).toBe(port);
});

test("a system whose processes cannot share a port says which setting does without", () => {
  expect(whyNot({ code: "ENOTSUP", message: "listen ENOTSUP" })).toBe(
    "processes cannot share a port on this system, as they can on Linux and FreeBSD; set GOKURA_WORKERS=0",
  );
});
