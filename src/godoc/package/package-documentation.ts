// The documentation of the package in one directory, out of its files: parsed once each, then put together for every
// system. Systems that have the same files share one record; where all four have the same, it is said to be for all.
import { type BuildContext, type PackageDocumentation, type SourceProblem, TOO_MUCH } from "../documentation.ts";
import { BUILD_CONTEXTS, isInContext } from "../source/build-context.ts";
import { type GoParser, MAX_SOURCE_BYTES, ParserDied } from "../source/go-source.ts";
import { readSourceFile, type SourceFile } from "../source/source-file.ts";
import { packageDoc } from "./package-doc.ts";

/** A Go file of a directory, named without it. */
export interface GoFile {
  readonly name: string;
  readonly text: string;
}

/** Thrown instead of ParserDied: with the file that was too much. */
export class FileTooMuch extends Error {
  readonly file: string;
  constructor(file: string, cause: unknown) {
    super(`${file} ${TOO_MUCH}`, { cause });
    this.file = file;
  }
}

/** Documents a directory; undefined if there is no package on any system. Throws FileTooMuch, and the parser is gone. */
export function documentPackage(parser: GoParser, files: readonly GoFile[]): PackageDocumentation | undefined {
  const problems: SourceProblem[] = [];
  const read: { readonly source: SourceFile; readonly text: string }[] = [];
  for (const { name, text: raw } of files) {
    // As go/scanner reads it.
    const text = raw.replace(/^\uFEFF/, "").replaceAll("\r\n", "\n");
    if (!BUILD_CONTEXTS.some((context) => isInContext(name, text, context))) continue;
    const source = readBounded(parser, name, text, problems);
    if (source) read.push({ source, text });
  }
  const name = packageNameOf(
    read.map(({ source }) => source),
    problems,
  );
  if (name === undefined) return undefined;
  const ofPackage = read.filter(({ source }) => source.name.endsWith("_test.go") || source.packageName === name);

  const builds = new Map<string, { contexts: BuildContext[]; files: SourceFile[] }>();
  for (const context of BUILD_CONTEXTS) {
    const some = ofPackage
      .filter(({ source, text }) => isInContext(source.name, text, context))
      .map(({ source }) => source);
    if (some.every((source) => source.name.endsWith("_test.go"))) continue;
    const key = some.map((source) => source.name).join(" ");
    const known = builds.get(key);
    if (known) known.contexts.push(context);
    else builds.set(key, { contexts: [context], files: some });
  }
  if (builds.size === 0) return undefined;
  const all = [...builds.values()].map(({ contexts, files: some }) => ({
    contexts: contexts.length === BUILD_CONTEXTS.length ? [] : contexts,
    doc: packageDoc(name, some),
  }));
  const [first] = all;
  const synopsis = all.find(({ doc }) => doc.synopsis !== "")?.doc.synopsis ?? "";
  return { name, synopsis, imports: first!.doc.imports, builds: all, problems };
}

function readBounded(parser: GoParser, name: string, text: string, problems: SourceProblem[]): SourceFile | undefined {
  if (text.length > MAX_SOURCE_BYTES) {
    problems.push({ file: name, problem: `is larger than ${MAX_SOURCE_BYTES / 1024 / 1024} MiB and was not read` });
    return undefined;
  }
  let source: SourceFile | undefined;
  try {
    source = parser.parse(text, (root) => readSourceFile(name, text, root));
  } catch (error) {
    throw error instanceof ParserDied ? new FileTooMuch(name, error) : error;
  }
  if (!source) problems.push({ file: name, problem: TOO_MUCH });
  else if (source.hasErrors)
    problems.push({ file: name, problem: "could not be parsed whole: something may be missing" });
  return source;
}

/** What most files say that the package is called; the first of them where as many say something else. */
function packageNameOf(sources: readonly SourceFile[], problems: SourceProblem[]): string | undefined {
  const named = sources.filter((source) => !source.name.endsWith("_test.go") && source.packageName !== "");
  const byName = [...Map.groupBy(named, (source) => source.packageName)].sort((a, b) => b[1].length - a[1].length);
  for (const [name, others] of byName.slice(1))
    for (const { name: file } of others)
      problems.push({ file, problem: `is of a package ${name} and was left out: the directory's is ${byName[0]![0]}` });
  return byName[0]?.[0];
}
