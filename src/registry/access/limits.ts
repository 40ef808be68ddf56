// How much one address or one principal may ask for in a minute, of what costs more than an answer from memory. Each limit is
// counted by rate-limiter-flexible, in the memory of this process: a store in the database would cost a write for each request,
// and what is to be kept from is one client that takes all of one server. So beside each other several servers give each client
// as much as each has. The library forgets when a minute is over, but has no end of clients within it, so here is one.
import { LRUCache } from "lru-cache";
import type { IRateLimiterRes, RateLimiterMemory } from "rate-limiter-flexible";
import { Failure, type ReasonOf } from "../../errors.ts";
import type { Metrics } from "../../telemetry/metrics.ts";
import { LIMIT_NAMES, type LimitName, type LimitSettings } from "../limited.ts";
import type { Limits } from "../registry.ts";

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

/** Counts by these settings. The library is loaded when there is first something to count. */
export function createLimits(settings: LimitSettings, metrics: Metrics): Limits {
  let counting: Promise<Record<LimitName, Counted>> | undefined;
  const counted = async (name: LimitName): Promise<Counted | undefined> => {
    if (settings[name] === 0) return undefined;
    counting ??= openCounts(settings);
    return (await counting)[name];
  };
  const refuse = (name: LimitName, res: IRateLimiterRes | null): Failure => {
    metrics.limited.inc({ limit: name });
    const seconds = Math.max(1, Math.ceil((res?.msBeforeNext ?? 0) / 1000));
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
      if (res) throw refuse(name, res);
    },
    async giveBack(name, who) {
      await (await counted(name))?.limiter.reward(who);
    },
    async check(name, who) {
      const limit = await counted(name);
      const res = await limit?.limiter.get(who);
      if (limit && res && res.consumedPoints >= settings[name]) throw refuse(name, res);
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
  readonly limiter: RateLimiterMemory;
  /** What was counted once within the minute. */
  readonly seen: LRUCache<string, true>;
  /** Takes points; undefined if they were left. */
  take(who: string, points: number): Promise<IRateLimiterRes | undefined>;
}

async function openCounts(settings: LimitSettings): Promise<Record<LimitName, Counted>> {
  const { RateLimiterMemory } = await import("rate-limiter-flexible");
  const counts = LIMIT_NAMES.map((name): [LimitName, Counted] => {
    const limiter = new RateLimiterMemory({ points: settings[name], duration: WINDOW_SECONDS });
    const clients = new LRUCache<string, true>({
      max: MAX_CLIENTS,
      noDisposeOnSet: true,
      dispose: (_, who) => void limiter.delete(who),
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
    const seen = new LRUCache<string, true>({ max: MAX_SEEN, ttl: WINDOW_SECONDS * 1000 });
    return [name, { limiter, seen, take }];
  });
  return Object.fromEntries(counts) as Record<LimitName, Counted>;
}
