// GitLab's way of making versions, for projects that chose it (tagScheme GITLAB): one tag v1.2.3 is a version of every
// directory with a go.mod, whose module line must be exactly the module path. Otherwise as GitLab's documentation
// ("Go proxy") and its VersionFinder and ModuleVersion classes have it, less its defects: go.mod is read by Go's line scan
// instead of by its first line, and times are UTC.
import { notFound } from "../../errors.ts";
import { modulePathOf } from "../../gomod/go-mod-line.ts";
import type { ModuleLocation } from "../../gomod/module-root.ts";
import { MAX_GO_MOD } from "../../gomod/module-zip.ts";
import { invalidVersionMessage } from "../../gomod/pseudo-check.ts";
import { pseudoVersion, pseudoVersionRev, SHORT_HASH_LENGTH, timestampOf } from "../../gomod/pseudo-version.ts";
import { gitlabVersionOfTag } from "../../gomod/tag-version.ts";
import { compare, isPseudoVersion, isValid } from "../../gomod/version.ts";
import type { Repository } from "../objects/repository.ts";
import type { ModuleAtCommit } from "./module-at-commit.ts";

const TAGS = "refs/tags/";

/** The directory that a module path names in a repository: everything below its root, the major suffix included. */
function gitlabDirectory(repositoryRoot: string, modulePath: string): string {
  return modulePath.slice(repositoryRoot.length + 1);
}

/** As moduleAtRevision, by GitLab's rules. */
export async function gitlabModuleAtRevision(
  repository: Repository,
  location: ModuleLocation,
  requested: string,
): Promise<ModuleAtCommit> {
  const { modulePath } = location;
  const revision = isPseudoVersion(requested) ? pseudoVersionRev(requested) : requested || "HEAD";
  const commit = await repository.resolveRevision(revision);
  if (isPseudoVersion(requested)) {
    const problem = pseudoProblem(requested, commit.oid, commit.time);
    if (problem !== undefined) throw notFound(invalidVersionMessage(modulePath, requested, problem, "pseudo-version"));
    return gitlabModuleAt(repository, location, { version: requested, ref: undefined, commit: commit.oid });
  }
  const version = gitlabVersionOfTag(modulePath, requested);
  if (version !== undefined && commit.ref === TAGS + requested)
    return gitlabModuleAt(repository, location, { version, ref: commit.ref, commit: commit.oid });
  if (isValid(requested))
    throw notFound(invalidVersionMessage(modulePath, requested, "is not a tag that fits the module path"));
  let base = "";
  for (const tag of await repository.tagsMerged(commit.oid)) {
    const candidate = gitlabVersionOfTag(modulePath, tag);
    if (candidate !== undefined && compare(candidate, base) > 0) base = candidate;
  }
  const known = pseudoVersion(location.pseudoMajor, base, commit.time, commit.oid.slice(0, SHORT_HASH_LENGTH));
  return gitlabModuleAt(repository, location, { version: known, ref: undefined, commit: commit.oid });
}

/** The module of a path at a commit, if go.mod there names exactly that path. Throws not-found with the reason. */
export async function gitlabModuleAt(
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
  if (file?.kind !== "file") throw notFound(invalidVersionMessage(modulePath, at.version, `missing ${path}`));
  const declared = modulePathOf(file.content);
  if (declared !== modulePath)
    throw notFound(
      invalidVersionMessage(
        modulePath,
        at.version,
        `${path} declares its path as ${declared || "nothing"}, not as ${modulePath}`,
      ),
    );
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
