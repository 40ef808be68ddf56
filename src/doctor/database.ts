// The database as a server needs it: new enough, migrated, durable, and with notices that arrive, which a pooler in
// transaction mode swallows without a word.
import { setTimeout as delay } from "node:timers/promises";
import pg from "pg";
import { isMigrated } from "../database/migrate.ts";
import { doubtful, type Finding, good, wrong } from "./finding.ts";

const CONNECT_TIMEOUT_MS = 5_000;
const NOTICE_PATIENCE_MS = 2_000;
/** The oldest PostgreSQL that the project supports itself (postgresql.org, "Versioning Policy"), as server_version_num. */
const OLDEST_SUPPORTED = 140_000;
/** By so much clocks differ without harm: a lease lasts six seconds. */
const CLOCK_SECONDS = 2;
const ABOUT = "database";

/** Looks at a database; `url` is not shown, for it holds the password. `now` is this machine's clock. Changes nothing. */
export async function examineDatabase(url: string, now: () => number = Date.now): Promise<Finding[]> {
  const pool = new pg.Pool({ connectionString: url, connectionTimeoutMillis: CONNECT_TIMEOUT_MS, max: 2 });
  pool.on("error", () => {});
  try {
    const [version, fsync, commit, readOnly] = await settingsOf(pool, [
      ...["server_version_num", "fsync", "synchronous_commit", "transaction_read_only"],
    ]);
    const number = Number(version);
    if (readOnly === "on") {
      const says = "it takes no writes: it is a standby, or was made read-only";
      return [
        wrong(ABOUT, says, "Have DATABASE_URL lead to the primary (docs/scale.md, When the database fails over)."),
      ];
    }
    const findings = [
      number < OLDEST_SUPPORTED
        ? doubtful(ABOUT, `PostgreSQL ${Math.floor(number / 10_000)} gets no fixes any more`, "Upgrade it.")
        : good(ABOUT, `PostgreSQL ${Math.floor(number / 10_000)}.${number % 10_000} answers`),
    ];
    if (fsync === "off" || commit === "off")
      findings.push(
        wrong(
          ABOUT,
          `${fsync === "off" ? "fsync" : "synchronous_commit"} is off`,
          "Switch it on: a power cut loses what was acknowledged otherwise.",
        ),
      );
    findings.push(...(await clockOf(pool, now)));
    findings.push(
      (await isMigrated(pool))
        ? good(ABOUT, "it is at the newest migration")
        : doubtful(
            ABOUT,
            "it is not at the newest migration of this release",
            "Start the server, which migrates, or run gokura migrate.",
          ),
    );
    findings.push(
      (await noticesArrive(pool))
        ? good(ABOUT, "notices of changes arrive (LISTEN)")
        : wrong(
            ABOUT,
            "notices of changes do not arrive (LISTEN)",
            "DATABASE_URL must lead to PostgreSQL itself: poolers in transaction mode pass no notices on.",
          ),
    );
    return findings;
  } catch (error) {
    const { message, code } = error as { message: string; code?: string };
    return [wrong(ABOUT, `it does not answer: ${message || code}`, "Is PostgreSQL up, and is DATABASE_URL right?")];
  } finally {
    await pool.end();
  }
}

/** Whether its clock is ours: leases, sessions and what expires are told by both. */
async function clockOf(pool: pg.Pool, now: () => number): Promise<Finding[]> {
  const before = now();
  const { rows } = await pool.query<{ ms: number }>(
    "SELECT (extract(epoch FROM clock_timestamp()) * 1000)::float8 AS ms",
  );
  const seconds = Math.round(Math.abs(rows[0]!.ms - (before + now()) / 2) / 1000);
  if (seconds <= CLOCK_SECONDS) return [];
  const says = `its clock and that of this machine differ by ${seconds} s`;
  return [wrong(ABOUT, says, "Have both follow a time server (NTP): leases and tokens expire too early or too late.")];
}

async function settingsOf(pool: pg.Pool, names: readonly string[]): Promise<string[]> {
  const { rows } = await pool.query<{ value: string }>(
    "SELECT current_setting(name) AS value FROM unnest($1::text[]) WITH ORDINALITY AS asked(name, place) ORDER BY place",
    [names],
  );
  return rows.map(({ value }) => value);
}

/** Whether one connection hears what another one says, a transaction later. */
async function noticesArrive(pool: pg.Pool): Promise<boolean> {
  const channel = `gokura_examination_${process.pid}`;
  const listener = await pool.connect();
  listener.on("error", () => {}); // told by what is asked next
  try {
    const heard = new Promise<boolean>((done) => listener.once("notification", () => done(true)));
    await listener.query(`LISTEN ${channel}`);
    await pool.query("SELECT pg_notify($1, '')", [channel]);
    return await Promise.race([heard, delay(NOTICE_PATIENCE_MS, false, { ref: false })]);
  } finally {
    listener.release(true);
  }
}
