// The way to the leader, at the moments at which a connection ends or another server leads: what may be asked twice is, what may
// not is sent once.
import { once } from "node:events";
import http from "node:http";
import type { AddressInfo, Socket } from "node:net";
import Koa from "koa";
import { beforeAll, beforeEach, expect, test } from "vitest";
import type { Lease } from "../../src/database/lease.ts";
import { isFailure } from "../../src/errors.ts";
import { openPassingOn } from "../../src/http/passing-on.ts";
import { createLog } from "../../src/telemetry/log.ts";
import { atEnd } from "../support/at-end.ts";
import { ask } from "../support/http.ts";

/** The requests that the leader has seen, each with the client's end of its connection. */
const seen: { readonly method: string; readonly port: number }[] = [];
/** Whether the leader ends a connection when a request comes on it that was kept. */
let endsKept = false;
/** Whether the leader stands still, as a process that was stopped: connections are there, and never an answer. */
let standsStill = false;
/** The lease's holder, as everybody sees it. */
let leads: { term: number; url: string };
let first: string;
let second: string;
let url: string;

async function listen(server: http.Server): Promise<string> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  atEnd(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

beforeAll(async () => {
  const answered = new WeakSet<Socket>();
  first = await listen(
    http.createServer(async (req, res) => {
      seen.push({ method: req.method!, port: req.socket.remotePort! });
      // As a server does whose patience with an idle connection ends just now.
      if (endsKept && (req.method === "POST" || answered.has(req.socket))) {
        req.socket.destroy();
        return;
      }
      if (standsStill) return;
      answered.add(req.socket);
      res.end(`${req.method} ${(await req.toArray()).join("")}`);
    }),
  );
  second = await listen(http.createServer((req, res) => void res.end(`${req.method} of the second`)));
  const lease = {
    leader: async () => ({ ...leads, certificate: undefined, key: Buffer.alloc(32) }),
    key: () => undefined,
  } as unknown as Lease;
  const log = createLog("error", { write: () => {} });
  const passing = openPassingOn({
    ...{ lease: () => lease, awaitsContinue: () => false, prefix: "", log, first: undefined },
  });
  atEnd(() => passing.close());
  const app = new Koa();
  app.use(async (ctx) => {
    try {
      await passing.pass(ctx, { from: "192.0.2.1", url });
    } catch (error) {
      if (!isFailure(error)) throw error;
      ctx.status = 503;
      ctx.body = error.reason;
    }
  });
  url = await listen(http.createServer(app.callback()));
});

beforeEach(() => {
  endsKept = false;
  standsStill = false;
  leads = { term: 1, url: first };
  seen.length = 0;
});

test("a connection that ends just when it is taken up again costs nobody an answer", async () => {
  expect((await ask(url, "/a")).text).toBe("GET ");
  endsKept = true;
  const again = await ask(url, "/a");
  expect([again.status, again.text]).toEqual([200, "GET "]);
  // On the kept one in vain, and on another.
  expect(seen).toHaveLength(3);
  expect(seen[1]!.port).toBe(seen[0]!.port);
  expect(seen[2]!.port).not.toBe(seen[1]!.port);
});

test("what changes something has a connection of its own, and is sent once", async () => {
  await ask(url, "/a");
  const posted = await ask(url, "/a", { method: "POST", body: Buffer.from("once") });
  expect([posted.status, posted.text]).toEqual([200, "POST once"]);
  expect(seen[1]!.port).not.toBe(seen[0]!.port);
  endsKept = true;
  const failed = await ask(url, "/a", { method: "POST", body: Buffer.from("once") });
  expect([failed.status, failed.text]).toEqual([503, "leader_absent"]);
  expect(seen.filter(({ method }) => method === "POST")).toHaveLength(2);
});

test.each(["kept", "new"])(
  "a leader that stands still, on a %s connection: the next one is asked instead",
  async (connection) => {
    if (connection === "kept") await ask(url, "/a");
    standsStill = true;
    const before = seen.length;
    const asked = ask(url, "/a");
    await expect.poll(() => seen.length).toBeGreaterThan(before);
    leads = { term: 2, url: second };
    const { status, text } = await asked;
    expect([status, text]).toEqual([200, "GET of the second"]);
  },
);

test("what changes something is not sent to the next leader, as the one before may have done it", async () => {
  standsStill = true;
  const asked = ask(url, "/a", { method: "POST", body: Buffer.from("once") });
  await expect.poll(() => seen.length).toBe(1);
  leads = { term: 2, url: second };
  const { status, text } = await asked;
  expect([status, text]).toEqual([503, "leader_absent"]);
  expect(seen).toHaveLength(1);
});
