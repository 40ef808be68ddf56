// Finding modules by what people remember of them. What matches is ranked in tiers, and within a tier by how well:
//
//   5  the whole module path
//   4  the last element of the path (major suffixes aside), or the path without its host
//   3  the beginning of the last element
//   2  words of the path
//   1  a path, or last element, that is spelled much like it: trigrams (PostgreSQL documentation, F.35)
//   0  words of the project's name and path, its description, and the readme, in this order
//
// Each way of matching brings a bounded number of candidates, the visible ones only, so that the commonest word and the
// shortest one cost no more than any other; totals and facets count these. Scores follow from the row and the query alone,
// and so do positions: a cursor is a score and a number. All that is matched against stands in module_search.
import { invalid } from "../../errors.ts";
import { checkPageSize, isId, type KeysetPage, PAGE_DEFAULT } from "../lists/keyset-page.ts";
import type { Principal } from "../principal.ts";
import type { Registry } from "../registry.ts";
import { type Findable, findableBy, isFindable, notHidden } from "./module-visibility.ts";

/** The most candidates of each way of matching. */
const CANDIDATES = { path: 100, element: 200, alike: 100, words: 600, readme: 200 };
const MAX_QUERY_LENGTH = 200;
const MAX_WORDS = 12;
/** Shorter texts have too few trigrams to be spelled alike, and begin too many words. */
const SHORTEST_ALIKE = 3;
/** Values of a facet that are told, the most frequent ones. */
const FACET_VALUES = 50;

/** What is searched for. */
export interface Search {
  readonly query: string;
  readonly origin?: "HOSTED" | "UPSTREAM" | null | undefined;
  /** An SPDX identifier. */
  readonly license?: string | null | undefined;
  /** The go line of go.mod, such as 1.24. */
  readonly goVersion?: string | null | undefined;
}

/** A module that was found. */
export interface Hit {
  readonly moduleId: number;
  readonly score: number;
}

/** How often a value is among what was found. */
export interface FacetRow {
  readonly value: string;
  readonly count: number;
}

export interface Facets {
  readonly origins: readonly FacetRow[];
  readonly licenses: readonly FacetRow[];
  readonly goVersions: readonly FacetRow[];
}

/** A page of what was found, and the numbers of all that was found. */
export interface FoundPage extends KeysetPage<Hit> {
  readonly all: readonly number[];
}

/** A page of what the principal may find, best first. Throws invalid for a broken cursor or size. */
export async function searchModules(
  registry: Registry,
  principal: Principal,
  search: Search,
  request: { readonly first?: number | null | undefined; readonly after?: string | null | undefined },
): Promise<FoundPage> {
  const size = checkPageSize(request.first ?? PAGE_DEFAULT);
  const [score, moduleId] = request.after == null ? [Number.POSITIVE_INFINITY, 0] : positionIn(request.after);
  const scored = scoredIn(await findableBy(registry, principal), search);
  const [found] = scored
    ? await run<{ all: number[]; ids: number[]; scores: number[] }>(registry, {
        // All of them too: counting them takes a moment, finding them once more would take as long as this.
        text: `${scored.text},
          page AS (SELECT module_id, score FROM scored
            WHERE score < $${scored.next} OR (score = $${scored.next} AND module_id > $${scored.next + 1})
            ORDER BY score DESC, module_id LIMIT $${scored.next + 2})
          SELECT ARRAY(SELECT module_id FROM scored) AS all, ARRAY(SELECT module_id FROM page) AS ids,
            ARRAY(SELECT score FROM page) AS scores`,
        values: [...scored.values, score, moduleId, size + 1],
      })
    : [];
  const { all, ids, scores } = found ?? { all: [], ids: [], scores: [] };
  return {
    all,
    rows: ids.slice(0, size).map((id, n) => ({ moduleId: id, score: scores[n]! })),
    hasNextPage: ids.length > size,
    hasPreviousPage: request.after != null,
    cursorOf: (hit) => Buffer.from(JSON.stringify([hit.score, hit.moduleId])).toString("base64url"),
  };
}

/** What the modules that were found are. */
export async function facetsOf(registry: Registry, { all }: FoundPage): Promise<Facets> {
  const rows = await run<{ kind: string; value: string; count: number }>(registry, {
    text: `WITH found AS MATERIALIZED (
        SELECT origin, licenses, go_version FROM module_search WHERE module_id = ANY($1::int[])),
      counted AS (
        SELECT 'origin' AS kind, origin::text AS value, count(*)::int AS count FROM found GROUP BY origin
        UNION ALL SELECT 'license', license, count(*)::int FROM found, unnest(licenses) AS license GROUP BY license
        UNION ALL SELECT 'go', go_version, count(*)::int FROM found WHERE go_version IS NOT NULL GROUP BY go_version)
      SELECT kind, value, count FROM (
        SELECT *, row_number() OVER (PARTITION BY kind ORDER BY count DESC, value) AS place FROM counted) AS placed
      WHERE place <= ${FACET_VALUES} ORDER BY kind, place`,
    values: [all],
  });
  const of = (kind: string) => rows.filter((row) => row.kind === kind).map(({ value, count }) => ({ value, count }));
  return { origins: of("origin"), licenses: of("license"), goVersions: of("go") };
}

interface Statement {
  readonly text: string;
  readonly values: readonly unknown[];
}

async function run<Row extends object>(registry: Registry, { text, values }: Statement): Promise<Row[]> {
  const { rows } = await registry.database.pool.query<Row>(text, [...values]);
  return rows;
}

interface Terms {
  /** The text in lower case, without what people copy along: scheme, version, slashes at the ends. */
  readonly whole: string;
  /** The text in lower case without a host. */
  readonly tail: string;
  readonly words: readonly string[];
}

