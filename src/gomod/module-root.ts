// Where a module lies in a repository. The path example.com/repo/sub/v2 in the repository example.com/repo may be at
// `sub/` (the major branch way) or at `sub/v2/` (the major subdirectory way), and its tags begin with `sub/`, without the
// major. Which of the two it is, or that it is neither, the go.mod files in both places say at each revision anew. Only the
// major suffix of the path that they declare counts, so that forks under another path can be fetched for `replace`.
// Sources: Go Modules Reference, "Mapping versions to commits" and "Module directories within a repository";
// cmd/go/internal/modfetch/coderepo.go newCodeRepo, findDir, isMajor, revToRev.

import { posix } from "node:path";
import { invalid } from "../errors.ts";
import { declaredModulePath } from "./go-mod-line.ts";
import { quote } from "./go-quote.ts";
import { pathMajorPrefix, splitPathMajor } from "./module-path.ts";
import { pseudoVersionRev } from "./pseudo-version.ts";
import { isIncompatible, isPseudoVersion, isValid, major } from "./version.ts";

/** How one module path lies in one repository. All directories are relative to the repository's root, "" is the root. */
export type ModuleLocation = {
  repositoryRoot: string;
  modulePath: string;
  /** The directory that the path names, without the major suffix: `sub` for …/repo/sub/v2. */
  codeDir: string;
  /** The major version suffix with its separator: "", `/v2`, `.v2` or `.v2-unstable`. */
  pathMajor: string;
  /** The module path without pathMajor, or all of it if it is the repository's own. */
  pathPrefix: string;
  /** The major version that pseudo-versions without a base begin with: `v2`, or "" for v0. */
  pseudoMajor: string;
  /** What tags of the module begin with: "" or `sub/`. */
  tagPrefix: string;
  /** Whether codeDir is the repository's root. (The module may still turn out to lie in `vN/` below it.) */
  isRoot: boolean;
};

/**
 * How the module path lies in the repository, or undefined if it cannot: it is not below the root, or its major suffix is
 * malformed. With `root === path`, as for gopkg.in and for vanity roots that end in /vN, the module is the root itself.
 * `subdirectory` is that of a go-import tag with four fields (go 1.25): the go command puts it behind what the path names.
 */
export function locateModule(
  repositoryRoot: string,
  modulePath: string,
  subdirectory = "",
): ModuleLocation | undefined {
  if (modulePath !== repositoryRoot && !modulePath.startsWith(`${repositoryRoot}/`)) return undefined;
  const split = splitPathMajor(modulePath);
  if (!split) return undefined;
  const { pathMajor } = split;
  const isWholePath = repositoryRoot === modulePath;
  const pathPrefix = isWholePath ? modulePath : split.prefix;
  // The root is longer than the prefix: gopkg.in/yaml.v2 cannot hold gopkg.in/yaml.
  if (pathPrefix !== repositoryRoot && !pathPrefix.startsWith(`${repositoryRoot}/`)) return undefined;
  const named = pathPrefix.slice(repositoryRoot.length + 1);
  const codeDir = subdirectory === "" ? named : posix.join(named, subdirectory).replace(/\/$/, "");
  return {
    repositoryRoot,
    modulePath,
    codeDir,
    pathMajor,
    pathPrefix,
    pseudoMajor: pathMajorPrefix(pathMajor),
    tagPrefix: codeDir === "" ? "" : `${codeDir}/`,
    isRoot: codeDir === "",
  };
}

/** The go.mod files to read before chooseModuleDirectory can decide. */
export type GoModPaths = { codeDir: string; majorDir: string | undefined };

/** The names of the go.mod files that decide: `sub/go.mod`, and `sub/v2/go.mod` if the module may lie there. */
export function candidateGoModPaths(location: ModuleLocation): GoModPaths {
  const hasMajorDir = location.pathMajor.startsWith("/") && location.repositoryRoot !== location.modulePath;
  return {
    codeDir: `${location.tagPrefix}go.mod`,
    majorDir: hasMajorDir ? `${location.tagPrefix}${location.pathMajor.slice(1)}/go.mod` : undefined,
  };
}

/** What those files hold; undefined for one that does not exist as a file (a directory or a submodule is none). */
export type GoModContents<Bytes extends string | Uint8Array = Uint8Array> = {
  codeDir: Bytes | undefined;
  majorDir?: Bytes | undefined;
};

