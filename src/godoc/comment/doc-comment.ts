// Doc comments as Go reads them ("Go Doc Comments", go.dev/doc/comment; go/doc/comment/parse.go, whose functions these are,
// rule by rule): paragraphs, headings, lists, code, link definitions, and in their text links. First the blocks are found
// (comment-blocks.ts), and with them all definitions; then the texts are read, which use these (linked-text.ts).
//
// Go scans bytes and this scans UTF-16: what the rules look at are ASCII characters, so that the two agree.
import { blockSpans, listMarker, trim, unindent } from "./comment-blocks.ts";
import type { Block, DocComment, Inline, LinkDefinition, List } from "./comment-tree.ts";
import { linkDefinition, linkedText, type NamesInScope } from "./linked-text.ts";

/** For texts that belong to no package. */
const NO_NAMES: NamesInScope = { packageNamed: () => undefined, hasSymbol: () => false };

/** Reads a comment without its markers (commentText). Never throws. */
export function parseDocComment(text: string, names: NamesInScope = NO_NAMES): DocComment {
  const lines = unindent(text.split("\n"));
  const links: LinkDefinition[] = [];
  const byText = new Map<string, LinkDefinition>();

  const define = (some: readonly string[]): boolean => {
    const definitions: LinkDefinition[] = [];
    for (const line of some) {
      const definition = linkDefinition(line);
      if (!definition) return false;
      definitions.push(definition);
    }
    for (const definition of definitions) {
      links.push(definition);
      if (!byText.has(definition.text)) byText.set(definition.text, definition);
    }
    return true;
  };

  // First the blocks, and with them all definitions of links; then the texts, which use these.
  type Unread =
    | Exclude<Block, List | { kind: "paragraph" }>
    | { readonly kind: "paragraph"; readonly lines: readonly string[] }
    | (Omit<List, "items"> & { readonly items: { number: string; paragraphs: string[][] }[] });
  const blocks: Unread[] = [];
  let previousEnd = 0;
  for (const { start, end, kind } of blockSpans(lines)) {
    const some = lines.slice(start, end);
    if (kind === "list") blocks.push(readList(some, previousEnd < start, define));
    else if (kind === "code") blocks.push({ kind, text: `${unindent(some).join("\n")}\n` });
    else if (kind === "heading") blocks.push({ kind, text: [{ kind: "plain", text: trim(some[0]!.slice(1)) }] });
    else if (kind === "old-heading") blocks.push({ kind: "heading", text: [{ kind: "plain", text: trim(some[0]!) }] });
    else if (!define(some)) blocks.push({ kind, lines: some });
    previousEnd = end;
  }

  const linked = (some: readonly string[]): readonly Inline[] => linkedText(some.join("\n"), byText, names);
  const content = blocks.map((block): Block => {
    if (block.kind === "paragraph") return { kind: "paragraph", text: linked(block.lines) };
    if (block.kind !== "list") return block;
    const items = block.items.map(({ number, paragraphs }) => ({ number, paragraphs: paragraphs.map(linked) }));
    return { ...block, items };
  });
  return { content, links };
}

function readList(lines: readonly string[], forceBlankBefore: boolean, define: (some: readonly string[]) => boolean) {
  const numbered = listMarker(lines[0]!)!.number !== "";
  const items: { number: string; paragraphs: string[][] }[] = [];
  let forceBlankBetween = false;
  let text: string[] = [];
  const flush = (): void => {
    const item = items.at(-1);
    if (item && !define(text)) item.paragraphs.push(text);
    text = [];
  };
  for (let line of lines) {
    const marker = listMarker(line);
    if (marker && (marker.number !== "") === numbered) {
      flush();
      items.push({ number: marker.number, paragraphs: [] });
      line = marker.rest;
    }
    line = trim(line);
    if (line === "") {
      forceBlankBetween = true;
      flush();
    } else text.push(line);
  }
  flush();
  return { kind: "list" as const, items, forceBlankBefore, forceBlankBetween };
}
