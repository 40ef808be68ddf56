// Go string literals: how the go command quotes a name in its messages (%q), how go.mod quotes a path that could not
// stand bare, and how such a literal is read back. Source: package strconv (Quote, QuoteRune, Unquote).

import { isPrintable } from "./unicode.ts";

const SHORT_ESCAPES: Record<string, string> = {
  "\x07": "\\a",
  "\b": "\\b",
  "\f": "\\f",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
  "\v": "\\v",
};

function escaped(character: string, quote: string): string {
  if (character === quote || character === "\\") return `\\${character}`;
  if (isPrintable(character)) return character;
  const short = SHORT_ESCAPES[character];
  if (short !== undefined) return short;
  const code = character.codePointAt(0) ?? 0;
  if (code < 0x20 || code === 0x7f) return `\\x${code.toString(16).padStart(2, "0")}`;
  if (/[\udc80-\udcff]/u.test(character)) return `\\x${(code & 0xff).toString(16)}`; // a byte that was no UTF-8
  if (!character.isWellFormed()) return "\\ufffd";
  return code < 0x10000 ? `\\u${code.toString(16).padStart(4, "0")}` : `\\U${code.toString(16).padStart(8, "0")}`;
}

/**
 * The text as a Go string literal in double quotes: fmt's %q, strconv.Quote. Lone surrogates from U+DC80 to U+DCFF stand
 * for the bytes 80 to ff of a text that was not UTF-8.
 */
export function quote(text: string): string {
  let literal = '"';
  for (const character of text) literal += escaped(character, '"');
  return `${literal}"`;
}

/** One character (a whole code point) as a Go rune literal in single quotes: fmt's %q of a rune. */
export const quoteRune = (character: string): string => `'${escaped(character, "'")}'`;

const SIMPLE_ESCAPE: Record<string, number> = { a: 7, b: 8, f: 12, n: 10, r: 13, t: 9, v: 11, "\\": 92, '"': 34 };

/**
 * What a Go string literal in double quotes or backquotes stands for, or undefined if it is not exactly one literal:
 * strconv.Unquote without its rune literals. Escapes such as \xff that are not UTF-8 come out as U+FFFD.
 */
export function unquote(literal: string): string | undefined {
  const delimiter = literal[0];
  if (literal.length < 2 || literal.at(-1) !== delimiter) return undefined;
  const body = literal.slice(1, -1);
  if (delimiter === "`") return body.includes("`") ? undefined : body.replaceAll("\r", "");
  if (delimiter !== '"' || body.includes("\n")) return undefined;
  if (!body.includes("\\")) return body.includes('"') ? undefined : body;

  const bytes: Buffer[] = [];
  for (let i = 0; i < body.length; ) {
    const backslash = body.indexOf("\\", i);
    const plain = body.slice(i, backslash < 0 ? body.length : backslash);
    if (plain.includes('"')) return undefined;
    bytes.push(Buffer.from(plain));
    if (backslash < 0) break;
    i = backslash + 1;
    const kind = body[i] ?? "";
    const simple = SIMPLE_ESCAPE[kind];
    if (simple !== undefined) {
      bytes.push(Buffer.of(simple));
      i++;
      continue;
    }
    const digits = /^(?:x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[0-7]{3})/.exec(body.slice(i, i + 9))?.[0];
    if (digits === undefined) return undefined;
    i += digits.length;
    if (kind === "u" || kind === "U") {
      const code = Number.parseInt(digits.slice(1), 16);
      if (code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) return undefined;
      bytes.push(Buffer.from(String.fromCodePoint(code)));
    } else {
      const byte = kind === "x" ? Number.parseInt(digits.slice(1), 16) : Number.parseInt(digits, 8);
      if (byte > 255) return undefined;
      bytes.push(Buffer.of(byte));
    }
  }
  return Buffer.concat(bytes).toString("utf8");
}
