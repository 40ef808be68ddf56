// What changed in the exported declarations between two versions of a package: which came, which went, which are declared
// otherwise. Declarations are compared as they are shown (source/declaration-text.ts), without comments and blanks: what
// is not exported, and what only says something else, is no change. It is a comparison of texts, not of types: whether a
// change breaks anybody is for people to say.
import type { PackageDoc } from "../documentation.ts";
import { functionLine, typeLine, variableLines } from "./one-line.ts";

/** A declaration that changed. */
export interface ApiChange {
  /** With the type for methods: `Reader.Read`. */
  readonly name: string;
  readonly kind: "const" | "var" | "func" | "type" | "method" | "field";
  readonly change: "added" | "removed" | "changed";
  /** In one line or as the whole declaration; undefined where there is none. */
  readonly before: string | undefined;
  readonly after: string | undefined;
}

interface Declared {
  readonly kind: ApiChange["kind"];
  readonly text: string;
  /** What is compared. */
  readonly bare: string;
}

/** How the API of a package changed, by name. Either side may be missing: all of the other came or went. */
export function apiDiff(before: PackageDoc | undefined, after: PackageDoc | undefined): ApiChange[] {
  const old = declarationsOf(before);
  const now = declarationsOf(after);
  const names = [...new Set([...old.keys(), ...now.keys()])].sort();
  return names.flatMap((name): ApiChange[] => {
    const was = old.get(name);
    const is = now.get(name);
    if (was && is && was.bare === is.bare) return [];
    const change = was ? (is ? "changed" : "removed") : "added";
    return [{ name, kind: (is ?? was)!.kind, change, before: was?.text, after: is?.text }];
  });
}

function declarationsOf(doc: PackageDoc | undefined): Map<string, Declared> {
  const found = new Map<string, Declared>();
  if (!doc) return found;
  const add = (name: string, kind: Declared["kind"], text: string): void => {
    found.set(name, { kind, text, bare: bare(text) });
  };
  const groups = (keyword: "const" | "var", list: PackageDoc["consts"]): void => {
    for (const { names, text } of list) {
      const lines = keyword === "var" ? variableLines(text) : constantLines(text);
      for (const name of names) if (name !== "_") add(name, keyword, lines.get(name) ?? `${keyword} ${name}`);
    }
  };
  groups("const", doc.consts);
  groups("var", doc.vars);
  for (const { name, text } of doc.funcs) add(name, "func", functionLine(text));
  for (const type of doc.types) {
    // Fields and methods are compared one by one, so that a type whose field changed is not said to have changed too.
    const hasMembers = type.members.length > 0;
    add(type.name, "type", hasMembers ? typeLine(type.text) : bareText(type.text));
    for (const { name, kind, text } of type.members) add(`${type.name}.${name}`, kind, text);
    groups("const", type.consts);
    groups("var", type.vars);
    for (const { name, text } of type.funcs) add(name, "func", functionLine(text));
    for (const { name, text } of type.methods) add(`${type.name}.${name}`, "method", functionLine(text));
  }
  return found;
}

/** The constants of a declaration, each with its type and value; those that follow an iota with their place. */
function constantLines(text: string): Map<string, string> {
  const lines = new Map<string, string>();
  const body = text.startsWith("const (") ? text.slice("const (".length, -1) : text.slice("const ".length);
  for (const line of body.split("\n")) {
    const spec = /^\s*([\p{L}_][\p{L}\p{Nd}_]*)((?:,\s*[\p{L}_][\p{L}\p{Nd}_]*)*)(.*)$/u.exec(line);
    if (!spec || line.trim().startsWith("//")) continue;
    const rest = spec[3]!
      .replace(/\s*\/\/.*$/, "")
      .replace(/\s+/g, " ")
      .trim();
    for (const name of [spec[1]!, ...spec[2]!.split(",").map((one) => one.trim())])
      if (name !== "") lines.set(name, `const ${name}${rest === "" ? "" : ` ${rest}`}`);
  }
  return lines;
}

function bareText(text: string): string {
  return text
    .replace(
      /(`[^`]*`|"(?:[^"\\\n]|\\.)*")|\/\/[^\n]*|\/\*[\s\S]*?\*\//g,
      (_, quoted: string | undefined) => quoted ?? "",
    )
    .replace(/[ \t]+$/gm, "")
    .replace(/\n{2,}/g, "\n");
}

function bare(text: string): string {
  return bareText(text).replace(/\s+/g, " ");
}
