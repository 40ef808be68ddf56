// Doc comments as text for a terminal, as go/doc/comment's Printer writes it: lines are broken where they look best, by the
// algorithm of Hirschberg and Larmore ("The least weight subsequence problem", 1987) with the weights of text.go.
import { type Block, type DocComment, type Inline, isLoose, plainText } from "./comment-tree.ts";

/** Words of one paragraph that are laid out well; beyond these lines are simply filled. */
const MAX_WRAPPED_WORDS = 20_000;

export interface TextForm {
  /** Before every line. */
  readonly prefix?: string;
  /** Before lines of code instead of it; a tab more than the prefix unless told otherwise. */
  readonly codePrefix?: string;
  /** Characters in a line without its prefix; negative: no limit. 80 less the prefix unless told otherwise. */
  readonly width?: number;
}

/** A comment as lines of text, each with a newline at its end. */
export function commentLines({ content, links }: DocComment, form: TextForm = {}): string {
  const prefix = form.prefix ?? "";
  const codePrefix = form.codePrefix ?? `${prefix}\t`;
  const width = form.width ?? 80 - [...prefix].length;
  const lines: string[] = [];
  /** Lines without what is blank at their ends. */
  const line = (text: string): void => {
    lines.push(text.replace(/(?<![ \t])[ \t]+$/, ""));
  };
  const paragraph = (first: string, indent: string, text: readonly Inline[]): void => {
    for (const [n, words] of wrapped(text, width, indent.length).entries())
      line((n === 0 ? first : prefix + indent) + words);
  };
  const block = (one: Block): void => {
    if (one.kind === "paragraph") paragraph(prefix, "", one.text);
    else if (one.kind === "heading") paragraph(`${prefix}# `, "", one.text);
    else if (one.kind === "code")
      for (const code of one.text.replace(/\n$/, "").split("\n")) line(code === "" ? "" : codePrefix + code);
    else
      for (const [n, { number, paragraphs }] of one.items.entries()) {
        if (n > 0 && isLoose(one)) line(prefix);
        const marker = number === "" ? "  - " : ` ${number}. `;
        for (const [m, text] of paragraphs.entries()) {
          if (m > 0) line("");
          paragraph(prefix + (m === 0 ? marker : "    "), "    ", text);
        }
        if (paragraphs.length === 0) lines.push(prefix + marker);
      }
  };
  for (const [n, one] of content.entries()) {
    const isApart = one.kind !== "list" || one.forceBlankBefore || isLoose(one);
    if (n > 0 && isApart) line(prefix);
    block(one);
  }
  const used = links.filter((link) => link.used);
  if (used.length > 0) lines.push("", ...used.map(({ text, url }) => `[${text}]: ${url}`));
  return lines.map((text) => `${text}\n`).join("");
}

function wrapped(text: readonly Inline[], width: number, indent: number): string[] {
  const words = plainText(text)
    .split(/[\p{White_Space}]+/u)
    .filter((word) => word !== "");
  if (width < 0 || words.length === 0) return [words.join(" ")];
  const breaks = words.length > MAX_WRAPPED_WORDS ? filled(words, width - indent) : wrap(words, width - indent);
  return breaks.slice(1).map((end, n) => words.slice(breaks[n], end).join(" "));
}

function filled(words: readonly string[], max: number): number[] {
  const breaks = [0];
  let length = 0;
  for (const [n, word] of words.entries()) {
    if (length > 0 && length + 1 + word.length > max) {
      breaks.push(n);
      length = 0;
    }
    length += (length > 0 ? 1 : 0) + word.length;
  }
  return [...breaks, words.length];
}

/** Too long lines first, then the rest: squares of what is missing, and 64 for a line that ends in no punctuation. */
type Score = readonly [over: number, under: number];

/** Where lines begin, and the end: words[result[n]] to words[result[n + 1]] are one. */
function wrap(words: readonly string[], max: number): number[] {
  const total = [0];
  for (const word of words) total.push(total.at(-1)! + [...word].length + 1);
  const weight = (i: number, j: number): Score => {
    const n = total[j]! - 1 - total[i]!;
    if (j === words.length && n <= max) return [0, 0];
    const penalty = /[.,:;]$/.test(words[j - 1]!) ? 0 : 64;
    const square = (max - n) * (max - n);
    return n > max ? [square, penalty] : [0, square + penalty];
  };
  const compare = (a: Score, b: Score): number => a[0] - b[0] || a[1] - b[1];
  const best: Score[] = [[0, 0]];
  const g = (i: number, j: number): Score => {
    const [over, under] = weight(i, j);
    return [best[i]![0] + over, best[i]![1] + under];
  };
  const bridge = (a: number, b: number, c: number): boolean => {
    let low = c;
    for (let high = words.length + 1; low < high; ) {
      const middle = (low + high) >>> 1;
      if (middle <= words.length && compare(g(a, middle), g(b, middle)) <= 0) low = middle + 1;
      else high = middle;
    }
    return low > words.length || compare(g(c, low), g(b, low)) <= 0;
  };
  let first = 0;
  const deque = [0];
  const left = [-1];
  for (let m = 1; m < words.length; m++) {
    best.push(g(deque[first]!, m));
    left.push(deque[first]!);
    const retire = (): boolean =>
      deque.length - first > 1 && compare(g(deque[first + 1]!, m + 1), g(deque[first]!, m + 1)) <= 0;
    while (retire()) first++;
    while (deque.length - first > 1 && bridge(deque.at(-2)!, deque.at(-1)!, m)) deque.pop();
    if (compare(g(m, words.length), g(deque.at(-1)!, words.length)) < 0) {
      deque.push(m);
      // Not in the paper, but needed where there are two words.
      if (deque.length - first === 2 && retire()) first++;
    }
  }
  left.push(deque[first]!);
  const breaks = [];
  for (let m = words.length; m > 0; m = left[m]!) breaks.push(m);
  return [0, ...breaks.reverse()];
}
