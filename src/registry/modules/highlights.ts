// The piece of text that stands below a module that was found, with the words that it was found by: of the project's
// description, or else of the readme as plain text. Readmes are Markdown and stored as they are written, so the part that
// follows the first of the words is taken out of each, a piece of it made plain here, and given back to the database, which
// knows what a word of the query is in another form (ts_headline, PostgreSQL documentation, 12.3.4). To read whole readmes,
// of 64 KB each, would take longer than the search.
import type { Registry } from "../registry.ts";
import { isMarkdown, plainTextOf } from "./readme-markdown.ts";
import { termsOf } from "./search.ts";

/** A piece of text, cut where words of the query begin and end: those at odd places are such words. */
export type Highlight = readonly string[];

/** So many characters of a readme are looked through: most words stand in addresses, of badges, before they do in text. */
const LOOKED_THROUGH = 4_000;
/** So many around a word are read as Markdown. */
const BEFORE = 200;
const AFTER = 800;
/** Stands around words; no text has it. */
const MARK = "\u0001";
/** Pictures, addresses and tags, of which a reader sees no text. */
const UNSEEN = /!\[[^[\]\n]*\]|\]\([^()\s]*\)?|\]\[[^[\]\n]*\]|\bhttps?:\/\/[^\s()[\]<>]*|<[^<>]*>/g;

/** A text of a module that has some of the words. */
interface FoundText {
  readonly id: number;
  readonly description: string | null;
  readonly readmePath: string | null;
  /** A part of the readme. */
  readonly part: string | null;
  /** Of the words, in lower case. */
  readonly stems: readonly string[];
}

/** The highlights of modules by their numbers; modules whose texts have none of the words are not there. */
export async function highlightsOf(
  registry: Registry,
  query: string,
  moduleIds: readonly number[],
): Promise<Map<number, Highlight>> {
  const { words } = termsOf(query);
  if (words.length === 0 || moduleIds.length === 0) return new Map();
  const { pool } = registry.database;
  const { rows: found } = await pool.query<FoundText>({
    name: "texts-to-highlight",
    text: `WITH query AS MATERIALIZED (
        SELECT tsvector_to_array(to_tsvector('pg_catalog.english', $1)) AS stems, ${ANY_WORD} AS any_word)
      SELECT m.id, own.description, d.readme_path AS "readmePath", query.stems,
        substr(d.readme, greatest(at.word - ${BEFORE + 1}, 1), ${LOOKED_THROUGH}) AS part
      FROM query, module m LEFT JOIN project p ON p.id = m.project_id
      LEFT JOIN LATERAL (SELECT p.description WHERE to_tsvector('pg_catalog.english', p.description) @@ query.any_word)
        AS own ON true
      LEFT JOIN module_document d ON d.module_id = m.id AND own.description IS NULL
      CROSS JOIN LATERAL (
        SELECT min(NULLIF(strpos(lower(d.readme), stem), 0)) AS word FROM unnest(query.stems) AS stem) AS at
      WHERE m.id = ANY($2::int[]) AND (own.description IS NOT NULL OR at.word IS NOT NULL)`,
    values: [words.join(" "), moduleIds],
  });
  const texts = found.map(shownText);
  if (!texts.some((text) => text !== "")) return new Map();
  const { rows } = await pool.query<{ id: number; text: string }>({
    name: "highlights",
    text: `SELECT piece.id, ts_headline('pg_catalog.english', piece.text, ${ANY_WORD},
          'StartSel=${MARK}, StopSel=${MARK}, MaxWords=30, MinWords=15, ShortWord=0') AS text
      FROM unnest($2::int[], $3::text[]) AS piece (id, text)`,
    values: [words.join(" "), found.map(({ id }) => id), texts],
  });
  // Where a text has other words that only begin like these it is returned from its beginning, with no mark.
  return new Map(rows.map(({ id, text }) => [id, text.split(MARK)] as const).filter(([, parts]) => parts.length > 1));
}

const ANY_WORD = "replace(plainto_tsquery('pg_catalog.english', $1)::text, ' & ', ' | ')::tsquery";

/** As people read it: in one line, and of a readme the piece around a word; empty where none is in sight. */
function shownText({ description, readmePath, part, stems }: FoundText): string {
  const isMarkup = description === null && isMarkdown(readmePath ?? "");
  const text = description ?? pieceAround(part!, stems, isMarkup ? UNSEEN : undefined);
  return (isMarkup ? plainTextOf(text) : text).replaceAll(MARK, "").replace(/\s+/g, " ").trim();
}

/** The lines, as far as they are not too long, around the first word that is not unseen; empty where there is none. */
function pieceAround(part: string, stems: readonly string[], unseen: RegExp | undefined): string {
  const lower = part.toLowerCase();
  const seen = unseen ? lower.replace(unseen, (one) => " ".repeat(one.length)) : lower;
  const at = Math.min(...stems.map((stem) => seen.indexOf(stem)).filter((index) => index >= 0));
  if (!Number.isFinite(at)) return "";
  const [start, end] = [Math.max(at - BEFORE, 0), at + AFTER]; // beyond 0 the readme begins before it
  const [first, last] = [part.indexOf("\n", start), part.lastIndexOf("\n", end)];
  return part.slice(start > 0 && first >= 0 && first < at ? first : start, end < part.length && last > at ? last : end);
}
