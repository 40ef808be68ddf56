// Which files of a revision go into a module's zip. Left out without a word are other modules below this one, vendored
// packages, symbolic links and whatever is no regular file. A name that some file system could not hold makes the whole
// version invalid, as do two names that differ only in case; but names are looked at only where a file was not left out
// for its place. Every registry must choose the same files, for the checksum is made of them.
// Sources: Go Modules Reference, "Module zip files"; golang.org/x/mod/zip checkFiles, isVendoredPackage, collisionChecker.

import { inTurns } from "../concurrency/turns.ts";
import { invalid } from "../errors.ts";
import { foldCase } from "./case-fold.ts";
import { goVersionLine, isGo124OrLater } from "./go-mod-line.ts";
import { quote } from "./go-quote.ts";
import { checkFilePath } from "./module-path.ts";

/** The most bytes that a zip may have, and that the files in it may have together when unpacked: 500 MiB. */
export const MAX_ZIP_FILE = 500 * 1024 * 1024;

/** The most bytes that the go.mod in a zip may have: 16 MiB. */
export const MAX_GO_MOD = 16 * 1024 * 1024;

/** The most bytes that the LICENSE in a zip may have: 16 MiB. */
export const MAX_LICENSE = 16 * 1024 * 1024;

/** Something in the module's directory: its path relative to that, with slashes, and its size in bytes. */
export type ZipEntry = { path: string; kind: "file" | "symlink" | "directory" | "other"; size: number };

export type ZipFault = { path: string; reason: string };

export type ZipSelection = {
  /** The paths that go into the zip, in the order of the entries. */
  kept: string[];
  /** What is left out, and why. */
  omitted: ZipFault[];
  /** What makes the version invalid, and why. */
  invalid: ZipFault[];
  /** Set if the kept files are too large together. */
  sizeError: string | undefined;
};

/** So many entries are looked at without a pause: some milliseconds' work. */
export const ENTRIES_AT_ONCE = 1_000;

/**
 * Sorts the entries of a module's directory into those that go into its zip, those that are left out and those that make
 * it invalid. `goMod` is the go.mod at its root as it stands in the archive; its go line decides about vendored files.
 * The entries are walked through twice, a part at a time, and everybody else has a turn in between.
 */
export async function selectZipFiles(
  entries: Iterable<ZipEntry>,
  options: { goMod: string | Uint8Array | undefined },
): Promise<ZipSelection> {
  const selection: ZipSelection = {
    kept: [],
    omitted: [],
    invalid: [],
    sizeError: undefined,
  };
  const faulty = new Set<string>();
  const add = (list: ZipFault[], path: string, reason: string): void => {
    if (!faulty.has(path)) list.push({ path, reason });
    faulty.add(path);
  };

  const nestedModules = new Set<string>();
  let vendorRule: VendorRule = "before 1.24";
  for await (const some of inTurns(entries, ENTRIES_AT_ONCE)) {
    for (const { path, kind } of some) {
      if (kind !== "file" || foldCase(baseName(path)) !== "go.mod") continue;
      nestedModules.add(directory(path));
      if (path === "go.mod" && options.goMod !== undefined && isGo124OrLater(goVersionLine(options.goMod))) {
        vendorRule = "since 1.24";
      }
    }
  }

  const collide = collisionCheck();
  let room = MAX_ZIP_FILE;
  const select = ({ path, kind, size }: ZipEntry): void => {
    if (!isClean(path)) add(selection.invalid, path, "file path is not clean");
    else if (path.startsWith("/")) add(selection.invalid, path, "file path is not relative");
    else if (isVendored(path, vendorRule)) add(selection.omitted, path, "file is in vendor directory");
    else if (isInside(path, nestedModules)) add(selection.omitted, path, "file is in another module");
    else if (path === ".hg_archival.txt") {
      add(selection.omitted, path, "file is inserted by 'hg archive' and is always omitted");
    } else {
      const reason =
        checkFilePath(path) ??
        (path !== "go.mod" && path.toLowerCase() === "go.mod" ? "go.mod files must have lowercase names" : undefined) ??
        collide(path, kind === "directory");
      if (reason !== undefined) add(selection.invalid, path, reason);
      else if (kind === "symlink") add(selection.omitted, path, "file is a symbolic link");
      else if (kind !== "file") add(selection.omitted, path, "not a regular file");
      else {
        if (size <= room) room -= size;
        else selection.sizeError ??= `module source tree too large (max size is ${MAX_ZIP_FILE} bytes)`;
        if (path === "go.mod" && size > MAX_GO_MOD) {
          add(selection.invalid, path, `go.mod file too large (max size is ${MAX_GO_MOD} bytes)`);
        } else if (path === "LICENSE" && size > MAX_LICENSE) {
          add(selection.invalid, path, `LICENSE file too large (max size is ${MAX_LICENSE} bytes)`);
        } else selection.kept.push(path);
      }
    }
  };
  for await (const some of inTurns(entries, ENTRIES_AT_ONCE)) some.forEach(select);
  return selection;
}

