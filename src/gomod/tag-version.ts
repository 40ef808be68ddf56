// Which tags are versions, of which modules. A tag is a version if what follows the module's directory is a canonical
// semantic version: `sub/v1.2.3` is v1.2.3 of repo/sub. `v1.2`, `1.2.3` and `v1.2.3+meta` are no versions, and a tag that
// looks like a pseudo-version never counts. `v2.0.0` at the root belongs to repo/v2, and to repo itself as
// v2.0.0+incompatible if there was no go.mod then (version-list.ts). GitLab's proxy counts otherwise: root tags are
// versions of every directory. Sources: Go Modules Reference, "Mapping versions to commits";
// cmd/go/internal/modfetch/coderepo.go Versions and convert; doc/user/packages/go_proxy of GitLab, and its VersionFinder.

import { checkPath, checkPathMajor } from "./module-path.ts";
import { locateModule, type ModuleLocation } from "./module-root.ts";
import { build, canonical, isPseudoVersion, isValid, major, type Version } from "./version.ts";

/** The tag's text as a version, if a list may hold it: canonical, and not like a pseudo-version. */
const listable = (text: string): boolean => text !== "" && text === canonical(text) && !isPseudoVersion(text);

/**
 * The version of the module that a tag stands for in its list of versions, or undefined. `v2.0.0+incompatible` is only a
 * candidate: whether it is listed depends on the go.mod files (listedVersions).
 */
export function versionOfTag(location: ModuleLocation, tag: string): Version | undefined {
  // gopkg.in/x.v2-unstable has no versions of its own: the tags are those of x.v2.
  if (location.modulePath.startsWith("gopkg.in/") && location.modulePath.endsWith("-unstable")) return undefined;
  if (!tag.startsWith(location.tagPrefix)) return undefined;
  const version = tag.slice(location.tagPrefix.length);
  if (!listable(version)) return undefined;
  if (checkPathMajor(version, location.pathMajor) === undefined) return version as Version;
  const isLegacy = location.codeDir === "" && location.pathMajor === "";
  return isLegacy ? (`${version}+incompatible` as Version) : undefined;
}

/**
 * What a tag says about the commit that it is on, when that is resolved to a version: a version, canonical or only in its
 * first part (`v1.0.0` of `v1.0.0+meta`, which can be the base of a pseudo-version). Here the test for pseudo-versions sees
 * the tag with its prefix, so that such tags of sub-directories count: coderepo.go tagToVersion, without retractions.
 */
export function commitTagVersion(
  location: ModuleLocation,
  tag: string,
): { version: Version; isCanonical: boolean } | undefined {
  if (!tag.startsWith(location.tagPrefix) || isPseudoVersion(tag)) return undefined;
  const text = tag.slice(location.tagPrefix.length);
  const version = canonical(text);
  if (version === "" || !text.startsWith(version)) return undefined;
  return { version: version as Version, isCanonical: version === text };
}

/** A version that a tag may be, of one module in its repository. */
export type TaggedModule = { modulePath: string; version: Version; location: ModuleLocation };

/**
 * The modules of a repository, named after its root, for which the go command would count the tag: for `v2.0.0` those are
 * root/v2 and, as +incompatible, root; for `sub/v1.2.3` it is root/sub. Whether there is such a module at that commit is
 * another question (chooseModuleDirectory). A root with a major suffix of its own is not given the same suffix twice, and
 * a gopkg.in root holds no other modules.
 */
export function modulesOfTag(repositoryRoot: string, tag: string): TaggedModule[] {
  const slash = tag.lastIndexOf("/");
  const text = tag.slice(slash + 1);
  if (!listable(text)) return [];
  const base = slash < 0 ? repositoryRoot : `${repositoryRoot}/${tag.slice(0, slash)}`;
  const paths = [base];
  if (!repositoryRoot.startsWith("gopkg.in/") && !["v0", "v1"].includes(major(text))) {
    const repeated = slash < 0 && locateModule(base, base)?.pathMajor === `/${major(text)}`;
    if (!repeated) paths.unshift(`${base}/${major(text)}`);
  }
  return paths.flatMap((modulePath) => {
    const location = checkPath(modulePath) === undefined ? locateModule(repositoryRoot, modulePath) : undefined;
    const version = location && versionOfTag(location, tag);
    return location && version ? [{ modulePath, version, location }] : [];
  });
}

/**
 * Why no module has a version by this tag and what its author can do: the rest of a sentence that begins with the tag,
 * without a full stop, as in `v1.2` "is not a full semantic version; use v1.2.0".
 */
export function whyNotAVersion(tag: string): string {
  const slash = tag.lastIndexOf("/");
  const directory = tag.slice(0, slash + 1);
  const text = tag.slice(slash + 1);
  const use = (version: string): string => `use ${directory}${version}`;

  if (isPseudoVersion(text)) return "looks like a pseudo-version, which names a commit and is never made from a tag";
  if (isValid(text)) {
    const version = canonical(text);
    if (build(text) === "+incompatible") return `must not end in +incompatible; the go command adds that to ${version}`;
    if (build(text) !== "") return `carries build metadata (${build(text)}), which Go ignores; ${use(version)}`;
    if (text !== version) return `is not a full semantic version; ${use(version)}`;
    if (["v0", "v1"].includes(major(text))) return "fits the path of no module in this repository";
    return `fits the path of no module in this repository: one with major version ${major(text)} ends in /${major(text)}`;
  }

  const withV = `v${text.replace(/^[vV]\.?/, "")}`;
  if (withV !== text && isValid(withV)) {
    const version = canonical(withV);
    if (text.startsWith("V")) return `must begin with a lower-case v; ${use(version)}`;
    return text.startsWith("v.") ? `has a dot after the v; ${use(version)}` : `misses the leading v; ${use(version)}`;
  }
  const unpadded = withV.replace(/(?<=^v|[.-])0+(?=[0-9]+(?:[.+-]|$))/g, "");
  if (unpadded !== withV && isValid(unpadded)) return `has a number with leading zeros; ${use(canonical(unpadded))}`;
  if (/^v[0-9]+(?:\.[0-9]+)?[-+]/.test(text))
    return "has a pre-release or metadata, which only vMAJOR.MINOR.PATCH may have";
  if (/^v[0-9]+(?:\.[0-9]+){3,}/.test(text)) return "has more than three numbers; a version is vMAJOR.MINOR.PATCH";
  if (/^[vV]?[0-9]/.test(text)) return "is not a semantic version of the form vMAJOR.MINOR.PATCH";
  if (/v[0-9]+\.[0-9]+\.[0-9]+/.test(text)) {
    return "has something before the version; only the module's directory and a slash may stand there, as in sub/v1.2.3";
  }
  return "is not a version; versions are tags such as v1.2.3, or sub/v1.2.3 for a module in the directory sub";
}

/**
 * The version by which GitLab's proxy lists a tag for a module of this name, or undefined: only tags of the root, which
 * count for every directory; v0 and v1 for names without a major suffix, vN for names that end in /vN. As its clients are
 * go commands, tags with build metadata and tags like pseudo-versions are left out, which GitLab lists in vain.
 */
export function gitlabVersionOfTag(moduleName: string, tag: string): Version | undefined {
  if (!listable(tag)) return undefined;
  const wanted = ["v0", "v1"].includes(major(tag))
    ? !/\/v[0-9]+$/i.test(moduleName)
    : moduleName.endsWith(`/${major(tag)}`);
  return wanted ? (tag as Version) : undefined;
}
