// The lines of a doc comment, cut into blocks by blank lines and indentation, with what people commonly get wrong mended
// (go/doc/comment/parse.go, parseSpans, whose rules these are). What stands in the blocks is not looked at here.

/** strings.TrimSpace of Go. */
export function trim(text: string): string {
  return text.replace(/^[\p{White_Space}]+/u, "").replace(/(?<![\p{White_Space}])[\p{White_Space}]+$/u, "");
}

export const isIndented = (line: string): boolean => line.startsWith(" ") || line.startsWith("\t");
const leadingSpace = (line: string): string => /^[ \t]*/.exec(line)![0];

/** Lines without the indentation that all have, and without blank lines at the ends. */
export function unindent(all: readonly string[]): string[] {
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
export function blockSpans(lines: readonly string[]): Span[] {
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

/** The number before an item of a list, "" for a bullet, and what follows; undefined for what is no item. */
export function listMarker(indented: string): { readonly number: string; readonly rest: string } | undefined {
  const line = trim(indented);
  const marker = /^(?:[•*+-]|([0-9]+)[.)])/.exec(line);
  if (!marker) return undefined;
  const rest = line.slice(marker[0].length);
  return isIndented(rest) && trim(rest) !== "" ? { number: marker[1] ?? "", rest } : undefined;
}

function isListLine(line: string): boolean {
  return listMarker(line) !== undefined;
}
