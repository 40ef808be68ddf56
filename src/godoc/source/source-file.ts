// What one Go file declares, as far as documentation is about it (go/doc's filter of exported things): plain data, so that
// the syntax tree can be freed before the next file is read. Nothing is worked out here that depends on other files.
import { commentText } from "../comment/comment-text.ts";
import type { ExampleDoc, MemberDoc, NoteDoc, SourcePlace } from "../documentation.ts";
import { isExported } from "../go-names.ts";
import { areOneGroup, type TextRange } from "./comment-groups.ts";
import {
  baseTypeName,
  type Commented,
  DeclarationText,
  type FilteredSpec,
  namesOf,
  withComments,
} from "./declaration-text.ts";
import { exampleOf, isExampleFile, isTestName } from "./examples.ts";
import type { SyntaxNode } from "./go-source.ts";

/** A named type, as far as go/doc asks about it. */
export interface TypeName {
  /** "" for a type without a name. */
  readonly name: string;
  readonly imported: boolean;
}

export interface DeclaredValues {
  readonly keyword: "const" | "var";
  readonly doc: string;
  readonly names: readonly string[];
  readonly text: string;
  /** Of each specification the type that it has, said or taken over from the one before. */
  readonly types: readonly string[];
  /** What it is sorted by: the name of a single specification. */
  readonly sortName: string;
  readonly source: SourcePlace;
}

export interface DeclaredType {
  readonly name: string;
  readonly doc: string;
  readonly text: string;
  readonly members: readonly MemberDoc[];
  readonly isStruct: boolean;
  /** Types of this package that are embedded. */
  readonly embedded: readonly { readonly name: string; readonly isPointer: boolean }[];
  readonly source: SourcePlace;
}

export interface DeclaredFunc {
  readonly name: string;
  readonly doc: string;
  readonly text: string;
  readonly source: SourcePlace;
  /** Of a method: its receiver, and the text around the receiver's type. */
  readonly recv?: {
    readonly base: string;
    readonly text: string;
    readonly before: string;
    readonly after: string;
  };
  /** Of a function: the named types of its results, those of slices and arrays for these; without its type parameters. */
  readonly results: readonly TypeName[];
}

export interface SourceFile {
  readonly name: string;
  readonly packageName: string;
  readonly doc: string;
  readonly imports: readonly { readonly name: string; readonly path: string }[];
  readonly values: readonly DeclaredValues[];
  readonly types: readonly DeclaredType[];
  readonly funcs: readonly DeclaredFunc[];
  readonly notes: readonly NoteDoc[];
  /** Of a test file. */
  readonly examples: readonly ExampleDoc[];
  /** Whether some of it could not be parsed. */
  readonly hasErrors: boolean;
}

/** Reads a file's declarations out of its tree; of a test file the examples. `text` is what was parsed. */
export function readSourceFile(name: string, text: string, root: SyntaxNode): SourceFile {
  return new Reader(name, text, root).read();
}

class Reader {
  readonly #name: string;
  readonly #root: SyntaxNode;
  readonly #text: string;
  readonly #shown: DeclarationText;
  readonly #values: DeclaredValues[] = [];
  readonly #types: DeclaredType[] = [];
  readonly #funcs: DeclaredFunc[] = [];
  readonly #imports: { name: string; path: string }[] = [];

  constructor(name: string, text: string, root: SyntaxNode) {
    this.#name = name;
    this.#root = root;
    this.#text = text;
    this.#shown = new DeclarationText(text);
  }

  read(): SourceFile {
    let packageName = "";
    let doc = "";
    const isTest = this.#name.endsWith("_test.go");
    const declarations = withComments(this.#root).flatMap((one) =>
      // Around what it does not know the parser goes on as well as it can.
      one.node.type === "ERROR" ? withComments(one.node) : [one],
    );
    for (const one of declarations) {
      if (one.node.type === "package_clause" && packageName === "") {
        packageName = this.#source(one.node.namedChild(0));
        doc = this.#docOf(one);
      } else if (one.node.type === "import_declaration") this.#readImports(one.node);
      else if (isTest) continue;
      else if (one.node.type === "const_declaration") this.#readValues(one, "const");
      else if (one.node.type === "var_declaration") this.#readValues(one, "var");
      else if (one.node.type === "type_declaration") this.#readTypes(one);
      else if (one.node.type === "function_declaration" || one.node.type === "method_declaration") this.#readFunc(one);
    }
    return {
      name: this.#name,
      packageName,
      doc,
      imports: this.#imports,
      values: this.#values,
      types: this.#types,
      funcs: this.#funcs,
      notes: isTest ? [] : this.#notes(),
      examples: isTest ? this.#examples(declarations) : [],
      hasErrors: this.#root.hasError,
    };
  }

