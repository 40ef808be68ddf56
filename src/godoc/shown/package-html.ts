// The documentation of a package as HTML, in the shape of pkg.go.dev: overview, index, examples, constants, variables,
// functions, types, with the same anchors, so that a link to the one is a link to the other. It is part of a page: headings
// begin at level 2, there is neither script nor style in it, and everything from a source is escaped or a link to the web.
import { commentHtml, escapeHtml, webAddress } from "../comment/comment-html.ts";
import { headingId } from "../comment/comment-tree.ts";
import { parseDocComment } from "../comment/doc-comment.ts";
import { namesInScope } from "../comment/names-in-scope.ts";
import type { ExampleDoc, FuncDoc, PackageDoc, TypeDoc, ValueDoc } from "../documentation.ts";
import { functionLine } from "../package/one-line.ts";
import { declarationHtml, wordsOf } from "./declaration-html.ts";

/** Where links of a page lead; "" for no link. */
export interface PackageLinks {
  /** The documentation of another package. */
  packageUrl(importPath: string): string;
  /** A line of a file of this package. */
  sourceUrl(file: string, line: number): string;
}

/** One line of the index, or of the outline of a page. */
export interface IndexEntry {
  readonly anchor: string;
  readonly text: string;
  /** 0, or 1 for what belongs to a type. */
  readonly level: number;
  readonly deprecated: boolean;
}

/** Whether a doc comment says `Deprecated: ` at the beginning of a paragraph. */
function isDeprecated(doc: string): boolean {
  return /(?:^|\n\n)Deprecated: /.test(doc);
}

/** Functions and types in the order in which they are shown. */
function indexOf(doc: PackageDoc): IndexEntry[] {
  const ofFunc = (func: FuncDoc, level: number, anchor = func.name): IndexEntry => ({
    ...{ anchor, level, text: functionLine(func.text), deprecated: isDeprecated(func.doc) },
  });
  return [
    ...doc.funcs.map((func) => ofFunc(func, 0)),
    ...doc.types.flatMap((type) => [
      { anchor: type.name, level: 0, text: `type ${type.name}`, deprecated: isDeprecated(type.doc) },
      ...type.funcs.map((func) => ofFunc(func, 1)),
      ...type.methods.map((method) => ofFunc(method, 1, `${type.name}.${method.name}`)),
    ]),
  ];
}

/** The sections of a package's documentation. */
export function packageHtml(doc: PackageDoc, links: PackageLinks): string {
  return new PackagePage(doc, links).html();
}

class PackagePage {
  readonly #doc: PackageDoc;
  readonly #links: PackageLinks;
  readonly #words;
  readonly #names;
  /** Anchors that are given away. */
  readonly #taken = new Set<string>();

  constructor(doc: PackageDoc, links: PackageLinks) {
    this.#doc = doc;
    this.#links = links;
    this.#words = wordsOf(doc, (path) => links.packageUrl(path));
    this.#names = namesInScope(doc);
  }

