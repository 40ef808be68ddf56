// Which comments go/parser counts as one group: they follow each other without a blank line and without code between them;
// a comment behind code in its line is a group by itself.

/** Blanks before a comment that are looked at. */
const MAX_INDENT = 200;

/** A place in a text. */
export interface TextRange {
  readonly start: number;
  readonly end: number;
}

/** Whether two comments that follow each other in a text are of one group. */
export function areOneGroup(text: string, first: TextRange, second: TextRange): boolean {
  const before = text.slice(Math.max(0, first.start - MAX_INDENT), first.start);
  const between = text.slice(first.end, second.start);
  return /(?:^|\n)[ \t]*$/.test(before) && between.length <= MAX_INDENT && /^[ \t]*\n?[ \t]*$/.test(between);
}
