// What is limited for one client by the minute (access/limits.ts), and how much it may be.

/** The limits by their names, as metrics call them. */
export const LIMIT_NAMES = ["wrong_credentials", "sign_ins", "cold_fetches", "graphql_cost", "uploads"] as const;
export type LimitName = (typeof LIMIT_NAMES)[number];

/** So much of each a client has in a minute; 0: as much as it wants. */
export type LimitSettings = Readonly<Record<LimitName, number>>;
