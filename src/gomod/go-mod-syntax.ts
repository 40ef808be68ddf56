// The syntax of go.mod, below what the directives mean: tokens on lines, lines in blocks, and the comments that belong to
// them. A comment alone on its line belongs to the statement right below it (a blank line parts them at the top level, but
// not within a block); a comment at the end of a line belongs to that line.
// Sources: Go Modules Reference, "Lexical elements" and "Grammar"; golang.org/x/mod/modfile read.go, whose parser this
// follows function by function, so that it accepts and refuses the same files.

import { invalid } from "../errors.ts";
import { quoteRune } from "./go-quote.ts";
import { isPrintable, isSpace } from "./unicode.ts";

/** The name under which messages speak of the file. */
const MOD_FILE = "go.mod";

/** Where something starts: line and column, both from 1, the column in characters. */
export type TextPosition = { line: number; column: number };

/** Whole-line comments above, with their slashes ("" for a blank line in a block), and the one at the end of the line. */
type Commented = { before: readonly string[]; suffix: string | undefined };

export type Line = Commented & { kind: "line"; tokens: readonly string[]; place: TextPosition };
export type LineBlock = Commented & {
  kind: "block";
  tokens: readonly string[];
  lines: readonly Line[];
  place: TextPosition;
};
export type Statement = Line | LineBlock;

type TokenKind =
  | "end"
  | "endComment"
  | "comment"
  | "word"
  | "string"
  | "newline"
  | "("
  | ")"
  | "["
  | "]"
  | "{"
  | "}"
  | ",";
type Token = { kind: TokenKind; text: string; at: number };

const PUNCTUATION = new Set(["(", ")", "[", "]", "{", "}", ","]);
const ENDS_LINE = new Set<TokenKind>(["end", "endComment", "newline"]);

/** A message with its place, as the go command prints it: `go.mod:3: …`, or `go.mod:3:9: …` if not at the line's start. */
export function syntaxError({ line, column }: TextPosition, message: string): string {
  return `${MOD_FILE}:${line}${column > 1 ? `:${column}` : ""}: ${message}`;
}

