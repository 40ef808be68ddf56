// The connection that changes arrive on, and what happens when it goes away: with a reset, or without a word.
import net from "node:net";
import pg from "pg";
import { expect, test, vi } from "vitest";
import { openConnections } from "../../src/database/connections.ts";
import { listenForNotices, type Notices } from "../../src/database/notify.ts";
import { createLog } from "../../src/telemetry/log.ts";
import { atEnd } from "../support/at-end.ts";
import { cuttableLink, over } from "../support/cuttable-link.ts";
import { testDatabase } from "../support/database.ts";
import { eventually } from "../support/eventually.ts";
import { movableAddress } from "../support/replicated-postgres.ts";

const url = await testDatabase();
const serverPort = Number(new URL(url).port);

const client = new pg.Client(url);
await client.connect();
atEnd(() => client.end());

interface Listener {
  readonly notices: Notices;
  /** "channel payload" and "forget", as they came. */
  readonly heard: string[];
  readonly logged: string[];
}

async function listen(at: string, heartbeatMs = 5_000, connections = openConnections()): Promise<Listener> {
  const heard: string[] = [];
  const logged: string[] = [];
  const notices = await listenForNotices(
    at,
    {
      changed: (channel, payload) => void heard.push(`${channel} ${payload}`.trim()),
      forget: () => void heard.push("forget"),
    },
    createLog("info", { write: (line: string) => void logged.push(JSON.parse(line).msg) }),
    { heartbeatMs, connections },
  );
  atEnd(() => notices.close());
  return { notices, heard, logged };
}

const isLive = (notices: Notices, wanted: boolean, withinMs = 3_000): Promise<boolean> =>
  eventually(
    async () => notices.live,
    (live) => live === wanted,
    withinMs,
  );

test("notices arrive in order, with their payload, from before the first is heard", async () => {
  const { notices, heard } = await listen(url);
  expect(notices.live).toBe(true);
  expect(heard).toEqual(["forget"]);
  await client.query("NOTIFY gokura_access; NOTIFY gokura_content, '17'; NOTIFY something_else, 'x'");
  await client.query("NOTIFY gokura_content, '18'");
  await eventually(
    async () => heard.length,
    (length) => length >= 4,
  );
  expect(heard.slice(1)).toEqual(["gokura_access", "gokura_content 17", "gokura_content 18"]);
});

test("a connection that is reset: everything is forgotten at once and again when it is back", async () => {
  const link = await cuttableLink(serverPort);
  const { notices, heard, logged } = await listen(over(link, url));
  await link.cut();
  expect(await isLive(notices, false)).toBe(false);
  expect(heard).toEqual(["forget", "forget"]);
  await client.query("NOTIFY gokura_access"); // unheard
  await link.mend();
  expect(await isLive(notices, true)).toBe(true);
  expect(heard).toEqual(["forget", "forget", "forget"]);
  await client.query("NOTIFY gokura_content, '1'");
  await eventually(
    async () => heard.length,
    (length) => length > 3,
  );
  expect(heard.at(-1)).toBe("gokura_content 1");
  expect(logged).toEqual([
    "lost the connection that notices of changes arrive on; reconnecting",
    "notices of changes arrive again",
  ]);
});

test("a server that ends the connection (a restart, an administrator) is no different", async () => {
  const { notices, heard } = await listen(url);
  await client.query(
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'gokura notices' AND datname = current_database()",
  );
  await eventually(
    async () => heard.length,
    (length) => length >= 3,
  );
  expect(heard).toEqual(["forget", "forget", "forget"]);
  expect(notices.live).toBe(true);
});

test("a connection that the network forgot without a word is found out by its heartbeat", async () => {
  const link = await cuttableLink(serverPort);
  const { notices, heard } = await listen(over(link, url), 200);
  expect(await isLive(notices, false, 700)).toBe(true); // it beats, and is answered
  expect(heard).toEqual(["forget"]);
  link.silence();
  expect(await isLive(notices, false, 2_000)).toBe(false);
  expect(heard).toEqual(["forget", "forget"]);
  await link.mend();
  expect(await isLive(notices, true)).toBe(true);
});

