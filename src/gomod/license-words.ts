// A licence text as the words that count when two are compared. By the SPDX License List Matching Guidelines
// (spdx.github.io/spdx-spec, annex B): case, white space, punctuation, bullets and numbers of paragraphs, marks of comments
// and copyright notices are nothing; some words are as good as others.

/** Spellings that count as one (guideline 9, "Varietal word spelling", as far as licences have them). */
const SAME = new Map([
  ["licence", "license"],
  ["licences", "licenses"],
  ["licenced", "licensed"],
  ["licencee", "licensee"],
  ["licensor", "licensor"],
  ["sublicence", "sublicense"],
  ["acknowledgement", "acknowledgment"],
  ["acknowledgements", "acknowledgments"],
  ["analogue", "analog"],
  ["authorisation", "authorization"],
  ["authorised", "authorized"],
  ["favour", "favor"],
  ["fulfilment", "fulfillment"],
  ["initialise", "initialize"],
  ["judgement", "judgment"],
  ["labelled", "labeled"],
  ["merchantibility", "merchantability"],
  ["organisation", "organization"],
  ["programme", "program"],
  ["recognised", "recognized"],
  ["unauthorised", "unauthorized"],
  ["utilisation", "utilization"],
  ["whilst", "while"],
  ["wilful", "willful"],
  ["http", "https"],
]);

/** A line that says whose it is, and since when: not a part of the licence. */
const COPYRIGHT = new RegExp(
  "^[\\s/*#;>.|\"'-]*(?:" +
    [
      // Not every line that begins so: `copyright license to reproduce` goes on with a sentence.
      "(?:[Pp]ortions )?Copyright:? +(?!(?:Licen[sc]e|Notice|Holder|Owner|Act|Law))(?=[^a-z]|the |by )",
      "(?:portions )?copyrights?:? *(?:\\([Cc]\\)|©|\\d|<|\\[|\\{)",
      "COPYRIGHT:? *(?:\\([Cc]\\)|©|\\d|<|\\[|\\{)",
      "\\([Cc]\\) *(?:[Cc]opyright|\\d|<|\\[)",
      "©",
      "[Aa][Ll]{2} [Rr][Ii][Gg][Hh][Tt][Ss] [Rr][Ee][Ss][Ee][Rr][Vv][Ee][Dd]\\.?\\s*$",
    ].join("|") +
    ")",
);
/** What begins a paragraph or an entry of a list, such as 1. or (a) or iv) or *. */
const LABEL = /^[\s/*#;>•-]*(?:\(?(?:\d{1,2}(?:\.\d{1,2})*|[a-z]|[ivx]{1,4})[.)]+)?[\s*•-]+/i;
/** A line of ASCII, of which nearly all licences are: what a word is in it needs no Unicode, which takes thrice as long. */
const ASCII = /^[\0-\x7f]*$/;

/** The words of a text, lower case, in their order. */
export function licenseWords(text: string): string[] {
  const words: string[] = [];
  for (const line of text.normalize("NFKC").split(/\r\n|\r|\n/)) {
    if (COPYRIGHT.test(line)) continue;
    const counting = line.replace(LABEL, " ").toLowerCase();
    for (const word of counting.match(ASCII.test(counting) ? /[a-z0-9]+/g : /[\p{L}\p{N}]+/gu) ?? [])
      words.push(SAME.get(word) ?? word);
  }
  return words;
}
