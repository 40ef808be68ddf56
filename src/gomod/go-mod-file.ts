// A go.mod file: a module's path, the Go version it is written for, and the modules it requires, replaces, excludes and
// retracts, one directive to a line or several in a block. What is in here is what we show and what retractions are read
// from; whether a tag is a version at all is decided by the cruder scan of go-mod-line.ts. The go command reads the go.mod
// of a dependency laxly: it understands module, go, require, retract and ignore, and passes over every other directive,
// right or wrong. So do we; of the others (replace, exclude, toolchain, godebug, tool) those that are well formed are kept.
// Sources: Go Modules Reference, "go.mod files"; golang.org/x/mod/modfile read.go (syntax) and rule.go (ParseLax).

import { everybodysTurn } from "../concurrency/turns.ts";
import { invalid } from "../errors.ts";
import { type Line, type LineBlock, parseSyntax, type Statement, syntaxError } from "./go-mod-syntax.ts";
import { quote, unquote } from "./go-quote.ts";
import { checkPathMajor, splitPathMajor } from "./module-path.ts";
import { fields, isPrintable, trimSpace } from "./unicode.ts";
import { canonicalVersion, compare } from "./version.ts";

export type Requirement = { path: string; version: string; indirect: boolean };
type Replacement = { oldPath: string; oldVersion?: string; newPath: string; newVersion?: string };
/** A closed interval of versions; low and high are equal for a single version. */
export type Retraction = { low: string; high: string; rationale?: string };

export type GoModFile = {
  /** Absent if there is no module line. `deprecated` is the message, present only if there is one. */
  module?: { path: string; deprecated?: string };
  /** The language version, such as `1.24` or `1.24.1`. */
  go?: string;
  /** The toolchain's name, such as `go1.24.1`. */
  toolchain?: string;
  godebug: { key: string; value: string }[];
  requires: Requirement[];
  replaces: Replacement[];
  excludes: { path: string; version: string }[];
  retracts: Retraction[];
  tools: string[];
  ignores: string[];
};

/** Why one directive is wrong. It is fatal in those directives that the go command reads in dependencies. */
class DirectiveError extends Error {}

/** So many errors are told, and then no more are looked for: a file of megabytes may hold nothing else. */
const MAX_ERRORS = 100;
/** A file is read for so long without a pause. */
const SLICE_MS = 5;

const GO_VERSION = /^[1-9][0-9]*\.(?:0|[1-9][0-9]*)(?:\.(?:0|[1-9][0-9]*))?(?:[a-z]+[0-9]+)?$/;
const LAX_GO_VERSION = /^v?([1-9][0-9]*\.(?:0|[1-9][0-9]*))[^0-9].*$/;
const TOOLCHAIN = /^default$|^go1(?:$|\.)/;

const BLOCKS = new Set(["module", "godebug", "require", "exclude", "replace", "retract", "tool", "ignore"]);
const READ_IN_DEPENDENCIES = new Set(["go", "module", "retract", "require", "ignore"]);

/**
 * Reads a go.mod file as the go command reads that of a dependency (modfile.ParseLax, without a version fixer: `v1.2` is
 * taken as `v1.2.0`). A byte order mark at the beginning, which go refuses, is tolerated. Throws Failure "invalid" whose
 * message has a line for each of the first hundred errors, each with its place: `go.mod:3: usage: require module/path v1.2.3`.
 */
export function parseGoMod(text: string): GoModFile {
  const reading = readingGoMod(text);
  for (;;) {
    const { done, value } = reading.next();
    if (done) return value;
  }
}

/** Reads a go.mod file as parseGoMod does, in parts of a few milliseconds, with everybody's turn in between. */
export async function parseGoModInTurns(text: string): Promise<GoModFile> {
  const reading = readingGoMod(text);
  for (let begun = performance.now(); ; ) {
    const { done, value } = reading.next();
    if (done) return value;
    if (performance.now() - begun < SLICE_MS) continue;
    await everybodysTurn();
    begun = performance.now();
  }
}

/** A line at each step. */
function* readingGoMod(text: string): Generator<void, GoModFile> {
  const file: GoModFile = {
    godebug: [],
    requires: [],
    replaces: [],
    excludes: [],
    retracts: [],
    tools: [],
    ignores: [],
  };
  const errors: string[] = [];
  const statements = yield* parseSyntax(text.startsWith("\ufeff") ? text.slice(1) : text);
  for (const { verb, args, line, block } of directives(statements)) {
    yield;
    try {
      addDirective(file, verb, args, line, block);
    } catch (error) {
      if (!(error instanceof DirectiveError)) throw error;
      if (READ_IN_DEPENDENCIES.has(verb)) errors.push(syntaxError(line.place, error.message));
      if (errors.length >= MAX_ERRORS) break;
    }
  }
  if (errors.length > 0) throw invalid(errors.join("\n"));
  return file;
}