  html(): string {
    const doc = this.#doc;
    const overview = doc.doc === "" ? "" : section("overview", "Overview", this.#comment(doc.doc, 3));
    const examples = this.#examplesIndex();
    return [
      overview,
      section("index", "Index", this.#index()),
      examples === "" ? "" : section("examples", "Examples", examples),
      doc.examples.length === 0 ? "" : doc.examples.map((one) => this.#example("package", one)).join(""),
      doc.consts.length === 0 ? "" : section("constants", "Constants", this.#values(doc.consts)),
      doc.vars.length === 0 ? "" : section("variables", "Variables", this.#values(doc.vars)),
      doc.funcs.length === 0
        ? ""
        : section("functions", "Functions", doc.funcs.map((func) => this.#func(func, 3, func.name)).join("")),
      doc.types.length === 0 ? "" : section("types", "Types", doc.types.map((type) => this.#type(type)).join("")),
      doc.notes.length === 0 ? "" : section("notes", "Notes", this.#notes()),
    ].join("");
  }

  #comment(text: string, level: number): string {
    return commentHtml(parseDocComment(text, this.#names).content, {
      headingLevel: level,
      closed: true,
      safeUrl: webAddress,
      docLinkUrl: ({ importPath, recv, name }) => {
        const base = importPath === "" ? "" : this.#links.packageUrl(importPath);
        if (importPath !== "" && base === "") return "";
        const anchor = name === "" ? "" : `#${recv === "" ? "" : `${recv}.`}${name}`;
        return base + anchor || "#pkg-overview";
      },
      anchor: (id) => this.#unique(id),
    });
  }

  /** An anchor that nothing else in the page has; "" for one that was given away before. */
  #unique(id: string): string {
    if (id === "" || this.#taken.has(id)) return "";
    this.#taken.add(id);
    return id;
  }

  #declaration(text: string, anchors: ReadonlyMap<string, string> = new Map()): string {
    const free = new Map([...anchors].filter(([, id]) => this.#unique(id) !== ""));
    return `<pre class="declaration"><code>${declarationHtml(text, this.#words, free)}</code></pre>\n`;
  }

  #values(values: readonly ValueDoc[]): string {
    return values
      .map(({ doc, names, text, source }) => {
        const anchors = new Map(names.filter((name) => name !== "_").map((name) => [name, name]));
        const place = this.#sourceLink(source.file, source.line);
        return `<div class="value">${this.#declaration(text, anchors)}${place}${this.#comment(doc, 4)}</div>\n`;
      })
      .join("");
  }

  #sourceLink(file: string, line: number): string {
    const url = this.#links.sourceUrl(file, line);
    const label = `${file}:${line}`;
    return url === "" ? "" : `<p class="source"><a href="${escapeHtml(url)}">${escapeHtml(label)}</a></p>\n`;
  }

  #heading(level: number, anchor: string, words: string, deprecated: boolean): string {
    const id = this.#unique(anchor);
    const link =
      id === ""
        ? ""
        : ` <a class="anchor" href="#${escapeHtml(anchor)}" aria-label="Link to ${escapeHtml(anchor)}">¶</a>`;
    const mark = deprecated ? ' <span class="deprecated">deprecated</span>' : "";
    return `<h${level}${id === "" ? "" : ` id="${escapeHtml(id)}"`}>${escapeHtml(words)}${mark}${link}</h${level}>\n`;
  }

  #func(func: FuncDoc, level: number, anchor: string): string {
    const words = func.recv === undefined ? `func ${func.name}` : `func (${func.recv}) ${func.name}`;
    return (
      this.#heading(level, anchor, words, isDeprecated(func.doc)) +
      this.#declaration(func.text) +
      this.#sourceLink(func.source.file, func.source.line) +
      this.#comment(func.doc, level + 1) +
      (func.examples ?? []).map((one) => this.#example(anchor, one)).join("")
    );
  }

  #type(type: TypeDoc): string {
    const anchors = new Map(type.members.map(({ name }) => [name, `${type.name}.${name}`]));
    return (
      this.#heading(3, type.name, `type ${type.name}`, isDeprecated(type.doc)) +
      this.#declaration(type.text, anchors) +
      this.#sourceLink(type.source.file, type.source.line) +
      this.#comment(type.doc, 4) +
      (type.examples ?? []).map((one) => this.#example(type.name, one)).join("") +
      this.#values(type.consts) +
      this.#values(type.vars) +
      type.funcs.map((func) => this.#func(func, 4, func.name)).join("") +
      type.methods.map((method) => this.#func(method, 4, `${type.name}.${method.name}`)).join("")
    );
  }

  #example(of: string, { suffix, doc, code, output }: ExampleDoc): string {
    const id = this.#unique(exampleAnchor(of, suffix));
    const shown = suffix === "" ? "Example" : `Example (${suffix})`;
    const said = output === "" ? "" : `<p>Output:</p>\n<pre>${escapeHtml(output)}</pre>\n`;
    const text = this.#comment(doc, 5);
    return `<details class="example"${id === "" ? "" : ` id="${escapeHtml(id)}"`}><summary>${escapeHtml(shown)}</summary>\n${text}<pre><code>${escapeHtml(code)}</code></pre>\n${said}</details>\n`;
  }

  #index(): string {
    const entries = [
      ...(this.#doc.consts.length > 0 ? ['<li><a href="#pkg-constants">Constants</a></li>'] : []),
      ...(this.#doc.vars.length > 0 ? ['<li><a href="#pkg-variables">Variables</a></li>'] : []),
      ...indexOf(this.#doc).map(({ anchor, text, level, deprecated }) => {
        const classes = [level === 1 ? "member" : "", deprecated ? "deprecated" : ""].filter((one) => one !== "");
        const attribute = classes.length === 0 ? "" : ` class="${classes.join(" ")}"`;
        return `<li${attribute}><a href="#${escapeHtml(anchor)}">${escapeHtml(text)}</a></li>`;
      }),
    ];
    return entries.length === 0
      ? "<p>Nothing is exported.</p>\n"
      : `<ul class="index">\n${entries.join("\n")}\n</ul>\n`;
  }

  #examplesIndex(): string {
    const all: [of: string, example: ExampleDoc][] = [];
    const add = (of: string, some: readonly ExampleDoc[] = []): void => {
      for (const one of some) all.push([of, one]);
    };
    add("package", this.#doc.examples);
    for (const func of this.#doc.funcs) add(func.name, func.examples);
    for (const type of this.#doc.types) {
      add(type.name, type.examples);
      for (const func of type.funcs) add(func.name, func.examples);
      for (const method of type.methods) add(`${type.name}.${method.name}`, method.examples);
    }
    if (all.length === 0) return "";
    const lines = all.map(([of, { suffix }]) => {
      const shown = `${of === "package" ? "Package" : of}${suffix === "" ? "" : ` (${suffix})`}`;
      return `<li><a href="#${escapeHtml(exampleAnchor(of, suffix))}">${escapeHtml(shown)}</a></li>`;
    });
    return `<ul>\n${lines.join("\n")}\n</ul>\n`;
  }

  #notes(): string {
    const lines = this.#doc.notes.map(
      ({ marker, uid, body }) => `<li>${escapeHtml(`${marker}(${uid}): ${body.trim()}`)}</li>`,
    );
    return `<ul>\n${lines.join("\n")}\n</ul>\n`;
  }
}

function section(id: string, title: string, content: string): string {
  return `<section>\n<h2 id="pkg-${id}">${title} <a class="anchor" href="#pkg-${id}" aria-label="Link to ${title}">¶</a></h2>\n${content}</section>\n`;
}

/** As pkg.go.dev has it: `example-Type.Method-Suffix`, `example-package`. */
function exampleAnchor(of: string, suffix: string): string {
  const words = headingId([{ kind: "plain", text: suffix }]).replace(/^hdr-/, "");
  return `example-${of}${words === "" ? "" : `-${words[0]!.toUpperCase()}${words.slice(1)}`}`;
}
