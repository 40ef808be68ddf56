// Doc comments as Markdown, as go/doc/comment's Printer writes it: a paragraph on one line, headings with their anchors.

import { trim } from "./comment-blocks.ts";
import type { DocLinkUrl } from "./comment-html.ts";
import { type Block, headingId, type Inline, isLoose } from "./comment-tree.ts";

/** The blocks of a comment as Markdown; headings of level 3. */
export function commentMarkdown(content: readonly Block[], docLinkUrl: DocLinkUrl): string {
  return content.map((block) => blockMarkdown(block, docLinkUrl)).join("\n");
}

function blockMarkdown(block: Block, docLinkUrl: DocLinkUrl): string {
  const text = (inlines: readonly Inline[]): string => lineOf(inlines, docLinkUrl);
  switch (block.kind) {
    case "paragraph":
      return `${text(block.text)}\n`;
    case "heading": {
      const id = headingId(block.text);
      return `### ${text(block.text)}${id === "" ? "" : ` {#${id}}`}\n`;
    }
    case "code":
      return block.text.replace(/(?<![^\n])(?=[^\n])/g, "\t");
    case "list":
      return block.items
        .map(({ number, paragraphs }) => {
          const marker = number === "" ? "  - " : ` ${number}. `;
          return marker + paragraphs.map((paragraph) => `${text(paragraph)}\n`).join("\n    ");
        })
        .join(isLoose(block) ? "\n" : "");
  }
}

/** Text in one line, with an escape before what would begin a list or a heading. */
function lineOf(inlines: readonly Inline[], docLinkUrl: DocLinkUrl): string {
  const line = trim(raw(inlines, docLinkUrl));
  if (/^[+\-*#]/.test(line)) return `\\${line}`;
  return line.replace(/^([0-9]+)([.)])/, "$1\\$2");
}

function raw(inlines: readonly Inline[], docLinkUrl: DocLinkUrl): string {
  return inlines
    .map((inline) => {
      if (inline.kind === "plain") return inline.text.replace(/[\n`_*[<\\]/g, (c) => (c === "\n" ? " " : `\\${c}`));
      const shown = raw(inline.text, docLinkUrl);
      if (inline.kind === "link") return `[${shown}](${inline.url})`;
      const url = docLinkUrl(inline);
      return url === "" ? shown : `[${shown}](${url.replaceAll("(", "%28").replaceAll(")", "%29")})`;
    })
    .join("");
}
