// Doc comments as Go reads them ("Go Doc Comments", go.dev/doc/comment; go/doc/comment/parse.go, whose functions these are,
// rule by rule): paragraphs, headings, lists, code, link definitions, and in their text links, links to documentation and
// quotes. A comment is a tree of blocks; comment-html.ts, comment-markdown.ts and comment-lines.ts write it down.
//
// Go scans bytes and this scans UTF-16: what the rules look at are ASCII characters, so that the two agree. One bound is
// ours: the bracket that closes one in an address is looked for so far and no farther, because Go's search for it takes
// quadratic time on a comment made for that.
import { isStandardName } from "../go-names.ts";

/** Of what stands between brackets in an address, in characters. */
const MAX_IN_BRACKETS = 256;

export type Inline =
  | { readonly kind: "plain"; readonly text: string }
  | { readonly kind: "link"; readonly auto: boolean; readonly text: readonly Inline[]; readonly url: string }
  /** To a package (importPath; "" is this one), and in it to a declaration, or to a method or field of `recv`. */
  | {
      readonly kind: "doc-link";
      readonly text: readonly Inline[];
      readonly importPath: string;
      readonly recv: string;
      readonly name: string;
    };

export interface ListItem {
  /** Decimal digits; "" in a list without numbers. */
  readonly number: string;
  readonly paragraphs: readonly (readonly Inline[])[];
}

export interface List {
  readonly kind: "list";
  readonly items: readonly ListItem[];
  /** Whether a blank line stands before it in the source. */
  readonly forceBlankBefore: boolean;
  /** Whether a blank line stands somewhere in it. */
  readonly forceBlankBetween: boolean;
}

export type Block =
  | { readonly kind: "paragraph"; readonly text: readonly Inline[] }
  | { readonly kind: "heading"; readonly text: readonly Inline[] }
  | { readonly kind: "code"; readonly text: string }
  | List;

export interface LinkDefinition {
  readonly text: string;
  readonly url: string;
  used: boolean;
}

export interface DocComment {
  readonly content: readonly Block[];
  readonly links: readonly LinkDefinition[];
}

/** What names mean in the package that a comment stands in. */
export interface NamesInScope {
  /** The import path of a package by its name; "" for the package itself; undefined if no such package is known. */
  packageNamed(name: string): string | undefined;
  /** Whether there is such a declaration, or such a method or field if `recv` is not "". */
  hasSymbol(recv: string, name: string): boolean;
}

/** For texts that belong to no package. */
const NO_NAMES: NamesInScope = { packageNamed: () => undefined, hasSymbol: () => false };

/** Reads a comment without its markers (commentText). Never throws. */
export function parseDocComment(text: string, names: NamesInScope = NO_NAMES): DocComment {
  const lines = unindent(text.split("\n"));
  const links: LinkDefinition[] = [];
  const byText = new Map<string, LinkDefinition>();

  const define = (some: readonly string[]): boolean => {
    const definitions: LinkDefinition[] = [];
    for (const line of some) {
      const definition = linkDefinition(line);
      if (!definition) return false;
      definitions.push(definition);
    }
    for (const definition of definitions) {
      links.push(definition);
      if (!byText.has(definition.text)) byText.set(definition.text, definition);
    }
    return true;
  };

  // First the blocks, and with them all definitions of links; then the texts, which use these.
  type Unread =
    | Exclude<Block, List | { kind: "paragraph" }>
    | { readonly kind: "paragraph"; readonly lines: readonly string[] }
    | (Omit<List, "items"> & { readonly items: { number: string; paragraphs: string[][] }[] });
  const blocks: Unread[] = [];
  let previousEnd = 0;
  for (const { start, end, kind } of spansOf(lines)) {
    const some = lines.slice(start, end);
    if (kind === "list") blocks.push(readList(some, previousEnd < start, define));
    else if (kind === "code") blocks.push({ kind, text: `${unindent(some).join("\n")}\n` });
    else if (kind === "heading") blocks.push({ kind, text: [{ kind: "plain", text: trim(some[0]!.slice(1)) }] });
    else if (kind === "old-heading") blocks.push({ kind: "heading", text: [{ kind: "plain", text: trim(some[0]!) }] });
    else if (!define(some)) blocks.push({ kind, lines: some });
    previousEnd = end;
  }

  const linked = (some: readonly string[]): readonly Inline[] => linkedText(some.join("\n"), byText, names);
  const content = blocks.map((block): Block => {
    if (block.kind === "paragraph") return { kind: "paragraph", text: linked(block.lines) };
    if (block.kind !== "list") return block;
    const items = block.items.map(({ number, paragraphs }) => ({ number, paragraphs: paragraphs.map(linked) }));
    return { ...block, items };
  });
  return { content, links };
}

