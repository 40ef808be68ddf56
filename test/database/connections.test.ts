// What every connection of the pool is set to, whatever the server says.
import pg from "pg";
import { expect, test } from "vitest";
import { openDatabase } from "../../src/database/client.ts";
import { inTransaction } from "../../src/database/sql.ts";
import { databaseTrouble } from "../../src/database/trouble.ts";
import { createLog } from "../../src/telemetry/log.ts";
import { atEnd } from "../support/at-end.ts";
import { testDatabase } from "../support/database.ts";

test("on any connection statements are never compiled, even where the server would, and a transaction that stands still ends", async () => {
  const url = new URL(await testDatabase());
  url.searchParams.set("options", "-c jit=on");
  const database = openDatabase(url.href, createLog("info"));
  atEnd(() => database.close());
  const clients = await Promise.all(Array.from({ length: 5 }, () => database.pool.connect()));
  for (const client of clients)
    expect(
      (
        await client.query(
          "SELECT current_setting('jit') AS jit, current_setting('idle_in_transaction_session_timeout') AS idle",
        )
      ).rows,
    ).toEqual([{ jit: "off", idle: "1min" }]);
  expect(database.pool.totalCount).toBe(5);
  for (const client of clients) client.release();
  expect(await database.prisma.$queryRaw`SELECT current_setting('jit') AS jit`).toEqual([{ jit: "off" }]);
});

test("how a transaction sees others, and how times are written, are not what the database has for others", async () => {
  const url = new URL(await testDatabase());
  url.searchParams.set("options", "-c default_transaction_isolation=serializable -c datestyle=German");
  const database = openDatabase(url.href, createLog("info"));
  atEnd(() => database.close());
  const { rows } = await database.pool.query(
    "SELECT '2026-02-03T04:05:06Z'::timestamptz AS at, current_setting('transaction_isolation') AS isolation",
  );
  expect(rows).toEqual([{ at: new Date("2026-02-03T04:05:06Z"), isolation: "read committed" }]);
  expect(await database.prisma.$queryRaw`SELECT '2026-02-03T04:05:06Z'::timestamptz AS at`).toEqual([
    { at: new Date("2026-02-03T04:05:06Z") },
  ]);
});

test("a moment is the same to Prisma and to plain SQL, whatever time zone the database has for others", async () => {
  const url = new URL(await testDatabase());
  url.searchParams.set("options", "-c timezone=Asia/Kolkata");
  const { prisma, pool, close } = openDatabase(url.href, createLog("info"));
  atEnd(close);
  const at = new Date("2026-02-03T04:05:06Z");
  // read: the adapter of Prisma takes whatever offset the database says for +00
  expect(await prisma.$queryRaw`SELECT '2026-02-03T04:05:06Z'::timestamptz AS at`).toEqual([{ at }]);
  // written: it sends a moment as UTC without saying so
  const { id } = await prisma.user.create({ data: { username: "zoe", name: "Zoe", blockedAt: at } });
  expect((await pool.query(`SELECT blocked_at AS at FROM "user" WHERE id = $1`, [id])).rows).toEqual([{ at }]);
});

test("a connection that takes no writes is used no more, so that the next one leads to where they are taken", async () => {
  const url = await testDatabase();
  const admin = new pg.Client(url);
  await admin.connect();
  atEnd(() => admin.end());
  const readOnly = (how: string) => admin.query(`ALTER DATABASE ${new URL(url).pathname.slice(1)} ${how}`);
  await readOnly("SET default_transaction_read_only = on");
  const database = openDatabase(url, createLog("info"));
  atEnd(() => database.close());
  const writes = [
    () => inTransaction(database.pool, async (tx) => tx.$executeRaw`UPDATE sum_tree SET size = size`),
    () => database.prisma.$transaction((tx) => tx.$executeRaw`UPDATE sum_tree SET size = size`),
    () => database.prisma.$executeRaw`UPDATE sum_tree SET size = size`,
  ];
  for (const write of writes) {
    expect(databaseTrouble(await write().catch((error: unknown) => error))).toBe("away");
    await readOnly("RESET default_transaction_read_only");
    expect(await write()).toBe(1);
    await readOnly("SET default_transaction_read_only = on");
    for (const client of await Promise.all(Array.from({ length: 3 }, () => database.pool.connect())))
      client.release(true);
  }
});
