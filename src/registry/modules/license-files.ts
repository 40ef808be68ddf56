// Which licences a directory of a module is under: those in the root, and those in every directory on the way to it, as Go's
// site has it (golang.org/x/pkgsite, internal/licenses/licenses.go, PackageInfo).
import { MAX_LICENSE_CHARACTERS } from "../../gomod/license.ts";
import { areRedistributable } from "../../gomod/redistributable.ts";
import { isLicenseFile } from "../../gomod/root-files.ts";
import type { Registry } from "../registry.ts";
import { licenseMatcher } from "./known-licenses.ts";
import { type ModuleFile, readFile } from "./module-files.ts";

/** Of one module that are read; the rest counts for nothing. */
const MAX_LICENSE_FILES = 100;

/** A file with licences in it. */
export interface LicenseFile {
  /** In the module. */
  readonly path: string;
  /** Identifiers of the SPDX License List, sorted; UNKNOWN alone if it is none that is known. */
  readonly types: readonly string[];
  readonly text: string;
}

/** The licence files of a version, by path. `within`: only those that its directory is under; undefined for all. */
export async function licenseFilesOf(
  registry: Registry,
  files: readonly ModuleFile[],
  within: string | undefined,
): Promise<LicenseFile[]> {
  const found = files.filter(({ path }) => {
    const { directory, name } = placeOf(path);
    if (!isLicenseFile(name) || /(?:^|\/)(?:vendor|testdata)(?:\/|$)/.test(directory)) return false;
    return within === undefined || isAbove(directory, within);
  });
  const read: LicenseFile[] = [];
  for (const file of found.slice(0, MAX_LICENSE_FILES)) {
    const matcher = await licenseMatcher();
    const text = (await readFile(registry, file, MAX_LICENSE_CHARACTERS)).toString("utf8");
    const types = [...new Set(matcher.recognize(text).map(({ spdxId }) => spdxId))].sort();
    read.push({ path: file.path, types, text });
  }
  return read;
}

/** Whether a directory may be passed on: the module may, and so may what its other licences are about. */
export function isRedistributable(licenses: readonly LicenseFile[], directory: string): boolean {
  const typesIn = (isOne: (at: string) => boolean): string[] =>
    licenses.filter(({ path }) => isOne(placeOf(path).directory)).flatMap(({ types }) => types);
  const more = typesIn((at) => at !== "" && isAbove(at, directory));
  return areRedistributable(typesIn((at) => at === "")) && (more.length === 0 || areRedistributable(more));
}

function placeOf(path: string): { readonly directory: string; readonly name: string } {
  const slash = path.lastIndexOf("/");
  return { directory: path.slice(0, Math.max(0, slash)), name: path.slice(slash + 1) };
}

function isAbove(directory: string, other: string): boolean {
  return directory === "" || directory === other || other.startsWith(`${directory}/`);
}
