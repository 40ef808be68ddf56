// What commands print: a table for people, JSON for programs (--json). Times are in UTC, absent things are empty.

export type Cell = string | number | boolean | Date | null | undefined | readonly string[];
export type PrintedRow = Readonly<Record<string, Cell>>;

/** Prints a list: an array of objects, or a table whose columns are the keys of the first row. */
export function printRows(rows: readonly PrintedRow[], json: boolean, whenEmpty: string): void {
  const first = rows[0];
  if (json) printJson(rows);
  else if (first) printTable(rows, Object.keys(first));
  else console.log(whenEmpty);
}

function printTable(rows: readonly PrintedRow[], columns: readonly string[]): void {
  const lines = [
    columns.map((name) => name.toUpperCase()),
    ...rows.map((row) => columns.map((name) => show(row[name]))),
  ];
  const widths = columns.map((_, index) => Math.max(...lines.map((line) => line[index]!.length)));
  for (const line of lines)
    console.log(
      line
        .map((cell, index) => cell.padEnd(widths[index]!))
        .join("  ")
        .trimEnd(),
    );
}

/** Prints one thing: an object, or a line for each of its keys. */
export function printOne(row: PrintedRow, json: boolean): void {
  if (json) {
    printJson(row);
    return;
  }
  const width = Math.max(...Object.keys(row).map((name) => name.length));
  for (const [name, cell] of Object.entries(row)) console.log(`${name.padEnd(width)}  ${show(cell)}`.trimEnd());
}

/** Prints JSON for programs. */
export function printJson(value: unknown): void {
  console.log(escaped(JSON.stringify(value, undefined, 2)));
}

/** What went wrong, for programs: one line of JSON on standard error. */
export function printJsonError(error: Readonly<Record<string, unknown>>): void {
  console.error(escaped(JSON.stringify({ error })));
}

/** What JSON would leave as it is of control characters is escaped too: people look at it. */
function escaped(json: string): string {
  return json.replace(/[\x7f-\x9f]/g, (control) => `\\u00${control.charCodeAt(0).toString(16)}`);
}

function show(cell: Cell): string {
  if (cell === null || cell === undefined) return "";
  if (cell instanceof Date) return cell.toISOString().slice(0, 19).replace("T", " ");
  return harmless(String(Array.isArray(cell) ? cell.join(",") : cell)).replaceAll("\n", "?");
}

/** Text whose names cannot move the cursor of whoever reads it: what is a control character, but for the end of a line. */
export function harmless(text: string): string {
  return text.replace(/[^\P{Cc}\n]/gu, "?");
}
