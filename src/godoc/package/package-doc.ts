// From the declarations of files to the documentation of a package, as go/doc does it (reader.go, whose steps these are):
// files in the order of their names; constants and variables with the type that most of them have; functions with the type
// that they make; methods, those of embedded types that are not exported among them; everything sorted by name.

import { namesInScope } from "../comment/names-in-scope.ts";
import { synopsisOf } from "../comment/synopsis.ts";
import type { ExampleDoc, FuncDoc, NoteDoc, PackageDoc, TypeDoc, ValueDoc } from "../documentation.ts";
import { assumedPackageName, isExported, PREDECLARED_TYPES } from "../go-names.ts";
import { exemplified } from "../source/examples.ts";
import type { DeclaredFunc, DeclaredType, DeclaredValues, SourceFile } from "../source/source-file.ts";

/** How much of a group must have a type, for the group to belong to it. */
const DOMINANT = 0.75;

/** A named type while the files are read: what belongs to it may be seen before itself. */
interface NamedType {
  readonly name: string;
  declared: DeclaredType | undefined;
  isEmbedded: boolean;
  readonly embedded: Map<NamedType, boolean>;
  readonly values: OrderedValues[];
  readonly funcs: Map<string, DeclaredFunc>;
  readonly methods: Map<string, Method>;
}

/** A method in a method set; without `func` where two of the same depth have its name. */
interface Method {
  readonly func: DeclaredFunc | undefined;
  readonly name: string;
  readonly recv: string;
  /** Its receiver where it was declared. */
  readonly original: string;
  readonly text: string;
  readonly level: number;
}

interface OrderedValues extends DeclaredValues {
  readonly order: number;
}

const byName = (a: { readonly name: string }, b: { readonly name: string }): number => order(a.name, b.name);
const order = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** The documentation of a package that consists of these files; tests among them give their examples. */
export function packageDoc(name: string, allFiles: readonly SourceFile[]): PackageDoc {
  const all = allFiles.toSorted(byName);
  const files = all.filter((file) => !isTest(file));
  const types = new Map<string, NamedType>();
  const lookUp = (typeName: string): NamedType | undefined => {
    if (typeName === "" || typeName === "_") return undefined;
    let type = types.get(typeName);
    if (!type) {
      const [values, funcs, methods] = [[], new Map(), new Map()];
      type = { name: typeName, declared: undefined, isEmbedded: false, embedded: new Map(), values, funcs, methods };
      types.set(typeName, type);
    }
    return type;
  };
  const values: OrderedValues[] = [];
  for (const [n, group] of files.flatMap((file) => file.values).entries()) {
    const type = dominantType(group);
    (type && isExported(type) ? lookUp(type)!.values : values).push({ ...group, order: n });
  }
  for (const declared of files.flatMap((file) => file.types)) {
    const type = lookUp(declared.name);
    if (!type) continue;
    type.declared = declared;
    for (const { name: of, isPointer } of declared.embedded) {
      const embedded = lookUp(of)!;
      embedded.isEmbedded = true;
      type.embedded.set(embedded, isPointer);
    }
  }
  const funcs = new Map<string, DeclaredFunc>();
  for (const func of files.flatMap((file) => file.funcs)) {
    if (func.recv) addMethod(lookUp(func.recv.base)!.methods, func);
    else keepDocumented(funcsFor(func, funcs, lookUp), func);
  }
  for (const type of types.values()) if (type.declared?.isStruct) promote(type);

  const hasDotImport = files.some((file) => file.imports.some((one) => one.name === "."));
  for (const type of types.values()) {
    const isPredeclared = PREDECLARED_TYPES.has(type.name);
    if (!type.declared && (isPredeclared || (isExported(type.name) && (type.isEmbedded || hasDotImport)))) {
      // Not seen here, so that what belongs to it is shown by itself.
      values.push(...type.values);
      for (const [key, func] of type.funcs) funcs.set(key, func);
      if (!isPredeclared) for (const [key, { func }] of type.methods) if (func && !funcs.has(key)) funcs.set(key, func);
    }
  }

  const imports = [...new Set(files.flatMap((file) => file.imports.map(({ path }) => path)))].sort(order);
  const doc = files
    .map((file) => file.doc)
    .filter((text) => text !== "")
    .join("\n");
  const shown = {
    name,
    doc,
    imports,
    importNames: importNames(files),
    consts: valueDocs(values, "const"),
    vars: valueDocs(values, "var"),
    funcs: funcDocs([...funcs.values()]),
    types: [...types.values()]
      .filter((type): type is NamedType & { declared: DeclaredType } => type.declared !== undefined)
      .sort(byName)
      .map(typeDoc),
    notes: files.flatMap((file) => file.notes).sort((a: NoteDoc, b: NoteDoc) => order(a.marker, b.marker)),
    files: files.map((file) => file.name),
  };
  const classified = withExamples(
    shown,
    all.filter(isTest).flatMap((file) => file.examples),
  );
  return { ...classified, synopsis: synopsisOf(doc, namesInScope(classified)) };
}

function isTest({ name }: SourceFile): boolean {
  return name.endsWith("_test.go");
}

/** The one type of a group, if there is just one and most of the group has it. */
function dominantType({ types }: DeclaredValues): string | undefined {
  const named = types.filter((type) => type !== "");
  const [type] = named;
  if (type === undefined || named.some((other) => other !== type)) return undefined;
  return named.length >= Math.floor(types.length * DOMINANT) ? type : undefined;
}