/** What a query says. Throws invalid for one that no text of the database can have. */
export function termsOf(query: string): Terms {
  if (query.includes("\0")) throw invalid("a search text must not contain NUL");
  const whole = query
    .slice(0, MAX_QUERY_LENGTH)
    .toWellFormed()
    .trim()
    .toLowerCase()
    .replace(/^https?:\/\//, "")
    .replace(/@[^@/]*$/, "")
    .replace(/^\/+|\/+$/g, "");
  const words = whole.match(/[\p{L}\p{N}]+/gu)?.slice(0, MAX_WORDS) ?? [];
  return { whole, tail: whole.replace(/^[^/]*\.[^/]*\//, ""), words };
}

/** The candidates with their scores, as the beginning of a statement; undefined for a query that says nothing. */
function scoredIn(
  { visibilities, projectIds, hidden }: Findable,
  { query, origin, license, goVersion }: Search,
): (Statement & { readonly next: number }) | undefined {
  const { whole, tail, words } = termsOf(query);
  if (whole === "") return undefined;
  const filters = [origin ?? null, storable(license), storable(goVersion)];
  const values: unknown[] = [whole, tail, visibilities, projectIds, ...filters, hidden];
  const parameter = (value: unknown): string => `$${values.push(value)}`;
  const visible = `${isFindable("$3", "$4", "$8")} AND ($5::"ModuleOrigin" IS NULL OR s.origin = $5::"ModuleOrigin")
    AND ($6::text IS NULL OR $6 = ANY(s.licenses)) AND ($7::text IS NULL OR s.go_version = $7)`;

  const from = (where: string, limit: number, order = "") =>
    `(SELECT s.module_id FROM module_search s WHERE ${where} AND ${visible} ${order} LIMIT ${limit})`;
  // Of a last element alone, or of more than that.
  const isPath = /[/\s]/.test(tail);
  const candidates = [from("s.path = $1", CANDIDATES.path)];
  if (!isPath) candidates.push(from("s.element ^@ $2", CANDIDATES.element, "ORDER BY s.element"));
  const alikeColumn = isPath ? "s.tail" : "s.element";
  const isAlike = tail.length >= SHORTEST_ALIKE;
  if (isAlike) candidates.push(from(`${alikeColumn} % $2`, CANDIDATES.alike, `ORDER BY ${alikeColumn} <-> $2`));

  let wordTier = "";
  let wordRank = "0";
  if (words.length > 0) {
    const quoted = words.map((word) => `'${word}'`);
    // A word that is still being typed; very short ones begin too much.
    const last = words.at(-1)!.length >= SHORTEST_ALIKE ? `${quoted.at(-1)}:*` : quoted.at(-1)!;
    const names = [...quoted.slice(0, -1), last].join(" & ");
    const inPath = [...quoted.slice(0, -1), last].map((word) => (word.endsWith("*") ? `${word}A` : `${word}:A`));
    const text = `plainto_tsquery('pg_catalog.english', ${parameter(words.join(" "))})`;
    const anywhere = `(${parameter(names)}::tsquery || ${text})`;
    candidates.push(
      from(`s.words @@ ${anywhere}`, CANDIDATES.words),
      `(SELECT search_readmes(${text}, $3::"Visibility"[], $4::int[], $5::"ModuleOrigin", $6::text, $7::text, ${CANDIDATES.readme}))`,
    );
    wordTier = `WHEN s.words @@ ${parameter(inPath.join(" & "))}::tsquery THEN 2 + 0.9 * similarity(s.tail, $2)`;
    wordRank = `CASE WHEN s.words @@ ${anywhere} THEN 0.5 + 0.4 * ts_rank(s.words, ${anywhere}) ELSE 0.4 * ts_rank(s.readme, ${text}) END`;
  }
  // MATERIALIZED, or the score would be worked out wherever it stands; and OFFSET 0 has the candidates looked up one by one:
  // the planner, who expects more of them than there are, would rather read all modules.
  const text = `WITH candidates AS (${candidates.join(" UNION ")}),
    scored AS MATERIALIZED (
      SELECT s.module_id, round((CASE
        WHEN s.path = $1 THEN 5
        WHEN s.tail = $2 THEN 4.9
        WHEN s.element = $2 THEN 4 + 0.8 * similarity(s.tail, $2)
        ${isPath ? "" : "WHEN s.element ^@ $2 THEN 3 + 0.9 * length($2) / length(s.element)"}
        ${wordTier}
        ${isAlike ? `WHEN ${alikeColumn} % $2 THEN 1 + 0.9 * similarity(${alikeColumn}, $2)` : ""}
        ELSE ${wordRank} END)::numeric, 6)::float8 AS score
      FROM candidates CROSS JOIN LATERAL (
        SELECT * FROM module_search WHERE module_id = candidates.module_id OFFSET 0) AS s
      WHERE ${notHidden("$8")})`;
  return { text, values, next: values.length + 1 };
}

function storable(text: string | null | undefined): string | null {
  if (text == null) return null;
  if (text.includes("\0")) throw invalid("a search text must not contain NUL");
  return text;
}

function positionIn(cursor: string): [score: number, moduleId: number] {
  try {
    const position: unknown = JSON.parse(Buffer.from(cursor, "base64url").toString("utf8"));
    if (Array.isArray(position) && position.length === 2 && Number.isFinite(position[0]) && isId(position[1]))
      return [position[0] as number, position[1]];
  } catch {
    // told below
  }
  throw invalid(`"${cursor.slice(0, 40)}" is no cursor of this list`);
}
