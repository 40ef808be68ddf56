// The thread that documents packages (node:worker_threads), one after the other as it is told; documentation-threads.ts
// starts and ends it. It loads the grammar once and holds nothing between two packages. The grammar it may be given as an
// earlier thread compiled it; the first one hands out its own.
import { parentPort, workerData } from "node:worker_threads";
import { brotliCompressSync, constants } from "node:zlib";
import type { PackageDocumentation, SourceProblem } from "../documentation.ts";
import { documentPackage, FileTooMuch } from "../package/package-documentation.ts";
import { searchWords } from "../package/symbols.ts";
import { type CompiledGoParser, compileGoParser, type GoParser, loadGoParser } from "../source/go-source.ts";
import type { DirectoryToDocument, DocumentedDirectory, ThreadAnswer } from "./documentation-threads.ts";

/** Of brotli: half the time of the default, and 5 % more bytes. */
const QUALITY = 5;

const parser = load(workerData as CompiledGoParser | null);

// Outside of a thread there is no port: then the file is only loaded (scripts/fill-compile-cache.js).
parentPort?.on("message", (directory: DirectoryToDocument) => {
  void answer(directory).then((said) => parentPort?.postMessage(said));
});

async function load(given: CompiledGoParser | null): Promise<GoParser> {
  if (given) return await loadGoParser(given);
  const compiled = await compileGoParser();
  parentPort?.postMessage({ compiled } satisfies ThreadAnswer);
  return await loadGoParser(compiled);
}

async function answer({ files, problems }: DirectoryToDocument): Promise<ThreadAnswer> {
  const loaded = await parser;
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  const sources = files.map(({ name, bytes }) => ({ name, text: decoder.decode(bytes) }));
  try {
    const found = documentPackage(loaded, sources);
    return { documented: found && documented(found, problems), memoryBytes: loaded.memoryBytes() };
  } catch (error) {
    if (error instanceof FileTooMuch) return { tooMuch: error.file };
    throw error;
  }
}

function documented(found: PackageDocumentation, problems: readonly SourceProblem[]): DocumentedDirectory {
  const whole: PackageDocumentation = { ...found, problems: [...problems, ...found.problems] };
  const text = Buffer.from(JSON.stringify(whole));
  const params = { [constants.BROTLI_PARAM_QUALITY]: QUALITY, [constants.BROTLI_PARAM_SIZE_HINT]: text.length };
  const { name, synopsis, imports } = found;
  return { name, synopsis, imports, words: searchWords(found), content: brotliCompressSync(text, { params }) };
}
