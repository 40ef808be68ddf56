// The one place where what came from upstream is judged. A proxy believes nobody: what is not what was asked for is
// refused, written down as a security event, and never stored. What is judged, and by what:
//   .info  is JSON that names exactly the version that was asked for, with a time as RFC 3339 has it or none; its bytes are
//          passed on unchanged, whatever else they say
//   .mod   has a module line. One that names another module is served, because forks that are used by a `replace` are like
//          that and the go command judges it itself ("declares its path as"), but it is not stored before a zip vouches for
//          it: an upstream that mixed two modules up is asked again, instead of being wrong for ever
//   .zip   obeys the rules of module zips (golang.org/x/mod/zip CheckZip), and every file unpacks to what is declared. A
//          go.mod in it that is not the .mod is told, but no reason to refuse: the go command takes both, each by its sum
//   list   has nothing but versions
// And the sums of .mod and .zip are those that a checksum database was proved to say, where one was asked
// (upstream-verification.ts): this is what finds a moved tag, and an upstream that serves one module to you and another to
// everybody else.

import { inTurns } from "../concurrency/turns.ts";
import { withoutYoungGrowth } from "../concurrency/young-generation.ts";
import type { Failure } from "../errors.ts";
import type { H1Hash } from "../gomod/dir-hash.ts";
import { declaredModulePath } from "../gomod/go-mod-line.ts";
import { quote } from "../gomod/go-quote.ts";
import { checkPathMajor, splitPathMajor } from "../gomod/module-path.ts";
import { hasTellableYear, rfc3339Time } from "../gomod/rfc3339.ts";
import { canonicalVersion, isValid, sortByVersion } from "../gomod/version.ts";
import { parseVersionInfo } from "../gomod/version-info.ts";
import { checkModuleZip, zipProblem } from "../gomod/zip-check.ts";
import type { ProvedSums } from "../registry/checksums/proved-sums.ts";
import { readModuleZip } from "../registry/versions/module-zip-content.ts";
import { BadZip, readZipDirectory, type ZipSource } from "../storage/zip-reader.ts";

/** So many lines of a list are looked at without a pause. */
const LINES_AT_ONCE = 2_000;

/** Upstream sent something that is not what was asked for. The message is told to clients. */
export class Refused extends Error {}

/** Upstream sent something else than everybody else has: a checksum database was proved to say so. */
export class SumMismatch extends Refused {
  /** What is compared, the sum of what came, and the record: its sum, number and database. */
  readonly sums: MismatchedSums;

  constructor(sums: MismatchedSums) {
    const { what, downloaded, recorded, database, id } = sums;
    super(
      `SECURITY ERROR: the ${what} that upstream sent is ${downloaded}, but record ${id} of ${database} says ${recorded}; it is not what everybody else has`,
    );
    this.sums = sums;
  }
}

export interface MismatchedSums {
  readonly what: "zip" | "go.mod";
  readonly downloaded: string;
  readonly recorded: string;
  readonly database: string;
  readonly id: number;
}

/** What whoever wants a version knows of it. */
export interface ExpectedSums {
  readonly kind: "expected";
  readonly h1: string | undefined;
  readonly goModH1: string | undefined;
  /** What says so, such as go.sum. */
  readonly by: string;
}

/** What a checksum database was found to say about a version. */
export type SumsVerdict =
  | (ProvedSums & { readonly kind: "proved" })
  /** No database was asked, but whoever wants the version knows its sums, or one of them. */
  | ExpectedSums
  /** It is not known, and nothing depends on it. */
  | { readonly kind: "unproved" }
  /** It is not known, and so nothing is stored. */
  | { readonly kind: "refused"; readonly failure: Failure };

/** Whether a verdict vouches for a sum. Throws Mismatch when a database says another one, Refused when somebody else does. */
export function vouchesFor(verdict: SumsVerdict, what: "zip" | "go.mod", sum: string): boolean {
  if (verdict.kind === "expected") {
    const expected = what === "zip" ? verdict.h1 : verdict.goModH1;
    if (expected !== undefined && expected !== sum)
      throw new Refused(`the ${what} is ${sum}, and ${verdict.by} says ${expected}`);
    return false;
  }
  if (verdict.kind !== "proved") return false;
  const { database, id } = verdict;
  const recorded = what === "zip" ? verdict.h1 : verdict.goModH1;
  if (recorded !== sum) throw new SumMismatch({ what, downloaded: sum, recorded, database, id });
  return true;
}

