// Documentation of real packages: src/godoc against go/doc, go/doc/comment and go/format, field by field and byte by byte,
// as for linux/amd64. Twenty packages of the standard library in every run; GOKURA_GO_DOC=all compares the whole of it, its
// commands and the module cache, some 2,500 packages in a few minutes, and prints what differs (or, instead of `all`, only
// directories that fit a regular expression). All that may differ, and why, is in `explained`.
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { commentHtml, defaultDocLinkUrl } from "../../../src/godoc/comment/comment-html.ts";
import { commentLines } from "../../../src/godoc/comment/comment-lines.ts";
import { commentMarkdown } from "../../../src/godoc/comment/comment-markdown.ts";
import { parseDocComment } from "../../../src/godoc/comment/doc-comment.ts";
import { namesInScope } from "../../../src/godoc/comment/names-in-scope.ts";
import type { ExampleDoc, FuncDoc, PackageDoc, ValueDoc } from "../../../src/godoc/documentation.ts";
import { documentPackage } from "../../../src/godoc/package/package-documentation.ts";
import { type GoParser, loadGoParser, MAX_SOURCE_BYTES } from "../../../src/godoc/source/go-source.ts";
import { askGoDoc, type Entry, type OraclePackage } from "./oracle.ts";

const PACKAGES =
  `bufio bytes context database/sql debug/elf encoding/json errors flag fmt go/ast go/doc/comment html/template
  io math/big net/http os sort strings text/template time`.split(/\s+/);

/** A difference: which package, what of it, and both sides. */
interface Difference {
  readonly directory: string;
  readonly what: string;
  readonly ours: string;
  readonly theirs: string;
}

const goEnv = (name: string): string => execFileSync("go", ["env", name], { encoding: "utf8" }).trim();

/** Of go1.26.8 the 26. */
const RELEASE = Number(/^go1\.([0-9]+)/.exec(goEnv("GOVERSION"))?.[1]);

test("packages are documented as go/doc documents them", { timeout: 600_000 }, async () => {
  const root = join(goEnv("GOROOT"), "src");
  const { GOKURA_GO_DOC: chosen } = process.env;
  const isLong = chosen !== undefined;
  const isChosen = (directory: string): boolean => chosen === "all" || new RegExp(chosen ?? "").test(directory);
  const directories = isLong
    ? [root, goEnv("GOMODCACHE")].flatMap(directoriesBelow).filter(isChosen)
    : [...PACKAGES.map((name) => join(root, name)), join(import.meta.dirname, "shapes")];
  const oracle = askGoDoc(directories);
  const parser = await loadGoParser();
  const differences: Difference[] = [];
  let packages = 0;
  let facts = 0;
  for (const [n, theirs] of oracle.entries()) {
    if (!theirs) continue;
    packages++;
    const directory = directories[n]!;
    for (const [what, mine, go] of compare(parser, directory, theirs)) {
      facts++;
      if (mine !== go) differences.push({ directory, what, ours: mine, theirs: go });
    }
  }
  const reasons = Map.groupBy(differences, (one) => explained(one) ?? "not explained");
  if (isLong)
    for (const [reason, some] of reasons)
      console.log(
        `${some.length} differences: ${reason}\n${some.map((one) => `  ${one.directory}: ${one.what}`).join("\n")}`,
      );
  console.log(`${packages} packages, ${facts} facts, ${differences.length} differences`);
  expect(packages).toBeGreaterThanOrEqual(chosen === "all" ? 250 : isLong ? 1 : PACKAGES.length);
  expect(reasons.get("not explained") ?? []).toEqual([]);
});

/** Why Go's answer and ours may differ. */
function explained({ directory, what, ours, theirs }: Difference): string | undefined {
  if (/\/internal\/goexperiment$|\/src\/runtime$/.test(directory))
    return "files chosen by goexperiment tags, which are of a toolchain and no system";
  if (/more characters: see the source$/.test(ours)) return "a declaration of more than 64 KiB is cut";
  const sources = readdirSync(directory).filter((name) => name.endsWith(".go"));
  if (sources.some((name) => statSync(join(directory, name)).size > MAX_SOURCE_BYTES))
    return "a file of more than 4 MiB is not read";
  if (sources.some((name) => isForNewerGo(readFileSync(join(directory, name), "utf8"))))
    return "files for newer releases than the go command's, and those that they take the place of";
  if (/\/gg@[^/]+\/examples$/.test(directory)) return "commands in one directory: of their functions Go takes any";
  if (theirs.replace(/\n\n(?=\s*\})/g, "\n") === ours)
    return "an empty line where the last comment of a struct was taken out";
  if (what.startsWith("var ") || what.startsWith("const ")) {
    const bare = (text: string): string => text.replace(/\s+/g, "");
    if (bare(ours) === bare(theirs)) return "blanks where comments inside of values were taken out";
    if (bare(ours) === bare(theirs.replace(/\/\/.*$/gm, ""))) return "comments of fields in the type of a literal";
  }
  return undefined;
}

/** Whether a file has a build constraint that names a release of Go after the one that is compared with. */
function isForNewerGo(text: string): boolean {
  const constraint = /^\/\/go:build (.*)$/m.exec(text.slice(0, 5_000))?.[1] ?? "";
  return [...constraint.matchAll(/\bgo1\.([0-9]+)\b/g)].some(([, minor]) => Number(minor) > RELEASE);
}

