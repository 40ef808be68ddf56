// A readme as markup: CommonMark with tables and bare links (markdown-it), then whatever is not on a list of harmless
// elements and attributes is taken out (sanitize-html). Links and pictures that are relative lead into the files of the
// version, and never out of it; pictures of other sites are shown as links, because they would tell those sites who reads what.
import { raw } from "hono/html";
import sanitizeHtml from "sanitize-html";
import { createMarkdownReader, isMarkdown, MAX_NESTING } from "../../registry/modules/readme-markdown.ts";
import { type Html, html } from "../html/template.ts";

/** Where the files of the version are that a readme is of. */
export interface ReadmePlace {
  /** The page of a file, by its path in the module. */
  readonly page: (path: string) => string;
  /** The bytes of a file. */
  readonly bytes: (path: string) => string;
  /** The directory of the readme; empty for the root. */
  readonly directory: string;
}

/** A readme of more lines than this, or with longer ones, is shown as it is written. */
const MAX_LINE = 20_000;

const markdown = createMarkdownReader();
/** In front of the ids of headings, so that none of theirs is one of the page's. */
const ID_PREFIX = "user-content-";

/** Headings get the ids that GitHub gives them, which tables of contents link to. */
markdown.core.ruler.push("heading_ids", ({ tokens }) => {
  const used = new Map<string, number>();
  for (const [n, token] of tokens.entries()) {
    if (token.type !== "heading_open") continue;
    const slug = (tokens[n + 1]?.content ?? "")
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, "")
      .trim()
      .replaceAll(/\s/g, "-");
    const before = used.get(slug) ?? 0;
    used.set(slug, before + 1);
    token.attrSet("id", ID_PREFIX + (before === 0 ? slug : `${slug}-${before}`));
  }
});

const IMAGE = /\.(?:png|jpe?g|gif|webp|svg)$/i;

/** A readme, by its name and text. What is no Markdown is shown as it is written. */
export function readmeMarkup(name: string, text: string, place: ReadmePlace): Html {
  if (!isMarkdown(name) || text.split("\n").some((line) => line.length > MAX_LINE))
    return html`<pre class="wraps" tabindex="0">${text}</pre>`;
  return html`<div class="prose">${raw(sanitized(withTasks(markdown.render(text)), place))}</div>`;
}

/** `[x]` and `[ ]` at the beginning of an entry of a list. */
function withTasks(markup: string): string {
  return markup.replaceAll(
    /(<li>(?:\n<p>)?)\[([ xX])\] /g,
    (_, before: string, state: string) => `${before}${state === " " ? "☐" : "☑"} `,
  );
}

function sanitized(markup: string, place: ReadmePlace): string {
  return sanitizeHtml(markup, {
    allowedTags: [
      ...["h1", "h2", "h3", "h4", "h5", "h6", "p", "blockquote", "pre", "code", "kbd", "samp", "var", "hr", "br"],
      ...["ul", "ol", "li", "dl", "dt", "dd", "table", "thead", "tbody", "tr", "th", "td", "caption"],
      ...[
        "a",
        "img",
        "em",
        "strong",
        "b",
        "i",
        "s",
        "del",
        "ins",
        "sub",
        "sup",
        "mark",
        "details",
        "summary",
        "div",
        "span",
      ],
    ],
    allowedAttributes: {
      a: ["href", "title", "rel"],
      img: ["src", "alt", "title", "width", "height"],
      th: ["align", "scope"],
      ol: ["start"],
      ...Object.fromEntries(HEADINGS.map((name) => [name, ["id"]])),
    },
    allowedSchemes: ["http", "https", "mailto"],
    allowProtocolRelative: false,
    nestingLimit: MAX_NESTING,
    transformTags: {
      a: (tagName, { href, title }) => {
        const to = href === undefined ? undefined : linkTo(href, place);
        return {
          tagName,
          attribs: {
            ...(to === undefined ? {} : { href: to, rel: "nofollow noopener ugc" }),
            ...(title ? { title } : {}),
          },
        };
      },
      img: (_, { src = "", alt = "", width, height }) => {
        const path = localFile(src, place.directory);
        if (path !== undefined && IMAGE.test(path))
          return { tagName: "img", attribs: { src: place.bytes(path), alt, ...sized({ width, height }) } };
        // Of another site: its name, in place of the picture.
        return { tagName: "span", attribs: {}, text: alt === "" ? "[picture]" : `[picture: ${alt}]` };
      },
      ...Object.fromEntries(HEADINGS.map((name) => [name, lowerHeading])),
    },
  });
}

const HEADINGS = ["h1", "h2", "h3", "h4", "h5", "h6"];

/** The page has headings of its own above those of a readme: they go down by one. */
function lowerHeading(tagName: string, { id }: Readonly<Record<string, string | undefined>>) {
  const attribs: Record<string, string> = id?.startsWith(ID_PREFIX) ? { id } : {};
  return { tagName: `h${Math.min(Number(tagName[1]) + 1, 6)}`, attribs };
}

function sized(attributes: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(attributes).filter((entry): entry is [string, string] => /^\d{1,4}$/.test(entry[1] ?? "")),
  );
}

function linkTo(href: string, place: ReadmePlace): string | undefined {
  if (/^(?:https?:|mailto:)/i.test(href)) return href;
  if (href.startsWith("#")) return `#${ID_PREFIX}${href.slice(1)}`;
  const path = localFile(href, place.directory);
  return path === undefined ? undefined : place.page(path);
}

/** A relative address as a path in the module; undefined for one that leads elsewhere, or out of it. */
function localFile(address: string, directory: string): string | undefined {
  const [bare = ""] = address.split(/[?#]/, 1);
  if (bare === "" || /^[a-z][a-z0-9+.-]*:|^[/\\]{2}/i.test(bare)) return undefined;
  let plain: string;
  try {
    plain = decodeURIComponent(bare);
  } catch {
    return undefined;
  }
  const path: string[] = [];
  for (const element of `${plain.startsWith("/") ? "" : directory}/${plain}`.split(/[/\\]/)) {
    if (element === "..") {
      if (path.pop() === undefined) return undefined;
    } else if (element !== "" && element !== ".") path.push(element);
  }
  return path.length === 0 ? undefined : path.join("/");
}
