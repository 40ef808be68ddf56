// Declarations in one line, for lists of symbols: what stands in braces becomes `...`, and lists of parameters end after
// some 80 characters (pkgsite's internal/godoc/dochtml/internal/render/synopsis.go). It works on declarations as they are
// shown (source/declaration-text.ts), whose brackets are balanced; what is not, such as a declaration that was cut, is cut.

/** Where a list of parameters or results ends. */
const LIST_WIDTH = 80;
/** Of a declaration; a longer one is cut before it is read. */
const MAX_TEXT = 8 * 1024;
/** Of a result. */
const MAX_LINE = 500;

/** A function, method or method of an interface in one line. */
export function functionLine(declaration: string): string {
  const text = declaration.slice(0, MAX_TEXT);
  const parts = /^(func )?(?:(\([^()]*\)) )?([\p{L}_][\p{L}\p{Nd}_]*)/u.exec(text);
  if (!parts) return bounded(collapsed(text));
  const [head = "", keyword = "", receiver, name = ""] = parts;
  let rest = text.slice(head.length);
  let line = `${keyword}${receiver === undefined ? "" : `${receiver} `}${name}`;
  for (const [open, close] of BRACKETS) {
    if (!rest.startsWith(open)) continue;
    const end = closing(rest, 0);
    line += `${open}${list(rest.slice(1, end))}${close}`;
    rest = rest.slice(end + 1);
  }
  rest = rest.trim();
  if (rest.startsWith("(")) {
    const results = list(rest.slice(1, closing(rest, 0)));
    // A single result without a name needs none.
    const isBare = elements(results).length === 1 && !hasNames(elements(results));
    return bounded(`${line} ${isBare ? results : `(${results})`}`);
  }
  return bounded(rest === "" ? line : `${line} ${collapsed(rest)}`);
}

/** A type's declaration, a field or the like in one line. */
export function typeLine(declaration: string): string {
  const text = declaration.slice(0, MAX_TEXT);
  return bounded(collapsed(text.replace(/^(type [\p{L}_][\p{L}\p{Nd}_]*)\[[^\]]*\](?= )/u, "$1")));
}

/** The variables of a declaration, each in one line, by their names. */
export function variableLines(declaration: string): Map<string, string> {
  const lines = new Map<string, string>();
  const isGroup = declaration.startsWith("var (");
  const body = isGroup
    ? declaration.slice("var (".length, declaration.endsWith(")") ? -1 : undefined)
    : declaration.slice(4);
  for (const spec of topLevel(withoutComments(body), "\n")) {
    const [, names, rest = ""] =
      /^\s*((?:[\p{L}_][\p{L}\p{Nd}_]*,\s*)*[\p{L}_][\p{L}\p{Nd}_]*)(?:\s+([\s\S]*))?$/u.exec(spec) ?? [];
    if (names === undefined) continue;
    const [type = "", values = ""] = splitValues(rest);
    const all = topLevel(values, ",");
    const value = all[0] === undefined || all[0].trim() === "" ? "" : ` = ${valueLine(all[0].trim())}`;
    const more = all.length > 1 ? " ..." : "";
    for (const name of names.split(/,\s*/))
      if (name !== "_")
        lines.set(name, bounded(`var ${name}${type === "" ? "" : ` ${collapsed(type)}`}${value}${more}`));
  }
  return lines;
}

function splitValues(rest: string): [type: string, values: string] {
  const [type = "", ...values] = topLevel(rest, "=");
  return [type.trim(), values.join("=").trim()];
}

/** A value: what has several lines is `...`, unless its braces alone have them. */
function valueLine(value: string): string {
  const line = collapsed(value.slice(0, MAX_TEXT));
  return line.includes("\n") ? "..." : line;
}

/** Parameters, with groups of names kept together, and the end of a long list as `...`. */
function list(text: string): string {
  const some = elements(text);
  const groups: string[] = [];
  const isNamed = hasNames(some);
  let open = "";
  for (const one of some) {
    open = open === "" ? one : `${open}, ${one}`;
    if (isNamed && !/\s/.test(one)) continue;
    groups.push(open);
    open = "";
  }
  if (open !== "") groups.push(open);
  let width = 0;
  const fitting = groups.findIndex((group) => {
    width += group.length + 2;
    return width > LIST_WIDTH;
  });
  return (fitting === -1 ? groups : [...groups.slice(0, fitting), "..."]).join(", ");
}

