// What we read out of a published go.mod beyond the module line: requirements, retractions, the deprecation. A stranger
// wrote it, so there are bounds, far above anything that a person ever wrote: a file of megabytes would keep the server
// from everything else while it is parsed, and one long comment would be stored with each version that it retracts.

import { isFailure } from "../../errors.ts";
import { type GoModFile, parseGoMod, parseGoModInTurns } from "../../gomod/go-mod-file.ts";
import { textOfGoMod } from "../../gomod/go-mod-line.ts";
import { isKeepable, keepable } from "../text.ts";

/** A larger go.mod is served and not read, in bytes. The largest known are a fifth of it. */
export const MAX_READ_BYTES = 1024 * 1024;
/** Only so many retract directives count: each is compared with each new version. */
const MAX_RETRACTIONS = 1_000;
/** Of a text for people, in characters; the go command shows 500 bytes. */
const MAX_TEXT = 4_000;
/** A longer name in a requirement, in bytes, is no module's; also, the database's index takes no more. */
const MAX_NAME = 1_000;
/** From this size on what was read is kept beside the bytes: who lets a version enter asks three times. */
const KEPT_FROM_BYTES = 64;
/** From this size on a go.mod is read ahead, in turns. */
const LARGE_FROM_BYTES = 64 * 1024;

/** The file, or a sentence that says why the go command does not read it (`isInvalid`), or we do not. */
export type ReadGoMod =
  | { readonly file: GoModFile; readonly problem?: undefined; readonly isInvalid: false }
  | { readonly file?: undefined; readonly problem: string; readonly isInvalid: boolean };

const kept = new WeakMap<Buffer, ReadGoMod>();

/**
 * Reads a large go.mod ahead, with everybody's turn in between: whoever then asks readGoMod with the same Buffer has the answer
 * at once. Called wherever a go.mod comes from git, upstream, a client or the database, before it is read.
 */
export async function readLargeGoMod(goMod: Buffer): Promise<void> {
  if (goMod.length < LARGE_FROM_BYTES || kept.has(goMod)) return;
  const read = tooLarge(goMod) ?? (await readWith(() => parseGoModInTurns(textOfGoMod(goMod))));
  kept.set(goMod, read);
}

/**
 * Reads a go.mod for its requirements, retractions and deprecation. Not to be changed by the caller: of a large one, whoever
 * asks with the same Buffer has the same answer.
 */
export function readGoMod(goMod: Buffer): ReadGoMod {
  const known = kept.get(goMod);
  if (known) return known;
  const read = parse(goMod);
  if (goMod.length >= KEPT_FROM_BYTES) kept.set(goMod, read);
  return read;
}

function parse(goMod: Buffer): ReadGoMod {
  const refused = tooLarge(goMod);
  if (refused) return refused;
  try {
    return bounded(parseGoMod(textOfGoMod(goMod)));
  } catch (error) {
    return refusalOf(error);
  }
}

async function readWith(parse: () => Promise<GoModFile>): Promise<ReadGoMod> {
  try {
    return bounded(await parse());
  } catch (error) {
    return refusalOf(error);
  }
}

function tooLarge({ length }: Buffer): ReadGoMod | undefined {
  if (length <= MAX_READ_BYTES) return undefined;
  return {
    problem: `go.mod has ${length} bytes; over ${MAX_READ_BYTES} only its module line is read`,
    isInvalid: false,
  };
}

/** Within the bounds, of a file that nobody else has. */
function bounded(file: GoModFile): ReadGoMod {
  file.requires = file.requires.filter(({ path, version }) => isName(path) && isName(version));
  file.retracts = file.retracts
    .slice(0, MAX_RETRACTIONS)
    .map((each) => (each.rationale === undefined ? each : { ...each, rationale: storableText(each.rationale) }));
  if (file.module?.deprecated !== undefined) file.module.deprecated = storableText(file.module.deprecated);
  return { file, isInvalid: false };
}

function refusalOf(error: unknown): ReadGoMod {
  if (!isFailure(error)) throw error;
  return { problem: `the go command cannot parse go.mod and refuses the version: ${error.message}`, isInvalid: true };
}

function isName(text: string): boolean {
  return Buffer.byteLength(text) <= MAX_NAME && isKeepable(text);
}

/** A text of a stranger's such that the database takes it: bounded, and keepable. */
export function storableText(text: string): string {
  const short = text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT - 1).trimEnd()}…` : text;
  return keepable(short);
}