/** Characters of words that need no second look: printable ASCII without punctuation; a slash only if it begins no comment. */
const WORD_RUN = /(?:[!-'*+\-.0-Z\\^-z|~]|\/(?![/*]))*/y;

/** How many characters from a place on are certainly of a word. */
function runOfWord(text: string, at: number): number {
  WORD_RUN.lastIndex = at;
  WORD_RUN.test(text);
  return WORD_RUN.lastIndex - at;
}

const isWordCharacter = (character: string): boolean =>
  !PUNCTUATION.has(character) && !isSpace(character) && isPrintable(character);

/**
 * Reads the statements of a go.mod file, a line at each step, so that whoever reads a large one can stop in between. Throws
 * Failure "invalid" at the first error of syntax: modfile.parse.
 */
export function* parseSyntax(text: string): Generator<void, Statement[]> {
  let next = 0;
  // Places are asked for in ascending order, but for the odd error, so that lines are counted only once.
  const counted = { at: 0, line: 1, lineStart: 0 };

  function place(at: number): TextPosition {
    if (at < counted.at) Object.assign(counted, { at: 0, line: 1, lineStart: 0 });
    for (let newline = text.indexOf("\n", counted.at); newline >= 0 && newline < at; ) {
      counted.line++;
      counted.lineStart = newline + 1;
      newline = text.indexOf("\n", newline + 1);
    }
    counted.at = Math.max(at, counted.lineStart);
    return { line: counted.line, column: 1 + [...text.slice(counted.lineStart, at)].length };
  }

  function fail(message: string, at: number): never {
    throw invalid(syntaxError(place(at), message));
  }

  const characterAt = (at: number): string => String.fromCodePoint(text.codePointAt(at) ?? 0);

  function scan(): Token {
    while (text[next] === " " || text[next] === "\t" || text[next] === "\r") next++;
    if (text.startsWith("//", next)) {
      const at = next;
      const alone = text.slice(text.lastIndexOf("\n", at - 1) + 1, at).trim() === "";
      const newline = text.indexOf("\n", at);
      next = newline < 0 ? text.length : newline + 1;
      const comment = text.slice(at, newline < 0 ? next : newline);
      // A carriage return belongs to the line end only if there is one.
      return {
        kind: alone ? "comment" : "endComment",
        text: newline >= 0 && comment.endsWith("\r") ? comment.slice(0, -1) : comment,
        at,
      };
    }
    if (text.startsWith("/*", next)) fail("mod files must use // comments (not /* */ comments)", next);
    const at = next;
    if (at >= text.length) return { kind: "end", text: "", at };

    const first = characterAt(at);
    if (first === "\n" || PUNCTUATION.has(first)) {
      next++;
      return { kind: first === "\n" ? "newline" : (first as TokenKind), text: first, at };
    }
    if (first === '"' || first === "`") return scanString(first);
    if (!isWordCharacter(first)) fail(`unexpected input character ${quoteRune(first)}`, at);
    for (;;) {
      next += runOfWord(text, next);
      if (next >= text.length || !isWordCharacter(characterAt(next))) break;
      if (text.startsWith("//", next)) break;
      if (text.startsWith("/*", next)) fail("mod files must use // comments (not /* */ comments)", next);
      next += characterAt(next).length;
    }
    return { kind: "word", text: text.slice(at, next), at };
  }

  function scanString(delimiter: string): Token {
    const at = next++;
    for (;;) {
      if (next >= text.length) fail("unexpected EOF in string", at);
      if (text[next] === "\n") fail("unexpected newline in string", next);
      const character = text[next++];
      if (character === delimiter) return { kind: "string", text: text.slice(at, next), at };
      if (character === "\\" && delimiter !== "`") {
        if (next >= text.length) fail("unexpected EOF in string", at);
        next++;
      }
    }
  }

  let ahead = scan();
  function take(): Token {
    const token = ahead;
    ahead = scan();
    return token;
  }

  /** The rest of a line in a block: no parenthesis means anything there. */
  function parseLine(before: readonly string[]): Line {
    const first = take();
    const tokens = [first.text];
    for (;;) {
      const token = take();
      if (ENDS_LINE.has(token.kind)) {
        const suffix = token.kind === "endComment" ? token.text : undefined;
        return { kind: "line", tokens, place: place(first.at), before, suffix };
      }
      tokens.push(token.text);
    }
  }

  function* parseBlock(first: Token, tokens: readonly string[], before: readonly string[]): Generator<void, LineBlock> {
    const lines: Line[] = [];
    let comments: string[] = [];
    for (;;) {
      switch (ahead.kind) {
        case "endComment": // belongs to the parenthesis, which means nothing to anybody
          take();
          break;
        case "newline":
          take();
          if (comments.length === 0 ? lines.length > 0 : comments.at(-1) !== "") comments.push("");
          break;
        case "comment":
          comments.push(take().text);
          break;
        case "end": {
          const { line, column } = place(first.at);
          return fail(`syntax error (unterminated block started at ${MOD_FILE}:${line}:${column})`, ahead.at);
        }
        case ")": {
          take();
          if (!ENDS_LINE.has(ahead.kind)) fail("syntax error (expected newline after closing paren)", next);
          take();
          return { kind: "block", tokens, lines, place: place(first.at), before, suffix: undefined };
        }
        default:
          lines.push(parseLine(comments));
          comments = [];
          yield;
      }
    }
  }

  function* parseStatement(before: readonly string[]): Generator<void, Statement> {
    const first = take();
    const tokens = [first.text];
    for (;;) {
      const token = take();
      if (ENDS_LINE.has(token.kind)) {
        const suffix = token.kind === "endComment" ? token.text : undefined;
        return { kind: "line", tokens, place: place(first.at), before, suffix };
      }
      if (token.kind !== "(") tokens.push(token.text);
      else if (ENDS_LINE.has(ahead.kind)) return yield* parseBlock(first, tokens, before);
      else if (ahead.kind === ")") {
        const close = take();
        if (ENDS_LINE.has(ahead.kind)) {
          const end = take();
          const suffix = end.kind === "endComment" ? end.text : undefined;
          return { kind: "block", tokens, lines: [], place: place(first.at), before, suffix };
        }
        tokens.push(token.text, close.text);
      } else tokens.push(token.text);
    }
  }

  const statements: Statement[] = [];
  let comments: string[] = [];
  for (;;) {
    switch (ahead.kind) {
      case "end":
        return statements;
      case "newline":
        take();
        comments = [];
        break;
      case "comment":
        comments.push(take().text);
        break;
      default:
        statements.push(yield* parseStatement(comments));
        comments = [];
        yield;
    }
  }
}
