// When limits begin anew, that 0 is none, and that a flood of addresses takes no memory without end.
import pg from "pg";
import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { createLimits } from "../../../src/registry/access/limits.ts";
import type { LimitSettings } from "../../../src/registry/limited.ts";
import type { Limits } from "../../../src/registry/registry.ts";
import { UNCOUNTED } from "../../../src/telemetry/metrics.ts";
import { atEnd } from "../../support/at-end.ts";
import { testDatabase } from "../../support/database.ts";

const SETTINGS: LimitSettings = { wrong_credentials: 2, sign_ins: 2, cold_fetches: 2, graphql_cost: 0, uploads: 2 };

beforeEach(() => void vi.useFakeTimers({ toFake: ["Date", "performance", "setTimeout", "clearTimeout"] }));
afterEach(() => void vi.useRealTimers());

test("a minute after the first everything may be asked again, and the refusal says how long that is", async () => {
  const limits = createLimits(SETTINGS, UNCOUNTED);
  await limits.take("uploads", "ann");
  vi.advanceTimersByTime(20_000);
  await limits.take("uploads", "ann");
  await expect(limits.take("uploads", "ann")).rejects.toMatchObject({ kind: "too-many", retryAfterSeconds: 40 });
  vi.advanceTimersByTime(39_500);
  await expect(limits.take("uploads", "ann")).rejects.toMatchObject({
    retryAfterSeconds: 1,
    message: expect.stringMatching(/: wait a second and try again$/),
  });
  vi.advanceTimersByTime(500);
  await limits.take("uploads", "ann");
});

test("a point that is given back can be taken again; a limit of 0 refuses nothing", async () => {
  const limits = createLimits(SETTINGS, UNCOUNTED);
  for (let n = 0; n < 5; n++) {
    await limits.take("cold_fetches", "192.0.2.1");
    await limits.giveBack("cold_fetches", "192.0.2.1");
  }
  for (let n = 0; n < 5; n++) await limits.take("graphql_cost", "ann", 1_000_000);
});

test("the same thing is counted once within a minute", async () => {
  const limits = createLimits(SETTINGS, UNCOUNTED);
  for (let n = 0; n < 5; n++) await limits.note("wrong_credentials", "192.0.2.1", "the same");
  await limits.check("wrong_credentials", "192.0.2.1");
  await limits.note("wrong_credentials", "192.0.2.1", "another");
  await expect(limits.check("wrong_credentials", "192.0.2.1")).rejects.toMatchObject({ retryAfterSeconds: 60 });
  expect(await limits.wasNoted("wrong_credentials", "192.0.2.1", "the same")).toBe(true);
  expect(await limits.wasNoted("wrong_credentials", "192.0.2.2", "the same")).toBe(false);
});

test("of more than 10,000 clients within a minute those are forgotten that came longest ago", async () => {
  const limits = createLimits(SETTINGS, UNCOUNTED);
  for (let n = 0; n < 3; n++) await limits.note("sign_ins", "first");
  await expect(limits.check("sign_ins", "first")).rejects.toMatchObject({ kind: "too-many" });
  const before = vi.getTimerCount();
  for (let n = 0; n < 10_050; n++) await limits.note("sign_ins", `address ${n}`);
  expect(vi.getTimerCount() - before).toBeLessThan(10_000);
  await limits.check("sign_ins", "first");
});

describe("servers that count together", () => {
  let together: [Limits, Limits];
  let pool: pg.Pool;

  beforeAll(async () => {
    pool = new pg.Pool({ connectionString: await testDatabase() });
    pool.on("error", () => {}); // the database is dropped at the end
    pool.on("connect", (client) => client.on("error", () => {}));
    atEnd(() => pool.end());
    together = [createLimits(SETTINGS, UNCOUNTED, pool), createLimits(SETTINGS, UNCOUNTED, pool)];
  });

  test("give a client as much as one alone, and give back what was taken for nothing", async () => {
    const [one, other] = together;
    await one.take("uploads", "ann");
    await other.take("uploads", "ann");
    await other.giveBack("uploads", "ann");
    await one.take("uploads", "ann");
    for (const server of together)
      await expect(server.take("uploads", "ann")).rejects.toMatchObject({
        retryAfterSeconds: 60,
        message: expect.stringContaining("more than 2 uploads"),
      });
    await one.take("uploads", "bob");
    vi.advanceTimersByTime(60_001);
    await other.take("uploads", "ann");
  });

  test("refuse from memory whom they have refused once, and count alone while the database is away", async () => {
    const [one, other] = together;
    await one.note("sign_ins", "192.0.2.1");
    await other.note("sign_ins", "192.0.2.1");
    await expect(one.check("sign_ins", "192.0.2.1")).rejects.toMatchObject({ retryAfterSeconds: 60 });
    for (let n = 0; n < 3; n++) await other.take("cold_fetches", "192.0.2.1").catch(() => {});
    const asked = vi.spyOn(pool, "query");
    await expect(one.check("sign_ins", "192.0.2.1")).rejects.toMatchObject({ kind: "too-many" });
    await expect(other.take("cold_fetches", "192.0.2.1")).rejects.toMatchObject({ kind: "too-many" });
    expect(asked).not.toHaveBeenCalled();
    asked.mockRestore();
    await pool.query("ALTER TABLE rate_limit RENAME TO away");
    for (let n = 0; n < 2; n++) await one.take("uploads", "eve");
    await expect(one.take("uploads", "eve")).rejects.toMatchObject({ kind: "too-many" });
    await expect(one.check("sign_ins", "192.0.2.2")).resolves.toBeUndefined();
  });
});
