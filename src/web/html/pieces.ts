// What pages are put together from: times, sizes, tables, pages of lists, marks. Each is markup that stands alone.

import type { KeysetPage as ListPage } from "../../registry/lists/keyset-page.ts";
import type { NumberedPageRequest } from "../../registry/lists/numbered-page.ts";
import { type Html, html, NOTHING } from "./template.ts";
import type { Visit } from "./visit.ts";

const MINUTE_MS = 60_000;
const SPANS: readonly (readonly [name: string, ms: number])[] = [
  ["year", 365 * 24 * 60 * MINUTE_MS],
  ["month", 30 * 24 * 60 * MINUTE_MS],
  ["day", 24 * 60 * MINUTE_MS],
  ["hour", 60 * MINUTE_MS],
  ["minute", MINUTE_MS],
];

/** A moment: how long ago in the text, exactly in the title. */
export function time(moment: Date | null | undefined): Html | string {
  if (moment == null) return "never";
  const exact = `${moment.toISOString().slice(0, 16).replace("T", " ")} UTC`;
  return html`<time datetime="${moment.toISOString()}" title="${exact}">${ago(moment, Date.now())}</time>`;
}

function ago(moment: Date, now: number): string {
  const ms = now - moment.getTime();
  for (const [name, span] of SPANS) {
    const number = Math.floor(Math.abs(ms) / span);
    if (number > 0) return ms > 0 ? `${number} ${plural(number, name)} ago` : `in ${number} ${plural(number, name)}`;
  }
  return ms < 0 ? "in less than a minute" : "just now";
}

const plural = (number: number | bigint, noun: string): string =>
  number === 1 || number === 1n ? noun : noun.endsWith("y") ? `${noun.slice(0, -1)}ies` : `${noun}s`;

/** Made once: making it takes longer than writing a hundred numbers. */
const IN_THREES = new Intl.NumberFormat("en-US");

/** A number, with its digits in threes. */
export function number(value: number | bigint): string {
  return IN_THREES.format(value);
}

/** How many of something: `1 module`, `2 modules`. */
export function howMany(value: number | bigint, noun: string): string {
  return `${number(value)} ${plural(value, noun)}`;
}

/** How many there are when no more than `limit` were counted. */
export function upTo(count: number, limit: number): string {
  return count > limit ? `more than ${number(limit)}` : number(count);
}

/** Bytes, as people read them. */
export function size(bytes: number | bigint): string {
  const value = Number(bytes);
  if (value < 1_000) return `${value} B`;
  for (const [unit, factor] of [
    ["kB", 1e3],
    ["MB", 1e6],
    ["GB", 1e9],
  ] as const)
    if (value < factor * 1_000) return `${(value / factor).toPrecision(3)} ${unit}`;
  return `${(value / 1e12).toPrecision(3)} TB`;
}

/** A word about something, told apart by more than its colour. */
export function mark(text: string, kind: "" | "good" | "warn" | "bad" = ""): Html {
  return html`<span class="mark ${kind}">${text}</span>`;
}

/** A module path, or one with a version, which where it is too long for a line ends it behind a slash or in front of the @. */
export function breakable(name: string): Html {
  return html`${name.split(/(?<=\/)|(?=@)/).map((part, n) => (n === 0 ? part : html`<wbr>${part}`))}`;
}

/** What is to be noticed before anything else. */
export function banner(kind: "note" | "warn" | "bad", content: unknown): Html {
  return html`<div class="banner ${kind}">${content}</div>`;
}

/** What stands where a list has nothing: what to do about it. */
export function nothingYet(content: unknown): Html {
  return html`<div class="empty">${content}</div>`;
}

/** Lines to paste; the script adds a button that copies them. */
export function lines(...text: readonly string[]): Html {
  return html`<div class="copy"><pre tabindex="0"><code>${text.join("\n")}</code></pre></div>`;
}

/** A column of a table: what stands above it, and whether it holds numbers. */
export type Column = string | { readonly title: string; readonly number: true };

/** Tables of so many columns keep a width in which they can be read, on narrow screens too. */
const WIDE = 5;