/** What is compared of a package: a name, our value, Go's. */
function* compare(parser: GoParser, directory: string, theirs: OraclePackage): Generator<[string, string, string]> {
  const names = readdirSync(directory).filter((name) => name.endsWith(".go"));
  const files = names.map((name) => ({ name, text: readFileSync(join(directory, name), "utf8") }));
  const documentation = documentPackage(parser, files);
  const isLinux = ({ goos }: { goos: string }): boolean => goos === "linux";
  const build = documentation?.builds.find(({ contexts }) => contexts.length === 0 || contexts.some(isLinux));
  if (!build) return yield ["package", "none", theirs.name];
  const { doc } = build;
  yield ["name", doc.name, theirs.name];
  yield ["doc", doc.doc, theirs.doc];
  yield ["synopsis", doc.synopsis, theirs.synopsis];
  yield ["imports", doc.imports.join("\n"), (theirs.imports ?? []).join("\n")];
  yield ["files", doc.files.join("\n"), theirs.files.join("\n")];
  const { entries, examples } = flat(doc);
  const keyOf = (one: Entry): string => `${one.kind} ${one.parent} ${one.recv} ${one.names.join(", ")}`;
  const go = theirs.entries ?? [];
  yield ["declarations in their order", entries.map(keyOf).join("\n"), go.map(keyOf).join("\n")];
  const byKey = new Map(go.map((one) => [keyOf(one), one]));
  for (const one of entries) {
    const same = byKey.get(keyOf(one));
    if (!same) continue;
    yield [`${keyOf(one)}: doc`, one.doc, same.doc];
    // Behind a comment at the end go/printer leaves an empty line.
    yield [keyOf(one), one.text, same.text.replace(/\n$/, "")];
  }
  const exampleOf = ({ target, suffix, doc: text, output }: NonNullable<OraclePackage["examples"]>[number]): string =>
    JSON.stringify([target, suffix, text, output]);
  yield ["examples", examples.map(exampleOf).join("\n"), (theirs.examples ?? []).map(exampleOf).join("\n")];
  const noteOf = ({ marker, uid, body }: { marker: string; uid: string; body: string }): string =>
    JSON.stringify([marker, uid, body]);
  yield ["notes", doc.notes.map(noteOf).sort().join("\n"), (theirs.notes ?? []).map(noteOf).sort().join("\n")];
  const scope = namesInScope(doc);
  for (const { text, html, markdown, lines, indented } of theirs.comments ?? []) {
    const what = `comment ${JSON.stringify(text.slice(0, 60))}`;
    const parsed = parseDocComment(text, scope);
    yield [`${what} as HTML`, commentHtml(parsed.content, { headingLevel: 3, docLinkUrl: defaultDocLinkUrl }), html];
    yield [`${what} as Markdown`, commentMarkdown(parsed.content, defaultDocLinkUrl), markdown];
    yield [`${what} as text`, commentLines(parsed), lines];
    yield [`${what} as indented text`, commentLines(parsed, { prefix: "\t", codePrefix: "\t\t" }), indented];
  }
}

function flat(doc: PackageDoc): { entries: Entry[]; examples: NonNullable<OraclePackage["examples"]>[number][] } {
  const entries: Entry[] = [];
  const examples: NonNullable<OraclePackage["examples"]>[number][] = [];
  const addExamples = (target: string, list: readonly ExampleDoc[] = []): void => {
    for (const { suffix, doc: text, output } of list) examples.push({ target, suffix, doc: text, output });
  };
  const addValues = (kind: "const" | "var", parent: string, list: readonly ValueDoc[]): void => {
    for (const { names, doc: text, text: shown } of list)
      entries.push({ kind, parent, names, recv: "", doc: text, text: shown });
  };
  const addFuncs = (kind: "func" | "method", parent: string, list: readonly FuncDoc[]): void => {
    for (const { name, recv = "", doc: text, text: shown, examples: some } of list) {
      entries.push({ kind, parent, names: [name], recv, doc: text, text: shown });
      addExamples(recv === "" ? name : `${parent}.${name}`, some);
    }
  };
  addExamples("", doc.examples);
  addValues("const", "", doc.consts);
  addValues("var", "", doc.vars);
  addFuncs("func", "", doc.funcs);
  for (const type of doc.types) {
    entries.push({ kind: "type", parent: "", names: [type.name], recv: "", doc: type.doc, text: type.text });
    addExamples(type.name, type.examples);
    addValues("const", type.name, type.consts);
    addValues("var", type.name, type.vars);
    addFuncs("func", type.name, type.funcs);
    addFuncs("method", type.name, type.methods);
  }
  return { entries, examples };
}

/** Directories with Go files, but for test data and what the go command passes over. */
function directoriesBelow(root: string): string[] {
  const found = readdirSync(root, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".go"));
  const directories = new Set(found.map((name) => name.slice(0, Math.max(0, name.lastIndexOf("/")))));
  return [...directories]
    .filter(
      (name) => !/(?:^|\/)(?:testdata|vendor|_|\.|cache\/|toolchain@)/.test(name) && !name.includes("/toolchain@"),
    )
    .sort()
    .map((name) => join(root, name));
}
