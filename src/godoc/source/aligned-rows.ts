// Lines in columns as gofmt writes them (go/printer over text/tabwriter): a column is as wide as its widest cell in a run
// of lines that have that cell, and a line of comments, a blank line or something of several lines ends all runs. Filtering
// what is not exported makes runs shorter, so what is left is laid out anew.

/** A specification in a group, a field of a struct, a method of an interface. */
export interface AlignedRow {
  /** Comments above it, with markers; without indentation. */
  readonly doc: readonly string[];
  /** Cells with something behind them in the line; the last text of the line is `rest`. The last line of a cell that has several is indented. */
  readonly cells: readonly string[];
  readonly rest: string;
  /** A comment at the end of its line. */
  readonly comment: string | undefined;
  /** Lines of the source, the first of them with its doc: blank lines stay where there were some. */
  readonly docLine: number;
  readonly firstLine: number;
  readonly lastLine: number;
}

/** Rows between braces or parentheses, each line with `indent` before it; `openLine` is that of the opening one. */
export function alignedText(rows: readonly AlignedRow[], indent: string, openLine: number): string {
  let out = "";
  let section: Line[] = [];
  const flush = (): void => {
    out += aligned(section, indent);
    section = [];
  };
  let last = openLine;
  for (const [n, row] of rows.entries()) {
    const top = row.doc.length > 0 ? row.docLine : row.firstLine;
    // Before a first row only a comment keeps its distance: go/printer breaks the line by itself there.
    const isApart = top - last > 1 && (n > 0 || row.doc.length > 0);
    if (isApart || row.doc.length > 0) flush();
    if (isApart) out += "\n";
    for (const comment of row.doc) out += `${indent}${comment}\n`;
    const cells = row.comment === undefined ? row.cells : [...row.cells, row.rest];
    const line = { cells, rest: row.comment ?? row.rest, isComment: row.comment !== undefined };
    const long = cells.findIndex((cell) => cell.includes("\n"));
    if (long < 0) section.push(line);
    else {
      // Its first line is one of the run before it, its last one stands alone.
      const [first = "", ...others] = cells[long]!.split("\n");
      const end = others.pop()!.trimStart();
      section.push({ cells: cells.slice(0, long), rest: first, isComment: false });
      flush();
      for (const middle of others) out += `${middle}\n`;
      section.push({ ...line, cells: [end, ...cells.slice(long + 1)] });
      flush();
    }
    if (row.rest.includes("\n") || row.comment?.includes("\n")) flush();
    last = row.lastLine;
  }
  flush();
  return out;
}

interface Line {
  readonly cells: readonly string[];
  readonly rest: string;
  /** Whether `rest` is a comment, for which the last cell was made. */
  readonly isComment: boolean;
}

function aligned(lines: readonly Line[], indent: string): string {
  const widths = lines.map(({ cells }) => cells.map(() => 0));
  for (let column = 0; lines.some(({ cells }) => cells.length > column); column++)
    for (let from = 0; from < lines.length; ) {
      let to = from;
      let width = 0;
      let isEmpty = true;
      for (; to < lines.length && lines[to]!.cells.length > column; to++) {
        const { cells, isComment } = lines[to]!;
        const length = lengthOf(cells[column]!);
        width = Math.max(width, length + 1);
        // The one before a comment ends in a real tab, which keeps a column; the others in tabs that vanish.
        if (length > 0 || (isComment && column === cells.length - 1 && cells.at(-1) !== "")) isEmpty = false;
      }
      for (let n = from; n < to; n++) widths[n]![column] = isEmpty ? 0 : width;
      from = Math.max(to, from + 1);
    }
  return lines
    .map(({ cells, rest }, n) => {
      const text = cells
        .map((cell, column) => cell + " ".repeat(Math.max(0, widths[n]![column]! - lengthOf(cell))))
        .join("");
      return `${indent}${text}${rest}`.replace(/(?<![ \t])[ \t]+$/, "").concat("\n");
    })
    .join("");
}

function lengthOf(cell: string): number {
  return [...cell].length;
}

/** (*printer).keepTypeColumn: in a run of specifications with values, whether any of them has a type. */
export function typeColumns(specs: readonly { readonly type: unknown; readonly values: unknown }[]): boolean[] {
  const keep = specs.map(() => false);
  let start = -1;
  let hasType = false;
  const end = (to: number): void => {
    if (start >= 0 && hasType) keep.fill(true, start, to);
    start = -1;
  };
  for (const [n, { type, values }] of specs.entries()) {
    if (values) {
      if (start < 0) {
        start = n;
        hasType = false;
      }
    } else end(n);
    if (type !== undefined) hasType = true;
  }
  end(specs.length);
  return keep;
}
