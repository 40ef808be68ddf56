// The documentation of a package in one piece, as pkg.go.dev's API gives it in its field `docs` (pkgsite's
// internal/api/render.go): text for terminals, Markdown, or plain HTML. In HTML the text of an example is written as Markdown
// there, and so it is here.
import { commentHtml, defaultDocLinkUrl, escapeHtml } from "../comment/comment-html.ts";
import { commentLines } from "../comment/comment-lines.ts";
import { commentMarkdown } from "../comment/comment-markdown.ts";
import { parseDocComment } from "../comment/doc-comment.ts";
import { namesInScope } from "../comment/names-in-scope.ts";
import type { ExampleDoc, FuncDoc, PackageDoc, ValueDoc } from "../documentation.ts";

export type PageFormat = "text" | "markdown" | "html";

/** One way of writing. */
interface Writer {
  start(): string;
  section(name: string): string;
  declaration(doc: string, text: string): string;
  example(example: ExampleDoc): string;
}

/** All of a package; with `examples` these too. */
export function packagePageText(doc: PackageDoc, format: PageFormat, examples: boolean): string {
  const writer = WRITERS[format](doc);
  const example = (some: readonly ExampleDoc[] = []): string =>
    examples ? some.map((one) => writer.example(one)).join("") : "";
  const values = (some: readonly ValueDoc[]): string =>
    some.map(({ doc: text, text: shown }) => writer.declaration(text, shown)).join("");
  const funcs = (some: readonly FuncDoc[]): string =>
    some.map((func) => writer.declaration(func.doc, func.text) + example(func.examples)).join("");
  const titled = (name: string, content: string): string => (content === "" ? "" : writer.section(name) + content);
  const types = doc.types.map(
    (type) =>
      writer.declaration(type.doc, type.text) +
      example(type.examples) +
      values(type.consts) +
      values(type.vars) +
      funcs(type.funcs) +
      funcs(type.methods),
  );
  return [
    writer.start(),
    example(doc.examples),
    titled("constants", values(doc.consts)),
    titled("variables", values(doc.vars)),
    titled("functions", funcs(doc.funcs)),
    titled("types", types.join("")),
  ].join("");
}

const title = (word: string): string => word[0]!.toUpperCase() + word.slice(1);

const WRITERS: Record<PageFormat, (doc: PackageDoc) => Writer> = {
  text: (doc) => {
    const names = namesInScope(doc);
    const indented = (text: string): string =>
      commentLines(parseDocComment(text, names), { prefix: "\t", codePrefix: "\t\t" });
    return {
      start: () =>
        `package ${doc.name}\n${doc.doc === "" ? "" : `\n${commentLines(parseDocComment(doc.doc, names))}`}\n`,
      section: (name) => `${name.toUpperCase()}\n\n`,
      declaration: (text, shown) => `${shown}\n${indented(text)}\n`,
      example: ({ suffix, doc: text, code, output }) => {
        const body = `\t${braced(code).replaceAll("\n", "\n\t")}\n`;
        const said = output === "" ? "" : `\n\tOutput:\n\t${output.trim().replaceAll("\n", "\n\t")}\n`;
        const words = indented(text);
        return `Example${suffix === "" ? "" : ` (${suffix})`}:\n${words === "" ? "" : `${words}\n`}${body}${said}\n`;
      },
    };
  },
  markdown: (doc) => {
    const names = namesInScope(doc);
    const words = (text: string): string => commentMarkdown(parseDocComment(text, names).content, defaultDocLinkUrl);
    return {
      start: () => `# package ${doc.name}\n${doc.doc === "" ? "" : `\n${words(doc.doc)}`}\n`,
      section: (name) => `## ${title(name)}\n\n`,
      declaration: (text, shown) => `\`\`\`go\n${shown}\n\`\`\`\n${words(text)}\n`,
      example: ({ suffix, doc: text, code, output }) => {
        const said = output === "" ? "" : `Output:\n\n\`\`\`\n${output}\n\`\`\`\n`;
        const before = text === "" ? "" : `${words(text)}\n`;
        return `#### Example${suffix === "" ? "" : ` (${suffix})`}\n\n${before}\`\`\`go\n${braced(code)}\n\`\`\`\n${said}\n`;
      },
    };
  },
  html: (doc) => {
    const names = namesInScope(doc);
    const form = { headingLevel: 3, docLinkUrl: defaultDocLinkUrl };
    const words = (text: string): string => commentHtml(parseDocComment(text, names).content, form);
    return {
      start: () => `<h1>package ${escapeHtml(doc.name)}</h1>\n${doc.doc === "" ? "" : `\n${words(doc.doc)}`}\n`,
      section: (name) => `<h2>${title(name)}</h2>\n\n`,
      declaration: (text, shown) => `<pre><code>${goEscape(shown)}</code></pre>\n${words(text)}\n`,
      example: ({ suffix, doc: text, code, output }) => {
        const before =
          text === "" ? "" : `${commentMarkdown(parseDocComment(text, names).content, defaultDocLinkUrl)}\n`;
        const said = output === "" ? "" : `Output:\n\n<pre><code>\n${goEscape(output)}\n</code></pre>\n`;
        const heading = `<h4>Example${suffix === "" ? "" : ` (${escapeHtml(suffix)})`}</h4>\n\n`;
        return `${heading}${before}<pre><code>\n${goEscape(braced(code))}\n</code></pre>\n${said}\n`;
      },
    };
  },
};

/** html.EscapeString of Go, which writes quotes by number. */
function goEscape(text: string): string {
  return escapeHtml(text).replaceAll("&quot;", "&#34;").replaceAll("&apos;", "&#39;");
}

/** The code of an example in the braces of its function, unless it is a whole file. */
function braced(code: string): string {
  if (/^package /m.test(code.slice(0, 2000))) return code;
  return `{\n${code.replace(/(?<![^\n])(?=[^\n])/g, "\t")}\n}`;
}
