// Sources that nobody would write by accident: everything is read within its bounds, and nothing throws.
import { beforeAll, expect, test } from "vitest";
import { commentHtml, defaultDocLinkUrl, webAddress } from "../../src/godoc/comment/comment-html.ts";
import { commentLines } from "../../src/godoc/comment/comment-lines.ts";
import { commentMarkdown } from "../../src/godoc/comment/comment-markdown.ts";
import { parseDocComment } from "../../src/godoc/comment/doc-comment.ts";
import type { PackageDocumentation } from "../../src/godoc/documentation.ts";
import { documentPackage } from "../../src/godoc/package/package-documentation.ts";
import { type GoParser, loadGoParser } from "../../src/godoc/source/go-source.ts";
import { processorMs } from "../support/processor-time.ts";

let parser: GoParser;
beforeAll(async () => {
  parser = await loadGoParser();
});

const of = (text: string): PackageDocumentation | undefined => documentPackage(parser, [{ name: "p.go", text }]);
const typesOf = (found: PackageDocumentation | undefined): string[] =>
  found?.builds[0]?.doc.types.map(({ name }) => name) ?? [];

test.each([
  ["5,000 structs in each other", `type Deep ${"struct { F ".repeat(5000)}int${" }".repeat(5000)}`],
  ["5,000 brackets", `type Deep ${"[]".repeat(5000)}int`],
  ["5,000 parentheses", `var Deep = ${"(".repeat(5000)}1${")".repeat(5000)}`],
  ["200,000 opening parentheses", `var Deep = ${"(".repeat(200_000)}`],
  ["a line of a megabyte", `// ${"x ".repeat(500_000)}\nvar Deep = "${"a".repeat(1_000_000)}"`],
  ["a megabyte of names", `const (\n${Array.from({ length: 60_000 }, (_, n) => `\tN${n} = ${n}`).join("\n")}\n)`],
  ["marks of direction", "// \u202Eevil\u202C\ntype \u202EDeep struct{}"],
])("%s are read, and what stands before them is there", (_, text) => {
  const found = of(`// Package p is fine.\npackage p\n\n// First is whole.\ntype First struct{}\n\n${text}\n`);
  expect(found?.synopsis).toBe("Package p is fine.");
  expect(typesOf(found)).toContain("First");
});

test("a source that is not Go costs its own documentation only", () => {
  const found = documentPackage(parser, [
    { name: "bad.go", text: `package p\n\nfunc Broken( {{{ \x00 \uFFFD ]]]\n\ntype AfterBroken struct{}\n` },
    { name: "good.go", text: "package p\n\n// Good is good.\nfunc Good() {}\n" },
    { name: "other.go", text: "package q\n\nfunc Other() {}\n" },
  ]);
  expect(found?.builds[0]?.doc.funcs.map(({ name }) => name)).toContain("Good");
  expect(found?.problems.map(({ file }) => file).sort()).toEqual(["bad.go", "other.go"]);
});

test("what Go 1.26 can say and the grammar cannot hides nothing behind it", () => {
  const found = of("package p\n\nvar X = new(123)\n\n// After is documented.\nfunc After() {}\n");
  expect(found?.builds[0]?.doc.funcs).toMatchObject([{ name: "After", doc: "After is documented.\n" }]);
  expect(found?.problems).toMatchObject([{ file: "p.go" }]);
});

test("files larger than the bound are said to be left out", () => {
  const found = documentPackage(parser, [
    { name: "large.go", text: `package p\n\nvar Large = \`${"x".repeat(5 * 1024 * 1024)}\`\n` },
    { name: "small.go", text: "package p\n\nfunc Small() {}\n" },
  ]);
  expect(found?.builds[0]?.doc.vars).toEqual([]);
  expect(found?.problems).toEqual([{ file: "large.go", problem: "is larger than 4 MiB and was not read" }]);
});

test("a declaration that is too long is cut, and says so", () => {
  const found = of(`package p\n\nvar Table = []string{\n${'\t"entry",\n'.repeat(20_000)}}\n`);
  const [table] = found!.builds[0]!.doc.vars;
  expect(table!.text.length).toBeLessThan(70_000);
  expect(table!.text).toMatch(/\n\/\/ … \d+ more characters: see the source$/);
});

test.each([
  ["unbalanced addresses", "http://a(".repeat(60_000)],
  ["brackets", "[".repeat(300_000)],
  ["links to nothing", "[a.B] ".repeat(50_000)],
  ["lists", " - a\n".repeat(60_000)],
  ["blanks", `a${" ".repeat(300_000)}b`],
  ["quotes", "``".repeat(150_000)],
  ["words", "word ".repeat(60_000)],
  ["headings", "# A\n\n".repeat(60_000)],
])("comments of 300 kB of %s take time in proportion", (_, text) => {
  const used = processorMs(() => {
    const comment = parseDocComment(text);
    commentHtml(comment.content, { headingLevel: 3, docLinkUrl: defaultDocLinkUrl });
    commentMarkdown(comment.content, defaultDocLinkUrl);
    commentLines(comment);
  });
  expect(used).toBeLessThan(5_000);
});

test("a line of code ends with a line feed and nothing else, as in Go", () => {
  const comment = parseDocComment("Text.\n\n\ta\u2028b\rc\n\td");
  expect(commentMarkdown(comment.content, defaultDocLinkUrl)).toBe("Text.\n\n\ta\u2028b\rc\n\td\n");
});

test("no comment becomes anything but text and links to the web", () => {
  const text = `<script>alert(1)</script> [evil] [file] http://ok.example/"onmouseover=x

  <img src=x onerror=alert(1)>

# "><svg onload=alert(1)>

 1. <b>

[evil]: http://x.example/"><script>
[file]: file:///etc/passwd`;
  const html = commentHtml(parseDocComment(text).content, {
    headingLevel: 3,
    docLinkUrl: defaultDocLinkUrl,
    safeUrl: webAddress,
  });
  expect(html.match(/<[a-z]+[0-9]?/g)?.sort()).toEqual(["<a", "<a", "<h3", "<li", "<ol", "<p", "<pre"]);
  expect(html).not.toMatch(/file:|"on|<script|<svg|<img/);
});
