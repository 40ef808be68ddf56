// Which licences a text is. As Go's own site does it with google/licensecheck, a text may hold several one after another,
// each is recognised if nearly all of its words stand there in their order, and if too little of the text is any known
// licence the whole is UNKNOWN (golang.org/x/pkgsite, internal/licenses: 75 %). The texts to compare with are those of the
// SPDX License List; what is a word, and what does not count, says license-words.ts.
//
// A scan finds for each candidate the passages of the text that follow it: it walks along both word by word, by runs of
// five words that both have, over short differences such as a name in a BSD clause. Of passages that overlap the one that
// agrees best counts, so that a BSD licence of three clauses is not taken for one of two. Candidates come from an index of
// a quarter of all runs, because comparing with each of seven hundred texts would cost a second.
import { hash } from "node:crypto";
import { LRUCache } from "lru-cache";
import { licenseWords } from "./license-words.ts";

/** Texts whose licences are remembered: most of what is published is under some dozens of texts, but for whose it is. */
const REMEMBERED = 500;
/** Characters of a text that are looked at; what is longer is a collection of other people's notices. */
export const MAX_LICENSE_CHARACTERS = 256 * 1024;
/** The part of a text that must be known licences, else it is UNKNOWN. */
const COVERAGE_THRESHOLD = 0.75;
/** The part of a licence that must be there, and the part of the passage that must be it. */
const LIKENESS = 0.9;
/** Words that both have in a row, at least, before they count as the same place. */
const RUN = 5;
/** Of the runs that one in so many, by its hash, is in the index. */
const SAMPLED = 4;
/** The part of a licence's sampled runs that a text must have for a closer look. */
const CANDIDATE = 0.4;
/** Foreign words in a row that do not end a passage. */
const MAX_GAP = 16;
/** Words of a licence that may be missing in a row, unless it ends there. */
const MAX_SKIP = 60;
/** Short texts, and the notices that a licence wants in each file, are said by words that others use too. */
const MIN_WORDS = 16;

export interface RecognizedLicense {
  /** The identifier in the SPDX License List, or UNKNOWN. */
  readonly spdxId: string;
  /** The part of the text that it is, 0 to 1, without copyright notices; of UNKNOWN what all that was recognised is. */
  readonly coverage: number;
}

/** A licence that can be recognised. */
export interface KnownLicense {
  readonly spdxId: string;
  readonly text: string;
  readonly osiApproved: boolean;
}

export interface LicenseMatcher {
  /** The licences in a text, the largest first; exactly one UNKNOWN if too little of it is known. */
  recognize(text: string): readonly RecognizedLicense[];
}

/** The text of one licence, as the numbers of its words. */
export interface Template {
  readonly spdxId: string;
  readonly words: Uint32Array;
  /** How many of the words, from the start, must be there: instructions for authors at the end need not. */
  readonly required: number;
  /** How many of its runs are in the index. */
  sampled: number;
}

/** What is said about the use of one text, not in it: the identifier without stands for all. */
const LATER = /(?:\+|-only|-or-later)$/;
/** Identifiers that the list keeps beside those that took their place, with nearly the same text. */
const OBSOLETE = new Set(["BSD-2-Clause-FreeBSD", "BSD-2-Clause-NetBSD", "Nunit", "bzip2-1.0.5", "eCos-2.0"]);

/** Where the licence itself ends: what follows tells authors how to use it, or is another licence added for reference. */
const ENDS = [/END OF TERMS AND CONDITIONS/, /^\s*Exhibit A\b/im, /\n\s*GNU GENERAL PUBLIC LICENSE\s+Version 3/i];
/** The notice that Apache-2.0 wants in each file, which some use in place of the licence. */
const APACHE_NOTICE = /Licensed under the Apache License, Version 2\.0 \(the "License"\)[\s\S]*$/;

/** Licences made ready to be recognised: plain data, which v8.serialize takes, so that it can be kept for the next process. */
export interface PreparedLicenses {
  /** The words that licences have, each on its line: the first is number 1. */
  readonly vocabulary: string;
  readonly templates: readonly Template[];
  readonly index: RunIndex;
}

/**
 * Makes licences ready. Costs some hundred milliseconds for the whole list, so it gives way now and then (`pause`). Of
 * identifiers with one text (GPL-3.0, GPL-3.0-only, GPL-3.0-or-later) the shortest stands for all, as on Go's site: which of
 * them the author means a text cannot say.
 */
