// Declarations as HTML: the text as it is, with comments marked, names that are declared here made anchors, and names of
// types made links: to this page, or to the package that an import names. Words are told apart without a parser, so that a
// name that is hidden by another of the same spelling may be a link too; it leads to something that exists.
import { escapeHtml } from "../comment/comment-html.ts";
import type { PackageDoc } from "../documentation.ts";
import { isExported } from "../go-names.ts";

/** What words in declarations of a package are. */
export interface DeclarationWords {
  /** Where a declaration of this package is; undefined: there is none. */
  urlOf(name: string): string | undefined;
  /** Where something of another package is, by what the package is called here. */
  urlIn(packageName: string, name: string): string | undefined;
}

const TOKENS =
  /(\/\/[^\n]*|\/\*[\s\S]*?\*\/)|(`[^`]*`|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')|([\p{L}_][\p{L}\p{Nd}_]*)(?:\.([\p{Lu}][\p{L}\p{Nd}_]*))?/gu;

/**
 * A declaration's text. `anchors` are names that become anchors where they stand first, under the id that each has:
 * constants in a group, fields of a struct.
 */
export function declarationHtml(text: string, words: DeclarationWords, anchors: ReadonlyMap<string, string>): string {
  let html = "";
  let at = 0;
  const left = new Map(anchors);
  for (const match of text.matchAll(TOKENS)) {
    const [whole, comment, quoted, word, selected] = match;
    html += escapeHtml(text.slice(at, match.index));
    at = match.index + whole.length;
    if (comment !== undefined) html += `<span class="comment">${escapeHtml(whole)}</span>`;
    else if (quoted !== undefined) html += escapeHtml(whole);
    else html += wordHtml(text, match.index, word!, selected, words, left);
  }
  return html + escapeHtml(text.slice(at));
}

function wordHtml(
  text: string,
  at: number,
  word: string,
  selected: string | undefined,
  words: DeclarationWords,
  anchors: Map<string, string>,
): string {
  const id = anchors.get(word);
  if (id !== undefined && selected === undefined && isDeclaredAt(text, at)) {
    anchors.delete(word);
    return `<span id="${escapeHtml(id)}">${escapeHtml(word)}</span>`;
  }
  if (selected !== undefined) {
    const url = words.urlIn(word, selected);
    const shown = escapeHtml(`${word}.${selected}`);
    return url === undefined ? shown : `<a href="${escapeHtml(url)}">${shown}</a>`;
  }
  const url = isExported(word) && text[at - 1] !== "." ? words.urlOf(word) : undefined;
  return url === undefined ? escapeHtml(word) : `<a href="${escapeHtml(url)}">${escapeHtml(word)}</a>`;
}

/** Whether a word is where names are declared: first in its line, or behind other names, or behind the keyword. */
function isDeclaredAt(text: string, at: number): boolean {
  const line = text.slice(text.lastIndexOf("\n", at - 1) + 1, at);
  return /^(?:\t|(?:const|var) |type [\p{L}\p{Nd}_]+(?:\[.*\])? struct\{ )?(?:[\p{L}_][\p{L}\p{Nd}_]*, *)*$/u.test(
    line,
  );
}

/** The words of a package: types are links, and so is what its imports name. `urlOfPackage` gives "" for none. */
export function wordsOf(doc: PackageDoc, urlOfPackage: (importPath: string) => string): DeclarationWords {
  const types = new Set(doc.types.map(({ name }) => name));
  return {
    urlOf: (name) => (types.has(name) ? `#${name}` : undefined),
    urlIn: (packageName, name) => {
      const path = Object.hasOwn(doc.importNames, packageName) ? doc.importNames[packageName]! : undefined;
      const url = path === undefined ? "" : urlOfPackage(path);
      return url === "" ? undefined : `${url}#${name}`;
    },
  };
}