/** A table that scrolls in its own box where the screen is narrow. Cells of the first column are the names of their rows. */
export function table(caption: string, columns: readonly Column[], rows: readonly (readonly unknown[])[]): Html {
  const isNumber = columns.map((column) => typeof column !== "string");
  const head = columns.map(
    (column, n) =>
      html`<th scope="col"${isNumber[n] ? html` class="number"` : NOTHING}>${typeof column === "string" ? column : column.title}</th>`,
  );
  const body = rows.map(
    (cells) =>
      html`<tr>${cells.map((cell, n) => html`<td${isNumber[n] ? html` class="number"` : NOTHING}>${cell}</td>`)}</tr>
`,
  );
  return html`<section class="scroll" aria-label="${caption}" tabindex="0"><table${columns.length >= WIDE ? html` class="wide"` : NOTHING}>
<caption>${caption}</caption>
<thead><tr>${head}</tr></thead>
<tbody>
${body}</tbody>
</table></section>`;
}

/** Facts about one thing: names and values. What has no value is left out. */
export function facts(...rows: readonly (readonly [string, unknown])[]): Html {
  const shown = rows.filter(([, value]) => value !== undefined && value !== null && value !== "");
  return html`<dl class="facts">${shown.map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>`)}</dl>`;
}

/** Links to the pages of a list before and after this one; nothing where all is shown. */
export function pager<Row>(visit: Visit, list: ListPage<Row>, what: string): Html | "" {
  const { rows, hasNextPage, hasPreviousPage, cursorOf } = list;
  const [first, last] = [rows.at(0), rows.at(-1)];
  if (!hasNextPage && !hasPreviousPage) return NOTHING;
  const previous = hasPreviousPage && first !== undefined ? cursorOf(first) : undefined;
  const next = hasNextPage && last !== undefined ? cursorOf(last) : undefined;
  return html`<nav class="pages" aria-label="Pages of ${what}">
${hasPreviousPage ? html`<a href="${here(visit, { after: undefined, before: undefined })}">First</a>` : NOTHING}
${previous === undefined ? NOTHING : html`<a rel="prev" href="${here(visit, { after: undefined, before: previous })}">Previous</a>`}
${next === undefined ? NOTHING : html`<a rel="next" href="${here(visit, { after: next, before: undefined })}">Next</a>`}
</nav>`;
}

/** The numbered page that the address asks for (?page=), of so many entries. */
export function numberedPageAsked(visit: Visit, entries: number): NumberedPageRequest {
  const asked = Number(visit.query.get("page") ?? 1);
  const page = Number.isSafeInteger(asked) && asked > 0 ? Math.min(asked, 1_000_000) : 1;
  return { offset: (page - 1) * entries, limit: entries, counted: false };
}

/** Links to the numbered pages before and after. */
export function numberedPager(
  visit: Visit,
  { offset, limit }: NumberedPageRequest,
  more: boolean,
  what: string,
): Html | "" {
  const page = offset / limit + 1;
  if (page === 1 && !more) return NOTHING;
  return html`<nav class="pages" aria-label="Pages of ${what}">
${page > 1 ? html`<a href="${here(visit, { page: undefined })}">First</a> <a rel="prev" href="${here(visit, { page: page === 2 ? undefined : String(page - 1) })}">Previous</a>` : NOTHING}
${more ? html`<a rel="next" href="${here(visit, { page: String(page + 1) })}">Next</a>` : NOTHING}
</nav>`;
}

/** The address of this page, with other parameters; undefined takes one away. */
export function here(visit: Visit, parameters: Readonly<Record<string, string | undefined>>): string {
  const query = new URLSearchParams(visit.query);
  for (const [name, value] of Object.entries(parameters))
    if (value === undefined || value === "") query.delete(name);
    else query.set(name, value);
  return visit.at.at(visit.path, Object.fromEntries(query));
}

/** Which part of a list the address asks for, in pages of so many. */
export function pageAsked(visit: Visit, entries: number) {
  const [after, before] = [visit.query.get("after"), visit.query.get("before")];
  return before ? { last: entries, before } : { first: entries, after: after || null };
}

/** Where something stands: links from the top down to what is shown, which has none. */
export function crumbs(...steps: readonly (readonly [name: string, address?: string])[]): Html {
  return html`<nav class="crumbs" aria-label="Where this is"><ol>${steps.map(([name, address]) =>
    address === undefined
      ? html`<li><span aria-current="page">${name}</span></li>`
      : html`<li><a href="${address}">${name}</a></li>`,
  )}</ol></nav>`;
}

/** Tabs: pages about the same thing. */
export function tabs(
  label: string,
  entries: readonly (readonly [name: string, address: string, isHere: boolean])[],
): Html {
  return html`<nav class="tabs" aria-label="${label}"><ul>${entries.map(
    ([name, address, isHere]) =>
      html`<li><a href="${address}"${isHere ? html` aria-current="page"` : NOTHING}>${name}</a></li>`,
  )}</ul></nav>`;
}
