// Names that nobody outside may hear of (GOKURA_PRIVATE, patterns as GOPRIVATE's). They are never asked upstream; and what
// had been fetched under such a name before the pattern was set is somebody else's, or should never have been seen: from
// then on nobody gets it, neither through a Go endpoint nor in lists and feeds. It is not deleted, so that a pattern that
// was a mistake can be taken back.
import type { Database } from "../../database/client.ts";
import { matchPrefixPatterns } from "../../gomod/module-path.ts";
import type { PrivateModules } from "../registry.ts";

/** Finds out what is private, and what is stored of it. */
export async function openPrivateModules({ pool }: Database, patterns: string): Promise<PrivateModules> {
  const covers = (modulePath: string): boolean => matchPrefixPatterns(patterns, modulePath);
  if (patterns === "") return { covers, fetchedBefore: [] };
  const { rows } = await pool.query<{ path: string }>("SELECT path FROM module WHERE origin = 'UPSTREAM'");
  return { covers, fetchedBefore: rows.map(({ path }) => path).filter(covers) };
}
