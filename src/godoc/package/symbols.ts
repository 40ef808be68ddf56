// The symbols of a package in the order of pkg.go.dev's API: constants, variables, functions, then each type followed by
// its constants, variables, functions, fields and methods.
import type { FuncDoc, PackageDoc, PackageDocumentation, TypeDoc, ValueDoc } from "../documentation.ts";
import { functionLine, typeLine, variableLines } from "./one-line.ts";

/** Words of one package; the rest is not found. */
const MAX_WORDS = 20_000;

/** The kinds, in the words of that API. */
export type SymbolKind = "Constant" | "Variable" | "Function" | "Type" | "Field" | "Method";

/** A declaration, or a method or field of one. */
export interface SymbolDoc {
  /** With the type for methods and fields: `Reader.Read`. It is the anchor too. */
  readonly name: string;
  readonly kind: SymbolKind;
  /** In one line. */
  readonly synopsis: string;
  /** The type that it belongs to. */
  readonly parent: string | undefined;
}

/** All exported symbols of a package. */
export function symbolsOf(doc: PackageDoc): SymbolDoc[] {
  return [
    ...constants(doc.consts),
    ...variables(doc.vars),
    ...doc.funcs.map((func) => functionSymbol(func)),
    ...doc.types.flatMap(symbolsOfType),
  ];
}

function symbolsOfType(type: TypeDoc): SymbolDoc[] {
  const { name: parent } = type;
  const member = (kind: "field" | "method"): SymbolDoc[] =>
    type.members
      .filter((one) => one.kind === kind)
      .map(({ name, text }) => ({
        name: `${parent}.${name}`,
        kind: kind === "field" ? "Field" : "Method",
        synopsis: kind === "field" ? typeLine(text) : functionLine(text).replace(/^[^[(]*/, "$& func"),
        parent,
      }));
  return [
    { name: parent, kind: "Type", synopsis: typeLine(type.text), parent: undefined },
    ...constants(type.consts, parent),
    ...variables(type.vars, parent),
    ...type.funcs.map((func) => functionSymbol(func, parent)),
    ...member("field"),
    ...type.methods.map((method) => ({
      name: `${parent}.${method.name}`,
      kind: "Method" as const,
      synopsis: functionLine(method.text),
      parent,
    })),
    ...member("method"),
  ];
}

function functionSymbol({ name, text }: FuncDoc, parent?: string): SymbolDoc {
  return { name, kind: "Function", synopsis: functionLine(text), parent };
}

function constants(values: readonly ValueDoc[], parent?: string): SymbolDoc[] {
  return values.flatMap(({ names }) =>
    names
      .filter((name) => name !== "_")
      .map((name) => ({ name, kind: "Constant" as const, synopsis: `const ${name}`, parent })),
  );
}

function variables(values: readonly ValueDoc[], parent?: string): SymbolDoc[] {
  return values.flatMap(({ names, text }) => {
    const lines = variableLines(text);
    return names
      .filter((name) => name !== "_")
      .map((name) => ({ name, kind: "Variable" as const, synopsis: lines.get(name) ?? `var ${name}`, parent }));
  });
}

/**
 * By which words the declarations of a package are found, on all systems together, sorted: their names in lower case, those
 * of methods and fields also without their type.
 */
export function searchWords({ builds }: PackageDocumentation): string[] {
  const words = new Set<string>();
  const add = (name: string, parent?: string): void => {
    if (name === "_" || words.size >= MAX_WORDS) return;
    words.add(name.toLowerCase());
    if (parent !== undefined) words.add(`${parent}.${name}`.toLowerCase());
  };
  for (const { doc } of builds) {
    for (const { names } of [...doc.consts, ...doc.vars]) for (const name of names) add(name);
    for (const { name } of doc.funcs) add(name);
    for (const type of doc.types) {
      add(type.name);
      for (const { names } of [...type.consts, ...type.vars]) for (const name of names) add(name);
      for (const { name } of type.funcs) add(name);
      for (const { name } of [...type.members, ...type.methods]) add(name, type.name);
    }
  }
  return [...words].sort();
}