/** Whether the items of a list stand apart. */
export function isLoose(list: List): boolean {
  return list.forceBlankBetween || list.items.some(({ paragraphs }) => paragraphs.length !== 1);
}

/** The text of inlines alone. */
export function plainText(text: readonly Inline[]): string {
  return text.map((inline) => (inline.kind === "plain" ? inline.text : plainText(inline.text))).join("");
}

/** The anchor of a heading; "" for one without text. The prefix keeps it from being the name of anything else in a page. */
export function headingId(text: readonly Inline[]): string {
  const plain = trim(plainText(text));
  return plain === "" ? "" : `hdr-${[...plain].map((c) => (/^[A-Za-z0-9_]$/.test(c) ? c : "_")).join("")}`;
}

// ---- lines -----------------------------------------------------------------------------------------------------------

/** strings.TrimSpace of Go. */
export function trim(text: string): string {
  return text.replace(/^[\p{White_Space}]+/u, "").replace(/(?<![\p{White_Space}])[\p{White_Space}]+$/u, "");
}

const isIndented = (line: string): boolean => line.startsWith(" ") || line.startsWith("\t");
const leadingSpace = (line: string): string => /^[ \t]*/.exec(line)![0];

/** Lines without the indentation that all have, and without blank lines at the ends. */
function unindent(all: readonly string[]): string[] {
  let from = 0;
  let to = all.length;
  while (from < to && all[from] === "") from++;
  while (to > from && all[to - 1] === "") to--;
  if (from === to) return [];
  let prefix = leadingSpace(all[from]!);
  for (let n = from + 1; n < to; n++) {
    const line = all[n]!;
    if (line === "") continue;
    const space = leadingSpace(line);
    let same = 0;
    while (same < prefix.length && same < space.length && prefix[same] === space[same]) same++;
    prefix = prefix.slice(0, same);
  }
  const lines = all.slice(from, to).map((line) => {
    const rest = line.startsWith(prefix) ? line.slice(prefix.length) : line;
    return trim(rest) === "" ? "" : rest;
  });
  while (lines.length > 0 && lines[0] === "") lines.shift();
  while (lines.length > 0 && lines.at(-1) === "") lines.pop();
  return lines;
}

interface Span {
  readonly start: number;
  readonly end: number;
  readonly kind: "code" | "heading" | "list" | "old-heading" | "paragraph";
}

/** Cuts lines into spans by blank lines and indentation, mending what people commonly get wrong. */
function spansOf(lines: readonly string[]): Span[] {
  const spans: Span[] = [];
  let i = 0;
  let forceIndent = 0;
  for (;;) {
    while (i < lines.length && lines[i] === "") i++;
    if (i >= lines.length) return spans;
    const start = i;
    let end = i;
    let kind: Span["kind"];
    if (i < forceIndent || isIndented(lines[i]!)) {
      // An unindented list that is taken for an indented one goes on to the first blank line.
      let unindentedList = isListLine(lines[i]!) && i < forceIndent;
      i++;
      while (
        i < lines.length &&
        (lines[i] === "" || i < forceIndent || isIndented(lines[i]!) || (unindentedList && isListLine(lines[i]!)))
      ) {
        if (lines[i] === "") unindentedList = false;
        i++;
      }
      end = i;
      while (end > start && lines[end - 1] === "") end--;
      // The brace that closes code, when its author forgot to indent it.
      if (end < lines.length && lines[end]!.startsWith("}")) end++;
      kind = isListLine(lines[start]!) ? "list" : "code";
    } else {
      i++;
      while (i < lines.length && lines[i] !== "" && !isIndented(lines[i]!)) i++;
      end = i;
      // Indented lines directly below: the last unindented ones may belong to them.
      if (i < lines.length && lines[i] !== "" && !isListLine(lines[i]!)) {
        const last = lines[i - 1]!;
        if (isListLine(last)) {
          forceIndent = end;
          end--;
          while (end > start && isListLine(lines[end - 1]!)) end--;
        } else if (last.endsWith("{") || last.endsWith("\\")) {
          forceIndent = end;
          end--;
        }
        if (start === end && forceIndent > start) {
          i = start;
          continue;
        }
      }
      if (end - start === 1 && isHeading(lines[start]!)) kind = "heading";
      else if (end - start === 1 && isOldHeading(lines, start)) kind = "old-heading";
      else kind = "paragraph";
    }
    spans.push({ start, end, kind });
    i = end;
  }
}

