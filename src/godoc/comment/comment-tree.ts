// What a doc comment is once it is read (go/doc/comment, package documentation): a tree of blocks with texts in them.
// doc-comment.ts reads it; comment-html.ts, comment-markdown.ts and comment-lines.ts write it down.
import { trim } from "./comment-blocks.ts";

export type Inline =
  | { readonly kind: "plain"; readonly text: string }
  | { readonly kind: "link"; readonly auto: boolean; readonly text: readonly Inline[]; readonly url: string }
  /** To a package (importPath; "" is this one), and in it to a declaration, or to a method or field of `recv`. */
  | {
      readonly kind: "doc-link";
      readonly text: readonly Inline[];
      readonly importPath: string;
      readonly recv: string;
      readonly name: string;
    };

export interface ListItem {
  /** Decimal digits; "" in a list without numbers. */
  readonly number: string;
  readonly paragraphs: readonly (readonly Inline[])[];
}

export interface List {
  readonly kind: "list";
  readonly items: readonly ListItem[];
  /** Whether a blank line stands before it in the source. */
  readonly forceBlankBefore: boolean;
  /** Whether a blank line stands somewhere in it. */
  readonly forceBlankBetween: boolean;
}

export type Block =
  | { readonly kind: "paragraph"; readonly text: readonly Inline[] }
  | { readonly kind: "heading"; readonly text: readonly Inline[] }
  | { readonly kind: "code"; readonly text: string }
  | List;

export interface LinkDefinition {
  readonly text: string;
  readonly url: string;
  used: boolean;
}

export interface DocComment {
  readonly content: readonly Block[];
  readonly links: readonly LinkDefinition[];
}

/** Whether the items of a list stand apart. */
export function isLoose(list: List): boolean {
  return list.forceBlankBetween || list.items.some(({ paragraphs }) => paragraphs.length !== 1);
}

/** The text of inlines alone. */
export function plainText(text: readonly Inline[]): string {
  return text.map((inline) => (inline.kind === "plain" ? inline.text : plainText(inline.text))).join("");
}

/** The anchor of a heading; "" for one without text. The prefix keeps it from being the name of anything else in a page. */
export function headingId(text: readonly Inline[]): string {
  const plain = trim(plainText(text));
  return plain === "" ? "" : `hdr-${[...plain].map((c) => (/^[A-Za-z0-9_]$/.test(c) ? c : "_")).join("")}`;
}