  #source(node: SyntaxNode | null | undefined): string {
    return node ? this.#shown.source(node) : "";
  }

  #docOf({ doc }: Pick<Commented, "doc">): string {
    return commentText(doc.map((comment) => this.#source(comment)));
  }

  #place(node: SyntaxNode): SourcePlace {
    return { file: this.#name, line: node.startPosition.row + 1 };
  }

  #readImports(node: SyntaxNode): void {
    for (const spec of node.descendantsOfType("import_spec")) {
      if (!spec) continue;
      const quoted = this.#source(spec.childForFieldName("path"));
      const path = quoted.startsWith('"') || quoted.startsWith("`") ? quoted.slice(1, -1) : "";
      if (path !== "") this.#imports.push({ name: this.#source(spec.childForFieldName("name")), path });
    }
  }

  #readValues(one: Commented, keyword: "const" | "var"): void {
    const { node } = one;
    const list = node.namedChildren.find((child) => child?.type === "var_spec_list") ?? node;
    const open = list.children.find((child) => child?.type === "(") ?? undefined;
    const all = withComments(list).filter(({ node: { type } }) => type === `${keyword}_spec`);
    const specs = all.map((commented) => ({
      commented: open ? commented : { ...commented, doc: [], trailing: one.trailing },
      names: namesOf(commented.node).map((name) => this.#source(name)),
      type: commented.node.childForFieldName("type") ?? undefined,
      values: commented.node.childForFieldName("value") ?? undefined,
    }));
    const kept = exportedSpecs(specs, keyword, (type) => this.#source(type));
    if (kept.length === 0) return;
    let previous = "";
    const types = kept.map(({ type, values }) => {
      let name = "";
      if (type !== undefined) {
        const base = typeof type === "string" ? { name: type, imported: type.includes(".") } : this.#base(type);
        if (!base.imported) name = base.name;
      } else if (keyword === "const" && !values) name = previous;
      previous = name;
      return name;
    });
    this.#values.push({
      keyword,
      doc: this.#docOf(one),
      names: kept.flatMap(({ names }) => names),
      text: this.#shown.values(keyword, kept, open),
      types,
      sortName: kept.length === 1 ? kept[0]!.names[0]! : "",
      source: this.#place(node),
    });
  }

  #base(node: SyntaxNode | null): TypeName {
    return baseTypeName(node, (one) => this.#source(one));
  }

  #readTypes(one: Commented): void {
    const isInGroup = one.node.children.some((child) => child?.type === "(");
    for (const spec of withComments(one.node)) {
      if (spec.node.type !== "type_spec" && spec.node.type !== "type_alias") continue;
      const name = this.#source(spec.node.childForFieldName("name"));
      if (!isExported(name)) continue;
      const commented = isInGroup ? spec : { ...spec, trailing: one.trailing };
      const doc = isInGroup && spec.doc.length > 0 ? this.#docOf(spec) : this.#docOf(one);
      const type = spec.node.childForFieldName("type");
      const { text, members } = this.#shown.type(commented, isInGroup);
      const isStruct = type?.type === "struct_type";
      const embedded = isStruct ? this.#embeddedIn(type) : [];
      this.#types.push({ name, doc, text, members, isStruct, embedded, source: this.#place(spec.node) });
    }
  }

  #embeddedIn(struct: SyntaxNode): { name: string; isPointer: boolean }[] {
    const list = struct.namedChildren.find((child) => child?.type === "field_declaration_list");
    return (list?.namedChildren ?? []).flatMap((field) => {
      if (field?.type !== "field_declaration" || namesOf(field).length > 0) return [];
      const { name, imported } = this.#base(field.childForFieldName("type"));
      return imported || name === "" || name === "_" ? [] : [{ name, isPointer: field.child(0)?.type === "*" }];
    });
  }

  #readFunc(one: Commented): void {
    const { node } = one;
    const name = this.#source(node.childForFieldName("name"));
    if (!isExported(name)) return;
    const shared = { name, doc: this.#docOf(one), source: this.#place(node) };
    if (node.type === "method_declaration") {
      const receiver = node.childForFieldName("receiver")?.namedChildren.find((child) => child?.type !== "comment");
      const type = receiver?.childForFieldName("type");
      if (!type) return;
      const { name: base, imported } = this.#base(type);
      if (imported || base === "" || base === "_") return;
      const text = this.#shown.func(node);
      const [before, after] = this.#shown.func(node, { type, text: "\0" }).split("\0");
      const recv = { base, text: this.#source(type), before: before!, after: after ?? "" };
      this.#funcs.push({ ...shared, text, recv, results: [] });
      return;
    }
    const parameters = new Set(
      (node.childForFieldName("type_parameters")?.namedChildren ?? []).flatMap((parameter) =>
        parameter ? namesOf(parameter).map((one) => this.#source(one)) : [],
      ),
    );
    const results = this.#results(node).filter(({ name: of }) => !parameters.has(of));
    this.#funcs.push({ ...shared, text: this.#shown.func(node), results });
  }

  #results(node: SyntaxNode): TypeName[] {
    const result = node.childForFieldName("result");
    if (!result) return [];
    const types =
      result.type === "parameter_list"
        ? result.namedChildren
            .filter((child) => child?.type === "parameter_declaration")
            .map((child) => child!.childForFieldName("type"))
        : [result];
    return types.map((type) => {
      const isList = type?.type === "slice_type" || type?.type === "array_type";
      return this.#base(isList ? type.childForFieldName("element") : type);
    });
  }

  #notes(): NoteDoc[] {
    // Few files have any, and looking through all comments of one takes as long as everything else.
    if (!/\/[/*][ \t]*[A-Z][A-Z]+\([^)\n]+\)/.test(this.#text)) return [];
    const notes: NoteDoc[] = [];
    let group: SyntaxNode[] = [];
    const read = (): void => {
      let from = -1;
      for (let n = 0; n <= group.length; n++) {
        if (n < group.length && !/^\/[/*][ \t]*[A-Z][A-Z]+\([^)]+\):?/.test(this.#source(group[n]))) continue;
        if (from >= 0) {
          const text = commentText(group.slice(from, n).map((comment) => this.#source(comment)));
          const [all, marker, uid] = /^[ \t]*([A-Z][A-Z]+)\(([^)]+)\):?/.exec(text) ?? [];
          const body =
            all === undefined
              ? ""
              : text
                  .slice(all.length)
                  .replace(/[ \r\t]+/g, " ")
                  .replace(/^ | $/g, "");
          if (body !== "") notes.push({ marker: marker!, uid: uid!, body });
        }
        from = n;
      }
    };
    for (const comment of this.#root.descendantsOfType("comment")) {
      if (!comment) continue;
      const last = group.at(-1);
      if (last && !areOneGroup(this.#text, textRangeOf(last), textRangeOf(comment))) {
        read();
        group = [];
      }
      group.push(comment);
    }
    read();
    return notes;
  }

  #examples(declarations: readonly Commented[]): ExampleDoc[] {
    const functions = declarations.filter(({ node }) => node.type === "function_declaration");
    const examples = functions.filter(({ node }) =>
      isExampleFunction(node, this.#source(node.childForFieldName("name"))),
    );
    const others = declarations.filter(({ node: { type } }) => /^(?:const|var|type)_declaration$/.test(type)).length;
    const hasTests = functions.some(({ node }) => isTestName(this.#source(node.childForFieldName("name"))));
    const isWhole = isExampleFile(hasTests, others + functions.length, examples.length);
    return examples.map((one) => {
      const body = one.node.childForFieldName("body")!;
      const comments = body.descendantsOfType("comment").filter((comment) => comment !== null);
      return exampleOf({
        name: this.#source(one.node.childForFieldName("name")),
        doc: this.#docOf(one),
        file: this.#text,
        body: this.#source(body),
        comments: comments.map((comment) => ({
          at: comment.startIndex - body.startIndex,
          text: this.#source(comment),
        })),
        isWhole,
        fileStart: this.#root.namedChildren.find((child) => child?.type === "package_clause")?.startIndex ?? 0,
      });
    });
  }
}

function textRangeOf({ startIndex: start, endIndex: end }: SyntaxNode): TextRange {
  return { start, end };
}

function isExampleFunction(node: SyntaxNode, name: string): boolean {
  if (!/^Example(?!\p{Ll})/u.test(name) || !node.childForFieldName("body")) return false;
  const parameters = node.childForFieldName("parameters");
  const result = node.childForFieldName("result");
  return parameters?.namedChildren.every((child) => child?.type === "comment") === true && !result;
}

/** The specifications that have exported names, with what they take over from those that go (go/doc filterSpecList). */
function exportedSpecs(
  specs: readonly (FilteredSpec & { readonly type: SyntaxNode | undefined })[],
  keyword: "const" | "var",
  source: (node: SyntaxNode) => string,
): FilteredSpec[] {
  const kept: FilteredSpec[] = [];
  let lostType: string | undefined;
  for (const spec of specs) {
    let type: SyntaxNode | string | undefined = spec.type;
    if (keyword === "const" && type === undefined && !spec.values) type = lostType;
    const exported = spec.names.filter(isExported);
    lostType = exported.length > 0 || type === undefined ? undefined : typeof type === "string" ? type : source(type);
    if (exported.length === 0) continue;
    // Where there are values, or an iota counts, every name keeps its place.
    const keepsPlaces = spec.values !== undefined || type === undefined;
    const names = keepsPlaces ? spec.names.map((name) => (isExported(name) ? name : "_")) : exported;
    kept.push({ commented: spec.commented, names, type, values: spec.values });
  }
  return kept;
}
