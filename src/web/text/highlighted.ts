// Source with its syntax shown, in numbered lines that links lead to (#L10). The highlighter (highlight.js) escapes what it is
// given and adds nothing but <span class="hljs-…">; what spans several lines is closed at the end of each and opened again,
// so that every line stands alone. Large files and those of unknown languages are shown plain.
import hljs from "highlight.js/lib/core";
import { raw } from "hono/html";
import { type Html, html } from "../html/template.ts";

/** Above this a file is shown without colours: the highlighter takes its time over hostile ones. */
const MAX_COLOURED_BYTES = 256 * 1024;
/** A line that is longer is cut: nobody reads it, and no browser likes it. */
const MAX_LINE = 5_000;
const MAX_LINES = 20_000;

/** Languages by the ends of file names, or whole names. */
const LANGUAGES: Readonly<Record<string, string>> = {
  go: "go",
  mod: "go",
  sum: "",
  md: "markdown",
  markdown: "markdown",
  json: "json",
  yaml: "yaml",
  yml: "yaml",
  toml: "ini",
  ini: "ini",
  sh: "bash",
  bash: "bash",
  proto: "protobuf",
  sql: "sql",
  c: "c",
  h: "c",
  s: "x86asm",
  js: "javascript",
  mjs: "javascript",
  ts: "typescript",
  html: "xml",
  xml: "xml",
  tmpl: "xml",
  css: "css",
  py: "python",
  makefile: "makefile",
  dockerfile: "dockerfile",
};

const LOADERS: Readonly<Record<string, () => Promise<{ default: Parameters<typeof hljs.registerLanguage>[1] }>>> = {
  go: () => import("highlight.js/lib/languages/go"),
  markdown: () => import("highlight.js/lib/languages/markdown"),
  json: () => import("highlight.js/lib/languages/json"),
  yaml: () => import("highlight.js/lib/languages/yaml"),
  ini: () => import("highlight.js/lib/languages/ini"),
  bash: () => import("highlight.js/lib/languages/bash"),
  protobuf: () => import("highlight.js/lib/languages/protobuf"),
  sql: () => import("highlight.js/lib/languages/sql"),
  c: () => import("highlight.js/lib/languages/c"),
  x86asm: () => import("highlight.js/lib/languages/x86asm"),
  javascript: () => import("highlight.js/lib/languages/javascript"),
  typescript: () => import("highlight.js/lib/languages/typescript"),
  xml: () => import("highlight.js/lib/languages/xml"),
  css: () => import("highlight.js/lib/languages/css"),
  python: () => import("highlight.js/lib/languages/python"),
  makefile: () => import("highlight.js/lib/languages/makefile"),
  dockerfile: () => import("highlight.js/lib/languages/dockerfile"),
};

/** The language of a file, by its name; undefined for one that is shown plain. */
function languageOf(path: string): string | undefined {
  const name = path.slice(path.lastIndexOf("/") + 1).toLowerCase();
  const end = name.slice(name.lastIndexOf(".") + 1);
  return LANGUAGES[end] || undefined;
}

/** Lines of code as markup, each whole in itself; `path` says which language it is. */
export async function highlightedLines(path: string, text: string): Promise<readonly Html[]> {
  const lines = text.split("\n");
  if (lines.at(-1) === "") lines.pop();
  const language = languageOf(path);
  const isPlain =
    language === undefined ||
    Buffer.byteLength(text) > MAX_COLOURED_BYTES ||
    lines.some((line) => line.length > MAX_LINE);
  if (isPlain) return lines.slice(0, MAX_LINES).map((line) => html`${shortened(line)}`);
  if (!hljs.getLanguage(language)) hljs.registerLanguage(language, (await LOADERS[language]!()).default);
  const { value } = hljs.highlight(text.replace(/\n$/, ""), { language, ignoreIllegals: true });
  return splitIntoLines(value).slice(0, MAX_LINES);
}

const shortened = (line: string): string => (line.length > MAX_LINE ? `${line.slice(0, MAX_LINE)}…` : line);

/** Closes what is open at the end of each line, and opens it again at the beginning of the next. */
function splitIntoLines(markup: string): Html[] {
  const open: string[] = [];
  return markup.split("\n").map((line) => {
    const before = open.join("");
    for (const [tag] of line.matchAll(/<span[^>]*>|<\/span>/g)) {
      if (tag === "</span>") open.pop();
      else open.push(tag);
    }
    return raw(before + line + "</span>".repeat(open.length));
  });
}

/** Lines with their numbers, which are links to themselves. */
export function numberedLines(lines: readonly Html[]): Html {
  return html`<pre class="source" tabindex="0"><code>${lines.map(
    (line, n) => html`<span class="l" id="L${n + 1}"><a class="n" href="#L${n + 1}">${n + 1}</a>${line}
</span>`,
  )}</code></pre>`;
}
