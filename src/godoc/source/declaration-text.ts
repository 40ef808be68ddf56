// How declarations are shown: as go/doc filters and go/printer prints them. What is not exported goes: fields and methods
// (a comment says so), names in groups, elements of composite literals with unexported keys; comments that belong to
// nothing go too. What is left is text of the source, so that published code, which is gofmt'ed, comes out byte by byte.

import type { MemberDoc } from "../documentation.ts";
import { isExported, PREDECLARED_TYPES } from "../go-names.ts";
import { type AlignedRow, alignedText, typeColumns } from "./aligned-rows.ts";
import type { SyntaxNode } from "./go-source.ts";

/** Types in types that are filtered too; deeper ones are shown as they are. */
const MAX_DEPTH = 20;
/** Of one declaration, in characters: what is longer is cut, and says so. */
const MAX_TEXT = 64 * 1024;
const FILTERED = "contains filtered or unexported fields";
const FILTERED_METHODS = "contains filtered or unexported methods";
/** A literal of more elements than this is shown with all that they have: its text is cut anyway. */
const MAX_ELEMENTS = 2_000;

/** A node with the comments around it. */
export interface Commented {
  readonly node: SyntaxNode;
  /** Directly above it. */
  readonly doc: readonly SyntaxNode[];
  /** Behind it in its line. */
  readonly trailing: SyntaxNode | undefined;
}

/** The children of a node that are no comments, each with its comments, as go/parser gives them away. */
export function withComments(parent: SyntaxNode): Commented[] {
  const found: { node: SyntaxNode; doc: readonly SyntaxNode[]; trailing: SyntaxNode | undefined }[] = [];
  let group: SyntaxNode[] = [];
  let lastRow = -1;
  let isAfterNode = false;
  for (const child of parent.children) {
    if (child.type === "comment") {
      if (child.startPosition.row === lastRow) {
        if (isAfterNode) found.at(-1)!.trailing ??= child;
        group = [];
      } else if (group.length > 0 && child.startPosition.row <= group.at(-1)!.endPosition.row + 1) group.push(child);
      else group = [child];
    } else if (child.isNamed) {
      const isDoc = group.length > 0 && group.at(-1)!.endPosition.row + 1 === child.startPosition.row;
      found.push({ node: child, doc: isDoc ? group : [], trailing: undefined });
      group = [];
      lastRow = child.endPosition.row;
      isAfterNode = true;
    } else if (child.type !== "\n") {
      lastRow = child.endPosition.row;
      if (child.type !== ";") {
        group = [];
        isAfterNode = false;
      }
    }
  }
  return found;
}

/** The text of one source file, from which declarations are shown. */
export class DeclarationText {
  readonly #text: string;
  /** Tabs that lines lose: those of a group around a type. */
  #shift = 0;
  /** Members of the type that is being shown. */
  #members: MemberDoc[] = [];

  constructor(text: string) {
    this.#text = text;
  }

  /** The source of a node, as it stands. */
  source(node: SyntaxNode): string {
    return this.#text.slice(node.startIndex, node.endIndex);
  }

