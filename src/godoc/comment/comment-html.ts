// Doc comments as HTML, as go/doc/comment's Printer writes it: the same tags, the same anchors of headings. Two things are
// ours. A page may ask for closed paragraphs (Go leaves the end tag out), and every address passes `safeUrl`, because a
// definition of a link may name any scheme that Go knows, `file:` among them.
import { type Block, headingId, type Inline, isLoose, type List } from "./comment-tree.ts";

/** Where a link to documentation leads; "" for no link. */
export type DocLinkUrl = (link: {
  readonly importPath: string;
  readonly recv: string;
  readonly name: string;
}) => string;

export interface HtmlForm {
  /** Of headings: 3 for `<h3>`. */
  readonly headingLevel: number;
  readonly docLinkUrl: DocLinkUrl;
  /** Whether paragraphs have end tags. */
  readonly closed?: boolean;
  /** What becomes of the address of a link; "" for no link. Without it addresses stay as they are. */
  readonly safeUrl?: (url: string) => string;
  /** What becomes of the anchor of a heading; "" for none. A page has several comments, and an anchor only once. */
  readonly anchor?: (id: string) => string;
}

/** Where go/doc lets links lead: to a path of the site, or to an anchor of this page. */
export const defaultDocLinkUrl: DocLinkUrl = ({ importPath, recv, name }) => {
  const anchor = name === "" ? "" : `#${recv === "" ? "" : `${recv}.`}${name}`;
  return importPath === "" ? anchor || "#" : `/${importPath}${anchor}`;
};

/** Addresses that a page may link to: http, https and mailto. */
export function webAddress(url: string): string {
  return /^(?:https?:\/\/|mailto:)/i.test(url) ? url : "";
}

/** Escapes text for HTML and for attributes in quotes. */
export function escapeHtml(text: string): string {
  return text.replace(/[<&"'>]/g, (c) => ESCAPES[c]!);
}
const ESCAPES: Record<string, string> = { "<": "&lt;", "&": "&amp;", '"': "&quot;", "'": "&apos;", ">": "&gt;" };

/** The blocks of a comment as HTML. */
export function commentHtml(content: readonly Block[], form: HtmlForm): string {
  return content.map((block) => blockHtml(block, form)).join("");
}

function blockHtml(block: Block, form: HtmlForm): string {
  switch (block.kind) {
    case "paragraph":
      return `<p>${inlineHtml(block.text, form)}${form.closed ? "</p>" : ""}\n`;
    case "heading": {
      const plain = headingId(block.text);
      const id = form.anchor?.(plain) ?? plain;
      const tag = `h${form.headingLevel}`;
      return `<${tag}${id === "" ? "" : ` id="${escapeHtml(id)}"`}>${inlineHtml(block.text, form)}</${tag}>\n`;
    }
    case "code":
      return `<pre>${escapeHtml(block.text)}</pre>\n`;
    case "list":
      return listHtml(block, form);
  }
}

function listHtml(list: List, form: HtmlForm): string {
  const tag = list.items[0]!.number === "" ? "ul" : "ol";
  const tight = !isLoose(list);
  let next = 1n;
  let html = `<${tag}>\n`;
  for (const { number, paragraphs } of list.items) {
    html += "<li";
    if (number !== "") {
      // Digits as they stand: 01 is no 1.
      if (number !== String(next)) html += ` value="${number}"`;
      next = BigInt(number.slice(0, 20)) + 1n;
    }
    html += ">";
    for (const text of paragraphs)
      html += `${tight ? "" : "<p>"}${inlineHtml(text, form)}${!tight && form.closed ? "</p>" : ""}\n`;
  }
  return `${html}</${tag}>\n`;
}

function inlineHtml(text: readonly Inline[], form: HtmlForm): string {
  return text
    .map((inline) => {
      if (inline.kind === "plain") return escapeHtml(inline.text);
      const shown = inlineHtml(inline.text, form);
      const url = inline.kind === "link" ? (form.safeUrl?.(inline.url) ?? inline.url) : form.docLinkUrl(inline);
      return url === "" ? shown : `<a href="${escapeHtml(url)}">${shown}</a>`;
    })
    .join("");
}
