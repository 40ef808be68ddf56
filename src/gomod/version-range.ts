// A version query as a range of sort keys (version-sort-key.ts), so that a database answers it from its index. It finds
// exactly what matchesQuery (version-query.ts) lets through.
import { invalid } from "../errors.ts";
import { quote } from "./go-quote.ts";
import { canonical, isValid } from "./version.ts";
import { isVersionQuery, matchesQuery } from "./version-query.ts";
import { numberKey, versionSortKey } from "./version-sort-key.ts";

/** Sort keys from `from` on and below `below`. */
export interface SortKeyRange {
  readonly from?: string;
  readonly below?: string;
}

/** Sorts above every sort key that begins with what stands before it. */
const ABOVE = "~~";

/**
 * The sort keys of the versions that satisfy `v1`, `v1.2`, `v1.2.3`, or a comparison such as `<v1.5`. Throws invalid for what
 * is no version query, and with the go command's words for one that it refuses.
 */
export function sortKeyRange(query: string): SortKeyRange {
  if (!isVersionQuery(query))
    throw invalid(
      `${quote(query.slice(0, 100))} is no version query: use v1, v1.2, v1.2.3, or <, <=, > or >= and a version (latestVersion tells the latest)`,
    );
  matchesQuery("v0.0.0", query); // refuses what cannot be compared with
  const comparison = /^(?:<=|<|>=|>)/.exec(query)?.[0] ?? "";
  const bound = query.slice(comparison.length);
  const level = versionSortKey(canonical(bound));
  switch (comparison) {
    case "<":
      return { below: level };
    case "<=":
      return { below: level + ABOVE };
    case ">":
      return { from: level + ABOVE };
    case ">=":
      return { from: level };
    default:
      return { from: level, below: (isComplete(bound) ? level : numbersOf(bound)) + ABOVE };
  }
}

const isComplete = (version: string): boolean => isValid(version) && canonical(version).length <= version.length;

/** What the sort keys of all versions that begin with the numbers of `v1` or `v1.2` begin with. */
const numbersOf = (short: string): string => short.slice(1).split(".").map(numberKey).join("");
