// The text of a doc comment without its markers, as (*ast.CommentGroup).Text of Go's go/ast has it: `//` and `/* */` are
// taken off, directives such as `//go:embed` are left out, blank lines at the ends go and several become one.

/** The text of comments that stand below each other, each with its markers. Ends with a newline unless it is empty. */
export function commentText(comments: readonly string[]): string {
  const lines: string[] = [];
  for (const comment of comments) {
    let text = comment.slice(2);
    if (comment.startsWith("//")) {
      if (text.startsWith(" ")) text = text.slice(1);
      else if (isDirective(text)) continue;
    } else text = text.slice(0, -2);
    for (const line of text.split("\n")) lines.push(line.replace(/(?<![ \t\n\r])[ \t\n\r]+$/, ""));
  }
  const kept: string[] = [];
  for (const line of lines) if (line !== "" || (kept.length > 0 && kept.at(-1) !== "")) kept.push(line);
  if (kept.length > 0 && kept.at(-1) !== "") kept.push("");
  return kept.join("\n");
}

/** Whether a `//` comment, without its marker, is one for programs: `line …`, `extern …`, `export …`, `name:word`. */
function isDirective(text: string): boolean {
  return /^(?:line |extern |export |[a-z0-9]+:[a-z0-9])/.test(text);
}