export async function prepareLicenses(
  licenses: Iterable<KnownLicense>,
  pause: () => Promise<void> = async () => {},
): Promise<PreparedLicenses> {
  const vocabulary = new Map<string, number>();
  const templates: Template[] = [];
  const byText = new Map<string, { spdxId: string; text: string; preferred: number }>();
  const list = [...licenses];
  const ids = new Set(list.map(({ spdxId }) => spdxId));
  for (const { spdxId, text, osiApproved } of list) {
    if (OBSOLETE.has(spdxId) || (LATER.test(spdxId) && ids.has(spdxId.replace(LATER, "")))) continue;
    const preferred = (osiApproved ? 0 : 1000) + spdxId.length;
    const known = byText.get(text);
    if (!known || preferred < known.preferred) byText.set(text, { spdxId, text, preferred });
  }
  const ordered = [...byText.values()].sort((a, b) => a.preferred - b.preferred);
  for (const { spdxId, text } of ordered) {
    templates.push(templateOf(vocabulary, spdxId, text));
    const notice = spdxId === "Apache-2.0" ? APACHE_NOTICE.exec(text)?.[0] : undefined;
    if (notice !== undefined) templates.push(templateOf(vocabulary, spdxId, notice));
    if (templates.length % 8 === 0) await pause();
  }
  const usable = templates.filter(({ required }) => required >= MIN_WORDS);
  const index = await indexOf(usable, pause);
  return { vocabulary: [...vocabulary.keys()].join("\n"), templates: usable, index };
}

/** Recognises licences that were made ready. */
export function createLicenseMatcher({ vocabulary, templates, index }: PreparedLicenses): LicenseMatcher {
  const numbers = new Map(vocabulary.split("\n").map((word, place) => [word, place + 1]));
  const remembered = new LRUCache<string, readonly RecognizedLicense[]>({ max: REMEMBERED });
  return {
    recognize(text) {
      const words = Uint32Array.from(
        licenseWords(text.slice(0, MAX_LICENSE_CHARACTERS)),
        (word) => numbers.get(word) ?? 0,
      );
      const sum = hash("sha256", words, "base64");
      const known = remembered.get(sum);
      if (known !== undefined) return known;
      const found = recognize(templates, index, words);
      remembered.set(sum, found);
      return found;
    },
  };
}

function templateOf(vocabulary: Map<string, number>, spdxId: string, text: string): Template {
  const ends = ENDS.map((end) => text.search(end)).filter((at) => at > 200);
  const words = Uint32Array.from(licenseWords(text), (word) => {
    const known = vocabulary.get(word);
    if (known !== undefined) return known;
    vocabulary.set(word, vocabulary.size + 1);
    return vocabulary.size;
  });
  const required = ends.length === 0 ? words.length : licenseWords(text.slice(0, Math.min(...ends))).length;
  return { spdxId, words, required, sampled: 0 };
}

// ---- which licences are worth a closer look --------------------------------------------------------------------------

/** A hash of the run of words at a place. */
function runAt(words: Uint32Array, at: number): number {
  let hash = 0;
  for (let i = at; i < at + RUN; i++) hash = Math.imul(hash ^ words[i]!, 0x9e3779b1) ^ (hash >>> 15);
  return hash >>> 0;
}

function isSampled(run: number): boolean {
  return run % SAMPLED === 0;
}

/** Sorted: the hash of a run, times 1024, and the number of a template that has it. */
export type RunIndex = Float64Array;
const TEMPLATES = 1024;

async function indexOf(templates: readonly Template[], pause: () => Promise<void>): Promise<RunIndex> {
  if (templates.length > TEMPLATES) throw new Error(`${templates.length} licences are more than the index can number`);
  const entries: number[] = [];
  for (const [number, template] of templates.entries()) {
    const runs = new Set<number>();
    for (let at = 0; at + RUN <= template.required; at++) {
      const run = runAt(template.words, at);
      if (isSampled(run)) runs.add(run);
    }
    template.sampled = runs.size;
    for (const run of runs) entries.push(run * TEMPLATES + number);
    if (number % 64 === 63) await pause();
  }
  return Float64Array.from(entries).sort();
}

function candidates(templates: readonly Template[], index: RunIndex, words: Uint32Array): Template[] {
  const found = new Uint32Array(templates.length);
  const seen = new Set<number>();
  for (let at = 0; at + RUN <= words.length; at++) {
    const run = runAt(words, at);
    if (!isSampled(run) || seen.has(run)) continue;
    seen.add(run);
    for (let i = lowerBound(index, run * TEMPLATES); i < index.length && index[i]! < (run + 1) * TEMPLATES; i++)
      found[index[i]! % TEMPLATES]!++;
  }
  return templates.filter(({ sampled }, number) => found[number]! > 0 && found[number]! >= sampled * CANDIDATE);
}

