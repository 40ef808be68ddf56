// The synopsis of a package: the first sentence of its documentation in one line (go/doc/synopsis.go).

import { trim } from "./comment-blocks.ts";
import { commentLines } from "./comment-lines.ts";
import { parseDocComment } from "./doc-comment.ts";
import type { NamesInScope } from "./linked-text.ts";

/** The first sentence of a doc comment; "" for one that is a copyright notice, or begins with something else than text. */
export function synopsisOf(text: string, names?: NamesInScope): string {
  const sentence = firstSentence(text);
  if (/^(?:copyright|all rights|author)/i.test(sentence)) return "";
  const [first] = parseDocComment(sentence, names).content;
  return first?.kind === "paragraph" ? trim(commentLines({ content: [first], links: [] }, { width: -1 })) : "";
}

/** Up to a period and a blank, but not after a single upper-case letter; or to a full stop of Chinese. */
function firstSentence(text: string): string {
  const isUpper = (c: string): boolean => /^\p{Lu}$/u.test(c);
  let [third, second, last] = ["", "", ""];
  let at = 0;
  for (const raw of text) {
    const c = raw === "\n" || raw === "\r" || raw === "\t" ? " " : raw;
    if (c === " " && last === "." && (!isUpper(second) || isUpper(third))) return text.slice(0, at);
    if (last === "。" || last === "．") return text.slice(0, at);
    [third, second, last] = [second, last, c];
    at += raw.length;
  }
  return text;
}