/** The directory of the module and its go.mod; without one (only at the root) `.mod` is made up: synthesizeGoMod. */
export type ModuleDirectory<Bytes extends string | Uint8Array = Uint8Array> = { dir: string; goMod: Bytes | undefined };

/**
 * Where the module is at one revision. `version` is what is being resolved and `rev` what git was asked for, by default
 * revisionOf(location, version); both stand only in messages. Throws Failure "invalid" with the go command's words if the
 * module is not there at all: coderepo.go findDir.
 */
export function chooseModuleDirectory<Bytes extends string | Uint8Array>(
  location: ModuleLocation,
  contents: GoModContents<Bytes>,
  { version, rev = revisionOf(location, version) }: { version: string; rev?: string },
): ModuleDirectory<Bytes> {
  const { repositoryRoot, codeDir, pathMajor, pathPrefix } = location;
  const { codeDir: file1, majorDir: file2 } = candidateGoModPaths(location);

  const goMod1 = contents.codeDir;
  const path1 = goMod1 === undefined ? "" : declaredModulePath(goMod1);
  const found1 = goMod1 !== undefined && (isMajor(path1, pathMajor) || replacesGopkgIn(path1, pathMajor));

  const goMod2 = file2 === undefined ? undefined : contents.majorDir;
  if (file2 !== undefined && goMod2 !== undefined) {
    const path2 = declaredModulePath(goMod2);
    if (isMajor(path2, pathMajor)) {
      if (!found1) return { dir: file2.slice(0, -"/go.mod".length), goMod: goMod2 };
      throw invalid(
        `${pathPrefix}/${file1} and ...${pathMajor}/go.mod both have ...${pathMajor} module paths at revision ${rev}`,
      );
    }
    if (path2 === "") throw invalid(`${repositoryRoot}/${file2} is missing module path at revision ${rev}`);
    throw invalid(`${repositoryRoot}/${file2} has non-...${pathMajor} module path ${quote(path2)} at revision ${rev}`);
  }

  if (found1) return { dir: codeDir, goMod: goMod1 };
  if (goMod1 !== undefined) {
    const suffix = file2 === undefined ? "" : ` (and ...${pathMajor}/go.mod does not exist)`;
    if (path1 === "") throw invalid(`${file1} is missing module path${suffix} at revision ${rev}`);
    const declared = `module path ${quote(path1)}${suffix} at revision ${rev}`;
    if (pathMajor !== "") throw invalid(`${file1} has non-...${pathMajor} ${declared}`);
    if (!splitPathMajor(path1)) throw invalid(`${file1} has malformed ${declared}`);
    throw invalid(`${file1} has post-${major(version)} ${declared}`);
  }

  // No go.mod at all is allowed at the root, where there may be a repository from before modules.
  if (codeDir === "" && !pathMajor.startsWith("/")) return { dir: "", goMod: undefined };
  if (file2 !== undefined) {
    throw invalid(`missing ${pathPrefix}/go.mod and ...${pathMajor}/go.mod at revision ${rev}`);
  }
  throw invalid(`missing ${pathPrefix}/go.mod at revision ${rev}`);
}

/** Whether versions of the path that a go.mod declares may be versions of a path with this suffix: coderepo.go isMajor. */
function isMajor(declaredPath: string, pathMajor: string): boolean {
  if (declaredPath === "") return false;
  const declared = splitPathMajor(declaredPath);
  if (!declared) return false;
  if (pathMajor === "") return ["", "v0", "v1"].includes(pathMajorPrefix(declared.pathMajor));
  return declared.pathMajor.slice(1) === pathMajor.slice(1);
}

/** An old bug (golang.org/issue/34254) let any path without a suffix stand in for gopkg.in paths; it has to stay. */
const replacesGopkgIn = (declaredPath: string, pathMajor: string): boolean =>
  pathMajor === "" && declaredPath.startsWith("gopkg.in/");

/**
 * What to ask git for: the tag of a version (`sub/v1.2.3`, without +incompatible), the commit of a pseudo-version, and
 * anything else, such as a branch, as it is: coderepo.go revToRev.
 */
export function revisionOf(location: ModuleLocation, rev: string): string {
  if (!isValid(rev)) return rev;
  if (isPseudoVersion(rev)) return pseudoVersionRev(rev);
  return location.tagPrefix + (isIncompatible(rev) ? rev.slice(0, -"+incompatible".length) : rev);
}
