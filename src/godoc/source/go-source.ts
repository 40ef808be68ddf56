// Go sources as syntax trees, by tree-sitter's grammar for Go compiled to WebAssembly. The parser gives a tree for
// everything, with ERROR nodes where a source is not Go, or newer than the grammar. Its memory is no part of JavaScript's heap
// and only grows, so it gets a memory of its own with an end; a parse that takes too long or comes near that end is given
// up, and whoever runs it (documentation-thread.ts) ends the thread afterwards, which gives everything back.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Language, type Node, Parser } from "web-tree-sitter";

/** Of one file, in bytes: what is larger is not parsed. */
export const MAX_SOURCE_BYTES = 4 * 1024 * 1024;
/** How long one file may take. */
const PARSE_MS = 5_000;
const PAGE_BYTES = 64 * 1024;
/** What web-tree-sitter begins with. */
const FIRST_MEMORY_BYTES = 32 * 1024 * 1024;
/** Of the parser's memory, where a parse is given up; it would end at the second number, and the parser with it. */
const GIVEN_UP_BYTES = 104 * 1024 * 1024;
const MAX_MEMORY_BYTES = 128 * 1024 * 1024;

export type SyntaxNode = Node;

/** Of what the types of the web declare and those of Node do not. */
declare const WebAssembly: {
  Memory: new (size: { initial: number; maximum: number }) => { readonly buffer: ArrayBuffer };
};

/** The parser has come to the end of its memory, and is of no use any more. */
export class ParserDied extends Error {}

/** A loaded parser, one for a thread. */
export interface GoParser {
  /**
   * Hands the root of a source's tree to `read`, and frees it; undefined if the parse was given up. Throws ParserDied where
   * memory ended before that.
   */
  parse<T>(text: string, read: (root: SyntaxNode) => T): T | undefined;
  /** Bytes of memory that the parser has taken so far. */
  memoryBytes(): number;
}

/** Loads the parser and its grammar: some 50 ms. */
export async function loadGoParser(): Promise<GoParser> {
  const wasmMemory = new WebAssembly.Memory({
    initial: FIRST_MEMORY_BYTES / PAGE_BYTES,
    maximum: MAX_MEMORY_BYTES / PAGE_BYTES,
  });
  await Parser.init({ wasmMemory });
  const grammar = fileURLToPath(import.meta.resolve("tree-sitter-go/tree-sitter-go.wasm"));
  const parser = new Parser();
  parser.setLanguage(await Language.load(new Uint8Array(readFileSync(grammar))));
  const memoryBytes = (): number => wasmMemory.buffer.byteLength;
  return {
    parse(text, read) {
      const deadline = performance.now() + PARSE_MS;
      const progressCallback = (): boolean => performance.now() > deadline || memoryBytes() > GIVEN_UP_BYTES;
      const tree = parsed(() => parser.parse(text, null, { progressCallback }));
      if (!tree) {
        parser.reset();
        return undefined;
      }
      try {
        return read(tree.rootNode);
      } finally {
        tree.delete();
      }
    },
    memoryBytes,
  };
}

function parsed<T>(parse: () => T): T {
  try {
    return parse();
  } catch (cause) {
    throw new ParserDied("the parser has come to the end of its memory", { cause });
  }
}
