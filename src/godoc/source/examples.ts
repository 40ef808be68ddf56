// Examples in test files (go/doc/example.go): functions `ExampleX` without parameters and results. Their code is what
// stands in the braces, a level further out, without the comment that says what they print; a file that holds one example,
// other declarations and no test is shown whole. To which declaration an example belongs its name says.
import { commentText } from "../comment/comment-text.ts";
import type { ExampleDoc } from "../documentation.ts";
import { areOneGroup } from "./comment-groups.ts";

/** Of an example's code, in characters. */
const MAX_CODE = 32 * 1024;

/** Whether a function is a test, a benchmark or a fuzz test. */
export function isTestName(name: string): boolean {
  return /^(?:Test|Benchmark|Fuzz)(?!\p{Ll})/u.test(name);
}

/** Whether a test file as a whole is the example that it holds. */
export function isExampleFile(hasTests: boolean, declarations: number, examples: number): boolean {
  return !hasTests && declarations > 1 && examples === 1;
}

interface ExampleSource {
  readonly name: string;
  readonly doc: string;
  readonly file: string;
  /** With its braces. */
  readonly body: string;
  /** All comments in it, with their markers and where they begin. */
  readonly comments: readonly { readonly at: number; readonly text: string }[];
  readonly isWhole: boolean;
  /** Where the package clause is in the file. */
  readonly fileStart: number;
}

/** An example out of its source. Its suffix is found when it is known what it belongs to. */
export function exampleOf({ name, doc, file, body, comments, isWhole, fileStart }: ExampleSource): ExampleDoc {
  // The last group of comments: lines that follow each other.
  const last: string[] = [];
  let end = body.length;
  for (const { at, text } of comments.toReversed()) {
    if (last.length > 0 && !areOneGroup(body, { start: at, end: at + text.length }, { start: end, end })) break;
    last.unshift(text);
    end = at;
  }
  const said = /^\s*(unordered )?output:/i.exec(commentText(last));
  const output = said ? commentText(last).slice(said[0].length).replace(/^ +/, "").replace(/^\n/, "") : "";
  const shown = isWhole ? file.slice(fileStart) : dedent((said ? body.slice(0, end) : body.slice(0, -1)).slice(1));
  const code = shown.length > MAX_CODE ? `${shown.slice(0, MAX_CODE)}\n// …` : shown;
  return {
    name: name.slice("Example".length),
    suffix: "",
    doc,
    code: code.trim(),
    output,
    unordered: said?.[1] !== undefined,
  };
}

function dedent(text: string): string {
  return text.replace(/(?<![^\n])\t/g, "").trim();
}

/** What an example is of. */
export interface Exemplified {
  readonly target: string;
  readonly suffix: string;
}

/**
 * To which of the things that have examples a name belongs: "" is the package, `F` a function, `T` a type, `T_M` a method
 * (its target is `T.M`), each with `_suffix`, which begins in lower case. Undefined: to none of them.
 */
export function exemplified(name: string, targets: ReadonlyMap<string, string>): Exemplified | undefined {
  // As go/doc classifyExamples: the longest name that something has, and behind it a suffix.
  for (let at = name.length; at >= 0; at = at === 0 ? -1 : name.lastIndexOf("_", at - 1)) {
    const target = targets.get(name.slice(0, at));
    if (target === undefined) continue;
    if (at === name.length) return { target, suffix: "" };
    const suffix = name.slice(at + 1);
    if (name[at] === "_" && /^\p{Ll}/u.test(suffix)) return { target, suffix };
  }
  return undefined;
}
