// The Origin in .info: where a version came from, in the go command's own words (cmd/go/internal/modfetch/codehost,
// type Origin). Direct mode writes it to check later whether its answer still holds; through a proxy it is there to be
// read. Of a published version only what stays true is told: repository, directory, commit, and the tag that made it. What
// a branch means depends on the tags of the moment, so that answer tells the branch and a sum of those tags, as direct
// mode does.
import { createHash } from "node:crypto";
import { quote } from "../../gomod/go-quote.ts";
import type { ModuleLocation } from "../../gomod/module-root.ts";
import { canonical, isPseudoVersion } from "../../gomod/version.ts";
import type { Ref } from "../objects/repository.ts";

const TAGS = "refs/tags/";

/** In the order in which the go command writes it. */
export interface Origin {
  readonly VCS: "git";
  /** Where git clones from. */
  readonly URL: string;
  /** The directory that the module path names, without the major version; absent at the root. */
  readonly Subdir?: string;
  /** The commit. */
  readonly Hash: string;
  readonly TagPrefix?: string;
  readonly TagSum?: string;
  readonly Ref?: string;
}

/** What an answer that may change depends on. */
export interface Dependence {
  /** The branch, tag or HEAD by which the commit was found. */
  readonly ref?: string | undefined;
  /** The tags that decided about the pseudo-version. */
  readonly tags?: { readonly prefix: string; readonly sum: string };
}

/** The origin of a commit of a module. */
export function originOf(
  url: string,
  location: Pick<ModuleLocation, "codeDir"> | undefined,
  commit: string,
  { ref, tags }: Dependence,
): Origin {
  return {
    VCS: "git",
    URL: url,
    ...(location?.codeDir ? { Subdir: location.codeDir } : {}),
    Hash: commit,
    ...(tags ? { ...(tags.prefix === "" ? {} : { TagPrefix: tags.prefix }), TagSum: tags.sum } : {}),
    ...(ref === undefined ? {} : { Ref: ref }),
  };
}

/** The tags that a pseudo-version of a module depends on, summed up: coderepo.go convert, codehost/git.go Tags. */
export function tagDependence(location: ModuleLocation, refs: readonly Ref[]): { prefix: string; sum: string } {
  const { tagPrefix, pathMajor } = location;
  const prefix = tagPrefix + (pathMajor === "" ? "" : `${pathMajor.slice(1)}.`);
  const directory = prefix.slice(0, prefix.lastIndexOf("/") + 1);
  const digest = createHash("sha256");
  for (const { name, oid, peeled } of refs) {
    if (!name.startsWith(TAGS + prefix)) continue;
    const tag = name.slice(TAGS.length);
    if (isOriginTag(tag.slice(directory.length))) digest.update(`${quote(tag)} ${peeled ?? oid}\n`);
  }
  return { prefix, sum: `t1:${digest.digest("base64")}` };
}

function isOriginTag(tag: string): boolean {
  const version = canonical(tag);
  return version !== "" && tag.startsWith(version) && !isPseudoVersion(tag);
}
