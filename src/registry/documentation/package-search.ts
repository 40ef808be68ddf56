// Finding packages by words, as pkg.go.dev's search has them: one flat list, best first. A package is found by its module
// (modules/search.ts), if it is the module's root or the words are in its own path, name or synopsis; by its name alone; or, where
// names of declarations are asked for too, by these, if the words are in it.

import { findableBy, isFindable } from "../modules/module-visibility.ts";
import { searchModules } from "../modules/search.ts";
import type { Principal } from "../principal.ts";
import type { Registry } from "../registry.ts";
import { isKeepable } from "../text.ts";
import { declaring, FOUND, type FoundPackage, FROM, PATH } from "./found-packages.ts";

/** What one search finds at most, as on pkg.go.dev. */
const MAX_FOUND = 1_000;
/** Modules whose order counts; those that match worse come after them by path. */
const RANKED_MODULES = 100;
/** Packages that are called as the query says and are looked at. */
const MAX_NAMED = 20_000;
const MAX_WORDS = 12;

/** The packages that the words of a query find. */
export async function packagesMatching(
  registry: Registry,
  principal: Principal,
  query: string,
): Promise<FoundPackage[]> {
  const words = wordsOf(query);
  if (words.length === 0) return [];
  const { rows: ranked, all } = await searchModules(registry, principal, { query }, { first: RANKED_MODULES });
  const known = new Set(ranked.map(({ moduleId }) => moduleId));
  const modules = [...known, ...all.filter((id) => !known.has(id))];
  const { visibilities, projectIds, hidden } = await findableBy(registry, principal);
  const { rows } = await registry.database.pool.query<FoundPackage>(
    `WITH hit AS MATERIALIZED (
       SELECT module_id, least(place, ${RANKED_MODULES + 1}) AS place
       FROM unnest($4::int[]) WITH ORDINALITY AS hit (module_id, place)),
     candidate AS (
       SELECT p.version_id, p.directory, hit.place FROM hit JOIN module_document described USING (module_id)
         JOIN documented_package p ON p.version_id = described.version_id JOIN module m ON m.id = hit.module_id
         WHERE ${holdsWords("$5")} OR p.directory = (
           SELECT min(directory COLLATE "C") FROM documented_package root WHERE root.version_id = p.version_id)
       UNION ALL
       (SELECT version_id, directory, NULL FROM documented_package WHERE name = $6 LIMIT ${MAX_NAMED})),
     best AS (SELECT version_id, directory, min(place) AS place FROM candidate GROUP BY version_id, directory)
     SELECT ${FOUND} ${FROM} JOIN best ON best.version_id = p.version_id AND best.directory = p.directory
     WHERE ${isFindable("$1", "$2", "$3")}
     ORDER BY lower(${PATH}) = $6 DESC, p.name = $6 DESC, best.place NULLS LAST, ${PATH} LIMIT ${MAX_FOUND}`,
    [visibilities, projectIds, hidden, modules, words, query.trim().toLowerCase()],
  );
  return rows;
}

/** The packages that declare all of some names (readSymbolQuery) and have the words of a query, by path. */
export async function packagesMatchingAndDeclaring(
  registry: Registry,
  principal: Principal,
  query: string,
  names: readonly string[],
): Promise<FoundPackage[]> {
  const { visibilities, projectIds, hidden } = await findableBy(registry, principal);
  const { rows } = await registry.database.pool.query<FoundPackage>(
    `SELECT ${FOUND} ${FROM}
     WHERE ${declaring(names, 5)} AND ${holdsWords("$4")} AND ${isFindable("$1", "$2", "$3")}
     ORDER BY ${PATH} LIMIT ${MAX_FOUND}`,
    [visibilities, projectIds, hidden, wordsOf(query), ...names],
  );
  return rows;
}

/** Whether all words, in lower case, stand somewhere in the path, the name or the synopsis. */
function holdsWords(words: string): string {
  return `(SELECT bool_and(strpos(lower(${PATH} || ' ' || p.name || ' ' || p.synopsis), word) > 0)
    FROM unnest(${words}::text[]) AS word)`;
}

function wordsOf(query: string): string[] {
  if (!isKeepable(query)) return [];
  return query
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== "")
    .slice(0, MAX_WORDS);
}