  /**
   * The source from one place to another, without comments inside, but for those of fields and methods: go/printer, which is
   * given a declaration alone, knows these from the tree.
   */
  between(from: SyntaxNode, start: number, end: number, comments = () => commentsIn(from)): string {
    let text = this.#text.slice(start, end);
    if (/\/[/*]/.test(text)) text = this.#withoutComments(from, start, end, comments());
    return this.#shift === 0 ? text : text.replace(new RegExp(`\n\t{${this.#shift}}`, "g"), "\n");
  }

  #withoutComments(node: SyntaxNode, start: number, end: number, comments: readonly Span[]): string {
    let out = "";
    let at = start;
    const kept = this.#commentsOfMembers(node, start, end);
    for (const comment of comments) {
      if (comment.startIndex < at || comment.endIndex > end || kept.has(comment.startIndex)) continue;
      out += this.#text.slice(at, comment.startIndex).replace(/(?<![ \t])[ \t]+$/, "");
      at = comment.endIndex;
      // A line of its own goes with it.
      if (out.endsWith("\n") && this.#text[at] === "\n") at++;
      if (out.endsWith("\n\n") && this.#text[at] === "\n") at++;
    }
    return out + this.#text.slice(at, end);
  }

  /** Where the comments begin that belong to fields of structs and to methods of interfaces. */
  #commentsOfMembers(node: SyntaxNode, start: number, end: number): ReadonlySet<number> {
    const kept = new Set<number>();
    if (!/\b(?:struct|interface)\b/.test(this.#text.slice(start, end))) return kept;
    for (const list of node.descendantsOfType(["field_declaration_list", "interface_type"]))
      for (const { doc, trailing } of list ? withComments(list) : [])
        for (const comment of trailing ? [...doc, trailing] : doc) kept.add(comment.startIndex);
    return kept;
  }

  #plain(node: SyntaxNode): string {
    return this.between(node, node.startIndex, node.endIndex);
  }

  /** A function without its body; `receiver` in the place of its receiver's type. */
  func(node: SyntaxNode, receiver?: { readonly type: SyntaxNode; readonly text: string }): string {
    const body = node.childForFieldName("body");
    const end = body ? body.startIndex : node.endIndex;
    const text = receiver
      ? this.between(node, node.startIndex, receiver.type.startIndex) +
        receiver.text +
        this.between(node, receiver.type.endIndex, end)
      : this.between(node, node.startIndex, end);
    return bounded(text.trimEnd());
  }

  /** A type's declaration by itself, also where it stands in a group, and its exported members. */
  type({ node, trailing }: Commented, isInGroup: boolean): { text: string; members: MemberDoc[] } {
    this.#shift = isInGroup ? 1 : 0;
    this.#members = [];
    const type = node.childForFieldName("type");
    const head = type ? this.between(node, node.startIndex, type.startIndex) : this.#plain(node);
    const text = type ? this.#type(type, "", 0, true) : "";
    const comment = trailing ? ` ${this.source(trailing)}` : "";
    this.#shift = 0;
    // In a group names may stand in columns.
    const tidy = isInGroup ? head.replace(/[ \t]+(=[ \t]+)?$/, (_, equals) => (equals ? " = " : " ")) : head;
    return { text: bounded(`type ${tidy}${text}${comment}`), members: this.#members };
  }

  #type(node: SyntaxNode, indent: string, depth: number, isTop = false): string {
    if (depth < MAX_DEPTH) {
      if (node.type === "struct_type") return this.#struct(node, indent, depth, isTop);
      if (node.type === "interface_type") return this.#interface(node, indent, depth, isTop);
      if (WRAPPERS.has(node.type) && /\b(?:struct|interface)\b/.test(this.source(node))) {
        let out = "";
        let at = node.startIndex;
        for (const child of node.namedChildren) {
          if (!child || child.type === "comment") continue;
          out += this.between(node, at, child.startIndex) + this.#type(child, indent, depth + 1);
          at = child.endIndex;
        }
        return out + this.between(node, at, node.endIndex);
      }
    }
    return this.#plain(node);
  }

  #struct(node: SyntaxNode, indent: string, depth: number, isTop: boolean): string {
    const list = node.namedChildren.find((child) => child?.type === "field_declaration_list");
    if (!list) return this.#plain(node);
    const fields = withComments(list).filter((field) => field.node.type === "field_declaration");
    const kept: { field: Commented; names: string[]; type: string; tag: string | undefined }[] = [];
    let isFiltered = false;
    for (const field of fields) {
      const all = namesOf(field.node).map((name) => this.source(name));
      const names = all.filter(isExported);
      const type = field.node.childForFieldName("type");
      if (!type) continue;
      if (names.length < all.length) isFiltered = true;
      const isEmbedded = all.length === 0;
      if (isEmbedded && !isExported(baseTypeName(type, (one) => this.source(one)).name)) isFiltered = true;
      else if (isEmbedded || names.length > 0) {
        const star = isEmbedded && field.node.child(0)?.type === "*" ? "*" : "";
        const text = star + this.#type(type, `${indent}\t`, depth + 1);
        const tag = field.node.childForFieldName("tag");
        kept.push({ field, names, type: text, tag: tag ? this.source(tag) : undefined });
        if (isTop)
          for (const name of names) this.#members.push({ name, kind: "field", text: `${name} ${oneLine(text)}` });
      }
    }
    const isOneLine = list.startPosition.row === list.endPosition.row;
    if (kept.length === 0 && !isFiltered && isOneLine) return "struct{}";
    const [first] = kept;
    if (isOneLine && !isFiltered && kept.length === 1 && first!.tag === undefined && !first!.field.trailing) {
      const short = [first!.names.join(", "), first!.type].filter((part) => part !== "").join(" ");
      if (short.length <= 30) return `struct{ ${short} }`;
    }
    const isSingle = kept.length === 1;
    const rows = kept.map(({ field, names, type, tag }) => {
      // As (*printer).fieldList puts its tabs.
      const parts = names.length === 0 ? [type] : [names.join(", "), type];
      if (tag !== undefined) parts.push(...(names.length > 0 && !isSingle ? ["", tag] : [tag]));
      else if (field.trailing && names.length === 0 && !isSingle) parts.push("");
      return this.#row(field, isSingle ? [parts.join(" ")] : parts);
    });
    return this.#braces("struct", rows, list, indent, isFiltered ? FILTERED : undefined);
  }

  #interface(node: SyntaxNode, indent: string, depth: number, isTop: boolean): string {
    const elements = withComments(node).filter(({ node: { type } }) => type === "method_elem" || type === "type_elem");
    const kept: { element: Commented; text: string }[] = [];
    let isFiltered = false;
    for (const element of elements) {
      if (element.node.type === "method_elem") {
        const [name] = namesOf(element.node).map((one) => this.source(one));
        if (!name || !isExported(name)) {
          isFiltered = true;
          continue;
        }
        const text = this.#plain(element.node);
        if (isTop) this.#members.push({ name, kind: "method", text: oneLine(text) });
        kept.push({ element, text });
      } else {
        const [only, ...others] = element.node.namedChildren.filter((child) => child?.type !== "comment");
        const base = only && others.length === 0 ? baseTypeName(only, (one) => this.source(one)) : undefined;
        if (base && base.name !== "" && !isExported(base.name) && !PREDECLARED_TYPES.has(base.name)) isFiltered = true;
        else kept.push({ element, text: this.#type(element.node, `${indent}\t`, depth + 1) });
      }
    }
    const isOneLine = node.startPosition.row === node.endPosition.row;
    if (kept.length === 0 && !isFiltered && isOneLine) return "interface{}";
    if (isOneLine && !isFiltered && kept.length === 1 && kept[0]!.text.length <= 30 && !kept[0]!.element.trailing)
      return `interface{ ${kept[0]!.text} }`;
    const rows = kept.map(({ element, text }) => this.#row(element, [text]));
    return this.#braces("interface", rows, node, indent, isFiltered ? FILTERED_METHODS : undefined);
  }

  #braces(
    keyword: string,
    rows: readonly AlignedRow[],
    list: SyntaxNode,
    indent: string,
    filtered: string | undefined,
  ): string {
    const brace = keyword === "struct" ? list : (list.children.find((child) => child?.type === "{") ?? list);
    const inside = alignedText(rows, `${indent}\t`, brace.startPosition.row);
    return `${keyword} {\n${inside}${filtered === undefined ? "" : `${indent}\t// ${filtered}\n`}${indent}}`;
  }

  /** `parts` of a line; the last one is the end of it, unless a comment follows. */
  #row({ node, doc, trailing }: Commented, parts: readonly string[]): AlignedRow {
    return {
      doc: doc.flatMap((comment) => this.source(comment)),
      cells: parts.slice(0, -1),
      rest: parts.at(-1)!,
      comment: trailing && this.source(trailing),
      docLine: doc[0]?.startPosition.row ?? node.startPosition.row,
      firstLine: node.startPosition.row,
      lastLine: trailing?.endPosition.row ?? node.endPosition.row,
    };
  }

  /** A declaration of constants or variables with what is left of its specifications. */
  values(keyword: "const" | "var", specs: readonly FilteredSpec[], open: SyntaxNode | undefined): string {
    const parts = specs.map((spec) => ({
      names: spec.names.join(", "),
      type:
        spec.type === undefined
          ? undefined
          : typeof spec.type === "string"
            ? spec.type
            : this.#type(spec.type, open ? "\t" : "", 1),
      values: spec.values && `= ${this.#values(spec.values, open ? "\t" : "")}`,
      spec,
    }));
    if (!open) {
      const { names, type, values, spec } = parts[0]!;
      const comment = spec.commented.trailing ? ` ${this.source(spec.commented.trailing)}` : "";
      return bounded(`${keyword} ${[names, type, values].filter((part) => part !== undefined).join(" ")}${comment}`);
    }
    const keepType = typeColumns(specs);
    const rows = parts.map(({ names, type, values, spec }, n) => {
      if (specs.length === 1)
        return this.#row(spec.commented, [[names, type, values].filter((part) => part !== undefined).join(" ")]);
      // As (*printer).valueSpec puts its tabs.
      const line = [names];
      let tabs = 3;
      if (type !== undefined || keepType[n]) {
        line.push(type ?? "");
        tabs--;
      }
      if (values !== undefined) {
        line.push(values);
        tabs--;
      }
      if (spec.commented.trailing) while (tabs-- > 1) line.push("");
      return this.#row(spec.commented, line);
    });
    return bounded(`${keyword} (\n${alignedText(rows, "\t", open.startPosition.row)})`);
  }

  #values(list: SyntaxNode, indent: string): string {
    let out = "";
    let at = list.startIndex;
    for (const child of list.namedChildren) {
      if (child?.type !== "composite_literal") continue;
      out += this.between(list, at, child.startIndex) + this.#literal(child, indent, 0);
      at = child.endIndex;
    }
    return out + this.between(list, at, list.endIndex);
  }

  /** A composite literal without the elements whose keys are unexported names, within its elements too (filterCompositeLit). */
  #literal(node: SyntaxNode, indent: string, depth: number): string {
    const body = node.type === "literal_value" ? node : node.childForFieldName("body");
    if (!body || depth > MAX_DEPTH || !/[{,]\s*[\p{Ll}_][\p{L}\p{Nd}_]*\s*:/u.test(this.source(body)))
      return this.#plain(node);
    const type = node === body ? "" : this.between(node, node.startIndex, body.startIndex);
    const elements = body.namedChildren.filter((child) => child !== null && child.type !== "comment");
    const kept = elements.filter((element) => {
      const key = element.type === "keyed_element" ? element.namedChild(0) : undefined;
      const name = key?.namedChild(0);
      return !(name?.type === "identifier" && key?.namedChildCount === 1 && !isExported(this.source(name)));
    });
    if (kept.length === elements.length)
      return kept.length > MAX_ELEMENTS ? this.#plain(node) : this.#around(node, kept.map(literalIn), indent, depth);
    // As (*printer).exprList has it: what is left in the line of the brace stays there.
    const texts = kept.map((element) => this.#around(element, [literalIn(element)], `${indent}\t`, depth));
    const lastLine = kept.at(-1)?.endPosition.row ?? body.endPosition.row;
    if (body.startPosition.row === lastLine) return `${type}{${[...texts, `/* ${FILTERED} */`].join(", ")}}`;
    const lines = texts.map((text) => `${indent}\t${text},\n`).join("");
    return `${type}{\n${lines}${indent}\t// ${FILTERED}\n${indent}}`;
  }

  /** A node as it is but for some literals within it, from left to right. */
  #around(node: SyntaxNode, literals: readonly (SyntaxNode | undefined)[], indent: string, depth: number): string {
    let out = "";
    let at = node.startIndex;
    let comments: readonly Span[] | undefined;
    const known = () => (comments ??= commentsIn(node));
    for (const literal of literals) {
      if (!literal) continue;
      const deeper = literal.startPosition.row === node.startPosition.row ? indent : `${indent}\t`;
      out += this.between(node, at, literal.startIndex, known) + this.#literal(literal, deeper, depth + 1);
      at = literal.endIndex;
    }
    return out + this.between(node, at, node.endIndex, known);
  }
}

type Span = Pick<SyntaxNode, "startIndex" | "endIndex">;
function commentsIn(node: SyntaxNode): readonly Span[] {
  return node.descendantsOfType("comment").map(({ startIndex, endIndex }) => ({ startIndex, endIndex }));
}

/** The literal that an element of another one is, or has as its value. */
function literalIn(element: SyntaxNode): SyntaxNode | undefined {
  const value = (element.type === "keyed_element" ? element.namedChild(1) : element)?.namedChild(0);
  return value?.type === "literal_value" || value?.type === "composite_literal" ? value : undefined;
}

/** What is left of a specification of constants or variables. */
export interface FilteredSpec {
  readonly commented: Commented;
  readonly names: readonly string[];
  readonly type: SyntaxNode | string | undefined;
  readonly values: SyntaxNode | undefined;
}

const WRAPPERS = new Set([
  ...["pointer_type", "slice_type", "array_type", "map_type", "channel_type", "parenthesized_type", "function_type"],
  ...["parameter_list", "parameter_declaration", "variadic_parameter_declaration", "type_elem", "negated_type"],
]);

/** The nodes of the field `name`, without the commas that the grammar counts among them. */
export function namesOf(node: SyntaxNode): SyntaxNode[] {
  return node.childrenForFieldName("name").filter((name): name is SyntaxNode => name?.isNamed === true);
}

/** The name of the type that a type is made of by pointers and type arguments (go/doc baseTypeName); "" for none. */
export function baseTypeName(
  type: SyntaxNode | null,
  source: (node: SyntaxNode) => string,
): { readonly name: string; readonly imported: boolean } {
  let node = type;
  for (let depth = 0; node && depth < MAX_DEPTH; depth++) {
    if (node.type === "type_identifier") return { name: source(node), imported: false };
    if (node.type === "qualified_type") {
      const name = node.childForFieldName("name");
      return { name: name ? source(name) : "", imported: true };
    }
    if (node.type === "generic_type") node = node.childForFieldName("type");
    else if (node.type === "pointer_type" || node.type === "parenthesized_type") node = node.namedChild(0);
    else if (node.type === "type_elem" && node.namedChildCount === 1) node = node.namedChild(0);
    else break;
  }
  return { name: "", imported: false };
}

/** A declaration in one line, for lists: what stands in braces is left out. */
function oneLine(text: string): string {
  const line = text.replace(/\s+/g, " ");
  return line.length > 200 ? `${line.slice(0, 199)}…` : line;
}

function bounded(text: string): string {
  if (text.length <= MAX_TEXT) return text;
  return `${text.slice(0, text.lastIndexOf("\n", MAX_TEXT) + 1 || MAX_TEXT)}\n// … ${text.length - MAX_TEXT} more characters: see the source`;
}