function elements(text: string): string[] {
  return topLevel(text, ",")
    .map((element) => collapsed(element.trim()))
    .filter((element) => element !== "");
}

/** Whether the parameters of a list have names: all have, or none. */
function hasNames(some: readonly string[]): boolean {
  return /^[\p{L}_][\p{L}\p{Nd}_]* (?!\{)/u.test((some.at(-1) ?? "").replace(/^(?:chan|<-chan) /, ""));
}

/** Text with `{ ... }` for what stands in braces, and single blanks. */
function collapsed(text: string): string {
  let out = "";
  for (let i = 0; i < text.length; i++) {
    const c = text[i]!;
    if (c === "{") {
      const end = closing(text, i);
      const inside = withoutComments(text.slice(i + 1, end)).trim();
      if (/\b(?:struct|interface) $/.test(out)) out = out.slice(0, -1);
      out += inside === "" ? "{}" : "{ ... }";
      i = end;
    } else if (QUOTES.has(c)) {
      const end = endOfQuote(text, i);
      out += text.slice(i, end + 1);
      i = end;
    } else if (c === "/" && /[/*]/.test(text[i + 1] ?? "")) i = endOfComment(text, i) - 1;
    else if (/\s/.test(c)) {
      if (!/\s$/.test(out) && out !== "") out += " ";
    } else out += c;
  }
  return out.trim();
}

const BRACKETS = [
  ["[", "]"],
  ["(", ")"],
] as const;
const QUOTES = new Set(['"', "`", "'"]);
const CLOSING: Record<string, string> = { "(": ")", "[": "]", "{": "}" };

/** Where the bracket at a place is closed; the end of the text if nowhere. */
function closing(text: string, at: number): number {
  const open: string[] = [];
  for (let i = at; i < text.length; i++) {
    const c = text[i]!;
    if (QUOTES.has(c)) i = endOfQuote(text, i);
    else if (c === "/" && /[/*]/.test(text[i + 1] ?? "")) i = endOfComment(text, i) - 1;
    else if (CLOSING[c]) open.push(CLOSING[c]);
    else if (c === open.at(-1)) {
      open.pop();
      if (open.length === 0) return i;
    }
  }
  return text.length;
}

function endOfQuote(text: string, at: number): number {
  const quote = text[at]!;
  for (let i = at + 1; i < text.length; i++) {
    if (text[i] === quote) return i;
    if (text[i] === "\\" && quote !== "`") i++;
  }
  return text.length;
}

function endOfComment(text: string, at: number): number {
  const isLine = text[at + 1] === "/";
  const end = text.indexOf(isLine ? "\n" : "*/", at + 2);
  return end === -1 ? text.length : isLine ? end : end + 2;
}

function withoutComments(text: string): string {
  let out = "";
  for (let i = 0; i < text.length; i++) {
    const c = text[i]!;
    if (QUOTES.has(c)) {
      const end = endOfQuote(text, i);
      out += text.slice(i, end + 1);
      i = end;
    } else if (c === "/" && /[/*]/.test(text[i + 1] ?? "")) i = endOfComment(text, i) - 1;
    else out += c;
  }
  return out;
}

/** Cuts a text at a character, but not within brackets and quotes. */
function topLevel(text: string, separator: string): string[] {
  const parts: string[] = [];
  let start = 0;
  for (let i = 0; i < text.length; i++) {
    const c = text[i]!;
    if (c === separator && !(c === "=" && /[=!<>:]/.test((text[i - 1] ?? "") + (text[i + 1] ?? "")))) {
      parts.push(text.slice(start, i));
      start = i + 1;
    } else if (QUOTES.has(c)) i = endOfQuote(text, i);
    else if (CLOSING[c]) i = closing(text, i);
  }
  parts.push(text.slice(start));
  return parts;
}

function bounded(line: string): string {
  return line.length > MAX_LINE ? `${line.slice(0, MAX_LINE - 3)}...` : line;
}
