// What may stand where a version is asked for: a version, a query over the list of versions (`latest`, `v1.2`, `<v1.5.0`),
// or the name of a revision. The go command answers queries itself, from the list; a proxy sees revision names, and must
// not take a reserved word for a branch. Sources: Go Modules Reference, "Version queries";
// cmd/go/internal/modload/query.go newQueryMatcher; codehost/git.go statLocal.

import { invalid } from "../errors.ts";
import { quote } from "./go-quote.ts";
import { canonical, compare, isValid } from "./version.ts";

/** Whether the word is never the name of a branch or tag to the go command. */
export const isReservedQuery = (rev: string): boolean => rev === "latest" || rev === "upgrade" || rev === "patch";

/** Whether git may be asked for a commit whose hash begins so: 7 (codehost/git.go minHashDigits) to 64 lower-case hexadecimal digits. */
export const isHashPrefix = (rev: string): boolean => /^[0-9a-f]{7,64}$/.test(rev);

/** Whether the valid version leaves out its patch, or also its minor number. */
const isShort = (version: string): boolean => canonical(version).length > version.length;

/** Whether the text chooses among the listed versions by itself: a comparison, or a version, complete or short. */
export const isVersionQuery = (query: string): boolean => /^[<>]/.test(query) || isValid(query);

/**
 * Whether a listed version satisfies a query: `v1`, `v1.2` (any version below it), `v1.2.3` (that one), `<`, `<=`, `>` or
 * `>=` and a version. False for the name of a revision. Throws Failure "invalid" if what is compared with is not a version,
 * or if the comparison would be ambiguous, as `<=v1.2`.
 */
export function matchesQuery(version: string, query: string): boolean {
  const comparison = /^(?:<=|<|>=|>)/.exec(query)?.[0];
  if (comparison === undefined) {
    if (!isValid(query)) return false;
    if (isShort(query)) return version.startsWith(`${query}.`) && compare(version, query) >= 0;
    return version.startsWith(canonical(query)) && compare(version, query) === 0;
  }
  const bound = query.slice(comparison.length);
  if (!isValid(bound)) throw invalid(`invalid semantic version ${quote(bound)} in range ${quote(query)}`);
  if (isShort(bound) && (comparison === "<=" || comparison === ">")) {
    throw invalid(`ambiguous semantic version ${quote(bound)} in range ${quote(query)}`);
  }
  const order = compare(version, bound);
  switch (comparison) {
    case "<":
      return order < 0;
    case "<=":
      return order <= 0;
    case ">":
      return order > 0;
    default:
      return order >= 0;
  }
}
