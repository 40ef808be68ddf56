// Names of Go: which are exported, which are predeclared, what a package is assumed to be called, and which words are
// packages of the standard library by themselves.

/** token.IsExported: whether a name begins with an upper-case letter. */
export function isExported(name: string): boolean {
  return /^\p{Lu}/u.test(name);
}

export const PREDECLARED_TYPES: ReadonlySet<string> = new Set(
  `any bool byte comparable complex64 complex128 error float32 float64 int int8 int16 int32 int64 rune string uint uint8
  uint16 uint32 uint64 uintptr`.split(/\s+/),
);

/**
 * What the package of an import path is called if nobody says so (ImportPathToAssumedName of x/tools): its last element, or
 * the one before a major version, without `go-` and what cannot be a name.
 */
export function assumedPackageName(importPath: string): string {
  const elements = importPath.replace(/\/+$/, "").split("/");
  let base = elements.at(-1) ?? "";
  if (/^v[0-9]+$/.test(base) && elements.length > 1) base = elements.at(-2)!;
  base = base.replace(/^go-/, "");
  const end = base.search(/[^\p{L}\p{Nd}_]/u);
  return end === -1 ? base : base.slice(0, end);
}

/** Packages whose import path is one word (go/doc/comment/std.go of Go 1.26). */
const STANDARD_NAMES: ReadonlySet<string> = new Set(
  `bufio bytes cmp context crypto embed encoding errors expvar flag fmt hash html image io iter log maps math mime net os
  path plugin reflect regexp runtime slices sort strconv strings structs sync syscall testing time unicode unique unsafe
  weak`.split(/\s+/),
);

/** Whether a word alone names a package of the standard library. */
export function isStandardName(word: string): boolean {
  return STANDARD_NAMES.has(word);
}