test("whoever waits on a connection that the network forgot is told as soon as the database is heard again", async () => {
  const link = await cuttableLink(serverPort);
  const address = await movableAddress(link.port);
  atEnd(() => address.close());
  const at = new URL(url);
  at.port = String(address.port);
  const connections = openConnections();
  const { notices } = await listen(at.href, 200, connections);
  const pool = new pg.Pool({ connectionString: at.href, stream: connections.stream });
  pool.on("error", () => {});
  pool.on("connect", (one) => one.on("error", () => {}));
  atEnd(() => pool.end());
  await pool.query("SELECT");
  link.silence();
  const waiting = pool.query("SELECT").catch(({ message }: Error) => message);
  address.moveTo(serverPort); // the way is another one now, and the old one is silent for ever
  expect(await waiting).toMatch(/Connection terminated/);
  expect(await isLive(notices, true)).toBe(true);
  await pool.query("SELECT");
});

test("after close nothing is heard and nothing reconnects", async () => {
  const link = await cuttableLink(serverPort);
  const { notices, heard, logged } = await listen(over(link, url));
  await notices.close();
  expect(notices.live).toBe(false);
  await link.cut();
  await client.query("NOTIFY gokura_access");
  await eventually(
    async () => false,
    () => false,
    600,
  );
  expect(heard.filter((word) => word !== "forget")).toEqual([]);
  expect(logged).toEqual([]);
});

test("a database that is not there when it begins is an error, not a listener", async () => {
  const link = await cuttableLink(serverPort, false);
  await expect(listen(over(link, url))).rejects.toMatchObject({ code: "ECONNREFUSED" });
});

test("a server knows whether it is the only one: at once when another comes, soon when it goes", async () => {
  const own = await testDatabase();
  const first = (await listen(own, 50)).notices;
  await expect.poll(() => first.alone).toBe(true);
  const second = (await listen(own)).notices;
  expect(second.alone).toBe(false);
  await expect.poll(() => first.alone).toBe(false);
  await second.close();
  await expect.poll(() => first.alone).toBe(true);
  await first.close();
  expect(first.alone).toBe(false);
});

test("who closes while it connects anew leaves no connection behind", async () => {
  const [clients, held]: [Set<net.Socket>, (() => void)[]] = [new Set(), []];
  let holds = false;
  const slow = net.createServer((socket) => {
    clients.add(socket.on("error", () => {}).on("close", () => clients.delete(socket)));
    const pass = (): void => {
      const to = net.connect(serverPort, "127.0.0.1").on("error", () => {});
      socket.pipe(to).pipe(socket);
    };
    if (holds) held.push(pass);
    else pass();
  });
  await new Promise<void>((done) => slow.listen(0, "127.0.0.1", done));
  atEnd(async () => {
    for (const socket of clients) socket.destroy();
    slow.close();
  });
  const at = new URL(url);
  at.port = String((slow.address() as net.AddressInfo).port);
  const { notices } = await listen(at.href);
  holds = true;
  for (const socket of clients) socket.resetAndDestroy();
  await expect.poll(() => held.length).toBe(1);
  const closing = notices.close();
  held[0]!();
  await closing;
  await expect.poll(() => clients.size).toBe(0);
  expect(notices.live).toBe(false);
});

test("servers that come together are counted, with one statement at a time on each connection", async () => {
  const query = pg.Client.prototype.query as (...words: unknown[]) => Promise<unknown>;
  const underWay = new Map<unknown, number>();
  let most = 0;
  const spy = vi.spyOn(pg.Client.prototype, "query").mockImplementation(async function (this: unknown, ...words) {
    const now = (underWay.get(this) ?? 0) + 1;
    underWay.set(this, now);
    most = Math.max(most, now);
    return await query.apply(this, words).finally(() => underWay.set(this, underWay.get(this)! - 1));
  } as typeof query);
  try {
    const listeners = await Promise.all(Array.from({ length: 6 }, () => listen(url)));
    for (let n = 0; n < 20; n++) await client.query("NOTIFY gokura_servers");
    await Promise.all(listeners.slice(1).map(({ notices }) => notices.close()));
    expect(listeners[0]!.notices.alone).toBe(false);
    await expect.poll(() => Math.max(...underWay.values())).toBe(0);
    expect(underWay.size).toBeGreaterThan(6);
    expect(most).toBe(1);
  } finally {
    spy.mockRestore();
  }
});
