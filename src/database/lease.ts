// Which of the servers of one database leads: has the repositories, takes pushes, works on jobs. One row says who and until
// when, by the database's clock; the leader renews it, and whoever finds it expired takes it over and counts its term up.
//
// A lease alone keeps nobody from writing: a process that was stopped for a minute believes, when it goes on, that it still
// leads. So two things are asked besides. Whoever is about to touch a repository waits until it is known that the lease is
// good (`demand`). And a transaction that only the leader may make holds the row's key while it lasts (`fence`, FOR KEY
// SHARE): renewing does not touch the key and passes by, taking over changes it and waits, so that the next leader sees
// everything that the one before has committed, and from then on that one commits nothing more. (Kleppmann, "How to do
// distributed locking": fencing tokens; PostgreSQL documentation, 13.3.2, row-level locks.)
//
// Transactions of a process that stands still would make the next leader wait for ever. They are ended in two places, because
// not the same is known there. While the lease is waited for the database says what is in its way (endBlocking): that is fenced
// by a lease that is over, and is ended whatever it does, a long query too. With the lease in hand nothing is in its way any
// more, but transactions of the server before may hold locks of projects and of the checksum log that nobody waits for yet
// (endStanding). They are found by whose they are, which is known only now, and as that server may still answer whoever needs
// no leader, those alone are ended in which nothing happens.
//
// Renewals need not be durable (synchronous_commit off): what a crash of the database forgets of them is a second of a
// lease, and never the order of terms and of what was written under them, which is that of one log. But the newest term may be
// forgotten, by a crash or by a standby that took the database's place without it, and be counted up to again for another
// server. So a term is known by its number and its key; and a leader whose connection was lost asks before it touches
// anything, because the lease may be over sooner than it was told.
import { randomBytes } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import type pg from "pg";
import { Failure, isFailure } from "../errors.ts";
import type { Log } from "../telemetry/log.ts";
import { applicationName } from "./client.ts";
import type { Connections } from "./connections.ts";
import { openLeaseSession } from "./lease-session.ts";
import type { Sql } from "./sql.ts";

/** How old what is known of the leader of another server may be; that there is none is asked again sooner. */
const KNOWN_FOR_MS = 500;
const NONE_KNOWN_FOR_MS = 100;
/** How long after a lease is over others look: clocks are not finer than that. */
const JUST_AFTER_MS = 10;
/** How long transactions of the leader before may go on when its lease is over. */
const BLOCKED_MS = 1_000;
const KEY_BYTES = 32;

/** Times of a lease, in milliseconds. */
export interface LeaseTimes {
  /** How long it is good. Another server takes it over so long after the last renewal. */
  readonly goodMs: number;
  /** How often the leader renews it, and others look; these also at the moment when it is over. */
  readonly everyMs: number;
}

const LEASE_TIMES: LeaseTimes = { goodMs: 4_000, everyMs: 1_000 };

/** Where a server is reached by the others. */
export interface InternalAddress {
  /** Without a slash at the end. */
  readonly url: string;
  /** The SHA-256 of its certificate as Node writes fingerprints; undefined without TLS. */
  readonly certificate: string | undefined;
}

/** The server that leads. */
export interface Leader extends InternalAddress {
  readonly term: number;
  /** What requests that are passed on to it are signed with. */
  readonly key: Buffer;
}

/** Whether this process leads, for whoever touches what only the leader has. */
export interface Leadership {
  /** Resolves if this process leads and knows it. Throws unavailable, leader_absent, otherwise. */
  demand(): Promise<void>;
  /** Has a transaction fail unless this process leads until it is committed. */
  fence(tx: Pick<Sql, "$queryRaw">): Promise<void>;
}

export interface Lease extends Leadership {
  /** Takes it if it is free, and goes on from there: renews it, or waits for it. Resolves after the first try. */
  start(): Promise<void>;
  /** Whether this process leads, as far as it knows, and may take what only a leader takes. */
  leads(): boolean;
  /** Who leads, if anybody does. */
  leader(): Promise<Leader | undefined>;
  /** The key of this term; undefined: this process does not lead. */
  key(): Buffer | undefined;
  /** Ends it, so that another server can take it over at once. */
  close(): Promise<void>;
}

export interface LeaseOptions {
  readonly pool: pg.Pool;
  /** Of a database whose connections keep their session. */
  readonly url: string;
  readonly connections?: Connections;
  readonly log: Log;
  /** Whether this process wants to lead. */
  readonly candidate: boolean;
  /** The name of the data directory, of which only one server can be: a lease of its own is taken over at once. */
  readonly holder: string;
  /** No other server can be on this database: it is taken at once, and needs no renewal. */
  readonly sole: boolean;
  readonly address: InternalAddress;
  /**
   * Begins what only a leader does, and calls `ready` as soon as requests for the leader may come, at its end at the latest.
   * What it throws at the start is thrown by `start`; later the lease is given back.
   */
  readonly begin: (ready: () => void) => Promise<void>;
  /** Ends it, after the lease was lost. */
  readonly end: () => Promise<void>;
  readonly times?: LeaseTimes | undefined;
}