/** Whether a text is a version that could be asked for .mod and .zip of a module: canonical, and of its path's major. */
export function isExactVersion(modulePath: string, version: string): boolean {
  if (!isValid(version) || version !== canonicalVersion(version)) return false;
  const split = splitPathMajor(modulePath);
  return split !== undefined && checkPathMajor(version, split.pathMajor) === undefined;
}

/** Reads an .info. `asked` is the exact version that was asked for, or undefined for a query. Throws Refused. */
export function admitInfo(modulePath: string, asked: string | undefined, bytes: Buffer): { time: Date | undefined } {
  const info = parseVersionInfo(bytes);
  if (info === undefined) throw new Refused("upstream sent no JSON where .info was asked for");
  const { version } = info;
  if (version === undefined) throw new Refused("upstream sent an .info without a version");
  if (asked !== undefined && version !== asked)
    throw new Refused(`upstream sent info for version ${quote(version)} instead of requested version ${quote(asked)}`);
  if (!isExactVersion(modulePath, version))
    throw new Refused(`upstream sent info for ${quote(version)}, which cannot be a version of this module`);
  const time = info.time === undefined ? undefined : rfc3339Time(info.time);
  // The go command reads no .info with such a time, and this one would be kept for ever.
  if (info.time !== undefined && !time)
    throw new Refused(`upstream sent an .info with ${quote(info.time.slice(0, 40))} for a time`);
  return { time: time && hasTellableYear(time) ? time : undefined };
}

/** Judges a .mod; says whether it may be kept by itself. Throws Refused. */
export function admitGoMod(modulePath: string, bytes: Buffer): { keep: boolean } {
  const declared = declaredModulePath(bytes);
  if (declared === "") throw new Refused("upstream sent a .mod without a module line");
  return { keep: declared === modulePath };
}

/**
 * Reads a list and returns it ascending, each line as it was, with its time if it has one; pseudo-versions too, for they tell
 * what is latest where there is no @latest. Throws Refused if it is none.
 */
export async function admitList(modulePath: string, bytes: Buffer): Promise<Buffer> {
  const lines = new Map<string, string>();
  let foreign = 0;
  for await (const part of inTurns(bytes.toString("utf8").split("\n"), LINES_AT_ONCE))
    for (const line of part) {
      const trimmed = line.trim();
      const [version = ""] = trimmed.split(/\s/, 1);
      if (version === "") continue;
      // The go command passes over what is no version.
      if (isExactVersion(modulePath, version)) lines.set(version, trimmed);
      else if (!isValid(version)) foreign++;
    }
  if (foreign > 0 && lines.size === 0) throw new Refused("upstream sent no versions where the list was asked for");
  const parts: Buffer[] = [];
  for await (const part of inTurns(await sortByVersion(lines, ([version]) => version), LINES_AT_ONCE))
    parts.push(Buffer.from(part.map(([, line]) => `${line}\n`).join("")));
  return Buffer.concat(parts);
}

/** What a zip turned out to be. */
export interface AdmittedZip {
  readonly h1: H1Hash;
  /** Whether it holds another go.mod than the .mod, line ends apart. */
  readonly goModDiffers: boolean;
}

/** Judges a whole zip. Throws Refused with the go command's words. */
export async function admitZip(
  modulePath: string,
  version: string,
  bytes: ZipSource,
  size: number,
  goMod: Buffer,
): Promise<AdmittedZip> {
  try {
    return await withoutYoungGrowth(() => judgeZip(`${modulePath}@${version}`, bytes, size, goMod));
  } catch (error) {
    if (error instanceof BadZip) throw new Refused(error.message);
    throw error;
  }
}

async function judgeZip(prefix: string, bytes: ZipSource, size: number, goMod: Buffer): Promise<AdmittedZip> {
  const entries = await readZipDirectory(bytes, size);
  // Before anything else, as the go command does (cmd/go/internal/modfetch/fetch.go downloadZip).
  const foreign = entries.find(({ name }) => !name.startsWith(`${prefix}/`));
  if (foreign) throw new BadZip(`zip for ${prefix} has unexpected file ${foreign.name}`);
  const problem = zipProblem(await checkModuleZip(prefix, entries, size));
  if (problem !== undefined) throw new BadZip(problem);
  const content = await readModuleZip(prefix, bytes, entries);
  return { h1: content.h1, goModDiffers: content.goMod !== undefined && !sameText(content.goMod, goMod) };
}

/**
 * Whether both are one go.mod: the zip's has been through git's conversion of line ends, .mod has not.
 */
function sameText(zipped: Buffer, goMod: Buffer): boolean {
  if (zipped.equals(goMod)) return true;
  const plain = (bytes: Buffer): string => bytes.toString("latin1").replaceAll("\r\n", "\n");
  return plain(zipped) === plain(goMod);
}
