// Whether a pseudo-version that somebody asks for is one that the repository stands behind. Anybody can write one down, so
// all that it claims is checked: that the revision is exactly the short hash, the time that of the commit, and the version
// it comes after a tag that this commit descends from. Otherwise one could pin any commit above every release, or give one
// commit endless names. A base need not be the highest there is: higher tags may have come later.
// Sources: Go Modules Reference, "Pseudo-versions"; cmd/go/internal/modfetch/coderepo.go validatePseudoVersion, checkCanonical.

import { isFailure } from "../errors.ts";
import { compareBytewise } from "./byte-order.ts";
import { quote } from "./go-quote.ts";
import { checkPathMajor } from "./module-path.ts";
import type { ModuleLocation } from "./module-root.ts";
import {
  pseudoVersionBase,
  pseudoVersionRev,
  pseudoVersionTime,
  SHORT_HASH_LENGTH,
  timestampOf,
} from "./pseudo-version.ts";
import { canonicalVersion, compare, isIncompatible, major } from "./version.ts";

const withoutIncompatible = (version: string): string =>
  isIncompatible(version) ? version.slice(0, -"+incompatible".length) : version;

/** What the repository says about the commit that the pseudo-version names. */
export type CommitFacts = {
  location: ModuleLocation;
  /** The full hash, 40 or 64 digits. */
  hash: string;
  /** The committer's time. */
  time: Date;
  /** The names of all tags on the very commit, of whatever prefix. */
  tagsOnCommit: readonly string[];
  /** For each tag of precedingTags, in their order: whether the commit is it or descends from it. */
  precedingTags: readonly { name: string; isAncestor: boolean }[];
};

/** The version that a pseudo-version comes after, without +incompatible; undefined if none, or if it is malformed. */
function baseOf(version: string): string | undefined {
  try {
    return pseudoVersionBase(withoutIncompatible(version)) || undefined;
  } catch (error) {
    if (isFailure(error, "invalid")) return undefined;
    throw error;
  }
}

/**
 * The tags that may be the base of a pseudo-version, among all tags of the repository: those level with the version that it
 * comes after, build metadata aside, in the order of their names. Empty if it comes after none.
 */
export function precedingTags(location: ModuleLocation, version: string, tags: Iterable<string>): string[] {
  const base = baseOf(version);
  if (base === undefined) return [];
  return Array.from(tags)
    .filter((tag) => tag.startsWith(location.tagPrefix + base))
    .filter((tag) => compare(tag.slice(location.tagPrefix.length), base) === 0)
    .sort(compareBytewise);
}

/**
 * Why the repository refuses a pseudo-version, in the go command's words, or undefined. The place of go.mod and the major
 * version come first and are not looked at here: chooseModuleDirectory, canonicalVersionOf.
 */
export function pseudoVersionProblem(version: string, facts: CommitFacts): string | undefined {
  const { location, tagsOnCommit } = facts;
  try {
    const rev = pseudoVersionRev(version);
    const short = facts.hash.slice(0, SHORT_HASH_LENGTH);
    if (rev !== short) {
      if (rev.startsWith(short)) return `revision is longer than canonical (expected ${short})`;
      if (short.startsWith(rev)) return `revision is shorter than canonical (expected ${short})`;
      return `does not match short name of revision (expected ${short})`;
    }

    const timestamp = timestampOf(facts.time);
    if (timestampOf(pseudoVersionTime(version)) !== timestamp) {
      return `does not match version-control timestamp (expected ${timestamp})`;
    }

    const base = pseudoVersionBase(withoutIncompatible(version));
    if (base === "") {
      if (location.pseudoMajor === "" && major(version) === "v1") {
        return "major version without preceding tag must be v0, not v1";
      }
      return undefined;
    }

    // Go trims the prefix only where there is one, so that in a sub-directory a root tag of that number counts too.
    const trimmed = (tag: string): string =>
      tag.startsWith(location.tagPrefix) ? tag.slice(location.tagPrefix.length) : tag;
    const own = tagsOnCommit.find((tag) => trimmed(tag) === base);
    if (own !== undefined) {
      return `tag (${own}) found on revision ${rev} is already canonical, so should not be replaced with a pseudo-version derived from that tag`;
    }

    const last = facts.precedingTags.at(-1);
    if (last === undefined) return `preceding tag (${base}) not found`;
    if (!facts.precedingTags.some((tag) => tag.isAncestor)) {
      return `revision ${rev} is not a descendent of preceding tag (${last.name})`;
    }
    return undefined;
  } catch (error) {
    if (!isFailure(error, "invalid")) throw error;
    return error.message.replace(/^pseudo-version "[^"]*" invalid: /, "");
  }
}

/** What decides about +incompatible: the go.mod files of the commit. */
export type GoModFacts = {
  /** Whether the root holds a file go.mod. */
  hasRootGoMod: boolean;
  /** Whether the directory of a major version, such as `v2`, holds a file go.mod. */
  hasMajorGoMod: (major: string) => boolean;
};

/** Whether a module without a suffix may use the tag as +incompatible. `requested` is what the client asked for. */
export function canUseIncompatible(
  location: ModuleLocation,
  version: string,
  requested: string,
  goMods: GoModFacts,
): boolean {
  if (location.codeDir !== "" || location.pathMajor !== "" || goMods.hasRootGoMod) return false;
  // Old go commands did not look into vN/, so what is asked for explicitly must go on working (golang.org/issue/51324).
  return version === "" || requested.endsWith("+incompatible") || !goMods.hasMajorGoMod(major(version));
}

/**
 * The version under which a commit is known, given the canonical version that its tag or its pseudo-version says and what
 * the client asked for ("" for latest): itself, with +incompatible where that is needed. Or the reason why it is none, in
 * the go command's words, and the version that they speak of. To be asked after chooseModuleDirectory: checkCanonical.
 */
export function canonicalVersionOf(
  location: ModuleLocation,
  version: string,
  requested: string,
  goMods: GoModFacts,
): { version: string; reason?: undefined } | { version: string; reason: string } {
  let known = version === withoutIncompatible(requested) ? requested : version;
  const base = withoutIncompatible(known);
  const unsuffixed = known;
  let reason: string | undefined;
  if (checkPathMajor(base, location.pathMajor) !== undefined) {
    if (canUseIncompatible(location, base, requested, goMods)) known = `${base}+incompatible`;
    else if (location.pathMajor !== "") {
      reason = "module path includes a major version suffix, so major version must match";
    } else {
      const path = quote(`${location.pathPrefix}/${major(known)}`);
      reason = `module contains a go.mod file, so module path must match major version (${path})`;
    }
  } else if (isIncompatible(known)) {
    reason = `+incompatible suffix not allowed: major version ${major(known)} is compatible`;
  }
  const asked = withoutIncompatible(requested);
  if (requested !== "" && requested === canonicalVersion(requested) && asked !== base) {
    return { version: requested, reason: `resolves to version ${known} (${asked} is not a tag)` };
  }
  return reason === undefined ? { version: known } : { version: unsuffixed, reason };
}

/**
 * The whole message of the go command about a version that it refuses: `path@v1.0.0: invalid version: reason`. It says
 * "pseudo-version" only where pseudoVersionProblem gave the reason.
 */
export function invalidVersionMessage(
  path: string,
  version: string,
  reason: string,
  noun: "version" | "pseudo-version" = "version",
): string {
  return `${path}@${version}: invalid ${noun}: ${reason}`;
}