/** The leadership of what has no other servers beside it: of commands. */
export const ALONE: Leadership = { async demand() {}, async fence() {} };

/** That the server with the repositories is not this one, or not for sure. */
export function leaderAbsent(why: string): Failure {
  return new Failure("unavailable", `${why}; try again in a moment`, { reason: "leader_absent" });
}

/** Whether something failed because this server does not lead. */
export function isLeaderAbsent(error: unknown): boolean {
  return isFailure(error, "unavailable") && error.reason === "leader_absent";
}

const NOT_HERE = "what this takes is done by the server that has the repositories, which is another one or none now";

interface Held {
  readonly term: number;
  readonly key: Buffer;
  /** performance.now() until which nobody else can have taken it over, as long as the connection stands. */
  goodUntil: number;
  /** Settled when all that a leader does has begun. */
  readonly begun: Promise<void>;
  /** Whether requests for the leader may come. */
  leads: boolean;
}

/** The lease of a process, which nobody has asked for yet. */
export function openLease(options: LeaseOptions): Lease {
  const { pool, log, candidate, holder, sole, address, begin, end, times = LEASE_TIMES } = options;
  let held: Held | undefined;
  const connection = openLeaseSession({
    ...{ url: options.url, connections: options.connections, goodMs: times.goodMs },
    broke() {
      if (held && !sole) held.goodUntil = 0;
    },
  });
  let known: { readonly leader: Leader | undefined; readonly until: number } | undefined;
  let closed = false;
  let losing: Promise<void> = Promise.resolve();

  const begun = async (mine: Held): Promise<void> => {
    const ready = (): void => {
      mine.leads = true;
    };
    await begin(ready);
    ready();
  };
  /** Takes it over if nobody has it. `again`: also if this data directory has it. */
  let taking: Promise<boolean> = Promise.resolve(false);
  const take = (again: boolean): Promise<boolean> => {
    taking = takeNow(again);
    return taking;
  };
  const takeNow = async (again: boolean): Promise<boolean> => {
    const key = randomBytes(KEY_BYTES);
    const asked = performance.now();
    const blocked = new AbortController();
    const ended = endBlocking(pool, connection.pid, blocked.signal);
    const rows = await connection
      .query<{ term: string; former: string | null }>(
        `WITH before AS MATERIALIZED (SELECT holder FROM server_lease)
        UPDATE server_lease SET term = term + 1, holder = $1, url = $2, certificate = $3, key = $4,
          expires_at = clock_timestamp() + make_interval(secs => $5)
        FROM before
        WHERE expires_at < clock_timestamp() OR ($6 AND server_lease.holder = $1) OR $7
          OR expires_at > clock_timestamp() + interval '1 year' -- of a server that was alone on this database, or a copy
        RETURNING term, before.holder AS former`,
        [holder, address.url, address.certificate ?? null, key, sole ? FOREVER_S : times.goodMs / 1000, again, sole],
      )
      .finally(() => blocked.abort());
    await ended;
    if (rows[0] === undefined) return false;
    const term = Number(rows[0].term);
    if (closed) {
      await giveBack({ term, key });
      return false;
    }
    const { former } = rows[0];
    if (former !== null && former !== holder) await endStanding(pool, former, log);
    const goodUntil = sole ? Number.POSITIVE_INFINITY : asked + times.goodMs;
    const mine: Held = {
      term,
      key,
      goodUntil,
      begun: losing.then(() => begun(mine)),
      leads: false,
    };
    held = mine;
    known = undefined;
    return true;
  };
  const lose = (): void => {
    const before = held;
    if (!before) return;
    held = undefined;
    log.error({ term: before.term }, "another server leads now: this one stops what only a leader does");
    losing = before.begun
      .catch(() => {})
      .then(end)
      .catch((error: unknown) => log.error({ err: error }, "what a leader does could not be ended"));
  };
  const giveBack = async ({ term, key }: Pick<Held, "term" | "key">): Promise<void> => {
    await connection
      .query("UPDATE server_lease SET expires_at = '-infinity' WHERE term = $1 AND key = $2", [term, key])
      .catch(() => {});
  };
  let renewing: Promise<void> | undefined;
  const renewNow = async (mine: Held): Promise<void> => {
    const asked = performance.now();
    const rows = await connection.query(
      "UPDATE server_lease SET expires_at = clock_timestamp() + make_interval(secs => $3) WHERE term = $1 AND key = $2 RETURNING term",
      [mine.term, mine.key, times.goodMs / 1000],
    );
    if (held !== mine) return;
    if (rows.length === 0) lose();
    else mine.goodUntil = asked + times.goodMs;
  };
  const renew = (mine: Held): Promise<void> => {
    renewing ??= renewNow(mine).finally(() => {
      renewing = undefined;
    });
    return renewing;
  };

  /** Renews the lease, or takes it over if it is over; returns after how long to look again. */
  const look = async (): Promise<number> => {
    if (held) {
      await renew(held);
      return times.everyMs;
    }
    if (!(await take(false))) return untilOver();
    const mine = held as Held | undefined;
    log.warn({ term: mine?.term }, "this server leads from now on");
    // Not waited for: the lease has to be renewed meanwhile.
    mine?.begun.catch((error: unknown) => {
      log.error({ err: error }, "what a leader does could not be begun: the lease is given back");
      lose();
      return giveBack(mine);
    });
    return times.everyMs;
  };
  /** After how long to look at a lease that another server has: when it is over, if that is sooner than usual. */
  const untilOver = async (): Promise<number> => {
    const [row] = await connection.query<{ ms: number }>(
      "SELECT (extract(epoch FROM GREATEST(expires_at, clock_timestamp()) - clock_timestamp()) * 1000)::float8 AS ms FROM server_lease",
      [],
    );
    return Math.min(times.everyMs, (row?.ms ?? 0) + JUST_AFTER_MS);
  };
  const rounds = async (): Promise<void> => {
    for (let pause = held ? times.everyMs : 0; !closed; ) {
      await delay(pause, undefined, { ref: false, signal: stopped.signal }).catch(() => {});
      if (closed) return;
      pause = await look().catch((error: Error) => {
        // While the database does not answer nobody can take over either.
        log.debug({ reason: error.message }, "the lease is not known");
        return times.everyMs;
      });
    }
  };
  const stopped = new AbortController();
  let going: Promise<void> = Promise.resolve();

  return {
    async start() {
      if (candidate && (await take(true))) await (held as Held | undefined)?.begun;
      if (candidate && !sole) going = rounds();
    },
    leads: () => held?.leads ?? false,
    key: () => held?.key,
    async leader() {
      if (known && performance.now() < known.until) return known.leader;
      const leader = await leaderIn(pool);
      known = { leader, until: performance.now() + (leader ? KNOWN_FOR_MS : NONE_KNOWN_FOR_MS) };
      return leader;
    },
    async demand() {
      const mine = held;
      if (!mine) throw leaderAbsent(NOT_HERE);
      if (performance.now() < mine.goodUntil) return;
      await renew(mine).catch(() => {
        throw leaderAbsent("the database does not answer, so that this server cannot know whether it still leads");
      });
      if (held !== mine) throw leaderAbsent(NOT_HERE);
    },
    async fence(tx) {
      const mine = held;
      if (!mine) throw leaderAbsent(NOT_HERE);
      const rows = await tx.$queryRaw<unknown[]>`
        SELECT 1 FROM server_lease WHERE term = ${mine.term} AND key = ${mine.key} FOR KEY SHARE`;
      if (rows.length > 0) return;
      if (held === mine) lose();
      throw leaderAbsent(NOT_HERE);
    },
    async close() {
      closed = true;
      stopped.abort();
      await going;
      await taking.catch(() => {}); // what came of it meanwhile is given back
      await losing;
      if (held) await giveBack(held);
      held = undefined;
      await connection.end();
    },
  };
}

