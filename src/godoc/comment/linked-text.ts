// The text of paragraphs: links by definition and to documentation, in brackets; addresses that stand bare; quotes
// (go/doc/comment/parse.go, parseLinkedText and parseText, rule by rule).
//
// One bound is ours: the bracket that closes one in an address is looked for so far and no farther, because Go's search for it
// takes quadratic time on a comment made for that.
import { isStandardName } from "../go-names.ts";
import { isIndented, trim } from "./comment-blocks.ts";
import type { Inline, LinkDefinition } from "./comment-tree.ts";

/** Of what stands between brackets in an address, in characters. */
const MAX_IN_BRACKETS = 256;

/** What names mean in the package that a comment stands in. */
export interface NamesInScope {
  /** The import path of a package by its name; "" for the package itself; undefined if no such package is known. */
  packageNamed(name: string): string | undefined;
  /** Whether there is such a declaration, or such a method or field if `recv` is not "". */
  hasSymbol(recv: string, name: string): boolean;
}

/** A line `[text]: url`. */
export function linkDefinition(line: string): LinkDefinition | undefined {
  if (!line.startsWith("[")) return undefined;
  const end = line.indexOf("]:");
  if (end < 0 || end + 3 >= line.length || !isIndented(line.slice(end + 2))) return undefined;
  const url = trim(line.slice(end + 3));
  const colon = url.indexOf("://");
  return colon >= 0 && isScheme(url.slice(0, colon)) ? { text: line.slice(1, end), url, used: false } : undefined;
}

/** Text in which brackets may be links. */
export function linkedText(
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
