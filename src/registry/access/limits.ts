// How much one address or one principal may ask for in a minute, of what costs more than an answer from memory. Each limit is
// counted by rate-limiter-flexible: by one process alone in its memory, by several together in the database, which costs a write
// for each request that counts. Whoever is refused is refused from memory, there as here, until the minute is over; and while
// the database is away each counts for itself. In memory the library forgets when a minute is over, but has no end of clients
// within it, so here is one.
// Wrong credentials each process counts alone: they cost the process that is asked, nobody guesses a token, and only there it is
// known which others of that address are good.
import { LRUCache } from "lru-cache";
import type pg from "pg";
import type { IRateLimiterRes, RateLimiterAbstract } from "rate-limiter-flexible";
import { ExpiringMemory } from "../../concurrency/expiring-memory.ts";
import { onDemand } from "../../concurrency/on-demand.ts";
import { Failure, type ReasonOf } from "../../errors.ts";
import type { Metrics } from "../../telemetry/metrics.ts";
import { LIMIT_NAMES, type LimitName, type LimitSettings } from "../limited.ts";
import type { Limits } from "../registry.ts";

const COUNTED_ALONE: LimitName = "wrong_credentials";
const WINDOW_SECONDS = 60;
/** Clients that are counted of each limit; beyond that the one is forgotten that was counted longest ago. */
const MAX_CLIENTS = 10_000;
/** Things that were counted once. */
const MAX_SEEN = 100_000;

/** What a client is told; then comes how long it must wait. */
const WORDS: Record<LimitName, (most: number) => string> = {
  wrong_credentials: (most) => `more than ${most} different wrong credentials came from your address within a minute`,
  sign_ins: (most) => `more than ${most} sign-ins from your address failed within a minute`,
  cold_fetches: (most) =>
    `without a token an address may have ${most} things a minute fetched from upstream; what is stored is served all the same: send a token, or`,
  graphql_cost: (most) => `your queries of this minute cost more than ${most} together: ask for less,`,
  uploads: (most) => `more than ${most} uploads were begun within a minute`,
};

/**
 * Counts by these settings, together with all that have the same `database`; undefined: alone. The library is loaded when there
 * is first something to count.
 */
export function createLimits(settings: LimitSettings, metrics: Metrics, database?: pg.Pool): Limits {
  const counts = onDemand(() => openCounts(settings, database));
  const counted = async (name: LimitName): Promise<Counted | undefined> => {
    if (settings[name] === 0) return undefined;
    return (await counts.get())[name];
  };
  const refuse = (name: LimitName, msLeft: number): Failure => {
    metrics.limited.inc({ limit: name });
    const seconds = Math.max(1, Math.ceil(msLeft / 1000));
    const wait = `wait ${seconds === 1 ? "a second" : `${seconds} seconds`} and try again`;
    const reason: ReasonOf<"too-many"> =
      name === "wrong_credentials" || name === "sign_ins" ? "too_many_wrong_credentials" : "rate_limited";
    const told = WORDS[name](settings[name]);
    return new Failure("too-many", `${told}${/(?:,| or)$/.test(told) ? " " : ": "}${wait}`, {
      reason,
      retryAfterSeconds: seconds,
    });
  };
  return {
    async take(name, who, points = 1) {
      const limit = await counted(name);
      const res = await limit?.take(who, points);
      if (res) throw refuse(name, res.msBeforeNext ?? 0);
    },
    async giveBack(name, who) {
      await (await counted(name))?.limiter.reward(who);
    },
    async check(name, who) {
      const limit = await counted(name);
      if (!limit) return;
      const msRefused = limit.refused?.getRemainingTTL(who) ?? 0;
      if (msRefused > 0) throw refuse(name, msRefused);
      const res = await limit.limiter.get(who);
      if (!res || res.consumedPoints < settings[name]) return;
      limit.refused?.set(who, true, { ttl: res.msBeforeNext });
      throw refuse(name, res.msBeforeNext);
    },
    async note(name, who, what) {
      const limit = await counted(name);
      if (!limit) return;
      if (what !== undefined) {
        if (limit.seen.has(`${who} ${what}`)) return;
        limit.seen.set(`${who} ${what}`, true);
      }
      await limit.take(who, 1);
    },
    async wasNoted(name, who, what) {
      return (await counted(name))?.seen.has(`${who} ${what}`) ?? false;
    },
  };
}

interface Counted {
  readonly limiter: RateLimiterAbstract;
  /** Who has nothing left for the rest of its minute, so that the database is not asked again; undefined: none is. */
  readonly refused: LRUCache<string, true> | undefined;
  /** What was counted once within the minute. */
  readonly seen: LRUCache<string, true>;
  /** Takes points; undefined if they were left. */
  take(who: string, points: number): Promise<IRateLimiterRes | undefined>;
}

async function openCounts(settings: LimitSettings, database: pg.Pool | undefined): Promise<Record<LimitName, Counted>> {
  const { RateLimiterMemory, RateLimiterPostgres } = await import("rate-limiter-flexible");
  const counts = LIMIT_NAMES.map((name): [LimitName, Counted] => {
    const pool = name === COUNTED_ALONE ? undefined : database;
    const options = { points: settings[name], duration: WINDOW_SECONDS, keyPrefix: name };
    const memory = new RateLimiterMemory(options);
    const clients = new LRUCache<string, true>({
      max: MAX_CLIENTS,
      noDisposeOnSet: true,
      dispose: (_, who) => void memory.delete(who),
    });
    const limiter =
      pool === undefined
        ? memory
        : new RateLimiterPostgres({
            ...{ ...options, storeClient: pool, storeType: "pool", tableName: "rate_limit", tableCreated: true },
            // One more than there are: a point may be given back.
            inMemoryBlockOnConsumed: settings[name] + 1,
            insuranceLimiter: memory,
            clearExpiredByTimeout: name === "sign_ins", // of all limits
          });
    const take: Counted["take"] = async (who, points) => {
      clients.set(who, true);
      try {
        await limiter.consume(who, points);
        return undefined;
      } catch (refused) {
        if (refused instanceof Error) throw refused;
        return refused as IRateLimiterRes;
      }
    };
    const aMinute = (max: number) => new ExpiringMemory<string, true>({ max, ttl: WINDOW_SECONDS * 1000 });
    const [seen, refused] = [aMinute(MAX_SEEN), pool && aMinute(MAX_CLIENTS)];
    return [name, { limiter, refused, seen, take }];
  });
  return Object.fromEntries(counts) as Record<LimitName, Counted>;
}
