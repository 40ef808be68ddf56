// A module path names a module and says where it lives: `example.com/group/lib/v2` is a domain, a location on it, and a
// major version suffix that every module from v2 on must carry. File names in a module obey a wider form of the same
// rules, so that every module can be unpacked on every operating system. On the wire and on disk an upper-case letter is
// written as `!` and the lower-case one, so that file systems that ignore case keep modules apart.
// Sources: Go Modules Reference, "Module paths, packages, and versions"; golang.org/x/mod/module (module.go).

import { invalid } from "../errors.ts";
import { quote, quoteRune } from "./go-quote.ts";
import { isLetter } from "./unicode.ts";
import { build, major } from "./version.ts";

/** A checked module path, unescaped: `github.com/Acme/lib/v2`. */
export type ModulePath = string & { readonly __brand: "ModulePath" };

type PathKind = "module" | "file";

const MODULE_CHARACTERS = /^[-._~0-9A-Za-z]*$/;
const FILE_CHARACTERS = /^[-!#$%&()+,.=@[\]^_{}~ 0-9A-Za-z]*$/;
const FIRST_ELEMENT = /^[-.0-9a-z]*$/;
const WINDOWS_RESERVED = /^(?:con|prn|aux|nul|com[1-9]|lpt[1-9])$/i;

/** The first character of the text that the kind of path does not allow. */
function badCharacter(text: string, kind: PathKind): string | undefined {
  if ((kind === "module" ? MODULE_CHARACTERS : FILE_CHARACTERS).test(text)) return undefined;
  for (const character of text) {
    const letter = kind === "file" && character.charCodeAt(0) >= 0x80 && isLetter(character);
    if (!letter && !(kind === "module" ? MODULE_CHARACTERS : FILE_CHARACTERS).test(character)) return character;
  }
  return undefined;
}

/** Why one element of a path (between two slashes) is not allowed: module.checkElem. */
function checkElement(element: string, kind: PathKind): string | undefined {
  if (element === "") return "empty path element";
  if (/^\.+$/.test(element)) return `invalid path element ${quote(element)}`;
  if (kind === "module" && element.startsWith(".")) return "leading dot in path element";
  if (element.endsWith(".")) return "trailing dot in path element";
  const bad = badCharacter(element, kind);
  if (bad !== undefined) return `invalid char ${quoteRune(bad)}`;

  const dot = element.indexOf(".");
  const short = dot < 0 ? element : element.slice(0, dot);
  if (WINDOWS_RESERVED.test(short)) return `${quote(short)} disallowed as path element component on Windows`;
  // A Windows short name, as in PROGRA~1; only module paths must not look like one.
  if (kind === "module" && /~[0-9]+$/.test(short)) return "trailing tilde and digits in path element";
  return undefined;
}

/** Why a path is not allowed, without saying of which path: module.checkPath. */
function checkElements(path: string, kind: PathKind): string | undefined {
  if (!path.isWellFormed()) return "invalid UTF-8";
  if (path === "") return "empty string";
  if (kind === "module" && path.startsWith("-")) return "leading dash";
  if (path.includes("//")) return "double slash";
  if (path.endsWith("/")) return "trailing slash";
  for (const element of path.split("/")) {
    const reason = checkElement(element, kind);
    if (reason !== undefined) return reason;
  }
  return undefined;
}

function checkModulePath(path: string): string | undefined {
  const reason = checkElements(path, "module");
  if (reason !== undefined) return reason;
  const slash = path.indexOf("/");
  const first = slash < 0 ? path : path.slice(0, slash);
  if (first === "") return "leading slash";
  if (!first.includes(".")) return "missing dot in first path element";
  if (!FIRST_ELEMENT.test(first)) {
    const bad = [...first].find((character) => !FIRST_ELEMENT.test(character)) ?? "";
    return `invalid char ${quoteRune(bad)} in first path element`;
  }
  return splitPathMajor(path) === undefined ? "invalid version" : undefined;
}

/** Why the text is not a module path, in the go command's words, or undefined if it is one: module.CheckPath. */
export function checkPath(path: string): string | undefined {
  const reason = checkModulePath(path);
  return reason === undefined ? undefined : `malformed module path ${quote(path)}: ${reason}`;
}

/** Why the name cannot be a file in a module, in the go command's words, or undefined: module.CheckFilePath. */
export function checkFilePath(path: string): string | undefined {
  const reason = checkElements(path, "file");
  return reason === undefined ? undefined : `malformed file path ${quote(path)}: ${reason}`;
}

/** The text as a module path; throws Failure "invalid" with the go command's reason. */
export function parseModulePath(text: string): ModulePath {
  const reason = checkPath(text);
  if (reason !== undefined) throw invalid(reason);
  return text as ModulePath;
}

const escapeCase = (text: string): string => text.replace(/[A-Z]/g, (letter) => `!${letter.toLowerCase()}`);

/** Undoes escapeCase; undefined if the text is not something that escapeCase makes: module.unescapeString. */
function unescapeCase(escaped: string): string | undefined {
  if (!/^(?:![a-z]|[^!A-Z\u0080-\uffff])*$/.test(escaped)) return undefined;
  return escaped.replace(/!([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

/** The path as it stands in URLs and object keys: `github.com/!acme/lib`. */
export const escapePath = (path: ModulePath): string => escapeCase(path);

/** The module path that an escaped path stands for; throws Failure "invalid" unless it is exactly what go writes. */
export function unescapePath(escaped: string): ModulePath {
  const path = unescapeCase(escaped);
  if (path === undefined) throw invalid(`invalid escaped module path ${quote(escaped)}`);
  const reason = checkPath(path);
  if (reason !== undefined) throw invalid(`invalid escaped module path ${quote(escaped)}: ${reason}`);
  return path as ModulePath;
}

/** A version, or a query such as a branch, as it stands in URLs: `v1.0.0-!r!c1`. Throws Failure "invalid". */
export function escapeVersion(version: string): string {
  const disallowed = checkElement(version, "file") !== undefined || version.includes("!");
  if (disallowed || !version.isWellFormed()) {
    throw invalid(`version ${quote(version)} invalid: disallowed version string`);
  }
  // module.escapeString: letters beyond ASCII may stand in a file name but have no escaped form.
  if (/[\u0080-\uffff]/.test(version)) throw invalid("internal error: inconsistency in EscapePath");
  return escapeCase(version);
}

/** The version or query that an escaped version stands for; one path element. Throws Failure "invalid". */
export function unescapeVersion(escaped: string): string {
  const version = unescapeCase(escaped);
  if (version === undefined) throw invalid(`invalid escaped version ${quote(escaped)}`);
  const reason = checkElement(version, "file");
  if (reason !== undefined) throw invalid(`invalid escaped version ${quote(version)}: ${reason}`);
  return version;
}

/**
 * Splits the major version suffix off a path: `x.y/z/v2` into `x.y/z` and `/v2`; a gopkg.in path into `gopkg.in/yaml` and
 * `.v2` (or `.v2-unstable`). Without a suffix pathMajor is empty. Undefined if the suffix is one that no path may have,
 * such as `/v1` or `/v2.0`: module.SplitPathVersion.
 */
export function splitPathMajor(path: string): { prefix: string; pathMajor: string } | undefined {
  if (path.startsWith("gopkg.in/")) {
    const found = /(?<!^)\.v(?:0|[1-9][0-9]*)(?:-unstable)?$/.exec(path);
    return found ? { prefix: path.slice(0, found.index), pathMajor: found[0] } : undefined;
  }
  let start = path.length;
  while (start > 0 && /[0-9.]/.test(path[start - 1] ?? "")) start--;
  if (start <= 1 || start === path.length || !path.startsWith("/v", start - 2)) return { prefix: path, pathMajor: "" };
  const pathMajor = path.slice(start - 2);
  if (!/^\/v[1-9][0-9]*$/.test(pathMajor) || pathMajor === "/v1") return undefined;
  return { prefix: path.slice(0, start - 2), pathMajor };
}

/** Why the version may not carry the major suffix of its path (from splitPathMajor), or undefined: module.CheckPathMajor. */
export function checkPathMajor(version: string, pathMajor: string): string | undefined {
  const suffix = pathMajor.replace(/^(\.v.*)-unstable$/, "$1");
  // An old go command made v0.0.0- pseudo-versions for gopkg.in/x.v1, and go.mod files still hold them.
  if (version.startsWith("v0.0.0-") && suffix === ".v1") return undefined;
  const actual = major(version);
  if (suffix === "") {
    if (actual === "v0" || actual === "v1" || build(version) === "+incompatible") return undefined;
    return `version ${quote(version)} invalid: should be v0 or v1, not ${actual}`;
  }
  const wanted = suffix.slice(1);
  return actual === wanted ? undefined : `version ${quote(version)} invalid: should be ${wanted}, not ${actual}`;
}

/** The major version that a suffix stands for, `/v2` and `.v2-unstable` for `v2`; empty (v0 or v1) for an empty one. */
export const pathMajorPrefix = (pathMajor: string): string => pathMajor.slice(1).replace(/-unstable$/, "");

/** One glob as path.Match reads it, as a regular expression; undefined if it is malformed. */
function globExpression(glob: string): RegExp | undefined {
  let source = "";
  const characters = [...glob];
  const literal = (character: string): string => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`;
  for (let i = 0; i < characters.length; i++) {
    const character = characters[i] ?? "";
    if (character === "*") source += "[^/]*";
    else if (character === "?") source += "[^/]";
    else if (character === "\\") {
      const next = characters[++i];
      if (next === undefined) return undefined;
      source += literal(next);
    } else if (character === "[") {
      let negated = false;
      if (characters[i + 1] === "^") {
        negated = true;
        i++;
      }
      // One end of a range: any character but `-` and `]`, which must be escaped.
      const bound = (): string | undefined => {
        let next = characters[++i];
        if (next === undefined || next === "-" || next === "]") return undefined;
        if (next === "\\") next = characters[++i];
        return next;
      };
      let ranges = "";
      do {
        const low = bound();
        let high = low;
        if (characters[i + 1] === "-") {
          i++;
          high = bound();
        }
        if (low === undefined || high === undefined || characters[i + 1] === undefined) return undefined;
        if ((low.codePointAt(0) ?? 0) <= (high.codePointAt(0) ?? 0)) ranges += `${literal(low)}-${literal(high)}`;
      } while (characters[i + 1] !== "]");
      i++;
      // A class with only empty ranges matches nothing, its negation everything; path.Match lets a class match a slash.
      source += negated ? `[^${ranges}]` : `[${ranges}]`;
    } else source += literal(character);
  }
  return new RegExp(`^${source}$`, "su");
}

/** Whether a text is such a list and each of its globs can match something; an empty one or a malformed one cannot. */
export function isGlobList(globs: string): boolean {
  return globs.split(",").every((entry) => entry !== "" && entry !== "/" && globExpression(entry) !== undefined);
}

/**
 * Whether a path prefix of the target matches a glob of the comma-separated list, as GOPRIVATE, GONOPROXY and GONOSUMDB
 * are read: a glob with N slashes is matched against the first N+1 elements: module.MatchPrefixPatterns. The target is a
 * module or package path, in ASCII.
 */
export function matchPrefixPatterns(globs: string, target: string): boolean {
  const elements = target.split("/");
  return globs.split(",").some((entry) => {
    const glob = entry.endsWith("/") ? entry.slice(0, -1) : entry;
    if (glob === "") return false;
    const wanted = glob.split("/").length;
    if (elements.length < wanted) return false;
    return globExpression(glob)?.test(elements.slice(0, wanted).join("/")) ?? false;
  });
}
