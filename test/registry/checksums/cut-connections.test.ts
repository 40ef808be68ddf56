// The database ends connections at any moment of an append, the COMMIT among them, whose outcome is then not known. Whoever
// waits gets the one place of its record, or an error; nothing is appended twice.
import { setTimeout as delay } from "node:timers/promises";
import pg from "pg";
import { expect, test } from "vitest";
import { ensureRecord } from "../../../src/registry/checksums/checksum-log.ts";
import { findRecord } from "../../../src/registry/checksums/log-records.ts";
import { atEnd } from "../../support/at-end.ts";
import { judge, testLog } from "./log.ts";
import { observed } from "./records.ts";

const CUTS = 30;

test(`${CUTS} connections cut while two servers append`, async () => {
  const { log, registry, again } = await testLog();
  const second = await again();
  const cutter = new pg.Client(registry.database.url);
  await cutter.connect();
  atEnd(() => cutter.end());
  let cuts = 0;
  const told = new Map<string, number>();
  const end = performance.now() + 50_000;
  const cutting = (async () => {
    while (cuts < CUTS) {
      // The moment is the subject. Faster than a connection stands nothing would ever be told.
      await delay(Math.random() * (told.size === 0 ? 40 : 12));
      if (performance.now() > end) throw new Error("the database did not let itself be cut");
      // Those that are in a transaction, which is where it hurts.
      const { rowCount } = await cutter.query(
        `select pg_terminate_backend(pid) from pg_stat_activity
          where datname = current_database() and pid <> pg_backend_pid() and application_name like 'gokura%'
            and state <> 'idle' limit 1`,
      );
      cuts += rowCount ?? 0;
    }
  })();
  const appending = async (server: number, one: typeof log): Promise<void> => {
    for (let n = 0; cuts < CUTS && performance.now() < end; n++) {
      const names = Array.from({ length: 1 + (n % 5) * 9 }, (_, m) => `s${server}-${n}-${m}`);
      const settled = await Promise.allSettled(names.map((name) => ensureRecord(one, observed(name))));
      for (const [m, outcome] of settled.entries())
        if (outcome.status === "fulfilled") told.set(names[m]!, outcome.value.id);
    }
  };
  await Promise.all([cutting, appending(0, log), appending(1, second)]);
  const size = await judge(registry);
  expect([cuts >= CUTS, told.size > 0]).toEqual([true, true]);
  expect(size).toBeGreaterThanOrEqual(told.size);
  for (const [name, id] of told)
    expect([name, (await findRecord(registry, `example.com/${name}`, "v1.0.0"))?.id]).toEqual([name, id]);
  // It goes on where it is.
  expect((await ensureRecord(log, observed("last"))).id).toBe(size);
}, 120_000);
