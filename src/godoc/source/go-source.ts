// Go sources as syntax trees, by tree-sitter's grammar for Go compiled to WebAssembly. The parser gives a tree for
// everything, with ERROR nodes where a source is not Go, or newer than the grammar. Its memory is no part of JavaScript's heap
// and only grows, so it gets a memory of its own with an end; a parse that takes too long or comes near that end is given
// up, and whoever runs it (documentation-thread.ts) ends the thread afterwards, which gives everything back.
//
// WebAssembly is compiled function by function, quickly where one is called and well where it is called often, which is most
// of what a first package costs. All of that stays with the modules, and threads can share them: so a parser says what it
// was loaded of, and the next one, in another thread, can be loaded of the same.
import { readFile } from "node:fs/promises";
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
  Instance: new (module: WasmModule, imports: unknown) => unknown;
  compile(bytes: Uint8Array): Promise<WasmModule>;
};
type WasmModule = object;

/** The parser and its grammar, compiled as far as they were used. They can be sent to other threads. */
export interface CompiledGoParser {
  readonly parser: WasmModule;
  readonly grammar: WasmModule;
}

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

/** Compiles the parser and its grammar, as far as that is done before they are used. */
export async function compileGoParser(): Promise<CompiledGoParser> {
  const compile = async (url: string): Promise<WasmModule> => WebAssembly.compile(await readFile(fileURLToPath(url)));
  const [parser, grammar] = await Promise.all([
    compile(import.meta.resolve("web-tree-sitter/web-tree-sitter.wasm")),
    compile(import.meta.resolve("tree-sitter-go/tree-sitter-go.wasm")),
  ]);
  return { parser, grammar };
}

/** Loads the parser and its grammar: some 10 ms of those which were used before, and else more with the first sources. */
export async function loadGoParser(compiled?: CompiledGoParser): Promise<GoParser> {
  const { parser: code, grammar } = compiled ?? (await compileGoParser());
  const wasmMemory = new WebAssembly.Memory({
    initial: FIRST_MEMORY_BYTES / PAGE_BYTES,
    maximum: MAX_MEMORY_BYTES / PAGE_BYTES,
  });
  await Parser.init({
    wasmMemory,
    instantiateWasm(imports: unknown, done: (instance: unknown, module: WasmModule) => void) {
      done(new WebAssembly.Instance(code, imports), code);
    },
  });
  const parser = new Parser();
  parser.setLanguage(Language.loadSync(grammar));
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