/** With which functions one belongs: those of the single exported type among its results, else those of the package. */
function funcsFor(
  func: DeclaredFunc,
  ofPackage: Map<string, DeclaredFunc>,
  lookUp: (name: string) => NamedType | undefined,
): Map<string, DeclaredFunc> {
  const made = func.results.filter(({ name, imported }) => !imported && isExported(name));
  return (made.length === 1 && lookUp(made[0]!.name)?.funcs) || ofPackage;
}

/** Of several with one name the first that has documentation. */
function keepDocumented(funcs: Map<string, DeclaredFunc>, func: DeclaredFunc): void {
  const known = funcs.get(func.name);
  if (!known || known.doc === "") funcs.set(func.name, func);
}

function addMethod(methods: Map<string, Method>, func: DeclaredFunc): void {
  const known = methods.get(func.name);
  if (known?.func && known.func.doc !== "") return;
  const recv = func.recv!.text;
  methods.set(func.name, { func, name: func.name, recv, original: recv, text: func.text, level: 0 });
}

/** Gives a struct the methods of what it embeds, a level deeper with each. */
function promote(type: NamedType): void {
  const visited = new Set<NamedType>();
  const collect = (from: NamedType, isPointer: boolean, level: number): void => {
    visited.add(from);
    for (const [embedded, byPointer] of from.embedded) {
      const throughPointer = isPointer || byPointer;
      for (const method of embedded.methods.values()) {
        if (method.level !== 0 || !method.func) continue;
        const { before, after, text } = method.func.recv!;
        const recv = !throughPointer && text.startsWith("*") ? `*${type.name}` : type.name;
        addPromoted(type.methods, { ...method, recv, text: before + recv + after, level });
      }
      if (!visited.has(embedded)) collect(embedded, throughPointer, level + 1);
    }
    visited.delete(from);
  };
  collect(type, false, 1);
}

function addPromoted(methods: Map<string, Method>, method: Method): void {
  const known = methods.get(method.name);
  if (!known || method.level < known.level) methods.set(method.name, method);
  else if (method.level === known.level) methods.set(method.name, { ...method, func: undefined });
}

function valueDocs(values: readonly OrderedValues[], keyword: "const" | "var"): ValueDoc[] {
  return values
    .filter((group) => group.keyword === keyword)
    .sort((a, b) => order(a.sortName, b.sortName) || a.order - b.order)
    .map(({ doc, names, text, source }) => ({ doc, names, text, source }));
}

function funcDocs(funcs: readonly DeclaredFunc[]): FuncDoc[] {
  return funcs
    .toSorted(byName)
    .map(({ name, doc, text, source, recv }) => ({ name, doc, ...(recv && { recv: recv.text }), text, source }));
}

function typeDoc({ name, declared, values, funcs, methods }: NamedType & { declared: DeclaredType }): TypeDoc {
  const { doc, text, source, members } = declared;
  const shown = [...methods.values()].filter(
    ({ func, level, original }) => func && (level === 0 || !isExported(original.replace(/^\*/, ""))),
  );
  return {
    name,
    doc,
    text,
    source,
    consts: valueDocs(values, "const"),
    vars: valueDocs(values, "var"),
    funcs: funcDocs([...funcs.values()]),
    methods: shown.sort(byName).map((method) => ({
      ...{
        name: method.name,
        doc: method.func!.doc,
        recv: method.recv,
        text: method.text,
        source: method.func!.source,
      },
      ...(method.level > 0 && { level: method.level }),
    })),
    members,
  };
}

/** What the files call the packages that they import, where a name means one of them. */
function importNames(files: readonly SourceFile[]): Record<string, string> {
  const paths = new Map<string, string>();
  for (const { name: said, path } of files.flatMap((file) => file.imports)) {
    if (said === ".") continue;
    const name = said || assumedPackageName(path);
    const known = paths.get(name);
    if (known === undefined) paths.set(name, path);
    else if (known !== path) paths.set(name, "");
  }
  return Object.fromEntries([...paths].filter(([, path]) => path !== ""));
}

/** Gives examples to what they are of; those that are of nothing are left out. */
function withExamples(
  doc: Omit<PackageDoc, "synopsis" | "examples">,
  examples: readonly ExampleDoc[],
): Omit<PackageDoc, "synopsis"> {
  if (examples.length === 0) return { ...doc, examples: [] };
  const targets = new Map([["", ""]]);
  for (const { name } of doc.funcs) targets.set(name, name);
  for (const type of doc.types) {
    targets.set(type.name, type.name);
    for (const { name } of type.funcs) targets.set(name, name);
    for (const method of type.methods) {
      const base = method.recv!.replace(/^\*/, "").replace(/\[.*\]/s, "");
      targets.set(`${base}_${method.name}`, `${base}.${method.name}`);
    }
  }
  const of = new Map<string, ExampleDoc[]>();
  for (const example of examples.toSorted(byName)) {
    const found = exemplified(example.name, targets);
    if (!found) continue;
    const list = of.get(found.target) ?? [];
    of.set(found.target, [...list, { ...example, suffix: found.suffix }]);
  }
  for (const list of of.values()) list.sort((a, b) => order(a.suffix, b.suffix));
  const take = <T extends object>(one: T, target: string): T =>
    of.has(target) ? { ...one, examples: of.get(target)! } : one;
  return {
    ...doc,
    examples: of.get("") ?? [],
    funcs: doc.funcs.map((func) => take(func, func.name)),
    types: doc.types.map((type) => ({
      ...take(type, type.name),
      funcs: type.funcs.map((func) => take(func, func.name)),
      methods: type.methods.map((method) =>
        take(method, `${method.recv!.replace(/^\*/, "").replace(/\[.*\]/s, "")}.${method.name}`),
      ),
    })),
  };
}