function lowerBound(sorted: Float64Array, value: number): number {
  let low = 0;
  for (let high = sorted.length; low < high; ) {
    const middle = (low + high) >>> 1;
    if (sorted[middle]! < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

// ---- how much of a licence stands where ------------------------------------------------------------------------------

/** A part of the text that follows a licence. */
interface Passage {
  readonly template: Template;
  /** Of the text's words the first, and the one after the last. */
  readonly start: number;
  readonly end: number;
  /** Words that are the licence's, in its order. */
  readonly same: number;
  /** `same` without what is missing or foreign. */
  readonly net: number;
}

function recognize(templates: readonly Template[], index: RunIndex, words: Uint32Array): RecognizedLicense[] {
  const passages = candidates(templates, index, words).flatMap((template) => passagesOf(template, words));
  passages.sort((a, b) => b.net - a.net); // stable: the preferred licence of equals comes first
  const taken = new Uint8Array(words.length);
  const covered = new Map<string, number>();
  let all = 0;
  for (const { template, start, end } of passages) {
    if (taken.subarray(start, end).includes(1)) continue;
    taken.fill(1, start, end);
    covered.set(template.spdxId, (covered.get(template.spdxId) ?? 0) + (end - start));
    all += end - start;
  }
  const total = words.length;
  if (total === 0 || all < total * COVERAGE_THRESHOLD)
    return [{ spdxId: "UNKNOWN", coverage: total === 0 ? 0 : all / total }];
  return [...covered]
    .map(([spdxId, part]) => ({ spdxId, coverage: part / total }))
    .sort((a, b) => b.coverage - a.coverage);
}

function passagesOf(template: Template, words: Uint32Array): Passage[] {
  const runs = runsOf(template);
  const passages: Passage[] = [];
  for (let at = 0; at + RUN <= words.length; ) {
    const place = placeOf(template, runs, words, at, 0);
    if (place === undefined) {
      at++;
      continue;
    }
    const passage = follow(template, runs, words, at, place);
    const missing = Math.max(0, template.required - passage.same);
    if (missing <= template.required * (1 - LIKENESS) && passage.same >= (passage.end - passage.start) * LIKENESS)
      passages.push(passage);
    at = passage.end;
  }
  return passages;
}

/** The places of each run. Made anew for each text: kept for all licences they would be some 80 MB. */
function runsOf(template: Template): Map<number, number[]> {
  const runs = new Map<number, number[]>();
  for (let at = 0; at + RUN <= template.words.length; at++) {
    const run = runAt(template.words, at);
    const places = runs.get(run);
    if (places) places.push(at);
    else runs.set(run, [at]);
  }
  return runs;
}

/** Walks along the text and the licence from a place where both are the same, as far as they are. */
function follow(
  template: Template,
  runs: ReadonlyMap<number, number[]>,
  words: Uint32Array,
  start: number,
  from: number,
): Passage {
  const license = template.words;
  let [at, place, same] = [start, from, 0];
  for (;;) {
    while (at < words.length && place < license.length && words[at] === license[place]) {
      at++;
      place++;
      same++;
    }
    const next = continuation(template, runs, words, at, place);
    if (!next) break;
    same += sameWithin(words, at, next.at, license, place, next.place);
    at = next.at;
    place = next.place;
  }
  const missing = Math.max(0, template.required - same);
  return { template, start, end: at, same, net: same - missing - (at - start - same) };
}

/** The nearest place where both go on together. */
function continuation(
  template: Template,
  runs: ReadonlyMap<number, number[]>,
  words: Uint32Array,
  at: number,
  place: number,
): { at: number; place: number } | undefined {
  let best: { at: number; place: number; far: number } | undefined;
  for (let gap = 0; gap <= MAX_GAP && at + gap + RUN <= words.length; gap++) {
    if (best && gap >= best.far) break;
    const next = placeOf(template, runs, words, at + gap, place);
    if (next === undefined || next - place > MAX_SKIP) continue;
    const far = gap + (next - place);
    if (!best || far < best.far) best = { at: at + gap, place: next, far };
  }
  return best;
}

/** The first place of the licence, from one on, at which the text's next run stands; not only a run with the same hash. */
function placeOf(
  { words: license }: Template,
  runs: ReadonlyMap<number, number[]>,
  words: Uint32Array,
  at: number,
  from: number,
): number | undefined {
  const places = runs.get(runAt(words, at));
  return places?.find((place) => {
    if (place < from) return false;
    for (let i = 0; i < RUN; i++) if (words[at + i] !== license[place + i]) return false;
    return true;
  });
}

/** How many words of a short difference are the same all the same, in order (the longest common subsequence). */
function sameWithin(
  words: Uint32Array,
  from: number,
  to: number,
  license: Uint32Array,
  place: number,
  next: number,
): number {
  let row = new Uint16Array(next - place + 1);
  for (let i = from; i < to; i++) {
    const above = row;
    row = new Uint16Array(above.length);
    for (let j = 1; j < row.length; j++)
      row[j] =
        words[i] !== 0 && words[i] === license[place + j - 1] ? above[j - 1]! + 1 : Math.max(above[j]!, row[j - 1]!);
  }
  return row[row.length - 1]!;
}