type Directive = { verb: string; args: readonly string[]; line: Line; block: LineBlock | undefined };

function* directives(statements: readonly Statement[]): Generator<Directive> {
  for (const statement of statements) {
    const [verb = "", ...args] = statement.tokens;
    if (statement.kind === "line") yield { verb, args, line: statement, block: undefined };
    else if (args.length === 0 && BLOCKS.has(verb)) {
      for (const line of statement.lines) yield { verb, args: line.tokens, line, block: statement };
    }
  }
}

function addDirective(
  file: GoModFile,
  verb: string,
  args: readonly string[],
  line: Line,
  block: LineBlock | undefined,
): void {
  const [first = "", second = ""] = args;
  switch (verb) {
    case "module": {
      if (file.module) throw new DirectiveError("repeated module statement");
      const deprecated = deprecation(directiveComment(block, line));
      file.module = deprecated === "" ? { path: "" } : { path: "", deprecated };
      if (args.length !== 1) throw new DirectiveError("usage: module module/path");
      file.module.path = parseString(first);
      return;
    }
    case "go": {
      if (file.go !== undefined) throw new DirectiveError("repeated go statement");
      if (args.length !== 1) throw new DirectiveError("go directive expects exactly one argument");
      const version = GO_VERSION.test(first) ? first : LAX_GO_VERSION.exec(first)?.[1];
      if (version === undefined) {
        throw new DirectiveError(`invalid go version '${first}': must match format 1.23.0`);
      }
      file.go = version;
      return;
    }
    case "toolchain":
      if (file.toolchain === undefined && args.length === 1 && TOOLCHAIN.test(first)) file.toolchain = first;
      return;
    case "godebug": {
      const equals = first.indexOf("=");
      if (args.length === 1 && equals >= 0 && !/["`',]/.test(first)) {
        file.godebug.push({ key: first.slice(0, equals), value: first.slice(equals + 1) });
      }
      return;
    }
    case "require":
    case "exclude": {
      if (args.length !== 2) throw new DirectiveError(`usage: ${verb} module/path v1.2.3`);
      const path = parseString(first);
      const version = versionOf(verb, path, second);
      requireMatchingMajor(verb, path, version);
      if (verb === "exclude") file.excludes.push({ path, version });
      else file.requires.push({ path, version, indirect: isIndirect(line) });
      return;
    }
    case "replace":
      file.replaces.push(replacement(args));
      return;
    case "retract": {
      // Go passes over an interval that it cannot read, so that later versions of it may invent others.
      const interval = versionInterval(args);
      if (!interval) return;
      const rationale = directiveComment(block, line);
      file.retracts.push(rationale === "" ? interval : { ...interval, rationale });
      return;
    }
    case "tool":
    case "ignore":
      if (args.length !== 1) throw new DirectiveError(`${verb} directive expects exactly one argument`);
      file[verb === "tool" ? "tools" : "ignores"].push(parseString(first));
  }
}

/** A path or version as it stands in a line, bare or quoted: modfile.parseString. */
function parseString(token: string): string {
  if (token.startsWith('"')) {
    const text = unquote(token);
    if (text === undefined) throw new DirectiveError("invalid quoted string: invalid syntax");
    return text;
  }
  if (/["'`]/.test(token)) throw new DirectiveError("invalid quoted string: unquoted string cannot contain quote");
  return token;
}

function versionOf(verb: string, path: string, token: string): string {
  const complain = (version: string, reason: string): never => {
    throw new DirectiveError(`${verb}${path === "" ? "" : ` ${path}`}: version ${quote(version)} invalid: ${reason}`);
  };
  let text: string;
  try {
    text = parseString(token);
  } catch (error) {
    if (!(error instanceof DirectiveError)) throw error;
    return complain(token, error.message.replace(/^invalid quoted string: /, ""));
  }
  return canonicalVersion(text) || complain(text, "must be of the form v1.2.3");
}

function requireMatchingMajor(verb: string, path: string, version: string | undefined): void {
  const split = splitPathMajor(path);
  if (!split) throw new DirectiveError("invalid module path");
  const reason = version === undefined ? undefined : checkPathMajor(version, split.pathMajor);
  if (reason !== undefined) throw new DirectiveError(`${verb} ${path}: ${reason}`);
}

/** Whether the requirement is there only for the sake of other modules: its comment is `indirect` or `indirect; …`. */
function isIndirect(line: Line): boolean {
  const [first, ...rest] = fields((line.suffix ?? "").replace(/^\/\//, ""));
  return rest.length === 0 ? first === "indirect" : first === "indirect;";
}

/** Whether the target of a replacement is a directory, of whatever operating system: modfile.IsDirectoryPath. */
const isDirectoryPath = (path: string): boolean => /^(?:\.{1,2}(?:$|[/\\])|[/\\]|[A-Za-z]:)/.test(path);

function replacement(args: readonly string[]): Replacement {
  const arrow = args[1] === "=>" ? 1 : 2;
  const [target, targetVersion] = [args[arrow + 1], args[arrow + 2]];
  if (target === undefined || args.length > arrow + 3 || args[arrow] !== "=>")
    throw new DirectiveError("usage: replace");
  const oldPath = parseString(args[0] ?? "");
  const oldVersion = arrow === 2 ? versionOf("replace", oldPath, args[1] ?? "") : undefined;
  requireMatchingMajor("replace", oldPath, oldVersion);
  const newPath = parseString(target);
  const newVersion = targetVersion === undefined ? undefined : versionOf("replace", newPath, targetVersion);
  if (isDirectoryPath(newPath) === (newVersion !== undefined)) {
    throw new DirectiveError("a replacement is a directory, or a module with a version");
  }
  if (newVersion === undefined && newPath.includes("\\")) {
    throw new DirectiveError("replacement directory appears to be Windows path (on a non-windows system)");
  }
  return {
    oldPath,
    ...(oldVersion === undefined ? {} : { oldVersion }),
    newPath,
    ...(newVersion === undefined ? {} : { newVersion }),
  };
}

/**
 * `v1.2.3` or `[v1.2.3, v1.3.0]`, whatever may follow; undefined if it is neither. The bounds are kept as they are
 * written, even if they are no versions: modfile.parseVersionInterval, as ParseLax calls it.
 */
function versionInterval(args: readonly string[]): { low: string; high: string } | undefined {
  const [first, low, comma, high, bracket] = args;
  if (first === undefined || first === "(") return undefined;
  if (first === "[" && (low === undefined || comma !== "," || high === undefined || bracket !== "]")) return undefined;
  try {
    const [from, to] = first === "[" ? [low ?? "", high ?? ""] : [first, first];
    return { low: parseString(from), high: parseString(to) };
  } catch (error) {
    if (error instanceof DirectiveError) return undefined;
    throw error;
  }
}

/** The text of the comments on a directive, or if it has none, of those on its block: modfile.parseDirectiveComment. */
function directiveComment(block: LineBlock | undefined, line: Line): string {
  const owner = block && line.before.length === 0 && line.suffix === undefined ? block : line;
  return [...owner.before, ...(owner.suffix === undefined ? [] : [owner.suffix])]
    .filter((comment) => comment.startsWith("//"))
    .map((comment) => trimSpace(comment.slice(2)))
    .join("\n");
}

/** The paragraph of a comment that begins with `Deprecated:`, without that word: modfile.parseDeprecation. */
const deprecation = (comment: string): string => /(?:^|\n\n)Deprecated: *(.*?)(?:$|\n\n)/s.exec(comment)?.[1] ?? "";

/**
 * Whether the version lies in a retracted interval, and why, if a reason is given: the comments of all intervals that
 * hold it, in their order, with a blank line between. As in modload.CheckRetractions.
 */
export function isRetracted(
  version: string,
  retracts: readonly Retraction[],
): { retracted: boolean; rationale?: string } {
  const hits = retracts.filter(({ low, high }) => compare(low, version) <= 0 && compare(version, high) <= 0);
  const rationale = hits.flatMap((hit) => hit.rationale ?? []).join("\n\n");
  return { retracted: hits.length > 0, ...(rationale === "" ? {} : { rationale }) };
}

/** As isRetracted, for many versions: each costs the logarithm of the number of intervals. */
export function retractedBy(retracts: readonly Retraction[]): (version: string) => boolean {
  const ascending = retracts.toSorted((a, b) => compare(a.low, b.low));
  // The highest end of all intervals up to each.
  const ends: string[] = [];
  for (const { high } of ascending) {
    const before = ends.at(-1);
    ends.push(before !== undefined && compare(before, high) > 0 ? before : high);
  }
  return (version) => {
    let [from, to] = [0, ascending.length];
    while (from < to) {
      const middle = (from + to) >>> 1;
      if (compare(ascending[middle]!.low, version) <= 0) from = middle + 1;
      else to = middle;
    }
    return from > 0 && compare(version, ends[from - 1]!) <= 0;
  };
}

/** Whether a path cannot stand bare in a go.mod line: modfile.MustQuote. */
function mustQuote(text: string): boolean {
  if (text === "" || text.includes("//") || text.includes("/*")) return true;
  for (const character of text) {
    if (/[ "'`]/.test(character) || !isPrintable(character)) return true;
    if (/[()[\]{},]/.test(character) && text.length > 1) return true;
  }
  return false;
}

/** The go.mod that go makes up for a module that has none: modfetch.LegacyGoMod. */
export const synthesizeGoMod = (path: string): string => `module ${mustQuote(path) ? quote(path) : path}\n`;
