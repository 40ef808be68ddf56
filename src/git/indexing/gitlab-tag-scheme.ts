// GitLab's way of making versions, for projects that chose it (tagScheme GITLAB): one tag v1.2.3 is a version of every
// directory with a go.mod, whose module line must be exactly the module path. Otherwise as GitLab's documentation
// ("Go proxy") and its VersionFinder and ModuleVersion classes have it, less its defects: go.mod is read by Go's line scan
// instead of by its first line, and times are UTC.

import { notFound } from "../../errors.ts";
import { declaredModulePath } from "../../gomod/go-mod-line.ts";
import { locateModule, type ModuleLocation } from "../../gomod/module-root.ts";
import { MAX_GO_MOD } from "../../gomod/module-zip.ts";
import { invalidVersionMessage } from "../../gomod/pseudo-check.ts";
import { pseudoVersion, pseudoVersionRev, SHORT_HASH_LENGTH, timestampOf } from "../../gomod/pseudo-version.ts";
import { gitlabVersionOfTag, type TaggedModule } from "../../gomod/tag-version.ts";
import { compare, isPseudoVersion, isValid } from "../../gomod/version.ts";
import { readLargeGoMod } from "../../registry/versions/readable-go-mod.ts";
import type { Repository } from "../objects/repository.ts";
import { resolveRevision } from "../objects/revision.ts";
import { runGit } from "../process/git-process.ts";
import { parseObjection } from "./go-mod-objection.ts";
import type { ModuleAtCommit } from "./module-at-commit.ts";
import type { PeeledTag, TagScheme } from "./tag-scheme.ts";

const TAGS = "refs/tags/";
/** A listing of all files of a commit larger than this is not looked through, in bytes. */
const MAX_LISTING_BYTES = 64 * 1024 * 1024;

export const GITLAB_TAG_SCHEME: TagScheme = {
  candidates: modulesOfCommit,
  atTag: (repository, { location, version }, { tag, peeled }) =>
    moduleAt(repository, location, { version, ref: TAGS + tag, commit: peeled }),
  atRevision: moduleAtRevision,
  // GitLab opens go.mod before it lists a tag.
  listsRefused: false,
};

/** Every directory of the tag's commit with a go.mod is a module, and the root; a root tag is a version of all of them. */
async function modulesOfCommit(
  repository: Repository,
  roots: readonly string[],
  { tag, peeled }: PeeledTag,
): Promise<TaggedModule[]> {
  if (!(await repository.commitInfo(peeled))) return [];
  const listing = await runGit(repository.directory, ["ls-tree", "-r", "-z", "--name-only", peeled], {
    maxOutputBytes: MAX_LISTING_BYTES,
  });
  const directories = listing
    .toString("utf8")
    .split("\0")
    .filter((path) => path === "go.mod" || path.endsWith("/go.mod"))
    .map((path) => path.slice(0, -"go.mod".length).replace(/\/$/, ""));
  if (!directories.includes("")) directories.unshift("");
  return roots.flatMap((root) =>
    directories.flatMap((directory) => {
      const modulePath = directory === "" ? root : `${root}/${directory}`;
      const version = gitlabVersionOfTag(modulePath, tag);
      const location = locateModule(root, modulePath);
      return version && location ? [{ modulePath, version, location }] : [];
    }),
  );
}

/** The directory that a module path names in a repository: everything below its root, the major suffix included. */
function gitlabDirectory(repositoryRoot: string, modulePath: string): string {
  return modulePath.slice(repositoryRoot.length + 1);
}

/** The version that a revision is, as TagScheme.atRevision has it; a branch is a pseudo-version, whatever tag is on it. */
async function moduleAtRevision(
  repository: Repository,
  location: ModuleLocation,
  requested: string,
): Promise<ModuleAtCommit> {
  const { modulePath } = location;
  const revision = isPseudoVersion(requested) ? pseudoVersionRev(requested) : requested || "HEAD";
  const commit = await resolveRevision(repository, revision);
  if (isPseudoVersion(requested)) {
    const problem = pseudoProblem(requested, commit.oid, commit.time);
    if (problem !== undefined)
      throw notFound(invalidVersionMessage(modulePath, requested, problem, "pseudo-version"), "version_invalid");
    return moduleAt(repository, location, { version: requested, ref: undefined, commit: commit.oid });
  }
  const version = gitlabVersionOfTag(modulePath, requested);
  if (version !== undefined && commit.ref === TAGS + requested)
    return moduleAt(repository, location, { version, ref: commit.ref, commit: commit.oid });
  if (isValid(requested))
    throw notFound(
      invalidVersionMessage(modulePath, requested, "is not a tag that fits the module path"),
      "version_invalid",
    );
  let base = "";
  for (const tag of await repository.tagsMerged(commit.oid)) {
    const candidate = gitlabVersionOfTag(modulePath, tag);
    if (candidate !== undefined && compare(candidate, base) > 0) base = candidate;
  }
  const known = pseudoVersion(location.pseudoMajor, base, commit.time, commit.oid.slice(0, SHORT_HASH_LENGTH));
  return moduleAt(repository, location, { version: known, ref: undefined, commit: commit.oid });
}

/** The module of a path at a commit, if go.mod there names exactly that path. Throws not-found with the reason. */
async function moduleAt(
  repository: Repository,
  location: ModuleLocation,
  at: { readonly version: string; readonly ref: string | undefined; readonly commit: string },
): Promise<ModuleAtCommit> {
  const { modulePath, repositoryRoot } = location;
  const directory = gitlabDirectory(repositoryRoot, modulePath);
  const info = await repository.commitInfo(at.commit);
  if (!info) throw notFound("the tag names no commit");
  const path = directory === "" ? "go.mod" : `${directory}/go.mod`;
  const file = await repository.readFile(info.oid, path, MAX_GO_MOD);
  if (file?.kind !== "file")
    throw notFound(invalidVersionMessage(modulePath, at.version, `missing ${path}`), "version_invalid");
  const declared = declaredModulePath(file.content);
  if (declared !== modulePath)
    throw notFound(
      invalidVersionMessage(
        modulePath,
        at.version,
        `${path} declares its path as ${declared || "nothing"}, not as ${modulePath}`,
      ),
      "version_invalid",
    );
  await readLargeGoMod(file.content);
  const objection = at.ref === undefined ? undefined : parseObjection(file.content);
  if (objection !== undefined)
    throw notFound(invalidVersionMessage(modulePath, at.version, objection), "version_invalid");
  return {
    version: at.version,
    commit: info.oid,
    time: info.time,
    ref: at.ref,
    directory,
    goMod: file.content,
    legacy: false,
  };
}

function pseudoProblem(version: string, hash: string, time: Date): string | undefined {
  const [, timestamp = "", rev = ""] = /(\d{14})-([0-9a-zA-Z]+)$/.exec(version) ?? [];
  if (rev !== hash.slice(0, SHORT_HASH_LENGTH)) return "revision is shorter than canonical";
  return timestamp === timestampOf(time) ? undefined : "does not match version-control timestamp";
}
