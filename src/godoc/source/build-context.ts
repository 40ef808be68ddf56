// Which files of a directory belong to a package on a given system (go/build, Context.MatchFile; "Build constraints" in the
// documentation of the go command): the ends of file names, `//go:build`, and without that `// +build`. Documentation is made
// for four systems, as pkg.go.dev does, in its order: the first of them is what a page shows.

import type { BuildContext } from "../documentation.ts";

/** The systems of which there is documentation, in the order in which they are preferred. */
export const BUILD_CONTEXTS: readonly BuildContext[] = [
  { goos: "linux", goarch: "amd64" },
  { goos: "windows", goarch: "amd64" },
  { goos: "darwin", goarch: "amd64" },
  { goos: "js", goarch: "wasm" },
];

/** The newest release whose tag (go1.x) holds. */
const NEWEST_RELEASE = 27;

const words = (text: string): ReadonlySet<string> => new Set(text.split(/\s+/));
/** internal/syslist: past, present and future ones. */
const KNOWN_OS = words(
  "aix android darwin dragonfly freebsd hurd illumos ios js linux nacl netbsd openbsd plan9 solaris wasip1 windows zos",
);
const KNOWN_ARCH = words(
  `386 amd64 amd64p32 arm armbe arm64 arm64be loong64 mips mipsle mips64 mips64le mips64p32 mips64p32le ppc ppc64 ppc64le
  riscv riscv64 s390 s390x sparc sparc64 wasm`,
);
const UNIX = words("aix android darwin dragonfly freebsd hurd illumos ios linux netbsd openbsd solaris");

/** Terms of a constraint that are read; one with more holds nowhere. */
const MAX_TERMS = 1000;

/** Whether a file, named without its directory, is of the package in a context. */
export function isInContext(name: string, text: string, context: BuildContext): boolean {
  return !/^[_.]/.test(name) && nameFits(name, context) && constraintHolds(text, context);
}

/** Whether the text's constraint names nothing, so that its name alone decides. */
function nameFits(file: string, context: BuildContext): boolean {
  const [name] = file.split(".");
  const parts = name!.split("_").slice(1);
  if (parts.at(-1) === "test") parts.pop();
  const last = parts.at(-1) ?? "";
  const before = parts.at(-2) ?? "";
  if (KNOWN_OS.has(before) && KNOWN_ARCH.has(last)) return holds(before, context) && holds(last, context);
  return KNOWN_OS.has(last) || KNOWN_ARCH.has(last) ? holds(last, context) : true;
}

function holds(tag: string, { goos, goarch }: BuildContext): boolean {
  if (tag === goos || tag === goarch || tag === "gc" || tag === "cgo") return true;
  if (tag === "unix") return UNIX.has(goos);
  const release = /^go1\.([0-9]{1,4})$/.exec(tag);
  return release !== null && Number(release[1]) >= 1 && Number(release[1]) <= NEWEST_RELEASE;
}

/** Whether what stands above the package clause allows the context. */
function constraintHolds(text: string, context: BuildContext): boolean {
  const { goBuild, plusBuild } = constraintsIn(text);
  if (goBuild !== undefined) return evaluate(goBuild, (tag) => holds(tag, context));
  return plusBuild.every((line) =>
    // Options apart by blanks, of terms apart by commas.
    line
      .split(/[ \t]+/)
      .some((option) => option.split(",").every((term) => plusTermHolds(term, (tag) => holds(tag, context)))),
  );
}

function plusTermHolds(term: string, tagHolds: (tag: string) => boolean): boolean {
  if (term.startsWith("!!") || !/^!?[\p{L}\p{Nd}_.]+$/u.test(term)) return false;
  return term.startsWith("!") ? !tagHolds(term.slice(1)) : tagHolds(term);
}

/** The constraints in the comments above the package clause; `// +build` only where a blank line follows its comments. */
function constraintsIn(text: string): { readonly goBuild: string | undefined; readonly plusBuild: readonly string[] } {
  let goBuild: string | undefined;
  let plusBuild: string[] = [];
  let waiting: string[] = [];
  let inBlock = false;
  let at = 0;
  while (at < text.length) {
    const newline = text.indexOf("\n", at);
    const end = newline === -1 ? text.length : newline;
    let line = text.slice(at, Math.min(end, at + 10_000)).trim();
    at = end + 1;
    if (line === "" && !inBlock) {
      plusBuild = [...plusBuild, ...waiting];
      waiting = [];
      continue;
    }
    if (!inBlock && line.startsWith("//")) {
      const [, expression] = /^\/\/go:build[ \t]+(.*)$/.exec(line) ?? [];
      if (expression !== undefined) goBuild ??= expression;
      const [, options] = /^\/\/[ \t]*\+build[ \t]+(.*)$/.exec(line) ?? [];
      if (options !== undefined) waiting.push(options.trim());
      continue;
    }
    // Comments of the other kind may stand above the package clause too.
    while (line !== "") {
      if (inBlock) {
        const close = line.indexOf("*/");
        if (close === -1) break;
        inBlock = false;
        line = line.slice(close + 2).trim();
      } else if (line.startsWith("/*")) {
        inBlock = true;
        line = line.slice(2);
      } else if (line.startsWith("//")) break;
      else return { goBuild, plusBuild };
    }
  }
  return { goBuild, plusBuild };
}

/** Evaluates an expression of tags, `!`, `&&`, `||` and parentheses; one that is none holds nowhere. */
function evaluate(expression: string, tagHolds: (tag: string) => boolean): boolean {
  const tokens = expression.replace(/\/\/.*$/, "").match(/\|\||&&|[!()]|[\p{L}\p{Nd}_.]+|\S/gu) ?? [];
  if (tokens.length === 0 || tokens.length > MAX_TERMS) return false;
  let at = 0;
  const or = (depth: number): boolean => {
    let value = and(depth);
    while (tokens[at] === "||") {
      at++;
      const right = and(depth);
      value ||= right;
    }
    return value;
  };
  const and = (depth: number): boolean => {
    let value = not(depth);
    while (tokens[at] === "&&") {
      at++;
      const right = not(depth);
      value &&= right;
    }
    return value;
  };
  const not = (depth: number): boolean => {
    const token = tokens[at++];
    if (depth > MAX_TERMS || token === undefined) throw new NoExpression();
    if (token === "!") return !not(depth + 1);
    if (token === "(") {
      const value = or(depth + 1);
      if (tokens[at++] !== ")") throw new NoExpression();
      return value;
    }
    if (!/^[\p{L}\p{Nd}_.]+$/u.test(token)) throw new NoExpression();
    return tagHolds(token);
  };
  try {
    return or(0) && at === tokens.length;
  } catch (error) {
    if (error instanceof NoExpression) return false;
    throw error;
  }
}

class NoExpression extends Error {}