/** Ends the transactions of a server that nothing happens in, or that wait for a lock: nobody is there who would go on. */
async function endStanding(pool: pg.Pool, server: string, log: Log): Promise<void> {
  try {
    const { rowCount } = await pool.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND application_name = $1 AND state_change < clock_timestamp() - $2 * interval '1 ms'
          AND (state LIKE 'idle in transaction%' OR state = 'active' AND wait_event_type = 'Lock')`,
      [applicationName(server), BLOCKED_MS],
    );
    if (rowCount) log.warn({ transactions: rowCount }, "the server that led before stood still within transactions");
  } catch (error) {
    log.warn({ err: error }, "whether the server that led before stands still within transactions is not known");
  }
}

/** A hundred years. */
const FOREVER_S = 100 * 366 * 24 * 3600;

interface LeaderRow {
  term: string;
  url: string;
  certificate: string | null;
  key: Buffer;
}

async function leaderIn(pool: pg.Pool): Promise<Leader | undefined> {
  const { rows } = await pool.query<LeaderRow>({
    name: "leader",
    text: "SELECT term, url, certificate, key FROM server_lease WHERE expires_at > clock_timestamp()",
  });
  const row = rows[0];
  return row && { term: Number(row.term), url: row.url, certificate: row.certificate ?? undefined, key: row.key };
}

/** Ends the transactions that a process of the database waits for, when it has waited for a while. */
async function endBlocking(pool: pg.Pool, pid: () => number | undefined, over: AbortSignal): Promise<void> {
  while (!over.aborted) {
    await delay(BLOCKED_MS, undefined, { signal: over, ref: false }).catch(() => {});
    if (over.aborted || pid() === undefined) continue;
    await pool
      .query("SELECT pg_terminate_backend(blocking) FROM unnest(pg_blocking_pids($1)) AS blocking", [pid()])
      .catch(() => {});
  }
}
