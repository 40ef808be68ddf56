// Packages found by what is in them: who imports one, and which declare a name. Asked are the versions that are described of
// each module (ModuleDocument), as far as they are documented: all that a project here has published, and of modules from
// upstream those that somebody has looked at. What the principal may not find is not there (modules/module-visibility.ts).
import { invalid } from "../../errors.ts";
import { keysetPage, type Page, type PageRequest } from "../lists/keyset-page.ts";
import { findableBy, isFindable } from "../modules/module-visibility.ts";
import type { Principal } from "../principal.ts";
import type { Registry } from "../registry.ts";
import { isKeepable } from "../text.ts";

/** Of what is searched for, in characters. */
const MAX_QUERY = 200;
const MAX_NAMES = 8;

/** A package of the described version of a module. */
export interface FoundPackage {
  /** Its import path. */
  readonly path: string;
  readonly name: string;
  readonly synopsis: string;
  readonly modulePath: string;
  readonly version: string;
  readonly versionId: number;
  readonly directory: string;
}

/** The packages of other modules that import one, by path. */
export function importersOf(
  registry: Registry,
  principal: Principal,
  { path, modulePath }: { readonly path: string; readonly modulePath: string },
  request: PageRequest,
): Promise<Page<FoundPackage>> {
  return found(registry, principal, request, "p.imports @> ARRAY[$5] AND m.path <> $6", [path, modulePath]);
}

/**
 * Reads a search for declarations: `NewLimiter`, `Limiter.Allow`, `rate.NewLimiter`, `rate.Limiter.Allow`, or several of these,
 * all of which a package must have. Case does not matter. Gives the names in lower case; throws invalid if there are none.
 */
export function readSymbolQuery(text: string): readonly string[] {
  const names = text
    .slice(0, MAX_QUERY)
    .toLowerCase()
    .split(/\s+/)
    .filter((name) => name !== "");
  if (names.length === 0 || names.length > MAX_NAMES || !isKeepable(text))
    throw invalid(`search for 1 to ${MAX_NAMES} names of declarations, such as Limiter.Allow or rate.NewLimiter`);
  return names;
}

/** The packages that declare all of some names (readSymbolQuery), by path. */
export function packagesDeclaring(
  registry: Registry,
  principal: Principal,
  names: readonly string[],
  request: PageRequest,
): Promise<Page<FoundPackage>> {
  // Each may be qualified by the package's name: then the rest is the word.
  const conditions = names.map((name, n) => {
    const at = 5 + n;
    const isQualified = name.includes(".");
    const qualified = `split_part($${at}, '.', 1) = lower(p.name) AND p.words @> ARRAY[substr($${at}, strpos($${at}, '.') + 1)]`;
    return isQualified ? `(p.words @> ARRAY[$${at}] OR ${qualified})` : `p.words @> ARRAY[$${at}]`;
  });
  return found(registry, principal, request, conditions.join(" AND "), names);
}

const FROM = `FROM documented_package p JOIN documented_version d USING (version_id)
  JOIN module_document described USING (version_id) JOIN module m ON m.id = described.module_id
  JOIN module_search s ON s.module_id = m.id JOIN module_version v ON v.id = p.version_id`;
/** The import path, which is what lists are sorted by. */
const PATH = `(m.path || CASE p.directory WHEN '' THEN '' ELSE '/' || p.directory END) COLLATE "C"`;

/** A page of packages. A condition's parameters begin with $5; $4 is how many. */
async function found(
  registry: Registry,
  principal: Principal,
  request: PageRequest,
  condition: string,
  values: readonly string[],
): Promise<Page<FoundPackage>> {
  const { visibilities, projectIds, hidden } = await findableBy(registry, principal);
  return keysetPage<FoundPackage, string>(request, {
    keyType: "string",
    order: "asc",
    key: ({ path }) => path,
    read: async ({ gt, lt }, order, take) => {
      const all: unknown[] = [visibilities, projectIds, hidden, take, ...values];
      const bounds = [
        ...(gt === undefined ? [] : [`${PATH} > $${all.push(gt)}`]),
        ...(lt === undefined ? [] : [`${PATH} < $${all.push(lt)}`]),
      ];
      const { rows } = await registry.database.pool.query<FoundPackage>(
        `SELECT ${PATH} AS path, p.name, p.synopsis, m.path AS "modulePath", v.version, p.version_id AS "versionId",
           p.directory ${FROM}
         WHERE ${[condition, isFindable("$1", "$2", "$3"), ...bounds].join(" AND ")}
         ORDER BY ${PATH} ${order} LIMIT $4`,
        all,
      );
      return rows;
    },
  });
}