/** Throws Failure "invalid" with the go command's words if the selection cannot become a zip. */
export function requireValidSelection(selection: ZipSelection): void {
  if (selection.sizeError !== undefined) throw invalid(`create zip: ${selection.sizeError}`);
  if (selection.invalid.length === 0) return;
  throw invalid(`create zip: ${selection.invalid.map(({ path, reason }) => `${path}: ${reason}`).join("\n")}`);
}

/**
 * Whether the zip of a module in a sub-directory is to get the LICENSE from the repository's root: it has none of its own.
 * The entries are those of the archive, before selectZipFiles; a symbolic link of that name counts, though it is left out.
 */
export function needsRootLicense(entriesInSubdir: Iterable<Pick<ZipEntry, "path" | "kind">>): boolean {
  for (const { path, kind } of entriesInSubdir) if (path === "LICENSE" && kind !== "directory") return false;
  return true;
}

const baseName = (path: string): string => path.slice(path.lastIndexOf("/") + 1);

/** The directory with its slash, "" for the root. */
const directory = (path: string): string => path.slice(0, path.lastIndexOf("/") + 1);

/** Whether Go's path.Clean would leave the path as it is. */
export function isClean(path: string): boolean {
  if (!/(?:^|\/)\.{0,2}(?:\/|$)/.test(path) || /^[./]$/.test(path)) return true;
  const elements = (path.startsWith("/") ? path.slice(1) : path).split("/");
  // `..` may stand only at the beginning of a relative path.
  let climbing = !path.startsWith("/");
  return elements.every((element) => {
    climbing &&= element === "..";
    return element !== "" && element !== "." && (element !== ".." || climbing);
  });
}

/** Which of Go's two readings of `vendor` holds, after the go line of the module's go.mod. */
type VendorRule = "before 1.24" | "since 1.24";

/** Whether the file belongs to a vendored package: below vendor/, but not directly in it. */
function isVendored(path: string, rule: VendorRule): boolean {
  if (rule === "since 1.24" && path === "vendor/modules.txt") return true;
  if (path.startsWith("vendor/")) return path.includes("/", "vendor/".length);
  const inner = path.indexOf("/vendor/");
  if (inner < 0) return false;
  // Before Go 1.24 the place of an inner vendor was forgotten here, and everything in it left out (golang.org/issue/37397).
  return path.includes("/", (rule === "since 1.24" ? inner : 0) + "/vendor/".length);
}

/** Whether the path is below one of the directories, of which the root does not count. */
function isInside(path: string, directories: ReadonlySet<string>): boolean {
  for (let end = path.lastIndexOf("/"); end >= 0; end = path.lastIndexOf("/", end - 1)) {
    if (directories.has(path.slice(0, end + 1))) return true;
    if (end === 0) return false;
  }
  return false;
}

/** Tells of each path, and of the directories above it, whether an earlier one differs only in case or in kind. */
export function collisionCheck(): (path: string, isDirectory: boolean) => string | undefined {
  // By their folded names; a name is in one of the two.
  const files = new Map<string, string>();
  const directories = new Map<string, string>();
  // What is in one directory mostly comes together, and what was found of a directory stays true.
  let good: string | undefined;
  return function check(path, isDirectory): string | undefined {
    const folded = foldCase(path);
    const file = files.get(folded);
    const other = file ?? directories.get(folded);
    if (other === undefined) (isDirectory ? directories : files).set(folded, path);
    else if (other !== path) return `case-insensitive file name collision: ${quote(other)} and ${quote(path)}`;
    else if ((file === undefined) !== isDirectory) return `entry ${quote(path)} is both a file and a directory`;
    else if (!isDirectory) return `multiple entries for file ${quote(path)}`;

    const slash = path.lastIndexOf("/");
    const above = path.slice(0, Math.max(slash, 0));
    if (slash < 0 || above === good) return undefined;
    const reason = check(above, true);
    if (reason === undefined) good = above;
    return reason;
  };
}