function isHeading(line: string): boolean {
  return /^#[ \t]/.test(line) && trim(line) !== "#";
}

/** A heading without `#`, as before Go 1.19: one line alone, with a paragraph below it. */
function isOldHeading(all: readonly string[], at: number): boolean {
  if (at <= 0 || all[at - 1] !== "" || at + 2 >= all.length || all[at + 1] !== "" || leadingSpace(all[at + 2]!) !== "")
    return false;
  const line = trim(all[at]!);
  if (!/^\p{Lu}/u.test(line) || !/[\p{L}\p{Nd}]$/u.test(line)) return false;
  if (/[;:!?+*/=[\]{}_^°&§~%#@<">\\]/.test(line)) return false;
  // An apostrophe only as 's, a period only inside.
  return !/'(?!s(?: |$))/.test(line) && !/\.(?: |$)/.test(line);
}

// ---- lists and definitions -------------------------------------------------------------------------------------------

function listMarker(indented: string): { readonly number: string; readonly rest: string } | undefined {
  const line = trim(indented);
  const marker = /^(?:[•*+-]|([0-9]+)[.)])/.exec(line);
  if (!marker) return undefined;
  const rest = line.slice(marker[0].length);
  return isIndented(rest) && trim(rest) !== "" ? { number: marker[1] ?? "", rest } : undefined;
}

function isListLine(line: string): boolean {
  return listMarker(line) !== undefined;
}

function readList(lines: readonly string[], forceBlankBefore: boolean, define: (some: readonly string[]) => boolean) {
  const numbered = listMarker(lines[0]!)!.number !== "";
  const items: { number: string; paragraphs: string[][] }[] = [];
  let forceBlankBetween = false;
  let text: string[] = [];
  const flush = (): void => {
    const item = items.at(-1);
    if (item && !define(text)) item.paragraphs.push(text);
    text = [];
  };
  for (let line of lines) {
    const marker = listMarker(line);
    if (marker && (marker.number !== "") === numbered) {
      flush();
      items.push({ number: marker.number, paragraphs: [] });
      line = marker.rest;
    }
    line = trim(line);
    if (line === "") {
      forceBlankBetween = true;
      flush();
    } else text.push(line);
  }
  flush();
  return { kind: "list" as const, items, forceBlankBefore, forceBlankBetween };
}

/** A line `[text]: url`. */
function linkDefinition(line: string): LinkDefinition | undefined {
  if (!line.startsWith("[")) return undefined;
  const end = line.indexOf("]:");
  if (end < 0 || end + 3 >= line.length || !isIndented(line.slice(end + 2))) return undefined;
  const url = trim(line.slice(end + 3));
  const colon = url.indexOf("://");
  return colon >= 0 && isScheme(url.slice(0, colon)) ? { text: line.slice(1, end), url, used: false } : undefined;
}

// ---- text ------------------------------------------------------------------------------------------------------------

/** Text in which brackets may be links. */
function linkedText(
  text: string,
  definitions: ReadonlyMap<string, LinkDefinition>,
  names: NamesInScope,
): readonly Inline[] {
  const out: Inline[] = [];
  let wrote = 0;
  const flush = (to: number): void => {
    if (wrote < to) {
      parseText(out, text.slice(wrote, to), true);
      wrote = to;
    }
  };
  let start = -1;
  let inBrackets = "";
  for (let i = 0; i < text.length; i++) {
    const c = text[i]!;
    if (c === "[") start = i;
    else if (c === "]") {
      if (start >= 0) {
        const shown = text.slice(start + 1, i);
        const definition = definitions.get(inBrackets);
        const link = definition ?? docLink(shown, text, start, i, names);
        if (link) {
          flush(start);
          const inlines = parseText([], shown, false);
          if (definition) {
            definition.used = true;
            out.push({ kind: "link", auto: false, text: inlines, url: definition.url });
          } else out.push({ kind: "doc-link", text: inlines, ...(link as DocLinkTarget) });
          wrote = i + 1;
        }
      }
      start = -1;
      inBrackets = "";
    }
    if (start >= 0 && i !== start) inBrackets += c === "\n" || c === "\t" ? " " : c;
  }
  flush(text.length);
  return out;
}

interface DocLinkTarget {
  readonly importPath: string;
  readonly recv: string;
  readonly name: string;
}

/** What `[shown]`, whose brackets are at `open` and `close`, is a link to. */
function docLink(
  shown: string,
  text: string,
  open: number,
  close: number,
  names: NamesInScope,
): DocLinkTarget | undefined {
  const around = /^[\p{P} \t\n]$/u;
  const before = open > 0 ? lastCharacter(text, open) : "";
  const after = close + 1 < text.length ? String.fromCodePoint(text.codePointAt(close + 1)!) : "";
  if ((before !== "" && !around.test(before)) || (after !== "" && !around.test(after))) return undefined;
  let [path, name] = splitDocName(shown.startsWith("*") ? shown.slice(1) : shown);
  let recv = "";
  if (name !== "") [path, recv] = splitDocName(path);
  if (path === "") return names.hasSymbol(recv, name) ? { importPath: "", recv, name } : undefined;
  const importPath = packageOf(path, names);
  return importPath === undefined ? undefined : { importPath, recv, name };
}

function lastCharacter(text: string, end: number): string {
  const code = text.charCodeAt(end - 1);
  return code >= 0xdc00 && code <= 0xdfff && end > 1 ? text.slice(end - 2, end) : text[end - 1]!;
}

/** `before.Name` in two, or all of it and "" where what is behind the last dot is no capitalized name. */
function splitDocName(text: string): [before: string, name: string] {
  const dot = text.lastIndexOf(".");
  const name = text.slice(dot + 1);
  if (!/^\p{Lu}[\p{L}_0-9]*$/u.test(name)) return [text, ""];
  return [dot < 0 ? "" : text.slice(0, dot), name];
}

function packageOf(path: string, names: NamesInScope): string | undefined {
  if (path.includes("/")) return isImportPath(path) ? path : undefined;
  return names.packageNamed(path) ?? (isStandardName(path) ? path : undefined);
}

function isImportPath(path: string): boolean {
  return !path.startsWith("-") && path.split("/").every((element) => /^(?!\.)[A-Za-z0-9\-.~_+]+(?<!\.)$/.test(element));
}

/** Text in which quotes and, if wanted, addresses are marked. */
function parseText(out: Inline[], text: string, autoLink: boolean): Inline[] {
  let plain = "";
  let wrote = 0;
  const flush = (to: number): void => {
    plain += text.slice(wrote, to);
    wrote = to;
    if (plain !== "") out.push({ kind: "plain", text: plain });
    plain = "";
  };
  // Whatever is no word, no quote and no scheme of an address is passed over at once.
  const interesting = /[\p{L}_][\p{L}_0-9]*|`{2,}|''/gu;
  for (let match = interesting.exec(text); match; match = interesting.exec(text)) {
    const [found] = match;
    const at = match.index;
    if (found.startsWith("``")) {
      // Three and more are Markdown by mistake, and stay.
      if (found.length > 2) continue;
      plain += `${text.slice(wrote, at)}“`;
      wrote = at + 2;
    } else if (found === "''") {
      plain += `${text.slice(wrote, at)}”`;
      wrote = at + 2;
    } else if (autoLink) {
      const url = addressAt(text, at, found);
      if (url === undefined) continue;
      flush(at);
      out.push({ kind: "link", auto: true, text: [{ kind: "plain", text: url }], url });
      wrote = at + url.length;
      interesting.lastIndex = wrote;
    }
  }
  flush(text.length);
  return out;
}

function isScheme(text: string): boolean {
  return /^(?:file|ftp|gopher|https?|mailto|nntp)$/.test(text);
}

const HOST = /[A-Za-z0-9_@\-.[\]:]/;
const PUNCTUATION = /[.,:;?!]/;
const PATH = /[A-Za-z0-9$'()*+&#=@~_/\-[\]{}%]/;
const CLOSING: Record<string, string> = { "(": ")", "{": "}", "[": "]" };

/** The address that begins with a word, a scheme. Brackets in it must be balanced, punctuation at its end is not of it. */
function addressAt(text: string, at: number, word: string): string | undefined {
  if (!isScheme(word) || !text.startsWith("://", at + word.length)) return undefined;
  let i = at + word.length + 3;
  if (i >= text.length || !HOST.test(text[i]!) || PUNCTUATION.test(text[i]!)) return undefined;
  let end = ++i;
  for (; i < text.length && HOST.test(text[i]!); i++) if (!PUNCTUATION.test(text[i]!)) end = i + 1;
  const open: string[] = [];
  for (i = end; i < text.length && i - end < MAX_IN_BRACKETS; i++) {
    const c = text[i]!;
    if (PUNCTUATION.test(c)) continue;
    if (!PATH.test(c)) break;
    if (CLOSING[c]) open.push(CLOSING[c]);
    else if (c === ")" || c === "}" || c === "]") if (open.pop() !== c) break;
    if (open.length === 0) end = i + 1;
  }
  return text.slice(at, end);
}
