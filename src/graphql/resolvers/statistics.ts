import {
  type AnswerDay,
  answerDays,
  downloadDays,
  publicationDays,
  storageByOrigin,
  topModules,
} from "../../registry/numbers/statistics.ts";
import type { CacheHitDayResolvers, CacheHitRateResolvers, StatisticsResolvers } from "../generated.ts";

const MODULES_DEFAULT = 20;

/**
 * Everything there is.
 * @public for generated.ts
 */
export type WholeInstance = Record<never, never>;

/** Where answers came from, day by day. */
export interface Answers {
  readonly days: readonly AnswerDay[];
}

const sum = ({ days }: Answers, of: "memory" | "stored" | "upstream"): bigint =>
  days.reduce((total, day) => total + day[of], 0n);

export const Statistics: StatisticsResolvers = {
  topModules: (_, { first, ...period }, { registry, principal }) =>
    topModules(registry, principal, period, first ?? MODULES_DEFAULT),
  downloadsByDay: async (_, period, { registry, principal }) =>
    (await downloadDays(registry, principal, period)) ?? null,
  storage: async (_, __, { registry, principal }) => (await storageByOrigin(registry, principal)) ?? null,
  cacheHitRate: async (_, period, { registry, principal }) => {
    const days = await answerDays(registry, principal, period);
    return days ? { days } : null;
  },
  indexGrowth: async (_, period, { registry, principal }) =>
    (await publicationDays(registry, principal, period)) ?? null,
};

export const CacheHitRate: CacheHitRateResolvers = {
  memoryHits: (answers) => sum(answers, "memory"),
  stored: (answers) => sum(answers, "stored"),
  upstream: (answers) => sum(answers, "upstream"),
  rate: (answers) => {
    const here = sum(answers, "memory") + sum(answers, "stored");
    const all = here + sum(answers, "upstream");
    return all === 0n ? null : Number(here) / Number(all);
  },
  byDay: ({ days }) => days,
};

export const CacheHitDay: CacheHitDayResolvers = { memoryHits: ({ memory }) => memory };
