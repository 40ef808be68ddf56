// Readmes as Markdown: CommonMark with tables and bare links (markdown-it). A page shows them as markup (web/text/markdown.ts);
// where a line of text has to do they are plain, which is here: words as a reader sees them, without the marks that make them
// bold or a link, and without pictures, of which most readmes begin with a row.
import MarkdownIt, { type Token } from "markdown-it";

/** So deep may markup be nested; deeper text is shown as it is written. */
export const MAX_NESTING = 40;
const MARKDOWN_NAME = /\.(?:md|markdown|mkd|mdown)$|^readme$/i;

/** Whether a readme of this name is Markdown. */
export function isMarkdown(name: string): boolean {
  return MARKDOWN_NAME.test(name);
}

/** A reader of Markdown, for whoever asks to change what is his own. */
export function createMarkdownReader(): InstanceType<typeof MarkdownIt> {
  return new MarkdownIt({ html: true, linkify: true, maxNesting: MAX_NESTING });
}

const reader = createMarkdownReader().set({ linkify: false }); // an address is the same text where it is no link

/**
 * Markdown, or a piece of it, as one line of plain text. It is text and not markup: whoever shows it escapes it. Links and
 * pictures by reference are taken for such where the piece does not have what they refer to.
 */
export function plainTextOf(markdown: string): string {
  return textOf(reader.parse(markdown, {})).replace(/\s+/g, " ").trim();
}

function textOf(tokens: readonly Token[]): string {
  return tokens.map(textOfToken).join("");
}

function textOfToken({ type, content, children }: Token): string {
  switch (type) {
    case "inline":
      return withoutReferences(textOf(children ?? []));
    case "text":
    case "code_inline":
      return content;
    case "fence":
    case "code_block":
      return `${content} `;
    case "html_block":
      return ` ${withoutReferences(textOf(reader.parseInline(withoutTags(content), {})))} `;
    case "html_inline":
      return /^<br\b/i.test(content) ? " " : "";
    case "softbreak":
    case "hardbreak":
      return " ";
    default:
      return type.endsWith("_close") && !INLINE.test(type) ? " " : "";
  }
}

/** What ends within words. */
const INLINE = /^(?:em|strong|s|link)_/;

/** Of a block of HTML, what is no tag, comment, script or style. */
function withoutTags(block: string): string {
  return block
    .replace(/<!--.*?(?:-->|$)|<(script|style)\b.*?(?:<\/\1\s*>|$)/gis, " ")
    .replace(/<[/!?]?[a-z][^<>]*(?:>|$)/gi, " ");
}

/** `![picture][1]` and `[link][1]`, whose address is elsewhere. */
function withoutReferences(text: string): string {
  return text.replace(/!\[[^[\]]*\](?:\[[^[\]]*\])?/g, "").replace(/\[([^[\]]*)\]\[[^[\]]*\]/g, "$1");
}
