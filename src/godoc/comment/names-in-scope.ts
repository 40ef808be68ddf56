// What a name in a doc comment may be a link to (go/doc, Package.Parser): what the package declares, fields and methods of
// its types among it, and the packages that its files import.

import type { FuncDoc, PackageDoc } from "../documentation.ts";
import type { NamesInScope } from "./linked-text.ts";

/** The names of a package's documentation. */
export function namesInScope(
  doc: Pick<PackageDoc, "name" | "consts" | "vars" | "funcs" | "types" | "importNames">,
): NamesInScope {
  const symbols = new Set<string>();
  const addFunc = ({ name, recv }: FuncDoc): void => {
    symbols.add(recv === undefined ? name : `${recv.replace(/^\*/, "").replace(/\[.*$/s, "")}.${name}`);
  };
  for (const { names } of [...doc.consts, ...doc.vars]) for (const name of names) symbols.add(name);
  for (const func of doc.funcs) addFunc(func);
  for (const type of doc.types) {
    symbols.add(type.name);
    for (const { names } of [...type.consts, ...type.vars]) for (const name of names) symbols.add(name);
    for (const func of [...type.funcs, ...type.methods]) addFunc(func);
    for (const { name } of type.members) symbols.add(`${type.name}.${name}`);
  }
  return {
    packageNamed: (name) =>
      Object.hasOwn(doc.importNames, name) ? doc.importNames[name] : name === doc.name ? "" : undefined,
    hasSymbol: (recv, name) => symbols.has(recv === "" ? name : `${recv}.${name}`),
  };
}
