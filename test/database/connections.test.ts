// What every connection of the pool is set to, whatever the server says.
import { expect, test } from "vitest";
import { openDatabase } from "../../src/database/client.ts";
import { createLog } from "../../src/telemetry/log.ts";
import { atEnd } from "../support/at-end.ts";
import { testDatabase } from "../support/database.ts";

test("statements are never compiled, on any connection, even where the server would", async () => {
  const url = new URL(await testDatabase());
  url.searchParams.set("options", "-c jit=on");
  const database = openDatabase(url.href, createLog("info"));
  atEnd(() => database.close());
  const settings = await Promise.all(
    Array.from({ length: 5 }, () =>
      database.pool.query<{ jit: string }>("SELECT current_setting('jit') AS jit, pg_sleep(0.1)"),
    ),
  );
  expect(settings.map(({ rows }) => rows[0]!.jit)).toEqual(Array(5).fill("off"));
  expect(database.pool.totalCount).toBeGreaterThan(1);
  expect(await database.prisma.$queryRaw`SELECT current_setting('jit') AS jit`).toEqual([{ jit: "off" }]);
});
