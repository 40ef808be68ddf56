// Which directories of a version hold packages, and their Go files. As pkg.go.dev has it, `testdata`, vendored packages and
// directories that begin with a dot are none of them. Everything is bounded before it is read: the zip's directory says how
// large each file is.
import type { SourceProblem } from "../../godoc/documentation.ts";
import type { DirectoryToDocument } from "../../godoc/thread/documentation-threads.ts";
import { type ModuleFile, readFile, type VersionZip } from "../modules/module-files.ts";
import type { Registry } from "../registry.ts";

/** Of one module; pkg.go.dev has the same bound. */
const MAX_PACKAGES = 10_000;
/** Of one directory, in bytes: the files that come after are left out. */
const MAX_DIRECTORY_BYTES = 24 * 1024 * 1024;
/** Of one file, in bytes: what is larger is not parsed (godoc/source/go-source.ts). */
const MAX_FILE_BYTES = 4 * 1024 * 1024;
/** Of one directory. */
const MAX_FILES = 4_000;

/** A directory with Go files. */
export interface GoDirectory {
  /** In the module; "" is its root. */
  readonly path: string;
  readonly from: VersionZip;
  readonly files: readonly ModuleFile[];
}

/** The directories that hold packages, in the order of the files, and how many are beyond the bound. */
export function goDirectories(files: readonly ModuleFile[]): {
  readonly directories: readonly GoDirectory[];
  readonly leftOut: number;
} {
  const all = packagesAmong(files);
  return {
    directories: all.slice(0, MAX_PACKAGES).map(([path, some]) => ({ path, from: some[0]!.from, files: some })),
    leftOut: Math.max(0, all.length - MAX_PACKAGES),
  };
}

/** The directory of a path, if it holds a package, also beyond the bound. */
export function goDirectory(files: readonly ModuleFile[], path: string): GoDirectory | undefined {
  const some = packagesAmong(files).find(([one]) => one === path)?.[1];
  return some && { path, from: some[0]!.from, files: some };
}

/** The paths of the directories that hold packages, however many, in the order of the files. */
export function directoriesWithPackages(files: readonly ModuleFile[]): string[] {
  return packagesAmong(files).map(([path]) => path);
}

function packagesAmong(files: readonly ModuleFile[]): [path: string, files: ModuleFile[]][] {
  const found = new Map<string, ModuleFile[]>();
  for (const file of files) {
    if (!file.path.endsWith(".go")) continue;
    const slash = file.path.lastIndexOf("/");
    const path = slash === -1 ? "" : file.path.slice(0, slash);
    if (/(?:^|\/)(?:\.|testdata(?:\/|$)|vendor(?:\/|$))/.test(path)) continue;
    const known = found.get(path);
    if (known) known.push(file);
    else found.set(path, [file]);
  }
  return [...found].filter(([, some]) => some.some(({ path }) => !path.endsWith("_test.go")));
}

/** Reads the files of a directory. */
export async function readGoDirectory(registry: Registry, { path, files }: GoDirectory): Promise<DirectoryToDocument> {
  const problems: SourceProblem[] = [];
  const read: { name: string; bytes: Uint8Array }[] = [];
  let left = MAX_DIRECTORY_BYTES;
  for (const file of files) {
    const name = path === "" ? file.path : file.path.slice(path.length + 1);
    const size = Number(file.size);
    if (size > MAX_FILE_BYTES) problems.push({ file: name, problem: "is larger than 4 MiB and was not read" });
    else if (size > left || read.length >= MAX_FILES)
      problems.push({ file: name, problem: "was not read: the directory holds more than is read of one" });
    else {
      left -= size;
      read.push({ name, bytes: await readFile(registry, file, MAX_FILE_BYTES) });
    }
  }
  return { files: read, problems };
}
